/**
 * Fallbacks that are ordinary, as their service is down or has nothing to show: said once when they begin and once
 * when they are over, for each service, fragment and reason.
 *
 * What a fragment declines depends on what it is asked with, so one that is shown in between ends nothing: it is
 * over after a while without.
 *
 * @module
 */
import type { FallbackReason } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'

/** What happens whenever a service is down or says no. */
export type OrdinaryReason = Extract<FallbackReason, 'no-instance' | 'declined'>

/** It is over. */
export interface Over {
  readonly reason: OrdinaryReason
  /** Fallbacks shown for it. */
  readonly fallbacks: number
  readonly forMs: number
}

export interface Outages {
  /** A fallback is shown. `say` is called as long as its beginning is not said; false says that it is not yet. */
  shown(service: string, ref: string, reason: OrdinaryReason, say: () => boolean): void
  /** A fragment is shown. What was said of it and is over by that. */
  ends(service: string, ref: string): readonly Over[]
}

interface Outage {
  readonly since: number
  last: number
  fallbacks: number
  isSaid: boolean
}
type Fragment = Map<OrdinaryReason, Outage>

/** Names in pages are anybody's choice; beyond, the one that began first is forgotten. */
const MOST_FRAGMENTS = 1000
const QUIET_MS = 10_000
const NOTHING: readonly Over[] = []

export function createOutages(clock: Pick<Clock, 'monotonic'>): Outages {
  const fragments = new Map<string, Fragment>()
  const keyOf = (service: string, ref: string): string => `${service}\0${ref}`

  return {
    shown(service, ref, reason, say) {
      const key = keyOf(service, ref)
      const now = clock.monotonic()
      let fragment = fragments.get(key)
      if (!fragment) {
        const [first] = fragments.keys()
        if (fragments.size >= MOST_FRAGMENTS) fragments.delete(first!)
        fragment = new Map()
        fragments.set(key, fragment)
      }
      const outage = fragment.get(reason) ?? { since: now, last: now, fallbacks: 0, isSaid: false }
      fragment.set(reason, outage)
      outage.last = now
      outage.fallbacks++
      if (!outage.isSaid) outage.isSaid = say()
    },
    ends(service, ref) {
      // Asked for every fragment that is shown: mostly nothing is out.
      if (fragments.size === 0) return NOTHING
      const key = keyOf(service, ref)
      const fragment = fragments.get(key)
      if (!fragment) return NOTHING
      const now = clock.monotonic()
      const over: Over[] = []
      for (const [reason, { since, last, fallbacks, isSaid }] of fragment) {
        if (reason === 'declined' && now - last < QUIET_MS) continue
        fragment.delete(reason)
        if (isSaid) over.push({ reason, fallbacks, forMs: Math.round(now - since) })
      }
      if (fragment.size === 0) fragments.delete(key)
      return over
    },
  }
}
