/**
 * Leases: an instance's right to be listed for a while, renewed by every sign of life.
 *
 * Time is the monotonic clock of this process only; nodes never compare clocks.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

export interface Leases {
  /** Grants or renews. */
  renew(id: string, ttlMs: number): void
  release(id: string): void
  /** Milliseconds since the last sign of life, or undefined without a lease. */
  silentForMs(id: string): number | undefined
  /** Ids whose lease ran out since the last call; each is reported once. */
  takeLapsed(): string[]
}

/** Makes an empty book of leases. A lease of 5 000 ms lapses when more than 5 000 ms have passed (`medusa.md` 2.6). */
export function createLeases({ clock }: { clock: Pick<Clock, 'monotonic'> }): Leases {
  const book = new Map<string, { seenAt: number; ttlMs: number }>()
  return {
    renew: (id, ttlMs) => void book.set(id, { seenAt: clock.monotonic(), ttlMs }),
    release: (id) => void book.delete(id),
    silentForMs(id) {
      const lease = book.get(id)
      return lease && clock.monotonic() - lease.seenAt
    },
    takeLapsed() {
      const now = clock.monotonic()
      const lapsed: string[] = []
      for (const [id, { seenAt, ttlMs }] of book) {
        if (now - seenAt > ttlMs) lapsed.push(id)
      }
      for (const id of lapsed) book.delete(id)
      return lapsed
    },
  }
}
