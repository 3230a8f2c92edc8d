/**
 * Sees what happens to services, instances, routes and menus, and says it in the tick in which it happens.
 *
 * The registry says which service changed and why; what is otherwise than before is found here, by comparing. So a
 * change is said once, whoever caused it, and what is said agrees with the overview. What changed without anybody saying
 * why is found with the next overview.
 *
 * @module
 */
import type { Menus, ServiceState } from '@hydra-gateway/protocol'
import type { Entry, Member } from '../registry/member.ts'
import type { Registry } from '../registry/registry.ts'
import type { Why } from '../registry/roster.ts'
import type { Manifest } from '../routing/route.ts'
import type { RoutingTable } from '../routing/table.ts'
import { changedMenus } from './menu-changes.ts'
import type { EventSink } from './port.ts'
import { changedRoutes } from './route-changes.ts'

export interface SiteWatchDeps {
  readonly registry: Pick<Registry, 'entries' | 'onNews' | 'onOverview' | 'latestOverview'>
  /** States as the overview has them. */
  readonly states: {
    service(entry: Entry): ServiceState
    instance(member: Member): ServiceState
  }
  readonly table: () => RoutingTable
  readonly events: EventSink
}

/** What was said of a service last. */
interface Known {
  state: ServiceState | undefined
  readonly instances: Map<string, { version: string | number; state: ServiceState }>
  manifests: readonly Manifest[]
  /** Patterns it declared and another service has. */
  lost: ReadonlySet<string>
}

/** Starts to watch. Returns the function that ends it. */
export function watchSite({ registry, states, table, events }: SiteWatchDeps): () => void {
  const site = new Map<string, Known>()
  const lost = createLostRoutes(table)
  /** Services that have less than they declared. */
  const losers = new Set<string>()

  const lookAtInstances = (entry: Entry, known: Known, why: Why | undefined): (() => void)[] => {
    const { name: service } = entry
    const said: (() => void)[] = []
    for (const [instance, { version }] of known.instances) {
      if (entry.members.has(instance)) continue
      known.instances.delete(instance)
      const reason = why?.reason ?? 'it left'
      said.push(() => events.say({ kind: 'instance', service, instance, version, state: 'gone', reason }))
    }
    for (const member of entry.members.values()) {
      const { id: instance } = member
      const { version } = member.instance
      const state = states.instance(member)
      const before = known.instances.get(instance)
      if (before?.state === state && before.version === version) continue
      known.instances.set(instance, { version, state })
      const reason = why?.reason ?? reasonFor(state, before?.state)
      said.push(() => events.say({ kind: 'instance', service, instance, version, state, reason }))
    }
    return said
  }

  const lookAtRoutes = (service: string, known: Known, manifests: readonly Manifest[]): void => {
    const now = { manifests, lost: lost.by(service) }
    if (isSameList(manifests, known.manifests) && isSameSet(now.lost, known.lost)) return
    const changed = changedRoutes(known, now)
    Object.assign(known, now)
    if (known.lost.size > 0) losers.add(service)
    else losers.delete(service)
    if (changed) events.say({ kind: 'routes', service, ...changed })
  }
  /** Who waits for routes of others gets them, or loses some, when those change. */
  const lookAtContested = (): void => {
    const contested = lost.all()
    if (losers.size === 0 && contested.size === 0) return
    for (const service of new Set([...losers, ...contested.keys()])) {
      const known = site.get(service)
      if (known) lookAtRoutes(service, known, known.manifests)
    }
  }

  const look = (entry: Entry, why?: Why): void => {
    const { name: service } = entry
    const isNew = !site.has(service)
    const known: Known = site.get(service) ?? {
      state: undefined,
      instances: new Map(),
      manifests: [],
      lost: NONE,
    }
    site.set(service, known)
    const version = why?.instance === undefined ? undefined : known.instances.get(why.instance)?.version
    const instances = lookAtInstances(entry, known, why)
    const state = states.service(entry)
    const before = known.state
    if (before !== state) {
      known.state = state
      const reason = why?.reason ?? reasonFor(state, before)
      const whose = why?.instance
      const of = whose === undefined ? undefined : (known.instances.get(whose)?.version ?? version)
      events.say({
        kind: 'service',
        service,
        state,
        ...(before === undefined ? {} : { before }),
        reason,
        ...(whose === undefined || of === undefined ? {} : { instance: whose, version: of }),
      })
    }
    for (const say of instances) say()
    // Routes change with a word of the registry only, and they may be many.
    if (why || isNew) lookAtRoutes(service, known, manifestsOf(entry))
  }

  const forgotten = (service: string, { reason }: Why): void => {
    const known = site.get(service)
    if (!known) return
    site.delete(service)
    losers.delete(service)
    const changed = changedRoutes(known, { manifests: [], lost: NONE })
    if (changed) events.say({ kind: 'routes', service, ...changed })
    events.say({ kind: 'forgotten', service, reason })
  }

  let isOver = false
  let menus: Menus = registry.latestOverview().menus
  for (const entry of registry.entries()) look(entry)
  registry.onNews((service, entry, why) => {
    if (isOver) return
    if (entry) look(entry, why)
    else forgotten(service, why)
    lookAtContested()
  })
  const stop = registry.onOverview((overview) => {
    for (const entry of registry.entries()) look(entry)
    for (const changed of changedMenus(menus, overview.menus)) events.say({ kind: 'menu', ...changed })
    menus = overview.menus
  })
  return () => {
    isOver = true
    stop()
  }
}

/** For changes nobody gave a reason for. */
function reasonFor(state: ServiceState, before: ServiceState | undefined): string {
  if (before === undefined) return 'it registered'
  switch (state) {
    case 'available':
      return before === 'degraded' ? 'it answers as usual again' : 'it serves again'
    case 'degraded':
      return 'it fails, or is slow, more often than usual'
    case 'draining':
      return 'it finishes what was begun, and takes nobody new'
    case 'recovering':
      return 'it is expected back'
    case 'down':
      return 'no instance serves'
    case 'unknown':
      return 'nothing is heard of it'
  }
}

function manifestsOf({ members, orphans }: Entry): readonly Manifest[] {
  const manifests = new Set<Manifest>()
  for (const { manifest } of members.values()) manifests.add(manifest)
  for (const { manifest } of orphans.values()) manifests.add(manifest)
  return [...manifests]
}

const NONE: ReadonlySet<string> = new Set()

interface LostRoutes {
  all(): ReadonlyMap<string, ReadonlySet<string>>
  by(service: string): ReadonlySet<string>
}

/** Patterns services declared and others have, read once of each table. */
function createLostRoutes(table: () => RoutingTable): LostRoutes {
  let of: RoutingTable | undefined
  let known = new Map<string, Set<string>>()
  const all = (): ReadonlyMap<string, ReadonlySet<string>> => {
    const now = table()
    if (now === of) return known
    of = now
    known = new Map()
    for (const { newcomer, incumbent, pattern } of now.conflicts()) {
      // A version that waits for another of its own service takes nothing away.
      if (newcomer === incumbent) continue
      const some = known.get(newcomer) ?? new Set()
      known.set(newcomer, some.add(pattern))
    }
    return known
  }
  return { all, by: (service) => all().get(service) ?? NONE }
}

function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index])
}

function isSameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  if (a === b) return true
  return a.size === b.size && [...a].every((one) => b.has(one))
}
