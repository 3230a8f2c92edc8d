/**
 * The roster: who is here. Services, their members and the routes that outlive them; every change is published in
 * the tick in which it happens. It knows no time limits, no store and no channel: those are the registry's.
 *
 * @module
 */
import type { Registration } from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Manifest } from '../routing/route.ts'
import type { ServiceChange } from '../routing/table.ts'
import { type Address, type Instance, isExternal } from '../routing/upstream.ts'
import { compareVersions } from '../routing/version.ts'
import type { Entry, Member } from './member.ts'

/** Why something of a service is otherwise than before, for people; and whose doing it was. */
export interface Why {
  readonly reason: string
  readonly instance?: string
}

/** `moved`: the same instance is reached at another address now. */
export type MemberEvent = 'joined' | 'moved' | 'left'

export interface Roster {
  entry(service: string): Entry | undefined
  entries(): IterableIterator<Entry>
  member(id: string): Member | undefined
  members(): IterableIterator<Member>
  /** Members of a service that may be sent requests. */
  serving(entry: Entry): Member[]
  /**
   * Finds room for one more, if need be at the cost of the service that is down the longest.
   *
   * @throws HydraError HYDRA_OVERLOADED when everybody is there
   */
  makeRoom(member: Member): void
  /** Whether one more instance may be known. */
  hasRoom(): boolean
  /** Takes a member in, or replaces what it was. `rank`: of its service, where it is known. */
  admit(member: Member, rank?: number): void
  /** `remember` false: it left politely and takes the routes only it had along, while siblings serve. */
  remove(member: Member, reason: string, options?: { readonly remember?: boolean }): void
  setState(member: Member, state: Member['state'], reason: string): void
  /** The data plane sees some members of a service otherwise from now on. */
  reface(entry: Entry, instances: ReadonlyMap<Member, Instance>): void
  /** Sends a service to the end of the line for contested routes. */
  yieldClaims(entry: Entry): void
  /** Puts a service where all nodes have it in the line for contested routes. Configured ones stay before all others. */
  setRank(service: string, rank: number): void
  /** Enters a service that is known and down; false when there is no room, or it is known already. */
  enter(remembered: Remembered): boolean
  /** Routes of a service without members, as somebody else knows them. */
  remember(entry: Entry, manifest: Manifest, version: string | number): void
  /** Forgets what members that left declared. */
  forgetLeft(entry: Entry): void
  /** Forgets a service, its members and its routes. */
  drop(entry: Entry, reason: string): void
}

/** A service without members, as its last one declared it. */
export interface Remembered extends Pick<Member, 'registration' | 'channel' | 'manifest' | 'fragments'> {
  /** @default behind all that are known */
  readonly rank?: number
  readonly downForMs: number
}

export interface RosterDeps {
  /** Instances, and services, that are known at a time. */
  readonly maxInstances: number
  readonly publish: (change: ServiceChange | { readonly forgotten: string }, why: Why) => void
  /** Before requests can reach an instance, or after they can't. */
  readonly onMember: (event: MemberEvent, member: Member, reason: string) => void
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly log: Log
}

/** Manifests, and declarations of fragments, without an instance that are remembered of one service. */
const MOST_ORPHANS = 8
/** Ranks of configured services are below those of all others, on every node. */
const FIRST_RANK = -1_000_000
/** Those of services elsewhere are above: whoever registers has the route, whoever came first. */
const EXTERNAL_RANK = 1_000_000_000

