/**
 * Sends a page as the answer of a Node server: head when its first piece is there, the rest as it comes, at the pace
 * of whoever reads.
 *
 * @module
 */
import type { OutgoingHttpHeaders } from 'node:http'
import { answerTo } from './page-error.ts'
import { type Rendering, reportFault } from './rendering.ts'

export interface SendOptions {
  /** @default 200, or what the response was given */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
}

/** An answer of Node's kind, as far as it is used; Express's is one. */
export interface PageResponse {
  statusCode: number
  readonly headersSent: boolean
  readonly writableEnded: boolean
  readonly destroyed: boolean
  readonly stream?: { readonly destroyed: boolean }
  readonly req?: { readonly method?: string | undefined }
  hasHeader(name: string): boolean
  setHeader(name: string, value: string | readonly string[]): unknown
  removeHeader(name: string): void
  getHeaders(): OutgoingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: HTTP/1.1 and HTTP/2 declare overloads of their own
  write(chunk: string, ...rest: any[]): boolean
  // biome-ignore lint/suspicious/noExplicitAny: see above
  end(...args: any[]): unknown
  destroy(error?: Error): unknown
  // biome-ignore lint/suspicious/noExplicitAny: see above
  once(event: any, listener: (...args: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: see above
  off(event: any, listener: (...args: any[]) => void): unknown
}

export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  // Its fragments may be for one visitor only.
  'cache-control': 'private, no-store',
} as const

/** Until the connection of a page that broke is cut: what was written before is on its way that long. */
export const CUT_AFTER_MS = 100

/**
 * Sends a page. Resolves when it is sent, or can't be: a fault before the first byte is answered with 500, or 502, 503,
 * 504 for a `required` fragment; after it the connection is cut. A visitor who leaves gives the page up.
 */
export async function sendPage(
  response: PageResponse,
  rendering: Rendering,
  { status, headers = {} }: SendOptions = {},
): Promise<void> {
  if (response.headersSent) {
    rendering.cancel()
    reportFault(rendering, 'something else was sent before')
    // A head alone would be waited on for ever.
    if (!response.writableEnded) response.destroy()
    return
  }
  // An answer of HTTP/2 doesn't say so itself, but its stream does.
  let hasLeft = response.destroyed || response.stream?.destroyed === true
  if (hasLeft) return rendering.cancel()
  const left = () => {
    hasLeft = true
    if (!response.writableEnded) rendering.cancel()
  }
  response.once('close', left)
  // By the visitor, or by the app, which may have a limit of its own: nothing must be written to it then.
  const isOver = () => hasLeft || response.destroyed || response.writableEnded
  const head = () => {
    if (status !== undefined) response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    for (const [name, value] of Object.entries(PAGE_HEADERS))
      if (!response.hasHeader(name)) response.setHeader(name, value)
  }
  if (response.req?.method === 'HEAD') {
    // The head of a page says nothing of its fragments.
    rendering.cancel()
    head()
    response.end()
    return
  }
  const pieces = rendering[Symbol.asyncIterator]()
  let isWhole = false
  try {
    let piece = await pieces.next()
    if (isOver()) return
    head()
    for (; !piece.done; piece = await pieces.next()) {
      if (isOver()) return
      if (!response.write(piece.value)) await drained(response)
    }
    isWhole = true
    if (!isOver()) response.end()
  } catch (fault) {
    if (isOver()) return
    reportFault(rendering, fault)
    await fail(response, fault)
  } finally {
    response.off('close', left)
    if (!isWhole) rendering.cancel()
  }
}

async function fail(response: PageResponse, fault: unknown): Promise<void> {
  // Half a page must not look like a whole one.
  if (response.headersSent) {
    await pause(CUT_AFTER_MS)
    response.destroy()
    return
  }
  const { status, message } = answerTo(fault)
  for (const name of Object.keys(response.getHeaders()))
    if (/^(?:content-|etag$|last-modified$)/i.test(name)) response.removeHeader(name)
  response.statusCode = status
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.setHeader('cache-control', 'no-store')
  if (status === 503) response.setHeader('retry-after', '5')
  response.end(message)
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function drained(response: PageResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.once('drain', go)
    response.once('close', go)
  })
}
