/**
 * Sync: brings in what other nodes wrote to the store.
 *
 * A hint makes it look at once, the revision makes it look at all: a lost hint costs one interval. One look runs
 * at a time; hints that arrive meanwhile are one more look.
 *
 * @module
 */
import { registration } from '@hydra-gateway/protocol'
import { z } from 'zod'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { InstanceRecord, InstanceStore } from '../store/port.ts'
import type { Adopted, Registry } from './registry.ts'

const declared = z.object({
  channel: z.enum(['rsocket', 'http', 'static']),
  host: z.string().min(1),
  peer: z.string().optional(),
  keyId: z.string().optional(),
  registration,
})

export interface Sync {
  /** Compares revisions now; resolves when what was found is in the table. */
  look(): Promise<void>
  stop(): void
}

export interface SyncDeps {
  readonly store: InstanceStore
  readonly registry: Pick<Registry, 'adopt'>
  readonly node: string
  /** How often revisions are compared, ms. @default 1000 */
  readonly everyMs?: number
  readonly clock: Clock
  readonly log: Log
}

export function createSync({ store, registry, node, everyMs = 1000, clock, log }: SyncDeps): Sync {
  let seen = -1
  let running: Promise<void> | undefined
  let again = false

  const adopt = (record: InstanceRecord): Adopted[] => {
    const parsed = declared.safeParse(record.declared)
    if (parsed.success) return [{ id: record.id, node: record.node, ...parsed.data, peer: parsed.data.peer }]
    log.warn(
      { instance: record.id, service: record.service, node: record.node },
      'store: a record that is no registration was left out',
    )
    return []
  }
  const compare = async (): Promise<void> => {
    try {
      if ((await store.revision()) === seen) return
      const { revision, instances } = await store.snapshot()
      registry.adopt(instances.filter((record) => record.node !== node).flatMap(adopt))
      seen = revision
    } catch (error) {
      log.warn({ err: error }, 'store: not reachable, the last known services stay')
    }
  }
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
