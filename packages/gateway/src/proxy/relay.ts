/**
 * Relay: hands exchanges on to another process of this gateway over a local socket, as they came, and its answers back
 * as they are; bodies stream both ways, upgrades too.
 *
 * It is the engine of forwarded requests with nothing of what is done for services: no cookies taken out, no pages put
 * together, nobody counted.
 *
 * @module
 */
import { Slab } from '../http1/slab.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import { createVitals } from '../routing/vitals.ts'
import { Attempt } from './attempt.ts'
import { createDeadlines } from './deadlines.ts'
import type { Exchange, ExchangeHandler, ForwardFailure } from './exchange.ts'
import type { Engine, EngineMetrics } from './forward.ts'
import { createPool } from './pool.ts'
import { createRelayLines } from './relayed.ts'
import type { ProxySettings } from './settings.ts'
import { createSplices } from './splices.ts'
import { type WireExchange, wireExchange } from './wire-exchange.ts'

export interface RelayDeps {
  readonly socketPath: string
  readonly secret: string
  /** Tells this process from others that hand on. */
  readonly name: string
  /** Whether visitors speak TLS to this process. */
  readonly isTls: boolean
  readonly settings: ProxySettings
  /** Answers when the other process does not. */
  readonly onFailure: (exchange: Exchange, failure: ForwardFailure) => void
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<EngineMetrics, 'websocketOpened' | 'websocketClosed'>
}

export interface Relay {
  readonly handle: ExchangeHandler
  /** Waits for the other process to end the WebSockets that were handed on, for `overMs`; ends those that are left. */
  endSockets(code: number, reason: string, overMs: number): Promise<void>
  close(): void
}

/** The other process has limits of its own; it is asked for streams that last, and for answers that take their time. */
const PATIENCE_MS = 24 * 3600 * 1000
const MOST_CONNECTIONS = 10_000
const KEEP_MS = 30_000
/** Beyond its time to end WebSockets. */
const GOODBYE_MS = 500
const LOOK_MS = 50

export function createRelay(deps: RelayDeps): Relay {
  const { socketPath, secret, name, isTls, onFailure, clock, log, metrics } = deps
  const settings: ProxySettings = {
    ...deps.settings,
    maxBodyBytes: Number.POSITIVE_INFINITY,
    connectTimeoutMs: 5000,
    headTimeoutMs: PATIENCE_MS,
    idleTimeoutMs: PATIENCE_MS,
    upstreamKeepAliveMs: KEEP_MS,
    maxConnectionsPerInstance: MOST_CONNECTIONS,
    maxQueuedPerInstance: MOST_CONNECTIONS,
  }
  const instance: Instance = Object.freeze({
    id: 'primary',
    service: 'hydra',
    manifest: '',
    channel: 'static',
    address: { protocol: 'http', host: 'localhost', port: 0, socketPath },
    version: 0,
    weight: 1,
    awakening: 'EQUAL_SHARE',
    affinity: false,
    isGateway: true,
  } satisfies Instance)
  const route = {
    service: 'hydra',
    claims: [],
    kind: 'page',
    maxBodyBytes: settings.maxBodyBytes,
  } as unknown as Route
  const deadlines = createDeadlines(clock, 250)
  const splices = createSplices(deadlines)
  const lineOf = createRelayLines(secret, name)
  const engine: Engine = {
    settings,
    vitals: createVitals(),
    deadlines,
    splices,
    streams: new Set(),
    // For log and metrics nobody but this gateway served it.
    onHead(exchange) {
      exchange.instance = undefined
      ;(exchange as WireExchange).headAt = 0
    },
    composer: undefined,
    signIn: undefined,
    onSocket: undefined,
    watchCookies: () => {},
    log,
    metrics: {
      ...metrics,
      retried() {},
      refused() {},
      upstreamFailed() {},
      upstreamConnectionOpened() {},
      upstreamConnectionClosed() {},
    },
  }
  const pool = createPool(instance.address, {
    settings,
    slab: new Slab(),
    now: () => deadlines.now,
    onConnections: () => {},
  })
  deadlines.onTick(() => pool.sweep(deadlines.now))
  const failed = (exchange: Exchange, failure: ForwardFailure): void => {
    ;(exchange as WireExchange).relayLine = undefined
    onFailure(exchange, failure)
  }
  return {
    handle(exchange) {
      const own = wireExchange(exchange)
      own.relayLine = lineOf(own, isTls)
      new Attempt(engine, own, route, instance, pool, failed).start()
    },
    async endSockets(code, reason, overMs) {
      const endsAt = clock.monotonic() + overMs + GOODBYE_MS
      while (splices.size > 0 && clock.monotonic() < endsAt)
        await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve))
      await splices.closeAll(code, reason)
    },
    close() {
      splices.destroyAll()
      deadlines.close()
      pool.close()
    },
  }
}
