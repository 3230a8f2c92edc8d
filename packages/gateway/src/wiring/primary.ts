/**
 * The primary of a gateway with workers: tells them all there is to know, adds up what they count, and answers what they
 * hand on. It takes no connections of visitors itself.
 *
 * ```
 * registry ─→ published ─┐                        ┌─→ worker 1 ─→ table, menus, guard
 * overview, health       ├─→ a feed each: deltas ─┤
 * keys, revocations ─────┘                        └─→ worker 2
 * doors ←─ a local socket ←─ what only the primary answers
 * vitals, metrics, sessions ←─ reports each second
 * ```
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { closeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { localUrlHost } from '@hydra-gateway/protocol'
import type { Config } from '../config.ts'
import type { OpenedIdentity } from '../identity/identity.ts'
import type { Noted } from '../identity/session-book.ts'
import { canHoldPorts, type HeldPort, holdPort } from '../lifecycle/held-port.ts'
import type { WantedMenus } from '../menus/port.ts'
import { createMetrics, type Metrics } from '../observe/metrics.ts'
import { type Listener, type ListenOptions, listen } from '../proxy/listener.ts'
import { createRelayReader } from '../proxy/relayed.ts'
import type { Health } from '../registry/health.ts'
import type { Registry } from '../registry/registry.ts'
import type { ServiceChange } from '../routing/table.ts'
import { proxySlice } from '../slices.ts'
import { createCountBook } from '../workers/counts.ts'
import { createFeed, type Feed } from '../workers/feed.ts'
import {
  type Attendant,
  createFleet,
  type DrainOptions,
  type Fleet,
  type FleetSettings,
  type Worker,
} from '../workers/fleet.ts'
import { serveLines } from '../workers/lines.ts'
import type {
  FromWorker,
  LogStyle,
  NotedRequest,
  SealedRing,
  SeenNote,
  WorkerStart,
} from '../workers/messages.ts'
import { createMetricsSum } from '../workers/metrics-sum.ts'
import { createOverviewDiffer, wholeOverview } from '../workers/overview-feed.ts'
import { startWorkerProcess } from '../workers/process.ts'
import { createTableEncoder } from '../workers/table-feed.ts'
import type { Channels } from './channels.ts'
import { type Core, sliceOf } from './core.ts'

/** Processes that serve: 1 is this one alone. */
export function workerCount({ workers }: Pick<Config, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers
}

export interface PrimarySources {
  readonly registry: Registry
  readonly health: Health
  readonly identity: OpenedIdentity | undefined
  readonly channels: Pick<Channels, 'rsocket'>
  readonly wanted: WantedMenus
  /** Resolves once the store was read. */
  readonly firstLook: Promise<void>
  /** Notes a request that a worker served. */
  readonly onRequest: (request: NotedRequest) => void
}

export interface PrimaryOptions {
  readonly config: Config
  readonly logStyle?: LogStyle | undefined
  readonly settings?: Partial<FleetSettings>
}

export interface Primary {
  /** Of all processes of this gateway together. */
  readonly metrics: Metrics
  /** The table has changed. */
  published(change: ServiceChange | { readonly forgotten: string }): void
  /** Begins to tell workers what happens. Called once all of it is there. */
  attach(core: Core, sources: PrimarySources): void
  /** The public port, in place of `listen`: opened by as many workers as there are to be. */
  open(options: ListenOptions): Promise<Listener>
  /** Whether a worker is there, by its name. */
  has(worker: string): boolean
  /** Has workers read their certificates again; resolves once they have heard of everything until now. */
  reload(): Promise<void>
}

/** How long workers may take to say what they counted. */
const METRICS_MS = 1000
/** How long whoever changed something waits for workers; one that stands still hears of it before anything else. */
const TOLD_MS = 2000
/** Between processes of one gateway nobody is slow, or unknown. */
const FOR_EVER_MS = 24 * 3600 * 1000
/** What a request gets more of on its way from a worker. */
const MORE_BYTES = 2048

