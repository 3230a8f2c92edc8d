/**
 * What processes of one gateway tell each other of a request they hand on: who sent it, and what was settled about it
 * already. One header line, which counts on a socket of our own alone and only beside the secret of this start.
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHead } from '../http1/head.ts'
import { setNewest } from '../newest.ts'
import type { Exchange, Peer } from './exchange.ts'

/** What the line says. */
export interface Relayed {
  /** Of the exchange, for both processes. */
  readonly id: string
  /** The visitor's connection, the same object for each request of it. */
  readonly peer: Peer
  readonly isTls: boolean
}

/** Reads the line of a head; undefined when it is not one of ours. */
export type ReadRelayed = (head: RequestHead) => Relayed | undefined

const RELAY_HEADER = 'Hydra-Relay'
const RELAY_NAME = RELAY_HEADER.toLowerCase()

/** Connections that are told apart; of those that asked for nothing for longest nothing is remembered. */
const MOST_PEERS = 20_000

/**
 * Makes the line of each exchange, without its line feed. `name` tells this process from others.
 *
 * It says whether the peer spoke TLS to us: what a proxy before us said of the visitor is read again from the same lines.
 */
export function createRelayLines(
  secret: string,
  name: string,
): (exchange: Pick<Exchange, 'id' | 'peer'>, isTls: boolean) => string {
  const numbers = new WeakMap<object, string>()
  let connections = 0
  return ({ id, peer }, isTls) => {
    let connection = numbers.get(peer.connection)
    if (connection === undefined) {
      connection = `${name}.${++connections}`
      numbers.set(peer.connection, connection)
    }
    return `${RELAY_HEADER}: ${secret} ${isTls ? 1 : 0} ${peer.address} ${connection} ${id}`
  }
}

/** Reads the lines. */
export function createRelayReader(secret: string, mostPeers: number = MOST_PEERS): ReadRelayed {
  const wanted = digest(secret)
  const peers = new Map<string, Peer>()
  const peerOf = (connection: string, address: string): Peer => {
    let peer = peers.get(connection)
    if (peer === undefined || peer.address !== address) {
      const worker = connection.slice(0, connection.lastIndexOf('.'))
      peer = { address, connection: {}, worker }
    }
    setNewest(peers, connection, peer, mostPeers)
    return peer
  }
  return (head) => {
    // Ours is the first: a visitor may have sent one of that name as well.
    const [given, tls, address, connection, id] = head.get(RELAY_NAME)?.split(' ') ?? []
    if (given === undefined || id === undefined || !timingSafeEqual(digest(given), wanted)) return undefined
    return { id, peer: peerOf(connection!, address!), isTls: tls === '1' }
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
