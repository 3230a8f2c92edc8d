/**
 * New keys for Medusa's applications: they take one key, when they register. Answered 410 to a beat they register again
 * (`medusa.md` 1.2), so after the key changed each gets one such answer, spread over a while: for a second its pages do
 * without fragments.
 *
 * Until they have the new key their tokens are signed with the one they hold: nobody has to sign in again.
 *
 * @module
 */
import type { IdentityFacts } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { KnownInstance } from './port.ts'

/** They are told within 30 s, each at a moment of its own: one beat finds out, and one beat later than that it is due. */
const SPREAD_MS = 24_000
/** Who didn't come back for the key is told once more: the answer may have been lost. */
const AGAIN_MS = 60_000
/** Instances that wait to be told. */
const MOST_WAITING = 10_000

export interface Rekeying {
  /** Whether the answer to a beat of this instance must make it register again. It counts as told then. */
  isDue(instance: Pick<KnownInstance, 'id' | 'keyId'>): boolean
}

export function createRekeying({
  identity,
  random,
  clock,
}: {
  readonly identity: Pick<IdentityFacts, 'keyId'>
  readonly random: () => number
  readonly clock: Pick<Clock, 'monotonic'>
}): Rekeying {
  /** When an instance is told, by its id, and the key it is to get. */
  const waiting = new Map<string, { readonly keyId: string; readonly at: number }>()
  return {
    isDue({ id, keyId }) {
      const now = identity.keyId()
      if (keyId === undefined || now === undefined || keyId === now) {
        if (waiting.size > 0) waiting.delete(id)
        return false
      }
      const at = clock.monotonic()
      const known = waiting.get(id)
      if (known?.keyId !== now) {
        if (waiting.size >= MOST_WAITING) waiting.clear()
        waiting.set(id, { keyId: now, at: at + random() * SPREAD_MS })
        return false
      }
      if (at < known.at) return false
      waiting.set(id, { keyId: now, at: at + AGAIN_MS })
      return true
    },
  }
}
