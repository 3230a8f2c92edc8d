/**
 * An exchange of HTTP/2: one stream of a visitor's connection, on the core API of `node:http2`.
 *
 * @module
 */
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { RequestHead, ResponseHead } from '../http1/head.ts'
import { SET_COOKIE } from '../http1/names.ts'
import type { RouteKind } from '../routing/route.ts'
import { eachDefaultLine, isKept, leftOut } from './answer-lines.ts'
import { RATE_MS } from './body-rate.ts'
import type { Waiting } from './deadlines.ts'
import type { Peer } from './exchange.ts'
import { CONNECTION_SPECIFIC } from './http2-head.ts'
import { type RequestFacts, SLOW_BODY } from './request-facts.ts'
import { type AnswerSource, settleSetCookie } from './set-cookie.ts'
import { putServerTiming, SERVER_TIMING_BYTES } from './trace.ts'
import type { VisitorEngine } from './visitor-engine.ts'
import { type BodySink, HELD, SENT, type Taken } from './wire.ts'
import { type ExchangeOwner, isSendable, WireExchange } from './wire-exchange.ts'

const { NGHTTP2_NO_ERROR } = constants

/** Interim answers of one exchange that are passed on; a service that sends more says nothing new. */
const MAX_INTERIM = 16

/** Makes the reset of a destroyed stream one with INTERNAL_ERROR. */
const CUT = new Error('the answer was cut')

/** Lines of an answer of our own that mean nothing here (RFC 9113, 8.2.2), or that we say ourselves. */
const NEVER_SENT: ReadonlySet<string> = new Set([...CONNECTION_SPECIFIC, 'content-length', 'te'])

export class Http2Exchange extends WireExchange implements Waiting {
  deadline = Number.POSITIVE_INFINITY
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  /** True when the stream was reset from here: it counts against nobody. */
  isOurReset = false
  readonly #stream: ServerHttp2Stream
  readonly #engine: VisitorEngine
  readonly #isHead: boolean
  #sink: BodySink | undefined = undefined
  /** All of the body was there, and its length was right. */
  #isBodyRead = false
  #isListening = false
  #isPumping = false
  /** What is left of the body is thrown away. */
  #isDropping = false
  #isBodyWhole: boolean
  #bodyBytes = 0
  #isFinished = false
  #isDraining = false
  #interim = 0
  /** Body bytes since the rate was looked at last, and whether they were held back by us meanwhile. */
  #measured = 0
  #wasHeld = true
  /** The visitor waits to be told that he may send his body. */
  #awaitsContinue: boolean

