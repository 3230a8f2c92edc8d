/**
 * One try to have an exchange served by one instance, on `node:http`: streams the request out and the answer
 * back, and knows at every moment how much of it can be undone.
 *
 * @module
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Vitals } from '../routing/vitals.ts'
import { blame } from './blame.ts'
import type { Waiting } from './deadlines.ts'
import type { ForwardFailure } from './exchange.ts'
import { connectFailure, streamFailure } from './failure.ts'
import type { Engine } from './forward.ts'
import { headerLines } from './header-lines.ts'
import { answerHeaders, requestHeaders } from './headers.ts'
import { isIdempotent, isSafe } from './methods.ts'
import type { NodeExchange } from './node-exchange.ts'
import type { Pool } from './pool.ts'

/** What is being waited for. */
type Phase = 'queue' | 'connect' | 'send' | 'head' | 'answer' | 'done'

/** Interim answers to one request; a service that sends more is broken, and would fill the memory. */
const MOST_INTERIM = 100

/** Bodies of answers nobody wants that are read to keep the connection. */
const SMALL_ANSWER_BYTES = 64 * 1024

export class Attempt implements Waiting {
  deadline = Number.POSITIVE_INFINITY
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly #engine: Engine
  readonly #exchange: NodeExchange
  readonly #route: Route
  readonly #instance: Instance
  readonly #pool: Pool
  readonly #vitals: Vitals
  readonly #resolve: (failure: ForwardFailure | undefined) => void
  readonly #maxBodyBytes: number
  #phase: Phase = 'queue'
  #request: ClientRequest | undefined = undefined
  #answer: IncomingMessage | undefined = undefined
  #target: string
  #isRetry = false
  #isOtherwise = false
  /** Bytes the socket had received before this request, to tell a dead connection from a broken answer. */
  #bytesBefore = 0
  #bodyBytes = 0
  /** From here on the service may act on the request. */
  #isHeadOut = false
  #isBodySent: boolean
  /** The service does not take our bytes, or the visitor theirs. */
  #isBlocked = false
  /** Bytes of the answer that are still to come, when its length is known. */
  #missing = Number.NaN
  #isStream = false
  /** Interim answers so far. */
  #interim = 0

  constructor(
    engine: Engine,
    exchange: NodeExchange,
    route: Route,
    instance: Instance,
    pool: Pool,
    resolve: (failure: ForwardFailure | undefined) => void,
  ) {
    this.#engine = engine
    this.#exchange = exchange
    this.#route = route
    this.#instance = instance
    this.#pool = pool
    this.#resolve = resolve
    this.#maxBodyBytes = route.maxBodyBytes ?? engine.settings.maxBodyBytes
    this.#target = (route.to ?? exchange.path) + exchange.query
    this.#isBodySent = !exchange.hasBody
    this.#vitals = engine.vitals.of(instance.id)
    this.#vitals.inFlight++
    this.#vitals.requests++
    engine.deadlines.add(this)
  }

