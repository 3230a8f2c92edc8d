/**
 * Reads fragment tags of pages, each text of one once: the pages of a route have the same tags for every visitor.
 *
 * @module
 */
import {
  type FragmentTag,
  type Position,
  parseFragmentTag,
  readFragmentTag,
} from '@hydra-gateway/protocol/fragments'

export interface PageTag {
  readonly tag: FragmentTag
  /** Of its name: `m` in `<m:fragment …>`. */
  readonly prefix: string
  /** What is likely a mistake in it: sentences without a place, since the tag stands elsewhere on each page. */
  readonly warnings: readonly string[]
}

/** Reads a start tag. @throws FragmentError FragmentSyntaxError with the place of what is wrong */
export type ReadPageTag = (text: string, at: Position) => PageTag

/** Tags that are kept, and the longest of them: a page whose tags are all different pushes them out and harms nobody. */
const MOST_TAGS = 2000
const MOST_LENGTH = 1024

/** Makes the reader of one gateway. What it returns is shared by pages, but for the place. */
export function createTagReader(): ReadPageTag {
  const known = new Map<string, PageTag>()
  return (text, at) => {
    const before = known.get(text)
    if (before) return { ...before, tag: { ...before.tag, at } }
    const { tag, prefix, warnings: placed } = parseFragmentTag(text, at)
    const warnings =
      placed.length === 0 ? [] : readFragmentTag(text, at).warnings.map(({ sentence }) => sentence)
    if (text.length <= MOST_LENGTH) {
      if (known.size >= MOST_TAGS) known.clear()
      known.set(text, { tag, prefix, warnings })
    }
    return { tag, prefix, warnings }
  }
}
