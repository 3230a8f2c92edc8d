/**
 * Pages and fragments that don't fit together, as far as they concern this service: each is said once.
 *
 * @module
 */
import type { FragmentConflict, Overview } from '@hydra-gateway/protocol'

/** More different conflicts than these are not told apart any more; a service that has them has been told. */
const MOST_KNOWN = 1000

/** Looks at overviews; `onConflict` gets each conflict in which `service` is the page or the provider, once. */
export function watchConflicts(
  service: string,
  onConflict: (conflict: FragmentConflict) => void,
): (overview: Overview) => void {
  const known = new Set<string>()
  return ({ fragmentConflicts = [] }) => {
    for (const conflict of fragmentConflicts) {
      if (conflict.page !== service && conflict.service !== service) continue
      const { kind, page, place, ref, refused } = conflict
      const key = JSON.stringify([kind, page, place, conflict.service, ref, refused])
      if (known.has(key) || known.size >= MOST_KNOWN) continue
      known.add(key)
      onConflict(conflict)
    }
  }
}

/** A conflict in a sentence, for the log. */
export function formatConflict({
  kind,
  page,
  place,
  service,
  ref,
  refused,
  reason,
}: FragmentConflict): string {
  const consequence =
    refused === 'ref'
      ? `${service}#${ref} is not served to pages`
      : refused === 'use'
        ? `the tag at ${place} of ${page} shows its fallback`
        : undefined
  return `${kind}: ${reason}${consequence ? ` (${consequence})` : ''}`
}
