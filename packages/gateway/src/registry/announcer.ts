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
  /** Calls back with the newest overview, changes of 10 ms as one. Returns the function that ends it. */
  listen(listener: (overview: Overview) => void): () => void
  stop(): void
}

/** Services often arrive together; everybody else should hear of them once. */
const GATHER_MS = 10

export function createAnnouncer({
  compile,
  clock,
}: {
  compile: () => Overview
  clock: Pick<Clock, 'after'>
}): Announcer {
  const listeners = new Set<(overview: Overview) => void>()
  let overview: Overview | undefined
  let cancel: (() => void) | undefined

  const current = (): Overview => {
    overview ??= compile()
    return overview
  }
  return {
    current,
    touch() {
      overview = undefined
      if (listeners.size === 0) return
      cancel ??= clock.after(GATHER_MS, () => {
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
