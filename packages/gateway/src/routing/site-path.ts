/**
 * Addresses of this site, as somebody wrote them into a menu or a link, and where they lead: `/orders?open=1#first`.
 *
 * @module
 */
import { isLocalPath } from '@hydra-gateway/protocol'
import { canonicalPath } from './path.ts'
import { isReservedPath } from './reserved.ts'
import type { Route } from './route.ts'
import type { RoutingTable } from './table.ts'

export interface SitePath {
  /** As a browser asks for it, with query and fragment. */
  readonly address: string
  /** What is matched. */
  readonly path: string
  /** It holds `%2f`, which only some routes take. */
  readonly encodedSlash: boolean
}

/** Stands for more than itself: a pattern, not an address. */
const HAS_PARAMETER = /[{}*]/
/** What browsers write with escapes in front of everything else. */
const UNESCAPED = /[^\u0021\u0023-\u003b\u003d\u003f-\u005f\u0061-\u007a\u007c\u007e]/gu

const STRAY = /%(?![0-9a-f]{2})/i
const ESCAPE = /%[0-9a-f]{2}/gi
/** Without the dot: what is no dot segment must not become one. */
const NEEDS_NO_ESCAPE = /[\w~-]/

/** Reads an address; undefined for one that leads elsewhere, that we would refuse, or that is none. */
export function readSitePath(text: string): SitePath | undefined {
  if (!isLocalPath(text) || !text.isWellFormed()) return undefined
  const end = text.search(/[?#]/)
  const raw = end < 0 ? text : text.slice(0, end)
  if (HAS_PARAMETER.test(raw)) return undefined
  const canonical = canonicalPath(escaped(raw))
  if (canonical.problem !== undefined) return undefined
  const { encodedSlash } = canonical
  const path = plain(canonical.path)
  const address = end < 0 ? path : path + plain(escaped(text.slice(end)))
  // Without its dots, `/.//there` would be the address of another host.
  return isLocalPath(address) ? { address, path, encodedSlash } : undefined
}

/** The route a browser gets at an address; undefined where nobody has it, and where the gateway answers itself. */
export function routeAt(
  table: Pick<RoutingTable, 'match'>,
  host: string,
  { path, encodedSlash }: Pick<SitePath, 'path' | 'encodedSlash'>,
): Route | undefined {
  // A service that takes every path never gets one of those.
  if (isReservedPath(path)) return undefined
  const route = table.match(host, path, 'GET', false)
  return route && encodedSlash && route.encodedSlash !== 'keep' ? undefined : route
}

/** One way to write what can be written in several (RFC 3986, 6.2.2): `/%6frders` is `/orders`. */
function plain(text: string): string {
  // Behind a `%` of a query that begins no escape, what is left of one could.
  if (STRAY.test(text)) return text
  return text.replace(ESCAPE, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return NEEDS_NO_ESCAPE.test(character) ? character : triplet.toUpperCase()
  })
}

function escaped(text: string): string {
  return text.replace(UNESCAPED, encodeURIComponent)
}
