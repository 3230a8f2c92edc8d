/**
 * Sync: brings in what other nodes wrote to the store.
 *
 * It looks at every hint and each interval (`store/follow.ts`); what tells that there is something to read is the revision.
 *
 * @module
 */
import { registration } from '@hydra-gateway/protocol'
import { z } from 'zod'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { type Following, followStore } from '../store/follow.ts'
import type { InstanceRecord, InstanceStore } from '../store/port.ts'
import type { Adopted, Registry } from './registry.ts'

const declared = z.object({
  channel: z.enum(['rsocket', 'http', 'static']),
  host: z.string().min(1),
  peer: z.string().optional(),
  keyId: z.string().optional(),
  registration,
})

/** `look` resolves when what was found is in the table. */
export type Sync = Following

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
  return followStore({ store, compare, everyMs, clock })
}
