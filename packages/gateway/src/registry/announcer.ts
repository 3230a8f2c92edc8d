/**
 * Announces the overview: compiled when somebody asks or listens, gathered while changes come in swarms.
 *
 * @module
 */
import type { Overview } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'

export interface Announcer {
  /** The overview as it is now; of a site so large that compiling takes long, as it was a moment ago. */
  current(): Overview
  /** The overview as it was compiled last, at most `MOST_GATHER_MS` ago: for whoever may not wait. */
  latest(): Overview
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
  let overview = compile()
  let isStale = false
  let gatherMs = GATHER_MS
  let cancel: (() => void) | undefined

  const refresh = (): void => {
    const begunAt = clock.monotonic()
    overview = compile()
    isStale = false
    const tookMs = clock.monotonic() - begunAt
    gatherMs = Math.min(MOST_GATHER_MS, Math.max(GATHER_MS, tookMs / MOST_BUSY))
  }
  return {
    current() {
      // Where it takes long, many who ask at once would stop everything; the next announcement reaches them soon.
      if (isStale && gatherMs === GATHER_MS) refresh()
      return overview
    },
    latest: () => overview,
    touch() {
      isStale = true
      cancel ??= clock.after(gatherMs, () => {
        cancel = undefined
        if (isStale) refresh()
        for (const listener of listeners) listener(overview)
      })
    },
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    stop: () => cancel?.(),
  }
}
