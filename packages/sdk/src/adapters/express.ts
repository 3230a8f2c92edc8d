/**
 * Express: routes are read from the app's router when it starts to listen (Express 5, and 4).
 *
 * @module
 */
import { applicationOf, openService, type ServedApplication, serverOf } from '../connect.ts'
import type { HydraService, ServerOption, ServiceOptions } from '../options.ts'
import type { NodeServer, RequestDoor } from '../server.ts'
import { onServer, serverNowOf } from './app-server.ts'
import { type Mountable, readRouter, recordMounts } from './express-router.ts'

export { type SendOptions, sendPage } from '../fragments/page-send.ts'
export { type GuardOptions, type ServiceSource, userOf } from '../identity/guard.ts'
export type { User } from '../identity/verified.ts'
export { type SiteSource, siteOf } from '../menus/kept.ts'
export type { Site } from '../menus/side.ts'
export { type Middleware, optionalUser, requireUser } from './node-guard.ts'
export { menus } from './node-menus.ts'

/** An Express app, as far as it is used. */
export interface ExpressApp extends Mountable {
  // biome-ignore lint/suspicious/noExplicitAny: Express declares several overloads; any will do
  listen: (...args: any[]) => unknown
}

/** `server` is the server of the app, where it isn't `app.listen` that makes it. */
export type ExpressOptions = ServiceOptions &
  (ServerOption | { readonly server?: undefined; readonly port?: undefined })

const ADVICE_ON_ROUTES =
  'no routes were found: declare them before app.listen(), or name them in the option routes'

/**
 * Puts an Express app behind the gateway as soon as it listens. Resolves before that, so that `app.listen` may
 * follow; one that listens already is registered with the routes it has then.
 *
 * @example
 * await hydra(app, { name: 'orders' })
 * app.listen(3001)
 */
export async function hydra(app: ExpressApp, options: ExpressOptions): Promise<HydraService> {
  recordMounts(app)
  const routes = () => readRouter(app)
  const server =
    (options.server ?? options.port)
      ? serverOf(options, 'server must be the Node server of the app')
      : serverNowOf(app)
  if (!server) return openService(options, onceListening(app, routes), { wait: false })
  const application = { ...applicationOf(server, routes), adviceOnRoutes: ADVICE_ON_ROUTES }
  return openService(options, application, { wait: server.listening })
}

/**
 * Remembers where routers are mounted in an app or router, for versions of Express that don't. Call it before
 * the first `use`. Returns what it was given.
 *
 * @example
 * const api = hydraRouter(express.Router())
 */
export function hydraRouter<Target extends Mountable>(target: Target): Target {
  return recordMounts(target)
}

/** The application of a server that `app.listen`, or somebody else, will make. */
function onceListening(app: ExpressApp, routes: ServedApplication['routes']): ServedApplication {
  let served: ServedApplication | undefined
  const closers: (() => void)[] = []
  const doors: RequestDoor[] = []
  const listen: (...args: unknown[]) => unknown = app.listen.bind(app)
  const listening = new Promise<ServedApplication>((resolve) => {
    const serve = (server: NodeServer) => {
      if (served) return
      served = applicationOf(server, routes)
      for (const closed of closers) served.onClosed?.(closed)
      for (const door of doors) served.serveFirst?.(door)
      resolve(served)
    }
    app.listen = (...args: unknown[]) => {
      const server = listen(...args) as NodeServer
      serve(server)
      return server
    }
    onServer(app, serve)
  })
  return {
    listening: listening.then((application) => application.listening),
    awaited:
      'app.listen(). If the app listens already, call hydra(app, …) before it, or pass its server: ' +
      'hydra(app, { name, server }).',
    // A server with TLS is not made by `app.listen`.
    get protocol() {
      return served?.protocol ?? 'http'
    },
    routes,
    adviceOnRoutes: ADVICE_ON_ROUTES,
    serveFirst: (door) => void (served ? served.serveFirst?.(door) : doors.push(door)),
    finish: async (graceMs) => served?.finish(graceMs),
    onClosed: (listener) => void closers.push(listener),
  }
}
