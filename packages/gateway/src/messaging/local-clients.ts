/**
 * The clients whose socket is at this node, by id.
 *
 * @module
 */

import type { ClientSession } from './client-session.ts'
import { CLOSE_CODES, type LocalClients } from './client-session.ts'
import type { Peers } from './port.ts'

/** Makes the list of one node. `peers` are told who comes and goes. */
export function createLocalClients(peers: Pick<Peers, 'here' | 'gone'>): LocalClients {
  const sessions = new Map<string, ClientSession>()
  return {
    get: (id) => sessions.get(id),
    add(session) {
      const before = sessions.get(session.id)
      sessions.set(session.id, session)
      peers.here(session.id)
      if (before && before !== session)
        before.end(CLOSE_CODES.replaced, 'another connection took this session over')
    },
    remove(session) {
      if (sessions.get(session.id) !== session) return
      sessions.delete(session.id)
      peers.gone(session.id)
    },
    get size() {
      return sessions.size
    },
    all: () => sessions.values(),
  }
}
