/**
 * The review of fragments: what was judged of them reaches the instances requests are sent to, in the tick of the
 * change that made it so.
 *
 * @module
 */
import type { Instance } from '../routing/upstream.ts'
import type { Refusal } from './declaration.ts'
import type { FragmentBook } from './fragment-book.ts'
import { fragmentPath } from './fragment-facts.ts'
import type { Member } from './member.ts'
import type { Roster } from './roster.ts'

export interface FragmentReview {
  /** Instances of a service came, went or declared something else. */
  changed(service: string): void
  forgotten(service: string): void
  /** What of a member's fragments, and of the tags in its pages, is not served. */
  refusedOf(member: Member): Refusal[]
}

export function createFragmentReview({
  book,
  roster,
}: {
  readonly book: FragmentBook
  readonly roster: Pick<Roster, 'entry' | 'reface'>
}): FragmentReview {
  const apply = (service: string): void => {
    const entry = roster.entry(service)
    if (!entry) return
    const changed = new Map<Member, Instance>()
    for (const member of entry.members.values()) {
      const { refusedRefs, ...others } = member.instance
      const judged = book.refusedAt(service, member.id)
      if (isSame(refusedRefs, judged)) continue
      changed.set(member, Object.freeze({ ...others, ...(judged ? { refusedRefs: judged } : {}) }))
    }
    if (changed.size > 0) roster.reface(entry, changed)
  }

  return {
    changed(service) {
      const judged = book.update(service, roster.entry(service)?.members.values() ?? [])
      for (const one of judged) if (one !== service) apply(one)
      // An instance that registered again comes without what was judged of it.
      if (book.hasRefused(service) || judged.includes(service)) apply(service)
    },
    forgotten: (service) => book.forget(service).forEach(apply),
    refusedOf({ fragments, instance, registration: { name } }) {
      const refs = [...(instance.refusedRefs ?? [])].map(([ref, reason]) => ({
        path: fragmentPath(ref),
        reason,
      }))
      return fragments.uses.length === 0 ? refs : [...refs, ...lostUses(book, name)]
    },
  }
}

function lostUses(book: FragmentBook, page: string): Refusal[] {
  return book
    .conflicts()
    .listed.filter((one) => one.page === page && one.refused === 'use')
    .map(({ service, ref, place, reason }) => ({
      path: `the tag at ${place} for ${service}#${ref}`,
      reason,
    }))
}

type Refusals = ReadonlyMap<string, string> | undefined

function isSame(a: Refusals, b: Refusals): boolean {
  if (a === b) return true
  if (a?.size !== b?.size) return false
  for (const [ref, reason] of a ?? []) if (b?.get(ref) !== reason) return false
  return true
}
