/**
 * Tags for tests, as somebody would write them.
 *
 * @module
 */
import type { FragmentTag } from '../model.ts'
import { parseFragmentTag } from '../tag.ts'

/** `tagAt(3, 'ref="checkout" exports="total"')`: a tag at the beginning of line 3. */
export function tagAt(line: number, attributes: string): FragmentTag {
  return parseFragmentTag(`<m:fragment ${attributes}>`, { line, column: 1 }).tag
}