export function createRoster({ maxInstances, publish, onMember, clock, log }: RosterDeps): Roster {
  const entries = new Map<string, Entry>()
  const members = new Map<string, Member>()
  /** Configured services, which are entered before all others. */
  let configured = 0
  let external = 0

  const serving = (entry: Entry): Member[] =>
    [...entry.members.values()].filter(({ state }) => state === 'available')

  const publishEntry = (entry: Entry, why: Why): void => {
    const instances = serving(entry).map(({ instance }) => instance)
    if (instances.length > 0) entry.down = undefined
    else entry.down ??= { since: clock.now(), at: clock.monotonic() }
    publish(changeOf(entry, instances), why)
  }
  /** Behind all that are known. Where nodes share a store, it says later what they agree on. */
  const nextRank = (): number => {
    let last = 0
    for (const { rank } of entries.values()) if (rank < EXTERNAL_RANK) last = Math.max(last, rank)
    return last + 1
  }
  const rankFor = ({ channel, registration: { name } }: Pick<Member, 'channel' | 'registration'>): number => {
    if (isExternal(name)) return EXTERNAL_RANK + ++external
    return channel === 'static' ? FIRST_RANK + ++configured : nextRank()
  }
  const entryFor = (one: Pick<Member, 'registration' | 'channel'>, rank?: number): Entry => {
    const { registration, channel } = one
    const { name } = registration
    const known = entries.get(name)
    if (known) return known
    const entry: Entry = {
      name,
      rank: rank ?? rankFor(one),
      declared: registration,
      channel,
      members: new Map(),
      orphans: new Map(),
      leftFragments: new Map(),
      down: undefined,
    }
    entries.set(name, entry)
    return entry
  }
  /** A new process of this version or a newer one speaks for what a vanished one left behind. */
  const takeOver = <Left extends { readonly version: string | number }>(
    left: Map<string, Left>,
    own: string,
    { registration }: Member,
  ): void => {
    for (const [hash, { version }] of left)
      if (hash === own || compareVersions(registration.version, version) >= 0) left.delete(hash)
  }
  const leave = <Left>(left: Map<string, Left>, hash: string, what: Left): void => {
    left.set(hash, what)
    const [first] = left.keys()
    if (left.size > MOST_ORPHANS) left.delete(first!)
  }

  const remove: Roster['remove'] = (member, reason, { remember = true } = {}) => {
    const entry = entries.get(member.registration.name)
    if (!entry?.members.delete(member.id)) return
    members.delete(member.id)
    // The last one never takes its routes along: the service is down, not gone.
    if (remember || entry.members.size === 0) {
      const others = [...entry.members.values()]
      const { manifest, fragments } = member
      const { version } = member.registration
      if (!others.some((other) => other.manifest.hash === manifest.hash))
        leave(entry.orphans, manifest.hash, { manifest, version })
      if (
        fragments.refs &&
        fragments.refs.size > 0 &&
        !others.some((other) => other.fragments.hash === fragments.hash)
      )
        leave(entry.leftFragments, fragments.hash, { refs: fragments.refs, version })
    }
    // Its menu leaves with it while others speak for the service: an item only it had would be a dead link.
    entry.declared = speakerOf(entry)
    publishEntry(entry, { reason, instance: member.id })
    onMember('left', member, reason)
    log.info({ service: entry.name, instance: member.id, reason, left: entry.members.size }, 'instance left')
  }
  const drop: Roster['drop'] = (entry, reason) => {
    for (const member of [...entry.members.values()]) remove(member, reason)
    entries.delete(entry.name)
    publish({ forgotten: entry.name }, { reason })
    log.info({ service: entry.name, reason }, 'service forgotten')
  }

  return {
    entry: (service) => entries.get(service),
    entries: () => entries.values(),
    member: (id) => members.get(id),
    members: () => members.values(),
    serving,
    makeRoom({ id, registration: { name } }) {
      const needsPlace = !entries.has(name) && entries.size >= maxInstances
      const oldest = needsPlace ? downLongest(entries.values()) : undefined
      if ((members.size >= maxInstances && !members.has(id)) || (needsPlace && !oldest)) {
        const full = `this gateway knows ${maxInstances} instances already (registration.maxInstances)`
        throw new HydraError('HYDRA_OVERLOADED', full)
      }
      if (oldest) drop(oldest, 'another service needed its place')
    },
    hasRoom: () => members.size < maxInstances,
    admit(member, rank) {
      const elsewhere = members.get(member.id)
      if (elsewhere && elsewhere.registration.name !== member.registration.name)
        remove(elsewhere, 'it registered under another name')
      const entry = entryFor(member, rank)
      if (rank !== undefined && entry.rank > 0) entry.rank = rank
      const before = entry.members.get(member.id)
      if (before) {
        entry.orphans.delete(member.manifest.hash)
        entry.leftFragments.delete(member.fragments.hash)
      } else {
        takeOver(entry.orphans, member.manifest.hash, member)
        takeOver(entry.leftFragments, member.fragments.hash, member)
      }
      // Behind all others: members stand in the order of their last registration.
      entry.members.delete(member.id)
      entry.members.set(member.id, member)
      members.set(member.id, member)
      entry.declared = speakerOf(entry)
      const reason = before ? 'it registered again' : 'it registered'
      if (!before) onMember('joined', member, reason)
      else if (!isSameAddress(before.instance.address, member.instance.address))
        onMember('moved', member, reason)
      publishEntry(entry, { reason, instance: member.id })
    },
    remove,
    setState(member, state, reason) {
      const entry = entries.get(member.registration.name)!
      member.state = state
      entry.declared = speakerOf(entry)
      publishEntry(entry, { reason, instance: member.id })
    },
    reface(entry, instances) {
      for (const [member, instance] of instances) member.instance = instance
      publishEntry(entry, { reason: 'its fragments were judged again' })
    },
    yieldClaims(entry) {
      entry.rank = nextRank()
      publishEntry(entry, { reason: 'it was down for too long to keep contested routes' })
    },
    setRank(service, rank) {
      const entry = entries.get(service)
      if (!entry || entry.rank === rank || entry.rank <= 0) return
      entry.rank = rank
      publishEntry(entry, { reason: 'its place among those that want the same routes' })
    },
    enter(one) {
      const { registration, manifest, fragments, rank, downForMs } = one
      const { name, version } = registration
      if (entries.has(name) || entries.size >= maxInstances) return false
      const entry = entryFor(one, rank)
      entry.orphans.set(manifest.hash, { manifest, version })
      if (fragments.refs && fragments.refs.size > 0)
        entry.leftFragments.set(fragments.hash, { refs: fragments.refs, version })
      entry.down = { since: clock.now() - downForMs, at: clock.monotonic() - downForMs }
      publishEntry(entry, { reason: 'it was here before' })
      return true
    },
    remember(entry, manifest, version) {
      leave(entry.orphans, manifest.hash, { manifest, version })
      publishEntry(entry, { reason: 'its routes are others now' })
    },
    forgetLeft(entry) {
      if (entry.orphans.size === 0 && entry.leftFragments.size === 0) return
      entry.orphans.clear()
      entry.leftFragments.clear()
      publishEntry(entry, { reason: 'what it was before is forgotten' })
    },
    drop,
  }
}

