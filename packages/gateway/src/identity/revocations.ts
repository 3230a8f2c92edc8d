/**
 * Revocations: what ended before its time. Every node holds the whole list, so that asking costs a request a few looks
 * into memory, and nothing while the list is empty.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Revocation, RevocationStore } from '../store/identity/port.ts'
import type { Revocations } from './port.ts'
import { startOf } from './session-id.ts'

export interface RevocationsDeps {
  readonly store: RevocationStore
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly log: Pick<Log, 'error' | 'warn' | 'info'>
  readonly settings: {
    /** The longest a session lasts: what has to be remembered of its end. */
    readonly keepMs: number
  }
}

/** What can't be written is tried again after this long. */
const RETRY_MS = 1000
/** More than this many are not held: the oldest go. It takes a flood of sign-ins and sign-outs to get there. */
const MOST = 1_000_000
/** Clocks of nodes differ, and tokens are given some leeway. */
const LEEWAY_MS = 60_000
/** How often those that can end nothing any more are looked for. */
const PRUNE_MS = 60_000

export function createRevocations({ store, clock, log, settings }: RevocationsDeps): Revocations {
  const { keepMs } = settings
  /** By kind and key, as in `Caller.revocableAs`. */
  const known = new Map<string, Revocation>()
  const unwritten = new Map<string, Revocation>()
  const listeners = new Set<(fresh: readonly Revocation[]) => void>()
  let cursor: string | undefined
  let prunedAt = clock.now()
  let isRetrying = false

  const keep = (revocations: readonly Revocation[]): void => {
    const fresh = revocations.filter((one) => {
      const place = placeOf(one)
      const before = known.get(place)
      if (before && before.at >= one.at) return false
      known.delete(place)
      known.set(place, one)
      return true
    })
    if (fresh.length === 0) return
    if (known.size > MOST) dropOldest()
    for (const listener of listeners) {
      try {
        listener(fresh)
      } catch (error) {
        log.error({ err: error }, 'what should have ended with a session may not have')
      }
    }
  }
  const dropOldest = (): void => {
    log.error({ kept: MOST }, 'too many ended sessions to remember: the oldest of them may be used again')
    for (const place of known.keys()) {
      if (known.size <= MOST * 0.9) break
      known.delete(place)
    }
  }
  const prune = (): void => {
    const now = clock.now()
    if (now - prunedAt < PRUNE_MS) return
    prunedAt = now
    for (const [place, { until }] of known) if (until <= now) known.delete(place)
  }

  const write = async (revocation: Revocation): Promise<void> => {
    const place = placeOf(revocation)
    try {
      await store.add(revocation)
      if (unwritten.get(place) === revocation) unwritten.delete(place)
    } catch (error) {
      if (unwritten.size === 0) {
        log.error(
          { err: error },
          'an end of sessions could not be written: it holds at this node only, until it can',
        )
      }
      unwritten.set(place, revocation)
      retryLater()
    }
  }
  /** Writes again what is known here and not among all there is: everybody who knows it does, one of them is enough. */
  const writeLost = (stored: readonly Revocation[]): void => {
    const now = clock.now()
    const there = new Map(stored.map((one) => [placeOf(one), one.at]))
    let lost = 0
    for (const [place, revocation] of known) {
      if (revocation.until <= now || (there.get(place) ?? Number.NEGATIVE_INFINITY) >= revocation.at) continue
      unwritten.set(place, revocation)
      lost++
    }
    if (lost === 0) return
    log.warn({ lost }, 'the store had lost ends of sessions; they are written again')
    retryLater()
  }
  const retryLater = (): void => {
    if (isRetrying) return
    isRetrying = true
    clock.after(RETRY_MS, async () => {
      const now = clock.now()
      for (const [place, revocation] of unwritten) {
        if (revocation.until <= now) unwritten.delete(place)
        else await write(revocation)
        // the first that fails again stands for all
        if (unwritten.has(place)) break
      }
      isRetrying = false
      if (unwritten.size > 0) retryLater()
      else log.info({}, 'ends of sessions are written again')
    })
  }

  return {
    isRevoked({ revocableAs, startedAt }) {
      if (known.size === 0) return false
      for (const place of revocableAs) {
        const revocation = known.get(place)
        if (revocation && (revocation.kind === 'session' || startedAt <= revocation.at)) return true
      }
      return false
    },
    async revoke(kind, key, reason) {
      prune()
      const at = clock.now()
      const revocation: Revocation = Object.freeze({
        kind,
        key,
        at,
        until: kind === 'session' ? Math.min(at, (startOf(key) ?? at) + LEEWAY_MS) + keepMs : at + keepMs,
        reason,
      })
      // Browsers keep the id of a session that is over: they must not have us write it down with each request.
      const before = kind === 'session' ? known.get(placeOf(revocation)) : undefined
      if (before || revocation.until <= at) return before ?? revocation
      keep([revocation])
      await write(revocation)
      return revocation
    },
    list() {
      const now = clock.now()
      return [...known.values()].filter(({ until }) => until > now).sort((a, b) => a.at - b.at)
    },
    onRevoked(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async look() {
      prune()
      const found = await store.since(cursor, clock.now())
      keep(found.fresh)
      // The first answer is whole; later ones are when the store has lost something, which this node has not.
      if (found.isWhole && cursor !== undefined) writeLost(found.fresh)
      cursor = found.cursor
    },
  }
}

const placeOf = ({ kind, key }: Revocation): string => `${kind}:${key}`