  constructor(
    facts: RequestFacts,
    head: RequestHead,
    peer: Peer,
    owner: ExchangeOwner,
    stream: ServerHttp2Stream,
    engine: VisitorEngine,
  ) {
    super(facts, head, peer, owner)
    this.#stream = stream
    this.#engine = engine
    this.#isHead = head.method === 'HEAD'
    this.#isBodyWhole = !this.hasBody
    this.#awaitsContinue = this.hasBody && head.expectsContinue
    if (this.hasBody) {
      this.deadline = engine.deadlines.after(RATE_MS)
      engine.deadlines.add(this)
      // An empty body ends whether anybody reads it or not.
      stream.once('end', () => this.#onBodyEnd())
    }
    stream.once('aborted', () => stream.destroy())
    stream.once('close', () => this.#onClose())
  }

  get answered(): boolean {
    return this.isOurReset || this.#stream.headersSent
  }

  get isBodyWhole(): boolean {
    return this.#isBodyWhole
  }

  get isBlocked(): boolean {
    return this.#stream.writableNeedDrain
  }

  get #isGone(): boolean {
    return this.#stream.closed || this.#stream.destroyed
  }

  readBody(sink: BodySink): void {
    this.#sink = sink
    if (this.#isBodyWhole || this.#isBodyRead) {
      this.#giveEnd()
      return
    }
    if (!this.#isListening) {
      this.#isListening = true
      // Read piece by piece: a stream that flows, is paused and resumed while it waits for bytes waits for ever.
      this.#stream.on('readable', () => this.#pump())
    }
    this.#pump()
  }

  /** Gives what is there to the sink, until it wants no more. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    const stream = this.#stream
    while (this.#sink !== undefined || this.#isDropping) {
      const bytes: Buffer | null = stream.read()
      if (bytes === null) break
      this.#bodyBytes += bytes.length
      this.#measured += bytes.length
      this.#awaitsContinue = false
      this.#engine.received(bytes.length)
      this.#sink?.onBody(bytes)
    }
    this.#isPumping = false
    this.#sink?.onBodyPause()
  }

  holdBody(): void {
    this.#sink = undefined
    this.#wasHeld = true
  }

  loseBody(): void {
    // A stream has no neighbours that its rest could be taken for: it is reset once the answer has left.
    this.holdBody()
  }

  relayHead(lines: ResponseHead, bodyBytes: number, source: AnswerSource): void {
    const flat: string[] = [':status', String(lines.status)]
    pushKept(flat, lines, source, { kind: this.route?.kind, replaced: this.flywheel?.replaced })
    eachDefaultLine(lines, source.channel, (name, value) => flat.push(name.toLowerCase(), value))
    this.#respond(lines.status, flat, bodyBytes)
  }

  ownHead(status: number, own: readonly string[], bodyBytes: number): void {
    const flat: string[] = [':status', String(status)]
    for (let i = 0; i < own.length; i += 2) {
      const name = own[i]!.toLowerCase()
      const value = own[i + 1]!
      if (NEVER_SENT.has(name) || !isSendable(name, value)) continue
      flat.push(name, value)
    }
    const isBodiless = status === 204 || status === 304
    if (bodyBytes >= 0 && !isBodiless) flat.push('content-length', String(bodyBytes))
    this.#respond(status, flat, isBodiless ? 0 : bodyBytes)
  }

  write(bytes: Buffer): Taken {
    if (this.ended || this.#isFinished || this.#isHead || bytes.length === 0) return SENT
    // The visitor left; that the exchange is over is on its way.
    if (this.#isGone) return HELD
    this.#engine.sent(bytes.length)
    if (this.#stream.write(this.isStream ? bytes : copyOf(bytes))) return SENT
    this.#awaitDrain()
    return HELD
  }

  finish(): void {
    if (this.#isFinished || this.ended) return
    this.#isFinished = true
    const stream = this.#stream
    if (this.#isGone) {
      stream.destroy()
      return
    }
    // Who never opens his window would keep what he asked for in memory for ever.
    this.#patience()
    if (!this.#isBodyWhole) stream.once('finish', () => this.#dropRest())
    if (!stream.writableEnded) stream.end()
    else if (stream.writableFinished) this.#dropRest()
  }

  flush(): void {
    // The session writes once this turn of the event loop is over, everything in one go.
  }

  inform(status: number, lines: ResponseHead | undefined): void {
    if (this.answered || this.ended || this.#isGone) return
    if (status === 100 && this.#awaitsContinue) {
      this.#awaitsContinue = false
      this.#measured = 0
      this.#wasHeld = true
      this.deadline = this.#engine.deadlines.after(RATE_MS)
    }
    this.#interim += 1
    if (this.#interim > MAX_INTERIM) return
    const headers: Record<string, string | string[] | number> = { ':status': status }
    if (lines) {
      const flat: string[] = []
      pushKept(flat, lines, undefined)
      for (let i = 0; i < flat.length; i += 2) {
        const before = headers[flat[i]!] as string | string[] | undefined
        headers[flat[i]!] =
          before === undefined ? flat[i + 1]! : ([] as string[]).concat(before, flat[i + 1]!)
      }
    }
    try {
      this.#stream.additionalHeaders(headers)
    } catch {
      // An interim answer is a courtesy: one that can't be said in HTTP/2 is left out.
    }
  }

  switchProtocols(): never {
    throw new Error('a stream of HTTP/2 has no connection to give away')
  }

  takeOver(): never {
    throw new Error('a stream of HTTP/2 has no connection to give away')
  }

  watchPeer(): void {}

  abort(): void {
    if (this.ended) return
    this.isOurReset = true
    // `close` would end the stream before it resets it, and what has left would pass for the whole.
    this.#stream.destroy(CUT)
    this.end('aborted')
  }

  /** The visitor took nothing for as long as a body may stand still, or sends his own too slowly. */
  expire(): void {
    if (this.#isWaitingForVisitor) this.abort()
    else this.#checkRate()
  }

  #checkRate(): void {
    const { settings, deadlines } = this.#engine
    const isSlow =
      !this.#wasHeld && !this.#awaitsContinue && this.#measured < (settings.minBodyRate * RATE_MS) / 1000
    this.#measured = 0
    this.#wasHeld = this.#sink === undefined
    this.deadline = deadlines.after(RATE_MS)
    if (!isSlow) return
    this.loseBody()
    const { attempt } = this
    this.attempt = undefined
    attempt?.leave()
    if (this.answered) this.abort()
    else this.#engine.refuse(this, SLOW_BODY)
  }

  #respond(status: number, flat: string[], bodyBytes: number): void {
    if (this.answered || this.ended || this.#isGone) return
    if (this.added) {
      for (let i = 0; i < this.added.length; i += 2)
        flat.push(this.added[i]!.toLowerCase(), this.added[i + 1]!)
    }
    flat.push('x-request-id', this.id)
    if (this.#engine.settings.serverTiming && this.headAt > 0)
      flat.push('server-timing', this.#serverTiming())
    this.#stream.respond(flat, { endStream: bodyBytes === 0 })
    this.status = status
  }

  #serverTiming(): string {
    const { slab } = this.#engine
    const serviceMs = this.headAt - this.sentAt
    slab.begin(SERVER_TIMING_BYTES)
    putServerTiming(slab, this.headAt - this.startedAt - serviceMs, serviceMs)
    const line = slab.end()
    const value = line.toString('latin1', 'Server-Timing: '.length, line.length - 2)
    slab.release(line)
    return value
  }

  #awaitDrain(): void {
    if (this.#isDraining) return
    this.#patience()
    this.#isDraining = true
    this.#stream.once('drain', () => {
      this.#isDraining = false
      if (!this.#isFinished) this.#rearm()
      this.onDrain?.()
    })
  }

  get #isWaitingForVisitor(): boolean {
    return this.#isDraining || this.#isFinished
  }

