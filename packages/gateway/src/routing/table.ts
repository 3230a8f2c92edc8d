/**
 * The routing table: which service answers a request.
 *
 * Immutable: every change makes a new table that shares what stayed the same, in time that grows with the
 * change and not with the table. No I/O, no clock, no log.
 *
 * @module
 */
import { choose, chooseLeniently, chooseSite, type Leaf, routesOf } from './claims.ts'
import { decodePath, find, leaves, noPaths } from './paths.ts'
import { entries, get } from './persistent-map.ts'
import type { Conflict, Manifest, Route } from './route.ts'
import { nextState, type State } from './state.ts'
import type { Instance, Service } from './upstream.ts'

export interface RoutingTable {
  readonly revision: number
  /** Number of routes that can be matched. */
  readonly size: number
  /** Some routes are for one host only. */
  readonly hasHosts: boolean
  /**
   * The most specific route that fits path, host and method; routes for this host come before routes for any.
   * A socket route is found only for an upgrade, and an upgrade finds only socket routes.
   */
  match(host: string, path: string, method: string, isUpgrade: boolean): Route | undefined
  /** The most specific route that fits host and path, whatever methods it has; sites are none. */
  leniently(host: string, path: string): Route | undefined
  /** The `site` route of a service, which is at `/{service}/`. */
  site(service: string): Route | undefined
  /** Methods that some route would take at this path, for the `Allow` of a 405; empty when none fits. */
  allowed(host: string, path: string): readonly string[]
  /**
   * Instances that may serve a route now, the same array each time; empty when its services are known but down. For routes of this table:
   * after a change, a route of an older one may name versions that are gone, so match again before a retry.
   */
  candidates(route: Route): readonly Instance[]
  service(name: string): Service | undefined
  /** Every instance of a service that may be sent requests now, whatever it declared; the same array each time for one table. */
  instances(service: string): readonly Instance[]
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

const NOBODY: readonly Instance[] = Object.freeze([])

function tableOf(state: State): RoutingTable {
  const { revision, size, services, pools, anyHost, hosts, disputes } = state
  let listed: readonly Conflict[] | undefined
  let shared: WeakMap<readonly string[], readonly Instance[]> | undefined
  return Object.freeze({
    revision,
    size,
    hasHosts: hosts !== undefined,
    match(host: string, path: string, method: string, isUpgrade: boolean) {
      const decoded = decodePath(path)
      if (decoded === undefined) return undefined
      const own = hosts && get(hosts, host)
      return (
        (own && find(own, decoded, choose, method, isUpgrade)) ??
        find(anyHost, decoded, choose, method, isUpgrade)
      )
    },
    leniently(host: string, path: string) {
      const decoded = decodePath(path)
      if (decoded === undefined) return undefined
      const own = hosts && get(hosts, host)
      return (
        (own && find(own, decoded, chooseLeniently, '', false)) ??
        find(anyHost, decoded, chooseLeniently, '', false)
      )
    },
    site(service: string) {
      const route = find(anyHost, `/${service}/-`, chooseSite, '', false)
      return route?.service === service ? route : undefined
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
      // One array per table and claims: shares of visitors are kept by it.
      shared ??= new WeakMap()
      let candidates = shared.get(claims)
      if (!candidates) {
        candidates = Object.freeze(claims.flatMap((claim) => get(pools, claim) ?? NOBODY))
        shared.set(claims, candidates)
      }
      return candidates
    },
    service: (name: string) => get(services, name)?.service,
    instances: (name: string) => get(services, name)?.instances ?? NOBODY,
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
    withService: (change: ServiceChange) => tableOf(nextState(state, change.service.name, change)),
    withoutService(name: string) {
      return get(services, name) ? tableOf(nextState(state, name, undefined)) : this
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
