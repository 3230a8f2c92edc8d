/**
 * One HTTP/1.1 connection of a visitor: reads requests one after the other, however many were sent ahead, gives
 * their bodies to whoever serves them, and ends so that the last answer is not destroyed.
 *
 * ```
 *            head parsed                 body whole                 answer sent
 * ┌─→ head ───────────────→ body ───────────────────→ answer ───────────────────→ head …
 * │    │ │ no body                 └──── answer sent, little is left ──→ discard ──→ head …
 * │    │ └──────────────────────────────────────────→ answer
 * │    │ fault, or the last answer sent
 * │    └────────────────────────────→ linger ─→ closed
 * └── anything ─→ away (WebSocket: the socket belongs to somebody else)
 * ```
 *
 * @module
 */
import type { Socket } from 'node:net'
import { plainAddress } from '@hydra-gateway/protocol'
import { ChunkedReader, DONE } from '../http1/chunked.ts'
import { CLOSE, KEEP, RequestHead } from '../http1/head.ts'
import { INCOMPLETE, parseRequestHead } from '../http1/request-head.ts'
import type { Compression } from './compression.ts'
import type { Waiting } from './deadlines.ts'
import type { Peer } from './exchange.ts'
import { Http1Exchange } from './http1-exchange.ts'
import type { BytesReceiver, Pipe } from './pipe.ts'
import { LARGE_BUFFER_BYTES, ReadBuffer, SMALL_BUFFER_BYTES } from './read-buffer.ts'
import type { SocketMaker } from './reading-server.ts'
import { codecFault, type HeadFault, refusedFacts, SLOW_BODY } from './request-facts.ts'
import { reset } from './reset.ts'
import type { VisitorConnection, VisitorEngine } from './visitor-engine.ts'
import { queuedBytes, whenFlushed } from './when-flushed.ts'
import { type BodySink, HELD, SMALL_PIECE_BYTES } from './wire.ts'
import type { ExchangeOwner, Outcome, WireExchange } from './wire-exchange.ts'

type Phase = 'head' | 'body' | 'answer' | 'discard' | 'linger' | 'away' | 'closed'

/** How long what a visitor still sends is thrown away after an answer that did not wait for it. */
const LINGER_MS = 1000
/** Request bytes worth reading to keep a connection, when the answer came before them, and how long that may take. */
const SMALL_REST_BYTES = 64 * 1024
const SMALL_REST_MS = 2000
/** After how long a silent visitor of an event stream is asked for by the system. */
const TCP_KEEPALIVE_MS = 30_000
/** Over how long the rate of a body is measured. */
const RATE_MS = 5000
/** How often somebody who waits for an answer and sends nothing more is looked after. */
const PROBE_MS = 5000
/** Says that the request is being worked on; to somebody who has left it brings out that he has. */
const PROCESSING = Buffer.from('HTTP/1.1 102 Processing\r\n\r\n')

/** What heads and small bodies are read into, on all connections. Whatever is kept of it is copied within the read. */
const shared: Buffer = Buffer.allocUnsafeSlow(SMALL_PIECE_BYTES)
const HEAD_END: Buffer = Buffer.from('\r\n\r\n')

/** Buffers for large bodies that none is read into now. */
const spare: ReadBuffer[] = []
const MOST_SPARE = 32

