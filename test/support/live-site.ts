/**
 * A small site that speaks the protocol of open pages, for tests of what browsers do: it says what it is told to say, and
 * knows every stream.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { LIVE_FRAGMENTS_SCRIPT, LIVE_SCRIPT } from '@hydra-gateway/gateway/live'
import {
  LIVE_FRAGMENTS_PATH,
  LIVE_PATH,
  LIVE_SCRIPT_PATH,
  type LinkView,
  type LiveState,
  type MenuViewItem,
} from '@hydra-gateway/protocol'

/** A stream a browser opened. */
export interface LiveSiteStream {
  readonly query: URLSearchParams
  readonly at: number
  /** Sends an event as it is. */
  send(event: string, data: string): void
  /** Cuts the connection. */
  cut(): void
}

export interface LiveSite {
  readonly url: string
  /** Those that are open. */
  readonly streams: readonly LiveSiteStream[]
  /** All there ever were, and requests for one that were refused. */
  readonly opened: readonly LiveSiteStream[]
  readonly refused: readonly number[]
  /** Requests for pages, method and path. */
  readonly asked: IncomingMessage[]
  /** Status for whoever wants a stream; 200 opens one. */
  status: number
  readonly facts: { spreadMs: number; beatMs?: number }
  menu(name: string, items: readonly MenuViewItem[]): void
  link(path: string, view: LinkView): void
  fragment(mark: string, isThere: boolean): void
}

type Page = (request: IncomingMessage, response: ServerResponse) => string | undefined

/** Opens the site. `page` answers everything that is not of the protocol. */
export async function openLiveSite(t: TestContext, page: Page): Promise<LiveSite> {
  const menus: Record<string, MenuViewItem[]> = {}
  const links: Record<string, LinkView> = {}
  const fragments: Record<string, boolean> = {}
  const streams: (LiveSiteStream & { tell(isFirst?: boolean): void })[] = []
  const opened: LiveSiteStream[] = []
  const refused: number[] = []
  const asked: IncomingMessage[] = []

  const open = (request: IncomingMessage, response: ServerResponse) => {
    if (site.status !== 200) {
      refused.push(Date.now())
      return void response.writeHead(site.status).end()
    }
    const query = new URL(request.url!, site.url).searchParams
    const pick = <T>(known: Record<string, T>, kind: string) =>
      Object.fromEntries(
        query.getAll(kind).flatMap((name) => (name in known ? [[name, known[name] as T]] : [])),
      )
    let last: string | undefined
    const stream = {
      query,
      at: Date.now(),
      send: (event: string, data: string) => response.write(`event: ${event}\ndata: ${data}\n\n`),
      cut: () => response.destroy(),
      tell(isFirst = false) {
        const state: LiveState = {
          menus: pick(menus, 'menu'),
          links: pick(links, 'link'),
          fragments: pick(fragments, 'fragment'),
        }
        const id = createHash('sha256').update(JSON.stringify(state)).digest('base64url').slice(0, 12)
        if (id === last) return
        last = id
        const isKnown = isFirst && query.get('have') === id
        const data = { ...(!isKnown && state), ...(isFirst && site.facts) }
        response.write(`id: ${id}\nevent: state\ndata: ${JSON.stringify(data)}\n\n`)
      },
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.on('close', () => streams.splice(streams.indexOf(stream), 1))
    streams.push(stream)
    opened.push(stream)
    stream.tell(true)
  }
  const tellAll = () => {
    for (const stream of streams) stream.tell()
  }

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://x')
    const script = { [LIVE_SCRIPT_PATH]: LIVE_SCRIPT, [LIVE_FRAGMENTS_PATH]: LIVE_FRAGMENTS_SCRIPT }[pathname]
    if (script !== undefined) {
      return void response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(script)
    }
    if (pathname === LIVE_PATH) return open(request, response)
    if (pathname === '/favicon.ico') return void response.writeHead(204).end()
    asked.push(request)
    response.setHeader('content-type', 'text/html; charset=utf-8')
    const html = page(request, response)
    if (html !== undefined) response.end(html)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })

  const site: LiveSite = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    opened,
    refused,
    asked,
    status: 200,
    facts: { spreadMs: 20 },
    menu(name, items) {
      menus[name] = [...items]
      tellAll()
    },
    link(path, view) {
      links[path] = view
      tellAll()
    },
    fragment(mark, isThere) {
      fragments[mark] = isThere
      tellAll()
    },
  }
  return site
}
