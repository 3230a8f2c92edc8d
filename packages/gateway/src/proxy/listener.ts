/**
 * Listener: takes connections, turns requests into exchanges and hands each to one handler. This and the files
 * it makes exchanges with are the engine on `node:http`; nothing outside them knows.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { localUrlHost, plainAddress } from '@hydra-gateway/protocol'
import { CODES, type ErrorCode, toProblem } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { Connection } from './connection.ts'
import type { Exchange, ExchangeHandler } from './exchange.ts'
import { createExchangeIds, systemRandom25 } from './exchange-id.ts'
import { type AddressSet, readOrigin } from './forwarded.ts'
import { headerLines } from './header-lines.ts'
import { NodeExchange } from './node-exchange.ts'
import { type HeadFault, isHandshake, readHead } from './request-head.ts'
import type { ProxySettings } from './settings.ts'

export interface ListenOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Address to listen on; all of them, IPv6 and IPv4, when absent. */
  readonly host?: string | undefined
  readonly settings: ProxySettings
  /** Serves every request and every WebSocket handshake. What it throws is answered with `HYDRA_INTERNAL`. */
  readonly handler: ExchangeHandler
  /** Proxies whose word about the visitor is taken. @default none */
  readonly trusted?: AddressSet
  /** Hides what may not stand in a log, such as keys in paths. @default the path as it is */
  readonly maskPath?: (path: string) => string
  /** Answers a request that was refused before it had a handler. @default problem+json */
  readonly problem?: (exchange: Exchange, code: ErrorCode, detail?: string) => void
  readonly log: Log
  readonly metrics: Pick<Metrics, 'exchange' | 'refused'>
}

export interface Listener {
  readonly port: number
  /** Address for people on this machine: `http://localhost:8080`. */
  readonly url: string
  /** Takes no more connections, lets running requests end for `graceMs`, then closes what is left. */
  close(graceMs: number): Promise<void>
}

/** Parser faults that have an answer of their own; all others are 400. */
const PARSER_FAULTS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'HYDRA_HEAD_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'HYDRA_REQUEST_TIMEOUT',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'HYDRA_TOO_LARGE',
}