export class Http1Connection implements VisitorConnection, ExchangeOwner, Waiting, Pipe {
  readonly protocol = 'http/1.1'
  deadline: number
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly socket: Socket
  readonly engine: VisitorEngine
  readonly peer: Peer
  readonly isTls: boolean
  /** Nothing is served after the present request. */
  isLast = false
  /** Bytes of an answer wait to leave. */
  isBlocked = false
  /** Bytes the system had not taken when it was looked last. */
  #queued = 0
  #phase: Phase = 'head'
  #exchange: Http1Exchange | undefined = undefined
  /** Bytes that were received and not read yet, from `#at`. */
  #rest: Buffer | undefined = undefined
  #at = 0
  /** Received behind `#rest`, in the shared memory. */
  #behind: Buffer | undefined = undefined
  /** The present `#rest` is in memory that is read into again after this call. */
  #isRestLent = false
  /** What is read into while a large body comes, or when somebody took the connection over. */
  #own: ReadBuffer | undefined = undefined
  /** Bytes come in memory of ours, which is read into again, and not as 'data'. */
  #isBorrowing = false
  /** Takes all that comes, once the connection was given away. */
  #receiver: BytesReceiver | undefined = undefined
  #sink: BodySink | undefined = undefined
  /** Bytes of the body that are still to come; -1 when it is chunked. */
  #missing = 0
  #chunks: ChunkedReader | undefined = undefined
  #isPaused = false
  #isProcessing = false
  #isFeeding = false
  /** The visitor sends nothing more. */
  #isHalfClosed = false
  /** Body bytes since the rate was looked at last, and how long they were held back by us meanwhile. */
  #measured = 0
  #heldMs = 0
  #heldSince = Number.NaN
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
    if (this.#phase === 'body' && (this.#missing < 0 || this.#missing > shared.length)) {
      this.#own ??= spare.pop() ?? new ReadBuffer(LARGE_BUFFER_BYTES)
    } else if (this.#own !== undefined && this.#phase !== 'away') {
      // Nobody uses it: what was needed for longer was given away, and from here on reads go elsewhere.
      if (spare.length < MOST_SPARE) spare.push(this.#own)
      this.#own = undefined
    }
    return this.#own?.bytes ?? shared
  }

