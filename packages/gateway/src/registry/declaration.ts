/**
 * From what a service sent to what the table needs: its routes in our one form, the rest left out with reasons.
 *
 * Pure. Medusa's three lists (`medusa.md` 1.1, 2.3, 2.4) and our `routes` end in the same `RouteSpec`s, so
 * nothing behind this file knows in which language or over which channel a route was declared.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import {
  type Dialect,
  literalPattern,
  MAX_COMBINATIONS,
  type Pattern,
  type Registration,
  type RouteDeclaration,
  type Translation,
  translate,
} from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'
import { accessOf, FOR_EVERYBODY } from '../routing/access.ts'
import { fallbackProblem } from '../routing/fallback.ts'
import { foldedRoutes } from '../routing/folded-routes.ts'
import { isLoginPattern, isReservedPath, isReservedPattern, isRouterPattern } from '../routing/reserved.ts'
import type { Access, Manifest, RouteKind, RouteSpec } from '../routing/route.ts'
import { type ChannelKind, isExternal } from '../routing/upstream.ts'

export interface Refusal {
  readonly path: string
  readonly reason: string
}

export interface Declaration {
  readonly manifest: Manifest
  /** Routes that were left out. */
  readonly refused: readonly Refusal[]
  /** Said in the log; the route is served. */
  readonly warnings: readonly string[]
}

/** What of a registration decides its routes, in an order that doesn't depend on the sender's. */
export function manifestHash(registration: Registration, channel: ChannelKind): string {
  const { name, endpoints, sockets, staticResources, routes, auth, roles, providers } = registration
  const declared = [
    name,
    channel === 'http',
    [...endpoints].sort(),
    [...sockets].sort(),
    [...staticResources].sort(),
    routes,
    ...(isSaid({ auth, roles, providers }) ? [{ auth, roles, providers }] : []),
    ...(channel === 'flywheel' ? [channel] : []),
  ]
  return createHash('sha256').update(JSON.stringify(declared)).digest('hex').slice(0, 32)
}

function isSaid({ auth, roles, providers }: { [Key in keyof Access]: Access[Key] | undefined }): boolean {
  return auth !== undefined || roles !== undefined || providers !== undefined
}

/** What a registration says for all its routes and fragments; a sentence when it contradicts itself. */
export function usualAccess(said: Pick<Registration, 'auth' | 'roles' | 'providers'>): Access | string {
  return accessOf(said, FOR_EVERYBODY)
}

/**
 * Compiles the routes of a registration.
 *
 * @throws HydraError HYDRA_BAD_REGISTRATION when what it says for all its routes contradicts itself, as nobody could
 * tell whom they are for; HYDRA_TOO_LARGE above `maxRoutes`. Counted is what costs: optional parts as the routes they
 * stand for, every 16 segments of a path as a route, and paths that are left out like the others.
 */
