/**
 * Reads the routes of an Express app from its router, 5 and 4, without importing Express.
 *
 * A mounted router keeps its own routes but not always where it was mounted: Express 5 before router 2.3 has
 * no trace of it, Express 4 only a regular expression. `recordMounts` remembers it at `app.use`; what can't be
 * read is named with the line that helps.
 *
 * @module
 */
import type { Found, FoundRoute } from '../found.ts'
import type { AccessOptions } from '../identity/access.ts'
import { guardOf, uncalledGuard } from '../identity/guard.ts'

/** A layer of a router's stack, as far as it is looked at. */
interface Layer {
  readonly name?: string
  readonly route?: {
    readonly path: unknown
    readonly methods?: Readonly<Record<string, boolean>>
    readonly stack?: readonly { readonly handle?: unknown; readonly method?: string }[]
  }
  readonly handle?: { readonly stack?: unknown }
  /** Path as given (router 2.3 and later). */
  readonly rawPath?: unknown
  /** True when mounted at `/` (router 2). */
  readonly slash?: boolean
  /** Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean }
  readonly keys?: readonly { readonly name: string | number }[]
}

interface Mount {
  readonly path: unknown
  /** The Express app that was mounted; its layer hides it. */
  readonly app?: object
}

type Use = (...args: unknown[]) => unknown
export interface Mountable {
  // biome-ignore lint/suspicious/noExplicitAny: Express declares two dozen overloads; any function will do
  use: (...args: any[]) => unknown
}

const ADD_LINE = 'Add this line before the first app.use: hydraRouter(app)'

/** What was mounted where, by layer. Lives as long as the routers themselves. */
const mounts = new WeakMap<object, Mount>()
const recorded = new WeakSet<object>()

/** Remembers the path of every router mounted in `target` (an app or a router) from now on. Returns `target`. */
export function recordMounts<Target extends Mountable>(target: Target): Target {
  if (recorded.has(target)) return target
  recorded.add(target)
  const use: Use = target.use.bind(target)
  target.use = (...args: unknown[]) => {
    const before = stackOf(target)?.length ?? 0
    const result = use(...args)
    const [path, handlers] = isPath(args[0]) ? [args[0], args.slice(1)] : ['/', args]
    const added = stackOf(target)?.slice(before) ?? []
    const mounted = (handlers as unknown[]).flat(Number.POSITIVE_INFINITY)
    // One layer per handler, in order; Express 4 puts two of its own before the first one.
    added.slice(-mounted.length).forEach((layer, index) => {
      const handler = mounted[index]
      const app = isObject(handler) && 'mountpath' in handler ? handler : undefined
      mounts.set(layer, app ? { path, app } : { path })
    })
    // `app.use` returns the app for chaining, whatever is behind it.
    return result
  }
  return target
}

/** All routes of an app, in order, with mounted routers walked through. */
export function readRouter(app: object): Found {
  const found: { routes: FoundRoute[]; warnings: string[] } = { routes: [], warnings: [] }
  walk(app, [''], isStrict(app), found, new Set())
  return found
}

function walk(
  target: object,
  prefixes: readonly string[],
  strict: boolean,
  found: { routes: FoundRoute[]; warnings: string[] },
  above: Set<object>,
): void {
  // A router mounted in itself would never end.
  if (above.has(target)) return
  const inside = new Set(above).add(target)
  for (const layer of stackOf(target) ?? []) {
    if (layer.route) {
      for (const path of [layer.route.path].flat(Number.POSITIVE_INFINITY)) {
        if (typeof path !== 'string') {
          found.warnings.push(
            `the route ${String(path)} is a regular expression, which can't be exported; name it as a pattern in the option routes.`,
          )
          continue
        }
        for (const prefix of prefixes) {
          const at = join(prefix, path)
          for (const { handle } of layer.route.stack ?? []) warnOfUncalled(handle, at, found.warnings)
          found.routes.push(...guardsOf(layer.route, at), route(at, methodsOf(layer.route.methods), strict))
        }
      }
      continue
    }
    const below = innerOf(layer)
    const paths = pathsOf(layer)
    warnOfUncalled(layer.handle, join(prefixes[0] ?? '', String(paths?.[0] ?? '/')), found.warnings)
    const access = guardOf(layer.handle)
    if (access) {
      // One at a path nobody can read refuses by itself.
      for (const path of (paths ?? []).filter((one) => typeof one === 'string'))
        for (const prefix of prefixes)
          found.routes.push(guard(join(prefix, path), access, { isForAllBelow: true }))
      continue
    }
    if (layer.name === 'mounted_app' && !below) {
      found.warnings.push(
        `an Express app is mounted${paths ? ` at ${prefixes[0]}${paths[0]}` : ''} whose routes can't be read. ${ADD_LINE}`,
      )
      continue
    }
    if (below && !paths) {
      const routes = countRoutes(below)
      if (routes > 0) found.warnings.push(unreadable(prefixes[0] ?? '', routes))
      continue
    }
    for (const path of paths ?? []) {
      if (typeof path !== 'string') {
        if (below)
          found.warnings.push(
            `a router is mounted at the regular expression ${String(path)}, which can't be exported.`,
          )
        continue
      }
      const at = prefixes.map((prefix) => join(prefix, path))
      if (below) walk(below, at, isStrict(below) ?? strict, found, inside)
      else if (path !== '/')
        found.routes.push(...at.map((path): FoundRoute => ({ path, dialect: 'express', kind: 'middleware' })))
    }
  }
}

