/**
 * Nodes in memory: those of one process, which are one as a rule.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'
import type { NodeDirectory, NodeFacts } from './port.ts'

export function createMemoryNodes({ clock }: { clock: Pick<Clock, 'monotonic'> }): NodeDirectory {
  const nodes = new Map<string, { readonly facts: NodeFacts; readonly lapsesAt: number }>()
  return {
    async beat(facts, leaseMs) {
      nodes.set(facts.id, { facts, lapsesAt: clock.monotonic() + leaseMs })
    },
    async leave(id) {
      nodes.delete(id)
    },
    async list() {
      const now = clock.monotonic()
      for (const [id, { lapsesAt }] of nodes) if (lapsesAt <= now) nodes.delete(id)
      return [...nodes.values()].map(({ facts }) => facts).sort(byName)
    },
  }
}

/** By name, then by id. */
export function byName(a: NodeFacts, b: NodeFacts): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1
}
