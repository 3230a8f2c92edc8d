/**
 * What the guard asks for at a path, for whoever shows a link to it: the same judgement, before anybody goes there.
 *
 * @module
 */
import { type DemandsAt, demandsOf } from '../routing/demands.ts'
import type { Access, Route } from '../routing/route.ts'
import type { AccessRuleFor } from './access-rules.ts'
import { otherRoute } from './other-route.ts'

export interface PathDemandsDeps {
  readonly ruleFor?: AccessRuleFor | undefined
  /** The route a GET of a path has at a host. */
  readonly routeOf: (
    asked: { readonly host: string; readonly path: string },
    path: string,
  ) => Route | undefined
}

export function createPathDemands({ ruleFor, routeOf }: PathDemandsDeps): DemandsAt {
  return (route, path, host) => {
    const asked: [service: string, access: Access][] = []
    const ask = (service: string, at: string, declared: Access): void =>
      void asked.push([service, ruleFor?.(service, at) ?? declared])
    ask(route.service, path, route)
    for (const service of route.sharedWith ?? []) ask(service, path, route)
    const other = otherRoute({ host, path }, route, routeOf)
    if (other) ask(other.route.service, other.path, other.route)
    return demandsOf(asked)
  }
}
