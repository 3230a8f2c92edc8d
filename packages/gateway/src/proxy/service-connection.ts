/**
 * One connection to an instance: sends requests one after the other, reads their answers, and knows whether the
 * next may be sent on it.
 *
 * Bytes are read into a buffer of the connection's own, again and again the same one. Whoever gets a slice must be
 * done with it when the call returns, or say HELD: then the buffer is given away and another one takes its place.
 *
 * @module
 */
import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { ChunkedReader, DONE } from '../http1/chunked.ts'
import { FAULTS } from '../http1/faults.ts'
import { CLOSE, type HeadLimits, KEEP, ResponseHead } from '../http1/head.ts'
import { INCOMPLETE } from '../http1/request-head.ts'
import { parseResponseHead } from '../http1/response-head.ts'
import type { Slab } from '../http1/slab.ts'
import type { Address } from '../routing/upstream.ts'
import type { BytesReceiver, Pipe } from './pipe.ts'
import { LARGE_BUFFER_BYTES, ReadBuffer, SMALL_BUFFER_BYTES, slice } from './read-buffer.ts'
import { ServiceOutput } from './service-output.ts'
import { HELD, type Taken } from './wire.ts'

/** Interim answers to one request; a service that sends more is broken, and would fill the memory. */
export const MOST_INTERIM = 100

/** Who is served by a connection now. */
export interface ConnectionUser {
  /** The method asked with: an answer to HEAD has no body. */
  readonly method: string
  onConnected(): void
  /** No connection came about. */
  onConnectError(cause: unknown): void
  /** An interim answer; 101 is none. Valid during the call. */
  onInterim(head: ResponseHead): void
  /** The head of the answer, valid during the call. `bodyBytes`: its length, 0 for none, -1 for unknown. */
  onAnswer(head: ResponseHead, bodyBytes: number): void
  onAnswerBody(bytes: Buffer): Taken
  /** The answer was whole; the connection is free when `isReusable`, and done otherwise. */
  onAnswerEnd(isReusable: boolean): void
  /** All that was at hand has been given. */
  onReadEnd(): void
  /** What came is no answer, or no end of one; the connection is destroyed by whoever hears this. */
  onGarbage(reason: string): void
  /** The connection ended before the answer did. */
  onBroken(cause: unknown): void
}

/** The pool of a connection. */
export interface ConnectionOwner {
  /** It closed while nobody used it, or after its user had left. */
  gone(connection: ServiceConnection): void
}

/** Nothing is being answered; the head of an answer, its body in three forms; what came after a switch. */
type Phase = 'connecting' | 'idle' | 'head' | 'length' | 'chunked' | 'until-close' | 'switched' | 'closed'

const NO_BYTES: Buffer = Buffer.alloc(0)
const ANSWER: Buffer = Buffer.from('HTTP/1.')

export class ServiceConnection implements Pipe {
  readonly socket: Socket
  /** Where requests are written. */
  readonly output: ServiceOutput
  user: ConnectionUser | undefined
  /** Requests sent on it so far. */
  requests = 0
  /** True once any byte came for the present request. */
  hasAnswered = false
  /** What the instance said of how long it keeps idle connections, s; -1 for nothing. */
  keepAliveSeconds = -1
  /** In the time of the deadlines: closed when it is idle for longer. */
  idleUntil = 0
  #phase: Phase = 'connecting'
  readonly #buffer = new ReadBuffer(LARGE_BUFFER_BYTES)
  #partial: Buffer | undefined = undefined
  readonly #head = new ResponseHead()
  readonly #limits: HeadLimits
  readonly #owner: ConnectionOwner
  #remaining = 0
  #chunks: ChunkedReader | undefined = undefined
  #mayReuse = false
  /** No more is read for now. */
  #isHeld = false
  /** Somebody still uses what was read last. */
  #isGivenAway = false
  #hasEnded = false
  #receiver: BytesReceiver | undefined = undefined
  #cause: unknown = undefined

