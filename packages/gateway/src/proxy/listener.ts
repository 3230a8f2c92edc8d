/**
 * Listener: takes connections, has what they ask served by one handler, counts and logs how it went, and stops in
 * order.
 *
 * @module
 */
import type { AddressInfo, Server } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { localUrlHost } from '@hydra-gateway/protocol'
import { CODES, type ErrorCode, toProblem } from '../errors.ts'
import { Slab } from '../http1/slab.ts'
import { statusLine } from '../http1/status.ts'
import { createAccessLog } from '../observe/access-log.ts'
import { type Clock, systemClock } from '../observe/clock.ts'
import { outcomeOf } from '../observe/exchange-counts.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Certificates } from '../tls/certificates.ts'
import type { Answers } from './answers.ts'
import { createCompression } from './compression.ts'
import { dateLine } from './date-line.ts'
import { createDeadlines } from './deadlines.ts'
import type { Exchange, ExchangeHandler } from './exchange.ts'
import { createExchangeIds, systemRandom25 } from './exchange-id.ts'
import type { AddressSet } from './forwarded.ts'
import type { Http2Settings } from './http2-settings.ts'
import type { ReadRelayed } from './relayed.ts'
import { readFacts } from './request-facts.ts'
import type { ProxySettings } from './settings.ts'
import { findTrace, NO_TRACE, traceId } from './trace.ts'
import type { VisitorConnection, VisitorEngine } from './visitor-engine.ts'
import { createVisitorServer, type VisitorServer } from './visitor-server.ts'
import type { WireExchange } from './wire-exchange.ts'

export interface ListenOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Path of a local socket, in place of a port. */
  readonly path?: string | undefined
  /** File descriptor of a socket that listens already: somebody else opened it, and others may have it too. @default own */
  readonly fd?: number | undefined
  /** Address to listen on; all of them, IPv6 and IPv4, when absent. */
  readonly host?: string | undefined
  readonly settings: ProxySettings
  /** With them the port speaks TLS only, HTTP/2 and HTTP/1.1. @default none */
  readonly certificates?: Certificates | undefined
  /** Limits of connections that speak HTTP/2. */
  readonly http2?: Http2Settings
  /** Serves every request and every WebSocket handshake. What it throws is answered with `HYDRA_INTERNAL`. */
  readonly handler: ExchangeHandler
  /** Proxies whose word about the visitor is taken. @default none */
  readonly trusted?: AddressSet
  /** Hides what may not stand in a log, such as keys in paths. @default the path as it is */
  readonly maskPath?: (path: string) => string
  /** Answers a request that was refused before it had a handler. @default problem+json */
  readonly problem?: (exchange: Exchange, code: ErrorCode, detail?: string) => void
  /** A page for people whose request could not be read. @default problem+json for them as well */
  readonly unreadablePage?: Answers['unreadablePage']
  /** Who hands the requests on: another process of this gateway, which counts and logs them itself. @default visitors */
  readonly relayed?: ReadRelayed | undefined
  /** Says goodbye to whoever took a connection over, within the grace. */
  readonly endSockets?: (graceMs: number) => Promise<void>
  readonly log: Log
  readonly metrics: ListenerMetrics
  /** @default the system's */
  readonly clock?: Clock
}

export type ListenerMetrics = Pick<
  Metrics,
  | 'exchange'
  | 'refused'
  | 'connectionOpened'
  | 'connectionClosed'
  | 'bytesIn'
  | 'bytesOut'
  | 'logLinesDropped'
>

export interface Listener {
  readonly port: number
  /** Address for people on this machine: `http://localhost:8080`. */
  readonly url: string
  /**
   * Takes no more connections, lets running requests end for `graceMs`, then closes what is left. Connections on which
   * nothing runs are kept for `idleMs`: what is asked on one until then is answered, as the last.
   */
  close(graceMs: number, idleMs?: number): Promise<void>
}

/** Connections that wait to be taken. */
const BACKLOG = 4096
/** Who does not read our goodbye is not waited for. */
const GOODBYE_MS = 250
/** So long a short turn is waited for, ms. */
const QUEUE_MS = 250
/** In so little nobody comes whom we should have seen, ms. */
const SHORT_TURN_MS = 0.25

