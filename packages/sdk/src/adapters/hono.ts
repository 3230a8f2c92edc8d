/**
 * Hono on Node: routes are read from the app when its server listens.
 *
 * @module
 */
import { applicationOf, openService, serverOf } from '../connect.ts'
import type { Found, FoundRoute } from '../found.ts'
import { guardOf, uncalledGuard } from '../identity/guard.ts'
import type { HydraService, ServerOption, ServiceOptions } from '../options.ts'
import { fromHono } from './framework-path.ts'

export { type GuardOptions, type ServiceSource, userOf } from '../identity/guard.ts'
export type { User } from '../identity/verified.ts'
export { type SiteSource, siteOf } from '../menus/kept.ts'
export type { Site } from '../menus/side.ts'
export { type HonoMiddleware, optionalUser, requireUser, type UserVariables } from './hono-guard.ts'
export { menus, type SiteVariables } from './hono-menus.ts'
export { pageResponse, type ResponseOptions } from './hono-page.ts'

/** A Hono app, as far as it is used. */
export interface HonoApp {
  readonly routes: readonly {
    readonly path: string
    readonly method: string
    readonly handler: { readonly length: number }
  }[]
}

/** `server` is what `serve` of `@hono/node-server` returned, or another Node server that serves the app. */
export type HonoOptions = ServiceOptions & ServerOption

const ADVICE_ON_ROUTES =
  'no routes were found: declare them before hydra(app, …), or name them in the option routes'

/**
 * Puts a Hono app behind the gateway.
 *
 * @example
 * await hydra(app, { name: 'orders', server: serve({ fetch: app.fetch, port: 3001 }) })
 */
export async function hydra(app: HonoApp, options: HonoOptions): Promise<HydraService> {
  const server = serverOf(options, 'server must be what serve of @hono/node-server returned')
  return openService(
    options,
    { ...applicationOf(server, () => readRoutes(app)), adviceOnRoutes: ADVICE_ON_ROUTES },
    { wait: server.listening },
  )
}

function readRoutes(app: HonoApp): Found {
  const warnings: string[] = []
  // Any middleware for every path may be the one that answers OPTIONS for CORS.
  const hasMiddleware = app.routes.some(
    (route) => isMiddleware(route) && !accessOf(route) && /^\/?\*$/.test(route.path),
  )
  const routes = app.routes.map((route): FoundRoute => {
    const { path, warning } = fromHono(route.path)
    const access = accessOf(route)
    if (access) {
      const methods = route.method === 'ALL' ? {} : { methods: [route.method.toUpperCase()] }
      return { path, dialect: 'hydra', kind: 'guard', access, ...methods }
    }
    const mistake = uncalledGuard(route.handler, route.path)
    if (mistake) warnings.push(mistake)
    if (mistake || isMiddleware(route)) return { path, dialect: 'hydra', kind: 'middleware' }
    if (warning) warnings.push(warning)
    if (route.method === 'ALL') return { path, dialect: 'hydra', kind: 'route' }
    const methods = [route.method.toUpperCase(), ...(hasMiddleware ? ['OPTIONS'] : [])]
    return { path, dialect: 'hydra', kind: 'route', methods }
  })
  return { routes, warnings }
}

/** Whom a guard lets pass. A mounted app with an error handler of its own has its handlers wrapped. */
function accessOf({ handler }: HonoApp['routes'][number]) {
  return guardOf(handler) ?? guardOf((handler as { __COMPOSED_HANDLER?: unknown }).__COMPOSED_HANDLER)
}

/** Hono keeps both as ALL; only middleware takes `next` (so Hono's own `inspectRoutes` tells them apart). */
function isMiddleware({ method, handler }: HonoApp['routes'][number]): boolean {
  return method === 'ALL' && handler.length > 1
}
