/**
 * What operators, and whoever asks for our health, are told of the nodes and of the store they share.
 *
 * @module
 */
import type { NodesAnswer } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'
import type { NodeFacts } from '../store/nodes/port.ts'
import type { Reach } from '../store/reach.ts'

export interface NodesDeps {
  readonly store: { readonly place: string; readonly isShared: boolean; readonly reach: Reach }
  /** Those that are listed now, this one among them. */
  readonly nodes: () => readonly NodeFacts[]
  readonly isThis: (id: string) => boolean
  /** Whether a node has one of our private keys. */
  readonly isTrusted: (facts: NodeFacts) => boolean
  /** How this node stands to the others: a store that answers may still not be readable. */
  readonly shared: () => { readonly isConnected: boolean; readonly localOnly: number }
  readonly clock: Pick<Clock, 'monotonic'>
}

export interface NodesView {
  /** `GET /_hydra/api/v1/nodes` */
  list(): NodesAnswer
  /** JSON of `/health`, which anybody may read: no name and no address stands in it. */
  health(): string
}

export function createNodesView({ store, nodes, isThis, isTrusted, shared, clock }: NodesDeps): NodesView {
  const { place, isShared, reach } = store
  const forMs = (): number => Math.max(0, Math.round(clock.monotonic() - reach.since))
  const isThere = (): boolean => reach.isReachable && (!isShared || shared().isConnected)
  return {
    list: () => ({
      store: { place, isShared, isReachable: isThere(), forMs: forMs() },
      localOnly: shared().localOnly,
      nodes: nodes().map((facts) => {
        const { id, name, version, startedAt, isLeaving } = facts
        return { id, name, version, startedAt, isThis: isThis(id), isLeaving, isTrusted: isTrusted(facts) }
      }),
    }),
    health() {
      if (!isShared) return '{"status":"ok"}'
      // A node without its store serves on: whoever restarts those that are not well must leave it alone.
      if (isThere()) return `{"status":"ok","store":"reachable","nodes":${nodes().length}}`
      return `{"status":"ok","store":"away","awayForMs":${forMs()},"localOnly":${shared().localOnly}}`
    },
  }
}
