/**
 * The overview: what every connected service is told about all of them.
 *
 * Pure. It names services, versions and page paths; addresses and static files stay here.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import {
  type FragmentConflict,
  isServing,
  type MenuDemand,
  type Overview,
  type OverviewService,
  SERVICE_STATES,
  type ServiceState,
  stateOf,
} from '@hydra-gateway/protocol'
import { ALWAYS_WELL, type HealthOf } from '../routing/link-state.ts'
import type { Manifest, RouteSpec } from '../routing/route.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Entry, Member } from './member.ts'
import type { CompiledMenus } from './menu.ts'
import type { PageDemands } from './page-demands.ts'

export interface OverviewInput {
  readonly entries: Iterable<Entry>
  readonly table: RoutingTable
  readonly vitals: Pick<VitalsBook, 'of'>
  /** Pages and fragments that don't fit together, and how many more there are. */
  readonly fragments?: { readonly listed: readonly FragmentConflict[]; readonly more: number }
  readonly menus: Pick<CompiledMenus, 'menus' | 'faults'>
  /** @default all that serve do it well */
  readonly healthOf?: HealthOf | undefined
  readonly pageDemands: PageDemands
  /** What roles of the gateway are called in a service. */
  readonly roleMappings: (service: string) => Readonly<Record<string, string>>
  /** Base64 SPKI of the key that signs tokens. */
  readonly publicKey: string | null
}

/** Conflicts of fragments that everybody is told. */
const MOST_CONFLICTS = 100
/** Faults of menu items that everybody is told. */
const MOST_FAULTS = 100

/** State of an instance as everybody but the balancer sees it. */
export function memberState(member: Member, vitals: Pick<VitalsBook, 'of'>): ServiceState {
  return member.state === 'available' && vitals.of(member.id).resting ? 'down' : member.state
}

/**
 * What visitors feel: one serving instance is enough to be available, or degraded where health says so, and one that is
 * expected back serves nobody. Without any it is down; draining when all there are finish what was begun.
 */
export function serviceState(
  entry: Pick<Entry, 'name' | 'members'>,
  vitals: Pick<VitalsBook, 'of'>,
  healthOf: HealthOf = ALWAYS_WELL,
): ServiceState {
  const states = [...entry.members.values()].map((member) => memberState(member, vitals))
  if (states.includes('available')) return stateOf(healthOf(entry.name))
  return states.length > 0 && states.every((state) => state === 'draining') ? 'draining' : 'down'
}

/** How many services are in each state. */
export function servicesByState(
  entries: Iterable<Entry>,
  stateOf: (entry: Entry) => ServiceState,
): Record<ServiceState, number> {
  const counts = Object.fromEntries(SERVICE_STATES.map((state) => [state, 0]))
  for (const entry of entries) counts[stateOf(entry)]!++
  return counts as Record<ServiceState, number>
}

/** Compiles the overview. Its hash changes when anything in it does, and with nothing else. */
export function compileOverview(input: OverviewInput): Overview {
  const { table, vitals, fragments, publicKey } = input
  const { menus, faults } = input.menus
  const known = [...input.entries].sort((a, b) => (a.name < b.name ? -1 : 1))
  const written = known.map((entry) => {
    const state = serviceState(entry, vitals, input.healthOf)
    const mappings = input.roleMappings(entry.name)
    return sameAsBefore(entry, {
      serviceName: entry.name,
      state,
      available: isServing(state),
      title: table.service(entry.name)?.title ?? entry.declared.title ?? entry.name,
      endpoints: endpointsOf(entry, input),
      ...(Object.keys(mappings).length > 0 ? { roleMappings: mappings } : {}),
      ...fragmentAssetsOf(entry),
      // In an order that is the same whoever registered last: who comes back finds what it knows.
      instances: inOrder(entry).map((member) => ({
        id: member.id,
        version: member.instance.version,
        state: memberState(member, vitals),
      })),
    })
  })
  const services = written.map(({ service }) => service)
  // Weights are no part of what services are told, but a change of them is news (medusa.md 8).
  const weights = known.map((entry) => inOrder(entry).map(({ instance }) => instance.weight))
  const conflicts = fragments && fragments.listed.length > 0 ? conflictsOf(fragments) : undefined
  const menuFaults = faults.listed.slice(0, MOST_FAULTS)
  const hash = createHash('sha256')
    .update(`[[${written.map(({ text }) => text).join()}],`)
    .update(
      JSON.stringify([
        menus,
        weights,
        ...(menuFaults.length > 0 ? [menuFaults] : []),
        ...(conflicts ? [conflicts] : []),
        ...(publicKey ? [publicKey] : []),
      ]).slice(1),
    )
    .digest('hex')
  return {
    type: 'ACTIVE_SERVERS_UPDATE',
    hash,
    services,
    menus,
    ...(menuFaults.length > 0 ? { menuFaults } : {}),
    publicKey,
    roleMappings: {},
    ...conflicts,
  }
}

