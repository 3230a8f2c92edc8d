/**
 * Verifies tokens of the gateway, and remembers those that held.
 *
 * Accepted is what the gateway makes and nothing else: RS256, a key it names, its own `iss`, for all services or for
 * this one.
 *
 * @module
 */
import { type Login, TOKEN_ISSUER, tokenClaims } from '@hydra-gateway/protocol'
import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { KeySet } from './key-set.ts'
import { describe, type Verified } from './verified.ts'

export interface VerifierDeps {
  /** Name of this service. */
  readonly service: string
  readonly login: Login
  readonly keys: Pick<KeySet, 'get' | 'has'>
  /** Role at the gateway to role in this service, once it was said. */
  readonly roleMappings: () => Promise<Readonly<Record<string, string>>>
  /** Epoch ms. */
  readonly now: () => number
  /** Why a token does not hold; never the token. */
  readonly onFault: (reason: string) => void
}

export interface Verifier {
  /**
   * Who a token belongs to; undefined when it does not hold.
   *
   * @throws KeysUnknownError when the gateway has not said its keys yet
   */
  verify(token: string): Promise<Verified | undefined>
  /** What was verified with keys that are gone is forgotten. */
  forgetGone(): void
  /** Everything is, because what is said of people changed. */
  forgetAll(): void
}

const MOST_TOKENS = 1000
/** Clocks of two machines differ a little. */
const LATE_S = 5
const FUTURE_S = 30

interface Held {
  readonly verified: Verified
  readonly kid: string
}

export function createVerifier({ service, login, keys, roleMappings, now, onFault }: VerifierDeps): Verifier {
  const held = new Map<string, Held>()
  const running = new Map<string, Promise<Verified | undefined>>()

  async function prove(token: string): Promise<Verified | undefined> {
    try {
      const { alg, kid } = headOf(token)
      if (alg !== 'RS256' || typeof kid !== 'string') throw new Fault('it is not signed as the gateway does')
      const key = await keys.get(kid)
      if (!key) throw new Fault('its key is none of the gateway’s')
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['RS256'],
        issuer: TOKEN_ISSUER,
        requiredClaims: ['exp'],
        clockTolerance: LATE_S,
        currentDate: new Date(now()),
      })
      const claims = tokenClaims.safeParse(payload)
      if (!claims.success)
        throw new Fault(`claim ${claims.error.issues[0]?.path.join('.')} is not as it must be`)
      const { aud, iat } = claims.data
      if (aud === undefined ? login === 'header' : aud !== service)
        throw new Fault('it is for another service')
      if (iat !== undefined && iat * 1000 > now() + FUTURE_S * 1000)
        throw new Fault('it was made in the future: do the clocks agree?')
      const mappings = await roleMappings()
      const verified = describe(claims.data, token, mappings)
      if (keys.has(kid)) keep(token, { verified, kid })
      return verified
    } catch (fault) {
      if (!(fault instanceof Fault) && !(fault instanceof errors.JOSEError)) throw fault
      // That happens to everybody who was away for a while.
      if (!(fault instanceof errors.JWTExpired)) onFault(fault.message)
      return undefined
    }
  }

  function keep(token: string, entry: Held): void {
    held.set(token, entry)
    for (const oldest of held.keys()) {
      if (held.size <= MOST_TOKENS) break
      held.delete(oldest)
    }
  }

  return {
    async verify(token) {
      const entry = held.get(token)
      if (entry) {
        if (now() < entry.verified.expiresAt + LATE_S * 1000) return entry.verified
        held.delete(token)
        return undefined
      }
      let run = running.get(token)
      if (!run) {
        run = prove(token).finally(() => running.delete(token))
        running.set(token, run)
      }
      return run
    },
    forgetGone() {
      for (const [token, { kid }] of held) if (!keys.has(kid)) held.delete(token)
    },
    forgetAll: () => held.clear(),
  }
}

function headOf(token: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(token)
  } catch {
    throw new Fault('it is no token')
  }
}

/** A token that does not hold, in words. */
class Fault extends Error {}
