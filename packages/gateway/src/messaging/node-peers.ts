/**
 * The nodes of this cluster among themselves: which client is at which, and messages for clients that are elsewhere.
 *
 * Each node says who comes and goes, several at a time, and every few seconds how many it has with a sum over their ids.
 * Who finds that this is not what it knows asks for all of them. A node that left the membership is forgotten.
 *
 * @module
 */
import {
  formatUmf,
  parseAddress,
  parseUmf,
  type UmfMessage,
  type UmfSource,
} from '@hydra-gateway/protocol/umf'
import type { Clock } from '../observe/clock.ts'
import type { Bus } from '../store/bus/port.ts'
import { clientOf } from './addressed.ts'
import { readMany, readSaid, type Said, writeMany } from './node-words.ts'
import { MessageProblem, type Peers } from './port.ts'

export interface NodePeers extends Required<Peers> {
  /** Whether a router is a node of this cluster. */
  has(router: string): boolean
  close(): void
}

export interface NodePeersDeps {
  readonly routerId: string
  readonly bus: Bus
  /** Whether the membership lists a router. */
  readonly isThere: (router: string) => boolean
  /** A message of another node for a client it believes here. */
  readonly onMessage: (client: string, message: UmfMessage) => void
  /** One for many of them. */
  readonly onMany: (clients: readonly string[], message: UmfMessage) => void
  readonly source: UmfSource
  readonly clock: Pick<Clock, 'every' | 'after' | 'monotonic'>
  /** Something came that is none of this, or could not be said. */
  readonly onFailed: (reason: string, error?: unknown) => void
  readonly settings?: {
    /** How often nodes compare what they know, ms. @default 5000 */
    readonly compareMs?: number
    /** Clients of other nodes that are kept in mind. @default 1_000_000 */
    readonly mostClients?: number
  }
}

const TOPIC = 'clients'
const topicOf = (router: string): string => `clients ${router}`
/** Comings and goings gather for so long. */
const GATHER_MS = 10
/** Ids in one message. */
const AT_A_TIME = 2000
interface Known {
  readonly ids: Set<string>
  sum: number
  /** Parts of a list that is under way. */
  coming: string[] | undefined
  askedAt: number
}

