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
import type { ResponseHead } from '../http1/head.ts'
import { CONTENT_TYPE } from '../http1/names.ts'
import type { Caller } from '../identity/port.ts'
import type { Route } from '../routing/route.ts'
import { servicePath } from '../routing/site-route.ts'
import type { Instance } from '../routing/upstream.ts'
import { countAnswer, type Vitals } from '../routing/vitals.ts'
import { blame } from './blame.ts'
import { asksForWhole, isComposable, isPartOfPage } from './composable.ts'
import type { AnswerSink, Composition } from './composition.ts'
import type { Waiting } from './deadlines.ts'
import { discardAnswer } from './discarder.ts'
import type { Exchange, ForwardFailure, HeaderLines } from './exchange.ts'
import { connectFailure, streamFailure } from './failure.ts'
import { patienceLeft } from './flywheel-exchange.ts'
import type { Engine } from './forward.ts'
import { agreesToSocket, joinSocket } from './join-socket.ts'
import { linesOf, linesOfFlat } from './lines-of.ts'
import { isIdempotent, isSafe } from './methods.ts'
import type { Pool, PoolUser } from './pool.ts'
import { MOST_INTERIM, type ServiceConnection } from './service-connection.ts'
import { signInLines, signInWish } from './sign-in-wish.ts'
import { whenFlushed } from './when-flushed.ts'
import { type BodySink, SENT, type Taken } from './wire.ts'
import type { WireExchange } from './wire-exchange.ts'

