/**
 * Demands: what a path asks of whoever wants to go there. All of them must be met, each in the words of its service.
 *
 * @module
 */
import { normalAccess } from './access.ts'
import type { Access, Route } from './route.ts'

export interface Demand extends Access {
  /** What roles are called there. */
  readonly service: string
}

/** What the guard asks for at a path of a route; nothing where it is for everybody. `host` as of a request. */
export type DemandsAt = (route: Route, path: string, host: string) => readonly Demand[]

const NONE: readonly Demand[] = Object.freeze([])
const declared = new WeakMap<Route, readonly Demand[]>()

/** As services declared it, where operators say nothing. The same array each time. */
export const declaredDemands: DemandsAt = (route) => {
  let demands = declared.get(route)
  if (!demands) {
    demands = demandsOf([route.service, ...(route.sharedWith ?? [])].map((service) => [service, route]))
    declared.set(route, demands)
  }
  return demands
}

/** Demands of what is closed; frozen. */
export function demandsOf(asked: readonly (readonly [service: string, access: Access])[]): readonly Demand[] {
  const demands = asked.flatMap(([service, access]): Demand[] => {
    const { auth, roles, providers } = normalAccess(access)
    if (auth !== 'required') return []
    return [Object.freeze({ service, auth, ...(roles && { roles }), ...(providers && { providers }) })]
  })
  return demands.length === 0 ? NONE : Object.freeze(demands)
}
