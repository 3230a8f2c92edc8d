/**
 * Deadlines of everything in flight, checked by one tick: moving a deadline is an assignment, where a timer per
 * phase costs a tenth of a small request. A deadline is kept up to one tick late and never early.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

/** Something that waits. `deadline` is in the time of `Deadlines.now`; `Infinity` waits for ever. */
export interface Waiting {
  deadline: number
  /** Called when the deadline has passed; sets a new one or leaves. */
  expire(): void
}

export interface Deadlines {
  /** Time of the last tick, ms. */
  readonly now: number
  /** A deadline `ms` from now. */
  after(ms: number): number
  add(waiting: Waiting): void
  delete(waiting: Waiting): void
  /** Calls back each tick. */
  onTick(listener: () => void): void
  close(): void
}

export function createDeadlines(clock: Clock, tickMs: number): Deadlines {
  const all = new Set<Waiting>()
  const listeners: (() => void)[] = []
  let now = clock.monotonic()
  const stop = clock.every(tickMs, () => {
    const late = clock.monotonic() - now - tickMs
    now += tickMs + Math.max(0, late)
    // This process stood still, so nobody is to blame yet: what came in meanwhile is read first.
    if (late > Math.max(tickMs, 100)) {
      for (const waiting of all) waiting.deadline += late
      return
    }
    for (const waiting of all) if (waiting.deadline <= now) waiting.expire()
    for (const listener of listeners) listener()
  })
  return {
    get now() {
      return now
    },
    after: (ms) => now + ms + tickMs,
    add: (waiting) => void all.add(waiting),
    delete: (waiting) => void all.delete(waiting),
    onTick: (listener) => void listeners.push(listener),
    close: stop,
  }
}
