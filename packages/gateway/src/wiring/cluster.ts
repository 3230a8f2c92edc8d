/**
 * This node among others that share its store.
 *
 * @module
 */
import { hostname } from 'node:os'
import type { OwnDoors } from '../address/own-doors.ts'
import { createNodesView } from '../admin/nodes.ts'
import { keyProofOf, sharesKey } from '../cluster/key-proof.ts'
import { createMembership } from '../cluster/membership.ts'
import type { Registry } from '../registry/registry.ts'
import type { Store } from '../store/store.ts'
import { VERSION } from '../version.ts'
import type { Core } from './core.ts'

export interface ClusterDeps {
  readonly node: string
  readonly store: Store
  readonly shared: Registry['shared']
  /** Where this node listens. */
  readonly doors: OwnDoors
}

export type Cluster = ReturnType<typeof createCluster>

export function createCluster(
  { config, keys, clock, log, metrics }: Core,
  { node, store, shared, doors }: ClusterDeps,
) {
  const localOnly = (): number => shared().localOnly
  const keyProof = keyProofOf(keys.privateKeys)
  const membership = createMembership({
    directory: store.nodes,
    reach: store.reach,
    facts: {
      id: node,
      name: config.cluster.name ?? hostname(),
      version: VERSION,
      startedAt: clock.now(),
      keyProof,
    },
    doors: doors.said,
    clock,
    log,
  })
  metrics.gaugeOf('nodes', () => membership.nodes().length)
  metrics.gaugeOf('storeReachable', () => (store.reach.isReachable && shared().isConnected ? 1 : 0))
  metrics.gaugeOf('localOnly', localOnly)
  metrics.gaugeOf('recordsLeftOut', () => shared().leftOut)
  metrics.gaugeOf('storeIgnored', () => store.ignored?.() ?? 0)
  metrics.gaugeOf('storeReplayed', () => store.replayed?.() ?? 0)
  metrics.gaugeOf('storeInFlight', () => store.inFlight?.() ?? 0)
  const view = createNodesView({
    store,
    nodes: membership.nodes,
    isThis: (id) => id === node,
    isTrusted: (facts) => sharesKey(facts.keyProof, keyProof),
    shared,
    clock,
  })
  return {
    membership,
    view,
    /** Name of the other node that listens at an address. */
    otherAt: (address: string, port: number) =>
      membership.present().find((facts) => facts.doors && doors.areAt(facts.doors, address, port))?.name,
    /** Whether a node says that it is there. */
    isThere: (id: string) => membership.nodes().some((facts) => facts.id === id),
  }
}
