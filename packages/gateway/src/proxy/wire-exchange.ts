/**
 * The engine's side of an exchange: what every protocol visitors speak has in common, and what each must be able
 * to do so that requests can be forwarded and answered. `http1-exchange.ts` and `http2-exchange.ts` are the two.
 *
 * Nothing above `exchange.ts` knows of this.
 *
 * @module
 */
import type { RequestHead, ResponseHead } from '../http1/head.ts'
import { FORWARDED } from '../http1/names.ts'
import type { Caller } from '../identity/port.ts'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import type { AnswerSink } from './composition.ts'
import type { Compression } from './compression.ts'
import type { Exchange, HeaderLines, Peer, TakenOver } from './exchange.ts'
import { requestOf } from './fetch-request.ts'
import { sendResponse } from './fetch-response.ts'
import type { FlywheelExchange } from './flywheel-exchange.ts'
import { type KnownCookies, readCookies } from './known-cookies.ts'
import { linesOf } from './lines-of.ts'
import type { Pipe } from './pipe.ts'
import type { RequestFacts } from './request-facts.ts'
import type { AnswerSource } from './set-cookie.ts'
import type { Visit } from './visit.ts'
import type { BodySink, Taken } from './wire.ts'

/** What is told when the exchange ends, once and first of all: an attempt at a service. */
export interface Leavable {
  leave(): void
}

export type Outcome = 'finished' | 'aborted'

/** Who an exchange belongs to: told when it is over. */
export interface ExchangeOwner {
  /** For answers of our own. */
  readonly compression: Compression
  ended(exchange: WireExchange, outcome: Outcome): void
}

export abstract class WireExchange implements Exchange {
  readonly id: string
  readonly startedAt: number
  /** `performance.now()` as the request went to the service, and as its answer's head came; 0 before. */
  sentAt = 0
  headAt = 0
  readonly head: RequestHead
  readonly method: string
  readonly path: string
  readonly hasEncodedSlash: boolean
  readonly isTargetCanonical: boolean
  query: string
  readonly authority: string
  readonly host: string
  readonly secure: boolean
  readonly peer: Peer
  readonly fromTrusted: boolean
  readonly client: string
  readonly isUpgrade: boolean
  readonly hasBody: boolean
  /** Trace id of a valid `traceparent`, for the log. */
  trace: string | undefined = undefined
  /** False: `traceparent` and `tracestate` are not passed on. */
  hasTrace = false
  route: Route | undefined = undefined
  instance: Instance | undefined = undefined
  visitor: string | undefined = undefined
  isDrawn = false
  visit: Visit | undefined = undefined
  context: string | undefined = undefined
  caller: Caller | undefined = undefined
  isForSome = false
  isLoginFaulty = false
  loginCookie: string | undefined = undefined
  loginHeader: string | undefined = undefined
  pass: string | undefined = undefined
  flywheel: FlywheelExchange | undefined = undefined
  #cookies: KnownCookies | undefined = undefined
  attempts = 0
  status = 0
  /** Instances that failed this exchange, and how often that counted. Used by `proxy.ts`. */
  tried: Instance[] | undefined = undefined
  failures = 0
  /** The whole answer is asked for, whatever conditions and ranges the request has: it will be composed. */
  wantsWhole = false
  /** Present while another process of this gateway answers it: what that one is told beside what came. */
  relayLine: string | undefined = undefined
  /** The visitor speaks HTTP/1.0: no interim answers, no chunks. */
  readonly isHttp10: boolean
  /** It counts among those a gateway that stops waits for. */
  isRunning = false
  /** An answer that stays open: whole events are told apart by who reads them, and shared by many. */
  protected isStream = false
  /** The attempt that serves it now. */
  attempt: Leavable | undefined = undefined
  /** Called when held bytes have left. */
  onDrain: (() => void) | undefined = undefined
  /** Lines added to the answer: `name, value, …`. */
  protected added: string[] | undefined = undefined
  #headers: HeaderLines | undefined = undefined
  #listeners: ((outcome: Outcome) => void)[] | undefined = undefined
  #outcome: Outcome | undefined = undefined
  readonly #owner: ExchangeOwner

  constructor(facts: RequestFacts, head: RequestHead, peer: Peer, owner: ExchangeOwner) {
    this.id = facts.id
    this.startedAt = facts.startedAt
    this.head = head
    this.method = head.method
    this.path = facts.path
    this.hasEncodedSlash = facts.hasEncodedSlash
    this.isTargetCanonical = facts.isTargetCanonical
    this.query = facts.query
    this.authority = facts.authority
    this.host = facts.host
    this.secure = facts.secure
    this.peer = peer
    this.fromTrusted = facts.fromTrusted
    this.client = facts.client
    this.isUpgrade = facts.isUpgrade
    this.hasBody = head.isChunked || head.contentLength > 0
    this.isHttp10 = head.minor === 0
    this.#owner = owner
  }

  get headers(): HeaderLines {
    this.#headers ??= linesOf(this.head, this)
    return this.#headers
  }

