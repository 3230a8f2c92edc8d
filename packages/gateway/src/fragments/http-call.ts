/**
 * One call for fragments over HTTP: what is sent, what the answer means, and who is told. How it gets its connection, and
 * what is done with it, is in `proxy/own-exchange.ts`.
 *
 * @module
 */
import type { RenderRequest } from '@hydra-gateway/protocol'
import type { ResponseHead } from '../http1/head.ts'
import type { OwnRequests } from '../proxy/forward.ts'
import { OwnExchange, type OwnFailure } from '../proxy/own-exchange.ts'
import type { ServiceOutput } from '../proxy/service-output.ts'
import { SMALL_PIECE_BYTES } from '../proxy/wire.ts'
import type { Instance } from '../routing/upstream.ts'
import { countAnswer } from '../routing/vitals.ts'
import { putCallHead } from './call-head.ts'
import { countCall, countCancelled, isFaulty } from './call-health.ts'
import type { RenderFailure, RenderReceiver } from './port.ts'
import { giveRendered, type Rendered, readBody, tooLarge } from './rendered-answer.ts'

export interface HttpCallParts {
  /** The constant part of the head. */
  readonly prefix: Buffer
  readonly body: Buffer
  /** Of the answer. */
  readonly mostBytes: number
  readonly timeoutMs: number
  readonly context: RenderRequest['context']
}

/** Room for the lines that differ from call to call. */
const LINES_BYTES = 1024
const NO_BYTES: Buffer = Buffer.alloc(0)

/** What is told of failures whose words are for log and metrics only. */
const DETAILS: Readonly<Record<string, string>> = {
  'queue-full': 'too many requests wait for this instance',
  'queue-timeout': 'no connection became free in time',
}

export class HttpCall extends OwnExchange {
  readonly method = 'POST'
  readonly #parts: HttpCallParts
  readonly #receiver: RenderReceiver
  #isCancelled = false
  /** Length of the answer as it was announced, -1 for unknown. */
  #bodyBytes = -1
  /** What came of the answer, in memory of its own. */
  #gathered: Buffer = NO_BYTES
  /** The answer, when all of it came in one piece. */
  #whole: Rendered | undefined = undefined

  constructor(own: OwnRequests, instance: Instance, parts: HttpCallParts, receiver: RenderReceiver) {
    const { timeoutMs, mostBytes } = parts
    super(own, instance, { id: receiver.exchange ?? '-', timeoutMs, mostBytes })
    this.#parts = parts
    this.#receiver = receiver
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#isCancelled = true
    if (this.isOver) return
    countCancelled(this.vitals, this.#parts.timeoutMs, this.leftMs)
    this.leave()
  }

  /** Head and body leave in one write, unless the body is large. */
  protected write(output: ServiceOutput): void {
    const { prefix, body, context } = this.#parts
    const room = prefix.length + LINES_BYTES + (body.length > SMALL_PIECE_BYTES ? 0 : body.length)
    putCallHead(output.ownHead(room), prefix, body.length, context, this.#receiver.exchange)
    output.piece(body, false)
  }

  /**
   * Rendering is asked for with POST, but may be repeated by its nature: a fragment that was rendered twice is a fragment
   * (the protocol's callers do so after each timeout).
   */
  protected get mayRepeat(): boolean {
    return true
  }

  /** `countCall` knows what is. */
  protected get isFelt(): boolean {
    return false
  }

  protected accept(head: ResponseHead, bodyBytes: number): boolean {
    const { status } = head
    if (status !== 200) {
      countAnswer(this.vitals, status, false)
      this.#refuse(bodyBytes, 'failed', `answered ${status}`, true)
      return false
    }
    const encoding = head.get('content-encoding')
    if (encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity') {
      countAnswer(this.vitals, 500, false)
      this.#refuse(bodyBytes, 'unreadable', 'the answer is encoded, which was not asked for', false)
      return false
    }
    this.#bodyBytes = bodyBytes
    return true
  }

  /** An answer came, and is of no use; its connection may be. */
  #refuse(bodyBytes: number, reason: RenderFailure['reason'], detail: string, isRefusal: boolean): void {
    this.discard(bodyBytes)
    this.#receiver.onEnd({ reason, nothingSent: false, isRefusal, detail })
  }

  protected onPiece(bytes: Buffer, at: number): void {
    // It is read where it lies: nothing of those bytes is kept.
    if (at === 0 && bytes.length === this.#bodyBytes) {
      this.#whole = readBody(bytes)
      return
    }
    const size = at + bytes.length
    if (size > this.#gathered.length) this.#grow(at, size)
    bytes.copy(this.#gathered, at)
  }

  /** Room for what was announced when it is little, for what comes otherwise: announcing costs nothing. */
  #grow(from: number, size: number): void {
    const announced = Math.min(this.#bodyBytes, SMALL_PIECE_BYTES)
    const grown = Buffer.allocUnsafe(Math.max(size, announced, Math.min(2 * from, this.#parts.mostBytes)))
    this.#gathered.copy(grown, 0, 0, from)
    this.#gathered = grown
  }

  protected onWhole(size: number): void {
    const rendered = this.#whole ?? readBody(this.#gathered.subarray(0, size))
    this.#gathered = NO_BYTES
    const { timeoutMs } = this.#parts
    countCall(this.vitals, undefined, { timeoutMs, hasFailed: isFaulty(rendered) })
    giveRendered(rendered, this.#receiver, () => this.#isCancelled)
  }

  /** Its instance is judged by that nothing came of the call. */
  protected onFailure({ kind, reason, nothingSent }: OwnFailure): void {
    const { timeoutMs, mostBytes } = this.#parts
    const detail = DETAILS[reason] ?? reason
    const failure =
      kind === 'too-large' ? tooLarge(mostBytes) : { reason: kind, nothingSent, isRefusal: false, detail }
    countCall(this.vitals, failure, { timeoutMs, hasFailed: false })
    this.#receiver.onEnd(failure)
  }
}
