/**
 * An exchange on an HTTP/1.1 connection: writes answers in bytes, one write for a head and a small body.
 *
 * @module
 */

import type { RequestHead, ResponseHead } from '../http1/head.ts'
import { SET_COOKIE } from '../http1/names.ts'
import { statusLine } from '../http1/status.ts'
import { eachDefaultLine, isKept, leftOut } from './answer-lines.ts'
import type { AnswerSink } from './composition.ts'
import { dateLine } from './date-line.ts'
import type { TakenOver } from './exchange.ts'
import { CHUNKED_LINE, CRLF, LAST_CHUNK, REQUEST_ID_NAME, WEBSOCKET_LINES } from './framing-bytes.ts'
import type { Http1Connection } from './http1-connection.ts'
import { type Pipe, PipeStream } from './pipe.ts'
import type { RequestFacts } from './request-facts.ts'
import { type AnswerSource, isPlainCookie, settleSetCookie } from './set-cookie.ts'
import { putServerTiming } from './trace.ts'
import { type BodySink, HELD, SENT, type Taken } from './wire.ts'
import { isSendable, WireExchange } from './wire-exchange.ts'

/** Up to here it is cheaper to copy bytes behind a head than to write them by themselves. */
const JOINED_BYTES = 8 * 1024

const NO_BYTES: Buffer = Buffer.alloc(0)
const VERSION = Buffer.from('HTTP/1.1 ')
const SPACE = 0x20
const CLOSE = Buffer.from('Connection: close\r\n')
/** RFC 9110, 7.8: whoever sends Upgrade names it in Connection as well. */
const OFFER = Buffer.from('Connection: Upgrade\r\n')
const CLOSE_AND_OFFER = Buffer.from('Connection: close, Upgrade\r\n')
const KEEP_ALIVE = Buffer.from('Connection: keep-alive\r\n')
const CONTENT_LENGTH = Buffer.from('Content-Length: ')
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

export class Http1Exchange extends WireExchange {
  readonly #connection: Http1Connection
  #isHeadOut = false
  #isTaken = false
  /** The answer is sent in chunks. */
  #isChunked = false
  /** A chunk's data was written, its end was not. */
  #owesCrlf = false
  /** Output is being put together in the slab. */
  #isJoining = false
  #isFinished = false

  constructor(facts: RequestFacts, head: RequestHead, connection: Http1Connection) {
    super(facts, head, connection.peer, connection)
    this.#connection = connection
  }

  get answered(): boolean {
    return this.#isHeadOut || this.#isTaken
  }

  /** The answer was given whole, if not sent yet. */
  get isFinished(): boolean {
    return this.#isFinished
  }

  get isBodyWhole(): boolean {
    return this.#connection.isBodyWhole
  }

  get isBlocked(): boolean {
    return this.#connection.isBlocked
  }

  readBody(sink: BodySink): void {
    this.#connection.readBody(sink)
  }

  holdBody(): void {
    this.#connection.holdBody()
  }

  loseBody(): void {
    this.#connection.isLast = true
  }

  relayHead(head: ResponseHead, bodyBytes: number, source: AnswerSource): void {
    const { status, bytes } = head
    const { slab } = this.#connection.engine
    const hasUnknownEnd = bodyBytes < 0
    this.#isChunked = hasUnknownEnd && !this.isHttp10
    const isLast = this.#connection.endsWith(this, hasUnknownEnd)
    this.#join(head.end - head.start + 640)
    if (head.reasonEnd > head.reasonAt) {
      slab.bytes(VERSION)
      slab.decimal(status)
      slab.byte(SPACE)
      slab.range(bytes, head.reasonAt, head.reasonEnd)
      slab.bytes(CRLF)
    } else slab.bytes(statusLine(status))
    this.#putKeptLines(head, source)
    if (source.channel === 'http')
      eachDefaultLine(head, source.channel, (name, value) => this.#putLine(name, value))
    if (this.#isChunked) slab.bytes(CHUNKED_LINE)
    this.#endHead(status, isLast)
  }

  ownHead(status: number, flat: readonly string[], bodyBytes: number): void {
    const { slab } = this.#connection.engine
    const hasBody = status !== 204 && status !== 304
    const hasUnknownEnd = hasBody && bodyBytes < 0
    // To a HEAD the same head is sent as to a GET, and nothing after it.
    this.#isChunked = hasUnknownEnd && !this.isHttp10 && this.method !== 'HEAD'
    const isLast = this.#connection.endsWith(this, hasUnknownEnd)
    this.#join(1024)
    slab.bytes(statusLine(status))
    let hasDate = false
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i]!
      if (!isSendable(name, flat[i + 1]!) || FRAMING.has(name.toLowerCase())) continue
      if (name.length === 4 && name.toLowerCase() === 'date') hasDate = true
      this.#putLine(name, flat[i + 1]!)
    }
    if (!hasDate) slab.bytes(dateLine())
    if (hasBody && bodyBytes >= 0) {
      slab.bytes(CONTENT_LENGTH)
      slab.decimal(bodyBytes)
      slab.bytes(CRLF)
    }
    if (hasUnknownEnd && !this.isHttp10) slab.bytes(CHUNKED_LINE)
    this.#endHead(status, isLast, status === 426)
  }

