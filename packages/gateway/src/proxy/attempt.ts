/**
 * One try to have an exchange served by one instance: sends the request out and the answer back, and knows at
 * every moment how much of it can be undone.
 *
 * ```
 * ┌─→ queue ─── none is kept ──→ connect ─→ send ─→ head ─→ answer ─→ done
 * │     └────── one is free ──────────────────↗│       │
 * └───────────────── once more ────────────────┴───────┘
 *
 * once more: a kept connection was dead and the request may be repeated, or a 404 sends it to another place
 * anything ─→ done: failure, the visitor left, or a WebSocket was agreed to
 * ```
 *
 * @module
 */
import { type ResponseHead, SWITCH } from '../http1/head.ts'
import { CONTENT_TYPE, HYDRA_COMPOSE } from '../http1/names.ts'
import type { Caller } from '../identity/port.ts'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import { countAnswer, type Vitals } from '../routing/vitals.ts'
import { blame } from './blame.ts'
import type { AnswerSink, Composition } from './composition.ts'
import type { Waiting } from './deadlines.ts'
import { discardAnswer } from './discarder.ts'
import type { Exchange, ForwardFailure } from './exchange.ts'
import { connectFailure, streamFailure } from './failure.ts'
import type { Engine } from './forward.ts'
import { linesOf, linesOfFlat } from './lines-of.ts'
import { isIdempotent, isSafe } from './methods.ts'
import type { Pool, PoolUser } from './pool.ts'
import type { ServiceConnection } from './service-connection.ts'
import { mayAskSignIn, SIGNED_OUT_CODE, SIGNED_OUT_REASON } from './service-sign-in.ts'
import { keptSetCookies } from './set-cookie.ts'
import { whenFlushed } from './when-flushed.ts'
import { type BodySink, SENT, type Taken } from './wire.ts'
import type { WireExchange } from './wire-exchange.ts'

/** What is being waited for. */
type Phase = 'queue' | 'connect' | 'send' | 'head' | 'answer' | 'done'

/** Interim answers to one request; a service that sends more is broken, and would fill the memory. */
const MOST_INTERIM = 100

export class Attempt implements Waiting, PoolUser, BodySink {
  deadline = Number.POSITIVE_INFINITY
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly method: string
  readonly isUpload: boolean
  isUploading = false
  readonly #engine: Engine
  readonly #exchange: WireExchange
  readonly #route: Route
  readonly #instance: Instance
  readonly #pool: Pool
  readonly #vitals: Vitals
  readonly #onFailure: (exchange: Exchange, failure: ForwardFailure) => void
  readonly #maxBodyBytes: number
  #phase: Phase = 'queue'
  #connection: ServiceConnection | undefined = undefined
  /** Undefined: as the visitor wrote it. */
  #target: string | undefined
  /** The connection had served before: it may be dead without our knowing. */
  #isReused = false
  #isRetry = false
  #isOtherwise = false
  #bodyBytes = 0
  /** `#send` is at work, and flushes or drops what it joined. */
  #isSending = false
  /** The visitor waits for the service to say that he may go on. */
  #awaitsContinue = false
  #isBodySent: boolean
  /** The service does not take our bytes, or the visitor theirs. */
  #isBlocked = false
  #isStream = false
  #interim = 0
  /** When the last of an upload was sent. */
  #uploadedAt = 0
  /** Takes the answer's body: the exchange, or a composition in front of it. */
  #sink: AnswerSink
  #composition: Composition | undefined = undefined

