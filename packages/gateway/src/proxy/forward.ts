/**
 * Forwarder: sends exchanges to instances and their answers back, through one pool of connections per instance.
 *
 * @module
 */

import { Slab } from '../http1/slab.ts'
import type { Caller } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Address, Instance } from '../routing/upstream.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { Attempt } from './attempt.ts'
import type { Composer } from './composition.ts'
import { type CookieWatch, createCookieWatch } from './cookie-watch.ts'
import { createDeadlines, type Deadlines } from './deadlines.ts'
import type { Exchange, Forward, HeaderLines } from './exchange.ts'
import { createPool, type Pool, type PoolDeps } from './pool.ts'
import type { ServiceSignIn } from './service-sign-in.ts'
import type { ProxySettings } from './settings.ts'
import type { SpliceFacts } from './splice.ts'
import { createSplices, type Splices } from './splices.ts'
import { wireExchange } from './wire-exchange.ts'

export interface ForwarderDeps {
  readonly settings: ProxySettings
  readonly vitals: VitalsBook
  /**
   * Called just before the head of a service's answer goes to the visitor: the last moment for `addHeader`.
   * For WebSockets the status is 101.
   */
  readonly onHead?: (exchange: Exchange, status: number, headers: HeaderLines) => void
  /** Puts fragments into pages. @default none are composed */
  readonly composer?: Composer | undefined
  /** Sends visitors to the login whom a service wants to be signed in. @default answers go on as they are */
  readonly signIn?: ServiceSignIn | undefined
  /** A WebSocket was agreed to; what it returns is called when that closes. */
  readonly onSocket?: OnSocket | undefined
  readonly clock: Clock
  readonly log: Log
  readonly metrics: EngineMetrics
}

export type OnSocket = (exchange: Pick<Exchange, 'caller' | 'client'>) => (() => void) | undefined

export type EngineMetrics = Pick<
  Metrics,
  | 'retried'
  | 'refused'
  | 'upstreamFailed'
  | 'upstreamConnectionOpened'
  | 'upstreamConnectionClosed'
  | 'websocketOpened'
  | 'websocketClosed'
>

/** What every attempt shares. */
export interface Engine {
  readonly settings: ProxySettings
  readonly vitals: VitalsBook
  readonly onHead: (exchange: Exchange, status: number, headers: HeaderLines) => void
  readonly composer: Composer | undefined
  readonly signIn: ServiceSignIn | undefined
  readonly onSocket: OnSocket | undefined
  readonly watchCookies: CookieWatch
  readonly deadlines: Deadlines
  readonly splices: Splices
  /** Event streams of somebody who is signed in. */
  readonly streams: Set<Pick<Attempt, 'caller' | 'cut'>>
  readonly log: Log
  readonly metrics: EngineMetrics
}

/** What requests of the gateway's own need: the connections, limits and deadlines that those of visitors have. */
export interface OwnRequests extends Pick<Engine, 'settings' | 'vitals' | 'deadlines' | 'log' | 'metrics'> {
  /** Connections to an instance, for this request: the next may be for another address. */
  poolOf(instance: Instance): Pool
}

export interface Forwarder {
  readonly forward: Forward
  readonly own: OwnRequests
  /** Closes the connections to an instance that is not expected back; running requests end as they would. */
  dropInstance(instanceId: string): void
  /**
   * Says goodbye to all WebSockets with a Close frame; resolves when they are closed, two seconds after the last was
   * told at most. `mostMs`: what it may be spread over, when they are many. @default 0
   */
  endSockets(code: number, reason: string, mostMs?: number): Promise<void>
  /** Says goodbye to some; says to how many. */
  endSocketsWhere(isMeant: (about: SpliceFacts) => boolean, code: number, reason: string): number
  /** Cuts event streams of some callers; says how many. */
  endStreamsOf(isMeant: (caller: Caller) => boolean): number
  /** Closes all of them; call it after the listener has closed. */
  close(): void
}

/** So many WebSockets are told goodbye at once; more, one each so many ms. */
const A_HANDFUL = 100
const EACH_MS = 2

/** Makes the forwarder of one gateway. */
export function createForwarder(deps: ForwarderDeps): Forwarder {
  const { settings, vitals, clock, log, metrics, onHead, composer, signIn, onSocket } = deps
  const pools = new Map<string, Pool>()
  const shortestMs = Math.min(settings.connectTimeoutMs, settings.headTimeoutMs, settings.idleTimeoutMs)
  const deadlines = createDeadlines(clock, Math.max(10, Math.min(250, shortestMs / 4)))
  deadlines.onTick(() => {
    for (const [id, pool] of pools) {
      pool.sweep(deadlines.now)
      // A retry may have made one for an instance that left meanwhile; whoever is asked again gets a new one.
      if (pool.isEmpty) pools.delete(id)
    }
  })
  const splices = createSplices(deadlines, clock.after)
  const engine: Engine = {
    settings,
    vitals,
    deadlines,
    splices,
    streams: new Set(),
    log,
    metrics,
    onHead: onHead ?? (() => {}),
    composer,
    signIn,
    onSocket,
    watchCookies: createCookieWatch({ log, metrics }),
  }
  const poolDeps: PoolDeps = {
    settings,
    slab: new Slab(),
    now: () => deadlines.now,
    onConnections: (change) =>
      change === 1 ? metrics.upstreamConnectionOpened() : metrics.upstreamConnectionClosed(),
  }

  function poolOf(instance: Instance): Pool {
    const known = pools.get(instance.id)
    if (known && isSameAddress(known.address, instance.address)) return known
    known?.close()
    const pool = createPool(instance.address, poolDeps)
    pools.set(instance.id, pool)
    return pool
  }

  return {
    forward(exchange, route, instance, onFailure) {
      const own = wireExchange(exchange)
      own.route = route
      own.instance = instance
      new Attempt(engine, own, route, instance, poolOf(instance), onFailure).start()
    },
    own: { settings, vitals, deadlines, log, metrics, poolOf },
    endSockets: (code, reason, mostMs = 0) =>
      splices.closeAll(code, reason, Math.min(mostMs, splices.size > A_HANDFUL ? splices.size * EACH_MS : 0)),
    endSocketsWhere: splices.closeWhere,
    endStreamsOf(isMeant) {
      let count = 0
      for (const stream of [...engine.streams]) {
        if (!stream.caller || !isMeant(stream.caller)) continue
        stream.cut()
        count++
      }
      return count
    },
    dropInstance(instanceId) {
      pools.get(instanceId)?.close()
      pools.delete(instanceId)
    },
    close() {
      splices.destroyAll()
      deadlines.close()
      for (const pool of pools.values()) pool.close()
      pools.clear()
    },
  }
}

function isSameAddress(a: Address, b: Address): boolean {
  return (
    a === b ||
    (a.protocol === b.protocol &&
      a.host === b.host &&
      a.port === b.port &&
      a.serverName === b.serverName &&
      a.ca === b.ca &&
      a.verify === b.verify &&
      a.socketPath === b.socketPath)
  )
}