/** Opens the port; resolves once it takes connections, rejects with the system's error when it can't. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const connections = new Set<VisitorConnection>()
  const visitors = createVisitorEngine(options, connections)
  const { engine, drained } = visitors
  const server = await createVisitorServer({ engine, ...options })
  await opened(server, options).catch((error) => {
    visitors.close()
    throw error
  })
  server.on('error', (error) => options.log.error({ err: error }, 'listener failed'))
  const address = server.address() as AddressInfo | string
  const port = typeof address === 'string' ? 0 : address.port

  return {
    port,
    url: `${options.certificates ? 'https' : 'http'}://${localUrlHost(options.host)}:${port}`,
    async close(graceMs, idleMs = 0) {
      const endsAt = performance.now() + graceMs
      // Answers of HTTP/1.1 say that they are the last; visitors with many requests at once are told by themselves.
      visitors.stop()
      await queueIsEmpty(server)
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const empty = visitors.empty()
      for (const connection of connections) connection.announceEnd()
      const socketsEnded = options.endSockets?.(graceMs)
      // A request may be on its way to a connection that is idle as we see it: closed now, it would be lost.
      const isQuiet = await visitors.emptyWithin(Math.min(idleMs, graceMs))
      if (!isQuiet) {
        for (const connection of connections) connection.drain()
        await drained(endsAt - performance.now())
      }
      server.dropHandshakes?.()
      for (const connection of connections) connection.drain()
      await socketsEnded
      const patience = setTimeout(() => {
        for (const connection of connections) connection.destroy()
      }, GOODBYE_MS)
      // The server does not know of connections that were taken at the handle (`reading-server.ts`).
      await Promise.all([closed, empty])
      clearTimeout(patience)
      visitors.close()
    },
  }
}

function opened(server: Server, { port, path, host, fd }: ListenOptions): Promise<void> {
  const where =
    fd !== undefined
      ? { fd }
      : path !== undefined
        ? { path }
        : { port, ...(host === undefined ? {} : { host }) }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Twice: of a file descriptor's options it is not read.
    server.listen({ ...where, backlog: BACKLOG }, BACKLOG, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/**
 * Resolves when nobody waits to be taken, or when new ones come all the time: a port that closes resets those who wait,
 * whose request may have been sent. One is taken in each turn of the event loop; a turn that was long may have missed who
 * came meanwhile.
 */
async function queueIsEmpty(server: Pick<VisitorServer, 'taken'>): Promise<void> {
  const endsAt = performance.now() + QUEUE_MS
  // The turn that runs may have looked already.
  await turn()
  // After so many turns everybody was taken who waited at the beginning.
  for (let turns = 0; turns < BACKLOG; turns++) {
    const { taken } = server
    const begunAt = performance.now()
    await turn()
    const now = performance.now()
    // A process that got no time has a long queue and no short turns: the time alone is no reason to leave anybody.
    if (server.taken === taken && (now - begunAt < SHORT_TURN_MS || now >= endsAt)) return
  }
}

