/**
 * The routing table: which service answers a request.
 *
 * Immutable: every change makes a new table that shares what stayed the same, in time that grows with the
 * change and not with the table. No I/O, no clock, no log.
 *
 * @module
 */
import type { Conflict, Manifest, Route } from './route.ts'
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
export declare function emptyTable(): RoutingTable
