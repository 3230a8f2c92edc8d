/**
 * One fragment tag, read.
 *
 * @module
 */
import type { FragmentTag, Position } from './model.ts'

export interface ReadTag {
  readonly tag: FragmentTag
  /** Of its name: `m` in `<m:fragment …>`. */
  readonly prefix: string
  readonly warnings: readonly string[]
}

/**
 * Reads a start tag as the scanner found it, from `<` to `>`. Attribute values are decoded (character references).
 *
 * @throws FragmentError FragmentSyntaxError with the place of what is wrong, counted from `at`
 */
export function parseFragmentTag(_text: string, _at: Position): ReadTag {
  throw new Error('not there yet')
}
