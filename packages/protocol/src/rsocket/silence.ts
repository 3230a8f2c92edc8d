/**
 * Notices that a peer has fallen silent.
 *
 * @module
 */

/** Time, passed in; timers should not keep a process alive. The gateway's clock fits. */
export interface Timers {
  monotonic(): number
  every(ms: number, run: () => void): () => void
  after(ms: number, run: () => void): () => void
}

/** A process that was stopped for a while finds its deadline past before it reads what came in meanwhile. */
const SECOND_LOOK_MS = 100

/** Calls `onSilence` once when `heard` was not called for `lifetimeMs` (and a moment more). */
export function watchSilence({
  timers,
  lifetimeMs,
  onSilence,
}: {
  readonly timers: Timers
  readonly lifetimeMs: number
  readonly onSilence: () => void
}): { heard(): void; stop(): void } {
  let heardAt = timers.monotonic()
  let isSecondLook = false
  const look = () => {
    const silentMs = timers.monotonic() - heardAt
    if (silentMs >= lifetimeMs && isSecondLook) return onSilence()
    isSecondLook = silentMs >= lifetimeMs
    cancel = timers.after(isSecondLook ? SECOND_LOOK_MS : lifetimeMs - silentMs, look)
  }
  let cancel = timers.after(lifetimeMs, look)
  return {
    heard() {
      heardAt = timers.monotonic()
    },
    stop: () => cancel(),
  }
}
