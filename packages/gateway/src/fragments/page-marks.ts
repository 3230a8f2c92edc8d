/**
 * Marks of the live fragments in one page.
 *
 * @module
 */
import { createOccurrences, type FragmentTag, fillNames } from '@hydra-gateway/protocol/fragments'
import type { FragmentMarks } from '../live/port.ts'

/** Marks a live fragment of a page, in the order of the document, those in fallbacks too; `attributes`: of the page. */
export type MarkFragment = (
  tag: Pick<FragmentTag, 'service' | 'ref' | 'live'>,
  attributes: Readonly<Record<string, unknown>>,
) => string | undefined

/** Makes the marks of one page; `own`: its service. */
export function createPageMarks(marks: Pick<FragmentMarks, 'make'>, own: string): MarkFragment {
  const occurrenceOf = createOccurrences()
  return (tag, attributes) => {
    if (!tag.live) return undefined
    const service = tag.service === '' ? own : fillNames(tag.service, attributes)
    const ref = fillNames(tag.ref, attributes)
    if (!service || !ref) return undefined
    return marks.make(service, ref, occurrenceOf(service, ref))
  }
}
