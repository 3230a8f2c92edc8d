/**
 * The session somebody has at a provider, as it stands in tokens (`psid`) and revocations: a hash, so that nobody reads
 * the provider's own name of it there.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Identity } from './port.ts'

/** Enough that two sessions of a site never meet, and little in a token. */
const LENGTH = 16

/** SHA-256 of `provider:sid`, base64url, its first 16 characters. */
export function providerSessionHash(provider: string, sid: string): string {
  return createHash('sha256').update(`${provider}:${sid}`).digest('base64url').slice(0, LENGTH)
}

/** Stands before the hash where an identity was read from a token, which does not tell the session's own name. */
const HASHED = 'psid:'

type OfProvider = Pick<Identity, 'provider' | 'providerSession'>

/** What stands for an identity's session at its provider in tokens and revocations; undefined without one. */
export function sessionHashOf({ provider, providerSession }: OfProvider): string | undefined {
  if (providerSession?.startsWith(HASHED)) return providerSession.slice(HASHED.length)
  return providerSession === undefined ? undefined : providerSessionHash(provider, providerSession)
}

/** The provider's own name of the session, where it is known. */
export function sessionNameOf({ providerSession }: Pick<Identity, 'providerSession'>): string | undefined {
  return providerSession?.startsWith(HASHED) ? undefined : providerSession
}

/** What is kept of a session's name in an identity that was read from a token. */
export function hashedSession(hash: string): string {
  return HASHED + hash
}
