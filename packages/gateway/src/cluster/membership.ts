/**
 * Membership: which gateways share the store. This node says that it is there, each second, and reads who else is.
 *
 * It is for people, and for whoever sends something to a node by its id. Nothing about services depends on it: an instance is
 * judged by its own lease.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { NodeDirectory, NodeDoors, NodeFacts } from '../store/nodes/port.ts'
import type { Reach } from '../store/reach.ts'
import { sharesKey } from './key-proof.ts'

export interface Membership {
  /** This node and those it last read of, by name and id. From memory. */
  nodes(): readonly NodeFacts[]
  /**
   * The other nodes that were there a moment ago, for whoever refuses something for their sake. Nobody, while the store is
   * away: who is gone then would be in the way of whoever has its address now.
   */
  present(): readonly NodeFacts[]
  /** Tells everybody that this node stops: its services are about to move. */
  announceLeaving(): Promise<void>
  /** Calls back when another node came, began to leave, or is not listed any more. */
  onChange(listener: (event: NodeEvent, facts: NodeFacts) => void): void
  /** Reads who is there now. Resolves when it is done, and when the store did not answer. */
  look(): Promise<void>
  /** Stops, and takes this node off the list at once, if the store can be reached. */
  stop(): Promise<void>
}

/** `leaving`: it says so. `left`: it stopped as it had said. `silent`: it did not say that it would stop. */
export type NodeEvent = 'joined' | 'leaving' | 'left' | 'silent'

export interface MembershipDeps {
  readonly directory: NodeDirectory
  readonly reach: Reach
  /** What this node says of itself. */
  readonly facts: Omit<NodeFacts, 'isLeaving' | 'beats' | 'doors'>
  /** Where it listens now. @default it does not say */
  readonly doors?: () => NodeDoors
  /** How often it says so, ms. @default 1000 */
  readonly everyMs?: number
  /** How long it is listed without doing so, ms. @default 5000 */
  readonly leaseMs?: number
  readonly clock: Pick<Clock, 'every' | 'monotonic'>
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** Nodes that are kept in mind; of a list that is longer, whoever else writes to the store made the rest up. */
const MOST_NODES = 1000
const MOST_NAME = 128

export function createMembership(deps: MembershipDeps): Membership {
  const { directory, reach, facts, doors, everyMs = 1000, leaseMs = 5000, clock, log } = deps
  const others = new Map<string, NodeFacts>()
  /** When they were heard last, as far as their beats tell. */
  const heardAt = new Map<string, number>()
  const listeners: ((event: NodeEvent, facts: NodeFacts) => void)[] = []
  const warned = new Set<string>()
  let isLeaving = false
  let beats = 0
  let isStopped = false
  let running: Promise<void> | undefined
  /** Nobody is missed before: while the store was away nobody could say anything, and it may have forgotten all. */
  let missingFrom = clock.monotonic()
  let listedAt = Number.NEGATIVE_INFINITY

  const say = (event: NodeEvent, node: NodeFacts): void => {
    const fields = { node: node.name, id: node.id, version: node.version }
    if (event === 'silent') log.warn(fields, 'node fell silent')
    else log.info(fields, `node ${event}`)
    for (const listener of listeners) listener(event, node)
  }
  const compare = (listed: readonly NodeFacts[]): void => {
    const there = new Set<string>()
    for (const { name, ...said } of listed.slice(0, MOST_NODES)) {
      const node = { ...said, name: name.slice(0, MOST_NAME) }
      if (node.id === facts.id) continue
      there.add(node.id)
      const before = others.get(node.id)
      others.set(node.id, node)
      if (node.beats !== undefined && node.beats !== before?.beats) heardAt.set(node.id, clock.monotonic())
      if (!before) say('joined', node)
      if (node.isLeaving && !before?.isLeaving) say('leaving', node)
      if (sharesKey(node.keyProof, facts.keyProof) || warned.has(node.id)) continue
      if (warned.size < MOST_NODES) warned.add(node.id)
      log.warn(
        { node: node.name, id: node.id },
        'a node with another private key shares this store: give all nodes the same, or each cluster a prefix of its own',
      )
    }
    if (clock.monotonic() < missingFrom) return
    for (const [id, node] of others) {
      if (there.has(id)) continue
      const hasLeft = node.isLeaving || isYoung(id)
      others.delete(id)
      warned.delete(id)
      heardAt.delete(id)
      say(hasLeft ? 'left' : 'silent', node)
    }
  }
  /** Whether the lease of a node can't be over yet: when it is not listed, it took itself off, faster than we looked. */
  const isYoung = (id: string): boolean => {
    const at = heardAt.get(id)
    return at !== undefined && clock.monotonic() - at < leaseMs - 2 * everyMs
  }
  const exchange = async (): Promise<void> => {
    try {
      await directory.beat({ ...facts, isLeaving, beats: ++beats, ...(doors && { doors: doors() }) }, leaseMs)
      compare(await directory.list())
      listedAt = clock.monotonic()
    } catch {
      // The line to the store says that it is away; who was there stays in mind.
      missingFrom = clock.monotonic() + leaseMs
    }
  }
  /** One at a time: a store that is slow is not asked again and again. */
  const look = (): Promise<void> => {
    if (isStopped) return Promise.resolve()
    running ??= exchange().finally(() => {
      running = undefined
    })
    return running
  }

  const stopBeating = clock.every(everyMs, () => void look())
  const stopWatching = reach.onChange((isReachable) => {
    missingFrom = clock.monotonic() + leaseMs
    if (isReachable) void look()
  })
  void look()
  return {
    nodes: () =>
      [{ ...facts, isLeaving }, ...others.values()].sort((a, b) =>
        a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1,
      ),
    present: () => (clock.monotonic() - listedAt < leaseMs ? [...others.values()] : []),
    async announceLeaving() {
      isLeaving = true
      await running
      await look()
    },
    onChange: (listener) => void listeners.push(listener),
    look,
    async stop() {
      isStopped = true
      stopBeating()
      stopWatching()
      await running
      await directory.leave(facts.id).catch(() => {})
    },
  }
}
