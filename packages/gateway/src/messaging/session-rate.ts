/**
 * How often clients of one network may begin a session that resumes: each makes a mailbox, which stays when its socket is gone.
 *
 * @module
 */

import { setNewest } from '../newest.ts'
import type { Clock } from '../observe/clock.ts'
import type { MessageSettings } from './settings.ts'

export interface SessionRateDeps {
  readonly settings: Pick<MessageSettings, 'sessionsPerMinute' | 'maxClientsPerAddress'>
  /** What counts as one: who has an IPv6 address has 2^64 of them. */
  readonly networkOf: (address: string) => string
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Takes a place for a client of an address; otherwise says after how many ms there is one. */
export type SessionRate = (address: string) => number | undefined

/** Networks that are kept in mind; the one that began nothing for longest is forgotten first. */
const MOST_NETWORKS = 100_000

export function createSessionRate({ settings, networkOf, clock }: SessionRateDeps): SessionRate {
  const networks = new Map<string, { left: number; at: number }>()
  return (address) => {
    const { sessionsPerMinute, maxClientsPerAddress } = settings
    const eachMs = 60_000 / sessionsPerMinute
    // Whoever may be connected may begin at once, as after a restart.
    const most = Math.max(sessionsPerMinute, maxClientsPerAddress)
    const network = networkOf(address)
    const now = clock.monotonic()
    const { left, at } = networks.get(network) ?? { left: most, at: now }
    const filled = Math.min(most, left + (now - at) / eachMs)
    const isFree = filled >= 1
    setNewest(networks, network, { left: isFree ? filled - 1 : filled, at: now }, MOST_NETWORKS)
    return isFree ? undefined : Math.ceil((1 - filled) * eachMs)
  }
}