  start(): void {
    const length = Number(this.#exchange.headers.get('content-length') ?? 0)
    if (length > this.#maxBodyBytes) {
      this.#fail({ code: 'HYDRA_TOO_LARGE', reason: 'body-size', refused: false, nothingSent: true })
      return
    }
    if (!this.#pool.hasRoom) {
      this.#fail({ code: 'HYDRA_OVERLOADED', reason: 'queue-full', refused: false, nothingSent: true })
      return
    }
    // Whatever ends the exchange, the service need not go on with it.
    this.#exchange.onEnd(() => this.#phase !== 'done' && this.#settle(undefined))
    if (this.#phase !== 'done') this.#send()
  }

  #send(): void {
    const { settings, deadlines } = this.#engine
    let request: ClientRequest
    try {
      const headers = requestHeaders(this.#exchange, this.#instance)
      request = this.#pool.request({ method: this.#exchange.method, path: this.#target, headers })
    } catch (cause) {
      this.#fail({
        code: 'HYDRA_UPSTREAM_BROKEN',
        reason: 'unsendable',
        refused: false,
        nothingSent: true,
        cause,
      })
      return
    }
    this.#request = request
    this.#phase = 'queue'
    this.deadline = deadlines.after(this.#route.timeoutMs ?? settings.headTimeoutMs)
    const isCurrent = () => this.#request === request && this.#phase !== 'done'
    request.on('error', (error) => isCurrent() && this.#onError(error))
    request.once('socket', (socket) => isCurrent() && this.#onSocket(request, socket))
    request.once('response', (answer) => (isCurrent() ? this.#onAnswer(answer) : answer.on('error', ignore)))
    request.on('information', ({ statusCode, rawHeaders }) => {
      if (!isCurrent()) return
      if (++this.#interim > MOST_INTERIM) this.#onGarbage('too-many-interim')
      // Nothing is lost with an interim answer: one the visitor has no room for is left out.
      else if (!this.#exchange.outgoing.writableNeedDrain)
        this.#exchange.inform(statusCode, informed(rawHeaders))
    })
    request.once('close', () => {
      if (isCurrent() && !this.#answer) this.#onError(new Error('the connection closed'))
    })
    // Without a body the whole request can wait in the socket: nothing of it leaves before it is connected.
    if (this.#isBodySent) request.end()
  }

  #onSocket(request: ClientRequest, socket: Socket): void {
    this.#bytesBefore = request.reusedSocket ? socket.bytesRead : 0
    const isTls = this.#pool.address.protocol === 'https'
    if (!socket.connecting && (request.reusedSocket || !isTls)) {
      this.#onConnected(request)
      return
    }
    this.#phase = 'connect'
    this.deadline = this.#engine.deadlines.after(this.#engine.settings.connectTimeoutMs)
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      if (this.#request === request && this.#phase === 'connect') this.#onConnected(request)
    })
  }

  #onConnected(request: ClientRequest): void {
    if (!request.reusedSocket) this.#engine.vitals.revive(this.#instance.id)
    if (this.#isBodySent) {
      this.#isHeadOut = true
      this.#awaitHead()
      return
    }
    this.#phase = 'send'
    this.#touch()
    const { incoming } = this.#exchange
    incoming.on('data', this.#onBodyChunk)
    incoming.once('end', this.#onBodyEnd)
    request.on('drain', this.#onUpstreamDrain)
    // An attempt before this one may have left it paused.
    incoming.resume()
    // A visitor who waits for an answer to the head alone (100-continue, a slow start) gets one.
    setImmediate(() => {
      if (this.#request !== request || this.#phase !== 'send' || this.#isHeadOut) return
      this.#isHeadOut = true
      request.flushHeaders()
    })
  }

  readonly #onBodyChunk = (chunk: Buffer): void => {
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > this.#maxBodyBytes) {
      this.#fail({ code: 'HYDRA_TOO_LARGE', reason: 'body-size', refused: false, nothingSent: false })
      return
    }
    this.#touch()
    this.#isHeadOut = true
    if (!this.#request!.write(chunk)) {
      this.#isBlocked = true
      this.#exchange.incoming.pause()
    }
  }

  readonly #onUpstreamDrain = (): void => {
    this.#isBlocked = false
    this.#touch()
    if (!this.#isBodySent) this.#exchange.incoming.resume()
  }

  readonly #onBodyEnd = (): void => {
    this.#isBodySent = true
    this.#isBlocked = false
    this.#isHeadOut = true
    this.#request!.end()
    if (this.#phase === 'send') this.#awaitHead()
  }

  #awaitHead(): void {
    this.#phase = 'head'
    const { deadlines, settings } = this.#engine
    this.deadline = deadlines.after(this.#route.timeoutMs ?? settings.headTimeoutMs)
  }

  #onAnswer(answer: IncomingMessage): void {
    answer.on('error', ignore)
    const { method } = this.#exchange
    const status = answer.statusCode!
    const lines = headerLines(answer.rawHeaders)
    const codings = lines.all('transfer-encoding')
    // node:http undoes chunked and nothing else; another coding would be passed on without its name.
    if (codings.length > 0 && codings.join().toLowerCase() !== 'chunked') {
      this.#onGarbage('transfer-encoding')
      return
    }
    // Nobody asked for another protocol, and the visitor would wait for it on a connection that has none.
    if (status === 101 || answer.httpVersionMajor !== 1) {
      this.#onGarbage('protocol')
      return
    }
    const { otherwise } = this.#route
    if (status === 404 && otherwise !== undefined && !this.#isOtherwise && isSafe(method)) {
      this.#isOtherwise = true
      this.#target = otherwise + this.#exchange.query
      this.#discard(answer, lines.get('content-length'))
      this.#send()
      return
    }

    this.#answer = answer
    this.#phase = 'answer'
    this.#isStream = isEventStream(lines.get('content-type'))
    this.#exchange.instance = this.#instance
    try {
      this.#engine.onHead(this.#exchange, status, lines)
      const flat = answerHeaders(lines, status, this.#instance.channel)
      this.#exchange.sendHead(status, answer.statusMessage || undefined, flat)
    } catch (cause) {
      this.#onGarbage('head', cause)
      return
    }
    this.#touch()
    this.#relay(answer, Number(lines.get('content-length') ?? Number.NaN))
  }

  /** Streams the answer's body; the head is written with its first bytes, or alone when there are none yet. */
  #relay(answer: IncomingMessage, length: number): void {
    const { outgoing, method } = this.#exchange
    const status = answer.statusCode!
    const isBodiless = method === 'HEAD' || status === 204 || status === 304
    this.#missing = isBodiless ? 0 : length
    if (this.#missing === 0) this.#finish()
    let begun = false
    answer.on('data', (chunk: Buffer) => {
      if (this.#phase === 'done') return
      begun = true
      this.#missing -= chunk.length
      if (this.#missing === 0) {
        this.#finish(chunk)
        return
      }
      this.#touch()
      if (!outgoing.write(chunk)) {
        this.#isBlocked = true
        answer.pause()
      }
    })
    outgoing.on('drain', () => {
      this.#isBlocked = false
      this.#touch()
      answer.resume()
    })
    answer.once('end', () => answer.complete && this.#finish())
    answer.once('close', () => this.#phase !== 'done' && this.#onError(new Error('the answer was cut')))
    process.nextTick(() => begun || this.#phase === 'done' || outgoing.flushHeaders())
  }

  /** The answer is whole. */
  #finish(lastChunk?: Buffer): void {
    if (this.#phase === 'done') return
    if (lastChunk) this.#exchange.endWith(lastChunk)
    else this.#exchange.outgoing.end()
    this.#settle(undefined)
  }

  #discard(answer: IncomingMessage, length: string | undefined): void {
    if (Number(length ?? Number.POSITIVE_INFINITY) <= SMALL_ANSWER_BYTES) answer.resume()
    else answer.destroy()
  }

  #onGarbage(reason: string, cause?: unknown): void {
    this.#fail({ code: 'HYDRA_UPSTREAM_BROKEN', reason, refused: false, nothingSent: false, cause })
  }

  #onError(cause: Error): void {
    const request = this.#request!
    if (!request.reusedSocket && (this.#phase === 'queue' || this.#phase === 'connect')) {
      this.#fail(connectFailure(cause))
      return
    }
    const isStale = request.reusedSocket && !this.#answer && request.socket?.bytesRead === this.#bytesBefore
    // An idle connection may die while our request is on its way. Asking again on a new one is allowed for
    // what may be repeated (RFC 9110, 9.2.2); anything else may have been done already.
    const mayRepeat = !this.#isHeadOut || (isIdempotent(this.#exchange.method) && this.#bodyBytes === 0)
    if (isStale && !this.#isRetry && mayRepeat) {
      this.#isRetry = true
      this.#isHeadOut = false
      this.#stopBody()
      this.#pool.dropIdle()
      this.#engine.metrics.retried(this.#instance.service)
      this.#send()
      return
    }
    this.#fail({ ...streamFailure(cause, isStale), nothingSent: !this.#isHeadOut })
  }

  expire(): void {
    const timeout = { code: 'HYDRA_UPSTREAM_TIMEOUT', refused: false, nothingSent: false } as const
    if (this.#phase === 'queue') {
      this.#fail({ code: 'HYDRA_OVERLOADED', reason: 'queue-timeout', refused: false, nothingSent: true })
    } else if (this.#phase === 'connect') {
      this.#fail({ ...timeout, reason: 'connect-timeout', refused: true, nothingSent: true })
    } else if (this.#phase === 'head') {
      this.#fail({ ...timeout, reason: 'head-timeout' })
    } else if (this.#phase === 'answer') {
      this.#fail({ ...timeout, reason: this.#isBlocked ? 'visitor-idle' : 'answer-idle' })
    } else if (this.#isBlocked) {
      this.#fail({ ...timeout, reason: 'send-timeout' })
    } else {
      this.#exchange.isBodyLost = true
      this.#fail({ ...timeout, code: 'HYDRA_REQUEST_TIMEOUT', reason: 'request-idle' })
    }
  }

  #touch(): void {
    if (this.#phase === 'answer' && this.#isStream) this.deadline = Number.POSITIVE_INFINITY
    else this.deadline = this.#engine.deadlines.after(this.#engine.settings.idleTimeoutMs)
  }

  #fail(failure: Omit<ForwardFailure, 'bodyConsumed'>): void {
    if (this.#phase === 'done') return
    const { code, reason } = failure
    const isOurs = code === 'HYDRA_TOO_LARGE' || code === 'HYDRA_REQUEST_TIMEOUT' || reason === 'visitor-idle'
    if (!isOurs) blame(this.#engine, this.#exchange, this.#instance, this.#vitals, failure)
    // What has begun can't be taken back: it is cut, so that nobody takes it for the whole.
    const isCut = this.#exchange.answered
    this.#settle(isCut ? undefined : { ...failure, bodyConsumed: this.#bodyBytes > 0 })
    if (isCut) this.#exchange.abort()
  }

  /** The only way out: counts down once, whatever happened. */
  #settle(failure: ForwardFailure | undefined): void {
    if (this.#phase === 'done') return
    const isWhole = this.#phase === 'answer' && failure === undefined && this.#isBodySent
    this.#phase = 'done'
    this.#vitals.inFlight--
    this.#engine.deadlines.delete(this)
    this.#stopBody()
    // An answer that arrived whole leaves its connection to the next request; anything else ends it.
    if (!isWhole || !this.#isReadToEnd()) this.#request?.destroy()
    this.#resolve(failure)
  }

  #isReadToEnd(): boolean {
    return this.#answer?.complete === true || this.#missing === 0
  }

  #stopBody(): void {
    if (!this.#exchange.hasBody) return
    const { incoming } = this.#exchange
    incoming.off('data', this.#onBodyChunk)
    incoming.off('end', this.#onBodyEnd)
    if (!this.#isBodySent) incoming.pause()
  }
}

function isEventStream(contentType: string | undefined): boolean {
  return contentType?.trimStart().toLowerCase().startsWith('text/event-stream') ?? false
}

/** Interim answers carry links and the like; what belongs to the connection stays here. */
function informed(rawHeaders: readonly string[]): string[] {
  return answerHeaders(headerLines(rawHeaders), 103, 'static')
}

function ignore(): void {}
