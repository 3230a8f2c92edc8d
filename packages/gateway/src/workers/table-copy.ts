/**
 * A worker's copy of the table, kept by what the primary says of it. Applying costs what changed.
 *
 * @module
 */
import { revivePattern } from '@hydra-gateway/protocol'
import type { Live } from '../routing/live.ts'
import type { Manifest } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import type { ServiceDelta } from './messages.ts'

export interface TableCopy {
  apply(deltas: readonly ServiceDelta[]): void
  /** Whether some service has the instance, and may send requests to it. */
  knows(instance: string): boolean
  /** Whether an instance can be asked over its channel, through the primary. */
  hasLine(instance: string): boolean
}

export interface TableCopyDeps {
  readonly live: Live
  /** An instance is in no rotation any more. */
  readonly onGone: (instance: string) => void
}

interface Kept {
  readonly manifests: ReadonlyMap<string, Manifest>
  readonly instances: ReadonlyMap<number, Instance>
}

export function createTableCopy({ live, onGone }: TableCopyDeps): TableCopy {
  const services = new Map<string, Kept>()
  const instances = new Map<string, Instance>()
  const lines = new Set<string>()

  const drop = (name: string, kept: Kept | undefined, stays: ReadonlySet<string>): void => {
    for (const { id } of kept?.instances.values() ?? []) {
      if (stays.has(id) || instances.get(id)?.service !== name) continue
      instances.delete(id)
      lines.delete(id)
      onGone(id)
    }
  }

  const applyOne = ({ name, change }: ServiceDelta): void => {
    const before = services.get(name)
    if (change === undefined) {
      services.delete(name)
      live.table = live.table.withoutService(name)
      drop(name, before, new Set())
      return
    }
    const { service, group, rank } = change
    const manifests = change.manifests.map((told) =>
      typeof told === 'string' ? known(before?.manifests.get(told), told) : revived(told),
    )
    const numbered = new Map(
      change.instances.map((told): [number, Instance] =>
        typeof told === 'number'
          ? [told, known(before?.instances.get(told), told)]
          : [told[0], Object.freeze(told[1])],
      ),
    )
    services.set(name, {
      manifests: new Map(manifests.map((manifest) => [manifest.hash, manifest])),
      instances: numbered,
    })
    live.table = live.table.withService({
      service: Object.freeze(service),
      ...(group === undefined ? {} : { group }),
      rank,
      manifests,
      instances: [...numbered.values()],
    })
    for (const instance of numbered.values()) instances.set(instance.id, instance)
    drop(name, before, new Set([...numbered.values()].map(({ id }) => id)))
    for (const { id } of numbered.values()) lines.delete(id)
    for (const id of change.lines) lines.add(id)
  }

  return {
    apply(deltas) {
      for (const delta of deltas) applyOne(delta)
    },
    knows: (instance) => instances.has(instance),
    hasLine: (instance) => lines.has(instance),
  }
}

/** What came is plain data. */
function revived({ hash, routes }: Manifest): Manifest {
  return { hash, routes: routes.map((route) => ({ ...route, pattern: revivePattern(route.pattern) })) }
}

function known<Value>(value: Value | undefined, name: string | number): Value {
  if (value === undefined) throw new Error(`the primary names ${name}, which was never sent`)
  return value
}