/** Opens the port; resolves once it takes connections, rejects with the system's error when it can't. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { settings, handler, log, metrics, trusted } = options
  const maskPath = options.maskPath ?? ((path: string) => path)
  const problem = options.problem ?? plainProblem
  const nextId = createExchangeIds({ now: Date.now, random25: systemRandom25() })
  const connections = new Map<Socket, Connection>()
  let isStopping = false
  let onIdle: (() => void) | undefined
  let running = 0

  const server = createServer({
    maxHeaderSize: settings.maxHeadBytes,
    headersTimeout: settings.clientHeadTimeoutMs,
    connectionsCheckingInterval: Math.max(20, Math.min(1000, settings.clientHeadTimeoutMs / 4)),
    // Long uploads are no fault; what stands still in them is found by the idle limit.
    requestTimeout: 0,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    keepAliveTimeoutBuffer: 0,
    requireHostHeader: false,
    noDelay: true,
    shouldUpgradeCallback: (incoming) =>
      incoming.httpVersion === '1.1' && isHandshake(incoming.method!, headerLines(incoming.rawHeaders)),
  })
  // More lines than allowed are to be refused, not cut off.
  server.maxHeadersCount = 0

  function connectionOf(socket: Socket): Connection {
    let connection = connections.get(socket)
    if (!connection) {
      const address = plainAddress(socket.remoteAddress ?? 'unknown')
      connection = new Connection(socket, address, 'encrypted' in socket)
      connections.set(socket, connection)
      socket.once('close', () => connections.delete(socket))
    }
    return connection
  }

  function accept(incoming: IncomingMessage, outgoing?: ServerResponse, upgradeHead?: Buffer): void {
    const startedAt = performance.now()
    const connection = connectionOf(incoming.socket)
    const headers = headerLines(incoming.rawHeaders)
    const origin = readOrigin(connection.address, connection.tls, headers, trusted)
    const target = incoming.url!
    const head = readHead(incoming.method!, target, incoming.httpVersionMinor === 0, headers, settings)
    const fault =
      'code' in head ? head : (versionFault(incoming.httpVersion) ?? expectFault(headers.get('expect')))
    const read =
      'code' in head
        ? { path: pathForLog(target), hasEncodedSlash: false, query: '', authority: '', host: '' }
        : head
    const facts = {
      ...read,
      id: origin.requestId ?? nextId(),
      startedAt,
      secure: origin.secure,
      client: origin.client,
      fromTrusted: origin.fromTrusted,
      isUpgrade: upgradeHead !== undefined,
      headers,
    }
    const serve = fault ? (exchange: NodeExchange) => refuse(exchange, fault) : run
    const exchange = new NodeExchange(facts, incoming, outgoing, connection, {
      serve,
      closeAfter: () => isStopping,
      ...(upgradeHead === undefined ? {} : { upgradeHead }),
    })
    connection.enqueue(exchange)
  }

  function run(exchange: NodeExchange): void {
    track(exchange)
    try {
      const served = handler(exchange)
      if (served) served.catch((error) => fail(exchange, error))
    } catch (error) {
      fail(exchange, error)
    }
  }

  function refuse(exchange: NodeExchange, fault: HeadFault): void {
    track(exchange)
    metrics.refused(exchange.isUpgrade ? 'upgrade' : 'request', fault.reason)
    for (const [name, value] of Object.entries(fault.headers ?? {})) exchange.addHeader(name, value)
    problem(exchange, fault.code, fault.detail)
  }

  function fail(exchange: NodeExchange, error: unknown): void {
    log.error({ exchange: exchange.id, err: error }, 'exchange failed')
    if (exchange.answered) exchange.abort()
    else problem(exchange, 'HYDRA_INTERNAL')
  }

  function track(exchange: NodeExchange): void {
    // WebSockets have no end of their own to wait for: they are closed once the requests are through.
    const counts = exchange.isUpgrade ? 0 : 1
    running += counts
    exchange.onEnd((outcome) => {
      running -= counts
      const durationMs = performance.now() - exchange.startedAt
      const service = exchange.route?.service
      const isAborted = outcome === 'aborted'
      metrics.exchange(
        service ?? '-',
        isAborted ? 'aborted' : `${Math.floor(exchange.status / 100)}xx`,
        durationMs / 1000,
      )
      log.info(
        {
          exchange: exchange.id,
          method: exchange.method,
          path: maskPath(exchange.path),
          status: exchange.status,
          ...(isAborted ? { aborted: true } : {}),
          service,
          instance: exchange.instance?.id,
          durationMs: Math.round(durationMs * 100) / 100,
          attempts: exchange.attempts,
          client: exchange.client,
        },
        'exchange',
      )
      if (running === 0) onIdle?.()
    })
  }

  /** Bytes that are no request: answered in the fewest words, after the requests before them. */
  function onClientError(error: NodeJS.ErrnoException & { code?: string }, duplex: Duplex): void {
    const socket = duplex as Socket
    const connection = connectionOf(socket)
    const { code = '' } = error
    if (code === 'ECONNRESET' || code === 'EPIPE' || !socket.writable) {
      socket.destroy()
      return
    }
    if (connection.isGarbled || connection.isEnding) return
    connection.isGarbled = true
    const answer = PARSER_FAULTS[code] ?? 'HYDRA_BAD_REQUEST'
    metrics.refused(
      'request',
      code.startsWith('HPE_') ? code.slice(4).toLowerCase().replaceAll('_', '-') : 'timeout',
    )
    const current = connection.current as NodeExchange | undefined
    if (current && !current.incoming.complete) {
      // It is the body of the running request that can't be read, so its answer is this one, or a cut one.
      current.isBodyLost = true
      // A body that ends too early is a visitor who left; nobody waits for an answer.
      if (current.answered || code === 'HPE_INVALID_EOF_STATE') current.abort()
      else problem(current, answer)
      return
    }
    connection.afterwards(() => {
      if (!socket.writable) return
      const id = nextId()
      const fields = { exchange: id, status: CODES[answer][0], client: connection.address, reason: code }
      log.info(fields, 'unreadable request')
      socket.write(minimalAnswer(answer, id))
      connection.linger()
    })
  }

  server.on('request', (incoming, outgoing) => accept(incoming, outgoing))
  // 100 is the service's to say, and any other expectation is refused by `expectFault`.
  server.on('checkContinue', (incoming, outgoing) => accept(incoming, outgoing))
  server.on('checkExpectation', (incoming, outgoing) => accept(incoming, outgoing))
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    accept(incoming, undefined, head)
  })
  server.on('connect', (incoming: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    metrics.refused('request', 'connect')
    const connection = connectionOf(incoming.socket)
    connection.afterwards(() => {
      socket.write(
        minimalAnswer(
          'HYDRA_METHOD_NOT_ALLOWED',
          nextId(),
          'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n',
        ),
      )
      connection.linger()
    })
  })
  server.on('clientError', onClientError)

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(
      { port: options.port, ...(options.host === undefined ? {} : { host: options.host }) },
      () => {
        server.off('error', reject)
        resolve()
      },
    )
  })
  server.on('error', (error) => log.error({ err: error }, 'listener failed'))
  const { port } = server.address() as AddressInfo

  return {
    port,
    url: `http://${localUrlHost(options.host)}:${port}`,
    async close(graceMs) {
      isStopping = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        const done = () => {
          clearTimeout(timer)
          resolve()
        }
        onIdle = done
        if (running === 0) done()
      })
      for (const socket of connections.keys()) socket.destroySoon()
      // Who does not read our goodbye is not waited for.
      const patience = setTimeout(() => connections.forEach((_, socket) => void socket.destroy()), 250)
      server.closeAllConnections()
      await closed
      clearTimeout(patience)
    },
  }
}

function plainProblem(exchange: Exchange, code: ErrorCode, detail?: string): void {
  const body = JSON.stringify(toProblem({ code, detail, errors: undefined }, exchange.id))
  exchange.answer(CODES[code][0], { 'Content-Type': 'application/problem+json' }, body)
}

function minimalAnswer(code: ErrorCode, id: string, headers = ''): string {
  const [status] = CODES[code]
  const body = JSON.stringify(toProblem({ code, detail: undefined, errors: undefined }, id))
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nX-Request-Id: ${id}\r\n${headers}Connection: close\r\n\r\n${body}`
  )
}

/** The parser also lets HTTP/0.9 and HTTP/2.0 through, which are other languages. */
function versionFault(version: string): HeadFault | undefined {
  if (version === '1.1' || version === '1.0') return undefined
  return { code: 'HYDRA_BAD_REQUEST', reason: 'version', detail: 'This port speaks HTTP/1.1 and HTTP/1.0.' }
}

/** RFC 9110, 10.1.1: the only expectation there is. */
function expectFault(expect: string | undefined): HeadFault | undefined {
  if (expect === undefined || expect.toLowerCase() === '100-continue') return undefined
  return {
    code: 'HYDRA_BAD_REQUEST',
    reason: 'expect',
    detail: 'The only expectation that can be met is 100-continue.',
  }
}

/** What a refused request asked for, cut to what a log line bears. */
function pathForLog(target: string): string {
  return target.split('?', 1)[0]!.slice(0, 256)
}
