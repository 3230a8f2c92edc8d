/**
 * The routing table: which service answers a request.
 *
 * Immutable: every change makes a new table that shares what stayed the same, in time that grows with the
 * change and not with the table. No I/O, no clock, no log.
 *
 * @module
 */
import { type Claim, choose, conflictsOf, type Leaf, routesOf, settle } from './claims.ts'
import { decodePath, edit, find, leaves, noPaths, type Paths } from './paths.ts'
import { entries, get, type Owner, type PersistentMap, remove, set } from './persistent-map.ts'
import type { Conflict, Manifest, Route, RouteSpec } from './route.ts'
import type { Instance, Service } from './upstream.ts'

export interface RoutingTable {
  readonly revision: number
  /** Number of routes that can be matched. */
  readonly size: number
  /**
   * The most specific route that fits path, host and method; routes for this host come before routes for any.
   * A socket route is found only for an upgrade, and an upgrade finds only socket routes.
   */
  match(host: string, path: string, method: string, isUpgrade: boolean): Route | undefined
  /** Methods that some route would take at this path, for the `Allow` of a 405; empty when none fits. */
  allowed(host: string, path: string): readonly string[]
  /** Instances that may serve a route now; empty when its services are known but down. */
  candidates(route: Route): readonly Instance[]
  service(name: string): Service | undefined
  services(): Iterable<Service>
  routes(): Iterable<Route>
  conflicts(): readonly Conflict[]

  /** A service as it is now: who it is, what its instances declared, which of them may be sent requests. */
  withService(change: ServiceChange): RoutingTable
  /** Forgets a service and all its routes. */
  withoutService(name: string): RoutingTable
}

export interface ServiceChange {
  readonly service: Service
  /** Rollout group; services of one group share routes instead of conflicting. */
  readonly group?: string
  /** Lower claims first: the incumbent of a route is the claimant with the lowest rank. */
  readonly rank: number
  /** Every manifest of instances that are known, serving or not. Unchanged ones cost nothing. */
  readonly manifests: readonly Manifest[]
  /** Instances that may be sent requests now. */
  readonly instances: readonly Instance[]
}

/** An empty table. */
export function emptyTable(): RoutingTable {
  return tableOf({
    revision: 0,
    size: 0,
    services: undefined,
    pools: undefined,
    anyHost: noPaths,
    hosts: undefined,
    disputes: undefined,
  })
}

interface State {
  readonly revision: number
  readonly size: number
  readonly services: PersistentMap<ServiceChange>
  /** Instances by claim, `service NUL manifest`; never an empty list. */
  readonly pools: PersistentMap<readonly Instance[]>
  readonly anyHost: Paths
  readonly hosts: PersistentMap<Paths>
  /** Conflicts by place. */
  readonly disputes: PersistentMap<readonly Conflict[]>
}

const NOBODY: readonly Instance[] = Object.freeze([])

function tableOf(state: State): RoutingTable {
  const { revision, size, services, pools, anyHost, hosts, disputes } = state
  let listed: readonly Conflict[] | undefined
  return Object.freeze({
    revision,
    size,
    match(host: string, path: string, method: string, isUpgrade: boolean) {
      const decoded = decodePath(path)
      if (decoded === undefined) return undefined
      const own = hosts && get(hosts, host)
      return (
        (own && find(own, decoded, choose, method, isUpgrade)) ??
        find(anyHost, decoded, choose, method, isUpgrade)
      )
    },
    allowed(host: string, path: string) {
      const decoded = decodePath(path)
      if (decoded === undefined) return []
      const methods = new Set<string>()
      const note = (leaf: Leaf): undefined => noteMethods(leaf, methods)
      const own = get(hosts, host)
      if (own) find(own, decoded, note, '', false)
      find(anyHost, decoded, note, '', false)
      return [...methods]
    },
    candidates({ claims }: Route) {
      if (claims.length === 1) return get(pools, claims[0]!) ?? NOBODY
      return claims.flatMap((claim) => get(pools, claim) ?? NOBODY)
    },
    service: (name: string) => get(services, name)?.service,
    *services() {
      for (const [, { service }] of entries(services)) yield service
    },
    *routes() {
      for (const leaf of leaves(anyHost)) yield* routesOf(leaf)
      for (const [, paths] of entries(hosts)) for (const leaf of leaves(paths)) yield* routesOf(leaf)
    },
    conflicts() {
      listed ??= Object.freeze([...entries(disputes)].flatMap(([, conflicts]) => conflicts))
      return listed
    },
    withService: (change: ServiceChange) => tableOf(replaced(state, change.service.name, change)),
    withoutService(name: string) {
      return get(services, name) ? tableOf(replaced(state, name, undefined)) : this
    },
  })
}

