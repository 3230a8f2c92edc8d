/**
 * Ends of HTTP/2 connections for tests: one that writes frames by hand, and an engine that answers by itself.
 *
 * @module
 */
import { type AddressInfo, connect as connectPlain } from 'node:net'
import type { TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { CODES } from '../../errors.ts'
import { Slab } from '../../http1/slab.ts'
import { systemClock } from '../../observe/clock.ts'
import { createLog } from '../../observe/log.ts'
import { createCertificates } from '../../tls/certificates.ts'
import { createTlsServer } from '../../tls/server.ts'
import { createCompression } from '../compression.ts'
import { createDeadlines } from '../deadlines.ts'
import type { ExchangeHandler } from '../exchange.ts'
import { createExchangeIds, systemRandom25 } from '../exchange-id.ts'
import { createHttp2 } from '../http2.ts'
import { type Http2Settings, http2Defaults } from '../http2-settings.ts'
import { readFacts } from '../request-facts.ts'
import { type ProxySettings, proxyDefaults } from '../settings.ts'
import type { VisitorConnection, VisitorEngine } from '../visitor-engine.ts'
import type { Outcome, WireExchange } from '../wire-exchange.ts'
import { TLS_CERT, TLS_KEY } from './certificate.ts'
import { until } from './raw.ts'

export interface Http2Rig {
  readonly port: number
  readonly url: string
  /** Reasons of what was refused, in order. */
  readonly refused: string[]
  /** Exchanges that ended. */
  readonly outcomes: { readonly exchange: WireExchange; readonly outcome: Outcome }[]
  readonly begun: WireExchange[]
  readonly connections: ReadonlySet<VisitorConnection>
  readonly lines: readonly Record<string, unknown>[]
}

/** Serves HTTP/2 with a handler that answers everything by itself. */
export async function startHttp2(
  t: TestContext,
  handler: ExchangeHandler,
  {
    settings: some,
    limits,
    speed = 1,
  }: {
    settings?: Partial<ProxySettings>
    limits?: Partial<Http2Settings>
    /** How many times faster than the clock deadlines pass. */
    speed?: number
  } = {},
): Promise<Http2Rig> {
  const settings: ProxySettings = { ...proxyDefaults, ...some }
  const refused: string[] = []
  const outcomes: Http2Rig['outcomes'] = []
  const begun: WireExchange[] = []
  const connections = new Set<VisitorConnection>()
  const lines: Record<string, unknown>[] = []
  const log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) })
  const fast = {
    ...systemClock,
    monotonic: () => systemClock.monotonic() * speed,
    every: (ms: number, run: () => void) => systemClock.every(ms / speed, run),
  }
  const deadlines = createDeadlines(fast, 20 * speed)
  const nextId = createExchangeIds({ now: Date.now, random25: systemRandom25() })
  const engine: VisitorEngine = {
    settings,
    deadlines,
    slab: new Slab(),
    compression: createCompression(),
    isStopping: false,
    factsOf: (head, peer, isTls, startedAt) =>
      readFacts(head, peer, isTls, startedAt, { nextId, trusted: undefined }),
    begin(exchange) {
      begun.push(exchange)
      Promise.resolve(handler(exchange)).catch(() => exchange.abort())
    },
    refuse(exchange, fault) {
      refused.push(fault.reason)
      exchange.answer(CODES[fault.code][0], {}, fault.reason)
    },
    unreadable(fault) {
      refused.push(fault.reason)
      const [status] = CODES[fault.code]
      return Buffer.from(
        `HTTP/1.1 ${status} X\r\nContent-Length: ${fault.reason.length}\r\nConnection: close\r\n\r\n${fault.reason}`,
      )
    },
    ended: (exchange, outcome) => void outcomes.push({ exchange, outcome }),
    opened: (connection) => void connections.add(connection),
    closed: (connection) => void connections.delete(connection),
    nextId,
    received() {},
    sent() {},
  }
  const http2 = createHttp2({
    engine,
    limits: { ...http2Defaults, ...limits },
    log,
    metrics: { refused: (_what, reason) => void refused.push(reason) },
  })
  const certificates = createCertificates({
    sources: [{ cert: TLS_CERT, key: TLS_KEY }],
    log,
    clock: systemClock,
  })
  const server = createTlsServer({
    certificates,
    handshakeTimeoutMs: 5000,
    onConnection: (socket) => http2.accept(socket),
    onRefused: (reason) => void refused.push(reason),
    log,
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const connection of connections) connection.destroy()
    certificates.close()
    deadlines.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, url: `https://localhost:${port}`, refused, outcomes, begun, connections, lines }
}

export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9
export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** A frame in bytes (RFC 9113, 4.1). */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer | string = Buffer.alloc(0),
): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** A number of four bytes, as RST_STREAM and WINDOW_UPDATE carry it. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Header lines without compression: literals that enter no table (RFC 7541, 6.2.2). */
export function block(...lines: readonly (readonly [name: string, value: string])[]): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, 'latin1')
    if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
    const length: number[] = [127]
    let rest = bytes.length - 127
    while (rest >= 128) {
      length.push((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    return Buffer.concat([Buffer.of(...length, rest), bytes])
  }
  return Buffer.concat(lines.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]))
}

/** The header block of an ordinary GET. */
export const GET = block(
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/'],
)

export interface RawHttp2 {
  readonly socket: TLSSocket
  /** Every frame that came. */
  readonly frames: readonly Frame[]
  readonly isClosed: boolean
  send(...frames: readonly Buffer[]): void
  /** Waits for a frame; `undefined` once the connection is closed without one. */
  sees(what: string, isIt: (frame: Frame) => boolean): Promise<Frame>
  /** The code of the GOAWAY that came, if one did. */
  readonly goaway: number | undefined
  closed(): Promise<void>
}

/** Opens a connection that has said hello and takes frames by hand. */
export async function rawHttp2(
  t: TestContext,
  port: number,
  { preface = true }: { preface?: boolean } = {},
): Promise<RawHttp2> {
  const socket = connect({
    socket: connectPlain({ port, host: '127.0.0.1' }),
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  })
  t.after(() => socket.destroy())
  const frames: Frame[] = []
  let rest: Buffer = Buffer.alloc(0)
  let isClosed = false
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    for (;;) {
      if (rest.length < 9) return
      const length = rest.readUIntBE(0, 3)
      if (rest.length < 9 + length) return
      frames.push({
        type: rest.readUInt8(3),
        flags: rest.readUInt8(4),
        stream: rest.readUInt32BE(5),
        payload: rest.subarray(9, 9 + length),
      })
      rest = rest.subarray(9 + length)
    }
  })
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  if (preface) {
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    socket.write(frame(SETTINGS, 0, 0))
  }
  return {
    socket,
    frames,
    get isClosed() {
      return isClosed
    },
    get goaway() {
      return frames.findLast(({ type }) => type === GOAWAY)?.payload.readUInt32BE(4)
    },
    send: (...all) => void socket.write(Buffer.concat(all)),
    async sees(what, isIt) {
      await until(what, () => isClosed || frames.some(isIt))
      const found = frames.find(isIt)
      if (!found) throw new Error(`closed without ${what}`)
      return found
    },
    closed: () => until('the connection to close', () => isClosed),
  }
}
