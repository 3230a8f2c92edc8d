/**
 * Bodies between `node:http` and fetch-style handlers, with backpressure and with ends that are told apart
 * from breaks.
 *
 * @module
 */
import type { NodeExchange } from './node-exchange.ts'

/** The body of a request as a stream. It is asked for from a visitor who waits to be (100-continue) on the first read. */
export function requestBody({ incoming, outgoing, headers }: NodeExchange): ReadableStream<Uint8Array> {
  let begun = false
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        incoming.once('close', () => {
          if (!incoming.complete) controller.error(new Error('the visitor left before the request was whole'))
        })
      },
      pull(controller) {
        if (!begun) {
          begun = true
          if (headers.get('expect') !== undefined && !outgoing.headersSent) outgoing.writeContinue()
          incoming.on('data', (chunk: Buffer) => {
            controller.enqueue(chunk)
            if ((controller.desiredSize ?? 0) <= 0) incoming.pause()
          })
          incoming.once('end', () => controller.close())
        }
        incoming.resume()
      },
      cancel() {
        incoming.removeAllListeners('data')
        incoming.removeAllListeners('end')
        incoming.pause()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Writes a stream as the body of an answer whose head was sent; resolves when it ended or the visitor left. */
export async function sendStream(body: ReadableStream<Uint8Array>, exchange: NodeExchange): Promise<void> {
  const { outgoing } = exchange
  const reader = body.getReader()
  let wake: (() => void) | undefined
  outgoing.on('drain', () => wake?.())
  exchange.onEnd(() => {
    wake?.()
    // A handler that waits for something to say must hear that nobody listens any more.
    reader.cancel('the visitor left').catch(() => {})
  })
  // Joins head and first bytes where those are at hand, without keeping a head back where they are not.
  setImmediate(() => exchange.ended || outgoing.flushHeaders())
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (exchange.ended) return
      if (done) break
      if (!outgoing.write(value)) await new Promise<void>((resolve) => (wake = resolve))
      wake = undefined
      if (exchange.ended) return
    }
  } catch (error) {
    exchange.abort()
    throw error
  }
  await new Promise<void>((resolve) => {
    exchange.onEnd(() => resolve())
    outgoing.end()
  })
}