  constructor(
    address: Address,
    limits: HeadLimits,
    slab: Slab,
    owner: ConnectionOwner,
    user: ConnectionUser,
  ) {
    this.#limits = limits
    this.#owner = owner
    this.user = user
    this.socket = open(address, {
      // Asked for before each read: what was given away is not read into again.
      buffer: () => this.#buffer.bytes,
      callback: (count, bytes) => this.#onRead(count, bytes as Buffer),
    })
    this.output = new ServiceOutput(slab, this.socket)
    this.socket.once(address.protocol === 'https' ? 'secureConnect' : 'connect', () => this.#onConnect())
    this.socket.on('error', (cause) => {
      this.#cause ??= cause
    })
    this.socket.once('end', () => this.#onEnd())
    this.socket.once('close', (hadError) => this.#onClose(hadError))
  }

  get isConnected(): boolean {
    return this.#phase !== 'connecting' && this.#phase !== 'closed'
  }

  get isClosed(): boolean {
    return this.#phase === 'closed' || this.socket.destroyed
  }

  /** A request is about to be written: what comes next is its answer. */
  begin(user: ConnectionUser): void {
    this.user = user
    this.requests++
    this.hasAnswered = false
    this.#phase = 'head'
    this.#mayReuse = false
  }

  /** The user is done with it. */
  leave(): void {
    this.user = undefined
  }

  destroy(): void {
    this.user = undefined
    this.socket.destroy()
  }

  /** Reads on after HELD. */
  resume(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.socket.resume()
  }

  /** Stops reading until `resume`: the visitor has not taken what was read so far. */
  hold(): void {
    this.#isHeld = true
  }

  /** After a 101: what came behind its head, and from now on all that comes, goes to a receiver. */
  switchTo(receiver: BytesReceiver): void {
    this.#receiver = receiver
    this.user = undefined
    this.#phase = 'switched'
    // It would keep the large buffer alive, which its bytes are a part of.
    this.#head.bytes = NO_BYTES
    // The next read goes into this one already.
    this.#buffer.resize(SMALL_BUFFER_BYTES)
  }

  #onConnect(): void {
    if (this.#phase !== 'connecting') return
    this.#phase = 'idle'
    this.user?.onConnected()
  }

  /** False stops the reading. */
  #onRead(count: number, bytes: Buffer): boolean {
    if (this.#phase === 'switched') {
      this.#give(bytes, 0, count)
      this.#buffer.grow(count)
    } else if (this.#phase === 'idle') {
      // Nobody asked: whatever it is, it must not stand before the next answer.
      this.destroy()
      return false
    } else {
      this.hasAnswered = true
      const { user } = this
      this.#read(bytes, count)
      // Only who was served before is told: the connection may serve another one by now.
      user?.onReadEnd()
    }
    if (this.#isGivenAway) {
      this.#isGivenAway = false
      if (this.#buffer.bytes === bytes) this.#buffer.giveAway()
    }
    return !this.#isHeld
  }

  #read(read: Buffer, count: number): void {
    let bytes = read
    let at = 0
    let end = count
    if (this.#partial) {
      bytes = Buffer.concat([this.#partial, read.subarray(0, count)])
      end = bytes.length
      this.#partial = undefined
    }
    while (this.#phase === 'head') {
      const result = parseResponseHead(bytes, at, end, this.#limits, this.#head)
      if (result === INCOMPLETE) {
        this.#partial = Buffer.from(bytes.subarray(at, end))
        return
      }
      if (result < 0) {
        this.#garbage(FAULTS[-result]!.word)
        return
      }
      at = result
      const { status } = this.#head
      if (status >= 100 && status < 200 && status !== 101) this.user?.onInterim(this.#head)
      else this.#beginAnswer(at === end)
      if (this.user === undefined && this.#receiver === undefined) return
      if (at === end && this.#phase === 'head') return
    }
    this.#give(bytes, at, end)
  }

  /** `isAll`: nothing came behind the head. */
  #beginAnswer(isAll: boolean): void {
    const head = this.#head
    const { status, connection, minor } = head
    const user = this.user!
    this.keepAliveSeconds = head.keepAliveSeconds
    this.#mayReuse = minor === 1 ? (connection & CLOSE) === 0 : (connection & KEEP) !== 0
    let bodyBytes = head.contentLength
    if (user.method === 'HEAD' || status === 204 || status === 304 || status === 101) {
      // A body where none may be may come all the same, and would stand before the next answer.
      if (status === 204 && (head.contentLength > 0 || head.isChunked)) this.#mayReuse = false
      if (status === 304 && head.isChunked) this.#mayReuse = false
      bodyBytes = 0
    } else if (head.isChunked) {
      this.#phase = 'chunked'
      this.#chunks ??= new ChunkedReader()
      this.#chunks.reset()
    } else if (bodyBytes < 0) {
      this.#phase = 'until-close'
      this.#mayReuse = false
    }
    if (this.#phase === 'head') {
      this.#phase = 'length'
      this.#remaining = bodyBytes
    }
    user.onAnswer(head, bodyBytes)
    if (this.user === undefined) return
    if (this.#phase === 'length' && this.#remaining === 0) this.#finish(isAll)
  }

  /** Passes on what is body, or what a receiver is there for. */
  #give(bytes: Buffer, from: number, end: number): void {
    let at = from
    switch (this.#phase) {
      case 'length': {
        if (at === end) return
        const count = Math.min(this.#remaining, end - at)
        // More than it said, and no answer of its own: the length was wrong, and what came of it would be taken for
        // the whole.
        if (at + count < end && !beginsAnswer(bytes, at + count, end)) {
          this.#garbage('surplus')
          return
        }
        this.#remaining -= count
        if (this.user!.onAnswerBody(slice(bytes, at, at + count)) === HELD) this.#giveAway()
        at += count
        if (this.#remaining === 0) this.#finish(at === end)
        return
      }
      case 'chunked': {
        const chunks = this.#chunks!
        while (at < end) {
          at = chunks.read(bytes, at, end)
          if (chunks.dataEnd > chunks.dataAt) {
            if (this.user?.onAnswerBody(slice(bytes, chunks.dataAt, chunks.dataEnd)) === HELD)
              this.#giveAway()
            if (this.user === undefined) return
          }
          if (chunks.state < 0) {
            this.#garbage(FAULTS[-chunks.state]!.word)
            return
          }
          if (chunks.state === DONE) {
            this.#finish(at === end)
            return
          }
        }
        return
      }
      case 'until-close':
        if (at < end && this.user!.onAnswerBody(slice(bytes, at, end)) === HELD) this.#giveAway()
        return
      case 'switched':
        if (at < end && this.#receiver!.onData(slice(bytes, at, end)) === HELD) this.#giveAway()
    }
  }

  #giveAway(): void {
    this.#isHeld = true
    this.#isGivenAway = true
  }

  /** `isClean` false: more came than the answer was long, so nothing here can be trusted any more. */
  #finish(isClean: boolean): void {
    const user = this.user!
    const isReusable = this.#mayReuse && isClean && !this.#hasEnded && this.socket.writableLength === 0
    this.#phase = isReusable ? 'idle' : 'closed'
    // Read on, whatever the visitor takes: an idle connection that closes must be noticed.
    this.#isHeld = false
    user.onAnswerEnd(isReusable)
  }

  #garbage(reason: string): void {
    this.user?.onGarbage(reason)
  }

  #onEnd(): void {
    this.#hasEnded = true
    if (this.#phase === 'switched') this.#receiver!.onEnd()
    else if (this.#phase === 'until-close' && this.user) {
      const { user } = this
      this.#finish(true)
      user.onReadEnd()
    } else this.socket.destroy()
  }

  #onClose(hadError: boolean): void {
    const { user } = this
    const phase = this.#phase
    this.#phase = 'closed'
    this.user = undefined
    if (phase === 'switched') this.#receiver!.onClose(hadError)
    else if (phase === 'connecting') user?.onConnectError(this.#cause ?? new Error('the connection closed'))
    else user?.onBroken(this.#cause ?? new Error('the connection closed'))
    this.#owner.gone(this)
  }
}

/** Whether another answer seems to begin there. It will never be served: nobody asked. */
function beginsAnswer(bytes: Buffer, from: number, end: number): boolean {
  for (let i = 0; i < ANSWER.length && from + i < end; i++) if (bytes[from + i] !== ANSWER[i]) return false
  return true
}

/** What `onread` of `net.connect` takes. */
interface OnRead {
  readonly buffer: () => Buffer
  readonly callback: (count: number, bytes: Uint8Array) => boolean
}

function open(address: Address, onread: OnRead): Socket {
  const { host, port, socketPath } = address
  if (socketPath !== undefined) return connect({ path: socketPath, allowHalfOpen: true, onread })
  const common = { host, port, noDelay: true, allowHalfOpen: true, onread }
  if (address.protocol === 'http') return connect(common)
  const { serverName, ca, verify } = address
  const name = serverName ?? (isIP(host) ? undefined : host)
  const options = {
    ...common,
    ALPNProtocols: ['http/1.1'],
    ...(name === undefined ? {} : { servername: name }),
    ...(ca === undefined ? {} : { ca }),
    rejectUnauthorized: verify !== false,
  }
  return connectTls(options as unknown as ConnectionOptions)
}