export function createPrimary({ config, logStyle = {}, settings: fleetSettings }: PrimaryOptions): Primary {
  let latest = config
  const size = workerCount(config)
  const own = createMetrics()
  const sum = createMetricsSum()
  const secret = randomBytes(24).toString('base64url')
  const services = new Map<string, ServiceChange>()
  const feeds = new Set<Feed>()
  const diff = createOverviewDiffer()
  const memory = new Map<string, number>()
  let ring: SealedRing | undefined
  let knowsAll = false
  let fleet: Fleet | undefined
  let attached: { readonly core: Core; readonly sources: PrimarySources } | undefined

  // ---- metrics

  let asks = 0
  const answered = new Map<number, { left: number; done: () => void }>()
  const askWorkers = (): Promise<void> => {
    const workers = fleet?.serving() ?? []
    if (workers.length === 0) return Promise.resolve()
    const ask = ++asks
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        answered.delete(ask)
        resolve()
      }
      const timer = setTimeout(done, METRICS_MS)
      answered.set(ask, { left: workers.length, done })
      for (const worker of workers) worker.send({ kind: 'metrics', ask })
    })
  }
  const metrics: Metrics = {
    ...own,
    async text() {
      await askWorkers()
      const { contentType, body } = await own.text()
      return { contentType, body: `${sum.with(body)}\n${ownLines(fleet, memory)}` }
    },
  }

  // ---- news

  const tellAll = (tell: (feed: Feed) => void): void => {
    for (const feed of feeds) tell(feed)
  }
  let rings = 0
  const readRing = async (): Promise<void> => {
    const number = ++rings
    const sealed = await attached?.sources.identity?.ring.sealed()
    // Of two readings the later one holds, whichever took longer.
    if (sealed === undefined || number !== rings) return
    ring = { version: String(number), sealed }
    tellAll((feed) => feed.ring(ring!))
  }

  // ---- one worker

  const attend = (worker: Worker, start: Omit<WorkerStart, 'name' | 'config'>): Attendant => {
    const { core, sources } = attached!
    const { registry, health, identity, channels, wanted } = sources
    const { live, vitals } = core
    const encoder = createTableEncoder((id) => channels.rsocket.lineOf(id) !== undefined)
    const feed = createFeed({
      send: (update) => worker.send({ kind: 'update', update }),
      encoder,
      revision: () => live.table.revision,
    })
    const counts = createCountBook(vitals, (id) => known.has(id))
    books.add(counts)
    const lines = serveLines({ lineOf: channels.rsocket.lineOf, send: worker.send })
    const sockets = new Map<number, () => void>()
    const seen = ({ session, address }: SeenNote): void => {
      identity?.book.seen(session as Noted, address)
      tellAll((other) => {
        if (other !== feed) other.session(session.sid, session.sessionEndsAt)
      })
    }
    const tellLife = async (sid: string): Promise<void> => {
      const endsAt = await identity?.lastsUntil(sid).catch(() => undefined)
      worker.send({ kind: 'lasts', sid, endsAt })
    }
    const heard = (message: FromWorker): void => {
      switch (message.kind) {
        case 'applied':
          feed.applied(message.number)
          return
        case 'report':
          counts.add(message.counts)
          memory.set(worker.name, message.rssBytes)
          for (const note of message.seen) seen(note)
          for (const request of message.requests) sources.onRequest(request)
          return
        case 'turned':
          vitals[message.resting ? 'rest' : 'revive'](message.instance)
          return
        case 'metrics': {
          sum.told(worker.name, message.text)
          const asked = message.ask === undefined ? undefined : answered.get(message.ask)
          if (asked && --asked.left === 0) asked.done()
          return
        }
        case 'socket': {
          const { socket, note } = message
          if (note) {
            const closed = identity?.book.opened(note.session as Noted, note.address)
            if (closed) sockets.set(socket, closed)
          } else {
            sockets.get(socket)?.()
            sockets.delete(socket)
          }
          return
        }
        case 'lasts':
          void tellLife(message.sid)
          return
        case 'wanted':
          wanted.missed(message.menu, { service: message.service, path: message.path })
          return
        case 'call':
        case 'cancel':
          lines.asked(message)
      }
    }
    return {
      begin() {
        worker.send({ kind: 'start', start: { ...start, name: worker.name, config: latest } })
        feeds.add(feed)
        for (const [name, change] of services) feed.service(name, change)
        if (knowsAll) feed.knowsAll()
        feed.overview(wholeOverview(registry.latestOverview()))
        for (const name of services.keys()) {
          const state = health.stateOf(name)
          if (state !== 'available') feed.health(name, state)
        }
        for (const id of known) if (vitals.of(id).resting) feed.resting(id, true)
        if (ring) feed.ring(ring)
        if (identity) feed.revocations(identity.revocations.list())
        feed.onCaughtUp(() => worker.send({ kind: 'listen' }))
      },
      heard,
      left() {
        feeds.delete(feed)
        books.delete(counts)
        counts.workerLeft()
        lines.close()
        sum.left(worker.name)
        memory.delete(worker.name)
        for (const closed of sockets.values()) closed()
      },
    }
  }

  /** Instances there are, and who counts for them. */
  const known = new Set<string>()
  const books = new Set<ReturnType<typeof createCountBook>>()

  return {
    metrics,
    published(change) {
      if ('forgotten' in change) {
        services.delete(change.forgotten)
        tellAll((feed) => feed.service(change.forgotten, undefined))
      } else {
        const { name } = change.service
        services.set(name, change)
        tellAll((feed) => feed.service(name, change))
      }
    },
    attach(core, sources) {
      attached = { core, sources }
      const { registry, health, identity, firstLook } = sources
      void firstLook.then(() => {
        knowsAll = true
        tellAll((feed) => feed.knowsAll())
      })
      core.cells?.onChange((after) => () => {
        latest = after
        tellAll((feed) => feed.config(after))
      })
      registry.onMember((event, { id }) => {
        if (event === 'left') {
          known.delete(id)
          for (const book of books) book.forget(id)
        } else known.add(id)
      })
      registry.onOverview(() => {
        const delta = diff(registry.latestOverview())
        if (delta) tellAll((feed) => feed.overview(delta))
      })
      health.onChange((name) => tellAll((feed) => feed.health(name, health.stateOf(name))))
      core.vitals.onChange((id, resting) => tellAll((feed) => feed.resting(id, resting)))
      identity?.ring.onChange(() => void readRing())
      identity?.revocations.onRevoked((fresh) => tellAll((feed) => feed.revocations(fresh)))
    },
    async open(options) {
      const { core, sources } = attached!
      const { clock, log, keys } = core
      await readRing()
      const directory = await mkdtemp(join(tmpdir(), 'hydra-'))
      const socketPath = join(directory, 'primary.sock')
      const relayed = createRelayReader(secret)
      let inner: Listener | undefined
      let socket: HeldPort | undefined
      const close = async (drain: DrainOptions): Promise<void> => {
        // Workers have it too. Open here, it would take connections whom nobody serves until the last of them has ended.
        socket?.close()
        socket = undefined
        await Promise.all([
          fleet?.close(drain),
          fleet === undefined ? undefined : options.endSockets?.(drain.graceMs),
        ])
        await inner?.close(0)
        await rm(directory, { recursive: true, force: true })
      }
      try {
        inner = await listen({
          ...options,
          port: 0,
          path: socketPath,
          fd: undefined,
          certificates: undefined,
          relayed,
          settings: sliceOf(core, innerSettings),
          metrics: { ...UNCOUNTED, refused: own.refused, logLinesDropped: own.logLinesDropped },
        })
        if (options.fd === undefined && !canHoldPorts)
          throw new Error('this version of Node can’t share a port among workers: set workers to 1')
        socket = options.fd === undefined ? await holdPort(options.port, options.host) : givenPort(options.fd)
        const { fd } = socket
        const start = {
          keys: {
            publicKey: config.keys.publicKey.length > 0 ? config.keys.publicKey : [keys.publicKey],
            privateKey: keys.privateKeys,
          },
          hasIdentity: sources.identity !== undefined,
          relay: { socketPath, secret },
          logStyle,
        }
        let port = options.port
        fleet = createFleet({
          size,
          start: () => startWorkerProcess(fd),
          attend: (worker) => {
            const attendant = attend(worker, start)
            return {
              ...attendant,
              heard(message) {
                if (message.kind === 'listening') port = message.port
                attendant.heard(message)
              },
            }
          },
          ...(fleetSettings ? { settings: fleetSettings } : {}),
          clock,
          log,
        })
        await fleet.ready
        const scheme = options.certificates ? 'https' : 'http'
        return {
          port,
          url: `${scheme}://${localUrlHost(options.host)}:${port}`,
          close: (graceMs, idleMs = 0) =>
            close({ graceMs, idleMs, spreadMs: Math.min(graceMs, latest.cluster.spread) }),
        }
      } catch (error) {
        await close({ graceMs: 0, idleMs: 0, spreadMs: 0 })
        throw error
      }
    },
    has: (worker) => fleet?.serving().some(({ name }) => name === worker) ?? false,
    async reload() {
      fleet?.tell({ kind: 'reload' })
      const told = [...feeds].map((feed) => new Promise<void>((resolve) => feed.onCaughtUp(resolve)))
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, TOLD_MS)
      })
      await Promise.race([Promise.all(told), late])
      clearTimeout(timer)
    },
  }
}

