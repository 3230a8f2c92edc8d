/**
 * Identity sync: brings in what other nodes and processes wrote to the identity store: revocations, keys, users.
 *
 * As with services, a hint makes it look at once and the revision makes it look at all: a lost hint costs one interval.
 * One look runs at a time; hints that arrive meanwhile are one more look.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { IdentityStore } from '../store/identity/port.ts'

export interface IdentitySync {
  /** Compares revisions now; resolves when what was found is in use. Never rejects. */
  look(): Promise<void>
  stop(): void
}

export interface IdentitySyncDeps {
  readonly store: Pick<IdentityStore, 'revision' | 'watch' | 'place'>
  /** Reads everything that may have changed. When it rejects, it is asked again. */
  readonly look: () => Promise<void>
  /** How often revisions are compared, ms: half of the second within which an end must be known everywhere. @default 500 */
  readonly everyMs?: number
  readonly clock: Pick<Clock, 'every'>
  readonly log: Pick<Log, 'warn' | 'info'>
}

export function createIdentitySync(deps: IdentitySyncDeps): IdentitySync {
  const { store, everyMs = 500, clock, log } = deps
  let seen: number | undefined
  let isFailing = false
  let running: Promise<void> | undefined
  let again = false
  let isStopped = false

  const compare = async (): Promise<void> => {
    try {
      const revision = await store.revision()
      if (revision !== seen) {
        await deps.look()
        seen = revision
      }
      if (isFailing && !isStopped) log.info({ store: store.place }, 'identity store: reachable again')
      isFailing = false
    } catch (error) {
      if (!isFailing && !isStopped) {
        log.warn(
          { err: error, store: store.place },
          'identity store: not reachable, what is known of keys and ended sessions stays',
        )
      }
      isFailing = true
    }
  }
  const look = (): Promise<void> => {
    if (isStopped) return Promise.resolve()
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
      isStopped = true
      stopWatching()
      stopPolling()
    },
  }
}
