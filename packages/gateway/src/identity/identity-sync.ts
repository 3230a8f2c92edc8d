/**
 * Identity sync: brings in what other nodes and processes wrote to the identity store: revocations, keys, users.
 *
 * As with services, it looks at every hint and each interval (`store/follow.ts`), and the revision tells whether there is
 * something to read.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { type Following, followStore } from '../store/follow.ts'
import type { IdentityStore } from '../store/identity/port.ts'

/** `look` never rejects. */
export type IdentitySync = Following

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
  let seen: string | undefined
  let isFailing = false
  let isStopped = false

  const compare = async (): Promise<void> => {
    if (isStopped) return
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
          { reason: (error as Error).message, store: store.place },
          'identity store: not reachable, what is known of keys and ended sessions stays',
        )
      }
      isFailing = true
    }
  }
  const following = followStore({ store, compare, everyMs, clock })
  return {
    look: following.look,
    stop() {
      isStopped = true
      following.stop()
    },
  }
}
