/**
 * One HTTP/1.1 connection of a visitor: reads requests one after the other, however many were sent ahead, gives
 * their bodies to whoever serves them, and ends so that the last answer is not destroyed.
 *
 * ```
 * head ─→ body ─→ answer ─→ head …      one request after the other
 * head ─→ answer                        no body follows
 *         body ─→ discard ─→ head       answered before the body was whole, and little of it is left
 *                 answer ─→ away        a WebSocket was agreed to: the socket belongs to somebody else
 * any but away ─→ linger ─→ closed      refused, much is left, it can't be read, or the last answer was sent
 * ```
 *
 * @module
 */
import type { Socket } from 'node:net'
import { plainAddress } from '@hydra-gateway/protocol'
import { CLOSE, KEEP, latin1, RequestHead } from '../http1/head.ts'
import { INCOMPLETE, parseRequestHead } from '../http1/request-head.ts'
import { BodyFraming } from './body-framing.ts'
import { BodyRate, RATE_MS } from './body-rate.ts'
import type { Compression } from './compression.ts'
import type { Waiting } from './deadlines.ts'
import type { Peer } from './exchange.ts'
import { Http1Exchange } from './http1-exchange.ts'
import type { BytesReceiver, Pipe } from './pipe.ts'
import { slice } from './read-buffer.ts'
import type { SocketMaker } from './reading-server.ts'
import { copyOf, Received } from './received.ts'
import { codecFault, type HeadFault, NOT_OURS, refusedFacts, SLOW_BODY } from './request-facts.ts'
import { reset } from './reset.ts'
import type { VisitorConnection, VisitorEngine } from './visitor-engine.ts'
import { queuedBytes, whenFlushed } from './when-flushed.ts'
import { type BodySink, HELD } from './wire.ts'
import type { ExchangeOwner, Outcome, WireExchange } from './wire-exchange.ts'

type Phase = 'head' | 'body' | 'answer' | 'discard' | 'linger' | 'away' | 'closed'

/** How long what a visitor still sends is thrown away after an answer that did not wait for it. */
const LINGER_MS = 1000
/** Request bytes worth reading to keep a connection, when the answer came before them, and how long that may take. */
const SMALL_REST_BYTES = 64 * 1024
const SMALL_REST_MS = 2000
/** After how long a silent visitor of an event stream is asked for by the system. */
const TCP_KEEPALIVE_MS = 30_000
/** How often somebody who waits for an answer and sends nothing more is looked after. */
const PROBE_MS = 5000
/** Says that the request is being worked on; to somebody who has left it brings out that he has. */
const PROCESSING = Buffer.from('HTTP/1.1 102 Processing\r\n\r\n')

export class Http1Connection implements VisitorConnection, ExchangeOwner, Waiting, Pipe {
  readonly protocol = 'http/1.1'
  deadline: number
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly socket: Socket
  readonly engine: VisitorEngine
  /** Whose requests come here; another one's with each request of a process of ours that hands them on. */
  peer: Peer
  isTls: boolean
  /** Nothing is served after the present request. */
  isLast = false
  /** Bytes of an answer wait to leave. */
  isBlocked = false
  /** Bytes the system had not taken when it was looked last. */
  #queued = 0
  #phase: Phase = 'head'
  #exchange: Http1Exchange | undefined = undefined
  readonly #received = new Received()
  /** Bytes come in memory of ours, which is read into again, and not as 'data'. */
  #isBorrowing = false
  /** Takes all that comes, once the connection was given away. */
  #receiver: BytesReceiver | undefined = undefined
  #sink: BodySink | undefined = undefined
  readonly #body = new BodyFraming()
  #isPaused = false
  #isProcessing = false
  #isFeeding = false
  /** The visitor sends nothing more. */
  #isHalfClosed = false
  readonly #rate = new BodyRate()
  /** The visitor waits to be told that he may send his body. */
  #awaitsContinue = false

