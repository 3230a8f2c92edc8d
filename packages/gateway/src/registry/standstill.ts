/**
 * Standstill: this process did nothing for a while, frozen or too busy, and others may have acted meanwhile. Before it ends
 * anything it looks at the store, and at what waits to be read.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

export interface StandstillDeps {
  /** How often `mayCheck` is asked, ms. */
  readonly checkMs: number
  /** Has the store looked at; undefined when nobody does. */
  readonly wantLook: () => (() => void) | undefined
  /** It stood still: what is heard now may be old, until `onAwake`. */
  readonly onAsleep: () => void
  readonly onAwake: () => void
  readonly clock: Pick<Clock, 'monotonic'>
}

export interface Standstill {
  /** Finds out whether this process stood still, before something that was said to it is believed. */
  wake(): void
  /** It did, and the store was not looked at since. */
  readonly isAsleep: boolean
  /** Asked at each check: whether what has lapsed by now may be ended. */
  mayCheck(): boolean
  /** A look at the store begins. */
  lookBegan(look: number): void
  /** It is over; false when it was asked for before this process stood still, and its answer is no look at all. */
  lookEnded(look: number): boolean
}

/** A check that is later than this says more about this process than about those it waits for. */
const STOOD_STILL_MS = 250

export function createStandstill({
  checkMs,
  wantLook,
  onAsleep,
  onAwake,
  clock,
}: StandstillDeps): Standstill {
  let checkedAt = clock.monotonic()
  let isSecondLook = false
  /** Number of the look before which nothing is ended. */
  let actsFrom: number | undefined
  let latestLook = 0
  const isLate = (): boolean => clock.monotonic() - checkedAt > checkMs + STOOD_STILL_MS
  const wake = (): void => {
    const look = wantLook()
    if (!look || actsFrom !== undefined || !isLate()) return
    actsFrom = latestLook + 1
    onAsleep()
    look()
  }
  return {
    wake,
    get isAsleep() {
      return actsFrom !== undefined
    },
    mayCheck() {
      wake()
      const isFirst = isLate()
      checkedAt = clock.monotonic()
      // Signs of life wait to be read, and are heard before the next check.
      isSecondLook = !isSecondLook && isFirst
      return !isSecondLook && actsFrom === undefined
    },
    lookBegan(look) {
      latestLook = look
    },
    lookEnded(look) {
      if (actsFrom !== undefined && look < actsFrom) return false
      actsFrom = undefined
      onAwake()
      return true
    },
  }
}
