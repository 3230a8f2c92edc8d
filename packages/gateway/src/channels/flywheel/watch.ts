/**
 * Looks who is there: each second, and as soon as somebody's sign of life runs out.
 *
 * A look asks for the presence of those that are known, which costs one command however many keys strangers have. Entries of
 * `hydra:service:nodes` are gone through, a piece at a time, when there is one more or less, when somebody calls, while
 * there are few, and now and then. Clocks of services are never looked at: how long a sign of life lasts is Redis' word.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'
import { type RedisLine, StoreAway } from '../../store/redis/port.ts'
import type { Complaints } from './complaints.ts'
import { readEntry, type SeenEntry, serviceProblem } from './node-entry.ts'
import { NODES_PIECE, WATCH } from './scripts.ts'
import type { FlywheelNetworkSettings } from './settings.ts'
import { NODES } from './words.ts'

export interface WatchDeps {
  readonly line: RedisLine
  readonly routerId: string
  readonly settings: Pick<
    FlywheelNetworkSettings,
    'lookMs' | 'rereadMs' | 'maxEntryBytes' | 'maxServices' | 'maxInstances' | 'maxReturnMs'
  >
  /** When our own sign of life was last taken, monotonic ms. */
  readonly beatAt: () => number
  /** Our own is gone although it was just given. */
  readonly onEmptied: () => void
  /** Somebody is there: for the first time, or as another than before. */
  readonly onHere: (seen: SeenEntry) => void
  readonly onAway: (seen: SeenEntry) => void
  /** Services that were seen, with instances or without. */
  readonly onServices: (names: ReadonlySet<string>) => void
  /** After each look. */
  readonly onLooked: () => void
  readonly clock: Clock
  readonly complaints: Complaints
}

export interface Watch {
  /** Begins; resolves after the first look at everything, or when there can be none. */
  start(): Promise<void>
  /** Goes through all entries at the next look, which is now. */
  hint(): Promise<void>
  /** Looks now, as it does each second. */
  look(): Promise<void>
  /** Redis is back after `awayMs`, maybe without what it knew: who does not show at once is not gone. Looks at nothing. */
  returned(awayMs: number): void
  /** All who are there, routers among them. */
  live(): Iterable<SeenEntry>
  isLive(id: string): boolean
  stop(): void
}

interface Known {
  seen: SeenEntry
  until: number
  /** It was there before Redis was away, and has not shown since. */
  isAwaited: boolean
}

/** Instances whose presence is asked for in one command. */
const ASKED_AT_ONCE = 500
const PIECE = '500'
/** So few entries are looked at each time. */
const FEW_ENTRIES = 2000
/** After Redis was emptied or away everybody has so long to give a sign of life: they do each second. */
const GRACE_MS = 3500
/** How long a sign of life of theirs stands. */
const LIFE_MS = 3000
/** A sign of life of ours that stands this long at least. */
const SURE_MS = 2500
/** Between looks. */
const LEAST_MS = 20

