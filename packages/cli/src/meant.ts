/**
 * What somebody may have meant by a word nobody knows, as the end of a sentence about it.
 *
 * @module
 */
import { nearest } from '@hydra-gateway/protocol'
import { printable } from './table.ts'

/** `; did you mean orders?`, or `otherwise` where nothing known comes near. */
export function didYouMean(word: string, known: Iterable<string>, otherwise = '.'): string {
  const meant = nearest(word, known)
  return meant === undefined ? otherwise : `; did you mean ${printable(meant)}?`
}
