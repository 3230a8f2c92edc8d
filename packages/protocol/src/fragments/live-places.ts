/**
 * Places of live fragments in a page that is made: comments around them, by which the open page finds them again when a
 * service is back.
 *
 * @module
 */
import { FRAGMENT_CLOSE, FRAGMENT_OPEN, FRAGMENT_SHOWN } from '../live.ts'

/** Stands around a fragment, or its fallback. */
export interface LiveComments {
  readonly begin: string
  readonly end: string
}

/** The comments around a fragment, or, where it is not shown, around its fallback. */
export function liveComments(mark: string, isShown: boolean): LiveComments {
  return {
    begin: `<!--${isShown ? FRAGMENT_SHOWN : FRAGMENT_OPEN}${mark}-->`,
    end: `<!--${FRAGMENT_CLOSE}-->`,
  }
}

/**
 * Numbers the fragments of one page, from 0 for each: in the order of the document, and all of them, shown or not, so that
 * their marks are the same in each rendering of it.
 */
export function createOccurrences(): (service: string, ref: string) => number {
  const counts = new Map<string, number>()
  return (service, ref) => {
    const key = `${service}\n${ref}`
    const occurrence = counts.get(key) ?? 0
    counts.set(key, occurrence + 1)
    return occurrence
  }
}
