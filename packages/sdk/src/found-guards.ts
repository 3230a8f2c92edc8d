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
    const before = guards.length > 0 && route.kind === 'route' ? guardsBefore(route, guards) : []
    return before.length > 0 ? told(route, before) : [route]
  })
}

function guardsBefore(route: FoundRoute, guards: readonly Guard[]): Guard[] {
  const patterns = patternsOf(route)
  if (patterns.length === 0) return []
  return guards.filter((guard) => {
    const isBefore = patterns.every((inner) => guard.patterns.some((outer) => covers(outer, inner)))
    if (!isBefore || !guard.methods) return isBefore
    const methods = route.methods?.filter((method) => method !== 'OPTIONS')
    return !!methods && methods.length > 0 && methods.every((method) => guard.methods?.has(method))
  })
}

/** All of them have to let a request pass; of two that name roles, the one that comes last says more. */
function told(route: FoundRoute, guards: readonly Guard[]): FoundRoute[] {
  const merged: AccessOptions = Object.assign({}, route.access, ...guards.map(({ access }) => access))
  const closed = { ...route, access: merged }
  // Frameworks answer OPTIONS by themselves, and a browser that asks so for CORS sends no cookies.
  const isOpen = guards.every(({ methods }) => methods !== undefined && !methods.has('OPTIONS'))
  if (!isOpen || !route.methods?.includes('OPTIONS')) return [closed]
  const { access: _own, ...open } = route
  const methods = route.methods.filter((method) => method !== 'OPTIONS')
  return [
    { ...closed, methods },
    { ...open, methods: ['OPTIONS'] },
  ]
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
