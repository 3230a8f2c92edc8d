/**
 * Fastify: routes are collected as they are declared, and `app.close()` leaves the gateway first.
 *
 * @module
 */
import { applicationOf, openService } from '../connect.ts'
import type { Found, FoundRoute } from '../found.ts'
import { guardOf, uncalledGuard } from '../identity/guard.ts'
import type { HydraService, ServiceOptions } from '../options.ts'
import type { NodeServer } from '../server.ts'
import { fromFastify } from './framework-path.ts'

export { type GuardOptions, type ServiceSource, userOf } from '../identity/guard.ts'
export type { User } from '../identity/verified.ts'
export { type SiteSource, siteOf } from '../menus/kept.ts'
export type { Site } from '../menus/side.ts'
export { type Hook, optionalUser, requireUser } from './fastify-guard.ts'
export { type MenuHook, menus } from './fastify-menus.ts'
export { sendPage } from './fastify-page.ts'

/** What Fastify tells an `onRoute` hook, as far as it is used. */
export interface FastifyRoute {
  readonly url: string
  readonly method: string | string[]
  readonly routePath?: string
  readonly prefix?: string
  readonly prefixTrailingSlash?: string
  readonly onRequest?: unknown
  readonly preParsing?: unknown
  readonly preValidation?: unknown
  readonly preHandler?: unknown
}

/** A Fastify app, as far as it is used. */
export interface FastifyApp {
  readonly server: unknown
  readonly initialConfig?: { readonly ignoreTrailingSlash?: boolean }
  // biome-ignore lint/suspicious/noExplicitAny: Fastify declares an overload for each hook
  addHook(name: any, hook: any): unknown
  // biome-ignore lint/suspicious/noExplicitAny: Fastify's close takes and returns several things
  close: any
}

const ADVICE_ON_ROUTES =
  'no routes were found: call hydra(app, …) before the routes are declared, or name them in the option routes'

/**
 * Puts a Fastify app behind the gateway as soon as it listens. Call it before the routes are declared: Fastify
 * tells of a route only while it is added. Resolves before the app listens, so that `app.listen` may follow.
 *
 * It is a plugin as well: `await app.register(hydra, { name: 'orders' })`.
 *
 * @example
 * await hydra(app, { name: 'orders' })
 * app.get('/orders', async () => orders)
 * await app.listen({ port: 3001 })
 */
export function hydra(app: FastifyApp, options: ServiceOptions): Promise<HydraService> {
  const routes: FoundRoute[] = []
  const warnings: string[] = []
  app.addHook('onRoute', (route: FastifyRoute) => collect(route, app, routes, warnings))

  const close: () => Promise<unknown> = app.close.bind(app)
  const application = {
    ...applicationOf(app.server as NodeServer, () => found(routes, warnings), close),
    adviceOnRoutes: ADVICE_ON_ROUTES,
  }
  const opened = openService(options, application, { wait: false })
  // Fastify answers 503 as soon as it closes, so the gateway has to know before.
  app.close = async (done?: (fault?: unknown) => void) => {
    await opened.then(
      (service) => service.close(),
      () => close(),
    )
    done?.()
  }
  return opened
}
// The hooks are for the whole app, not for a scope of its own (what fastify-plugin does).
Object.assign(hydra, { [Symbol.for('skip-override')]: true })

function collect(route: FastifyRoute, app: FastifyApp, routes: FoundRoute[], warnings: string[]): void {
  const { path, warning } = fromFastify(route.url)
  if (warning) warnings.push(warning)
  for (const hook of HOOKS.flatMap((name) => [route[name]].flat())) {
    const mistake = uncalledGuard(hook, route.url)
    if (mistake) warnings.push(mistake)
  }
  const methods = [route.method].flat().map((method) => method.toUpperCase())
  const looseSlash = app.initialConfig?.ignoreTrailingSlash === true
  const one: FoundRoute = {
    path,
    dialect: 'hydra',
    methods,
    kind: 'route',
    ...(looseSlash && { looseSlash }),
  }
  routes.push(one)
  // Hooks that are added to the route later, by other plugins, come before it is read.
  guards.set(one, route)
  // The route / of a plugin with a prefix has two addresses; Fastify tells of the first.
  const isPrefix = route.prefix && route.routePath === '' && (route.prefixTrailingSlash ?? 'both') === 'both'
  if (isPrefix && !looseSlash) {
    const withSlash = { ...one, path: `${path}/` }
    guards.set(withSlash, route)
    routes.push(withSlash)
  }
}

const guards = new WeakMap<FoundRoute, FastifyRoute>()
const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

/** Whom the hooks of a route let pass: each of them is asked. */
function accessOf(route: FoundRoute): Pick<FoundRoute, 'access'> {
  const declared = guards.get(route)
  const found = HOOKS.flatMap((hook) => [declared?.[hook]].flat())
    .map(guardOf)
    .filter((access) => access !== undefined)
  return found.length > 0 ? { access: Object.assign({}, ...found) } : {}
}

function found(routes: readonly FoundRoute[], warnings: readonly string[]): Found {
  // A CORS plugin answers OPTIONS for every path; then every route takes it.
  const answersOptions = routes.some(({ path, methods }) => isCatchAll(path) && methods?.includes('OPTIONS'))
  const all = routes.map((route) => ({ ...route, ...accessOf(route) }))
  return { routes: answersOptions ? all.flatMap(withOptions) : all, warnings }
}

function isCatchAll(path: string): boolean {
  return path === '{rest+}' || path === '/{rest+}'
}

function withOptions(route: FoundRoute): FoundRoute[] {
  const { access, ...open } = route
  if (!route.methods || isCatchAll(route.path) || route.methods.includes('OPTIONS')) return [route]
  // The plugin answers before any guard of the route.
  return access
    ? [route, { ...open, methods: ['OPTIONS'] }]
    : [{ ...route, methods: [...route.methods, 'OPTIONS'] }]
}
