/**
 * What is known of one provider: its metadata and its keys, looked for in the background and again whenever somebody
 * wants to sign in while it is away. The gateway starts without it.
 *
 * @module
 */
import { createRemoteJWKSet, type JWTVerifyGetKey, customFetch as joseFetch } from 'jose'
import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  type ServerMetadata,
} from 'openid-client'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import { type AskingRules, askingRules, createAsk, isTakenUrl } from './bounded-fetch.ts'
import { faultOf } from './faults.ts'
import type { OidcProviderSettings } from './settings.ts'

/** A provider that answered. */
export interface Known {
  readonly config: Configuration
  readonly metadata: Readonly<ServerMetadata>
  /** Its keys, fetched when one is needed, and again for one that is not among them. */
  readonly keyFor: JWTVerifyGetKey
  /** Signatures it may use: never `none`, never one whose key both sides hold. */
  readonly algorithms: readonly string[]
}

export interface Connection {
  readonly isUp: boolean
  /** The provider, as it was found last; looks for it when it is down. Undefined: it doesn't answer. */
  find(): Promise<Known | undefined>
  /** Looks for it in the background, if it is down and wasn't looked for just now. */
  nudge(): void
  /** As it was found last, even if it is down now. */
  readonly known: Known | undefined
  /** It did not answer just now: it is down until it is found again. */
  lost(): void
  close(): void
}

export interface ConnectionDeps {
  readonly name: string
  readonly settings: OidcProviderSettings
  readonly clock: Clock
  readonly log: Log
}

/** Between looks for one that is down: doubled each time, up to the second. */
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000
const TIMEOUT_MS = 5000
/** A provider changes its metadata now and then. */
const REFRESH_MS = 10 * 60_000
/** Visitors make it look again no more often than this. */
const REST_MS = 1000

/** Signatures with a pair of keys (RFC 7518, RFC 8037). */
const SIGNATURES = ['RS', 'PS', 'ES', 'Ed'] as const

export function createConnection({ name, settings, clock, log }: ConnectionDeps): Connection {
  const { timeoutMs = TIMEOUT_MS } = settings
  const rules = askingRules(settings.issuer, settings.allowInsecure === true)
  const ask = createAsk({ rules, timeoutMs })
  let known: Known | undefined
  let isUp = false
  let isClosed = false
  let looking: Promise<Known | undefined> | undefined
  let retryMs = FIRST_RETRY_MS
  let failedAt = Number.NEGATIVE_INFINITY
  /** What was said last, so that a provider that stays away is no line each minute. */
  let said: string | undefined
  let cancel = (): void => {}

  const lookIn = (ms: number): void => {
    cancel()
    if (!isClosed) cancel = clock.after(ms, () => void look())
  }

  async function discover(): Promise<Known> {
    const { clientId, clientSecret } = settings
    const config = await discovery(
      new URL(settings.issuer),
      clientId,
      undefined,
      (as, client, body, headers) => clientAuthOf(as, clientSecret)(as, client, body, headers),
      {
        [customFetch]: ask as never,
        timeout: timeoutMs / 1000,
        // What may be asked without TLS is decided in `ask`, address by address.
        execute: [allowInsecureRequests, enableNonRepudiationChecks],
      },
    )
    const metadata = config.serverMetadata()
    const algorithms = checkMetadata(metadata, rules)
    const keyFor = createRemoteJWKSet(new URL(metadata.jwks_uri!), {
      timeoutDuration: timeoutMs,
      [joseFetch]: ask as never,
    })
    return { config, metadata, keyFor, algorithms }
  }

  function look(): Promise<Known | undefined> {
    looking ??= discover()
      .then(
        (found) => {
          known = found
          if (!isUp && !isClosed) log.info({ provider: name }, 'sign-in provider found')
          isUp = true
          said = undefined
          retryMs = FIRST_RETRY_MS
          lookIn(REFRESH_MS)
          return found
        },
        (error: unknown) => {
          isUp = false
          failedAt = clock.monotonic()
          const { reason } = error instanceof MetadataError ? error : faultOf(error)
          if (said !== reason && !isClosed) {
            log.warn({ provider: name, issuer: settings.issuer, reason }, 'sign-in provider not found')
          }
          said = reason
          lookIn(retryMs)
          retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
          return undefined
        },
      )
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  function find(): Promise<Known | undefined> {
    if (isUp) return Promise.resolve(known)
    if (!looking && clock.monotonic() - failedAt < REST_MS) return Promise.resolve(undefined)
    return look()
  }

  void look()
  return {
    get isUp() {
      return isUp
    },
    get known() {
      return known
    },
    find,
    nudge: () => void find(),
    lost() {
      if (!isUp) return
      isUp = false
      log.warn({ provider: name }, 'sign-in provider does not answer')
      lookIn(FIRST_RETRY_MS)
    },
    close() {
      isClosed = true
      cancel()
    },
  }
}

/** The provider says something of itself that can't be taken. A constant word. */
class MetadataError extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.name = 'MetadataError'
    this.reason = reason
  }
}

/**
 * Checks where the provider sends us and our visitors; the algorithms it may use.
 *
 * @throws MetadataError
 */
function checkMetadata(metadata: Readonly<ServerMetadata>, rules: AskingRules): readonly string[] {
  const {
    authorization_endpoint,
    token_endpoint,
    jwks_uri,
    end_session_endpoint,
    userinfo_endpoint,
    id_token_signing_alg_values_supported: offered = ['RS256'],
  } = metadata
  const needed = [authorization_endpoint, token_endpoint, jwks_uri]
  const optional = [end_session_endpoint, userinfo_endpoint].filter((url) => url !== undefined)
  for (const url of [...needed, ...optional]) {
    if (!isTakenUrl(url, rules)) throw new MetadataError('metadata-endpoint')
  }
  if (!Array.isArray(offered)) throw new MetadataError('metadata-algorithms')
  const algorithms = offered.filter(
    (alg: unknown): alg is string =>
      typeof alg === 'string' && SIGNATURES.some((kind) => alg.startsWith(kind)),
  )
  if (algorithms.length === 0) throw new MetadataError('metadata-algorithms')
  return algorithms
}

/** How we show who we are: the way every provider knows, unless this one says it doesn't. */
function clientAuthOf(as: ServerMetadata, secret: string | undefined) {
  if (secret === undefined) return None()
  const methods = as.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return methods.includes('client_secret_basic') || !methods.includes('client_secret_post')
    ? ClientSecretBasic(secret)
    : ClientSecretPost(secret)
}
