/**
 * The gateway's keys: asked for when the line opens, again when it says that they changed, and when a token names one
 * that is not known. The last ones are kept while the gateway is away.
 *
 * Whatever tokens are sent here, the gateway is asked no more often than every two seconds.
 *
 * @module
 */
import { keysAnswer, type PublicJwk } from '@hydra-gateway/protocol'
import { importJWK } from 'jose'
import { deferred, nothing, within } from '../waiting.ts'

export type VerifyingKey = Awaited<ReturnType<typeof importJWK>>

export interface KeySetDeps {
  /** Called when keys are gone: what they signed holds no longer. */
  readonly onGone: () => void
  readonly warn: (sentence: string) => void
  readonly times?: KeyTimes
}

export interface KeyTimes {
  /** Between two questions. */
  readonly pauseMs: number
  /** How long a request waits for the first answer. */
  readonly firstMs: number
}

export interface KeySet {
  /**
   * The key of that name. Waits for the gateway's answer where it may help; undefined when there is no such key.
   *
   * @throws KeysUnknownError when the gateway has not said yet which keys there are
   */
  get(kid: string): Promise<VerifyingKey | undefined>
  has(kid: string): boolean
  /** The line is open: `ask` is `hydra.keys`. */
  connected(ask: () => Promise<unknown>): void
  disconnected(): void
  /** Which key signs now, as the overview says. */
  learn(publicKey: string | null): void
}

/** Nobody can be recognised yet: the gateway has not told its keys. Not the visitor's fault. */
export class KeysUnknownError extends Error {
  readonly code = 'HYDRA_KEYS_UNKNOWN'

  constructor(service: string) {
    super(`${service} was not told yet by which keys a sign-in is verified: it has no line to the gateway`)
    this.name = 'KeysUnknownError'
  }
}

export const KEY_TIMES: KeyTimes = { pauseMs: 2000, firstMs: 2000 }
/** Requests with unknown keys that are waited for: whoever comes around the gateway can make up any number. */
const MOST_WAITING = 1000
/** For an answer, beside the pause before its question. */
const ANSWER_MS = 1000

export function createKeySet(
  { onGone, warn, times: { pauseMs, firstMs } = KEY_TIMES }: KeySetDeps,
  service: string,
): KeySet {
  const known = deferred()
  let keys: ReadonlyMap<string, VerifyingKey> = new Map()
  let isKnown = false
  let ask: (() => Promise<unknown>) | undefined
  let active: string | null | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined
  let waiting = 0
  /** Something changed after the last question was sent. */
  let isStale = false

  function refresh(): Promise<void> {
    asking ??= askOnce().finally(() => {
      asking = undefined
    })
    return asking
  }

  async function askOnce(): Promise<void> {
    do {
      const restMs = askedAt + pauseMs - performance.now()
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs).unref())
      if (!ask) return
      isStale = false
      askedAt = performance.now()
      try {
        await take(await ask())
      } catch (fault) {
        warn(`the gateway did not say its keys: ${(fault as Error).message}`)
      }
    } while (isStale)
  }

  async function take(answer: unknown): Promise<void> {
    const { keys: list } = keysAnswer.parse(answer)
    const imported = await Promise.all(list.map(imports))
    const next = new Map(imported.filter((entry) => entry !== undefined))
    const isGone = [...keys.keys()].some((kid) => !next.has(kid))
    keys = next
    isKnown = true
    known.resolve()
    if (isGone) onGone()
  }

  async function imports(jwk: PublicJwk): Promise<readonly [string, VerifyingKey] | undefined> {
    try {
      return [jwk.kid, await importJWK(jwk, 'RS256')]
    } catch (fault) {
      warn(`a key of the gateway can't be read: ${(fault as Error).message}`)
      return undefined
    }
  }

  return {
    has: (kid) => keys.has(kid),
    async get(kid) {
      const key = keys.get(kid)
      if (key) return key
      if (isKnown && waiting >= MOST_WAITING) return undefined
      waiting++
      try {
        // With a line, the question is under way, or is asked again.
        const asked = ask ? refresh() : undefined
        if (!isKnown) await within(firstMs, known.promise)
        else if (asked) await within(pauseMs + ANSWER_MS, asked)
      } finally {
        waiting--
      }
      if (!isKnown) throw new KeysUnknownError(service)
      return keys.get(kid)
    },
    connected(next) {
      ask = next
      askedAt = Number.NEGATIVE_INFINITY
      isStale = true
      refresh().catch(nothing)
    },
    disconnected() {
      ask = undefined
    },
    learn(publicKey) {
      const isNews = active !== undefined && active !== publicKey
      active = publicKey
      if (!isNews || !ask) return
      isStale = true
      refresh().catch(nothing)
    },
  }
}