function warnOfUncalled(handler: unknown, path: string, warnings: string[]): void {
  const mistake = uncalledGuard(handler, path)
  if (mistake) warnings.push(mistake)
}

/** Guards among the handlers of a route. */
function guardsOf({ stack = [] }: NonNullable<Layer['route']>, path: string): FoundRoute[] {
  const methods = new Map<AccessOptions, Set<string> | 'all'>()
  for (const { handle, method } of stack) {
    const access = guardOf(handle)
    if (!access) continue
    const some = methods.get(access) ?? new Set()
    methods.set(access, some === 'all' || method === undefined ? 'all' : some.add(method.toUpperCase()))
  }
  return [...methods].map(([access, some]) =>
    // `app.all` of Express 4 adds every method Node knows, one by one.
    guard(path, access, some === 'all' || some.size > 20 ? {} : { methods: [...some] }),
  )
}

function guard(
  path: string,
  access: AccessOptions,
  more: Pick<FoundRoute, 'methods' | 'isForAllBelow'>,
): FoundRoute {
  return { path, dialect: 'express', kind: 'guard', access, ...more }
}

function route(path: string, methods: string[] | undefined, strict: boolean): FoundRoute {
  return {
    path,
    dialect: 'express',
    kind: 'route',
    ...(methods && { methods }),
    // Express serves /orders/ where /orders was declared, unless "strict routing" is set.
    ...(!strict && { looseSlash: true }),
  }
}

/** Upper-case methods, or nothing for `app.all`. Express answers OPTIONS for every route by itself. */
function methodsOf(methods: Readonly<Record<string, boolean>> | undefined): string[] | undefined {
  if (!methods || methods._all) return undefined
  const names = Object.keys(methods).map((method) => method.toUpperCase())
  // `app.all` adds every method Node knows, one by one.
  return names.length > 20 ? undefined : [...new Set([...names, 'OPTIONS'])]
}

function join(prefix: string, path: string): string {
  const rest = path === '/' ? '' : path.startsWith('/') || path.startsWith('{') ? path : `/${path}`
  return prefix.replace(/\/$/, '') + rest || '/'
}

/** The router or app a layer leads into. */
function innerOf(layer: Layer): object | undefined {
  const app = mounts.get(layer)?.app
  if (app) return app
  return Array.isArray(layer.handle?.stack) ? (layer.handle as object) : undefined
}

/** Paths a layer is mounted at; nothing when they can't be known. */
function pathsOf(layer: Layer): readonly unknown[] | undefined {
  const path = mounts.get(layer)?.path ?? layer.rawPath
  if (path !== undefined) return [path].flat(Number.POSITIVE_INFINITY)
  if (layer.slash || layer.regexp?.fast_slash) return ['/']
  const text = layer.regexp && mountOfExpress4(layer.regexp.source, layer.keys ?? [])
  return text === undefined ? undefined : [text]
}

/** `^\/api\/(?:([^\/]+?))\/?(?=\/|$)` → `/api/:id`; nothing for what isn't as plain as that. */
function mountOfExpress4(
  source: string,
  keys: readonly { readonly name: string | number }[],
): string | undefined {
  const body = /^\^(.*)\\\/\?\(\?=\\\/\|\$\)$/.exec(source)?.[1]
  if (body === undefined) return undefined
  let key = 0
  const path = body
    .replace(
      /\(\?:(\\\/)?\(\[\^\\?\/\]\+\?\)\)/g,
      (_all, slash) => `${slash ? '/' : ''}:${keys[key++]?.name}`,
    )
    .replace(/\\([/.\-$^+|])/g, '$1')
  return /[()[\]{}\\*?]/.test(path) ? undefined : path
}

function unreadable(prefix: string, routes: number): string {
  const what = routes === 1 ? 'a router with 1 route' : `a router with ${routes} routes`
  if (prefix === '') return `${what} is mounted where Express keeps no path. ${ADD_LINE}`
  const name = prefix.split('/').at(-1)?.replace(/\W/g, '') || 'router'
  return `${what} is mounted inside the one at ${prefix} where Express keeps no path. Make the outer one so: const ${name} = hydraRouter(express.Router())`
}

function countRoutes(target: object): number {
  return (stackOf(target) ?? []).reduce((sum, layer) => {
    const inner = innerOf(layer)
    return sum + (layer.route ? 1 : inner ? countRoutes(inner) : 0)
  }, 0)
}

/** The stack of a router, or of the router an app has (5: `router`, 4: `_router`). */
function stackOf(target: object): readonly Layer[] | undefined {
  const { stack, _router } = target as { stack?: unknown; _router?: { stack?: unknown } }
  if (Array.isArray(stack)) return stack
  if (isObject(_router) && Array.isArray(_router.stack)) return _router.stack
  // Express 4 throws when `app.router` is read.
  if (!('mountpath' in target) || '_router' in target || 'lazyrouter' in target) return undefined
  const { router } = target as { router?: { stack?: unknown } }
  return Array.isArray(router?.stack) ? router.stack : undefined
}

function isStrict(target: object): boolean {
  const { enabled, strict } = target as { enabled?: unknown; strict?: unknown }
  if (typeof enabled === 'function') return enabled.call(target, 'strict routing') === true
  return strict === true
}

function isPath(argument: unknown): boolean {
  let first = argument
  while (Array.isArray(first) && first.length > 0) first = first[0]
  return typeof first !== 'function'
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
