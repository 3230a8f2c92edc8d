/**
 * What time it is for all nodes: that of Redis' clock, as far as each knows how far its own is away from it. Nobody who
 * may only write to Redis can change it.
 *
 * It is asked for now and then, and after each reconnection, as another server has another clock. In between it goes on
 * with the clock of this process that only grows, so that a wrong or a changed clock of a machine means nothing.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import { type RedisLine, StoreAway } from './port.ts'

export interface SharedTime {
  /** Epoch ms; undefined before Redis was asked once. */
  now(): number | undefined
  /** Asks once, unless it is known. Rejects while Redis is away. */
  ready(): Promise<void>
  close(): void
}

export interface SharedTimeDeps {
  readonly line: Pick<RedisLine, 'send' | 'reach' | 'prefix'>
  /** Between two questions, ms. @default 10000 */
  readonly everyMs?: number
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'every'>
  readonly log: Pick<Log, 'warn'>
}

/** An answer that took longer says too little, when something is known already. */
const MOST_WAY_MS = 1000

export function createSharedTime({ line, everyMs = 10_000, clock, log }: SharedTimeDeps): SharedTime {
  let ahead: number | undefined
  let asking: Promise<void> | undefined
  let isRefused = false

  const measure = async (): Promise<void> => {
    const from = clock.monotonic()
    try {
      const [seconds, micros] = (await line.send(`${line.prefix}{reg}:clock`, ['TIME'])) as [string, string]
      const until = clock.monotonic()
      const then = Number(seconds) * 1000 + Number(micros) / 1000
      if (!Number.isFinite(then)) throw new Error('it gave no time')
      if (ahead === undefined || until - from <= MOST_WAY_MS) ahead = then - (from + until) / 2
    } catch (error) {
      if (error instanceof StoreAway) throw error
      // Where it is not allowed, clocks of machines that are kept right will do.
      ahead = clock.now() - clock.monotonic()
      if (isRefused) return
      isRefused = true
      log.warn({ err: error }, 'Redis does not say what time it is: nodes go by the clocks of their machines')
    }
  }
  const ask = (): Promise<void> =>
    (asking ??= measure().finally(() => {
      asking = undefined
    }))
  const askQuietly = (): void => {
    if (line.reach.isReachable) ask().catch(() => {})
  }
  const stopAsking = clock.every(everyMs, askQuietly)
  const stopWatching = line.reach.onChange(askQuietly)
  return {
    now: () => (ahead === undefined ? undefined : clock.monotonic() + ahead),
    ready: () => (ahead === undefined ? ask() : Promise.resolve()),
    close() {
      stopAsking()
      stopWatching()
    },
  }
}
