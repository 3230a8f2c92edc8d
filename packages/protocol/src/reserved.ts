/**
 * Paths the gateway keeps for itself (design, "Settings contract"). They win over every route; a service that
 * declares one is told that it was left out, and the SDK does not offer it in the first place.
 *
 * @module
 */
import type { Pattern } from './pattern/index.ts'

/** An entry that ends in `/` is a prefix, others are exact: `/h/x` is reserved, `/h` is not. */
export const RESERVED_PATHS = ['/h/', '/_h/', '/_hydra/', '/health', '/.well-known/jwks.json'] as const

/** The gateway's as well while people can sign in there; services' own while nobody can. */
export const LOGIN_PATHS = ['/login', '/logout'] as const

/** The gateway's as well while it stands in for hydra-router (`docs/reference/router-api.md`); services' own otherwise. */
export const ROUTER_PREFIX = '/v1/router/'

/** What a router serves itself, written as routes stand in Redis. Lists tell them without their methods. */
export const ROUTER_ROUTES = [
  '[get]/',
  '[get]/v1/router/health',
  '[get]/v1/router/list/:thing',
  '[get]/v1/router/nodes',
  '[get]/v1/router/version',
  '[get]/v1/router/clear',
  '[get]/v1/router/refresh',
  '[get]/v1/router/refresh/:service',
  '[get]/v1/router/log',
  '[get]/v1/router/stats',
  '[post]/v1/router/message',
  '[post]/v1/router/send',
  '[post]/v1/router/queue',
  '[post]/v1/router/stream/:name',
] as const

const PREFIXES: readonly string[] = RESERVED_PATHS.filter((path) => path.endsWith('/'))
const EXACT: ReadonlySet<string> = new Set(RESERVED_PATHS.filter((path) => !path.endsWith('/')))

/** True for a canonical request path the gateway answers itself. */
export function isReservedPath(path: string): boolean {
  const second = path.charCodeAt(1)
  // h, _ and . are the only first letters of a reserved path: one comparison clears nearly every request.
  if (second !== 104 && second !== 95 && second !== 46) return false
  return EXACT.has(path) || PREFIXES.some((prefix) => path.startsWith(prefix))
}

/** True for a pattern all of whose paths are reserved. `/{page}` is not: `/health` just never reaches it. */
export function isReservedPattern(pattern: Pick<Pattern, 'segments'>): boolean {
  const { path, isWhole } = beginningOf(pattern)
  return isWhole ? isReservedPath(path) : PREFIXES.some((prefix) => `${path}/`.startsWith(prefix))
}

/** True for a canonical request path of the router API. */
export function isRouterPath(path: string): boolean {
  return path.startsWith(ROUTER_PREFIX)
}

/** True for a pattern all of whose paths are. */
export function isRouterPattern(pattern: Pick<Pattern, 'segments'>): boolean {
  const { path, isWhole } = beginningOf(pattern)
  return (isWhole ? path : `${path}/`).startsWith(ROUTER_PREFIX)
}

/** The literal segments a pattern begins with, and whether there are no others. */
function beginningOf({ segments }: Pick<Pattern, 'segments'>): { path: string; isWhole: boolean } {
  const literal: string[] = []
  for (const segment of segments) {
    if (segment.kind !== 'literal') break
    literal.push(segment.text)
  }
  return { path: `/${literal.join('/')}`, isWhole: literal.length === segments.length }
}

/** True for a canonical request path that is the gateway's while people can sign in. */
export function isLoginPath(path: string): boolean {
  return path.charCodeAt(1) === 108 && LOGINS.has(path)
}

/** True for a pattern all of whose paths are. */
export function isLoginPattern({ segments }: Pick<Pattern, 'segments'>): boolean {
  const [only] = segments
  return segments.length === 1 && only?.kind === 'literal' && LOGINS.has(`/${only.text}`)
}

const LOGINS: ReadonlySet<string> = new Set(LOGIN_PATHS)
