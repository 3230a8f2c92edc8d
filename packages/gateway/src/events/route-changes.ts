/**
 * Which routes of a service came and went between two looks at it. Pure.
 *
 * @module
 */
import type { Manifest } from '../routing/route.ts'

/** What a service declares, and what of it another service has. */
export interface DeclaredRoutes {
  readonly manifests: readonly Manifest[]
  readonly lost: ReadonlySet<string>
}

export interface RouteChanges {
  readonly added: string[]
  readonly removed: string[]
  readonly more?: number
}

/** Of each, those that are listed. */
const MOST_LISTED = 100

/** Undefined when the same patterns are there as before. Static files come last. */
export function changedRoutes(before: DeclaredRoutes, after: DeclaredRoutes): RouteChanges | undefined {
  const were = patternsOf(before)
  const are = patternsOf(after)
  const added = [...are].filter((pattern) => !were.has(pattern))
  const removed = [...were].filter((pattern) => !are.has(pattern))
  if (added.length + removed.length === 0) return undefined
  const more = Math.max(0, added.length - MOST_LISTED) + Math.max(0, removed.length - MOST_LISTED)
  return {
    added: added.slice(0, MOST_LISTED),
    removed: removed.slice(0, MOST_LISTED),
    ...(more > 0 ? { more } : {}),
  }
}

function patternsOf({ manifests, lost }: DeclaredRoutes): ReadonlySet<string> {
  const patterns = new Set<string>()
  const statics = new Set<string>()
  for (const { routes } of manifests) {
    for (const { pattern, kind } of routes) {
      if (!lost.has(pattern.text)) (kind === 'static' ? statics : patterns).add(pattern.text)
    }
  }
  for (const pattern of statics) patterns.add(pattern)
  return patterns
}
