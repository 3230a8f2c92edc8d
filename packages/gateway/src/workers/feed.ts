/**
 * What one worker is told, and when: everything at first, then what changed. One update is under way at a time; what
 * happens meanwhile is told together with the next, of each thing the latest. So a worker that is slow, or stands
 * still, costs no more than what there is to know.
 *
 * @module
 */
import type { FeltState } from '@hydra-gateway/protocol'
import type { Config } from '../config.ts'
import type { ServiceChange } from '../routing/table.ts'
import type { Revocation } from '../store/identity/port.ts'
import type { OverviewDelta, SealedRing, Update } from './messages.ts'
import { joinOverviews } from './overview-feed.ts'
import type { TableEncoder } from './table-feed.ts'

type Felt = Exclude<FeltState, 'down'>

/** What may change. */
export interface News {
  config(config: Config): void
  /** The store was read once. */
  knowsAll(): void
  service(name: string, change: ServiceChange | undefined): void
  overview(delta: OverviewDelta): void
  health(service: string, state: Felt): void
  resting(instance: string, resting: boolean): void
  ring(sealed: SealedRing): void
  revocations(fresh: readonly Revocation[]): void
  session(sid: string, endsAt: number): void
}

export interface Feed extends News {
  /** The worker has applied an update. */
  applied(number: number): void
  /** Calls back once all that was said until now is applied there. */
  onCaughtUp(run: () => void): void
}

/** Sessions that were seen somewhere, between two updates; of more of them a worker goes by what its own tokens say. */
const MOST_SESSIONS = 10_000

export function createFeed({
  send,
  encoder,
  revision,
}: {
  readonly send: (update: Update) => void
  readonly encoder: TableEncoder
  readonly revision: () => number
}): Feed {
  let config: Config | undefined
  let knowsAll = false
  let services = new Map<string, ServiceChange | undefined>()
  let overview: OverviewDelta | undefined
  let health = new Map<string, Felt>()
  let resting = new Map<string, boolean>()
  let ring: SealedRing | undefined
  let revocations = new Map<string, Revocation>()
  let sessions = new Map<string, number>()
  let isDue = false
  let isScheduled = false
  let sent = 0
  let applied = 0
  let waiting: { readonly number: number; readonly run: () => void }[] = []

  /** Before this tick is over, so that whoever is answered in it finds the workers told. */
  const touch = (): void => {
    isDue = true
    if (isScheduled || sent > applied) return
    isScheduled = true
    queueMicrotask(flush)
  }
  const flush = (): void => {
    isScheduled = false
    if (!isDue || sent > applied) return
    isDue = false
    const update: Update = {
      number: ++sent,
      revision: revision(),
      ...(config && { config }),
      ...(knowsAll && { knowsAll }),
      ...(services.size > 0 && {
        services: [...services].map(([name, change]) => encoder.encode(name, change)),
      }),
      ...(overview && { overview }),
      ...(health.size > 0 && { health: [...health] }),
      ...(resting.size > 0 && { resting: [...resting] }),
      ...(ring && { ring }),
      ...(revocations.size > 0 && { revocations: [...revocations.values()] }),
      ...(sessions.size > 0 && { sessions: [...sessions] }),
    }
    config = undefined
    knowsAll = false
    services = new Map()
    overview = undefined
    health = new Map()
    resting = new Map()
    ring = undefined
    revocations = new Map()
    sessions = new Map()
    send(update)
  }

  return {
    config(now) {
      config = now
      touch()
    },
    knowsAll() {
      knowsAll = true
      touch()
    },
    service(name, change) {
      services.set(name, change)
      touch()
    },
    overview(delta) {
      overview = joinOverviews(overview, delta)
      touch()
    },
    health(service, state) {
      health.set(service, state)
      touch()
    },
    resting(instance, isResting) {
      resting.set(instance, isResting)
      touch()
    },
    ring(sealed) {
      ring = sealed
      touch()
    },
    revocations(fresh) {
      for (const one of fresh) revocations.set(`${one.kind}:${one.key}`, one)
      touch()
    },
    session(sid, endsAt) {
      if (sessions.size < MOST_SESSIONS) sessions.set(sid, endsAt)
      touch()
    },
    applied(number) {
      applied = number
      if (isDue) flush()
      const ready = waiting.filter((one) => one.number <= applied)
      waiting = waiting.filter((one) => one.number > applied)
      for (const { run } of ready) run()
    },
    onCaughtUp(run) {
      const number = isDue ? sent + 1 : sent
      if (number <= applied) run()
      else waiting.push({ number, run })
    },
  }
}