  get compression(): Compression {
    return this.#owner.compression
  }

  get cookies(): KnownCookies {
    this.#cookies ??= readCookies(this.head, this.peer)
    return this.#cookies
  }

  get hasPassed(): boolean {
    return this.head.find(FORWARDED) >= 0 || this.head.get('cdn-loop') !== undefined
  }

  get cookieLines(): readonly string[] {
    return this.cookies.texts ?? this.head.all('cookie')
  }

  get hasOurCookies(): boolean {
    return this.cookies.hasOurs
  }

  get hasRouteCookie(): boolean {
    return this.cookies.hasRoute
  }

  get ended(): boolean {
    return this.#outcome !== undefined
  }

  /** True once the head of an answer has left, or the connection was given away. */
  abstract readonly answered: boolean
  /** True when the whole request body has been given to a sink, or there is none. */
  abstract readonly isBodyWhole: boolean

  /** Gives the body to a sink, what is at hand at once; asks a visitor who waits (100-continue) only on `inform(100)`. */
  abstract readBody(sink: BodySink): void
  /** Holds the body back until `readBody` is called again. */
  abstract holdBody(): void
  /** The rest of the body will never be read: the connection ends with the answer. */
  abstract loseBody(): void

  /**
   * Begins to relay the answer of a service. `bodyBytes`: its length, 0 for none (whatever Content-Length says),
   * -1 for unknown. The head leaves with the next `flush`, or together with the first bytes.
   * `lines` are valid during this call only.
   */
  abstract relayHead(lines: ResponseHead, bodyBytes: number, source: AnswerSource): void
  /** Begins an answer of our own; `flat`: `name, value, …` without framing, `bodyBytes` as above. Throws nothing: what can't be sent is left out. */
  abstract ownHead(status: number, flat: readonly string[], bodyBytes: number): void
  /** Writes bytes of the answer's body. The memory may be used again by the caller only when this says SENT. */
  abstract write(bytes: Buffer): Taken
  /** Ends the answer. */
  abstract finish(): void
  /** Sends what was joined so far. Called at the end of whatever wrote. */
  abstract flush(): void
  /** True while bytes of the answer wait to leave. */
  abstract readonly isBlocked: boolean
  /** Passes an interim answer on. `lines` undefined: 100 Continue. */
  abstract inform(status: number, lines: ResponseHead | undefined): void
  /** Agrees to an upgrade: writes the head of a 101 (from the service's lines) and gives the connection away. */
  abstract switchProtocols(lines: ResponseHead, source: AnswerSource): Pipe
  abstract takeOver(): TakenOver
  /** The answer may be silent for hours: has a visitor who is gone without a word found. */
  abstract watchPeer(): void
  abstract abort(): void

  addHeader(name: string, value: string): void {
    if (!isSendable(name, value)) return
    this.added ??= []
    this.added.push(name, value)
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array = ''): void {
    if (this.answered || this.ended) return
    const small = this.compression.compressBytes(this.head.get('accept-encoding'), status, headers, body)
    const flat: string[] = []
    for (const name of Object.keys(small.headers)) {
      if (name.toLowerCase() !== 'content-length') flat.push(name, small.headers[name]!)
    }
    const bytes = bytesOf(small.body)
    this.ownHead(status, flat, bytes.length)
    if (this.method !== 'HEAD' && status !== 204 && status !== 304 && bytes.length > 0) this.write(bytes)
    this.finish()
    this.flush()
  }

  respond(response: Response): Promise<void> {
    return sendResponse(this, response)
  }

  stream(status: number, headers: Readonly<Record<string, string>>): AnswerSink {
    this.isStream = true
    this.ownHead(status, Object.entries(headers).flat(), -1)
    this.query = ''
    this.head.forget()
    this.#headers = undefined
    this.#cookies = undefined
    return this
  }

  toRequest(): Request {
    return requestOf(this)
  }

  onEnd(listener: (outcome: Outcome) => void): void {
    if (this.#outcome !== undefined) listener(this.#outcome)
    else if (this.#listeners) this.#listeners.push(listener)
    else this.#listeners = [listener]
  }

  /** The only way an exchange ends; later calls do nothing. */
  protected end(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    const { attempt } = this
    this.attempt = undefined
    this.onDrain = undefined
    attempt?.leave()
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners) for (const listener of listeners) listener(outcome)
    this.#owner.ended(this, outcome)
  }
}

/** The engine's side of an exchange. */
export function wireExchange(exchange: Exchange): WireExchange {
  if (exchange instanceof WireExchange) return exchange
  throw new TypeError('this exchange belongs to another engine')
}

function bytesOf(body: string | Uint8Array): Buffer {
  return typeof body === 'string'
    ? Buffer.from(body)
    : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether a header line can be sent as it stands: nothing in it ends the line or the head. */
export function isSendable(name: string, value: string): boolean {
  return NAME.test(name) && VALUE.test(value)
}
