/**
 * What happens again and again is said once a minute; how often it happened is for counters to tell.
 *
 * @module
 */

import { setNewest } from '../newest.ts'
import type { Clock } from './clock.ts'

/** Whether something is to be said now: then it is not for a while. `about` is what it is said of, when there are several. */
export type Seldom = (about?: string) => boolean

const EVERY_MS = 60_000
/** Whoever names what it is about fills no memory with it: what was said longest ago is forgotten. */
const MOST = 1000

export function createSeldom({ clock }: { readonly clock: Pick<Clock, 'monotonic'> }): Seldom {
  const saidAt = new Map<string, number>()
  return (about = '') => {
    const now = clock.monotonic()
    const before = saidAt.get(about)
    if (before !== undefined && now - before < EVERY_MS) return false
    setNewest(saidAt, about, now, MOST)
    return true
  }
}
