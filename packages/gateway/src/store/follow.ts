/**
 * Follows a store: a hint makes it look at once, an interval makes it look at all, so that a lost hint costs one
 * interval. One look runs at a time; hints that arrive meanwhile are one more look.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

export interface Following {
  /** Looks now; resolves when what was found is in use. */
  look(): Promise<void>
  stop(): void
}

export interface FollowOptions {
  readonly store: { watch(onHint: () => void): () => void }
  /** Reads what changed. Never rejects. */
  readonly compare: () => Promise<void>
  readonly everyMs: number
  readonly clock: Pick<Clock, 'every'>
}

export function followStore({ store, compare, everyMs, clock }: FollowOptions): Following {
  let running: Promise<void> | undefined
  let again = false
  const look = (): Promise<void> => {
    if (running) {
      again = true
      return running
    }
    running = compare().finally(() => {
      running = undefined
      if (!again) return
      again = false
      void look()
    })
    return running
  }

  const stopWatching = store.watch(() => void look())
  const stopPolling = clock.every(everyMs, () => void look())
  return {
    look,
    stop() {
      stopWatching()
      stopPolling()
    },
  }
}
