/**
 * A request of the gateway's own to one instance, on a connection of its pool: how it gets one, what is done when that
 * is dead, late or talks nonsense, and when it is given back. What is written, what an answer means and who is told is
 * for those that extend it: `messaging/own-request.ts`, `fragments/http-call.ts`.
 *
 * ```
 * ┌─→ queue ─── none is kept ──→ connect ─→ head ─→ answer ─→ done
 * │     └────── one is free ─────────────────↗│
 * └────────────── once more ──────────────────┘
 *
 * once more: a kept connection was dead, and the request may be repeated
 * anything ─→ done: failure, or nobody waits any more
 * ```
 *
 * What visitors ask for (`attempt.ts`) lives by the same rules; but there a body comes, and an answer leaves, as slowly as
 * the visitor likes. Here both are whole in memory, and bounded.
 *
 * @module
 */
import type { ResponseHead } from '../http1/head.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Vitals } from '../routing/vitals.ts'
import { blame } from './blame.ts'
import type { Waiting } from './deadlines.ts'
import { discardAnswer } from './discarder.ts'
import type { ForwardFailure } from './exchange.ts'
import { connectFailure, streamFailure } from './failure.ts'
import type { OwnRequests } from './forward.ts'
import type { Pool, PoolUser } from './pool.ts'
import { MOST_INTERIM, type ServiceConnection } from './service-connection.ts'
import type { ServiceOutput } from './service-output.ts'
import { SENT, type Taken } from './wire.ts'

export interface OwnExchangeFacts {
  /** Joins it to the log. */
  readonly id: string
  /** Of all of it, from now on. */
  readonly timeoutMs: number
  /** Of the answer's body. */
  readonly mostBytes: number
}

/** Why there is no answer. */
export interface OwnFailure {
  /** `closed`: no connection came about, or it broke. */
  readonly kind: 'overloaded' | 'closed' | 'unreadable' | 'too-large' | 'timeout'
  /** A short constant word, as in log and metrics. */
  readonly reason: string
  /** Nothing of it may have reached the service: any method may be sent elsewhere. */
  readonly nothingSent: boolean
  /** Something took too long, whatever its kind. */
  readonly isTimeout: boolean
}

/** What is being waited for. */
type Phase = 'queue' | 'connect' | 'head' | 'answer' | 'done'

export abstract class OwnExchange implements Waiting, PoolUser {
  deadline = Number.POSITIVE_INFINITY
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  abstract readonly method: string
  readonly isUpload = false
  isUploading = false
  protected readonly facts: OwnExchangeFacts
  protected readonly vitals: Vitals
  readonly #own: OwnRequests
  readonly #instance: Instance
  readonly #pool: Pool
  /** Of the whole request. */
  readonly #end: number
  #phase: Phase = 'queue'
  #connection: ServiceConnection | undefined = undefined
  /** The connection had served before: it may be dead without our knowing. */
  #isReused = false
  #isRetry = false
  #interim = 0
  /** Of the answer, so far. */
  #size = 0

  constructor(own: OwnRequests, instance: Instance, facts: OwnExchangeFacts) {
    this.facts = facts
    this.#own = own
    this.#instance = instance
    this.#pool = own.poolOf(instance)
    this.#end = own.deadlines.after(facts.timeoutMs)
    this.vitals = own.vitals.of(instance.id)
    this.vitals.inFlight++
    this.vitals.requests++
    own.deadlines.add(this)
  }

  /** Writes head and body; they leave when it returns. */
  protected abstract write(output: ServiceOutput): void
  /** The service may have acted on it when its connection dies: whether it is sent once more all the same. */
  protected abstract readonly mayRepeat: boolean
  /**
   * An answer begins; `head` is valid during the call. False: it is of no use, and all was done about that (`discard`).
   * Longer ones than `mostBytes` are refused behind this.
   */
  protected abstract accept(head: ResponseHead, bodyBytes: number): boolean
  /** A piece of it, valid during the call; `at`: how much came before. */
  protected abstract onPiece(bytes: Buffer, at: number): void
  /** That was all, and the connection serves others by now. */
  protected abstract onWhole(size: number): void
  /** Nothing will come of it. The last that is told. */
  protected abstract onFailure(failure: OwnFailure): void
  /** What the instance is blamed for counts as its fault; false: `onFailure` counts, by rules of its own. */
  protected abstract readonly isFelt: boolean

  protected get isOver(): boolean {
    return this.#phase === 'done'
  }

  /** Of its time; below 0 when deadlines are late. */
  protected get leftMs(): number {
    return this.#end - this.#own.deadlines.now
  }

