/**
 * What is known of a path of the site: which of all services' routes it belongs to, and how that one is. Pure.
 *
 * The gateway decides by its table; here the patterns it lists are compared, most specific first, and what was found is
 * kept for as long as nothing changes.
 *
 * @module
 */
import {
  compareSpecificity,
  decodeSegments,
  type FeltState,
  isLocalPath,
  type MenuDemand,
  matchPattern,
  type Overview,
  type Pattern,
  translate,
} from '@hydra-gateway/protocol'

export interface KnownRoute {
  readonly state: FeltState
  /** What visitors call its service. */
  readonly title: string
  /** Whom the guard lets through; absent for everybody. */
  readonly demands?: readonly MenuDemand[] | undefined
}

/** The route of a path, with or without query; undefined when no service has it. */
export type RouteAt = (path: string) => KnownRoute | undefined

/** Paths whose route is kept: pages link to the same few again and again, and to those of one visitor once. */
const MOST_KEPT = 1000

interface Listed {
  readonly pattern: Pattern
  readonly route: KnownRoute
}

const ORDER: Readonly<Record<FeltState, number>> = { available: 0, degraded: 1, failing: 2, down: 3 }

/** Reads the routes of all services, for many questions. */
export function compileKnownRoutes({ services }: Pick<Overview, 'services'>): RouteAt {
  /** By literal text of the first segment; those with none there may fit any path. */
  const literal = new Map<string, Listed[]>()
  const open: Listed[] = []
  for (const { serviceName, title = serviceName, endpoints } of services) {
    for (const {
      path,
      available,
      state = available ? 'available' : 'down',
      isFailing,
      demands,
    } of endpoints) {
      const route: KnownRoute = { state: isFailing ? 'failing' : state, title, demands }
      for (const pattern of patternsOf(path)) {
        const [first] = pattern.segments
        const list = first?.kind === 'literal' ? (literal.get(first.text) ?? []) : open
        if (first?.kind === 'literal') literal.set(first.text, list)
        list.push({ pattern, route })
      }
    }
  }
  for (const list of [open, ...literal.values()]) list.sort(compareListed)
  const kept = new Map<string, KnownRoute | undefined>()

  function find(path: string): KnownRoute | undefined {
    // As a browser asks for it: without dots that lead upwards.
    const segments = decodeSegments(new URL(path, 'http://site').pathname)
    if (!segments) return undefined
    const fits = ({ pattern }: Listed): boolean => matchPattern(pattern, segments)
    const found = [literal.get(segments[0]!)?.find(fits), open.find(fits)].filter((one) => one !== undefined)
    return found.sort(compareListed)[0]?.route
  }

  return (target) => {
    if (!isLocalPath(target)) return undefined
    const path = target.split(/[?#]/, 1)[0]!
    if (kept.has(path)) return kept.get(path)
    const found = find(path)
    if (kept.size >= MOST_KEPT) kept.clear()
    kept.set(path, found)
    return found
  }
}

/** Where services of one rollout group share an endpoint, the one that serves best counts. */
function compareListed(a: Listed, b: Listed): number {
  return compareSpecificity(a.pattern, b.pattern) || ORDER[a.route.state] - ORDER[b.route.state]
}

/** An endpoint this version can't read is one it can't say anything about. */
function patternsOf(text: string): readonly Pattern[] {
  try {
    return translate('hydra', text).patterns
  } catch {
    return []
  }
}