  /** What is waited for once the visitor has taken what was written: his body, if there is more of it. */
  #rearm(): void {
    const { deadlines } = this.#engine
    if (this.#isBodyWhole || this.#isBodyRead) deadlines.delete(this)
    else {
      this.#wasHeld = true
      this.deadline = deadlines.after(RATE_MS)
    }
  }

  #patience(): void {
    const { deadlines, settings } = this.#engine
    this.deadline = deadlines.after(settings.idleTimeoutMs)
    if (this.behind === undefined) deadlines.add(this)
  }

  #onBodyEnd(): void {
    const stream = this.#stream
    // A reset ends the readable side as well, without a word: that is no whole body. One that is whole comes to its
    // end while the stream is open for the answer.
    const isCut = stream.closed || stream.destroyed
    const { contentLength } = this.head
    if (isCut || (contentLength >= 0 && this.#bodyBytes !== contentLength)) return
    this.#isBodyRead = true
    if (!this.#isWaitingForVisitor) this.#engine.deadlines.delete(this)
    this.#giveEnd()
  }

  /** Whoever reads the body hears of its end; when nobody does, whoever reads next. */
  #giveEnd(): void {
    const sink = this.#sink
    if (!sink) return
    this.#isBodyWhole = true
    this.#sink = undefined
    sink.onBodyEnd()
    sink.onBodyPause()
  }

  /** RFC 9113, 8.1: an answer may end before its request does; the rest is then not wanted. */
  #dropRest(): void {
    const stream = this.#stream
    if (this.#isBodyWhole || stream.closed || stream.destroyed) return
    this.isOurReset = true
    this.#sink = undefined
    stream.close(NGHTTP2_NO_ERROR)
    // A stream is over when its bytes have been read.
    this.#isDropping = true
    if (this.#isListening) this.#pump()
    else stream.resume()
  }

  #onClose(): void {
    this.#engine.deadlines.delete(this)
    this.#sink = undefined
    this.end(this.#isFinished && this.#stream.writableFinished ? 'finished' : 'aborted')
  }
}

/** The caller uses the memory again, and the session reads it when the visitor's window lets it. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

/** The lines of a service's answer that go on, names in lower case. Interim answers, of no source, set no cookies. */
export function pushKept(
  flat: string[],
  head: ResponseHead,
  source: AnswerSource | undefined,
  {
    kind,
    replaced,
  }: { readonly kind?: RouteKind | undefined; readonly replaced?: ReadonlySet<string> | undefined } = {},
): void {
  const nominated = leftOut(head, replaced)
  const lines = head.lines()
  for (let i = 0; i < lines.count; i++) {
    const id = lines.id[i]!
    if (!isKept(head, i, id, nominated, source?.isGateway)) continue
    if (id !== SET_COOKIE) flat.push(head.name(i).toLowerCase(), head.value(i))
    else if (source !== undefined) {
      const cookie = settleSetCookie(head.value(i), source, kind)
      if (cookie !== undefined) flat.push('set-cookie', cookie)
    }
  }
}
