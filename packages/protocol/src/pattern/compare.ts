/**
 * Two patterns compared by the paths that fit them: whether one has all of the other's, or some. Pure.
 *
 * @module
 */
import { matchPattern } from './match.ts'
import { type Pattern, patternOf, type Segment } from './pattern.ts'

/** True when every path that fits `inner` fits `outer` as well. */
export function coversPattern(outer: Pattern, inner: Pattern): boolean {
  for (const [index, segment] of outer.segments.entries()) {
    const other = inner.segments[index]
    if (segment.kind === 'splat')
      return segment.least === 0 || (!!other && !(other.kind === 'splat' && other.least === 0))
    if (!other || !segmentCovers(segment, other)) return false
  }
  return outer.segments.length === inner.segments.length
}

/** False when no path fits both; of two parameters with something before or after them it is not looked at closely. */
export function overlapsPattern(one: Pattern, other: Pattern): boolean {
  const most = Math.max(one.segments.length, other.segments.length)
  for (let index = 0; index < most; index++) {
    const [a, b] = [one.segments[index], other.segments[index]]
    if (a?.kind === 'splat') return a.least === 0 || b !== undefined
    if (b?.kind === 'splat') return b.least === 0 || a !== undefined
    if (a === undefined || b === undefined) return false
    if (!segmentCovers(a, b) && !segmentCovers(b, a) && (a.kind === 'literal' || b.kind === 'literal'))
      return false
  }
  return true
}

function segmentCovers(outer: Segment, inner: Segment): boolean {
  if (inner.kind === 'splat') return false
  if (inner.kind === 'literal') return matchPattern(patternOf([outer]), [inner.text])
  if (outer.kind !== 'parameter') return outer.kind === 'wildcard'
  if (!outer.characters && !outer.before && !outer.after) return true
  return (
    inner.kind === 'parameter' &&
    outer.characters === inner.characters &&
    outer.before === inner.before &&
    outer.after === inner.after
  )
}