/**
 * Who speaks for a service: the newest version, of equals the last to register; without members whoever did. Those that
 * are on their way out speak only while nobody else is there.
 */
function speakerOf({ members, declared }: Entry): Registration {
  const staying = [...members.values()].filter(({ state }) => state !== 'draining')
  const speakers = staying.length > 0 ? staying : [...members.values()]
  const [first, ...rest] = speakers.map(({ registration }) => registration)
  if (!first) return declared
  return rest.reduce((a, b) => (compareVersions(b.version, a.version) >= 0 ? b : a), first)
}

function changeOf(entry: Entry, instances: readonly Instance[]): ServiceChange {
  const { name, rank, declared, channel, members, orphans, down } = entry
  const manifests = new Map([...members.values()].map(({ manifest }) => [manifest.hash, manifest]))
  for (const [hash, { manifest }] of orphans) manifests.set(hash, manifest)
  return {
    service: {
      name,
      title: declared.title ?? titleOf(name),
      channel,
      ...(declared.fallback ? { fallback: declared.fallback } : {}),
      ...(down ? { downSince: down.since } : {}),
    },
    ...(declared.group ? { group: declared.group } : {}),
    rank,
    manifests: [...manifests.values()],
    instances,
  }
}

function isSameAddress(a: Address, b: Address): boolean {
  return a.protocol === b.protocol && a.host === b.host && a.port === b.port
}

/** It is there, and may be told to serve again. */
export function isDraining({ state }: Member): boolean {
  return state === 'draining'
}

function downLongest(entries: Iterable<Entry>): Entry | undefined {
  const isAway = ({ down, members }: Entry) => down && ![...members.values()].some(isDraining)
  return [...entries].filter(isAway).sort((a, b) => a.down!.at - b.down!.at)[0]
}

/** `order-history` → `Order history`, for services that don't say what visitors call them; elsewhere is called by its address. */
function titleOf(name: string): string {
  if (isExternal(name)) return name
  const spaced = name.replace(/[-_.]+/g, ' ')
  const words = spaced.replace(/\b[sS]ervice$/, '').trim() || name
  return words.charAt(0).toUpperCase() + words.slice(1)
}