  /** Ends it with the answer that began: it is read away, so that its connection may serve on. */
  protected discard(bodyBytes: number): void {
    const connection = this.#connection!
    this.#connection = undefined
    discardAnswer(this.method, bodyBytes, this.#pool, connection, this.#own.deadlines)
    this.leave()
  }

  /** The only way out: counts down once, whatever happened. Tells nobody. */
  protected leave(isReusable = false): void {
    if (this.#phase === 'done') return
    const wasWaiting = this.#phase === 'queue'
    this.#phase = 'done'
    this.vitals.inFlight--
    this.#own.deadlines.delete(this)
    const connection = this.#connection
    this.#connection = undefined
    if (wasWaiting) this.#pool.cancel(this)
    if (!connection) return
    if (isReusable) this.#pool.release(connection)
    else connection.destroy()
  }

  start(): void {
    if (this.#pool.hasRoom(false)) this.#begin()
    else this.#overloaded('queue-full', false)
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
    this.#blame('closed', connectFailure(cause))
  }

  #send(connection: ServiceConnection): void {
    connection.begin(this)
    this.#phase = 'head'
    this.deadline = this.#end
    this.write(connection.output)
    connection.output.flush()
  }

  onInterim(): void {
    if (++this.#interim > MOST_INTERIM) this.onGarbage('too-many-interim')
  }

  onAnswer(head: ResponseHead, bodyBytes: number): void {
    if (!this.accept(head, bodyBytes)) return
    if (bodyBytes > this.facts.mostBytes) this.#tooLarge()
    else this.#phase = 'answer'
  }

  onAnswerBody(bytes: Buffer): Taken {
    if (this.#phase !== 'answer') return SENT
    const at = this.#size
    this.#size += bytes.length
    if (this.#size > this.facts.mostBytes) this.#tooLarge()
    else this.onPiece(bytes, at)
    return SENT
  }

  onAnswerEnd(isReusable: boolean): void {
    if (this.#phase !== 'answer') return
    this.leave(isReusable)
    this.onWhole(this.#size)
  }

  onReadEnd(): void {}

  onGarbage(reason: string): void {
    const code = 'HYDRA_UPSTREAM_BROKEN'
    this.#blame('unreadable', { code, reason, refused: false, nothingSent: false })
  }

  onBroken(cause: unknown): void {
    const connection = this.#connection
    if (this.#phase === 'done' || !connection) return
    const isStale = this.#isReused && !connection.hasAnswered
    if (isStale && !this.#isRetry && this.mayRepeat) {
      this.#isRetry = true
      this.#connection = undefined
      this.#pool.dropIdle()
      this.#own.metrics.retried(this.#instance.service)
      this.#begin()
      return
    }
    this.#blame('closed', streamFailure(cause, isStale))
  }

  expire(): void {
    const code = 'HYDRA_UPSTREAM_TIMEOUT'
    if (this.#phase === 'queue') this.#overloaded('queue-timeout', true)
    else if (this.#phase === 'connect') {
      const reason = 'connect-timeout'
      // Who has less time than instances have for this as a rule can't say whether one is there.
      const isHurried = this.deadline >= this.#end
      if (isHurried) this.#fail({ kind: 'timeout', reason, nothingSent: true, isTimeout: true })
      else this.#blame('closed', { code, reason, refused: true, nothingSent: true })
    } else {
      const reason = this.#phase === 'head' ? 'head-timeout' : 'answer-idle'
      this.#blame('timeout', { code, reason, refused: false, nothingSent: false })
    }
  }

  /** Nothing was tried. */
  #overloaded(reason: 'queue-full' | 'queue-timeout', isTimeout: boolean): void {
    this.#fail({ kind: 'overloaded', reason, nothingSent: true, isTimeout })
  }

  #tooLarge(): void {
    this.#fail({ kind: 'too-large', reason: 'answer-too-large', nothingSent: false, isTimeout: false })
  }

  /** The instance or the way to it is broken, which everybody should know. */
  #blame(kind: OwnFailure['kind'], failure: Omit<ForwardFailure, 'bodyConsumed'>): void {
    if (this.#phase === 'done') return
    blame(this.#own, this.facts, this.#instance, this.vitals, failure, this.isFelt)
    const { code, reason, nothingSent } = failure
    this.#fail({ kind, reason, nothingSent, isTimeout: code === 'HYDRA_UPSTREAM_TIMEOUT' })
  }

  #fail(failure: OwnFailure): void {
    if (this.#phase === 'done') return
    this.leave()
    this.onFailure(failure)
  }
}
