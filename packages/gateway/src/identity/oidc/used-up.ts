/**
 * What may be used once: states of sign-ins, ids of logout tokens. Remembered as hashes, for as long as they would hold,
 * and no more of them than a limit: the oldest give way. That is no setting, as whoever gets there has signed in ten thousand
 * times within minutes, and providers take a code but once as well.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../observe/clock.ts'

export interface UsedUp {
  /** True the first time, false for as long as it is remembered. */
  use(text: string): boolean
}

/** `keepMs`: nothing holds longer than that after it was used. */
export function createUsedUp({
  keepMs,
  max = 10_000,
  clock,
}: {
  readonly keepMs: number
  readonly max?: number
  readonly clock: Pick<Clock, 'now'>
}): UsedUp {
  /** In the order of use. */
  const until = new Map<string, number>()
  return {
    use(text) {
      const now = clock.now()
      for (const [key, at] of until) {
        if (at > now && until.size < max) break
        until.delete(key)
      }
      const key = createHash('sha256').update(text).digest('base64url')
      if (until.has(key)) return false
      until.set(key, now + keepMs)
      return true
    },
  }
}
