/**
 * The overview: what every connected service is told about all of them.
 *
 * Pure. It names services, versions and page paths; addresses and static files stay here.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Overview, OverviewService, ServiceState } from '@hydra-gateway/protocol'
import type { Manifest } from '../routing/route.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Entry, Member } from './member.ts'
import { compileMenus } from './menu.ts'

export interface OverviewInput {
  readonly entries: Iterable<Entry>
  readonly table: RoutingTable
  readonly vitals: Pick<VitalsBook, 'of'>
}

/** State of an instance as everybody but the balancer sees it. */
export function memberState(member: Member, vitals: Pick<VitalsBook, 'of'>): ServiceState {
  return member.state === 'available' && vitals.of(member.id).resting ? 'down' : member.state
}

/** The worst state visitors can feel: one serving instance is enough to be available. */
export function serviceState(entry: Entry, vitals: Pick<VitalsBook, 'of'>): ServiceState {
  const states = [...entry.members.values()].map((member) => memberState(member, vitals))
  return states.includes('available') ? 'available' : states.includes('recovering') ? 'recovering' : 'down'
}

/** Compiles the overview. Its hash changes when anything in it does, and with nothing else. */
export function compileOverview({ entries, table, vitals }: OverviewInput): Overview {
  const known = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))
  const services = known.map((entry): OverviewService => {
    const state = serviceState(entry, vitals)
    const available = state === 'available'
    return {
      serviceName: entry.name,
      state,
      available,
      ...(entry.declared.title ? { title: entry.declared.title } : {}),
      endpoints: pagesOf(entry, table).map((path) => ({ path, available })),
      instances: [...entry.members.values()].map((member) => ({
        id: member.id,
        version: member.instance.version,
        state: memberState(member, vitals),
      })),
    }
  })
  const serving = new Set(services.filter(({ available }) => available).map(({ serviceName }) => serviceName))
  const menus = compileMenus(known, (service) => serving.has(service))
  // Weights are no part of what services are told, but a change of them is news (medusa.md 8).
  const weights = known.map((entry) => [...entry.members.values()].map(({ instance }) => instance.weight))
  const hash = createHash('sha256')
    .update(JSON.stringify([services, menus, weights]))
    .digest('hex')
  return { type: 'ACTIVE_SERVERS_UPDATE', hash, services, menus, publicKey: null, roleMappings: {} }
}

/** Page paths of a manifest; a manifest is shared by many instances and never changes. */
const pagesOfManifest = new WeakMap<Manifest, readonly string[]>()

/** Page paths a service serves, without those another service kept. */
function pagesOf(entry: Entry, table: RoutingTable): string[] {
  const pages = new Set<string>()
  const manifests = [
    ...[...entry.members.values()].map(({ manifest }) => manifest),
    ...[...entry.orphans.values()].map(({ manifest }) => manifest),
  ]
  for (const manifest of new Set(manifests)) {
    let paths = pagesOfManifest.get(manifest)
    if (!paths) {
      paths = manifest.routes.filter(({ kind }) => kind === 'page').map(({ pattern }) => pattern.text)
      pagesOfManifest.set(manifest, paths)
    }
    for (const path of paths) pages.add(path)
  }
  for (const { newcomer, pattern } of table.conflicts()) if (newcomer === entry.name) pages.delete(pattern)
  return [...pages].sort()
}
