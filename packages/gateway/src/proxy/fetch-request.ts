/**
 * A request in fetch form, for what the gateway answers itself.
 *
 * @module
 */
import type { UnderlyingSource } from 'node:stream/web'
import { type BodySink, SENT } from './wire.ts'
import type { WireExchange } from './wire-exchange.ts'

/** The request as handlers of our own get it. Its signal aborts when the visitor leaves; its body is read as they read. */
export function requestOf(exchange: WireExchange): Request {
  const headers = new Headers()
  const { flat } = exchange.headers
  for (let i = 0; i < flat.length; i += 2) headers.append(flat[i]!, flat[i + 1]!)
  const leaving = new AbortController()
  exchange.onEnd((outcome) => outcome === 'aborted' && leaving.abort())
  const { method } = exchange
  // Fetch knows no bodies here; what came anyway is discarded with the rest of the exchange.
  const hasBody = exchange.hasBody && method !== 'GET' && method !== 'HEAD'
  const scheme = exchange.secure ? 'https' : 'http'
  return new Request(`${scheme}://${exchange.authority}${exchange.path}${exchange.query}`, {
    method,
    headers,
    signal: leaving.signal,
    redirect: 'manual',
    ...(hasBody ? { body: bodyOf(exchange), duplex: 'half' as const } : {}),
  })
}

/** The body of a request as a stream: nothing is read before its reader asks, and no more than he asks for. */
function bodyOf(exchange: WireExchange): ReadableStream<Uint8Array> {
  return new ReadableStream(new BodySource(exchange), { highWaterMark: 0 })
}

class BodySource implements BodySink, UnderlyingSource<Uint8Array> {
  readonly #exchange: WireExchange
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined = undefined
  #hasBegun = false
  #isDone = false

  constructor(exchange: WireExchange) {
    this.#exchange = exchange
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller
    this.#exchange.onEnd(() => {
      if (this.#isDone) return
      this.#isDone = true
      controller.error(new Error('the request ended before its body was whole'))
    })
  }

  pull(): void {
    const exchange = this.#exchange
    if (this.#isDone) return
    if (!this.#hasBegun) {
      this.#hasBegun = true
      if (exchange.head.expectsContinue && !exchange.answered) exchange.inform(100, undefined)
    }
    exchange.readBody(this)
  }

  cancel(): void {
    if (this.#isDone) return
    this.#isDone = true
    // A small rest is discarded behind the answer, which keeps the connection; the exchange decides.
    this.#exchange.holdBody()
  }

  onBody(bytes: Buffer): typeof SENT {
    if (this.#isDone) return SENT
    // Its reader may keep what he gets; our memory is read into again.
    this.#controller!.enqueue(new Uint8Array(bytes))
    if ((this.#controller!.desiredSize ?? 0) <= 0) this.#exchange.holdBody()
    return SENT
  }

  onBodyEnd(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#controller!.close()
  }

  onBodyPause(): void {}
}
