/**
 * Reads the routes of services: of one when it says that they are others, of all now and then, and by a paced scan those of
 * services that left nothing else.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'
import { type RedisLine, StoreAway } from '../../store/redis/port.ts'
import type { Complaints } from './complaints.ts'
import { serviceProblem } from './node-entry.ts'
import type { Roll, RoutesFound } from './roll.ts'
import { ROUTES } from './scripts.ts'
import type { FlywheelNetworkSettings } from './settings.ts'
import { NODES, ROUTES_PATTERN } from './words.ts'

export interface RouteReader {
  /** Those of these services; resolves once they are served. */
  read(services: readonly string[]): Promise<void>
  /** Those among them that were never read. */
  readNew(services: ReadonlySet<string>): Promise<void>
  /** A service has others now. */
  hint(service: string): void
  /** All may have others. */
  hintAll(): void
  reread(): Promise<void>
  rereadSoon(): void
  /** Looks for services that have routes and were never there since. */
  scan(): Promise<void>
  stop(): void
}

const AT_ONCE = 50
/** Hints that come together are one reading. */
const HINT_MS = 30
const MOST_HINTS = 1000
/** What was missing is read once more: a service deletes its routes before it writes new ones. */
const CONFIRM_MS = 1000
const SCAN_PIECE = '1000'
const SCAN_PAUSE_MS = 10
/** Between scans somebody on a channel asked for. */
const SCAN_EVERY_MS = 10_000

export function createRouteReader({
  line,
  roll,
  settings,
  clock,
  complaints,
}: {
  readonly line: RedisLine
  readonly roll: Roll
  readonly settings: Pick<FlywheelNetworkSettings, 'maxRoutes' | 'maxRouteBytes' | 'maxServices'>
  readonly clock: Clock
  readonly complaints: Complaints
}): RouteReader {
  const hinted = new Set<string>()
  const timers = new Set<() => void>()
  /** Readings of services that are read for the first time. */
  const reading = new Map<string, Promise<void>>()
  /** Names, of services that left entries long ago, without routes when they were last looked for. */
  const absent = new Set<string>()
  /** Names that come in one tick are one reading. */
  let gathering: { readonly names: string[]; readonly done: Promise<void> } | undefined
  let scanning: Promise<void> | undefined
  let scannedAt = Number.NEGATIVE_INFINITY
  let isWaiting = false
  let isStopped = false

  const after = (ms: number, run: () => void): void => {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel)
      run()
    })
    timers.add(cancel)
  }
  const failed = (error: Error): void => {
    if (!(error instanceof StoreAway))
      complaints.about('routes-read', 'Redis does not let us read routes', { reason: error.message })
  }

  const read = async (services: readonly string[]): Promise<void> => {
    const bounds = [settings.maxRoutes, settings.maxRouteBytes].map(String)
    for (let at = 0; at < services.length && !isStopped; at += AT_ONCE) {
      const asked = services.slice(at, at + AT_ONCE)
      const answer = (await line.run(ROUTES, [NODES], [...bounds, ...asked])) as (number | string[])[]
      const doubtful: string[] = []
      for (const [i, service] of asked.entries())
        if (!(await roll.found(service, foundIn(answer[i]!)))) doubtful.push(service)
      if (doubtful.length > 0) after(CONFIRM_MS, () => void read(doubtful).catch(failed))
    }
  }
  const flush = (): void => {
    isWaiting = false
    const services = [...hinted]
    hinted.clear()
    void read(services).catch(failed)
  }
  const hint = (service: string): void => {
    if (hinted.size >= MOST_HINTS && !roll.isRead(service)) {
      complaints.about('hints', 'there are too many refreshes')
      return
    }
    hinted.add(service)
    if (isWaiting) return
    isWaiting = true
    after(HINT_MS, flush)
  }
  const reread = (): Promise<void> => {
    absent.clear()
    return read([...roll.services()])
  }

  const scan = async (): Promise<void> => {
    scannedAt = clock.monotonic()
    const names = new Set<string>()
    let cursor = '0'
    do {
      const words = ['SCAN', cursor, 'MATCH', ROUTES_PATTERN, 'COUNT', SCAN_PIECE]
      const [next, keys] = (await line.send(NODES, words)) as [string, string[]]
      cursor = next
      for (const key of keys) {
        const name = key.split(':')[2] ?? ''
        if (names.size < settings.maxServices && !roll.isRead(name) && !serviceProblem(name)) names.add(name)
      }
      if (cursor !== '0') await new Promise<void>((resolve) => after(SCAN_PAUSE_MS, resolve))
    } while (cursor !== '0' && !isStopped)
    await readNew(names)
  }
  const gather = (name: string): Promise<void> => {
    if (!gathering) {
      const names: string[] = []
      const run = async (): Promise<void> => {
        gathering = undefined
        try {
          await read(names.sort())
        } finally {
          for (const each of names) {
            reading.delete(each)
            if (!roll.isRead(each) && absent.size < settings.maxServices) absent.add(each)
          }
        }
      }
      gathering = { names, done: Promise.resolve().then(run) }
    }
    gathering.names.push(name)
    return gathering.done
  }
  const readNew = async (services: ReadonlySet<string>): Promise<void> => {
    for (const name of services) {
      if (!roll.isRead(name) && !absent.has(name) && !reading.has(name)) reading.set(name, gather(name))
    }
    await Promise.all([...services].map((name) => reading.get(name)))
  }

  return {
    read: (services) => read(services),
    readNew: (services) => readNew(services).catch(failed),
    hint,
    hintAll() {
      for (const service of roll.services()) hint(service)
      if (clock.monotonic() - scannedAt >= SCAN_EVERY_MS) {
        scanning ??= scan().finally(() => {
          scanning = undefined
        })
        scanning.catch(failed)
      }
    },
    reread,
    rereadSoon: () => void reread().catch(failed),
    async scan() {
      scanning ??= scan().finally(() => {
        scanning = undefined
      })
      await scanning.catch(failed)
    },
    stop() {
      isStopped = true
      for (const cancel of timers) cancel()
    },
  }
}

function foundIn(answer: number | string[]): RoutesFound {
  if (Array.isArray(answer)) return answer
  return answer === 0 ? 'none' : 'unreadable'
}
