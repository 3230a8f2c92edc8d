/**
 * Brings overviews to many services without stopping everything else: a few at a time, each the latest when its turn
 * comes.
 *
 * When hundreds come back, each of them is news for all others, and comes before these were told of the last. While such a
 * swarm lasts, who knows an overview keeps it: mostly it is right again at the end, and nobody's menus go dark in between. Who
 * comes back with an overview of before keeps that one until it is quiet in any case: a gateway that has just started would
 * take most of it away, only to give it back a moment later.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

/** What a service knows that asks: nothing yet, what it was told here, or what it was told elsewhere, or before a restart. */
export type Knows = 'nothing' | 'ours' | 'former'

export interface OverviewPost {
  /** There is a new overview. */
  changed(): void
  /**
   * Calls `deliver` once, at once while there is little to do. Asking again before its turn changes nothing. Who knows
   * nothing is not kept waiting by a swarm.
   */
  ask(deliver: () => void, knows: Knows): void
  /** Nobody waits for it any more. */
  drop(deliver: () => void): void
}

/** Work that is done without a break, ms. */
const SLICE_MS = 5
/** After each slice others have so many times as long. */
const REST = 2
/** So many overviews in a row, each there before all were told of the one before, are a swarm. */
const SWARM = 4
/** Longer than the time for which changes of a large site are gathered: in between it is not quiet. */
const QUIET_MS = 300
/** Nobody learns later than this of anything, however long a swarm lasts. */
const MOST_MS = 3000

export function createOverviewPost({
  clock,
}: {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>
}): OverviewPost {
  const waiting = new Set<() => void>()
  /** Those that keep what they know, until it is quiet. */
  const patient = new Set<() => void>()
  let restsUntil = Number.NEGATIVE_INFINITY
  let isSet = false
  let changedAt = Number.NEGATIVE_INFINITY
  /** In a row, each of which found some waiting. */
  let changes = 0
  let isSwarm = false
  let isLooking = false
  /** Since when the patient are, or when the last of them were told. */
  let patientSince = 0

  const work = (): void => {
    const begunAt = clock.monotonic()
    let spentMs = 0
    for (const deliver of waiting) {
      waiting.delete(deliver)
      deliver()
      spentMs = clock.monotonic() - begunAt
      if (spentMs >= SLICE_MS) break
    }
    restsUntil = begunAt + spentMs * (1 + REST)
    if (waiting.size > 0) set()
  }
  const set = (): void => {
    if (isSet) return
    isSet = true
    clock.after(Math.max(1, restsUntil - clock.monotonic()), () => {
      isSet = false
      work()
    })
  }
  const begin = (): void => {
    if (waiting.size > 0 && !isSet && clock.monotonic() >= restsUntil) work()
    else if (waiting.size > 0) set()
  }
  const isQuiet = (): boolean => clock.monotonic() - changedAt >= QUIET_MS

  /** Looks now and then whether it is quiet, while somebody keeps what they know. */
  const watch = (): void => {
    if (isLooking) return
    isLooking = true
    patientSince = clock.monotonic()
    clock.after(QUIET_MS / 2, look)
  }
  const look = (): void => {
    const quiet = isQuiet()
    const now = clock.monotonic()
    if (quiet || now - patientSince >= MOST_MS) {
      patientSince = now
      for (const deliver of patient) waiting.add(deliver)
      patient.clear()
      begin()
    }
    if (quiet) isSwarm = false
    isLooking = isSwarm || patient.size > 0
    if (isLooking) clock.after(QUIET_MS / 2, look)
  }
  const mayWait = (deliver: () => void, knows: Knows): boolean =>
    knows !== 'nothing' && (isSwarm || patient.has(deliver) || (knows === 'former' && !isQuiet()))

  return {
    changed() {
      changes = waiting.size > 0 ? changes + 1 : 0
      changedAt = clock.monotonic()
      if (isSwarm || changes < SWARM) return
      isSwarm = true
      watch()
    },
    ask(deliver, knows) {
      if (waiting.has(deliver)) return
      if (mayWait(deliver, knows)) {
        patient.add(deliver)
        watch()
        return
      }
      waiting.add(deliver)
      begin()
    },
    drop(deliver) {
      waiting.delete(deliver)
      patient.delete(deliver)
    },
  }
}