  /** False stops the reading. */
  #onRead(count: number, bytes: Buffer): boolean {
    this.#isBorrowing = true
    if (this.#phase === 'away') {
      // The read that was under way when the connection was given away went into the shared memory still.
      this.#pass(bytes === shared ? Buffer.from(bytes.subarray(0, count)) : slice(bytes, 0, count))
      this.#own?.grow(count)
    } else if (this.#own?.bytes === bytes && this.#phase === 'body' && this.#rest === undefined) {
      this.#isRestLent = true
      this.#onData(slice(bytes, 0, count))
      if (this.#isRestLent) this.#copyRest()
    } else if (this.#phase === 'head' && this.#rest === undefined) this.#onHeadRead(bytes, count)
    else this.#onData(copyOf(bytes, 0, count))
    return !this.#isPaused
  }

  /** A request begins in the shared memory: its head is copied, which the exchange keeps; its body is used from there. */
  #onHeadRead(bytes: Buffer, count: number): void {
    this.engine.received(count)
    const length = firstHead(bytes, count)
    this.#rest = copyOf(bytes, 0, length)
    this.#at = 0
    if (length < count) this.#behind = bytes.subarray(length, count)
    this.#process()
    if (this.#behind !== undefined) this.#joinBehind()
    else if (this.#isRestLent) this.#copyRest()
  }

  #joinBehind(): void {
    const { length } = this.#behind!
    const before = this.#rest?.subarray(this.#at)
    this.#rest = before ? Buffer.concat([before, this.#behind!]) : copyOf(this.#behind!, 0, length)
    this.#at = 0
    this.#behind = undefined
  }

  #copyRest(): void {
    this.#isRestLent = false
    if (this.#rest === undefined) return
    this.#rest = copyOf(this.#rest, this.#at, this.#rest.length)
    this.#at = 0
  }

  readonly #onData = (chunk: Buffer): void => {
    switch (this.#phase) {
      case 'head':
        this.engine.received(chunk.length)
        this.#keep(chunk)
        this.#process()
        return
      case 'body':
        this.engine.received(chunk.length)
        this.#measured += chunk.length
        this.#keep(chunk)
        if (this.#sink) this.#feed()
        else this.#pause()
        return
      case 'answer':
        this.engine.received(chunk.length)
        // Sent ahead: it waits in the system's buffers, and its sender with it.
        this.#keep(chunk)
        this.#pause()
        return
      case 'discard':
        this.engine.received(chunk.length)
        this.#keep(chunk)
        this.#discard()
        return
      case 'away':
        this.#pass(chunk)
    }
  }

  /** Gives bytes to whoever took the connection over. */
  #pass(bytes: Buffer): void {
    if (this.#receiver?.onData(bytes) !== HELD) return
    this.#own?.giveAway()
    this.#pause()
  }

  #keep(chunk: Buffer): void {
    if (this.#rest === undefined) this.#rest = chunk
    else this.#rest = Buffer.concat([this.#rest.subarray(this.#at), chunk])
    this.#at = 0
  }

  /** Serves what has been received, request after request. */
  #process(): void {
    if (this.#isProcessing) return
    this.#isProcessing = true
    while (this.#phase === 'head' && this.#rest !== undefined) {
      if (this.#isRestLent) this.#copyRest()
      const bytes: Buffer = this.#rest
      const head = new RequestHead()
      const result = parseRequestHead(bytes, this.#at, bytes.length, this.engine.settings, head)
      if (result === INCOMPLETE) {
        if (this.#behind !== undefined) {
          this.#joinBehind()
          continue
        }
        // A partial head must not keep alive the large piece it came at the end of.
        if (this.#at > 0) {
          this.#rest = Buffer.from(bytes.subarray(this.#at))
          this.#at = 0
        }
        this.#armHead()
        break
      }
      if (result < 0) {
        this.#end(codecFault(result))
        break
      }
      this.#advance(bytes, result)
      this.#begin(head)
    }
    this.#isProcessing = false
    if (this.#rest !== undefined && this.#phase === 'answer') this.#pause()
  }

  #advance(bytes: Buffer, at: number): void {
    if (at === bytes.length) {
      this.#rest = this.#behind
      this.#isRestLent = this.#behind !== undefined
      this.#behind = undefined
      this.#at = 0
    } else this.#at = at
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
    const facts = engine.factsOf(head, this.peer, this.isTls, performance.now())
    this.#isHeadBegun = false
    this.deadline = Number.POSITIVE_INFINITY
    if (head.minor === 1 ? (head.connection & CLOSE) !== 0 : (head.connection & KEEP) === 0)
      this.isLast = true
    this.#missing = head.isChunked ? -1 : Math.max(0, head.contentLength)
    this.#phase = this.#missing === 0 ? 'answer' : 'body'
    this.#awaitsContinue = head.expectsContinue
    if (this.#missing !== 0) {
      if (head.isChunked) {
        this.#chunks ??= new ChunkedReader()
        this.#chunks.reset()
      }
      this.#measured = 0
      this.#heldMs = 0
      this.#heldSince = engine.deadlines.now
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
    if (this.#sink === undefined) {
      this.#heldMs += this.engine.deadlines.now - this.#heldSince
      this.#heldSince = Number.NaN
    }
    this.#sink = sink
    if (this.#rest !== undefined) {
      if (!this.#isFeeding) this.#feed()
    } else sink.onBodyPause()
    if (this.#sink !== undefined) this.#resume()
  }

  holdBody(): void {
    if (this.#sink !== undefined) this.#heldSince = this.engine.deadlines.now
    this.#sink = undefined
  }

  /** The visitor was told to go on with his body. */
  continued(): void {
    this.#awaitsContinue = false
    this.#measured = 0
    if (this.#phase === 'body') this.deadline = this.engine.deadlines.after(RATE_MS)
  }

  /** Gives what is there to the sink, until it wants no more. */
  #feed(): void {
    this.#isFeeding = true
    while (this.#sink !== undefined && this.#rest !== undefined && this.#phase === 'body') {
      const bytes = this.#rest
      if (this.#missing >= 0) {
        const end = Math.min(bytes.length, this.#at + this.#missing)
        const piece = this.#at === 0 && end === bytes.length ? bytes : bytes.subarray(this.#at, end)
        this.#missing -= piece.length
        this.#advance(bytes, end)
        if (this.#missing === 0) this.#phase = 'answer'
        this.#give(piece)
      } else {
        const chunks = this.#chunks!
        const at = chunks.read(bytes, this.#at, bytes.length)
        const { dataAt, dataEnd, state } = chunks
        this.#advance(bytes, at)
        if (state < 0) {
          this.#isFeeding = false
          this.#breakBody(codecFault(state))
          return
        }
        if (state === DONE) this.#phase = 'answer'
        this.#give(dataEnd > dataAt ? bytes.subarray(dataAt, dataEnd) : undefined)
      }
    }
    this.#isFeeding = false
    const sink = this.#sink
    if (sink && this.#phase === 'answer') this.#sink = undefined
    if (sink) sink.onBodyPause()
    if (this.#phase === 'body') {
      if (this.#sink === undefined) this.#pause()
      // The visitor has gone in the middle of it.
      else if (this.#isHalfClosed && this.#rest === undefined) this.#exchange?.abort()
    } else if (this.#phase === 'answer') {
      this.deadline = Number.POSITIVE_INFINITY
      if (this.#rest !== undefined) this.#pause()
    }
  }

  #give(piece: Buffer | undefined): void {
    const sink = this.#sink!
    if (piece && sink.onBody(piece) === HELD && this.#isBorrowing) this.#own?.giveAway()
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
    if (this.#phase === 'body' && this.#awaitsContinue && this.#measured === 0) this.isLast = true
    // The rest of the request is not waited for when it may be long.
    if (this.#phase === 'body' && (this.#missing < 0 || this.#missing > SMALL_REST_BYTES)) this.isLast = true
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
    if (this.#rest !== undefined) this.#process()
    else if (this.#isHalfClosed) this.#linger()
    if (this.#phase === 'head') this.#resume()
  }

  /** Throws away what is left of a small body, then goes on. */
  #discard(): void {
    while (this.#rest !== undefined && this.#phase === 'discard') {
      const bytes = this.#rest
      if (this.#missing >= 0) {
        const end = Math.min(bytes.length, this.#at + this.#missing)
        this.#missing -= end - this.#at
        this.#advance(bytes, end)
        if (this.#missing === 0) this.#next()
      } else {
        const chunks = this.#chunks!
        this.#advance(bytes, chunks.read(bytes, this.#at, bytes.length))
        if (chunks.state < 0) this.#linger()
        else if (chunks.state === DONE) this.#next()
      }
    }
  }

  /** Answers what is no request, and ends. */
  #end(fault: HeadFault): void {
    this.socket.write(this.engine.unreadable(fault, this.peer.address))
    this.#linger()
  }

  /**
   * Ends our side, discards what still arrives for a moment, then closes: a close while the visitor still sends
   * would reset the connection and destroy the answer on its way (RFC 9112, 9.6).
   */
  #linger(): void {
    this.#phase = 'linger'
    this.#rest = undefined
    this.#behind = undefined
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
        if (this.#sink !== undefined || this.#rest === undefined) this.#exchange?.abort()
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
    this.#rest = undefined
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
        if (this.#rest === undefined) this.socket.destroySoon()
        else this.#end({ code: 'HYDRA_REQUEST_TIMEOUT', reason: 'timeout' })
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
    if (this.#sink === undefined) {
      this.#heldMs += deadlines.now - this.#heldSince
      this.#heldSince = deadlines.now
    }
    const readyMs = RATE_MS - this.#heldMs
    const isSlow =
      !(this.#awaitsContinue && this.#measured === 0) &&
      readyMs > RATE_MS / 2 &&
      this.#measured < (settings.minBodyRate * readyMs) / 1000
    this.#measured = 0
    this.#heldMs = 0
    this.deadline = deadlines.after(RATE_MS)
    if (isSlow) this.#breakBody(SLOW_BODY)
  }

  /** HTTP is over here: all that comes is for whoever calls `switchTo`. */
  giveAway(): Pipe {
    this.#phase = 'away'
    this.engine.deadlines.delete(this)
    this.#pause()
    if (this.#isBorrowing) this.#own = new ReadBuffer(SMALL_BUFFER_BYTES)
    return this
  }

  switchTo(receiver: BytesReceiver): void {
    this.#receiver = receiver
    const rest = this.#rest?.subarray(this.#at)
    this.#rest = undefined
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

/** How many of the bytes to copy: a head when something other than heads stands behind it, else all. */
function firstHead(bytes: Buffer, count: number): number {
  // Nearly always: one request without a body. Nothing is looked for then.
  if (
    count < 4 ||
    (bytes[count - 1] === 0x0a &&
      bytes[count - 2] === 0x0d &&
      bytes[count - 3] === 0x0a &&
      bytes[count - 4] === 0x0d)
  ) {
    return count
  }
  const end = bytes.indexOf(HEAD_END) + HEAD_END.length
  return end >= HEAD_END.length && end < count ? end : count
}

function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from)
  bytes.copy(copy, 0, from, to)
  return copy
}

function slice(bytes: Buffer, from: number, to: number): Buffer {
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to)
}

function ignore(): void {}

/** Both sides have said goodbye: closes as soon as our last bytes have left. */
function whenEnded(socket: Socket): void {
  if (socket.writableFinished) socket.destroy()
  else socket.once('finish', () => socket.destroy())
}
