/**
 * All other routers as one: nodes of this cluster, by the bus of the store, and originals, by the Redis of their network.
 *
 * @module
 */
import type { NodePeers } from './node-peers.ts'
import type { Peers } from './port.ts'

export interface AllPeersDeps {
  readonly routerId: string
  /** Undefined for a gateway that is alone. */
  readonly nodes: NodePeers | undefined
  /** Undefined while there is no such network. */
  readonly network: () => Peers | undefined
}

export function createPeers({ routerId, nodes, network }: AllPeersDeps): Peers {
  /** Those that are here, of a gateway that is alone. */
  const alone = nodes ? undefined : new Set<string>()
  return {
    here(client) {
      alone?.add(client)
      nodes?.here(client)
      network()?.here(client)
    },
    gone(client) {
      alone?.delete(client)
      nodes?.gone(client)
      network()?.gone(client)
    },
    whereIs: (client) => nodes?.whereIs(client) ?? network()?.whereIs(client),
    // A node of ours is in both directories: among ourselves nothing is lost of a message.
    deliver: async (router, message) =>
      nodes?.has(router) ? nodes.deliver(router, message) : network()?.deliver(router, message),
    manyAt: (router) => (nodes?.has(router) ? nodes.manyAt(router) : undefined),
    directory: () => ({
      ...network()?.directory(),
      ...(nodes ? nodes.directory() : { [routerId]: [...alone!] }),
    }),
    mailed: (client) => nodes?.mailed(client),
    onMailed: (listener) => nodes?.onMailed(listener),
    onTaken(listener) {
      nodes?.onTaken(listener)
      network()?.onTaken?.(listener)
    },
  }
}