interface Written {
  readonly service: OverviewService
  readonly text: string
}

/** What was said of each entry last. */
const writtenLast = new WeakMap<Entry, Written>()

/** A service as JSON; while that says the same it is the same object, by which others know that nothing changed. */
function sameAsBefore(entry: Entry, service: OverviewService): Written {
  const text = JSON.stringify(service)
  const before = writtenLast.get(entry)
  if (before?.text === text) return before
  const written = { service, text }
  writtenLast.set(entry, written)
  return written
}

function inOrder({ members }: Entry): Member[] {
  return [...members.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Pages of a service by path, each with how it is now. */
function endpointsOf(
  entry: Entry,
  { table, vitals, healthOf = ALWAYS_WELL, pageDemands }: OverviewInput,
): OverviewService['endpoints'] {
  const { name } = entry
  return [...pagesOf(entry, table, vitals)]
    .map(([path, { isServed, routes }]) => {
      const felt = isServed ? healthOf(name) : 'down'
      const demands = new Set(routes.flatMap((route) => pageDemands(name, route)))
      return {
        path,
        available: isServed,
        state: stateOf(felt),
        ...(felt === 'failing' && { isFailing: true as const }),
        ...(demands.size > 0 ? { demands: [...demands] as MenuDemand[] } : {}),
      }
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Most fragments of one service whose assets everybody is told; those of others stand in place. */
const MOST_ASSETS = 200

/** Assets of fragments that all serving instances of a service render in one version: of others nobody can say which a visitor gets. */
function fragmentAssetsOf({ members }: Entry): Pick<OverviewService, 'fragmentAssets'> {
  const known = new Map<string, NonNullable<OverviewService['fragmentAssets']>[number] | undefined>()
  for (const { state, instance } of members.values()) {
    if (state !== 'available') continue
    for (const { ref, assets } of instance.refs?.values() ?? []) {
      if (instance.refusedRefs?.has(ref)) continue
      const before = known.get(ref)
      if (!known.has(ref)) known.set(ref, { ref, version: instance.version, assets: assets ?? {} })
      else if (before && before.version !== instance.version) known.set(ref, undefined)
    }
  }
  const fragmentAssets = [...known.values()]
    .filter((one) => one !== undefined)
    .filter(({ assets }) => (assets.styles?.length ?? 0) + (assets.scripts?.length ?? 0) > 0)
    .slice(0, MOST_ASSETS)
  return fragmentAssets.length > 0 ? { fragmentAssets } : {}
}

function conflictsOf({
  listed,
  more,
}: NonNullable<OverviewInput['fragments']>): Pick<Overview, 'fragmentConflicts' | 'moreFragmentConflicts'> {
  const beyond = more + Math.max(0, listed.length - MOST_CONFLICTS)
  return {
    fragmentConflicts: listed.slice(0, MOST_CONFLICTS),
    ...(beyond > 0 ? { moreFragmentConflicts: beyond } : {}),
  }
}

/** A page path, and the routes by which manifests declare it. */
interface Page {
  isServed: boolean
  readonly routes: RouteSpec[]
}

/** Page paths a service declared, without those another service kept, and whether an instance serves each now. */
function pagesOf(
  { name, members, orphans }: Entry,
  table: RoutingTable,
  vitals: Pick<VitalsBook, 'of'>,
): Map<string, Page> {
  const served = new Map<Manifest, boolean>()
  for (const { manifest } of orphans.values()) served.set(manifest, false)
  for (const member of members.values()) {
    const { manifest } = member
    served.set(manifest, served.get(manifest) || memberState(member, vitals) === 'available')
  }
  const pages = new Map<string, Page>()
  for (const [manifest, isServed] of served) {
    for (const route of manifest.routes) {
      if (route.kind !== 'page') continue
      const page = pages.get(route.pattern.text)
      if (page) {
        page.isServed ||= isServed
        page.routes.push(route)
      } else pages.set(route.pattern.text, { isServed, routes: [route] })
    }
  }
  // A version that waits for another of its own service takes nothing away.
  for (const { newcomer, incumbent, pattern } of table.conflicts())
    if (newcomer === name && incumbent !== name) pages.delete(pattern)
  return pages
}
