/**
 * Which of an app's routes visitors get to see. Pure: what was found and said in, the list and the reasons out.
 *
 * A gateway is the way into a site, so what an app has for its operators stays inside unless it is named.
 *
 * @module
 */
import {
  isReservedPattern,
  type Pattern,
  PatternError,
  type RouteDeclaration,
  type Translation,
  translate,
} from '@hydra-gateway/protocol'
import type { Found, FoundRoute } from './found.ts'
import { guarded } from './found-guards.ts'
import { createNaming, isForOptions } from './found-named.ts'
import { accessOf } from './identity/access.ts'
import { covers, readPatterns } from './patterns.ts'

/** A route named by hand: `'/orders/{id}'`, `'GET,POST /orders'`, or an object with further settings. */
export type RouteOption = string | (Partial<RouteDeclaration> & { readonly path: string })

export interface LeftOut {
  readonly path: string
  readonly reason: string
}

/** A route that goes to the gateway, with its patterns in our form, for people. */
export interface Exported {
  readonly declaration: Partial<RouteDeclaration> & { readonly path: string }
  readonly patterns: readonly Pattern[]
}

export interface Selection {
  readonly exported: readonly Exported[]
  readonly leftOut: readonly LeftOut[]
  readonly warnings: readonly string[]
}

export interface SelectOptions {
  readonly routes?: readonly RouteOption[]
  /** Patterns offered although they would be left out, or although no route was found for them. */
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
}

/** First words of paths that are for operators, with what they are. */
const OPERATIONAL = /^\/(health|ready|live|metrics|debug)|^\/internal(\/|$)/i

/**
 * Chooses the routes to export. What was named in `routes` comes before what was found at the same place; what
 * is named in `include` is exported whatever else is said, but for paths that belong to the gateway.
 *
 * @throws TypeError when a pattern of an option can't be read.
 */
export function selectRoutes(found: Found, options: SelectOptions): Selection {
  const exclude = readPatterns(options.exclude, 'exclude')
  const include = readPatterns(options.include, 'include')
  const named = new Map<string, ReadonlySet<string> | 'all'>()
  const exported: Exported[] = []
  const leftOut = new Map<string, string>()
  const warnings = new Set(found.warnings)
  /** OPTIONS of a route that is there for its other methods: no line in the list. */
  const besides = new Set<Exported>()

  const general = (pattern: Pattern) => {
    const by = exclude.find((outer) => covers(outer, pattern))
    return by ? `exclude has ${by.text}` : operationalReason(pattern)
  }

  /** Exports a route, or notes why not. */
  const consider = (
    declaration: Declaration,
    reasonAgainst: (pattern: Pattern) => string | undefined,
  ): Exported | undefined => {
    const { patterns, reason: unreadable, warnings: inexact = [] } = patternsOf(declaration)
    const reason =
      unreadable ??
      patterns
        .map(
          (pattern) => reservedReason(pattern) ?? (isIncluded(pattern) ? undefined : reasonAgainst(pattern)),
        )
        .find(Boolean)
    // What an included pattern covers does reach visitors, as a part of it.
    const isCovered = () =>
      patterns.every((pattern) => !reservedReason(pattern) && include.some((outer) => covers(outer, pattern)))
    if (reason) {
      if (unreadable || !isCovered()) leftOut.set(declaration.path, reason)
      return undefined
    }
    for (const warning of inexact) warnings.add(warning)
    const route = { declaration, patterns }
    exported.push(route)
    return route
  }
  const isIncluded = ({ shape }: Pattern) => include.some((pattern) => pattern.shape === shape)

  const withFound = createNaming(found.routes)
  for (const option of options.routes ?? []) {
    const own = declared(option)
    for (const declaration of withFound(own)) {
      const route = consider(declaration, general)
      if (!route) continue
      named.set(placeOf(route), union(named.get(placeOf(route)) ?? new Set(), route.declaration.methods))
      if (isForOptions(declaration) && !own.methods) besides.add(route)
    }
  }
  for (const route of merged(guarded(found.routes))) {
    const declaration = withoutNamed(
      {
        path: route.path,
        dialect: route.dialect,
        ...(route.methods && { methods: [...route.methods] }),
        ...accessOf(route.access ?? {}),
      },
      named,
    )
    const one =
      declaration && consider(declaration, (pattern) => general(pattern) ?? unaskedReason(route, pattern))
    if (one && route.looseSlash && !endsInSlashOrSplat(one)) {
      // The same route to people, so it has no line of its own in the list.
      exported.push({ declaration: { ...one.declaration, path: `${route.path}/` }, patterns: [] })
    }
    if (one && isForOptions(route)) besides.add(one)
  }
  for (const [index, one] of exported.entries())
    if (besides.has(one)) exported[index] = { declaration: one.declaration, patterns: [] }
  const places = new Set(exported.map(placeOf))
  for (const path of options.include ?? []) {
    for (const declaration of withFound({ path })) {
      const route = consider(declaration, () => undefined)
      if (route && places.has(placeOf(route))) exported.pop()
    }
  }
  return {
    exported,
    leftOut: [...leftOut].map(([path, reason]) => ({ path, reason })),
    warnings: [...warnings],
  }
}

