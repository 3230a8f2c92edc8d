/**
 * Places of live fragments in a page: between two comments.
 *
 * @module
 */
import { FRAGMENT_CLOSE, FRAGMENT_OPEN, FRAGMENT_SHOWN } from '@hydra-gateway/protocol'

export interface Place {
  readonly mark: string
  readonly isFallback: boolean
  readonly start: Comment
  readonly end: Comment
}

/** The places of a page, those around others first. */
export function placesIn(page: Document): Place[] {
  const places: Place[] = []
  const open: Comment[] = []
  const walker = page.createTreeWalker(page, NodeFilter.SHOW_COMMENT)
  while (walker.nextNode()) {
    const end = walker.currentNode as Comment
    const { data } = end
    if (data.startsWith(FRAGMENT_OPEN) || data.startsWith(FRAGMENT_SHOWN)) open.push(end)
    else if (data === FRAGMENT_CLOSE) {
      const start = open.pop()
      // A parser moves what may not stand in a table: what is no longer one stretch is no place.
      if (start?.parentNode !== end.parentNode) continue
      places.unshift({
        mark: start.data.split(' ')[1]!,
        isFallback: start.data.startsWith(FRAGMENT_OPEN),
        start,
        end,
      })
    }
  }
  return places
}
