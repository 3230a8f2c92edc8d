/**
 * Tokens: what a session gives a browser and the services, and what a request is known by.
 *
 * A token that was seen lately costs a look-up, its expiry, and whether its key is still in the ring. Any other costs
 * one signature check, however many ask at once, and what was found is remembered, good or bad.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { TOKEN_ISSUER } from '@hydra-gateway/protocol'
import { compactVerify, SignJWT } from 'jose'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import { identityKey, revocableKeys } from './identities.ts'
import type { Caller, Identity, KeyRing, Session, TokenFault, Tokens } from './port.ts'
import { copyOf, createRecentTokens } from './recent-tokens.ts'
import type { Sealer } from './sealing.ts'
import { startOf } from './session-id.ts'
import {
  BACKDATED_S,
  type Claims,
  identitiesOf,
  largestPart,
  ownOf,
  personClaims,
  readClaims,
} from './token-claims.ts'
import { readTokenHeader, tokenHeader } from './token-header.ts'

export interface TokenSettings {
  readonly lifeMs: number
  /** Age from which the browser renews. */
  readonly renewAfterMs: number
  /** A session ends when it was not renewed for that long. */
  readonly idleMs: number
  /** Longest token: a browser takes cookies of 4096 bytes, name and attributes included. @default 3800 */
  readonly maxBytes?: number
  /** Memory for tokens that were verified lately, in characters of them. @default 12 MiB: some thousand people */
  readonly cacheBytes?: number
}

export interface TokenDeps {
  readonly ring: KeyRing
  /** For `own`. */
  readonly sealer: Pick<Sealer, 'seal' | 'open'>
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'after'>
  readonly settings: TokenSettings
  readonly random?: (bytes: number) => string
}

const CACHE_BYTES = 12 * 1024 * 1024
/** Of bad ones, twice that at most: what strangers send takes no room from who is signed in. */
const KEPT_BAD = 1_000_000
/** A key nobody here knows may be one that another node has just made: the ring is read again, that seldom. */
const LOOK_EVERY_MS = 1000