  constructor(makeSocket: SocketMaker, engine: VisitorEngine, isTls: boolean) {
    this.engine = engine
    const socket = makeSocket({
      // Asked for before each read.
      buffer: () => this.#readBuffer(),
      callback: (count, bytes) => this.#onRead(count, bytes as Buffer),
    })
    this.socket = socket
    this.isTls = isTls
    this.peer = { address: plainAddress(socket.remoteAddress ?? 'unknown'), connection: this }
    this.deadline = engine.deadlines.after(engine.settings.clientHeadTimeoutMs)
    engine.deadlines.add(this)
    engine.opened(this)
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', ignore)
    socket.on('close', this.#onClose)
  }

  get compression(): Compression {
    return this.engine.compression
  }

  get isBodyWhole(): boolean {
    return this.#phase !== 'body'
  }

  /** The memory of the next read. */
  #readBuffer(): Buffer {
    if (this.#phase === 'away') return this.#received.ownMemory
    return this.#received.memory(this.#phase === 'body' ? this.#body.missing : 0)
  }

  /** False stops the reading. */
  #onRead(count: number, bytes: Buffer): boolean {
    const received = this.#received
    this.#isBorrowing = true
    if (this.#phase === 'away') {
      this.#pass(received.passed(bytes, count))
      received.grow(count)
    } else if (this.#phase === 'head' && received.rest === undefined) {
      this.engine.received(count)
      received.begin(bytes, count)
      this.#process()
      received.settle()
    } else if (this.#phase === 'body' && received.rest === undefined && received.isOwn(bytes)) {
      received.lend()
      this.#onData(slice(bytes, 0, count))
      received.settle()
    } else this.#onData(copyOf(bytes, 0, count))
    return !this.#isPaused
  }

  readonly #onData = (chunk: Buffer): void => {
    switch (this.#phase) {
      case 'head':
        this.engine.received(chunk.length)
        this.#received.keep(chunk)
        this.#process()
        return
      case 'body':
        this.engine.received(chunk.length)
        this.#rate.add(chunk.length)
        this.#received.keep(chunk)
        if (this.#sink) this.#feed()
        else this.#pause()
        return
      case 'answer':
        this.engine.received(chunk.length)
        // Sent ahead: it waits in the system's buffers, and its sender with it.
        this.#received.keep(chunk)
        this.#pause()
        return
      case 'discard':
        this.engine.received(chunk.length)
        this.#received.keep(chunk)
        this.#discard()
        return
      case 'away':
        this.#pass(chunk)
    }
  }

  /** Gives bytes to whoever took the connection over. */
  #pass(bytes: Buffer): void {
    if (this.#receiver?.onData(bytes) !== HELD) return
    this.#received.giveAway()
    this.#pause()
  }

  /** Serves what has been received, request after request. */
  #process(): void {
    if (this.#isProcessing) return
    this.#isProcessing = true
    const received = this.#received
    while (this.#phase === 'head' && received.rest !== undefined) {
      received.own()
      const bytes: Buffer = received.rest
      const head = new RequestHead()
      const result = parseRequestHead(bytes, received.at, bytes.length, this.engine.settings, head)
      if (result === INCOMPLETE) {
        if (received.join()) continue
        received.trim()
        this.#armHead()
        break
      }
      if (result < 0) {
        this.#end(codecFault(result))
        break
      }
      received.advance(result)
      this.#begin(head)
    }
    this.#isProcessing = false
    if (received.rest !== undefined && this.#phase === 'answer') this.#pause()
  }

  /** From its first byte on, a head may take so long and no longer, however its bytes drip in. */
  #armHead(): void {
    if (this.#isHeadBegun) return
    this.#isHeadBegun = true
    this.deadline = this.engine.deadlines.after(this.engine.settings.clientHeadTimeoutMs)
  }
  #isHeadBegun = false

  #begin(head: RequestHead): void {
    const { engine } = this
    const relayed = engine.relayed?.(head)
    if (relayed) {
      this.peer = relayed.peer
      this.isTls = relayed.isTls
    }
    const facts =
      engine.relayed && !relayed
        ? NOT_OURS
        : engine.factsOf(head, this.peer, this.isTls, performance.now(), relayed?.id)
    this.#isHeadBegun = false
    this.deadline = Number.POSITIVE_INFINITY
    if (head.minor === 1 ? (head.connection & CLOSE) !== 0 : (head.connection & KEEP) === 0)
      this.isLast = true
    this.#body.begin(head)
    this.#phase = this.#body.isWhole ? 'answer' : 'body'
    this.#awaitsContinue = head.expectsContinue
    if (!this.#body.isWhole) {
      this.#rate.begin(engine.deadlines.now)
      this.deadline = engine.deadlines.after(RATE_MS)
    }
    if ('code' in facts) {
      if (facts.code !== 'HYDRA_BAD_PATH') this.isLast = true
      const exchange = new Http1Exchange(
        refusedFacts(engine.nextId(), head, this.peer.address, this.isTls),
        head,
        this,
      )
      this.#exchange = exchange
      engine.refuse(exchange, facts)
    } else {
      const exchange = new Http1Exchange(facts, head, this)
      this.#exchange = exchange
      engine.begin(exchange)
    }
  }

