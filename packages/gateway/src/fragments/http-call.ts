/**
 * One call for fragments over HTTP: sends the request on a connection of the instance's pool, gathers the answer, and
 * tells the receiver. The rules by which connections are shared, found dead and given back are those of
 * `proxy/attempt.ts`.
 *
 * Rendering is asked for with POST, but may be repeated by its nature: a fragment that was rendered twice is a fragment
 * (the protocol's callers do so after each timeout). So a kept connection that turned out to be dead before anything
 * came is worth one more try, as it is for GET.
 *
 * @module
 */
import type { RenderRequest } from '@hydra-gateway/protocol'
import type { ResponseHead } from '../http1/head.ts'
import { blame } from '../proxy/blame.ts'
import type { Waiting } from '../proxy/deadlines.ts'
import { discardAnswer } from '../proxy/discarder.ts'
import type { ForwardFailure } from '../proxy/exchange.ts'
import { connectFailure, streamFailure } from '../proxy/failure.ts'
import type { OwnRequests } from '../proxy/forward.ts'
import type { Pool, PoolUser } from '../proxy/pool.ts'
import type { ServiceConnection } from '../proxy/service-connection.ts'
import { SENT, SMALL_PIECE_BYTES, type Taken } from '../proxy/wire.ts'
import type { Instance } from '../routing/upstream.ts'
import { countAnswer, type Vitals } from '../routing/vitals.ts'
import { putCallHead } from './call-head.ts'
import { countCall, countCancelled, isFaulty } from './call-health.ts'
import type { RenderFailure, RenderReceiver } from './port.ts'
import { giveRendered, type Rendered, readBody, tooLarge } from './rendered-answer.ts'

/** What is being waited for. */
type Phase = 'queue' | 'connect' | 'head' | 'answer' | 'done'

/** Interim answers to one request; a service that sends more is broken. */
const MOST_INTERIM = 100
/** Room for the lines that differ from call to call. */
const LINES_BYTES = 1024
const NO_BYTES: Buffer = Buffer.alloc(0)

export class HttpCall implements Waiting, PoolUser {
  deadline = Number.POSITIVE_INFINITY
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly method = 'POST'
  readonly isUpload = false
  isUploading = false
  readonly #own: OwnRequests
  readonly #pool: Pool
  readonly #instance: Instance
  readonly #vitals: Vitals
  readonly #receiver: RenderReceiver
  readonly #context: RenderRequest['context']
  /** The constant part of the head. */
  readonly #prefix: Buffer
  readonly #body: Buffer
  readonly #mostBytes: number
  /** Of the whole call. */
  readonly #end: number
  readonly #timeoutMs: number
  #phase: Phase = 'queue'
  #isCancelled = false
  #connection: ServiceConnection | undefined = undefined
  /** The connection had served before: it may be dead without our knowing. */
  #isReused = false
  #isRetry = false
  #interim = 0
  /** Length of the answer as it was announced, -1 for unknown. */
  #bodyBytes = -1
  /** What came of the answer, in memory of its own. */
  #gathered: Buffer = NO_BYTES
  #size = 0
  /** The answer, when all of it came in one piece. */
  #whole: Rendered | undefined = undefined

  constructor(
    own: OwnRequests,
    instance: Instance,
    { prefix, body, mostBytes }: { prefix: Buffer; body: Buffer; mostBytes: number },
    context: RenderRequest['context'],
    timeoutMs: number,
    receiver: RenderReceiver,
  ) {
    this.#own = own
    this.#instance = instance
    this.#pool = own.poolOf(instance)
    this.#prefix = prefix
    this.#body = body
    this.#mostBytes = mostBytes
    this.#context = context
    this.#receiver = receiver
    this.#timeoutMs = timeoutMs
    this.#end = own.deadlines.after(timeoutMs)
    this.#vitals = own.vitals.of(instance.id)
    this.#vitals.inFlight++
    this.#vitals.requests++
    own.deadlines.add(this)
  }

