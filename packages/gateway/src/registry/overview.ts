/**
 * The overview: what every connected service is told about all of them.
 *
 * Pure. It names services, versions and page paths; addresses and static files stay here.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { FragmentConflict, Overview, OverviewService, ServiceState } from '@hydra-gateway/protocol'
import type { Manifest } from '../routing/route.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Entry, Member } from './member.ts'
import { compileMenus } from './menu.ts'

export interface OverviewInput {
  readonly entries: Iterable<Entry>
  readonly table: RoutingTable
  readonly vitals: Pick<VitalsBook, 'of'>
  /** Pages and fragments that don't fit together, and how many more there are. */
  readonly fragments?: { readonly listed: readonly FragmentConflict[]; readonly more: number }
  /** Base64 SPKI of the key that signs tokens. */
  readonly publicKey: string | null
}

/** Conflicts of fragments that everybody is told. */
const MOST_CONFLICTS = 100

/** State of an instance as everybody but the balancer sees it. */
export function memberState(member: Member, vitals: Pick<VitalsBook, 'of'>): ServiceState {
  return member.state === 'available' && vitals.of(member.id).resting ? 'down' : member.state
}

/** What visitors feel: one serving instance is enough to be available, and one that is expected back serves nobody. */
export function serviceState(entry: Entry, vitals: Pick<VitalsBook, 'of'>): ServiceState {
  const isServed = [...entry.members.values()].some((member) => memberState(member, vitals) === 'available')
  return isServed ? 'available' : 'down'
}

/** Compiles the overview. Its hash changes when anything in it does, and with nothing else. */
export function compileOverview({ entries, table, vitals, fragments, publicKey }: OverviewInput): Overview {
  const known = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))
  const pages = new Map(known.map((entry) => [entry.name, pagesOf(entry, table, vitals)]))
  const services = known.map((entry): OverviewService => {
    const state = serviceState(entry, vitals)
    return {
      serviceName: entry.name,
      state,
      available: state === 'available',
      ...(entry.declared.title ? { title: entry.declared.title } : {}),
      endpoints: [...pages.get(entry.name)!]
        .map(([path, available]) => ({ path, available }))
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
      ...fragmentAssetsOf(entry),
      instances: [...entry.members.values()].map((member) => ({
        id: member.id,
        version: member.instance.version,
        state: memberState(member, vitals),
      })),
    }
  })
  const serving = new Set(services.filter(({ available }) => available).map(({ serviceName }) => serviceName))
  // An item may lead to a page only one version has; any other path is as available as its service.
  const menus = compileMenus(
    known,
    (service, path) => serving.has(service) && (pages.get(service)?.get(path) ?? true),
  )
  // Weights are no part of what services are told, but a change of them is news (medusa.md 8).
  const weights = known.map((entry) => [...entry.members.values()].map(({ instance }) => instance.weight))
  const conflicts = fragments && fragments.listed.length > 0 ? conflictsOf(fragments) : undefined
  const hash = createHash('sha256')
    .update(
      JSON.stringify([
        services,
        menus,
        weights,
        ...(conflicts ? [conflicts] : []),
        ...(publicKey ? [publicKey] : []),
      ]),
    )
    .digest('hex')
  const type = 'ACTIVE_SERVERS_UPDATE'
  return { type, hash, services, menus, publicKey, roleMappings: {}, ...conflicts }
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

/** Page paths a service declared, without those another service kept, and whether an instance serves each now. */
function pagesOf(
  { name, members, orphans }: Entry,
  table: RoutingTable,
  vitals: Pick<VitalsBook, 'of'>,
): Map<string, boolean> {
  const served = new Map<Manifest, boolean>()
  for (const { manifest } of orphans.values()) served.set(manifest, false)
  for (const member of members.values()) {
    const { manifest } = member
    served.set(manifest, served.get(manifest) || memberState(member, vitals) === 'available')
  }
  const pages = new Map<string, boolean>()
  for (const [manifest, isServed] of served) {
    for (const path of pagesOfManifest(manifest)) pages.set(path, pages.get(path) || isServed)
  }
  // A version that waits for another of its own service takes nothing away.
  for (const { newcomer, incumbent, pattern } of table.conflicts())
    if (newcomer === name && incumbent !== name) pages.delete(pattern)
  return pages
}

/** A manifest is shared by many instances and never changes. */
const manifestPages = new WeakMap<Manifest, readonly string[]>()

function pagesOfManifest(manifest: Manifest): readonly string[] {
  let paths = manifestPages.get(manifest)
  if (!paths) {
    paths = manifest.routes.filter(({ kind }) => kind === 'page').map(({ pattern }) => pattern.text)
    manifestPages.set(manifest, paths)
  }
  return paths
}
