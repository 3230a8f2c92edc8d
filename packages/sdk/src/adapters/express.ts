/**
 * Express: routes are read from the app's router when it starts to listen (Express 5, and 4).
 *
 * @module
 */
import { applicationOf, openService, type ServedApplication, serverOf } from '../connect.ts'
import type { HydraService, ServerOption, ServiceOptions } from '../options.ts'
import type { NodeServer } from '../server.ts'
import { type Mountable, readRouter, recordMounts } from './express-router.ts'

/** An Express app, as far as it is used. */
export interface ExpressApp extends Mountable {
  // biome-ignore lint/suspicious/noExplicitAny: Express declares several overloads; any will do
  listen: (...args: any[]) => unknown
}

/** `server` is the server of the app, where it isn't `app.listen` that makes it. */
export type ExpressOptions = ServiceOptions &
  (ServerOption | { readonly server?: undefined; readonly port?: undefined })

/**
 * Puts an Express app behind the gateway as soon as it listens. Resolves before that, so that `app.listen` may
 * follow.
 *
 * @example
 * await hydra(app, { name: 'orders' })
 * app.listen(3001)
 */
export async function hydra(app: ExpressApp, options: ExpressOptions): Promise<HydraService> {
  recordMounts(app)
  const routes = () => readRouter(app)
  if (options.server ?? options.port) {
    const server = serverOf(options, 'server must be the Node server of the app')
    return openService(options, applicationOf(server, routes), { wait: server.listening })
  }
  return openService(options, onceListening(app, routes), { wait: false })
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

/** The application of a server that `app.listen` will make. */
function onceListening(app: ExpressApp, routes: ServedApplication['routes']): ServedApplication {
  let served: ServedApplication | undefined
  const closers: (() => void)[] = []
  const listen: (...args: unknown[]) => unknown = app.listen.bind(app)
  const listening = new Promise<ServedApplication>((resolve) => {
    app.listen = (...args: unknown[]) => {
      const server = listen(...args) as NodeServer
      if (!served) {
        served = applicationOf(server, routes)
        for (const closed of closers) served.onClosed?.(closed)
        resolve(served)
      }
      return server
    }
  })
  return {
    listening: listening.then((application) => application.listening),
    // Express makes plain servers; one with TLS is made by hand and given as `server`.
    protocol: 'http',
    routes,
    finish: async (graceMs) => served?.finish(graceMs),
    onClosed: (listener) => void closers.push(listener),
  }
}
