/**
 * A small site for tests of composed pages: a gateway, a service whose pages are written in raw bytes, and services that
 * render fragments over HTTP.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '@hydra-gateway/gateway'
import type { RenderRequest } from '@hydra-gateway/protocol'
import { startGateway, type TestGateway } from '../../support/gateway.ts'
import { startUpstream } from '../../support/upstream.ts'

/** One fragment that is asked for. */
export interface Asked {
  readonly ref: string
  readonly values: Readonly<Record<string, unknown>>
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Whether the gateway went away before there was an answer. */
  readonly isGone: boolean
  render(html: string, more?: Record<string, unknown>): void
}

/** A service that renders fragments; `onAsk` answers each, now or later. */
export async function startParts(
  t: Pick<TestContext, 'after'>,
  onAsk: (asked: Asked) => void,
): Promise<{ url: string; port: number; asked: Asked[]; close(): Promise<void> }> {
  const asked: Asked[] = []
  const { port, close } = await startUpstream(t, 'parts', async (request, response) => {
    let text = ''
    for await (const piece of request) text += piece
    const [item] = (JSON.parse(text) as RenderRequest).requests
    let isGone = false
    response.once('close', () => {
      isGone = !response.writableFinished
    })
    const one: Asked = {
      ref: item!.ref,
      values: item!.values ?? {},
      request,
      response,
      get isGone() {
        return isGone
      },
      render(html, more = {}) {
        response.setHeader('content-type', 'application/vnd.hydra.rendered-fragments+json')
        response.end(JSON.stringify({ fragments: [{ id: item!.id, renderedHTML: html, ...more }] }))
      },
    }
    asked.push(one)
    onAsk(one)
  })
  return { url: `http://127.0.0.1:${port}`, port, asked, close }
}

/** One request for a page, and the connection it came on. */
export interface PageRequest {
  readonly path: string
  readonly head: string
  readonly socket: Socket
}

/** A service of raw bytes; each request with its head. */
export async function startPages(
  t: Pick<TestContext, 'after'>,
  serve: (request: PageRequest) => void,
): Promise<{ url: string; requests: PageRequest[] }> {
  const requests: PageRequest[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      for (let at = text.indexOf('\r\n\r\n'); at >= 0; at = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, at + 4)
        text = text.slice(at + 4)
        const request = { path: head.split(' ')[1]!, head, socket }
        requests.push(request)
        serve(request)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** A whole answer with a page. */
export function pageBytes(html: string | Buffer, ...lines: readonly string[]): Buffer {
  const body = Buffer.from(html as string)
  const head = [
    'HTTP/1.1 200 OK',
    'Content-Type: text/html; charset=utf-8',
    `Content-Length: ${body.length}`,
    ...(lines.length > 0 ? lines : ['Hydra-Compose: 1']),
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

/** The head of a page that comes in chunks. */
export const CHUNKED: string =
  'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nHydra-Compose: 1\r\nTransfer-Encoding: chunked\r\n\r\n'

export function chunk(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text as string)
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

/** Whatever bytes a service sends, with fragments of `parts` and `more`. */
export async function startSite(
  t: Pick<TestContext, 'after'>,
  {
    pages,
    parts,
    refs,
    route = {},
    config = {},
  }: {
    readonly pages: string
    readonly parts: string
    readonly refs: readonly string[]
    readonly route?: Record<string, unknown>
    readonly config?: ConfigInput
  },
): Promise<TestGateway> {
  return startGateway(t, {
    ...config,
    services: {
      shop: { url: pages, routes: [{ path: '/**', ...route }] },
      parts: { url: parts, fragments: [...refs] },
      ...config.services,
    },
  } as ConfigInput)
}

/** A tag of the service `parts`. */
export function tag(ref: string, attributes = '', fallback = ''): string {
  return `<m:fragment service="parts" ref="${ref}" ${attributes}>${fallback}</m:fragment>`
}