export function compileDeclaration(
  registration: Registration,
  channel: ChannelKind,
  {
    maxRoutes,
    hasLogin = false,
    hasRouterApi = false,
    hash = manifestHash(registration, channel),
  }: {
    readonly maxRoutes: number
    /** `/login` and `/logout` are the gateway's. @default false */
    readonly hasLogin?: boolean
    /** What lies below `/v1/router/` is the gateway's. @default false */
    readonly hasRouterApi?: boolean | undefined
    readonly hash?: string
  },
): Declaration {
  const { name, endpoints, sockets, staticResources } = registration
  const usual = usualAccess(registration)
  if (typeof usual === 'string') throw new HydraError('HYDRA_BAD_REGISTRATION', usual)
  const routes: RouteSpec[] = []
  const refused: Refusal[] = []
  const warnings: string[] = []

  let counted = 0
  const count = (patterns: number): void => {
    counted += patterns
    if (counted > maxRoutes) throw tooManyRoutes(maxRoutes)
  }
  const add = (spec: RouteSpec): void => {
    routes.push(spec)
  }
  const translated = (dialect: Dialect, path: string, use: (pattern: Pattern) => void): void => {
    const read = readPath(dialect, path)
    // What is left out counts too: to find out what a path stands for is what costs.
    if (typeof read === 'string') {
      count(dialect === 'spring' ? 1 : MAX_COMBINATIONS)
      refused.push({ path, reason: read })
      return
    }
    for (const { segments } of read.patterns) count(Math.ceil(segments.length / USUAL_SEGMENTS) || 1)
    warnings.push(...read.warnings)
    if (read.patterns.some(isReservedPattern)) refused.push({ path, reason: RESERVED })
    else if (hasLogin && read.patterns.some(isLoginPattern)) refused.push({ path, reason: SIGN_IN })
    else if (hasRouterApi && read.patterns.some(isRouterPattern)) refused.push({ path, reason: ROUTER_API })
    else for (const pattern of read.patterns) use(pattern)
  }
  const declare = (dialect: Dialect, path: string, kind: RouteKind): void =>
    translated(dialect, path, (pattern) => add({ pattern, kind, ...usual }))

  const given = endpoints.length + sockets.length + staticResources.length + registration.routes.length
  if (given > maxRoutes) throw tooManyRoutes(maxRoutes)

  const isByRules = channel === 'flywheel' || isExternal(name)
  // Their paths were never looked into for slashes in disguise.
  const bySeen = isByRules ? ({ flywheel: 'route', encodedSlash: 'keep' } as const) : {}
  for (const path of endpoints) declare('spring', path, 'page')
  for (const path of sockets) declare('spring', path, 'socket')
  for (const route of registration.routes) {
    const { path, dialect, host, fallback, socket, auth, roles, providers, ...rest } = route
    const said = accessOf(route, usual)
    const problem = typeof said === 'string' ? said : routeProblem(route)
    const access = typeof said === 'string' ? (accessOf({ roles, providers }, usual) as Access) : said
    const isKept = problem !== undefined && access.auth === 'required'
    if (problem !== undefined) refused.push({ path, reason: isKept ? `${problem}; ${KEPT}` : problem })
    const place = host === undefined ? {} : { host: host.toLowerCase() }
    const kind: RouteKind = socket ? 'socket' : 'page'
    if (problem === undefined) {
      const own = { ...place, ...(fallback === undefined ? {} : { fallback }), ...rest, ...access, ...bySeen }
      translated(dialect, path, (pattern) => add({ pattern, kind, ...own }))
    } else if (isKept) {
      // Left out, its path would belong to a wider route of the service, which may be for everybody.
      translated(dialect, path, (pattern) => add({ pattern, kind, ...place, ...access }))
    }
  }

  // The page of a Medusa application opens its socket here; the application has it at /socket (medusa.md 2.4).
  // A service named like a prefix of ours has no such paths: `/h/socket` is never asked of it.
  if (isReservedPath(`/${name}/`)) {
    refused.push({ path: `/${name}/**`, reason: RESERVED })
    routes.push(...foldedRoutes(routes))
    return { manifest: { hash, routes }, refused, warnings }
  }
  // Whatever is below its name is its website, once it has said any route (flywheel.md 3.2).
  if (channel === 'flywheel' && routes.length > 0)
    translated('hydra', `/${name.replace(/[{}*]/g, '\\$&')}/**`, (pattern) =>
      add({ pattern, kind: 'page', flywheel: 'site', encodedSlash: 'keep', ...usual }),
    )
  if (channel === 'http') {
    count(1)
    add({ pattern: literalPattern(`/${name}/socket`), kind: 'socket', to: '/socket', ...usual })
  }
  for (const resource of staticResources) {
    // Medusa clients send whatever their class path holds; folders are no files.
    if (resource === '' || resource.endsWith('/')) continue
    const encoded = encodePath(resource)
    if (encoded === undefined) continue
    count(1)
    // Spring serves /webjars/** beside /static/**; an application that has neither answers 404 to both.
    const webjar = encoded.startsWith('webjars/')
    add({
      pattern: literalPattern(`/${name}/${resource}`),
      kind: 'static',
      to: webjar ? `/${encoded}` : `/static/${encoded}`,
      ...(webjar ? { otherwise: `/static/${encoded}` } : {}),
      ...usual,
    })
  }
  routes.push(...foldedRoutes(routes))
  return { manifest: { hash, routes }, refused, warnings }
}

const RESERVED = 'this path belongs to the gateway'
const KEPT = 'until it is mended its path is served without all this, for those it is for'
const SIGN_IN = 'this path belongs to the gateway while people sign in there'
const ROUTER_API = 'this path belongs to the gateway while it stands in for hydra-router (HYDRA_FLYWHEEL)'

/** Why a route can't be served as it is declared, its path and its access aside. */
function routeProblem({ fallback, to, socket, methods }: RouteDeclaration): string | undefined {
  const problem = fallback === undefined ? undefined : fallbackProblem(fallback)
  if (problem) return `its fallback ${problem}`
  if (to !== undefined && !SENDABLE.test(to)) return 'its `to` holds a character that must be encoded'
  if (socket && methods && !methods.includes('GET'))
    return 'a WebSocket begins with GET, which is not among its methods'
  return undefined
}

/** Hardly a route has more segments; one that does costs as much as several. */
const USUAL_SEGMENTS = 16

/** The patterns of a path, or why it has none. */
function readPath(dialect: Dialect, path: string): Translation | string {
  try {
    return translate(dialect, path)
  } catch (error) {
    return error instanceof Error ? error.message : 'not a path we can read'
  }
}

function tooManyRoutes(maxRoutes: number): HydraError {
  return new HydraError(
    'HYDRA_TOO_LARGE',
    `a registration may have ${maxRoutes} routes; nothing was registered`,
  )
}

/** What may stand in a request line: visible ASCII, and no fragment. */
const SENDABLE = /^[\x21\x22\x24-\x7e]+$/

const PLAIN = /^[A-Za-z0-9._~/!$&'()*+,;=:@-]*$/

/** Percent-encodes a decoded relative path; undefined for text that has no encoding (lone surrogates). */
function encodePath(path: string): string | undefined {
  if (PLAIN.test(path)) return path
  try {
    return path.split('/').map(encodeURIComponent).join('/')
  } catch {
    return undefined
  }
}
