/**
 * The doors: every path the gateway answers itself. Fetch-style handlers `(Request) => Response` behind a small
 * router; health has a direct path. Nothing here is on the way of a proxied request.
 *
 * @module
 */
import type { KeysAnswer, MenusAnswer, ReloadAnswer } from '@hydra-gateway/protocol'
import { type Context, Hono } from 'hono'
import type { AdminApi } from '../admin/api.ts'
import type { NodesView } from '../admin/nodes.ts'
import type { HttpChannel } from '../channels/http.ts'
import { readJson, readOptionalJson } from '../channels/json-body.ts'
import { HydraError } from '../errors.ts'
import { SOCKET_PATH } from '../messaging/socket-paths.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { LocalPages } from '../pages/local-pages.ts'
import { problemResponse } from '../pages/local-problem.ts'
import type { Exchange, ExchangeHandler } from '../proxy/exchange.ts'
import type { RouterApi } from '../router-api/router-api.ts'
import { isRouterPath } from '../routing/reserved.ts'
import type { FragmentDoor } from './fragment-door.ts'
import type { Guard } from './guard.ts'
import { isMenuPath } from './menu-door.ts'
import type { XrayDoor } from './xray-door.ts'

/** Paths that only operators and services need; with a control port the public one doesn't have them. */
const CONTROL = ['/h/', '/_h/', '/_hydra/api/', '/_hydra/metrics'] as const

/** The router behind reads escapes: a path is what it stands for, however it was written. */
function isControlPath(path: string): boolean {
  const meant = path.includes('%') ? decodeURIComponent(path) : path
  return CONTROL.some((prefix) => meant.startsWith(prefix))
}

/** `starting`: what services there are is not known yet. */
export type Readiness = 'ready' | 'starting' | 'stopping'

export interface DoorsDeps {
  readonly channel: HttpChannel
  readonly fragments: FragmentDoor
  /** Takes an upgrade at `/h/rsocket` over. */
  readonly rsocket: (exchange: Exchange) => void
  /** What Medusa's `/_h/services` lists: beans by service name. */
  readonly beans: () => Record<string, unknown[]>
  /** Doors of open pages, by path: they answer exchanges as they are, since pages come by the thousand. */
  readonly pageDoors: ReadonlyMap<string, ExchangeHandler>
  /** Answers all paths of menus. */
  readonly menus: ExchangeHandler
  /** Takes a WebSocket for messages. */
  readonly sockets: ExchangeHandler
  /** Serves what hydra-router did, while the gateway stands in for it. */
  readonly routerApi: Pick<RouterApi, 'open' | 'page'> | undefined
  /** Every item of every menu, for operators. */
  readonly allMenus: () => MenusAnswer
  readonly admin: AdminApi
  readonly nodes: NodesView
  /** Opens a stream of site events. */
  readonly events: (exchange: Exchange) => Response
  readonly guard: Guard
  readonly pages: LocalPages
  readonly xray: XrayDoor
  /** Calls of the admin API about identity. */
  readonly identityApi: Hono
  /** Answers paths of the sign-in; undefined while nobody can sign in. */
  readonly signIn: ((request: Request, exchange: Exchange) => Promise<Response | undefined>) | undefined
  /** Public keys of tokens. */
  readonly keysAnswer: () => KeysAnswer
  readonly welcomeFacts: () => { readonly revision: number; readonly services: number }
  /** Reads the configuration again and applies it; throws HYDRA_CONFLICT with reasons. */
  readonly reload: () => Promise<ReloadAnswer>
  /** Whether visitors may be sent here; otherwise, why not. */
  readonly readiness: () => Readiness
  readonly log: Log
  readonly metrics: Metrics
}

export interface Doors {
  /** Serves a reserved path. `control` false answers 404 for what belongs to the control port. */
  open(options: { readonly control: boolean }): ExchangeHandler
  /** `/`, while no service offers it. `control` false shows nothing that belongs to the control port. */
  welcome(options: { readonly control: boolean }): ExchangeHandler
}

