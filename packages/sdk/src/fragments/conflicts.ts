/**
 * Pages and fragments that don't fit together, as far as they concern this service: each is said once.
 *
 * @module
 */
import type { FragmentConflict, Overview } from '@hydra-gateway/protocol'
import type { Log } from '../log.ts'
import type { Refused } from '../options.ts'

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

/**
 * Says conflicts in the log of a service, and what its registration's answer says of its fragments and tags. Both come of
 * one and the same: a sentence that was said is not said again.
 */
export function createConflictLog(
  service: string,
  log: Pick<Log, 'warn'>,
): { conflict(conflict: FragmentConflict): void; refused(refused: Refused): void } {
  const said = new Set<string>()
  const say = (sentence: string): void => {
    if (said.has(sentence)) return
    if (said.size >= MOST_KNOWN) said.clear()
    said.add(sentence)
    log.warn(sentence)
  }
  return {
    conflict: (conflict) => say(formatConflict(conflict, service)),
    refused: ({ path, reason }) => {
      if (path.startsWith(TAG)) say(tagSentence(path, reason))
      else if (path.startsWith(FRAGMENT)) say(`${path} is not served: ${reason}`)
      else log.warn(`${path} is not served: ${reason}`)
    },
  }
}

/** What fragments and tags are called among what is refused; every other path begins with a slash, or a host. */
const FRAGMENT = 'fragment '
const TAG = 'the tag at '

const tagSentence = (tag: string, reason: string): string => `${tag} shows its fallback: ${reason}`

/** A conflict in a sentence, for the log of one of the two services. */
export function formatConflict(
  { kind, page, place, service, ref, refused, reason }: FragmentConflict,
  reader: string,
): string {
  if (refused === 'use' && reader === page) return tagSentence(`${TAG}${place} for ${service}#${ref}`, reason)
  if (refused === 'ref' && reader === service) return `${FRAGMENT}${ref} is not served: ${reason}`
  const consequence = {
    ref: ` (${service}#${ref} is not served to pages)`,
    use: ` (the tag at ${place} of ${page} shows its fallback)`,
    none: '',
  }[refused]
  return `${kind}: ${reason}${consequence}`
}
