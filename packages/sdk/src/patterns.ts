/**
 * Questions a service asks about patterns: does one contain another, and how is a pattern written
 * for the fields that are in Spring's language. Pure.
 *
 * @module
 */
import { type CharacterClass, type Pattern, PatternError, translate } from '@hydra-gateway/protocol'

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
