/**
 * Claims this node has ended, and why, for a while: an older copy of the store may list them again.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

export interface EndedClaims {
  /** `isLasting`: for minutes, and not as long as a lease might have lasted. */
  keep(claim: string, reason: string, isLasting: boolean): void
  reasonOf(claim: string): string | undefined
}

/** Ends that are kept in mind, and for how long. */
const MOST_ENDED = 5000
const LASTING_MS = 600_000

export function createEndedClaims({
  leaseMs,
  clock,
}: {
  readonly leaseMs: number
  readonly clock: Pick<Clock, 'monotonic'>
}): EndedClaims {
  const ended = new Map<string, { readonly reason: string; readonly until: number }>()
  return {
    keep(claim, reason, isLasting) {
      const now = clock.monotonic()
      ended.set(claim, { reason, until: now + (isLasting ? LASTING_MS : 2 * leaseMs) })
      for (const [old, { until }] of ended) {
        if (until > now && ended.size <= MOST_ENDED) break
        ended.delete(old)
      }
    },
    reasonOf(claim) {
      const end = ended.get(claim)
      return end && end.until > clock.monotonic() ? end.reason : undefined
    },
  }
}