/** A port that somebody else opened, as this process has it. */
function givenPort(fd: number): HeldPort {
  return { fd, close: () => closeSync(fd) }
}

/** Limits were kept by the worker already; what it adds must have room. */
function innerSettings(config: Config): ListenOptions['settings'] {
  const settings = proxySlice(config)
  return {
    ...settings,
    maxHeadBytes: settings.maxHeadBytes + MORE_BYTES,
    maxHeaderLines: settings.maxHeaderLines + 8,
    minBodyRate: 0,
    clientHeadTimeoutMs: FOR_EVER_MS,
    keepAliveTimeoutMs: FOR_EVER_MS,
    serverTiming: false,
  }
}

/** Workers have counted it. */
const UNCOUNTED = {
  exchange() {},
  connectionOpened() {},
  connectionClosed() {},
  bytesIn() {},
  bytesOut() {},
}

function ownLines(fleet: Fleet | undefined, memory: ReadonlyMap<string, number>): string {
  const rows = [...memory].map(([name, bytes]) => `hydra_worker_memory_bytes{worker="${name}"} ${bytes}`)
  return [
    '# HELP hydra_workers Worker processes that serve',
    '# TYPE hydra_workers gauge',
    `hydra_workers ${fleet?.serving().length ?? 0}`,
    '',
    '# HELP hydra_worker_restarts_total Workers that were started in place of others',
    '# TYPE hydra_worker_restarts_total counter',
    `hydra_worker_restarts_total ${fleet?.restarts ?? 0}`,
    '',
    '# HELP hydra_worker_memory_bytes Resident memory of a worker',
    '# TYPE hydra_worker_memory_bytes gauge',
    ...rows,
    '',
  ].join('\n')
}
