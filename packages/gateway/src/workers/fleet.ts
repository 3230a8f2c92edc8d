/**
 * The fleet: as many workers as were asked for, each replaced when it ends or stands still.
 *
 * ```
 * [starting]   everything is told, it listens ─→ [serving]      it takes too long, or can't ─→ [gone]
 * [serving]    it ends, or is silent for too long and is killed ─→ [gone]      the gateway stops ─→ [draining]
 * [gone]       ─→ [starting]: at once, and after a while when that happens again and again
 * [draining]   it has ended, or had its time ─→ [gone]
 * ```
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import type { WorkerProcess } from './process.ts'

/** What a worker is to the rest of the gateway. */
export interface Worker {
  readonly name: string
  readonly pid: number | undefined
  send(message: ToWorker): void
}

/** What is done for one worker. Made anew for each process. */
export interface Attendant {
  /** It is there: it has to be told everything, and then to listen. */
  begin(): void
  heard(message: FromWorker): void
  /** It has ended. */
  left(): void
}

export interface FleetSettings {
  /** A worker that said nothing for so long is killed; it says something each second. @default 10 000 */
  readonly silentMs: number
  /** Until a worker serves, ms; then it is killed. @default 30 000 */
  readonly startMs: number
  /** Between two starts in a row of workers that end soon: the first and the longest wait. @default 100 and 5000 */
  readonly leastBackoffMs: number
  readonly mostBackoffMs: number
  /** Who lived for so long did not end soon. @default 10 000 */
  readonly soundMs: number
}

const FLEET_DEFAULTS: FleetSettings = Object.freeze({
  silentMs: 10_000,
  startMs: 30_000,
  leastBackoffMs: 100,
  mostBackoffMs: 5000,
  soundMs: 10_000,
})

export interface FleetDeps {
  readonly size: number
  readonly start: () => WorkerProcess
  readonly attend: (worker: Worker) => Attendant
  readonly settings?: Partial<FleetSettings>
  readonly clock: Pick<Clock, 'monotonic' | 'every' | 'after'>
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
}

export interface DrainOptions {
  readonly graceMs: number
  readonly idleMs: number
  readonly spreadMs: number
}

export interface Fleet {
  /** Resolves once all serve; rejects when one can't, with what it said. */
  readonly ready: Promise<void>
  /** Workers that were started in place of others. */
  readonly restarts: number
  /** Those that serve. */
  serving(): readonly Worker[]
  tell(message: ToWorker): void
  /** Has all of them stop in order; resolves when they have ended. */
  close(options: DrainOptions): Promise<void>
}

type State = 'starting' | 'serving' | 'gone'

interface Member extends Worker {
  readonly process: WorkerProcess
  readonly attendant: Attendant
  readonly startedAt: number
  state: State
  heardAt: number
}

/** Beyond the grace, until a worker that has not ended is killed. */
const PATIENCE_MS = 3000
const CHECK_MS = 500

export function createFleet(deps: FleetDeps): Fleet {
  const { size, start, attend, clock, log } = deps
  const settings = { ...FLEET_DEFAULTS, ...deps.settings }
  const members = new Set<Member>()
  const ready = Promise.withResolvers<void>()
  // Whoever starts a gateway hears of it; later on nobody may.
  ready.promise.catch(() => {})
  let isReady = false
  let isClosing = false
  let restarts = 0
  let names = 0
  /** How often in a row somebody ended soon. */
  let soon = 0
  let onEmpty: (() => void) | undefined

  const launch = (): void => {
    if (isClosing) return
    const name = String(++names)
    const process = start()
    const { pid } = process
    const worker: Worker = { name, pid, send: (message) => void process.send(message) }
    const now = clock.monotonic()
    const attendant = attend(worker)
    const member: Member = { ...worker, process, attendant, startedAt: now, heardAt: now, state: 'starting' }
    members.add(member)
    process.onMessage((message) => heard(member, message))
    process.onExit((how) => ended(member, how))
    attendant.begin()
  }

  const heard = (member: Member, message: FromWorker): void => {
    member.heardAt = clock.monotonic()
    if (message.kind === 'listening') {
      member.state = 'serving'
      const tookMs = Math.round(member.heardAt - member.startedAt)
      log.info({ worker: member.name, pid: member.pid, tookMs }, 'worker serves')
      if (!isReady && serving().length === size) {
        isReady = true
        ready.resolve()
      }
    } else if (message.kind === 'failed') {
      const error = Object.assign(new Error(message.message), { code: message.code })
      if (isReady) log.error({ worker: member.name, err: error }, 'worker could not start')
      else ready.reject(error)
    }
    member.attendant.heard(message)
  }

  const ended = (member: Member, how: string): void => {
    const { name, pid, startedAt, state } = member
    if (!members.delete(member)) return
    member.state = 'gone'
    member.attendant.left()
    if (members.size === 0) onEmpty?.()
    if (isClosing) return
    if (!isReady && state === 'starting') {
      ready.reject(new Error(`a worker ended before it served (${how})`))
      return
    }
    const livedMs = clock.monotonic() - startedAt
    if (livedMs >= settings.soundMs) soon = 0
    const waitMs =
      soon === 0 ? 0 : Math.min(settings.mostBackoffMs, settings.leastBackoffMs * 2 ** Math.min(soon - 1, 10))
    soon++
    restarts++
    log.error(
      { worker: name, pid, how, livedMs: Math.round(livedMs), waitMs },
      'worker ended; it is replaced',
    )
    if (waitMs === 0) launch()
    else clock.after(waitMs, launch)
  }

  let checkedAt = clock.monotonic()
  const stopChecking = clock.every(CHECK_MS, () => {
    const now = clock.monotonic()
    // This process stood still itself: what was said meanwhile waits to be read.
    const stoodStill = now - checkedAt > CHECK_MS + STOOD_STILL_MS
    checkedAt = now
    for (const member of members) {
      if (stoodStill) member.heardAt = now
      const isLate = member.state === 'starting' && now - member.startedAt > settings.startMs
      const isSilent = member.state === 'serving' && now - member.heardAt > settings.silentMs
      if (!isLate && !isSilent) continue
      const fields = { worker: member.name, pid: member.pid }
      log.error(fields, isLate ? 'worker does not begin to serve: killed' : 'worker stands still: killed')
      member.process.kill('SIGKILL')
      member.heardAt = now
    }
  })
  const serving = (): readonly Member[] => [...members].filter(({ state }) => state === 'serving')

  for (let i = 0; i < size; i++) launch()
  return {
    ready: ready.promise,
    get restarts() {
      return restarts
    },
    serving,
    tell(message) {
      for (const member of members) member.send(message)
    },
    async close(options) {
      isClosing = true
      stopChecking()
      ready.reject(new Error('the gateway was closed'))
      if (members.size === 0) return
      const empty = new Promise<void>((resolve) => {
        onEmpty = resolve
      })
      for (const { process, state } of members) {
        if (state === 'serving') process.send({ kind: 'drain', ...options })
        else process.kill('SIGKILL')
      }
      const kill = setTimeout(() => {
        for (const { name, pid, process } of members) {
          log.warn({ worker: name, pid }, 'worker did not end in time: killed')
          process.kill('SIGKILL')
        }
      }, options.graceMs + PATIENCE_MS)
      await empty
      clearTimeout(kill)
    },
  }
}

/** Timers that come so much too late tell of a process that stood still. */
const STOOD_STILL_MS = 1000
