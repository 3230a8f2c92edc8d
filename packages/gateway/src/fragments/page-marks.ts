/**
 * The places of live fragments in one page: comments around them, by which the open page finds them again when a service
 * is back.
 *
 * @module
 */
import { FRAGMENT_CLOSE, FRAGMENT_OPEN, FRAGMENT_SHOWN } from '@hydra-gateway/protocol'
import { type FragmentTag, fillNames } from '@hydra-gateway/protocol/fragments'
import type { FragmentMarks } from '../live/port.ts'

/** Marks a live fragment of a page, in the order of the document, those in fallbacks too; `attributes`: of the page. */
export type MarkFragment = (
  tag: Pick<FragmentTag, 'service' | 'ref' | 'live'>,
  attributes: Readonly<Record<string, unknown>>,
) => string | undefined

/**
 * Makes the marks of one page. They count all tags, shown or not, so that they are the same in each rendering of it.
 * `own`: service of the page.
 */
export function createPageMarks(marks: Pick<FragmentMarks, 'make'>, own: string): MarkFragment {
  const counts = new Map<string, number>()
  return (tag, attributes) => {
    if (!tag.live) return undefined
    const service = tag.service === '' ? own : fillNames(tag.service, attributes)
    const ref = fillNames(tag.ref, attributes)
    if (!service || !ref) return undefined
    const key = `${service}\n${ref}`
    const occurrence = counts.get(key) ?? 0
    counts.set(key, occurrence + 1)
    return marks.make(service, ref, occurrence)
  }
}

/** Around the fragment, or its fallback. */
export function commentsOf(mark: string, isShown: boolean): { readonly begin: string; readonly end: string } {
  return {
    begin: `<!--${isShown ? FRAGMENT_SHOWN : FRAGMENT_OPEN}${mark}-->`,
    end: `<!--${FRAGMENT_CLOSE}-->`,
  }
}
