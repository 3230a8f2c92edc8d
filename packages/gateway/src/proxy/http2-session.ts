/**
 * A visitor's connection that speaks HTTP/2: its streams become exchanges, and what it may ask for is bounded.
 *
 * `node:http2` keeps the protocol; what it lets through but nobody needs is counted here, and a connection that
 * does too much of it is ended with ENHANCE_YOUR_CALM.
 *
 * @module
 */
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { plainAddress } from '@hydra-gateway/protocol'
import { RequestHead, ResponseHead } from '../http1/head.ts'
import { parseRequestHead } from '../http1/request-head.ts'
import { parseResponseHead } from '../http1/response-head.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Compression } from './compression.ts'
import type { Waiting } from './deadlines.ts'
import type { Peer } from './exchange.ts'
import { Budget } from './http2-budget.ts'
import { Http2Exchange, pushKept } from './http2-exchange.ts'
import { headOfBlock } from './http2-head.ts'
import type { Http2Settings } from './http2-settings.ts'
import { codecFault, type HeadFault, refusedFacts } from './request-facts.ts'
import type { VisitorConnection, VisitorEngine } from './visitor-engine.ts'
import type { ExchangeOwner, Outcome, WireExchange } from './wire-exchange.ts'

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = constants

/** What a session is made with. */
export interface Http2Parts {
  readonly engine: VisitorEngine
  readonly limits: Http2Settings
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly metrics: Pick<Metrics, 'refused'>
}

/** A header line costs this much in HTTP/2's own reckoning (RFC 9113, 6.5.2). */
const LINE_BYTES = 32
/** Bytes of one answer that may wait here: what a stream takes before it says that it is full, and one slice more. */
const HELD_BYTES = 128 * 1024
const SPARE_MEGABYTES = 4
/** How long the other side has to close after a goodbye. */
const GOODBYE_MS = 1000
const HIGHEST_STREAM = 2 ** 31 - 1
/** Cookies may come in crumbs, which are one line to us. */
const MOST_CRUMBS = 200

export class Http2Session implements VisitorConnection, ExchangeOwner, Waiting {
  readonly protocol = 'h2'
  deadline: number
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly #socket: TLSSocket
  readonly #session: ServerHttp2Session
  readonly #parts: Http2Parts
  readonly #address: string
  readonly #peer: Peer
  readonly #resets: Budget
  readonly #controls: Budget
  #open = 0
  #hasSpoken = false
  #isEnding = false