  constructor(
    engine: Engine,
    exchange: WireExchange,
    route: Route,
    instance: Instance,
    pool: Pool,
    onFailure: (exchange: Exchange, failure: ForwardFailure) => void,
  ) {
    this.method = exchange.method
    this.isUpload = exchange.hasBody && !exchange.isBodyWhole
    this.#engine = engine
    this.#exchange = exchange
    this.#sink = exchange
    this.#route = route
    this.#instance = instance
    this.#pool = pool
    this.#onFailure = onFailure
    this.#maxBodyBytes = route.maxBodyBytes ?? engine.settings.maxBodyBytes
    this.#target =
      route.to === undefined && exchange.isTargetCanonical
        ? undefined
        : (route.to ?? exchange.path) + exchange.query
    this.#isBodySent = !exchange.hasBody
    this.#vitals = engine.vitals.of(instance.id)
    this.#vitals.inFlight++
    this.#vitals.requests++
    engine.deadlines.add(this)
  }

  start(): void {
    const exchange = this.#exchange
    if (exchange.head.contentLength > this.#maxBodyBytes) {
      this.#fail('HYDRA_TOO_LARGE', 'body-size', false, true)
      return
    }
    if (!this.#pool.hasRoom(this.isUpload)) {
      this.#fail('HYDRA_OVERLOADED', 'queue-full', false, true)
      return
    }
    exchange.attempt = this
    // Conditions of other methods are about what they do (RFC 9110, 13.2.1), not about a copy of the page.
    const { composer } = this.#engine
    exchange.wantsWhole = composer?.wantsWhole(exchange, this.#route) === true && isSafe(this.method)
    this.#begin()
  }

  /** Whose event stream it carries. */
  get caller(): Caller | undefined {
    return this.#exchange.caller
  }

  /** The stream is not the visitor's any more: it is cut, and where they ask again they are told why. */
  cut(): void {
    this.#exchange.abort()
  }

  /** The visitor left, or the exchange ended some other way: the service need not go on with it. */
  leave(): void {
    this.#composition?.cancel()
    this.#settle(false)
  }

  #begin(): void {
    this.#phase = 'queue'
    this.deadline = this.#headDeadline()
    if (this.#exchange.isUpgrade) {
      this.onConnecting(this.#pool.openAlone(this))
      return
    }
    const connection = this.#pool.acquire(this)
    if (connection) this.onConnection(connection)
  }

  onConnection(connection: ServiceConnection): void {
    this.#connection = connection
    this.#isReused = connection.requests > 0
    this.#send(connection)
  }

  onConnecting(connection: ServiceConnection): void {
    this.#connection = connection
    this.#isReused = false
    this.#phase = 'connect'
    this.deadline = this.#engine.deadlines.after(this.#engine.settings.connectTimeoutMs)
  }

  onConnected(): void {
    this.#engine.vitals.revive(this.#instance.id)
    this.#send(this.#connection!)
  }

  onConnectError(cause: unknown): void {
    this.#connection = undefined
    const { code, reason, refused, nothingSent } = connectFailure(cause)
    this.#fail(code, reason, refused, nothingSent, cause)
  }

  /** Writes the head, with the body or what is there of it. */
  #send(connection: ServiceConnection): void {
    const exchange = this.#exchange
    const { output } = connection
    connection.begin(this)
    this.#isSending = true
    try {
      output.head(exchange, this.#instance, this.#target)
    } catch (cause) {
      this.#isSending = false
      this.#fail('HYDRA_UPSTREAM_BROKEN', 'unsendable', false, true, cause)
      return
    }
    exchange.sentAt = performance.now()
    this.#phase = 'send'
    // An empty body in chunks may have been read when this is not the first try: its end is said again.
    if (exchange.hasBody && exchange.isBodyWhole) {
      this.#isBodySent = true
      if (exchange.head.isChunked) output.lastChunk()
    }
    if (this.#isBodySent) this.#awaitHead()
    else {
      this.#touch()
      // It is for the service to make up its mind; the visitor is not slow meanwhile.
      this.#awaitsContinue = exchange.head.expectsContinue && this.#bodyBytes === 0
      if (this.#awaitsContinue) this.deadline = this.#headDeadline()
      exchange.readBody(this)
    }
    this.#isSending = false
    // The attempt may be over by now, but for what it joined.
    if (this.#isOver) output.drop()
    else output.flush()
  }

  onBody(bytes: Buffer): Taken {
    const connection = this.#connection
    if (this.#phase === 'done' || !connection) return SENT
    this.#awaitsContinue = false
    this.#bodyBytes += bytes.length
    if (this.#bodyBytes > this.#maxBodyBytes) {
      this.#fail('HYDRA_TOO_LARGE', 'body-size', false, !connection.output.isHeadOut)
      return SENT
    }
    if (this.#phase === 'send') this.#touch()
    return connection.output.piece(bytes, this.#exchange.head.isChunked)
  }

  onBodyEnd(): void {
    const connection = this.#connection
    if (this.#phase === 'done' || !connection) return
    this.#isBodySent = true
    this.#pool.uploaded(this)
    if (this.#exchange.head.isChunked) connection.output.lastChunk()
    this.#uploadedAt = performance.now()
    if (this.#phase === 'send') this.#awaitHead()
  }

  onBodyPause(): void {
    const connection = this.#connection
    if (this.#phase === 'done' || !connection) return
    connection.output.flush()
    if (connection.socket.writableLength === 0 || this.#isBodySent) return
    if (this.#phase === 'send') this.#isBlocked = true
    this.#exchange.holdBody()
    whenFlushed(connection.socket, () => {
      if (this.#connection !== connection || this.#phase === 'done') return
      if (this.#phase === 'send') {
        this.#isBlocked = false
        this.#touch()
      }
      this.#exchange.readBody(this)
    })
  }

  #awaitHead(): void {
    this.#phase = 'head'
    this.#isBlocked = false
    this.deadline = this.#headDeadline()
  }

  #headDeadline(): number {
    const { deadlines, settings } = this.#engine
    return deadlines.after(this.#route.timeoutMs ?? settings.headTimeoutMs)
  }

  onInterim(head: ResponseHead): void {
    if (++this.#interim > MOST_INTERIM) this.onGarbage('too-many-interim')
    // Nothing is lost with an interim answer: one the visitor has no room for is left out.
    else if (!this.#exchange.isBlocked) this.#exchange.inform(head.status, head)
    if (head.status !== 100 || !this.#awaitsContinue) return
    this.#awaitsContinue = false
    this.#touch()
  }

  onAnswer(head: ResponseHead, bodyBytes: number): void {
    const exchange = this.#exchange
    const { status } = head
    if (status === 101) {
      // Nobody asked for another protocol, and the visitor would wait for it on a connection that has none.
      const isAgreed = (head.connection & SWITCH) !== 0 && head.get('upgrade')?.toLowerCase() === 'websocket'
      if (exchange.isUpgrade && isAgreed) this.#switch(head)
      else this.onGarbage('protocol')
      return
    }
    const { otherwise } = this.#route
    // Bodies are for one place.
    const mayAskOtherwise = !this.#isOtherwise && isSafe(this.method) && !exchange.hasBody
    if (status === 404 && otherwise !== undefined && mayAskOtherwise) {
      this.#askOtherwise(otherwise, bodyBytes)
      return
    }
    if (this.#engine.signIn !== undefined && mayAskSignIn(status)) {
      const location = this.#engine.signIn.wishOf(exchange, status, linesOf(head))
      if (location !== undefined) {
        this.#toSignIn(location, head, bodyBytes)
        return
      }
    }
    const wantsCompose = this.#mayCompose && this.#wantsCompose(head)
    if (wantsCompose && isPart(status) && this.#isAboutPage(head)) {
      exchange.wantsWhole = true
      this.#askAgain(bodyBytes)
      return
    }
    exchange.headAt = performance.now()
    this.#phase = 'answer'
    this.#isStream = isEventStream(head)
    countAnswer(this.#vitals, status, this.#isSlow(exchange.headAt))
    if (this.#isStream) {
      exchange.watchPeer()
      if (exchange.caller !== undefined) this.#engine.streams.add(this)
    }
    exchange.instance = this.#instance
    try {
      this.#engine.watchCookies(exchange, this.#instance.service, head)
      if (wantsCompose) this.#compose(head, bodyBytes)
      if (this.#composition === undefined) {
        this.#engine.onHead(exchange, status, linesOf(head))
        exchange.relayHead(head, bodyBytes, this.#instance)
      }
    } catch (cause) {
      this.#fail('HYDRA_UPSTREAM_BROKEN', 'head', false, false, cause)
      return
    }
    this.#touch()
  }

  /** The service agreed to a WebSocket: from here on both connections belong to a splice. */
  #switch(head: ResponseHead): void {
    const engine = this.#engine
    const exchange = this.#exchange
    const { id, service } = this.#instance
    exchange.instance = this.#instance
    try {
      engine.watchCookies(exchange, service, head)
      engine.onHead(exchange, 101, linesOf(head))
    } catch (cause) {
      this.#fail('HYDRA_UPSTREAM_BROKEN', 'head', false, false, cause)
      return
    }
    exchange.attempt = undefined
    const connection = this.#connection!
    const vitals = this.#vitals
    countAnswer(vitals, 101, false)
    this.#phase = 'done'
    this.#connection = undefined
    engine.deadlines.delete(this)
    const visitor = exchange.switchProtocols(head, this.#instance)
    const onClosed = engine.onSocket?.(exchange)
    const splice = engine.splices.open({
      visitor,
      service: connection,
      about: {
        exchange: exchange.id,
        service,
        instance: id,
        visitor: exchange.visitor,
        caller: exchange.caller,
      },
      onClose() {
        vitals.inFlight--
        onClosed?.()
        engine.metrics.websocketClosed()
      },
    })
    engine.metrics.websocketOpened()
    splice.begin()
    // Signed out while the service made up its mind: when sockets were closed, this one was none yet.
    const { caller } = exchange
    if (caller !== undefined && engine.signIn?.isOver(caller))
      queueMicrotask(() => splice.end(SIGNED_OUT_CODE, SIGNED_OUT_REASON))
  }

  /** The service wants the visitor to sign in: he gets its cookies and our way there, and nothing else of its answer. */
  #toSignIn(location: string, head: ResponseHead, bodyBytes: number): void {
    const engine = this.#engine
    const exchange = this.#exchange
    exchange.headAt = performance.now()
    countAnswer(this.#vitals, head.status, this.#isSlow(exchange.headAt))
    exchange.instance = this.#instance
    engine.watchCookies(exchange, this.#instance.service, head)
    const flat = ['Location', location, 'Cache-Control', 'no-store', 'Vary', 'Cookie, Accept, Sec-Fetch-Mode']
    for (const cookie of keptSetCookies(head, this.#instance)) flat.push('Set-Cookie', cookie)
    try {
      engine.onHead(exchange, 303, linesOfFlat(flat))
    } catch (cause) {
      this.#fail('HYDRA_UPSTREAM_BROKEN', 'head', false, false, cause)
      return
    }
    const connection = this.#connection!
    this.#connection = undefined
    if (this.#isBodySent) discardAnswer(this.method, bodyBytes, this.#pool, connection, engine.deadlines)
    else connection.destroy()
    exchange.attempt = undefined
    this.#settle(false)
    exchange.ownHead(303, flat, 0)
    exchange.finish()
    // The exchange ends with this, and the next request of the visitor may begin.
    exchange.flush()
  }

  onAnswerBody(bytes: Buffer): Taken {
    if (this.#phase !== 'answer') return SENT
    this.#touch()
    return this.#sink.write(bytes)
  }

  onAnswerEnd(isReusable: boolean): void {
    if (this.#phase !== 'answer') return
    const exchange = this.#exchange
    const sink = this.#sink
    sink.finish()
    exchange.attempt = undefined
    this.#settle(isReusable)
    // The exchange may end with this, and the next request of the visitor begin.
    sink.flush()
  }

  onReadEnd(): void {
    if (this.#phase !== 'answer') return
    const sink = this.#sink
    sink.flush()
    if (sink.isBlocked) this.#waitForVisitor()
    // A page is read ahead while the visitor still takes its beginning.
    else if (this.#composition) this.#connection?.resume()
  }

  /** The visitor does not take what was read so far: nothing more is read. */
  #waitForVisitor(): void {
    const connection = this.#connection
    if (this.#phase !== 'answer' || !connection) return
    connection.hold()
    this.#isBlocked = true
    this.#touch()
    this.#sink.onDrain = () => this.#onVisitorDrain()
  }

  #onVisitorDrain(): void {
    if (this.#phase !== 'answer') return
    this.#isBlocked = false
    this.#touch()
    this.#connection?.resume()
  }

  /**
   * Whether the service took its time. Uploads take the visitor's; event streams may begin with their first event; and
   * a route that asks for more patience than others is one on which waiting is usual.
   */
  #isSlow(headAt: number): boolean {
    const { vitals, settings } = this.#engine
    if (headAt - this.#exchange.sentAt <= vitals.slowMs) return false
    const isPatient = (this.#route.timeoutMs ?? 0) > settings.headTimeoutMs
    if (isPatient || this.#isStream || !this.#isBodySent) return false
    return headAt - this.#uploadedAt > vitals.slowMs
  }

  get #mayCompose(): boolean {
    return this.#engine.composer !== undefined
  }

  #wantsCompose(head: ResponseHead): boolean {
    const { compose, hold } = this.#route
    return compose === true || hold === true || head.find(HYDRA_COMPOSE) >= 0
  }

  #isAboutPage(head: ResponseHead): boolean {
    const exchange = this.#exchange
    if (exchange.wantsWhole || exchange.hasBody || !isSafe(this.method)) return false
    return this.#engine.composer!.isPartOfPage(exchange, this.#route, head)
  }

  #compose(head: ResponseHead, bodyBytes: number): void {
    const { composer } = this.#engine
    this.#composition = composer!.compose(this.#exchange, this.#route, this.#instance, head, bodyBytes)
    if (this.#composition) this.#sink = this.#composition
  }

  /** The first place has nothing: the route names another one, at the same instance. */
  #askOtherwise(otherwise: string, bodyBytes: number): void {
    this.#isOtherwise = true
    this.#target = otherwise + this.#exchange.query
    this.#askAgain(bodyBytes)
  }

  /** This answer is not the one: the same instance is asked once more. */
  #askAgain(bodyBytes: number): void {
    const connection = this.#connection!
    this.#connection = undefined
    discardAnswer(this.method, bodyBytes, this.#pool, connection, this.#engine.deadlines)
    this.#begin()
  }

  onGarbage(reason: string): void {
    this.#fail('HYDRA_UPSTREAM_BROKEN', reason, false, false)
  }

  onBroken(cause: unknown): void {
    const connection = this.#connection
    if (this.#phase === 'done' || !connection) return
    const isStale = this.#isReused && !connection.hasAnswered
    // An idle connection may die while our request is on its way. Asking again on a new one is allowed for
    // what may be repeated (RFC 9110, 9.2.2); anything else may have been done already.
    const { isHeadOut } = connection.output
    const mayRepeat = !isHeadOut || (isIdempotent(this.method) && this.#bodyBytes === 0)
    if (isStale && !this.#isRetry && mayRepeat) {
      this.#isRetry = true
      this.#connection = undefined
      if (!this.#isBodySent) this.#exchange.holdBody()
      this.#pool.dropIdle()
      this.#engine.metrics.retried(this.#instance.service)
      this.#begin()
      return
    }
    const { code, reason } = streamFailure(cause, isStale)
    this.#fail(code, reason, false, !isHeadOut, cause)
  }

  expire(): void {
    if (this.#phase === 'queue') this.#fail('HYDRA_OVERLOADED', 'queue-timeout', false, true)
    else if (this.#phase === 'connect') this.#fail('HYDRA_UPSTREAM_TIMEOUT', 'connect-timeout', true, true)
    else if (this.#phase === 'head' || (this.#phase === 'send' && this.#awaitsContinue))
      this.#fail('HYDRA_UPSTREAM_TIMEOUT', 'head-timeout', false, false)
    else if (this.#phase === 'answer') {
      this.#fail('HYDRA_UPSTREAM_TIMEOUT', this.#isBlocked ? 'visitor-idle' : 'answer-idle', false, false)
    } else if (this.#isBlocked) this.#fail('HYDRA_UPSTREAM_TIMEOUT', 'send-timeout', false, false)
    else {
      this.#exchange.loseBody()
      this.#fail('HYDRA_REQUEST_TIMEOUT', 'request-idle', false, false)
    }
  }

  #touch(): void {
    if (this.#phase === 'answer' && this.#isStream && !this.#isBlocked)
      this.deadline = Number.POSITIVE_INFINITY
    else this.deadline = this.#engine.deadlines.after(this.#engine.settings.idleTimeoutMs)
  }

  #fail(
    code: ForwardFailure['code'],
    reason: string,
    refused: boolean,
    nothingSent: boolean,
    cause?: unknown,
  ): void {
    if (this.#phase === 'done') return
    const isOurs = code === 'HYDRA_TOO_LARGE' || code === 'HYDRA_REQUEST_TIMEOUT' || reason === 'visitor-idle'
    const failure = { code, reason, refused, nothingSent, bodyConsumed: this.#bodyBytes > 0, cause }
    const exchange = this.#exchange
    // Event streams that end are everyday life, and their readers come back.
    const isEnd = this.#phase === 'answer' && this.#isStream
    // What can't be sent on was the visitor's.
    const isFelt = !isEnd && reason !== 'unsendable'
    if (!isOurs) blame(this.#engine, exchange, this.#instance, this.#vitals, failure, isFelt)
    exchange.attempt = undefined
    this.#settle(false)
    this.#composition?.cancel()
    // What has begun can't be taken back: it is cut, so that nobody takes it for the whole.
    if (exchange.answered) exchange.abort()
    else this.#onFailure(exchange, failure)
  }

  get #isOver(): boolean {
    return this.#phase === 'done'
  }

  /** The only way out: counts down once, whatever happened. */
  #settle(isReusable: boolean): void {
    if (this.#phase === 'done') return
    const wasWaiting = this.#phase === 'queue'
    this.#phase = 'done'
    this.#vitals.inFlight--
    this.#engine.deadlines.delete(this)
    if (this.#isStream) this.#engine.streams.delete(this)
    const exchange = this.#exchange
    if (!this.#isBodySent) exchange.holdBody()
    const connection = this.#connection
    this.#connection = undefined
    if (wasWaiting) this.#pool.cancel(this)
    this.#pool.uploaded(this)
    if (!connection) return
    const { output } = connection
    if (!this.#isSending) output.drop()
    // An answer that arrived whole leaves its connection to the next request; anything else ends it.
    if (isReusable && this.#isBodySent && !output.isJoining && !exchange.isUpgrade)
      this.#pool.release(connection)
    else connection.destroy()
  }
}

/** Part of a page, or word about one the visitor has: not modified, a condition or a range that does not hold. */
function isPart(status: number): boolean {
  return status === 206 || status === 304 || status === 412 || status === 416
}

function isEventStream(head: ResponseHead): boolean {
  const line = head.find(CONTENT_TYPE)
  return line >= 0 && head.value(line).toLowerCase().startsWith('text/event-stream')
}
