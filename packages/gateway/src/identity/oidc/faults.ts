/**
 * Why a provider's answer was of no use, as a constant word for log and metrics, and what the visitor is told. What
 * the provider wrote never gets into either: it may hold codes and tokens.
 *
 * @module
 */
import { errors } from 'jose'
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { AskingError } from './bounded-fetch.ts'

export interface Fault {
  /** A constant word. */
  readonly reason: string
  /**
   * `refused`: somebody said no there. `busy`: it says itself that it can't now. `down`: it doesn't answer. `failed`: what
   * it answered does not hold.
   */
  readonly kind: 'refused' | 'busy' | 'down' | 'failed'
  /** The claim that did not hold. */
  readonly claim?: string
}

/** Answers of the authorization endpoint that mean: not now, or not by this person. */
const REFUSED = new Set([
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
])
const BUSY = new Set(['temporarily_unavailable', 'server_error'])

export function faultOf(error: unknown): Fault {
  if (error instanceof AuthorizationResponseError) {
    if (REFUSED.has(error.error)) return { reason: 'denied', kind: 'refused' }
    return BUSY.has(error.error)
      ? { reason: 'provider-busy', kind: 'busy' }
      : { reason: 'provider-error', kind: 'failed' }
  }
  if (error instanceof ResponseBodyError) {
    if (error.status >= 500) return { reason: 'provider-busy', kind: 'busy' }
    if (error.error === 'invalid_client') return { reason: 'client-refused', kind: 'failed' }
    return { reason: error.error === 'invalid_grant' ? 'code-refused' : 'provider-error', kind: 'failed' }
  }
  if (error instanceof WWWAuthenticateChallengeError) return challenged(error)
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof AskingError) return { reason: at.code, kind: 'failed' }
    if (at.name === 'TimeoutError' || at instanceof errors.JWKSTimeout) {
      return { reason: 'timeout', kind: 'down' }
    }
    // undici's word for a connection that was refused or cut.
    if (at instanceof TypeError && at.message === 'fetch failed')
      return { reason: 'unreachable', kind: 'down' }
    if (at instanceof TypeError && at.message === 'terminated') return { reason: 'cut', kind: 'down' }
  }
  if (error instanceof ClientError && error.code) {
    const { code, cause } = error
    if (cause instanceof Response && cause.status >= 500) return { reason: 'provider-busy', kind: 'busy' }
    const claim = claimOf(cause)
    return {
      // OAUTH_JWT_CLAIM_COMPARISON_FAILED
      reason: code
        .replace(/^OAUTH_/, '')
        .toLowerCase()
        .replaceAll('_', '-'),
      kind: 'failed',
      ...(claim === undefined ? {} : { claim }),
    }
  }
  return { reason: 'unusable', kind: 'failed' }
}

/**
 * A refusal with a challenge. Of clients by their secret (RFC 6749, 5.2) the body is not read any more; an access token,
 * which is what `Bearer` asks for, is ours only at the UserInfo endpoint.
 */
function challenged({ status, cause }: WWWAuthenticateChallengeError): Fault {
  if (status >= 500) return { reason: 'provider-busy', kind: 'busy' }
  const isOfToken = cause.every(({ scheme }) => scheme === 'bearer' || scheme === 'dpop')
  return { reason: isOfToken ? 'userinfo-refused' : 'client-refused', kind: 'failed' }
}

/** The library names the claim some causes down. */
function claimOf(cause: unknown): string | undefined {
  const { claim } = ((cause as { cause?: unknown })?.cause ?? {}) as { claim?: unknown }
  return typeof claim === 'string' && /^[\w-]{1,40}$/.test(claim) ? claim : undefined
}