/** What is being waited for. */
type Phase = 'queue' | 'connect' | 'send' | 'head' | 'answer' | 'done'

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
  /** It has less time to take the connection than instances have as a rule: that it did not says nothing of it. */
  #isHurried = false
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
      route.to === undefined && exchange.isTargetCanonical && route.flywheel !== 'site'
        ? undefined
        : (route.to ?? servicePath(route, exchange.path)) + exchange.query
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
    exchange.wantsWhole = asksForWhole(this.#engine.composer, exchange, this.#route)
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
    const { flywheel } = this.#exchange
    const { connectTimeoutMs } = this.#engine.settings
    const patienceMs = flywheel ? patienceLeft(flywheel, connectTimeoutMs) : connectTimeoutMs
    this.#isHurried = patienceMs < connectTimeoutMs
    this.deadline = this.#engine.deadlines.after(patienceMs)
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
    const { flywheel } = this.#exchange
    // What a visitor takes to send is not the service's time.
    if (flywheel) flywheel.answerBy = this.#uploadedAt + flywheel.patienceMs
    if (this.#phase === 'send') this.#awaitHead()
  }

  onBodyPause(): void {
    const connection = this.#connection
    if (this.#phase === 'done' || !connection) return
    connection.output.flush()
    if (connection.socket.writableLength === 0 || this.#isBodySent) return
    if (this.#phase === 'send') {
      this.#isBlocked = true
      const { flywheel } = this.#exchange
      if (flywheel) this.deadline = this.#engine.deadlines.after(flywheel.patienceMs)
    }
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
    const { flywheel } = this.#exchange
    if (flywheel) return deadlines.after(patienceLeft(flywheel))
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
    const { composer } = this.#engine
    const exchange = this.#exchange
    const route = this.#route
    const { status } = head
    if (status === 101) {
      // Nobody asked for another protocol, and the visitor would wait for it on a connection that has none.
      if (exchange.isUpgrade && agreesToSocket(head)) this.#switch(head)
      else this.onGarbage('protocol')
      return
    }
    if (status === 404 && route.otherwise !== undefined && this.#mayAskOtherwise) {
      this.#askOtherwise(route.otherwise, bodyBytes)
      return
    }
    const location = signInWish(this.#engine, exchange, head)
    if (location !== undefined) {
      this.#toSignIn(location, head, bodyBytes)
      return
    }
    const mayCompose = isComposable(composer, exchange, route, this.#instance, head)
    if (mayCompose && isPartOfPage(composer!, exchange, route, head)) {
      exchange.wantsWhole = true
      this.#askAgain(bodyBytes)
      return
    }
    this.#relay(head, bodyBytes, mayCompose)
  }

  /** This is the answer: it goes to the visitor, or to who composes his page. */
  #relay(head: ResponseHead, bodyBytes: number, mayCompose: boolean): void {
    const engine = this.#engine
    const exchange = this.#exchange
    const { status } = head
    this.#phase = 'answer'
    this.#isStream = isEventStream(head)
    this.#countAnswer(status)
    if (this.#isStream) {
      exchange.watchPeer()
      if (exchange.caller !== undefined) {
        engine.streams.add(this)
        // Signed out while the service made up its mind: when streams were cut, this was none yet.
        if (engine.signIn?.isOver(exchange.caller))
          queueMicrotask(() => {
            if (engine.streams.has(this)) this.cut()
          })
      }
    }
    exchange.instance = this.#instance
    try {
      engine.watchCookies(exchange, this.#instance.service, head)
      if (mayCompose)
        this.#composition = engine.composer!.compose(exchange, this.#route, this.#instance, head, bodyBytes)
      if (this.#composition) this.#sink = this.#composition
      else {
        engine.onHead(exchange, status, linesOf(head))
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
    if (!this.#show(101, head, linesOf(head))) return
    const vitals = this.#vitals
    const connection = this.#connection!
    countAnswer(vitals, 101, false)
    this.#exchange.attempt = undefined
    this.#phase = 'done'
    this.#connection = undefined
    this.#engine.deadlines.delete(this)
    joinSocket(this.#engine, this.#exchange, this.#instance, vitals, connection, head)
  }

  /** The service wants the visitor to sign in: he gets its cookies and our way there, and nothing else of its answer. */
  #toSignIn(location: string, head: ResponseHead, bodyBytes: number): void {
    const exchange = this.#exchange
    this.#countAnswer(head.status)
    const flat = signInLines(location, head, this.#instance)
    if (!this.#show(303, head, linesOfFlat(flat))) return
    this.#discard(bodyBytes)
    exchange.attempt = undefined
    this.#settle(false)
    exchange.ownHead(303, flat, 0)
    exchange.finish()
    // The exchange ends with this, and the next request of the visitor may begin.
    exchange.flush()
  }

  /** Shows the head of an answer to those who may add to it. False: one of them failed, and the attempt with it. */
  #show(status: number, head: ResponseHead, lines: HeaderLines): boolean {
    const exchange = this.#exchange
    exchange.instance = this.#instance
    try {
      this.#engine.watchCookies(exchange, this.#instance.service, head)
      this.#engine.onHead(exchange, status, lines)
      return true
    } catch (cause) {
      this.#fail('HYDRA_UPSTREAM_BROKEN', 'head', false, false, cause)
      return false
    }
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

  #countAnswer(status: number): void {
    const headAt = performance.now()
    this.#exchange.headAt = headAt
    countAnswer(this.#vitals, status, this.#isSlow(headAt))
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

  /** Bodies are for one place. */
  get #mayAskOtherwise(): boolean {
    return !this.#isOtherwise && isSafe(this.method) && !this.#exchange.hasBody
  }

  /** The first place has nothing: the route names another one, at the same instance. */
  #askOtherwise(otherwise: string, bodyBytes: number): void {
    this.#isOtherwise = true
    this.#target = otherwise + this.#exchange.query
    this.#askAgain(bodyBytes)
  }

  /** This answer is not the one: the same instance is asked once more. */
  #askAgain(bodyBytes: number): void {
    this.#discard(bodyBytes)
    this.#begin()
  }

  /** The rest of this answer is for nobody; its connection may serve on. */
  #discard(bodyBytes: number): void {
    const connection = this.#connection!
    this.#connection = undefined
    if (this.#isBodySent)
      discardAnswer(this.method, bodyBytes, this.#pool, connection, this.#engine.deadlines)
    else connection.destroy()
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
    else if (this.#phase === 'connect')
      this.#fail('HYDRA_UPSTREAM_TIMEOUT', 'connect-timeout', !this.#isHurried, true)
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

function isEventStream(head: ResponseHead): boolean {
  const line = head.find(CONTENT_TYPE)
  return line >= 0 && head.value(line).toLowerCase().startsWith('text/event-stream')
}
