/**
 * `connect`: the way in for a service, and for the adapters.
 *
 * @module
 */
import { type Application, createClient } from './client.ts'
import { openConnection } from './connection.ts'
import { type Found, NOTHING_FOUND } from './found.ts'
import type { ConnectOptions, HydraService, ServiceOptions } from './options.ts'
import { type NodeServer, watchServer } from './server.ts'
import { closeOnSignal } from './signals.ts'

const NAME_ROUTES =
  "name the routes visitors may see in the option routes, such as ['GET /orders', '/orders/{id}']"

/**
 * Puts a service behind the gateway and keeps it there until `close`.
 *
 * Resolves when the first attempt ended, connected or not, or at once for an app that isn't ready yet: one whose
 * server doesn't listen, or that waits for `when`.
 * A gateway that is away is no error: the service goes on looking for it.
 *
 * @example
 * const service = await connect({ name: 'orders', port: 3001, routes: ['/orders', 'POST /orders'] })
 * @throws TypeError for options no gateway would accept.
 */
export async function connect(options: ConnectOptions): Promise<HydraService> {
  const { port } = options
  if (options.server !== undefined || typeof port !== 'number') {
    const server = serverOf(options, 'server must be a Node server, or port a number')
    return openService(
      options,
      { ...applicationOf(server, () => NOTHING_FOUND), adviceOnRoutes: NAME_ROUTES },
      { wait: server.listening },
    )
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TypeError(`port must be 1 to 65535, not ${port}`)
  const application: Application = {
    listening: Promise.resolve({ port }),
    awaited: `port ${port}`,
    protocol: 'http',
    routes: () => NOTHING_FOUND,
    adviceOnRoutes: NAME_ROUTES,
    // The server belongs to the app, which closes it after this.
    finish: async () => {},
  }
  return openService({ signals: false, ...options }, application, { wait: true })
}

/**
 * The server of an app.
 *
 * @throws TypeError with `sentence` when there is none.
 */
export function serverOf(
  { server, port }: { readonly server?: unknown; readonly port?: unknown },
  sentence: string,
): NodeServer {
  const given = (server ?? port) as Partial<NodeServer> | undefined
  if (typeof given?.address !== 'function') throw new TypeError(sentence)
  return given as NodeServer
}

/** An app on a Node server; `close` replaces the server's own where a framework has a better one. */
export function applicationOf(
  server: NodeServer,
  routes: () => Found,
  close?: () => Promise<unknown>,
): ServedApplication {
  const watched = watchServer(server, close)
  const awaited = 'its server to listen'
  return { ...watched, awaited, routes, protocol: 'setSecureContext' in server ? 'https' : 'http' }
}

export interface ServedApplication extends Application {
  onClosed?(listener: () => void): void
}

/** Starts the client of an app. `wait` for its first attempt; an app that isn't ready yet makes none. */
export async function openService(
  options: ServiceOptions,
  application: ServedApplication,
  { wait }: { wait: boolean },
): Promise<HydraService> {
  const { service, attempted } = createClient({
    options,
    application,
    open: openConnection,
    env: process.env,
    cwd: process.cwd(),
    random: Math.random,
  })
  application.onClosed?.(() => void service.close())
  if (options.signals !== false) {
    const release = closeOnSignal(() => service.close())
    service.on('closed', release)
  }
  // An app that prepares itself may do so after this, and would otherwise wait for itself.
  if (wait && options.when === undefined) await attempted
  return service
}