export function createWatch(deps: WatchDeps): Watch {
  const { line, routerId, settings, beatAt, onEmptied, onHere, onAway, onServices, onLooked } = deps
  const { clock, complaints } = deps
  const known = new Map<string, Known>()
  let graceUntil = Number.NEGATIVE_INFINITY
  let returnedAt = Number.NEGATIVE_INFINITY
  let awaitedUntil = Number.NEGATIVE_INFINITY
  let fullAt = Number.NEGATIVE_INFINITY
  let lastCount = -1
  let isFullWanted = true
  let isStopped = false
  let looking: Promise<void> | undefined
  let sifting: Promise<void> | undefined
  let cancelNext: (() => void) | undefined

  /** Those that are known: who is still there. */
  const ask = async (): Promise<number> => {
    const ids = [...known.keys()]
    let count = 0
    for (let at = 0; at === 0 || at < ids.length; at += ASKED_AT_ONCE) {
      const asked = ids.slice(at, at + ASKED_AT_ONCE)
      const words = asked.flatMap((id) => [known.get(id)?.seen.service ?? '', id])
      const askedAt = clock.monotonic()
      const answer = (await line.run(WATCH, [NODES], [routerId, ...words])) as number[]
      const [isHere, entries, ...left] = answer
      count = entries!
      const isFresh = beatAt() < askedAt && askedAt - beatAt() < SURE_MS
      if (isHere === 0 && isFresh) {
        graceUntil = clock.monotonic() + GRACE_MS
        isFullWanted = true
        onEmptied()
      }
      for (const [i, id] of asked.entries()) judge(id, left[i]!, askedAt)
    }
    return count
  }
  const judge = (id: string, leftMs: number, askedAt: number): void => {
    const one = known.get(id)
    if (!one) return
    if (leftMs >= 0) {
      one.until = askedAt + leftMs
      if (hasShown(one.until)) one.isAwaited = false
    } else if (
      leftMs === -1 ||
      clock.monotonic() >= (one.isAwaited ? Math.max(awaitedUntil, graceUntil) : graceUntil)
    ) {
      known.delete(id)
      onAway(one.seen)
    }
  }
  /** A sign of life that lasts so long was given since Redis is back, give or take how exact its clock is. */
  const hasShown = (until: number): boolean => until >= returnedAt + LIFE_MS - 50

  /** All entries: who is new. */
  const sift = async (): Promise<void> => {
    isFullWanted = false
    const services = new Set<string>()
    let cursor = '0'
    do {
      const askedAt = clock.monotonic()
      const args = [cursor, PIECE, String(settings.maxEntryBytes)]
      const piece = (await line.run(NODES_PIECE, [NODES], args)) as [
        string,
        (string | number)[],
        string[],
        string[],
      ]
      const [next, here, away, bad] = piece
      if (isStopped) return
      cursor = next
      for (let i = 0; i < here.length; i += 3)
        meet(here[i] as string, here[i + 1] as string, here[i + 2] as number, askedAt)
      for (const service of away) {
        if (services.size < settings.maxServices && !serviceProblem(service)) services.add(service)
      }
      for (let i = 0; i < bad.length; i += 2)
        complaints.about(bad[i + 1]!, 'an entry of hydra:service:nodes was ignored', { subject: bad[i]! })
    } while (cursor !== '0')
    for (const { seen } of known.values()) services.add(seen.service)
    fullAt = clock.monotonic()
    onServices(services)
  }
  const meet = (id: string, text: string, leftMs: number, askedAt: number): void => {
    if (id === routerId) return
    if (leftMs < 0) {
      complaints.about('endless', 'a presence that never ends was ignored', { subject: id })
      return
    }
    const seen = readEntry(id, text)
    if (typeof seen === 'string') {
      complaints.about(seen, 'an entry of hydra:service:nodes was ignored', { subject: id })
      return
    }
    const before = known.get(id)
    if (!before && known.size >= settings.maxInstances) {
      complaints.about('room', 'there are more instances in Redis than are looked at', { subject: id })
      return
    }
    const until = askedAt + leftMs
    known.set(id, { seen, until, isAwaited: before?.isAwaited === true && !hasShown(until) })
    if (!before || isOther(before.seen, seen)) onHere(seen)
  }

  const look = async (): Promise<void> => {
    try {
      const count = await ask()
      const isDue =
        isFullWanted ||
        count !== lastCount ||
        count <= FEW_ENTRIES ||
        clock.monotonic() - fullAt >= settings.rereadMs
      lastCount = count
      if (isDue && !isStopped)
        sifting ??= sift()
          .catch(failed)
          .finally(() => {
            sifting = undefined
          })
      // With few of them it is over at once; with many, who is known is looked at meanwhile.
      if (count <= FEW_ENTRIES) await sifting
      if (!isStopped) onLooked()
    } catch (error) {
      failed(error as Error)
    }
  }
  const failed = (error: Error): void => {
    isFullWanted = true
    if (!(error instanceof StoreAway))
      complaints.about('look', 'Redis does not let us see who is there', { reason: error.message })
  }
  const lookNow = (): Promise<void> => {
    cancelNext?.()
    looking ??= look().finally(() => {
      looking = undefined
      if (isStopped) return
      const now = clock.monotonic()
      let next = now + settings.lookMs
      // Whose is over and who is awaited all the same is looked for in the usual time.
      for (const { until } of known.values()) if (until > now) next = Math.min(next, until + 2)
      cancelNext = clock.after(Math.max(LEAST_MS, next - clock.monotonic()), () => void lookNow())
    })
    return looking
  }

  /** Not the look that is under way: that may have gone past whoever came meanwhile. */
  const lookOnceMore = async (): Promise<void> => {
    await looking
    await lookNow()
    await sifting
  }

  return {
    async start() {
      await lookNow()
      await sifting
    },
    hint() {
      isFullWanted = true
      return lookOnceMore()
    },
    look: lookOnceMore,
    returned(awayMs) {
      returnedAt = clock.monotonic()
      graceUntil = returnedAt + GRACE_MS
      awaitedUntil = returnedAt + Math.min(awayMs, settings.maxReturnMs)
      for (const one of known.values()) one.isAwaited = true
    },
    *live() {
      for (const { seen } of known.values()) yield seen
    },
    isLive: (id) => known.has(id),
    stop() {
      isStopped = true
      cancelNext?.()
    },
  }
}

function isOther(a: SeenEntry, b: SeenEntry): boolean {
  return a.service !== b.service || a.host !== b.host || a.port !== b.port || a.version !== b.version
}