type Declaration = Exported['declaration']

function patternsOf({ dialect = 'hydra', path }: Declaration): Translation & { readonly reason?: string } {
  try {
    return translate(dialect, path)
  } catch (fault) {
    if (!(fault instanceof PatternError)) throw fault
    return { patterns: [], warnings: [], reason: fault.message }
  }
}

/** What a route claims, whatever its parameters are called. */
function placeOf({ declaration, patterns }: Exported): string {
  return `${declaration.host ?? ''} ${patterns.map(({ shape }) => shape).join(' ')}`
}

/** The route without the methods that were named by hand at its place; nothing when none is left. */
function withoutNamed(
  declaration: Declaration,
  named: ReadonlyMap<string, ReadonlySet<string> | 'all'>,
): Declaration | undefined {
  const taken = named.get(placeOf({ declaration, patterns: patternsOf(declaration).patterns }))
  if (taken === undefined) return declaration
  const left = taken === 'all' ? [] : declaration.methods?.filter((method) => !taken.has(method))
  // A found route for any method stays for all others: where both have one, the gateway's own order decides.
  return left === undefined
    ? declaration
    : left.some((method) => method !== 'OPTIONS')
      ? { ...declaration, methods: left }
      : undefined
}

function endsInSlashOrSplat({ declaration, patterns }: Exported): boolean {
  return declaration.path.endsWith('/') || patterns.some(({ segments }) => segments.at(-1)?.kind === 'splat')
}

function declared(route: RouteOption): Exported['declaration'] {
  if (typeof route !== 'string') return route
  const [, methods, path] = /^([A-Za-z, ]+?)\s+(\/.*)$/.exec(route) ?? []
  return methods && path
    ? { path, methods: methods.split(/[\s,]+/).filter((method) => method !== '') }
    : { path: route }
}

function operationalReason({ text }: Pattern): string | undefined {
  return OPERATIONAL.test(text) ? 'for operators; name it in include to offer it' : undefined
}

/** The gateway answers these itself; it would refuse them, whoever names them. */
function reservedReason(pattern: Pattern): string | undefined {
  return isReservedPattern(pattern) ? 'this path belongs to the gateway' : undefined
}

function unaskedReason(route: FoundRoute, pattern: Pattern): string | undefined {
  if (route.kind === 'middleware')
    return 'middleware; name it in include, or its routes in routes, to offer it'
  if (pattern.segments[0]?.kind === 'splat') return 'takes every path; name it in include to offer it'
  return undefined
}

/**
 * Routes of one path and for the same people are one route with all their methods; middleware beside a route of its
 * path is no news. Of two for different people the first answers, as it does in the app.
 */
function merged(routes: readonly FoundRoute[]): FoundRoute[] {
  const byPath = new Map<string, FoundRoute[]>()
  for (const route of routes) {
    const key = `${route.dialect} ${route.path}`
    const others = byPath.get(key)
    if (!others || others[0]?.kind === 'middleware') {
      if (!others || route.kind === 'route') byPath.set(key, [route])
    } else if (route.kind === 'route') add(route, others)
  }
  return [...byPath.values()].flat()
}

function add(route: FoundRoute, others: FoundRoute[]): void {
  const who = whoOf(route)
  let { methods } = route
  for (const other of others) {
    if (whoOf(other) === who) continue
    if (!other.methods) return
    methods = methods?.filter((method) => !other.methods?.includes(method))
  }
  if (methods?.length === 0) return
  const index = others.findIndex((other) => whoOf(other) === who)
  const same = others[index]
  if (!same) {
    others.push({ ...route, ...(methods && { methods }) })
    return
  }
  if (!same.methods) return
  const { methods: some, ...rest } = same
  const all = union(new Set(some), methods)
  others[index] = all === 'all' ? rest : { ...rest, methods: [...all] }
}

function whoOf({ access = {} }: FoundRoute): string {
  const { auth, roles = [], providers = [] } = access
  return JSON.stringify([auth, roles, providers])
}

function union(
  some: ReadonlySet<string> | 'all',
  more: readonly string[] | undefined,
): ReadonlySet<string> | 'all' {
  return some === 'all' || !more ? 'all' : new Set([...some, ...more.map((method) => method.toUpperCase())])
}
