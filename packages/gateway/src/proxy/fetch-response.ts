/**
 * Fetch-style answers of our own, written at the pace of the visitor, with ends that are told apart from breaks.
 *
 * @module
 */
import type { WireExchange } from './wire-exchange.ts'

/** Lines that frame a message or belong to the connection: the exchange writes its own (RFC 9110, 7.6.1). */
const FRAMING = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'trailer',
])

/** Why a stream is not read: the visitor has left, or has another answer. */
const NOT_SENT = 'the answer is not wanted any more'

/**
 * Sends a response; resolves when it was sent or the visitor left. Rejects with what broke its stream: the
 * connection is cut then, or, when nothing has left yet, another answer can still be given.
 */
export async function sendResponse(exchange: WireExchange, given: Response): Promise<void> {
  if (exchange.answered || exchange.ended) return giveUp(given)
  const response = await exchange.compression.compress(exchange.head.get('accept-encoding'), given)
  if (exchange.answered || exchange.ended) return giveUp(response)
  const { status, body, headers } = response
  const flat: string[] = []
  for (const [name, value] of headers) if (!FRAMING.has(name)) flat.push(name, value)
  const length = lengthOf(headers)
  const isHead = exchange.method === 'HEAD'
  if (isHead || status === 204 || status === 304 || body === null) {
    exchange.ownHead(status, flat, isHead && status !== 204 && status !== 304 ? length : 0)
    exchange.finish()
    exchange.flush()
    await body?.cancel()
    return
  }
  const sending = new Sending(exchange, status, flat, length)
  await sending.send(body)
}

/** Tells the stream of a response that nobody will read it. */
async function giveUp({ body }: Response): Promise<void> {
  await body?.cancel(NOT_SENT)
}

/** What a response says about its length; -1 when it says nothing. */
function lengthOf(headers: Headers): number {
  const text = headers.get('content-length')
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : -1
}

/** One answer whose body is a stream. */
class Sending {
  readonly #exchange: WireExchange
  readonly #status: number
  readonly #flat: readonly string[]
  /** Bytes the answer promised; -1 for no promise. */
  #length: number
  #written = 0
  #hasBegun = false
  /** The first bytes, while it is not known yet whether they are all. */
  #first: Buffer | undefined = undefined
  #wake: (() => void) | undefined = undefined

  constructor(exchange: WireExchange, status: number, flat: readonly string[], length: number) {
    this.#exchange = exchange
    this.#status = status
    this.#flat = flat
    this.#length = length
  }

  /** The visitor has left, or has got another answer: that his request can't be read, say. */
  get #isOver(): boolean {
    return this.#exchange.ended || (this.#exchange.answered && !this.#hasBegun)
  }

  async send(body: ReadableStream<Uint8Array>): Promise<void> {
    const exchange = this.#exchange
    const reader = body.getReader()
    exchange.onDrain = () => this.#wake?.()
    exchange.onEnd(() => {
      this.#wake?.()
      // A handler that waits for something to say must hear that nobody listens any more.
      reader.cancel('the visitor left').catch(ignore)
    })
    // Head and first bytes leave together where those are at hand; where they are not, the head is not kept back.
    const immediate = setImmediate(() => this.#begin())
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (this.#isOver || done) break
        await this.#take(value)
        if (this.#isOver) break
      }
      if (this.#isOver) reader.cancel(NOT_SENT).catch(ignore)
      else this.#end()
    } catch (error) {
      reader.cancel(error).catch(ignore)
      // Nobody is there any more to whom it matters.
      if (this.#isOver) return
      if (this.#hasBegun) exchange.abort()
      throw error
    } finally {
      clearImmediate(immediate)
    }
    await new Promise<void>((resolve) => exchange.onEnd(() => resolve()))
  }

  async #take(value: Uint8Array): Promise<void> {
    if (!(value instanceof Uint8Array)) throw new TypeError('the body of an answer is made of bytes')
    if (value.byteLength === 0) return
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    this.#written += bytes.length
    if (this.#length >= 0 && this.#written > this.#length)
      throw new Error('the answer is longer than it said')
    if (!this.#hasBegun && !this.#first) {
      this.#first = bytes
      return
    }
    this.#begin()
    await this.#drained()
    if (this.#isOver) return
    this.#exchange.write(bytes)
    this.#exchange.flush()
    await this.#drained()
  }

  async #drained(): Promise<void> {
    const exchange = this.#exchange
    while (exchange.isBlocked && !exchange.ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    this.#wake = undefined
  }

  #begin(): void {
    if (this.#hasBegun || this.#isOver) return
    this.#writeHead()
    this.#exchange.flush()
  }

  /** Writes the head, and the first bytes where they are there. */
  #writeHead(): void {
    this.#hasBegun = true
    this.#exchange.ownHead(this.#status, this.#flat, this.#length)
    if (this.#first) this.#exchange.write(this.#first)
    this.#first = undefined
  }

  #end(): void {
    if (this.#length >= 0 && this.#written < this.#length)
      throw new Error('the answer is shorter than it said')
    // All of it was at hand: its length is known without having been said.
    if (!this.#hasBegun) {
      this.#length = this.#written
      this.#writeHead()
    }
    this.#exchange.finish()
    this.#exchange.flush()
  }
}

function ignore(): void {}
