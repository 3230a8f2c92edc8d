/**
 * Hearing: who gave a sign of life at this node, and whether it can be believed. A process that stood still reads old words
 * when it goes on; they count for its own leases, and prove nothing to the other nodes.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

export interface Hearing {
  /** A sign of life, of now. */
  hear(id: string): void
  /** Milliseconds since the last one that can be believed; infinite without one. */
  silentForMs(id: string): number
  /** It is not heard here any more. */
  unhear(id: string): void
  sweep(isKnown: (id: string) => boolean): void
  /** What is said is believed, or not until further notice. */
  believe(isBelieved: boolean): void
}

export function createHearing({ clock }: { readonly clock: Pick<Clock, 'monotonic'> }): Hearing {
  const heardAt = new Map<string, number>()
  let isBelieved = true
  return {
    hear(id) {
      if (isBelieved) heardAt.set(id, clock.monotonic())
    },
    silentForMs: (id) => clock.monotonic() - (heardAt.get(id) ?? Number.NEGATIVE_INFINITY),
    unhear: (id) => void heardAt.delete(id),
    sweep(isKnown) {
      for (const id of heardAt.keys()) if (!isKnown(id)) heardAt.delete(id)
    },
    believe(value) {
      isBelieved = value
    },
  }
}