/** For bodies that say a word or two. */
/** When to ask again for what can not be reached. */
const AWAY_SECONDS = '5'
const SMALL_BODY = { maxBytes: 16 * 1024, timeoutMs: 10_000 }
const smallJson = (request: Request) => readOptionalJson(request, SMALL_BODY, 'HYDRA_BAD_REQUEST')

type Env = { Bindings: { exchange: Exchange } }

export function createDoors(deps: DoorsDeps): Doors {
  const {
    channel,
    fragments,
    rsocket,
    beans,
    pageDoors,
    menus,
    sockets,
    routerApi,
    allMenus,
    admin,
    nodes,
    events,
    guard,
    pages,
    xray,
    identityApi,
    signIn,
    keysAnswer,
    welcomeFacts,
    reload,
    readiness,
    log,
    metrics,
  } = deps

  const signInAt = async (c: Context<Env>): Promise<Response> =>
    (await signIn?.(c.req.raw, c.env.exchange)) ?? c.notFound()

  const app = new Hono<Env>()
    .all('/login', signInAt)
    .all('/logout', signInAt)
    .all('/_hydra/session', signInAt)
    .all('/_hydra/login/*', signInAt)
    .all('/_hydra/logout/*', signInAt)
    // RFC 7517; kept for a while, as it changes with a rotation, whose old keys verify on.
    .get('/.well-known/jwks.json', (c) =>
      c.json({ keys: keysAnswer().keys }, 200, { 'cache-control': 'public, max-age=60' }),
    )
    .post('/h/discovery/:key/registration', (c) =>
      channel.register(c.req.raw, c.req.param('key'), c.env.exchange.peer),
    )
    .post('/h/discovery/:key/alive', (c) => channel.alive(c.req.raw, c.req.param('key'), c.env.exchange.peer))
    .post('/h/discovery/:key/requestFragment', (c) =>
      fragments(c.req.raw, c.req.param('key'), c.env.exchange),
    )
    .get('/h/discovery/:key/keys', (c) => channel.keys(c.req.raw, c.req.param('key'), c.env.exchange.peer))
    .all(SOCKET_PATH, () => {
      throw new HydraError('HYDRA_NOT_UPGRADABLE', 'messages are sent here: open it as a WebSocket')
    })
    .all('/h/rsocket', () => {
      throw new HydraError('HYDRA_NOT_UPGRADABLE', 'this is an RSocket endpoint: open it as a WebSocket')
    })
    .get('/_h/services', (c) => {
      guard.operatorOrLocal(c.env.exchange)
      return c.json(beans())
    })
    .get('/_hydra/ready', (c) => c.json({ status: readiness() }, readiness() === 'ready' ? 200 : 503))
    .get('/_hydra/metrics', async (c) => {
      guard.operatorOrLocal(c.env.exchange)
      const { contentType, body } = await metrics.text()
      return c.body(body, 200, { 'content-type': contentType })
    })
    .get('/_hydra/errors/*', (c) => pages.errors(c.req.raw) ?? c.notFound())
    .get('/_hydra/errors', (c) => pages.errors(c.req.raw) ?? c.notFound())
    .get('/_hydra/xray', (c) => xray.enter(c.env.exchange, new URL(c.req.url).searchParams))
    .get('/_hydra/xray.js', (c) => xray.script(c.env.exchange) ?? c.notFound())
    .get('/_hydra/:asset', (c) => pages.asset(c.req.param('asset')) ?? c.notFound())
    .use('/_hydra/api/v1/*', async (c, next) => {
      guard.operator(c.env.exchange)
      c.header('cache-control', 'no-store')
      await next()
    })
    .route('/_hydra/api/v1', identityApi)
    .get('/_hydra/api/v1/services', (c) => c.json(admin.services()))
    .get('/_hydra/api/v1/routes', (c) => c.json(admin.routes()))
    .get('/_hydra/api/v1/events', (c) => events(c.env.exchange))
    .get('/_hydra/api/v1/nodes', (c) => c.json(nodes.list()))
    .get('/_hydra/api/v1/menus', (c) => c.json(allMenus()))
    .get('/_hydra/api/v1/fragments', (c) => c.json(admin.fragments()))
    .post('/_hydra/api/v1/reload', async (c) => c.json(await reload()))
    .post('/_hydra/api/v1/xray', async (c) =>
      c.json(xray.link(await readJson(c.req.raw, SMALL_BODY, 'HYDRA_BAD_REQUEST'))),
    )
    .post('/_hydra/api/v1/services/:name/drain', async (c) =>
      c.json(admin.drain(c.req.param('name'), await smallJson(c.req.raw))),
    )
    .post('/_hydra/api/v1/services/:name/resume', async (c) =>
      c.json(admin.resume(c.req.param('name'), await smallJson(c.req.raw))),
    )
    .delete('/_hydra/api/v1/services/:name', (c) => {
      const name = c.req.param('name')
      switch (admin.forget(name)) {
        case 'forgotten':
          log.info({ service: name }, 'an operator had a service forgotten')
          return c.json({ forgotten: name })
        case 'serving':
          throw new HydraError('HYDRA_CONFLICT', `${name} has instances that serve; stop them first`)
        case 'configured':
          throw new HydraError('HYDRA_CONFLICT', `${name} stands in the configuration; take it out there`)
        case 'unknown':
          throw new HydraError('HYDRA_NO_ROUTE', `no service is called ${name}`)
      }
    })
    .notFound(
      (c) =>
        pages.notFound(c.req.raw, c.env.exchange.id) ??
        problemResponse('HYDRA_NO_ROUTE', 'the gateway has nothing at this path', c.env.exchange.id),
    )
    .onError((error, c) => {
      const { id } = c.env.exchange
      if (error instanceof HydraError) {
        const { code, detail, errors } = error
        if (code === 'HYDRA_FORBIDDEN') metrics.refused('request', 'foreign-operator')
        if (code !== 'HYDRA_UNAUTHORIZED') return problemResponse(code, detail, id, { errors })
        metrics.refused('request', 'wrong-operator-keys')
        log.warn({ exchange: id, peer: c.env.exchange.peer.address, path: c.req.path }, 'operator refused')
        const headers = { 'www-authenticate': 'Basic realm="Hydra gateway", charset="UTF-8"' }
        return problemResponse(code, detail, id, { headers })
      }
      // Its line says once that it is away, not for everybody who asks.
      if (error.name === 'StoreAway')
        return problemResponse('HYDRA_OVERLOADED', 'what the nodes share can not be reached just now', id, {
          headers: { 'retry-after': AWAY_SECONDS },
        })
      log.error({ err: error, exchange: id }, 'a door failed')
      return problemResponse('HYDRA_INTERNAL', undefined, id)
    })

  const answer = async (exchange: Exchange): Promise<void> => {
    await exchange.respond(await app.fetch(exchange.toRequest(), { exchange }))
  }
  return {
    open: ({ control }) => {
      const routerDoor = routerApi?.open({ control })
      return (exchange) => {
        const { path, method } = exchange
        if (path === '/health' && (method === 'GET' || method === 'HEAD')) {
          return exchange.answer(
            200,
            { 'content-type': 'application/json', 'cache-control': 'no-store' },
            nodes.health(),
          )
        }
        if (!control && isControlPath(path)) {
          return exchange.respond(problemResponse('HYDRA_NO_ROUTE', undefined, exchange.id))
        }
        const pageDoor = pageDoors.get(path)
        if (pageDoor) return pageDoor(exchange)
        if (isMenuPath(path)) return menus(exchange)
        if (exchange.isUpgrade && path === '/h/rsocket') return rsocket(exchange)
        if (exchange.isUpgrade && path === SOCKET_PATH) return sockets(exchange)
        if (routerDoor && isRouterPath(path)) return routerDoor(exchange)
        return answer(exchange)
      }
    },
    welcome: ({ control }) =>
      control && routerApi
        ? routerApi.page
        : (exchange) => exchange.respond(pages.welcome(exchange.toRequest(), welcomeFacts())),
  }
}
