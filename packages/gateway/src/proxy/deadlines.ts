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
  /** The list's own: who waits beside it. */
  before: Waiting | undefined
  behind: Waiting | undefined
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

/** Makes the deadlines of one forwarder; `close` ends the tick. */
export function createDeadlines(clock: Clock, tickMs: number): Deadlines {
  // A ring through the waiting themselves. A Set leaves a trail of old tables behind that keep each other, and
  // every request they ever held, alive until the next full collection: 100 MB under load.
  const ring: Waiting = {
    deadline: Number.POSITIVE_INFINITY,
    expire() {},
    before: undefined,
    behind: undefined,
  }
  ring.before = ring
  ring.behind = ring
  const listeners: (() => void)[] = []
  let now = clock.monotonic()

  function expireDue(): void {
    for (let waiting = ring.behind!; waiting !== ring; ) {
      const next = waiting.behind!
      if (waiting.deadline <= now) waiting.expire()
      // What `expire` does may have taken the next one out as well: then begin again, the due are fewer now.
      waiting = next.behind === undefined ? ring.behind! : next
    }
  }

  const stop = clock.every(tickMs, () => {
    const late = clock.monotonic() - now - tickMs
    now += tickMs + Math.max(0, late)
    // This process stood still, so nobody is to blame yet: what came in meanwhile is read first.
    if (late > Math.max(tickMs, 100)) {
      for (let waiting = ring.behind!; waiting !== ring; waiting = waiting.behind!) waiting.deadline += late
      return
    }
    expireDue()
    for (const listener of listeners) listener()
  })
  return {
    get now() {
      return now
    },
    after: (ms) => now + ms + tickMs,
    add(waiting) {
      waiting.before = ring.before
      waiting.behind = ring
      ring.before!.behind = waiting
      ring.before = waiting
    },
    delete(waiting) {
      if (waiting.behind === undefined) return
      waiting.before!.behind = waiting.behind
      waiting.behind.before = waiting.before
      waiting.before = undefined
      waiting.behind = undefined
    },
    onTick: (listener) => void listeners.push(listener),
    close: stop,
  }
}
