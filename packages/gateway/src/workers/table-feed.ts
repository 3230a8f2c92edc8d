/**
 * The table on its way to a worker: of each service what the worker does not have yet.
 *
 * @module
 */
import type { ServiceChange } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import type { ServiceDelta } from './messages.ts'

export interface TableEncoder {
  /** A service as it is now, or that it was forgotten. Each call counts as received. */
  encode(name: string, change: ServiceChange | undefined): ServiceDelta
}

/** Makes the encoder of one worker. `hasLine`: whether an instance can be asked over its channel at this node. */
export function createTableEncoder(hasLine: (instance: string) => boolean): TableEncoder {
  /** What the worker has, by service. */
  const sent = new Map<
    string,
    { readonly hashes: ReadonlySet<string>; readonly instances: Map<Instance, number> }
  >()
  let numbers = 0
  return {
    encode(name, change) {
      const before = sent.get(name)
      if (change === undefined) {
        sent.delete(name)
        return { name }
      }
      const { service, group, rank, manifests, instances } = change
      const numbered = new Map<Instance, number>()
      const told = instances.map((instance): number | readonly [number, Instance] => {
        const known = before?.instances.get(instance)
        const number = known ?? ++numbers
        numbered.set(instance, number)
        return known ?? [number, instance]
      })
      sent.set(name, { hashes: new Set(manifests.map(({ hash }) => hash)), instances: numbered })
      return {
        name,
        change: {
          service,
          group,
          rank,
          manifests: manifests.map((manifest) =>
            before?.hashes.has(manifest.hash) ? manifest.hash : manifest,
          ),
          instances: told,
          lines: instances.filter(({ id }) => hasLine(id)).map(({ id }) => id),
        },
      }
    },
  }
}
