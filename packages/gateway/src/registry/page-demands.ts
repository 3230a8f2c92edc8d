/**
 * Whom pages are for, as all services are told: what the guard asks for on all paths of a route.
 *
 * @module
 */
import type { RouteDemands } from '../identity/port.ts'
import { type Demand, demandsOf } from '../routing/demands.ts'
import type { RouteSpec } from '../routing/route.ts'

/** The same array each time; empty where a page is for everybody. */
export type PageDemands = (service: string, route: RouteSpec) => readonly Demand[]

/** `demandOf`: with what operators say; without it what services declared. */
export function createPageDemands(demandOf?: RouteDemands): PageDemands {
  // Routes of a manifest are shared by all its instances, and never change.
  const known = new WeakMap<RouteSpec, readonly Demand[]>()
  return (service, route) => {
    let demands = known.get(route)
    if (!demands) {
      const access = demandOf ? demandOf({ ...route, service }).access : route
      demands = demandsOf([[service, access]])
      known.set(route, demands)
    }
    return demands
  }
}
