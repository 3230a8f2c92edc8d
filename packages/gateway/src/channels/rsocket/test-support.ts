/**
 * For tests of the channel: a gateway's end on real sockets with a registry that writes down what it was told, and
 * a service's end.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import {
  createFrameReader,
  createPeer,
  type Ended,
  type Limits,
  type Link,
  type LinkedPeer,
  MAX_FRAME_BYTES,
  type Peer,
  ROUTES,
  type RouteHandlers,
  withLength,
} from '@hydra-gateway/protocol/rsocket'
import { WebSocket } from 'ws'
import { HydraError } from '../../errors.ts'
import { systemClock } from '../../observe/clock.ts'
import { createLog } from '../../observe/log.ts'
import type { Registrar } from '../port.ts'
import { createRSocketChannel, type RSocketChannelDeps } from './channel.ts'

export const KEYS = { publicKey: 'public', privateKey: 'private' }

/** A registration as a service writes it; `n` makes the instance id. */
export function bean(n: number, more: Record<string, unknown> = {}) {
  const instanceId = n.toString(16).padStart(32, '0')
  return { name: 'orders', host: '127.0.0.1', port: 8080, instanceId, endpoints: ['/orders'], ...more }
}

export const idOf = (n: number): string => bean(n).instanceId

/** A registry that keeps states by instance and a diary. */
export function createDiary() {
  const states = new Map<string, 'up' | 'out'>()
  const diary: string[] = []
  const listeners = new Set<(overview: Overview) => void>()
  let revision = 1
  const overview = (): Overview => ({
    type: 'ACTIVE_SERVERS_UPDATE',
    hash: String(revision),
    services: [],
    menus: {},
    publicKey: null,
    roleMappings: {},
  })
  const registrar: Registrar = {
    async register({ name: service, instanceId = '', host, port }, { channel, peer }) {
      await new Promise((resolve) => setTimeout(resolve, port === 9999 ? 50 : 0))
      if (host === '169.254.169.254')
        throw new HydraError('HYDRA_FORBIDDEN_ADDRESS', 'that address is never served')
      states.set(instanceId, 'up')
      diary.push(`register ${Number.parseInt(instanceId.slice(-4), 16)} by ${channel} from ${peer}`)
      return {
        service,
        instanceId,
        revision,
        refused: [{ path: '/h/x', reason: 'reserved' }],
        publicKey: null,
      }
    },
    beat(instanceId) {
      diary.push(`beat ${Number.parseInt(instanceId.slice(-4), 16)}`)
      if (!states.has(instanceId)) return false
      states.set(instanceId, 'up')
      return true
    },
    suspend(instanceId, reason) {
      diary.push(`suspend ${Number.parseInt(instanceId.slice(-4), 16)}: ${reason}`)
      if (states.has(instanceId)) states.set(instanceId, 'out')
    },
    deregister(instanceId, options) {
      diary.push(`deregister ${Number.parseInt(instanceId.slice(-4), 16)} ${JSON.stringify(options)}`)
      return states.delete(instanceId)
    },
    drain(instanceId, reason) {
      diary.push(`drain ${Number.parseInt(instanceId.slice(-4), 16)}: ${reason}`)
      return states.has(instanceId)
    },
    resume(instanceId, reason) {
      diary.push(`resume ${Number.parseInt(instanceId.slice(-4), 16)}: ${reason}`)
      return states.has(instanceId)
    },
    instancesOf: () => [],
    active: () => [],
    overview,
    onOverview(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return {
    registrar,
    diary,
    states,
    listeners,
    /** The overview changed. */
    change() {
      revision++
      for (const listener of listeners) listener(overview())
    },
  }
}

/** A channel on a TCP port and, as the gateway does it, behind an HTTP server's upgrade. */
export async function openGateway(t: TestContext, more: Partial<RSocketChannelDeps> = {}) {
  const world = createDiary()
  const refused: string[] = []
  const gauges: number[] = []
  const channel = createRSocketChannel({
    registrar: world.registrar,
    keys: {
      accepts: (publicKey, privateKey) => publicKey === KEYS.publicKey && privateKey === KEYS.privateKey,
    },
    mayRegister: () => true,
    settings: { maxFrameBytes: 10_000, maxRegistrationBytes: 100_000, maxRoutes: 20_000 },
    clock: systemClock,
    log: createLog('silent'),
    metrics: {
      refused: (what, reason) => refused.push(`${what} ${reason}`),
      fragmentDropped() {},
      gauge: (_name, value) => gauges.push(value),
    },
    ...more,
  })
  const { port } = await channel.listenTcp(0, '127.0.0.1')
  const http = createServer()
  http.on('upgrade', ({ method = '', url = '', headers }, socket, head) => {
    channel.handleUpgrade(
      { socket, head, method, url, headers: headers as Record<string, string> },
      (socket as Socket).remoteAddress ?? '',
    )
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    http.close()
    await channel.close(0)
  })
  const httpPort = (http.address() as AddressInfo).port
  return {
    ...world,
    channel,
    refused,
    gauges,
    port,
    url: `ws://127.0.0.1:${httpPort}/h/rsocket`,
    tcp: `tcp://127.0.0.1:${port}`,
  }
}

export interface Service {
  readonly peer: Peer
  readonly ended: Promise<Ended>
  /** Sends a frame past the peer. */
  send(frame: Buffer): void
  /** Cuts the connection without a word. */
  cut(): void
}

/** A service's end: connects and sends its SETUP. `from` is the local address of a TCP connection. */
export async function openService(
  address: string,
  registration: unknown,
  {
    credentials = KEYS,
    from,
    routes,
    limits,
  }: {
    credentials?: { publicKey: string; privateKey: string }
    from?: string
    /** What it serves beside pings. */
    routes?: RouteHandlers
    limits?: Partial<Limits>
  } = {},
): Promise<Service> {
  let end!: (ended: Ended) => void
  const ended = new Promise<Ended>((resolve) => {
    end = resolve
  })
  const attach = (link: Link) =>
    createPeer({
      link,
      timers: systemClock,
      setup: { credentials, data: registration },
      routes: { ...routes, requests: { [ROUTES.ping]: () => true, ...routes?.requests } },
      ...(limits && { limits }),
      maxDataBytes: MAX_FRAME_BYTES,
      onFault: (error) => assert.fail(String(error)),
      onEnd: end,
    })
  if (address.startsWith('ws:')) {
    const webSocket = new WebSocket(address)
    const link = {
      send: (frame: Buffer) => webSocket.send(frame),
      end: () => webSocket.close(),
      pendingBytes: () => 0,
    }
    const linked = await new Promise<LinkedPeer>((resolve, reject) => {
      webSocket.once('error', reject)
      webSocket.once('open', () => {
        // In the same tick: the gateway's first frame may have come with its handshake.
        const { peer, receive, lost } = attach(link)
        webSocket.on('message', (data: Buffer) => receive(data))
        webSocket.on('close', () => lost('closed'))
        resolve({ peer, receive, lost })
      })
    })
    return {
      peer: linked.peer,
      ended,
      send: (frame) => webSocket.send(frame),
      cut: () => webSocket.terminate(),
    }
  }
  const { hostname, port } = new URL(address)
  const socket = connect({ host: hostname, port: Number(port), ...(from ? { localAddress: from } : {}) })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const { peer, receive, lost } = attach({
    send: (frame) => socket.write(withLength(frame)),
    end: () => socket.end(),
    pendingBytes: () => 0,
  })
  const reader = createFrameReader({ maxFrameBytes: MAX_FRAME_BYTES, onFrame: receive, isOpen: () => true })
  socket.on('data', (chunk) => reader.push(chunk))
  socket.on('close', () => lost('closed'))
  socket.on('error', () => {})
  return {
    peer,
    ended,
    send: (frame) => void socket.write(withLength(frame)),
    cut: () => socket.destroy(),
  }
}