const EVERY_METHOD = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

function noteMethods(leaf: Leaf, into: Set<string>): undefined {
  for (const { kind, methods } of routesOf(leaf)) {
    if (kind === 'socket') continue
    for (const method of methods ?? EVERY_METHOD) {
      into.add(method)
      if (method === 'GET') into.add('HEAD')
    }
  }
}

/** The state with a service as `change` says, or without it. */
function replaced(state: State, name: string, change: ServiceChange | undefined): State {
  const owner: Owner = {}
  const before = get(state.services, name)
  const services = change ? set(state.services, name, change, owner) : remove(state.services, name, owner)
  const pools = replacePools(state.pools, name, before, change, owner)
  const draft = { ...state, revision: state.revision + 1, services, pools }

  const hadManifests = new Set(before?.manifests.map(({ hash }) => hash))
  const hasManifests = new Set(change?.manifests.map(({ hash }) => hash))
  const isReordered = before?.rank !== change?.rank || before?.group !== change?.group
  const places = new Map<string, Place>()
  const dropped = new Set<string>()
  for (const { hash, routes } of before?.manifests ?? []) {
    const isKept = hasManifests.has(hash)
    if (!isKept) dropped.add(claimKey(name, hash))
    if (!isKept || isReordered) for (const spec of routes) placeOf(places, spec)
  }
  for (const manifest of change?.manifests ?? []) {
    if (hadManifests.has(manifest.hash)) continue
    hadManifests.add(manifest.hash)
    addClaims(places, name, manifest)
  }

  // Every service with a claim is known, and this one when it stays.
  const standingOf = (service: string): ServiceChange => get(services, service)!
  for (const [key, { spec, added }] of places) {
    const change = (leaf: Leaf | undefined): Leaf | undefined => {
      const settled = settle(leaf, dropped, added, standingOf)
      draft.size += routesOf(settled).length - routesOf(leaf).length
      const conflicts = conflictsOf(settled)
      if (conflicts.length > 0) draft.disputes = set(draft.disputes, key, conflicts, owner)
      else if (conflictsOf(leaf).length > 0) draft.disputes = remove(draft.disputes, key, owner)
      return settled
    }
    if (spec.host === undefined) draft.anyHost = edit(draft.anyHost, spec.pattern, change, owner)
    else {
      const paths = edit(get(draft.hosts, spec.host) ?? noPaths, spec.pattern, change, owner)
      draft.hosts =
        paths.places === undefined
          ? remove(draft.hosts, spec.host, owner)
          : set(draft.hosts, spec.host, paths, owner)
    }
  }
  return draft
}

/** One shape at one host that a change touches; `spec` says where it is. */
interface Place {
  readonly spec: RouteSpec
  readonly added: Claim[]
}

function placeOf(places: Map<string, Place>, spec: RouteSpec): Place {
  const { shape } = spec.pattern
  const key = spec.host === undefined ? shape : `${spec.host}\0${shape}`
  let place = places.get(key)
  if (!place) {
    place = { spec, added: [] }
    places.set(key, place)
  }
  return place
}

function addClaims(places: Map<string, Place>, service: string, { hash, routes }: Manifest): void {
  const keys = Object.freeze([claimKey(service, hash)])
  for (const spec of routes) placeOf(places, spec).added.push({ service, keys, spec })
}

function replacePools(
  pools: State['pools'],
  name: string,
  before: ServiceChange | undefined,
  change: ServiceChange | undefined,
  owner: Owner,
): State['pools'] {
  const byManifest = Map.groupBy(change?.instances ?? [], ({ manifest }) => manifest)
  let result = pools
  for (const { manifest } of before?.instances ?? []) {
    if (!byManifest.has(manifest)) result = remove(result, claimKey(name, manifest), owner)
  }
  for (const [manifest, instances] of byManifest) {
    result = set(result, claimKey(name, manifest), Object.freeze(instances), owner)
  }
  return result
}

function claimKey(service: string, manifest: string): string {
  return `${service}\0${manifest}`
}
