/**
 * Paths the gateway keeps for itself (design, "Settings contract"). An entry that ends in `/` is a prefix, others
 * are exact. They win over every route, and a service that declares one is told that it was left out.
 *
 * @module
 */
import type { Pattern } from '@hydra-gateway/protocol'

const PREFIXES = ['/h/', '/_h/', '/_hydra/'] as const
const EXACT: ReadonlySet<string> = new Set(['/health', '/.well-known/jwks.json'])

/** True for a canonical request path the gateway answers itself. */
export function isReservedPath(path: string): boolean {
  const second = path.charCodeAt(1)
  // h, _ and . are the only first letters of a reserved path: one comparison clears nearly every request.
  if (second !== 104 && second !== 95 && second !== 46) return false
  return EXACT.has(path) || PREFIXES.some((prefix) => path.startsWith(prefix))
}

/** True for a pattern all of whose paths are reserved. `/{page}` is not: `/health` just never reaches it. */
export function isReservedPattern(pattern: Pattern): boolean {
  const literal: string[] = []
  for (const segment of pattern.segments) {
    if (segment.kind !== 'literal') break
    literal.push(segment.text)
  }
  const whole = literal.length === pattern.segments.length
  const path = `/${literal.join('/')}`
  return whole ? isReservedPath(path) : PREFIXES.some((prefix) => `${path}/`.startsWith(prefix))
}