/** What the connections of one port share, and the way to let them end. */
function createVisitorEngine(
  options: ListenOptions,
  connections: Set<VisitorConnection>,
): {
  readonly engine: VisitorEngine
  /** From now on each answer is the last of its connection. */
  stop(): void
  /** Resolves when nothing runs any more, or the grace is over. */
  drained(graceMs: number): Promise<void>
  /** Resolves when no connection is left. */
  empty(): Promise<void>
  /** The same, but waits so long at most; false when connections are left. */
  emptyWithin(ms: number): Promise<boolean>
  close(): void
} {
  const { settings, handler, log, metrics, trusted, maskPath, relayed, clock = systemClock } = options
  const problem = options.problem ?? plainProblem
  const nextId = createExchangeIds({ now: Date.now, random25: systemRandom25() })
  const sources = { nextId, trusted }
  const shortestMs = Math.min(settings.clientHeadTimeoutMs, settings.keepAliveTimeoutMs)
  const deadlines = createDeadlines(clock, Math.max(10, Math.min(250, shortestMs / 4)))
  const accessLog = createAccessLog({
    write: log.rawBytes,
    isOn: () => relayed === undefined && log.isLevelEnabled('info'),
    clock,
    maskPath,
    onDropped: metrics.logLinesDropped,
  })
  const stopFlushing = log.onFlush(accessLog.flush)
  let isStopping = false
  let running = 0
  let onIdle: (() => void) | undefined
  const onEmpty: (() => void)[] = []
  const ranOut = (): void => {
    if (running === 0) onIdle?.()
  }

  function fail(exchange: WireExchange, error: unknown): void {
    log.error({ exchange: exchange.id, err: error }, 'exchange failed')
    if (exchange.answered) exchange.abort()
    else problem(exchange, 'HYDRA_INTERNAL')
  }

  /** Counts an exchange as running. WebSockets have no end of their own to wait for: they are closed once the others are through. */
  function admit(exchange: WireExchange): void {
    if (exchange.isRunning || exchange.isUpgrade) return
    exchange.isRunning = true
    running++
  }

  const engine: VisitorEngine = {
    settings,
    deadlines,
    slab: new Slab(),
    compression: createCompression(),
    nextId,
    get isStopping() {
      return isStopping
    },
    factsOf: (head, peer, isTls, startedAt, id) =>
      readFacts(
        head,
        peer,
        isTls,
        startedAt,
        id === undefined ? sources : { nextId: () => id, trusted: sources.trusted },
      ),
    relayed,
    begin(exchange) {
      admit(exchange)
      const traceAt = findTrace(exchange.head)
      if (traceAt > 0) {
        exchange.hasTrace = true
        exchange.trace = traceId(exchange.head.bytes, traceAt)
      } else if (traceAt === NO_TRACE) metrics.refused('request', 'traceparent')
      try {
        const served = handler(exchange)
        if (served) served.catch((error) => fail(exchange, error))
      } catch (error) {
        fail(exchange, error)
      }
    },
    refuse(exchange, fault) {
      admit(exchange)
      metrics.refused(exchange.isUpgrade ? 'upgrade' : 'request', fault.reason)
      for (const [name, value] of Object.entries(fault.headers ?? {})) exchange.addHeader(name, value)
      problem(exchange, fault.code, fault.detail)
    },
    unreadable({ code, reason, detail, headers }, address, wantsPage) {
      const id = nextId()
      const [status] = CODES[code]
      metrics.refused('request', reason)
      log.info({ exchange: id, status, client: address, reason }, 'unreadable request')
      const page = wantsPage ? options.unreadablePage?.(code, detail, id) : undefined
      const text = page?.html ?? JSON.stringify(toProblem({ code, detail, errors: undefined }, id))
      const body = Buffer.from(text)
      const lines = Object.entries({
        ...(page?.headers ?? { 'Content-Type': 'application/problem+json' }),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'Content-Length': body.length,
        'X-Request-Id': id,
        ...headers,
        Connection: 'close',
      })
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      return Buffer.concat([statusLine(status), dateLine(), Buffer.from(`${head}\r\n`, 'latin1'), body])
    },
    ended(exchange, outcome) {
      if (exchange.isRunning) running--
      const durationMs = performance.now() - exchange.startedAt
      const { route, instance, status } = exchange
      const isAborted = outcome === 'aborted'
      metrics.exchange(route?.service ?? '-', outcomeOf(status, isAborted), durationMs / 1000)
      if (isQuietBeat(exchange, status) && !log.isLevelEnabled('debug')) return ranOut()
      accessLog.record(
        exchange.id,
        exchange.method,
        exchange.path,
        status,
        isAborted,
        route?.service,
        instance?.id,
        durationMs,
        exchange.attempts,
        exchange.client,
        exchange.trace,
        exchange.flywheel?.tracer,
      )
      ranOut()
    },
    opened(connection) {
      connections.add(connection)
      metrics.connectionOpened(connection.protocol)
    },
    closed(connection) {
      if (!connections.delete(connection)) return
      metrics.connectionClosed()
      if (connections.size === 0) for (const tell of onEmpty.splice(0)) tell()
    },
    received: metrics.bytesIn,
    sent: metrics.bytesOut,
  }

  return {
    engine,
    stop() {
      isStopping = true
    },
    async drained(graceMs) {
      if (running === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, graceMs))
        onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
    empty() {
      return new Promise((resolve) => {
        if (connections.size === 0) resolve()
        else onEmpty.push(resolve)
      })
    },
    emptyWithin(ms) {
      return new Promise((resolve) => {
        if (connections.size === 0) return resolve(true)
        const timer = setTimeout(() => resolve(false), ms)
        onEmpty.push(() => {
          clearTimeout(timer)
          resolve(true)
        })
      })
    },
    close() {
      deadlines.close()
      stopFlushing()
      accessLog.close()
    },
  }
}

function plainProblem(exchange: Exchange, code: ErrorCode, detail?: string): void {
  const body = JSON.stringify(toProblem({ code, detail, errors: undefined }, exchange.id))
  exchange.answer(CODES[code][0], { 'Content-Type': 'application/problem+json' }, body)
}

const BEAT = /^\/h\/discovery\/[^/]+\/alive$/

/** A service that says that it lives: each does so all the time, and nobody reads on that nothing has changed. */
function isQuietBeat({ route, path }: Pick<WireExchange, 'route' | 'path'>, status: number): boolean {
  return route === undefined && status === 200 && BEAT.test(path)
}