  start(): void {
    if (this.#pool.hasRoom(false)) this.#begin()
    else this.#refuse('overloaded', 'too many requests wait for this instance')
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#isCancelled = true
    if (this.#phase !== 'done')
      countCancelled(this.#vitals, this.#timeoutMs, this.#end - this.#own.deadlines.now)
    this.#settle(false)
  }

  #begin(): void {
    this.#phase = 'queue'
    this.deadline = this.#end
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
    const { deadlines, settings } = this.#own
    this.deadline = Math.min(this.#end, deadlines.after(settings.connectTimeoutMs))
  }

  onConnected(): void {
    this.#own.vitals.revive(this.#instance.id)
    this.#send(this.#connection!)
  }

  onConnectError(cause: unknown): void {
    this.#connection = undefined
    this.#blame(connectFailure(cause), true)
  }

  /** Head and body leave in one write, unless the body is large. */
  #send(connection: ServiceConnection): void {
    const body = this.#body
    const { output } = connection
    connection.begin(this)
    this.#phase = 'head'
    this.deadline = this.#end
    const room = this.#prefix.length + LINES_BYTES + (body.length > SMALL_PIECE_BYTES ? 0 : body.length)
    putCallHead(output.ownHead(room), this.#prefix, body.length, this.#context, this.#receiver.exchange)
    output.piece(body, false)
    output.flush()
  }

  onInterim(): void {
    if (++this.#interim > MOST_INTERIM) this.onGarbage('too-many-interim')
  }

  onAnswer(head: ResponseHead, bodyBytes: number): void {
    const { status } = head
    if (status !== 200) {
      countAnswer(this.#vitals, status, false)
      this.#refuseAnswer(bodyBytes, 'failed', `answered ${status}`, true)
      return
    }
    const encoding = head.get('content-encoding')
    if (encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity') {
      countAnswer(this.#vitals, 500, false)
      this.#refuseAnswer(bodyBytes, 'unreadable', 'the answer is encoded, which was not asked for')
      return
    }
    if (bodyBytes > this.#mostBytes) {
      this.#failed(tooLarge(this.#mostBytes))
      return
    }
    this.#phase = 'answer'
    this.#bodyBytes = bodyBytes
  }

  onAnswerBody(bytes: Buffer): Taken {
    if (this.#phase !== 'answer') return SENT
    const size = this.#size + bytes.length
    if (size > this.#mostBytes) {
      this.#failed(tooLarge(this.#mostBytes))
      return SENT
    }
    // It is read where it lies: nothing of those bytes is kept.
    if (size === this.#bodyBytes && bytes.length === size) {
      this.#size = size
      this.#whole = readBody(bytes)
      return SENT
    }
    if (size > this.#gathered.length) this.#grow(size)
    bytes.copy(this.#gathered, this.#size)
    this.#size = size
    return SENT
  }

  /** Room for what was announced when it is little, for what comes otherwise: announcing costs nothing. */
  #grow(size: number): void {
    const announced = Math.min(this.#bodyBytes, SMALL_PIECE_BYTES)
    const grown = Buffer.allocUnsafe(Math.max(size, announced, Math.min(2 * this.#size, this.#mostBytes)))
    this.#gathered.copy(grown, 0, 0, this.#size)
    this.#gathered = grown
  }

  onAnswerEnd(isReusable: boolean): void {
    if (this.#phase !== 'answer') return
    this.#settle(isReusable)
    const rendered = this.#whole ?? readBody(this.#gathered.subarray(0, this.#size))
    this.#gathered = NO_BYTES
    countCall(this.#vitals, undefined, { timeoutMs: this.#timeoutMs, hasFailed: isFaulty(rendered) })
    giveRendered(rendered, this.#receiver, () => this.#isCancelled)
  }

  onReadEnd(): void {}

  onGarbage(reason: string): void {
    this.#blame(
      { code: 'HYDRA_UPSTREAM_BROKEN', reason, refused: false, nothingSent: false },
      false,
      'unreadable',
    )
  }

  onBroken(cause: unknown): void {
    const connection = this.#connection
    if (this.#phase === 'done' || !connection) return
    const isStale = this.#isReused && !connection.hasAnswered
    if (isStale && !this.#isRetry) {
      this.#isRetry = true
      this.#connection = undefined
      this.#pool.dropIdle()
      this.#own.metrics.retried(this.#instance.service)
      this.#begin()
      return
    }
    this.#blame(streamFailure(cause, isStale), false)
  }

  expire(): void {
    const code = 'HYDRA_UPSTREAM_TIMEOUT'
    if (this.#phase === 'queue') this.#refuse('overloaded', 'no connection became free in time')
    else if (this.#phase === 'connect') {
      const reason = 'connect-timeout'
      if (this.deadline < this.#end) this.#blame({ code, reason, refused: true, nothingSent: true }, true)
      // A page that is in a hurry says nothing about whether the instance is there.
      else this.#fail({ reason: 'timeout', nothingSent: true, isRefusal: false, detail: reason })
    } else {
      const reason = this.#phase === 'head' ? 'head-timeout' : 'answer-idle'
      this.#blame({ code, reason, refused: false, nothingSent: false }, false, 'timeout')
    }
  }

  /** An answer came, and is of no use; its connection may be. */
  #refuseAnswer(bodyBytes: number, reason: RenderFailure['reason'], detail: string, isRefusal = false): void {
    const connection = this.#connection!
    this.#connection = undefined
    discardAnswer(this.method, bodyBytes, this.#pool, connection, this.#own.deadlines)
    this.#fail({ reason, nothingSent: false, isRefusal, detail })
  }

  /** Nothing was tried. */
  #refuse(reason: 'overloaded', detail: string): void {
    this.#failed({ reason, nothingSent: true, isRefusal: false, detail })
  }

  /** The instance or the way to it is broken, which everybody should know. */
  #blame(
    failure: Omit<ForwardFailure, 'bodyConsumed'>,
    nothingSent: boolean,
    reason: RenderFailure['reason'] = 'closed',
  ): void {
    if (this.#phase === 'done') return
    const exchange = { id: this.#receiver.exchange ?? '-' }
    blame(this.#own, exchange, this.#instance, this.#vitals, failure, false)
    this.#failed({ reason, nothingSent, isRefusal: false, detail: failure.reason })
  }

  /** Nothing came of the call: its instance is judged by that. */
  #failed(failure: RenderFailure): void {
    if (this.#phase === 'done') return
    countCall(this.#vitals, failure, { timeoutMs: this.#timeoutMs, hasFailed: false })
    this.#fail(failure)
  }

  #fail(failure: RenderFailure): void {
    if (this.#phase === 'done') return
    this.#settle(false)
    this.#receiver.onEnd(failure)
  }

  /** The only way out: counts down once, whatever happened. */
  #settle(isReusable: boolean): void {
    if (this.#phase === 'done') return
    const wasWaiting = this.#phase === 'queue'
    this.#phase = 'done'
    this.#vitals.inFlight--
    this.#own.deadlines.delete(this)
    const connection = this.#connection
    this.#connection = undefined
    if (wasWaiting) this.#pool.cancel(this)
    if (!connection) return
    if (isReusable) this.#pool.release(connection)
    else connection.destroy()
  }
}
