/**
 * Sync: brings in what other nodes wrote to the store.
 *
 * It looks at every hint and each interval (`store/follow.ts`), and reads what changed since the version it has. What that
 * means for members is the registry's to know (`shared-members.ts`).
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { type Following, followStore } from '../store/follow.ts'
import type { InstanceStore, Version } from '../store/port.ts'
import type { Registry } from './registry.ts'

/** `look` resolves when what was found is in the table. */
export interface Sync extends Following {
  /** Whether the store was read once; until then other nodes may know of services that this one does not. */
  readonly hasLooked: boolean
  /** Resolves when that is so, and what was found is in the table. */
  readonly firstLook: Promise<void>
}

export interface SyncDeps {
  readonly store: InstanceStore
  readonly registry: Pick<Registry, 'follower'>
  /** How often versions are compared, ms. @default 1000 */
  readonly everyMs?: number
  readonly clock: Clock
  readonly log: Log
}

export function createSync({ store, registry, everyMs = 1000, clock, log }: SyncDeps): Sync {
  const { follower } = registry
  let seen: Version | undefined
  let isFailing = false
  let hasLooked = false
  const first = Promise.withResolvers<void>()

  const compare = async (): Promise<void> => {
    const { found, failed } = follower.begin()
    try {
      const look = await store.look(seen)
      if (look) seen = look.version
      isFailing = false
      hasLooked = true
      found(look)
      first.resolve()
    } catch (error) {
      failed()
      // That the store is away is said by its line.
      if (!isFailing && !isAway(error))
        log.warn({ err: error }, 'store: it can not be read, the last known services stay')
      isFailing = true
    }
  }
  const following = followStore({ store, compare, everyMs, clock })
  follower.onWanted(() => void following.look())
  return {
    ...following,
    get hasLooked() {
      return hasLooked
    },
    firstLook: first.promise,
  }
}

function isAway(error: unknown): boolean {
  return error instanceof Error && error.name === 'StoreAway'
}
