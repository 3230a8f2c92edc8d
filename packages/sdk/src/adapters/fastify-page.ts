/**
 * Sends a page from a handler of Fastify, through its own reply: hooks and plugins see it like any stream.
 *
 * @module
 */
import { Readable } from 'node:stream'
import type { SendOptions } from '../fragments/page-send.ts'
import { beginPage, missingHeaders } from '../fragments/page-stream.ts'
import type { Rendering } from '../fragments/rendering.ts'

/** A reply of Fastify, as far as it is used. */
export interface FastifyReply {
  readonly request: { readonly method: string }
  readonly raw: {
    readonly writableEnded: boolean
    once(event: 'close', listener: () => void): unknown
  }
  code(status: number): unknown
  // biome-ignore lint/suspicious/noExplicitAny: Fastify types names and values of headers
  header(name: any, value: any): unknown
  hasHeader(name: string): boolean
  // biome-ignore lint/suspicious/noExplicitAny: Fastify declares several overloads
  send(payload?: any): any
}

/**
 * Sends a page: `app.get('/product', (request, reply) => sendPage(reply, product.render({}, request)))`. Faults before
 * the first byte are answered with 500, or 502, 503, 504 for a `required` fragment; after it the connection is cut.
 */
export async function sendPage<Reply extends FastifyReply>(
  reply: Reply,
  rendering: Rendering,
  { status, headers = {} }: SendOptions = {},
): Promise<Reply> {
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) rendering.cancel()
  })
  const head = () => {
    if (status !== undefined) reply.code(status)
    for (const [name, value] of Object.entries(headers)) reply.header(name, value)
    for (const [name, value] of missingHeaders((name) => reply.hasHeader(name))) reply.header(name, value)
  }
  if (reply.request.method === 'HEAD') {
    rendering.cancel()
    head()
    return reply.send('')
  }
  const page = await beginPage(rendering)
  if ('pieces' in page) {
    head()
    return reply.send(Readable.from(bytesOf(page.pieces), { objectMode: false }))
  }
  reply.code(page.status)
  for (const [name, value] of Object.entries(page.headers)) reply.header(name, value)
  return reply.send(page.message)
}

async function* bytesOf(pieces: AsyncIterable<string>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) yield Buffer.from(piece)
}
