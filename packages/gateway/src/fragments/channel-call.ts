/**
 * One call for fragments over the line of an instance: a stream with an item per fragment as it is ready, or one answer
 * from who knows no streams.
 *
 * @module
 */
import type { RenderRequest } from '@hydra-gateway/protocol'
import {
  ERROR_CODES,
  isUnknownRoute,
  type Peer,
  ROUTES,
  type RSocketError,
  type Source,
  type StreamReceiver,
  UNLIMITED,
} from '@hydra-gateway/protocol/rsocket'
import type { Deadlines, Waiting } from '../proxy/deadlines.ts'
import type { Vitals } from '../routing/vitals.ts'
import { countCall, countCancelled, isFaulty } from './call-health.ts'
import type { RenderFailure, RenderReceiver } from './port.ts'
import {
  answerLimit,
  fragmentLimit,
  giveFragments,
  readRendered,
  tooLarge,
  unreadable,
} from './rendered-answer.ts'

/** What a line is asked with, and how it is told apart from others. */
export type RenderLine = Pick<Peer, 'stream' | 'ask' | 'isOpen' | 'pendingBytes'>

/** What is known of a line. Mutable: the calls find it out. */
export interface LineState {
  /** How its service renders: items of a stream, one answer, or not at all. */
  way: 'stream' | 'answer' | 'none'
  inFlight: number
}

export interface ChannelCallDeps {
  readonly line: RenderLine
  readonly state: LineState
  readonly vitals: Vitals
  readonly deadlines: Deadlines
}

const { APPLICATION_ERROR, REJECTED } = ERROR_CODES

export class ChannelCall implements Waiting, StreamReceiver {
  deadline: number
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  /** What comes is bounded by its bytes. */
  readonly demand = UNLIMITED
  readonly maxItemBytes: number
  readonly #deps: ChannelCallDeps
  readonly #receiver: RenderReceiver
  readonly #data: Buffer
  readonly #timeoutMs: number
  readonly #mostBytes: number
  #left: number
  #source: Source | undefined = undefined
  #way: 'stream' | 'answer' = 'stream'
  /** The frame has not been given to the line. */
  #isStarting = true
  #hasItems = false
  /** Of what came, something is an error of the service. */
  #hasFailed = false
  #isDone = false
  /** Some of what came could not be used. */
  #fault: RenderFailure | undefined = undefined
  readonly #isOver = (): boolean => this.#isDone

  constructor(deps: ChannelCallDeps, request: RenderRequest, timeoutMs: number, receiver: RenderReceiver) {
    this.#deps = deps
    this.#receiver = receiver
    this.#data = Buffer.from(JSON.stringify(request))
    this.maxItemBytes = answerLimit(request)
    this.#mostBytes = request.requests.length * fragmentLimit(request)
    this.#left = this.#mostBytes
    this.#timeoutMs = timeoutMs
    this.deadline = deps.deadlines.after(timeoutMs)
    deps.deadlines.add(this)
    deps.state.inFlight++
    deps.vitals.inFlight++
    deps.vitals.requests++
  }

  start(): void {
    const { line, state } = this.#deps
    this.#way = state.way === 'answer' ? 'answer' : 'stream'
    this.#isStarting = true
    const source =
      this.#way === 'stream'
        ? line.stream(ROUTES.render, this.#data, this)
        : line.ask(ROUTES.render, this.#data, this)
    this.#isStarting = false
    // It may have failed already, by a line that closed a moment ago.
    if (!this.#isDone) this.#source = source
  }

  /** Nobody waits any more: the service is told. */
  cancel(): void {
    const source = this.#source
    const { vitals, deadlines } = this.#deps
    if (!this.#isDone) countCancelled(vitals, this.#timeoutMs, this.deadline - deadlines.now)
    this.#settle()
    source?.cancel()
  }

  expire(): void {
    const detail = 'the instance did not answer in time'
    this.#giveUp({ reason: 'timeout', nothingSent: false, isRefusal: false, detail })
  }

  onItem = (item: unknown, sizeBytes: number): void => {
    if (this.#isDone) return
    this.#hasItems = true
    this.#left -= sizeBytes
    if (this.#left < 0) {
      this.#giveUp(tooLarge(this.#mostBytes))
      return
    }
    const rendered = readRendered(item)
    if (isFaulty(rendered)) this.#hasFailed = true
    if (rendered.fault !== undefined) this.#fault ??= unreadable(rendered.fault)
    giveFragments(rendered, this.#receiver, this.#isOver)
  }

  /** It costs the fragments in it; the others still come. */
  onOversize = (): void => {
    this.#hasItems = true
    this.#fault ??= tooLarge(this.maxItemBytes)
  }

  onEnd = (error: RSocketError | undefined): void => {
    if (this.#isDone) return
    if (error && !this.#hasItems && isUnknownRoute(error) && this.#mayAskOtherwise()) this.start()
    else if (error) this.#end(this.#failureOf(error))
    else this.#end(this.#fault)
  }

  /** The service doesn't know this way; remembered for as long as the line is. Calls at the same time find out together. */
  #mayAskOtherwise(): boolean {
    const { state } = this.#deps
    if (this.#way === 'answer') state.way = 'none'
    else if (state.way === 'stream') state.way = 'answer'
    return state.way === 'answer'
  }

  #failureOf(error: RSocketError): RenderFailure {
    const { line, state } = this.#deps
    const isOpen = line.isOpen()
    const detail = error.message.slice(0, 200)
    if (error.problem === 'HYDRA_TOO_LARGE')
      return { reason: 'too-large', nothingSent: this.#isStarting, isRefusal: !this.#isStarting, detail }
    if (!isOpen || this.#isStarting)
      return { reason: 'closed', nothingSent: this.#isStarting, isRefusal: false, detail }
    // Who rejects a request has not looked at it.
    if (error.code === REJECTED || error.problem === 'HYDRA_OVERLOADED')
      return { reason: 'overloaded', nothingSent: true, isRefusal: false, detail }
    if (state.way === 'none') return { reason: 'failed', nothingSent: true, isRefusal: false, detail }
    if (error.code === APPLICATION_ERROR)
      return { reason: 'failed', nothingSent: false, isRefusal: true, detail }
    return unreadable(detail)
  }

  #giveUp(failure: RenderFailure): void {
    const source = this.#source
    this.#end(failure)
    source?.cancel()
  }

  #end(failure: RenderFailure | undefined): void {
    if (this.#isDone) return
    this.#settle()
    const { vitals } = this.#deps
    if (failure?.reason === 'closed') vitals.failures++
    countCall(vitals, failure, { timeoutMs: this.#timeoutMs, hasFailed: this.#hasFailed })
    this.#receiver.onEnd(failure)
  }

  /** The only way out: counts down once, whatever happened. */
  #settle(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#source = undefined
    const { deadlines, state, vitals } = this.#deps
    deadlines.delete(this)
    state.inFlight--
    vitals.inFlight--
  }
}
