/**
 * Patterns: their form, their text, what they match, which of two is the more specific, and the translators.
 *
 * @module
 */
export * from './compare.ts'
export * from './match.ts'
export { MAX_COMBINATIONS } from './parts.ts'
export {
  CHARACTER_CLASSES,
  type CharacterClass,
  literalPath,
  literalPattern,
  type Pattern,
  PatternError,
  patternOf,
  revivePattern,
  type Segment,
  type Translation,
} from './pattern.ts'
export * from './route-member.ts'
export * from './specificity.ts'
export { formatPattern, parsePattern } from './text.ts'
export { translate } from './translate.ts'
