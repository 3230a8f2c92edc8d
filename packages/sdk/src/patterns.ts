/**
 * Questions a service asks about patterns: does one contain another, is a path served, and how is a pattern
 * written for the fields that are in Spring's language. Pure.
 *
 * @module
 */
import {
  type CharacterClass,
  compareSpecificity,
  decodeSegments,
  matchPattern,
  type Overview,
  type Pattern,
  PatternError,
  patternOf,
  type Segment,
  translate,
} from '@hydra-gateway/protocol'

/** Reads patterns in our own text form. Throws a TypeError that names the option they stand in. */
export function readPatterns(texts: readonly string[] | undefined, option: string): Pattern[] {
  return (texts ?? []).flatMap((text) => {
    try {
      return translate('hydra', text).patterns
    } catch (cause) {
      if (!(cause instanceof PatternError)) throw cause
      throw new TypeError(`${option}: ${cause.message}`, { cause })
    }
  })
}

/** True when every path that fits `inner` fits `outer` as well. */
export function covers(outer: Pattern, inner: Pattern): boolean {
  for (const [index, segment] of outer.segments.entries()) {
    const other = inner.segments[index]
    if (segment.kind === 'splat')
      return segment.least === 0 || (!!other && !(other.kind === 'splat' && other.least === 0))
    if (!other || !segmentCovers(segment, other)) return false
  }
  return outer.segments.length === inner.segments.length
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

/** True when the most specific endpoint that fits the path has somebody to serve it, as the gateway decides it. */
export function isServed({ services }: Overview, path: string): boolean {
  const segments = decodeSegments(path.split(/[?#]/, 1)[0] ?? '')
  if (!segments || !path.startsWith('/')) return false
  let best: { readonly pattern: Pattern; readonly available: boolean } | undefined
  for (const { path: text, available } of services.flatMap(({ endpoints }) => endpoints)) {
    for (const pattern of translate('hydra', text).patterns) {
      if (!matchPattern(pattern, segments)) continue
      const order = best ? compareSpecificity(pattern, best.pattern) : -1
      // Where services of one rollout group share an endpoint, one of them is enough.
      if (order < 0 || (order === 0 && available)) best = { pattern, available }
    }
  }
  return best?.available ?? false
}

const SPRING_CLASSES: Readonly<Record<CharacterClass, string>> = {
  digits: '[0-9]+',
  word: '[A-Za-z0-9_]+',
  hex: '[0-9A-Fa-f]+',
  alphanumeric: '[0-9A-Za-z]+',
}

/** The pattern in Spring's PathPattern language. A splat there may always be empty. */
export function toSpring({ segments }: Pattern): string {
  const texts = segments.map((segment) => {
    if (segment.kind === 'literal') return segment.text
    if (segment.kind === 'wildcard') return '*'
    if (segment.kind === 'splat') return segment.least === 0 ? '**' : `{*${segment.name || 'rest'}}`
    const { name, characters, before = '', after = '' } = segment
    return `${before}{${name}${characters ? `:${SPRING_CLASSES[characters]}` : ''}}${after}`
  })
  return `/${texts.join('/')}`
}
