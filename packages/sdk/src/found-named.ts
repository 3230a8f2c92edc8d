/**
 * Routes named by hand, with what the app says at the same place: who says more about a route, such as its fallback, says
 * nothing of whom it is for, and must not open it by that. Pure.
 *
 * @module
 */
import { PatternError, type RouteDeclaration, translate } from '@hydra-gateway/protocol'
import type { FoundRoute } from './found.ts'
import { guarded } from './found-guards.ts'
import { ACCESS_NAMES, type AccessOptions, accessOf } from './identity/access.ts'

type Declaration = Partial<RouteDeclaration> & { readonly path: string }

/**
 * Looks at what was found in an app for the routes that are named. Gives a named route with the methods of what was found
 * at its place, and for whom that is, as far as it says neither: one for each group of methods that is for other people.
 * Where nothing was found, the guards that stand before the place count. What a route says itself counts as it stands.
 */
export function createNaming(found: readonly FoundRoute[]): (named: Declaration) => readonly Declaration[] {
  const byShape = new Map<string | undefined, FoundRoute[]>()
  for (const route of guarded(found)) {
    if (route.kind !== 'route') continue
    const shape = shapeOf(route)
    byShape.set(shape, [...(byShape.get(shape) ?? []), route])
  }
  const guards = found.filter(({ kind }) => kind === 'guard')

  return (named) => {
    if (ACCESS_NAMES.some((name) => named[name] !== undefined)) return [named]
    // Requests arrive in the app where the route leads to.
    const place = { path: named.to ?? named.path, dialect: named.dialect ?? 'hydra' }
    const shape = shapeOf(place)
    if (shape === undefined) return [named]
    // A WebSocket begins as a GET.
    const asked = named.socket ? ['GET'] : named.methods?.map((method) => method.toUpperCase())
    const there = byShape.get(shape)
    const groups = there ? groupsOf(there, asked) : guardsBefore(place, guards, asked)
    if (named.socket) return [{ ...named, ...accessOf(groups[0]?.access ?? {}) }]
    if (!there && groups.every(({ access }) => access === undefined)) return [named]
    return groups.map(({ methods, access = {} }) => ({
      ...named,
      ...(methods && { methods: [...methods] }),
      ...accessOf(access),
    }))
  }
}

/** OPTIONS of a route that is there for its other methods. */
export function isForOptions({ methods }: { readonly methods?: readonly string[] | undefined }): boolean {
  return methods?.join() === 'OPTIONS'
}

interface Group {
  readonly methods?: readonly string[] | undefined
  readonly access?: AccessOptions | undefined
}

/** The methods that are asked for, or all that are there, by whom they are for. The first route answers, as in the app. */
function groupsOf(routes: readonly FoundRoute[], asked: readonly string[] | undefined): Group[] {
  const groups: { methods?: string[]; access: AccessOptions; who: string }[] = []
  const taken = new Set<string>()
  const put = (methods: readonly string[] | undefined, access: AccessOptions = {}): void => {
    const who = JSON.stringify(accessOf(access))
    const fresh = methods?.filter((method) => !taken.has(method))
    if (fresh?.length === 0) return
    for (const method of fresh ?? []) taken.add(method)
    const same = fresh && groups.find((group) => group.methods && group.who === who)
    if (same) same.methods!.push(...fresh)
    else groups.push({ ...(fresh && { methods: fresh }), access, who })
  }
  for (const { methods, access } of routes) {
    put(asked && methods ? asked.filter((method) => takes(methods, method)) : (asked ?? methods), access)
    // What comes after one for all methods is never asked.
    if (!asked && !methods) return groups
  }
  if (asked) put(asked)
  return groups
}

/** Whom a place nothing was found at is for, by the guards of the app; the methods not every one of them is for apart. */
function guardsBefore(
  place: Pick<FoundRoute, 'path' | 'dialect'>,
  guards: readonly FoundRoute[],
  asked: readonly string[] | undefined,
): Group[] {
  const told = (methods: readonly string[] | undefined): FoundRoute[] =>
    guarded([...guards, { ...place, kind: 'route', ...(methods && { methods }) }])
  if (asked) return told(asked)
  const rest = told(undefined)
  const who = JSON.stringify(rest[0]?.access)
  const some = [...new Set(guards.flatMap(({ methods = [] }) => methods))]
  return [...told(some).filter(({ access }) => JSON.stringify(access) !== who), ...rest]
}

/** HEAD comes along with GET. */
function takes(methods: readonly string[], method: string): boolean {
  return methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}

/** What a route claims, whatever its parameters are called; undefined for what can't be read. */
function shapeOf({ dialect, path }: Pick<FoundRoute, 'path' | 'dialect'>): string | undefined {
  try {
    return translate(dialect, path)
      .patterns.map(({ shape }) => shape)
      .join(' ')
  } catch (fault) {
    if (fault instanceof PatternError) return undefined
    throw fault
  }
}
