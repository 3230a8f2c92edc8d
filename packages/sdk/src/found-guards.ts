/**
 * Guards an adapter found among the routes of an app, told of those they stand before: the gateway then refuses who
 * would be refused here. Pure.
 *
 * Only what is certain is told. A route that is missed here is refused by its guard all the same; one that was told of
 * a guard it doesn't have would be closed to people it is for.
 *
 * @module
 */
import { type Pattern, PatternError, patternOf, translate } from '@hydra-gateway/protocol'
import type { FoundRoute } from './found.ts'
import type { AccessOptions } from './identity/access.ts'
import { covers } from './patterns.ts'

interface Guard {
  readonly patterns: readonly Pattern[]
  readonly methods: ReadonlySet<string> | undefined
  readonly access: AccessOptions
}

/** The routes without the guards, each with whom it is for. In the order in which the app asks them. */
export function guarded(routes: readonly FoundRoute[]): FoundRoute[] {
  const guards: Guard[] = []
  return routes.flatMap((route) => {
    if (route.kind === 'guard') {
      const { methods, access, isForAllBelow } = route
      const patterns = patternsOf(route)
      if (access && patterns.length > 0)
        guards.push({
          patterns: isForAllBelow ? patterns.map(withAllBelow) : patterns,
          methods: methods && new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods),
          access,
        })
      return []
    }
    return guards.length > 0 && route.kind === 'route' ? told(route, guards) : [route]
  })
}

/**
 * A route once for each group of its methods that has the same guards before it. Frameworks answer OPTIONS by
 * themselves, and a browser that asks so for CORS sends no cookies: a guard of some methods leaves it open.
 */
function told(route: FoundRoute, all: readonly Guard[]): FoundRoute[] {
  const patterns = patternsOf(route)
  if (patterns.length === 0) return [route]
  const guards = all.filter((guard) =>
    patterns.every((inner) => guard.patterns.some((outer) => covers(outer, inner))),
  )
  if (!route.methods)
    return [
      closed(
        route,
        guards.filter(({ methods }) => !methods),
      ),
    ]
  const groups = new Map<string, { readonly methods: string[]; readonly before: readonly Guard[] }>()
  for (const method of route.methods) {
    const before = guards.filter(({ methods }) => !methods || methods.has(method))
    const key = before.map((guard) => guards.indexOf(guard)).join()
    const group = groups.get(key)
    if (group) group.methods.push(method)
    else groups.set(key, { methods: [method], before })
  }
  return [...groups.values()].map(({ methods, before }) => closed({ ...route, methods }, before))
}

/** All of them have to let a request pass; of two that name roles, the one that comes last says more. */
function closed(route: FoundRoute, guards: readonly Guard[]): FoundRoute {
  if (guards.length === 0) return route
  return { ...route, access: Object.assign({}, route.access, ...guards.map(({ access }) => access)) }
}

function withAllBelow({ segments }: Pattern): Pattern {
  const isRoot = segments.length === 1 && segments[0]?.kind === 'literal' && segments[0].text === ''
  return patternOf([...(isRoot ? [] : segments), { kind: 'splat', name: '', least: 0 }])
}

function patternsOf({ dialect, path }: FoundRoute): readonly Pattern[] {
  try {
    return translate(dialect, path).patterns
  } catch (fault) {
    if (fault instanceof PatternError) return []
    throw fault
  }
}
