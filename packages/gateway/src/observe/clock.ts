/**
 * Time, passed in so that tests decide what it is.
 *
 * @module
 */
export interface Clock {
  /** Wall time, epoch ms: for people and records. */
  now(): number
  /** Time that only grows, ms: for leases and durations. */
  monotonic(): number
  /** Calls `run` every `ms` until the returned function is called. Never keeps the process alive. */
  every(ms: number, run: () => void): () => void
  /** Calls `run` once after `ms`, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  every(ms, run) {
    const timer = setInterval(run, ms)
    timer.unref()
    return () => clearInterval(timer)
  },
  after(ms, run) {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
