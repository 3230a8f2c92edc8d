/**
 * A clock that only moves when told: for tests of what happens as time passes.
 *
 * @module
 */
import type { Clock } from './clock.ts'

export interface ManualClock extends Clock {
  /** Moves time on, running what falls due in order. */
  advance(ms: number): void
}

export function createManualClock(startMs = 1_000_000): ManualClock {
  let now = 0
  const due = new Map<object, { at: number; everyMs: number | undefined; run: () => void }>()

  const schedule = (ms: number, everyMs: number | undefined, run: () => void): (() => void) => {
    const key = {}
    due.set(key, { at: now + ms, everyMs, run })
    return () => void due.delete(key)
  }
  return {
    now: () => startMs + now,
    monotonic: () => now,
    every: (ms, run) => schedule(ms, ms, run),
    after: (ms, run) => schedule(ms, undefined, run),
    advance(ms) {
      const until = now + ms
      for (;;) {
        const [next] = [...due].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)
        if (!next) break
        const [key, timer] = next
        now = timer.at
        if (timer.everyMs === undefined) due.delete(key)
        else timer.at += timer.everyMs
        timer.run()
      }
      now = until
    },
  }
}
