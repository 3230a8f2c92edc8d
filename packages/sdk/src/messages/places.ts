/**
 * Places of messages that are dealt with: so many there are, and whoever holds one for too long no longer keeps it from
 * others.
 *
 * @module
 */
import { deferred, within } from '../waiting.ts'

export interface PlacesOptions<Holder> {
  /** How many there are. */
  readonly most: number
  /** After so long a place is given to others, whatever its holder still does. */
  readonly patienceMs: number
  /** Called once for each holder that lost it. */
  readonly onLate: (holder: Holder) => void
}

export interface Places<Holder> {
  /** Gives a place, and how to give it back; undefined when all are taken. */
  take(holder: Holder): (() => void) | undefined
  /** Resolves when every holder is done, those that are late too, or the time is over. */
  empty(ms: number): Promise<void>
}

export function createPlaces<Holder>({ most, patienceMs, onLate }: PlacesOptions<Holder>): Places<Holder> {
  let taken = 0
  let holders = 0
  let idle = deferred()
  return {
    take(holder) {
      if (taken >= most) return undefined
      taken++
      holders++
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        taken--
        onLate(holder)
      }, patienceMs)
      timer.unref()
      return () => {
        clearTimeout(timer)
        if (!isLate) taken--
        holders--
        if (holders > 0) return
        idle.resolve()
        idle = deferred()
      }
    },
    async empty(ms) {
      if (holders > 0) await within(ms, idle.promise)
    },
  }
}
