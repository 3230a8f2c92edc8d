/**
 * Pool: the connections to one instance. Busy ones are bounded, idle ones are few, short-lived and silent.
 *
 * @module
 */
import { Agent, type ClientRequest, request as httpRequest } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import { connect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Address, Instance } from '../routing/upstream.ts'
import type { ProxySettings } from './settings.ts'

export interface PoolRequest {
  readonly method: string
  readonly path: string
  readonly headers: readonly string[]
}

export interface Pool {
  readonly address: Address
  /** False when as many requests wait as may. */
  readonly hasRoom: boolean
  /** True while it has no connection and no request. */
  readonly isEmpty: boolean
  /** Begins a request on an idle connection, a new one, or the next that gets free. Throws what can't be sent. */
  request(options: PoolRequest): ClientRequest
  /** Begins a request on a connection of its own that never comes back here: for upgrades. */
  requestAlone(options: PoolRequest): ClientRequest
  /** Closes idle connections: one of them turned out to be dead. */
  dropIdle(): void
  /** Closes connections that were idle for too long. `now` is in the time of the deadlines. */
  sweep(now: number): void
  /** Closes idle connections now and busy ones as they end. */
  close(): void
}

export type PoolSettings = Pick<
  ProxySettings,
  'maxConnectionsPerInstance' | 'maxQueuedPerInstance' | 'upstreamKeepAliveMs' | 'maxHeadBytes'
>

/** How much sooner than the instance an idle connection is closed, so that no request meets the closing. */
const EARLIER_MS = 1000

/** Makes the pool of an instance. `now` is the time that `sweep` is called with. */
export function createPool(instance: Instance, settings: PoolSettings, now: () => number): Pool {
  const { address } = instance
  const isTls = address.protocol === 'https'
  const idle = new Map<Duplex, number>()
  const limit = settings.maxConnectionsPerInstance + settings.maxQueuedPerInstance
  let inUse = 0
  let isClosed = false

  const agent = isTls
    ? new TlsAgent({
        keepAlive: true,
        maxSockets: settings.maxConnectionsPerInstance,
        ...tlsOptions(address),
      })
    : new Agent({ keepAlive: true, maxSockets: settings.maxConnectionsPerInstance })
  const reuse = agent.reuseSocket.bind(agent)
  agent.keepSocketAlive = (socket: Duplex) => {
    if (isClosed) return false
    const hintMs = keepAliveHintMs(socket)
    const keptMs = Math.min(
      settings.upstreamKeepAliveMs,
      hintMs === undefined ? Number.POSITIVE_INFINITY : hintMs - EARLIER_MS,
    )
    if (keptMs <= 0) return false
    if (!idle.has(socket)) socket.once('close', () => idle.delete(socket))
    idle.set(socket, now() + keptMs)
    return true
  }
  agent.reuseSocket = (socket, request) => {
    idle.set(socket, Number.POSITIVE_INFINITY)
    reuse(socket, request)
  }
  // One agent has one address, so the name that tells addresses apart need not be built each time.
  agent.getName = () => instance.id

  // Lines beyond a count would be dropped without a word; the size of the head is limited instead.
  const begin = isTls ? httpsRequest : httpRequest
  const common = {
    host: address.host,
    port: address.port,
    maxHeaderSize: Math.max(settings.maxHeadBytes, 64 * 1024),
  }
  const closeIdle = (isDue: (until: number) => boolean) => {
    for (const sockets of Object.values(agent.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) if (isDue(idle.get(socket) ?? 0)) socket.destroy()
    }
  }

  return {
    address,
    get hasRoom() {
      return inUse < limit
    },
    get isEmpty() {
      return inUse === 0 && idle.size === 0
    },
    request({ method, path, headers }) {
      const request = begin({ ...common, agent, method, path, headers })
      request.maxHeadersCount = 0
      inUse++
      request.once('close', () => inUse--)
      return request
    },
    requestAlone({ method, path, headers }) {
      const createConnection = () => openSocket(address)
      const request = begin({ ...common, agent: false, method, path, headers, createConnection })
      request.maxHeadersCount = 0
      return request
    },
    dropIdle: () => closeIdle(() => true),
    sweep: (at) => closeIdle((until) => until <= at),
    close() {
      isClosed = true
      closeIdle(() => true)
    },
  }
}

function openSocket(address: Address): Socket {
  const { host, port } = address
  if (address.protocol === 'http') return connect({ host, port, noDelay: true, allowHalfOpen: true })
  const options: ConnectionOptions & { allowHalfOpen: boolean } = {
    host,
    port,
    allowHalfOpen: true,
    ALPNProtocols: ['http/1.1'],
    ...tlsOptions(address),
  }
  return connectTls(options)
}

function tlsOptions({ host, serverName, ca, verify }: Address) {
  const name = serverName ?? (isIP(host) ? undefined : host)
  return {
    ...(name === undefined ? {} : { servername: name }),
    ...(ca === undefined ? {} : { ca }),
    rejectUnauthorized: verify !== false,
  }
}

/** `Keep-Alive: timeout=5` of the answer that just ended on this socket, ms. */
function keepAliveHintMs(socket: Duplex): number | undefined {
  const { _httpMessage: message } = socket as Duplex & { _httpMessage?: ClientRequest & { res?: Answer } }
  const lines = message?.res?.rawHeaders
  if (!lines) return undefined
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i]!
    if (name.length === 10 && name.toLowerCase() === 'keep-alive') {
      const seconds = /timeout\s*=\s*"?(\d+)/i.exec(lines[i + 1]!)?.[1]
      return seconds === undefined ? undefined : Number(seconds) * 1000
    }
  }
  return undefined
}

interface Answer {
  readonly rawHeaders: readonly string[]
}
