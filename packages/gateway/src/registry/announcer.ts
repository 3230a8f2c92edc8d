/**
 * Announces the overview: compiled when somebody asks or listens, gathered while changes come in swarms.
 *
 * @module
 */
import type { Overview } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'

export interface Announcer {
  current(): Overview
  /** Something the overview says may have changed. */
  touch(): void
  /**
   * Calls back with the newest overview, changes of 10 ms as one, or of as much longer as compiling it takes.
   * Returns the function that ends it.
   */
  listen(listener: (overview: Overview) => void): () => void
  stop(): void
}

/** Services often arrive together; everybody else should hear of them once. */
const GATHER_MS = 10
/** Of a large site in constant change, this part of the time may go into overviews at most. */
const MOST_BUSY = 0.2
/** Nobody learns of a change later than this. */
const MOST_GATHER_MS = 250

export function createAnnouncer({
  compile,
  clock,
}: {
  compile: () => Overview
  clock: Pick<Clock, 'after' | 'monotonic'>
}): Announcer {
  const listeners = new Set<(overview: Overview) => void>()
  let overview: Overview | undefined
  let cancel: (() => void) | undefined

  let gatherMs = GATHER_MS
  const current = (): Overview => {
    if (overview) return overview
    const begunAt = clock.monotonic()
    overview = compile()
    const tookMs = clock.monotonic() - begunAt
    gatherMs = Math.min(MOST_GATHER_MS, Math.max(GATHER_MS, tookMs / MOST_BUSY))
    return overview
  }
  return {
    current,
    touch() {
      overview = undefined
      if (listeners.size === 0) return
      cancel ??= clock.after(gatherMs, () => {
        cancel = undefined
        const newest = current()
        for (const listener of listeners) listener(newest)
      })
    },
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    stop: () => cancel?.(),
  }
}
