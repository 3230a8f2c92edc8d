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
  translate,
} from '@hydra-gateway/protocol'

export { coversPattern as covers } from '@hydra-gateway/protocol'

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

/**
 * Answers whether a path is served, as the gateway decides it: the most specific endpoint that fits it has
 * somebody to serve it.
 */
export function compileAvailability({ services }: Overview): (path: string) => boolean {
  const endpoints = services
    .flatMap(({ endpoints }) => endpoints)
    .flatMap(({ path, available }) => patternsOf(path).map((pattern) => ({ pattern, available })))
    // Where services of one rollout group share an endpoint, one of them is enough.
    .sort((a, b) => compareSpecificity(a.pattern, b.pattern) || Number(b.available) - Number(a.available))
  return (path) => {
    const segments = path.startsWith('/') ? decodeSegments(path.split(/[?#]/, 1)[0] ?? '') : undefined
    return (
      !!segments && (endpoints.find(({ pattern }) => matchPattern(pattern, segments))?.available ?? false)
    )
  }
}

/** An endpoint this version can't read is one it can't say anything about. */
function patternsOf(text: string): readonly Pattern[] {
  try {
    return translate('hydra', text).patterns
  } catch {
    return []
  }
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