  #endHead(status: number, isLast: boolean, offersUpgrade = false): void {
    const { slab, settings } = this.#connection.engine
    const { added } = this
    if (added) for (let i = 0; i < added.length; i += 2) this.#putLine(added[i]!, added[i + 1]!)
    if (offersUpgrade) slab.bytes(isLast ? CLOSE_AND_OFFER : OFFER)
    else if (isLast) slab.bytes(CLOSE)
    else if (this.isHttp10) slab.bytes(KEEP_ALIVE)
    slab.bytes(REQUEST_ID_NAME)
    slab.latin1(this.id)
    slab.bytes(CRLF)
    if (settings.serverTiming && this.headAt > 0) {
      const serviceMs = this.headAt - this.sentAt
      putServerTiming(slab, this.headAt - this.startedAt - serviceMs, serviceMs)
    }
    slab.bytes(CRLF)
    this.status = status
    this.#isHeadOut = true
  }

  /** Copies lines that go on in runs, as few as there are. Interim answers, of no source, set no cookies. */
  #putKeptLines(head: ResponseHead, source: AnswerSource | undefined): void {
    const { slab } = this.#connection.engine
    const nominated = leftOut(head, this.flywheel?.replaced)
    const isOurs = source?.isGateway === true
    const lines = head.lines()
    let runAt = -1
    let runEnd = 0
    for (let i = 0; i < lines.count; i++) {
      const id = lines.id[i]!
      const kept = isKept(head, i, id, nominated, isOurs)
      if (kept && (id !== SET_COOKIE || (source !== undefined && isPlainCookie(head, i, source)))) {
        if (runAt < 0) runAt = lines.nameAt[i]!
        runEnd = lines.lineEnd[i]!
        continue
      }
      if (runAt >= 0) slab.range(head.bytes, runAt, runEnd)
      runAt = -1
      if (!kept || source === undefined) continue
      const cookie = settleSetCookie(head.value(i), source, this.route?.kind)
      if (cookie !== undefined) this.#putLine('Set-Cookie', cookie)
    }
    if (runAt >= 0) slab.range(head.bytes, runAt, runEnd)
  }

  #putLine(name: string, value: string): void {
    const { slab } = this.#connection.engine
    slab.latin1(name)
    slab.latin1(': ')
    slab.latin1(value)
    slab.bytes(CRLF)
  }

  #join(room: number): void {
    if (this.#isJoining) return
    this.#connection.engine.slab.begin(room)
    this.#isJoining = true
  }

  write(bytes: Buffer): Taken {
    if (this.ended || this.#isFinished) return SENT
    const { slab } = this.#connection.engine
    if (this.#isChunked) {
      this.#join(JOINED_BYTES + 64)
      if (this.#owesCrlf) slab.bytes(CRLF)
      slab.hex(bytes.length)
      slab.bytes(CRLF)
      this.#owesCrlf = true
    }
    if (bytes.length <= JOINED_BYTES) {
      this.#join(bytes.length + 64)
      slab.range(bytes, 0, bytes.length)
      return SENT
    }
    const { socket, engine } = this.#connection
    socket.cork()
    this.#writeJoined()
    engine.sent(bytes.length)
    socket.write(bytes)
    socket.uncork()
    return this.#connection.checkBlocked() ? HELD : SENT
  }

  finish(): void {
    if (this.ended || this.#isFinished) return
    this.#isFinished = true
    if (!this.#isChunked) return
    const { slab } = this.#connection.engine
    this.#join(64)
    if (this.#owesCrlf) slab.bytes(CRLF)
    slab.bytes(LAST_CHUNK)
  }

  override stream(status: number, headers: Readonly<Record<string, string>>): AnswerSink {
    super.stream(status, headers)
    this.#forgetPeer()
    return this
  }

  /** No other request comes this way, for hours. */
  #forgetPeer(): void {
    const { peer } = this
    peer.cookies = undefined
    peer.login = undefined
    peer.authority = undefined
    if (peer.forwarded !== undefined) peer.forwarded = undefined
  }

  flush(): void {
    if (this.ended) {
      this.#dropJoined()
      return
    }
    // Some readers take an event only with the end of its chunk.
    if (this.isStream && this.#owesCrlf) {
      this.#owesCrlf = false
      this.#join(64)
      this.#connection.engine.slab.bytes(CRLF)
    }
    this.#writeJoined()
    if (!this.#connection.checkBlocked() && this.#isFinished) this.end('finished')
  }

  #writeJoined(): void {
    if (!this.#isJoining) return
    this.#isJoining = false
    const { socket, engine } = this.#connection
    const view = engine.slab.end()
    engine.sent(view.length)
    socket.write(view)
    if (socket.writableLength === 0) engine.slab.release(view)
  }

  #dropJoined(): void {
    if (!this.#isJoining) return
    this.#isJoining = false
    const { slab } = this.#connection.engine
    slab.release(slab.end())
  }

  /** Called by the connection when everything written so far has left. */
  flushed(): void {
    if (this.#isFinished) this.end('finished')
    else this.onDrain?.()
  }

  inform(status: number, head: ResponseHead | undefined): void {
    if (this.isHttp10 || this.answered || this.ended || this.isUpgrade) return
    const { slab } = this.#connection.engine
    if (head === undefined || status === 100) {
      this.#connection.socket.write(CONTINUE)
      this.#connection.continued()
      return
    }
    this.#join(head.end - head.start + 64)
    slab.bytes(statusLine(status))
    this.#putKeptLines(head, undefined)
    slab.bytes(CRLF)
    this.#writeJoined()
    this.#connection.checkBlocked()
  }

  watchPeer(): void {
    this.#connection.watchPeer()
  }

  switchProtocols(head: ResponseHead, source: AnswerSource): Pipe {
    const { slab } = this.#connection.engine
    this.#join(head.end - head.start + 512)
    slab.bytes(statusLine(101))
    this.#putKeptLines(head, source)
    slab.bytes(WEBSOCKET_LINES)
    const { added } = this
    if (added) for (let i = 0; i < added.length; i += 2) this.#putLine(added[i]!, added[i + 1]!)
    slab.bytes(REQUEST_ID_NAME)
    slab.latin1(this.id)
    slab.bytes(CRLF)
    slab.bytes(CRLF)
    this.#take()
    this.#writeJoined()
    return this.#connection.giveAway()
  }

  #take(): void {
    if (!this.isUpgrade || this.answered || this.ended) throw new Error('this exchange has no socket to give')
    this.#isTaken = true
    this.#forgetPeer()
    this.status = 101
  }

  takeOver(): TakenOver {
    this.#take()
    const headers: Record<string, string> = {}
    const { flat } = this.headers
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i]!.toLowerCase()
      headers[name] = name in headers ? `${headers[name]}, ${flat[i + 1]!}` : flat[i + 1]!
    }
    const socket = new PipeStream(this.#connection.giveAway())
    return { socket, head: NO_BYTES, method: this.method, url: this.path + this.query, headers }
  }

  abort(): void {
    this.#dropJoined()
    if (this.ended) return
    this.#connection.cut(this.answered)
    this.end('aborted')
  }

  /** The connection is gone; what was taken over has ended as it should. */
  gone(): void {
    this.#dropJoined()
    this.end(this.#isTaken ? 'finished' : 'aborted')
  }
}

/** Ours to say, whatever a handler wrote. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
])