  constructor(socket: TLSSocket, parts: Http2Parts) {
    const { engine, limits } = parts
    const { settings, deadlines } = engine
    this.#parts = parts
    this.#socket = socket
    this.#address = plainAddress(socket.remoteAddress ?? 'unknown')
    this.#peer = { address: this.#address, connection: this }
    const now = performance.now()
    this.#resets = new Budget(limits.resetBurst, limits.resetsPerSecond, now)
    this.#controls = new Budget(limits.controlBurst, limits.controlsPerSecond, now)
    this.deadline = deadlines.after(settings.clientHeadTimeoutMs)
    const listBytes = settings.maxHeadBytes + LINE_BYTES * settings.maxHeaderLines
    const session = performServerHandshake(socket, {
      maxHeaderListPairs: settings.maxHeaderLines + MOST_CRUMBS,
      // Above it requests are reset as they come, while answers that are allowed wait to leave: never the first limit.
      maxSessionMemory: Math.ceil(
        (limits.maxStreams * (limits.streamWindowBytes + HELD_BYTES)) / 1e6 + SPARE_MEGABYTES,
      ),
      maxSessionInvalidFrames: limits.maxInvalidFrames,
      // Ours comes first; this one is for resets that never become visible here.
      streamResetBurst: limits.resetBurst * 4,
      streamResetRate: limits.resetsPerSecond * 4,
      // Which lines may stand once is for the service to know.
      strictSingleValueFields: false,
      settings: {
        enablePush: false,
        initialWindowSize: limits.streamWindowBytes,
        maxConcurrentStreams: limits.maxStreams,
        maxHeaderListSize: listBytes,
      },
    })
    this.#session = session
    // Not offered where it could be: a window smaller than what has arrived already is never asked for.
    session.setLocalWindowSize(limits.connectionWindowBytes)
    session.on('stream', (stream, _headers, flags, raw) => this.#onStream(stream, flags, raw))
    session.on('remoteSettings', () => this.#onControl())
    session.on('ping', () => this.#onControl())
    session.on('error', (error: NodeJS.ErrnoException) => this.#onError(error))
    session.once('close', () => this.#onClose())
    // The socket may stay half open for the sake of HTTP/1.1; here who says goodbye has left.
    socket.once('end', () => socket.destroy())
    deadlines.add(this)
    engine.opened(this)
  }

  get compression(): Compression {
    return this.#parts.engine.compression
  }

  /** RFC 9113, 6.8: a GOAWAY of the highest stream, so that requests on their way are not lost. */
  announceEnd(): void {
    if (!this.#session.closed && !this.#session.destroyed)
      this.#session.goaway(NGHTTP2_NO_ERROR, HIGHEST_STREAM)
  }

  drain(): void {
    this.#session.close()
  }

  destroy(): void {
    this.#isEnding = true
    this.#session.destroy()
    // A session that has said goodbye is done with its socket, and waits for the other side.
    this.#socket.destroy()
  }

  ended(exchange: WireExchange, outcome: Outcome): void {
    this.#parts.engine.ended(exchange, outcome)
  }

  expire(): void {
    // Who opened a connection and never spoke, and who has nothing more to say.
    if (!this.#hasSpoken) this.#end('h2-preface', NGHTTP2_NO_ERROR)
    else if (this.#open === 0) {
      // He was told already, and has not closed his side: nobody reads there any more that would notice.
      if (this.#session.closed) {
        this.destroy()
        return
      }
      this.deadline = this.#parts.engine.deadlines.after(GOODBYE_MS)
      this.#session.close()
    }
  }

  #onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const startedAt = performance.now()
    // What befalls a stream is told by its close.
    stream.on('error', ignore)
    if (stream.destroyed || stream.closed) {
      // Left before it was looked at.
      this.#onReset()
      return
    }
    this.#open += 1
    this.deadline = Number.POSITIVE_INFINITY
    const served = this.#serve(stream, flags, raw, startedAt)
    stream.once('close', () => {
      this.#open -= 1
      if (stream.rstCode !== NGHTTP2_NO_ERROR && !served?.isOurReset) this.#onReset()
      if (this.#open === 0) {
        const { deadlines, settings } = this.#parts.engine
        this.deadline = deadlines.after(settings.keepAliveTimeoutMs)
      }
    })
  }

  #serve(
    stream: ServerHttp2Stream,
    flags: number,
    raw: readonly string[],
    startedAt: number,
  ): Http2Exchange | undefined {
    const { engine } = this.#parts
    const isWhole = (flags & NGHTTP2_FLAG_END_STREAM) !== 0
    const block = headOfBlock(raw, isWhole)
    if ('code' in block) return this.#refuse(stream, raw, block)
    const { bytes, lines } = block
    engine.received(bytes.length)
    const head = new RequestHead()
    const end = parseRequestHead(bytes, 0, bytes.length, engine.settings, head)
    if (end < 0) return this.#refuse(stream, raw, codecFault(end))
    // More or fewer lines than were written: something in them is not what it seems.
    if (end !== bytes.length || head.lineCount !== lines) {
      return this.#refuse(stream, raw, { code: 'HYDRA_BAD_REQUEST', reason: 'h2-lines' })
    }
    const facts = engine.factsOf(head, this.#peer, true, startedAt)
    if ('code' in facts) {
      const refused = new Http2Exchange(
        refusedFacts(engine.nextId(), head, this.#address, true),
        head,
        this.#peer,
        this,
        stream,
        engine,
      )
      engine.refuse(refused, facts)
      return refused
    }
    const exchange = new Http2Exchange(facts, head, this.#peer, this, stream, engine)
    engine.begin(exchange)
    return exchange
  }

  /** Answers what is no request in the words the engine has for both protocols. */
  #refuse(stream: ServerHttp2Stream, raw: readonly string[], fault: HeadFault): undefined {
    const accept = raw.indexOf('accept')
    const wantsPage = accept >= 0 && (raw[accept + 1]?.includes('text/html') ?? false)
    const answer = this.#parts.engine.unreadable(fault, this.#address, wantsPage)
    const head = new ResponseHead()
    const end = parseResponseHead(answer, 0, answer.length, this.#parts.engine.settings, head)
    const flat = [':status', String(head.status)]
    pushKept(flat, head, undefined)
    flat.push('x-request-id', head.get('x-request-id') ?? '')
    stream.respond(flat)
    stream.end(answer.subarray(end))
    this.#waitForTaking(stream)
    stream.once('finish', () => {
      if (!stream.closed) stream.close(NGHTTP2_NO_ERROR)
      stream.resume()
    })
    return undefined
  }

  /**
   * Who opens no window for his answer would keep stream and connection for ever. A time-out of the stream's own won't
   * do: it is taken away when he resets the stream, which does not end one that still has something to say.
   */
  #waitForTaking(stream: ServerHttp2Stream): void {
    const { deadlines, settings } = this.#parts.engine
    const waiting: Waiting = {
      deadline: deadlines.after(settings.idleTimeoutMs),
      before: undefined,
      behind: undefined,
      expire() {
        deadlines.delete(waiting)
        stream.destroy()
      },
    }
    deadlines.add(waiting)
    stream.once('close', () => deadlines.delete(waiting))
  }

  #onReset(): void {
    if (this.#isEnding || this.#session.destroyed) return
    if (!this.#resets.spend(performance.now())) this.#end('h2-resets', NGHTTP2_ENHANCE_YOUR_CALM)
  }

  #onControl(): void {
    if (!this.#hasSpoken) {
      this.#hasSpoken = true
      const { deadlines, settings } = this.#parts.engine
      if (this.#open === 0) this.deadline = deadlines.after(settings.keepAliveTimeoutMs)
    }
    if (this.#isEnding) return
    if (!this.#controls.spend(performance.now())) this.#end('h2-control', NGHTTP2_ENHANCE_YOUR_CALM)
  }

  /** Ends a connection that does what it should not. */
  #end(reason: string, code: number): void {
    if (this.#isEnding) return
    this.#isEnding = true
    const { log, metrics } = this.#parts
    metrics.refused('request', reason)
    log.info({ client: this.#address, reason, streams: this.#open }, 'HTTP/2 connection ended')
    // Typed as an error or a code by itself; with a code it says GOAWAY with it.
    this.#session.destroy(code as never)
  }

  #onError(error: NodeJS.ErrnoException): void {
    if (this.#isEnding) return
    this.#isEnding = true
    const { code = '' } = error
    // A visitor who left is no fault.
    if (!code.startsWith('ERR_HTTP2')) return
    const { log, metrics } = this.#parts
    metrics.refused('request', 'h2-protocol')
    log.info(
      { client: this.#address, reason: 'h2-protocol', err: error.message, code },
      'HTTP/2 connection ended',
    )
  }

  #onClose(): void {
    this.#isEnding = true
    const { engine } = this.#parts
    engine.deadlines.delete(this)
    engine.closed(this)
  }
}

function ignore(): void {}