export function createNodePeers(deps: NodePeersDeps): NodePeers {
  const { routerId, bus, isThere, onMessage, onMany, source, clock, onFailed, settings = {} } = deps
  const { compareMs = 5000, mostClients = 1_000_000 } = settings
  const own = new Set<string>()
  let ownSum = 0
  /** By router, and by client. */
  const others = new Map<string, Known>()
  const places = new Map<string, string>()
  const news = new Map<string, boolean>()
  const mailed = new Set<string>()
  const takenListeners: ((client: string) => void)[] = []
  const mailListeners: ((client: string) => void)[] = []
  let isGathering = false
  let isClosed = false

  const say = (said: Said): void => {
    bus.publish(TOPIC, JSON.stringify(said)).catch(() => {
      // The store is away: what was not heard is asked for once the sums are compared again.
    })
  }
  const flush = (): void => {
    isGathering = false
    if (isClosed) return
    const ids = [...mailed]
    mailed.clear()
    for (let at = 0; at < ids.length; at += AT_A_TIME)
      say({ t: 'mail', n: routerId, ids: ids.slice(at, at + AT_A_TIME) })
    if (news.size === 0) return
    const came: string[] = []
    const left: string[] = []
    for (const [client, isHere] of news) (isHere ? came : left).push(client)
    news.clear()
    for (let at = 0; at < Math.max(came.length, left.length); at += AT_A_TIME)
      say({
        t: 'news',
        n: routerId,
        came: came.slice(at, at + AT_A_TIME),
        left: left.slice(at, at + AT_A_TIME),
      })
  }
  const tell = (client: string, isHere: boolean): void => {
    // Another order would be read otherwise: who left and came back is here.
    news.delete(client)
    news.set(client, isHere)
    gather()
  }
  const gather = (): void => {
    if (isGathering) return
    isGathering = true
    clock.after(GATHER_MS, flush)
  }

  const knownOf = (router: string): Known => {
    const known = others.get(router) ?? {
      ids: new Set(),
      sum: 0,
      coming: undefined,
      askedAt: Number.NEGATIVE_INFINITY,
    }
    others.set(router, known)
    return known
  }
  function add(router: string, known: Known, client: string): void {
    if (known.ids.has(client) || places.size >= mostClients) return
    known.ids.add(client)
    known.sum = (known.sum + hashOf(client)) % SUM_LIMIT
    places.set(client, router)
  }
  function remove(router: string, known: Known, client: string): void {
    if (!known.ids.delete(client)) return
    known.sum = (known.sum - hashOf(client) + SUM_LIMIT) % SUM_LIMIT
    if (places.get(client) === router) places.delete(client)
  }
  function forget(router: string): void {
    const known = others.get(router)
    if (!known) return
    for (const client of known.ids) if (places.get(client) === router) places.delete(client)
    others.delete(router)
  }
  function ask(router: string, known: Known): void {
    if (clock.monotonic() - known.askedAt < compareMs / 2) return
    known.askedAt = clock.monotonic()
    say({ t: 'ask', n: routerId, of: router })
  }
  function sayAll(): void {
    flush()
    const ids = [...own]
    const parts = Math.max(1, Math.ceil(ids.length / AT_A_TIME))
    for (let part = 0; part < parts; part++)
      say({ t: 'all', n: routerId, part, parts, ids: ids.slice(part * AT_A_TIME, (part + 1) * AT_A_TIME) })
  }
  function replaceAll(router: string, known: Known, ids: readonly string[]): void {
    const there = new Set(ids)
    for (const client of known.ids) if (!there.has(client)) remove(router, known, client)
    for (const client of there) add(router, known, client)
  }

  function hear(said: Said): void {
    const { n: router } = said
    if (router === routerId) return
    if (said.t === 'bye') {
      forget(router)
      return
    }
    const known = knownOf(router)
    switch (said.t) {
      case 'news':
        for (const client of said.left) remove(router, known, client)
        for (const client of said.came) {
          add(router, known, client)
          if (own.has(client)) for (const listener of takenListeners) listener(client)
        }
        return
      case 'mail':
        for (const client of said.ids)
          if (own.has(client)) for (const listener of mailListeners) listener(client)
        return
      case 'sum':
        if (said.size !== known.ids.size || said.sum !== known.sum) ask(router, known)
        return
      case 'ask':
        if (said.of === routerId || said.of === '') sayAll()
        return
      case 'all':
        if (said.part === 0) known.coming = []
        known.coming?.push(...said.ids)
        if (said.part < said.parts - 1 || !known.coming) return
        replaceAll(router, known, known.coming)
        known.coming = undefined
    }
  }

  async function publish(router: string, text: string): Promise<void> {
    if (!isThere(router)) throw new MessageProblem('unknown-client', 'the node of this client is gone')
    // What waits for a client comes before what is sent to it from now on: its node is to hear of that first.
    if (mailed.size > 0) flush()
    await bus.publish(topicOf(router), text)
  }

  const stops = [
    bus.listen(TOPIC, (text) => {
      const said = readSaid(text)
      if (said) hear(said)
      else onFailed('malformed')
    }),
    bus.listen(topicOf(routerId), (text) => {
      try {
        const many = readMany(text)
        if (many) return onMany(many.clients, parseUmf(many.text, source))
        const message = parseUmf(text, source)
        const client = clientOf({ ...message, to: FORWARDED }, parseAddress(FORWARDED))
        if (client !== undefined) onMessage(client, message)
        else onFailed('malformed')
      } catch (error) {
        onFailed('malformed', error)
      }
    }),
    clock.every(compareMs, () => {
      say({ t: 'sum', n: routerId, size: own.size, sum: ownSum })
      for (const router of others.keys()) if (!isThere(router)) forget(router)
    }),
  ]
  say({ t: 'ask', n: routerId, of: '' })

  return {
    here(client) {
      if (own.has(client)) return
      own.add(client)
      ownSum = (ownSum + hashOf(client)) % SUM_LIMIT
      tell(client, true)
    },
    gone(client) {
      if (!own.delete(client)) return
      ownSum = (ownSum - hashOf(client) + SUM_LIMIT) % SUM_LIMIT
      tell(client, false)
    },
    whereIs: (client) => places.get(client),
    has: (router) => others.has(router) || isThere(router),
    deliver: (router, message) => publish(router, formatUmf(message)),
    manyAt: (router) => (clients, message) => publish(router, writeMany(clients, formatUmf(message))),
    directory() {
      const all: Record<string, readonly string[]> = { [routerId]: [...own] }
      for (const [router, { ids }] of others) all[router] = [...ids]
      return all
    },
    mailed(client) {
      mailed.add(client)
      gather()
    },
    onMailed: (listener) => void mailListeners.push(listener),
    onTaken: (listener) => void takenListeners.push(listener),
    close() {
      flush()
      isClosed = true
      say({ t: 'bye', n: routerId })
      for (const stop of stops) stop()
    },
  }
}

/** Who a message that came from another node is for stands in `forward`. */
const FORWARDED = 'hydra-router:/'

const SUM_LIMIT = 2 ** 48

/** Of an id, so that the sum over all of them says whether two nodes know the same (FNV-1a, 32 bits). */
function hashOf(client: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < client.length; at++) hash = Math.imul(hash ^ client.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