export function createTokens({
  ring,
  sealer,
  clock,
  settings,
  random = (bytes) => randomBytes(bytes).toString('base64url'),
}: TokenDeps): Tokens {
  const { lifeMs, renewAfterMs, idleMs, maxBytes = 3800, cacheBytes = CACHE_BYTES } = settings
  // Two generations.
  const good = createRecentTokens<Caller>(cacheBytes / 2)
  const bad = createRecentTokens<TokenFault>(KEPT_BAD)
  const pending = new Map<string, Promise<Caller | TokenFault>>()
  const lookAgain = createSeldom(() => ring.look(), clock)
  ring.onChange(() => bad.clear())

  /** What is asked of a token each time, however well it is known. */
  const judge = (caller: Caller, audience: string | undefined): Caller | TokenFault => {
    if (caller.audience !== audience) return 'audience'
    if (clock.now() >= caller.expiresAt) return 'expired'
    return ring.has(caller.kid) ? caller : 'unknown-key'
  }

  const callerOf = async (token: string, kid: string, claims: Claims): Promise<Caller> => {
    const opened = claims.own === undefined ? undefined : await sealer.open(claims.own)
    const identities = identitiesOf(claims, opened)
    const expiresAt = claims.exp * 1000
    return Object.freeze({
      ...{ token: copyOf(token), kid, jti: claims.jti, sid: claims.sid, audience: claims.aud },
      startedAt: startOf(claims.sid)!,
      expiresAt,
      sessionEndsAt: claims.session_exp * 1000,
      renewAt: Math.min((claims.iat + BACKDATED_S) * 1000 + renewAfterMs, expiresAt),
      identities,
      providers: Object.freeze([...new Set(identities.map(({ provider }) => provider))]),
      revocableAs: Object.freeze(revocableKeys(claims.sid, identities, claims.psid ?? [])),
    })
  }

  const examine = async (
    token: string,
    kid: string,
    looked?: Promise<void>,
  ): Promise<Caller | TokenFault> => {
    await looked
    const key = ring.verifyingKey(kid)
    if (!key) return 'unknown-key'
    const verified = await compactVerify(token, key, { algorithms: ['RS256'] }).catch(() => undefined)
    const claims = verified ? readClaims(verified.payload, clock.now()) : 'forged'
    if (typeof claims !== 'string') {
      const caller = await callerOf(token, kid, claims)
      good.add(caller.token, caller)
      return caller
    }
    // The future comes.
    if (claims !== 'future') bad.add(copyOf(token), claims)
    return claims
  }

  const claimsOf = async (session: Session, shown: Identity, isShared: boolean, isOwn: boolean) => {
    const own = isOwn ? ownOf(shown, shownFirst(session.identities, shown), isShared) : undefined
    return {
      ...personClaims(shown, session.identities),
      ...(own ? { own: await sealer.seal(own) } : {}),
    }
  }

  return {
    async sign(session, { audience, kid, as, until = Number.POSITIVE_INFINITY } = {}) {
      const now = clock.now()
      const { kid: by, key } = ring.signingKey(kid)
      const shown = as ?? session.identities[0]!
      const sessionEndsAt = Math.min(session.seenAt + idleMs, session.endsAt)
      const ends = Math.min(now + lifeMs, sessionEndsAt, until, kid === undefined ? until : endOf(ring, by))
      const jti = random(16)
      const frame = {
        iss: TOKEN_ISSUER,
        exp: Math.floor(ends / 1000),
        iat: Math.floor(now / 1000) - BACKDATED_S,
        ...(audience === undefined ? {} : { aud: audience }),
        ...{ jti, sid: session.sid, session_exp: Math.floor(sessionEndsAt / 1000) },
      }
      const write = async (isOwn: boolean) => {
        const said = await claimsOf(session, shown, audience === undefined, isOwn)
        const token = await new SignJWT({ ...frame, ...said }).setProtectedHeader(tokenHeader(by)).sign(key)
        return { said, token }
      }
      let { said, token } = await write(true)
      // A service can't read `own`, and of one identity it only tells what its provider calls the session.
      const canDoWithout = audience !== undefined || session.identities.length === 1
      if (token.length > maxBytes && canDoWithout) ({ said, token } = await write(false))
      if (token.length > maxBytes) {
        throw new HydraError(
          'HYDRA_LOGIN_FAILED',
          `What is known of this account takes ${token.length} bytes, and a cookie has room for ${maxBytes}. Most of it is ${largestPart(said)}.`,
        )
      }
      const renewAt = Math.min((frame.iat + BACKDATED_S) * 1000 + renewAfterMs, frame.exp * 1000)
      return { token, jti, expiresAt: frame.exp * 1000, renewAt }
    },

    verify(token, audience) {
      if (token.length > maxBytes) return 'oversize'
      const known = good.get(token)
      if (known) return judge(known, audience)
      const fault = bad.get(token)
      if (fault) return fault

      let examined = pending.get(token)
      if (!examined) {
        const header = readTokenHeader(token)
        if (typeof header === 'string') return header
        const looked = ring.has(header.kid) ? undefined : lookAgain()
        if (!looked && !ring.has(header.kid)) return 'unknown-key'
        examined = examine(token, header.kid, looked).finally(() => pending.delete(token))
        pending.set(token, examined)
      }
      return examined.then((found) => (typeof found === 'string' ? found : judge(found, audience)))
    },

    // Sealed in the browser's other cookie is all of it; this is what a request outside of its path shows.
    sessionOf: ({ sid, startedAt, sessionEndsAt, identities }) => ({
      ...{ sid, startedAt, identities },
      seenAt: Math.max(startedAt, sessionEndsAt - idleMs),
      endsAt: sessionEndsAt,
    }),
  }
}

/** The identities of a session, the one that is shown (as it is at the gateway) before the others. */
function shownFirst(identities: readonly Identity[], shown: Identity): readonly Identity[] {
  const key = identityKey(shown)
  const first = identities.find((one) => identityKey(one) === key) ?? shown
  return [first, ...identities.filter((one) => one !== first)]
}

/** Until when tokens of a key are valid. */
function endOf(ring: KeyRing, kid: string): number {
  return ring.list().find((key) => key.kid === kid)?.until ?? Number.POSITIVE_INFINITY
}

/**
 * Runs something at most once in a while, for all who ask meanwhile. Undefined: it was done too lately. It is waited for
 * a second at most, and its failure is nobody's here.
 */
function createSeldom(run: () => Promise<void>, clock: TokenDeps['clock']): () => Promise<void> | undefined {
  let running: Promise<void> | undefined
  let ranAt = Number.NEGATIVE_INFINITY
  return () => {
    if (running || clock.monotonic() - ranAt < LOOK_EVERY_MS) return running
    ranAt = clock.monotonic()
    running = new Promise<void>((resolve) => {
      const stop = clock.after(LOOK_EVERY_MS, resolve)
      const done = () => {
        stop()
        resolve()
      }
      run().then(done, done)
    }).finally(() => {
      running = undefined
    })
    return running
  }
}