  readBody(sink: BodySink): void {
    if (this.#phase !== 'body') return
    this.#rate.release(this.engine.deadlines.now)
    this.#sink = sink
    if (this.#received.rest !== undefined) {
      if (!this.#isFeeding) this.#feed()
    } else sink.onBodyPause()
    if (this.#sink !== undefined) this.#resume()
  }

  holdBody(): void {
    this.#rate.hold(this.engine.deadlines.now)
    this.#sink = undefined
  }

  /** The visitor was told to go on with his body. */
  continued(): void {
    this.#awaitsContinue = false
    this.#rate.forget()
    if (this.#phase === 'body') this.deadline = this.engine.deadlines.after(RATE_MS)
  }

  /** Gives what is there to the sink, until it wants no more. */
  #feed(): void {
    this.#isFeeding = true
    const received = this.#received
    const body = this.#body
    while (this.#sink !== undefined && received.rest !== undefined && this.#phase === 'body') {
      const bytes = received.rest
      received.advance(body.read(bytes, received.at))
      if (body.fault < 0) {
        this.#isFeeding = false
        this.#breakBody(codecFault(body.fault))
        return
      }
      if (body.isWhole) this.#phase = 'answer'
      this.#give(body.dataEnd > body.dataAt ? slice(bytes, body.dataAt, body.dataEnd) : undefined)
    }
    this.#isFeeding = false
    const sink = this.#sink
    if (sink && this.#phase === 'answer') this.#sink = undefined
    if (sink) sink.onBodyPause()
    if (this.#phase === 'body') {
      if (this.#sink === undefined) this.#pause()
      // The visitor has gone in the middle of it.
      else if (this.#isHalfClosed && received.rest === undefined) this.#exchange?.abort()
    } else if (this.#phase === 'answer') {
      this.deadline = Number.POSITIVE_INFINITY
      if (received.rest !== undefined) this.#pause()
    }
  }

  #give(piece: Buffer | undefined): void {
    const sink = this.#sink!
    if (piece && sink.onBody(piece) === HELD && this.#isBorrowing) this.#received.giveAway()
    if (this.#phase === 'answer') sink.onBodyEnd()
  }

  /** The body can't be read to its end: whoever serves the request is told, and the answer says why. */
  #breakBody(fault: HeadFault): void {
    const exchange = this.#exchange
    this.isLast = true
    this.holdBody()
    this.#pause()
    if (!exchange || exchange.ended) return
    const { attempt } = exchange
    exchange.attempt = undefined
    attempt?.leave()
    if (exchange.answered) exchange.abort()
    else this.engine.refuse(exchange, fault)
  }

  /** Whether the answer whose head is written now is the last one, and says so. */
  endsWith(exchange: WireExchange, hasUnknownEnd: boolean): boolean {
    if (this.engine.isStopping || exchange.isUpgrade) this.isLast = true
    // Without chunks only the end of the connection can tell the end of the body.
    if (hasUnknownEnd && exchange.isHttp10) this.isLast = true
    // Who was not told to go on may go on or not: what comes next can't be told apart (RFC 9110, 10.1.1).
    if (this.#phase === 'body' && this.#awaitsContinue && this.#rate.isEmpty) this.isLast = true
    // The rest of the request is not waited for when it may be long.
    if (this.#phase === 'body' && isLong(this.#body.missing)) this.isLast = true
    return this.isLast
  }

  /** Looks whether all that was written has left; when not, the exchange hears of it later. */
  checkBlocked(): boolean {
    if (this.isBlocked) return true
    if (this.socket.writableLength === 0) return false
    this.isBlocked = true
    this.#queued = queuedBytes(this.socket)
    if (this.#phase === 'answer') this.deadline = this.#idleDeadline()
    whenFlushed(this.socket, this.#onFlushed)
    return true
  }

  readonly #onFlushed = (): void => {
    this.isBlocked = false
    if (this.#phase === 'answer') this.deadline = Number.POSITIVE_INFINITY
    this.#exchange?.flushed()
  }

  #idleDeadline(): number {
    return this.engine.deadlines.after(this.engine.settings.idleTimeoutMs)
  }

  /** The visitor has taken nothing of an answer for a while, or only some of it. */
  #checkTaking(): void {
    const queued = queuedBytes(this.socket)
    const isTaking = queued < this.#queued
    this.#queued = queued
    if (isTaking) this.deadline = this.#idleDeadline()
    else this.#exchange?.abort()
  }

  ended(exchange: WireExchange, outcome: Outcome): void {
    this.engine.ended(exchange, outcome)
    this.#exchange = undefined
    this.#sink = undefined
    if (outcome === 'aborted' || this.socket.destroyed || this.#phase === 'away') return
    if (this.isLast || this.engine.isStopping) this.#linger()
    else if (this.#phase === 'body') {
      this.#phase = 'discard'
      this.deadline = this.engine.deadlines.after(SMALL_REST_MS)
      this.#resume()
      this.#discard()
    } else this.#next()
  }

  #next(): void {
    this.#phase = 'head'
    this.deadline = this.engine.deadlines.after(this.engine.settings.keepAliveTimeoutMs)
    if (this.#received.rest !== undefined) this.#process()
    else if (this.#isHalfClosed) this.#linger()
    if (this.#phase === 'head') this.#resume()
  }

  /** Throws away what is left of a small body, then goes on. */
  #discard(): void {
    const received = this.#received
    const body = this.#body
    while (received.rest !== undefined && this.#phase === 'discard') {
      received.advance(body.read(received.rest, received.at))
      if (body.fault < 0) this.#linger()
      else if (body.isWhole) this.#next()
    }
  }

  /** Answers what is no request, and ends. */
  #end(fault: HeadFault): void {
    const { rest, at } = this.#received
    const wantsPage = rest !== undefined && ASKS_FOR_PAGE.test(latin1(rest, at, rest.length))
    this.socket.write(this.engine.unreadable(fault, this.peer.address, wantsPage))
    this.#linger()
  }

  /**
   * Ends our side, discards what still arrives for a moment, then closes: a close while the visitor still sends
   * would reset the connection and destroy the answer on its way (RFC 9112, 9.6).
   */
  #linger(): void {
    this.#phase = 'linger'
    this.#received.drop()
    this.deadline = this.engine.deadlines.after(LINGER_MS)
    this.socket.end()
    if (this.#isHalfClosed) whenEnded(this.socket)
    else this.#resume()
  }

  readonly #onEnd = (): void => {
    this.#isHalfClosed = true
    switch (this.#phase) {
      case 'head':
        this.socket.end()
        this.socket.destroySoon()
        return
      case 'body':
        if (this.#sink !== undefined || this.#received.rest === undefined) this.#exchange?.abort()
        return
      case 'answer': {
        const exchange = this.#exchange
        if (!exchange) return
        // Who says goodbye in the middle of an answer does not want the rest of it. Before that it may be one who
        // has nothing more to ask: he gets his answer, if he is still there.
        if (exchange.answered || exchange.isUpgrade) {
          if (!exchange.isFinished) exchange.abort()
        } else {
          this.isLast = true
          this.#probe()
          this.deadline = this.engine.deadlines.after(0)
        }
        return
      }
      case 'discard':
        this.socket.destroy()
        return
      case 'linger':
        whenEnded(this.socket)
        return
      case 'away':
        this.#receiver?.onEnd()
    }
  }

  readonly #onClose = (hadError: boolean): void => {
    if (this.#phase !== 'away') this.#phase = 'closed'
    this.#received.drop()
    this.engine.deadlines.delete(this)
    this.#receiver?.onClose(hadError)
    this.#exchange?.gone()
    this.engine.closed(this)
  }

  /**
   * Writes to somebody who sends nothing more: the system says with the next write after this one whether he is
   * gone altogether.
   */
  #probe(): void {
    const exchange = this.#exchange
    if (exchange && !exchange.answered && !exchange.isHttp10) this.socket.write(PROCESSING)
  }

  expire(): void {
    switch (this.#phase) {
      case 'answer':
        if (this.isBlocked) {
          this.#checkTaking()
          return
        }
        this.#probe()
        this.deadline = this.engine.deadlines.after(PROBE_MS)
        return
      case 'head':
        if (this.#received.rest === undefined) this.socket.destroySoon()
        else
          this.#end({ code: 'HYDRA_REQUEST_TIMEOUT', reason: 'timeout', detail: 'The head came too slowly.' })
        return
      case 'body':
        this.#checkRate()
        return
      case 'discard':
      case 'linger':
        this.socket.destroy()
    }
  }

  #checkRate(): void {
    const { settings, deadlines } = this.engine
    const isAsked = this.#awaitsContinue && this.#rate.isEmpty
    const isSlow = this.#rate.isSlow(deadlines.now, settings.minBodyRate)
    this.deadline = deadlines.after(RATE_MS)
    if (isSlow && !isAsked) this.#breakBody(SLOW_BODY)
  }

  /** HTTP is over here: all that comes is for whoever calls `switchTo`. */
  giveAway(): Pipe {
    this.#phase = 'away'
    this.engine.deadlines.delete(this)
    this.#pause()
    if (this.#isBorrowing) this.#received.beSmall()
    return this
  }

  switchTo(receiver: BytesReceiver): void {
    this.#receiver = receiver
    const received = this.#received
    const rest = received.rest?.subarray(received.at)
    received.drop()
    this.#resume()
    if (rest) this.#pass(rest)
    if (this.#isHalfClosed) receiver.onEnd()
    if (this.socket.destroyed) receiver.onClose(true)
  }

  /** Reads on after HELD. */
  resume(): void {
    this.#resume()
  }

  /** Ends the connection without another byte. After a reset no reader can take what came for the whole. */
  cut(isAnswered: boolean): void {
    if (isAnswered) reset(this.socket)
    else this.socket.destroy()
  }

  /** The answer may be silent for hours: a visitor who is gone without a word is found by the system. */
  watchPeer(): void {
    this.socket.setKeepAlive(true, TCP_KEEPALIVE_MS)
  }

  /** HTTP/1.1 can say so in an answer only. */
  announceEnd(): void {}

  drain(): void {
    this.isLast = true
    if (this.#phase === 'head') this.#linger()
  }

  destroy(): void {
    this.socket.destroy()
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.socket.pause()
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.socket.resume()
  }
}

/** Where lines can't be told apart for sure this is a guess; it decides about a page or JSON and nothing else. */
const ASKS_FOR_PAGE = /\naccept:[^\r\n]*text\/html/i

function isLong(missing: number): boolean {
  return missing < 0 || missing > SMALL_REST_BYTES
}

function ignore(): void {}

/** Both sides have said goodbye: closes as soon as our last bytes have left. */
function whenEnded(socket: Socket): void {
  if (socket.writableFinished) socket.destroy()
  else socket.once('finish', () => socket.destroy())
}
