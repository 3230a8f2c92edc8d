/**
 * `Set-Cookie` lines of services on their way to the visitor: names that are ours to give don't go on, a service that
 * keeps its cookies to itself gets its prefix, and a Medusa app's word about where a visitor came from reaches the login
 * page (`medusa.md` 4.3).
 *
 * @module
 */
import type { Head, ResponseHead } from '../http1/head.ts'
import { SET_COOKIE } from '../http1/names.ts'
import type { RouteKind } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import { isOurName, prefixedName } from './own-cookies.ts'

/** What must be known of whoever sends an answer. */
export type AnswerSource = Pick<Instance, 'channel' | 'cookiePrefix' | 'isGateway'>

const CAPITAL_H = 0x48
const CAPITAL_R = 0x52
const UNDERSCORE = 0x5f
const EQUALS = 0x3d
const SEMICOLON = 0x3b

/** Medusa's apps say with it where a visitor was before they sent him to the login. */
const REFERER = 'Referer'

/** Whether the `Set-Cookie` line `i` goes on as it is. By its first byte: nearly all do. */
export function isPlainCookie(head: Head, i: number, source: AnswerSource): boolean {
  if (source.isGateway === true) return true
  if (source.cookiePrefix !== undefined) return false
  switch (head.bytes[head.lines().valueAt[i]!]) {
    case CAPITAL_H:
    case UNDERSCORE:
    case EQUALS:
    case SEMICOLON:
      return false
    case CAPITAL_R:
      return source.channel !== 'http'
    default:
      return true
  }
}

/** What goes on of a `Set-Cookie` value; undefined when none of it does. `kind`: of the route that was asked for. */
export function settleSetCookie(
  value: string,
  { channel, cookiePrefix, isGateway }: AnswerSource,
  kind: RouteKind = 'page',
): string | undefined {
  if (isGateway === true) return value
  if (isReserved(value)) return undefined
  const end = value.indexOf(';')
  const pair = end < 0 ? value : value.slice(0, end)
  const equals = pair.indexOf('=')
  const name = equals < 0 ? '' : pair.slice(0, equals).trim()
  if (channel === 'http' && name === REFERER) {
    // They say it of everything: after a page of its script, its style, its socket, where nobody is brought back to.
    if (kind !== 'page') return undefined
    return hasPath(value) ? value : `${value}; Path=/`
  }
  // One without a name has nothing that could be prefixed.
  if (cookiePrefix === undefined || name === '') return value
  return prefixedName(name, cookiePrefix) + value.slice(equals)
}

/**
 * Whether a visitor's browser would send it under a name of ours. A cookie without a name is sent as its value alone,
 * which may look like name and value (RFC 6265bis, 5.6).
 */
export function isReserved(value: string): boolean {
  const end = value.indexOf(';')
  const pair = (end < 0 ? value : value.slice(0, end)).replace(/^[\s=]+/, '')
  const equals = pair.indexOf('=')
  return isOurName(equals < 0 ? pair : pair.slice(0, equals))
}

/** The `Set-Cookie` values of a head that go on. */
export function keptSetCookies(head: ResponseHead, source: AnswerSource): string[] {
  const kept: string[] = []
  if (head.find(SET_COOKIE) < 0) return kept
  for (const value of head.all('set-cookie')) {
    const settled = settleSetCookie(value, source)
    if (settled !== undefined) kept.push(settled)
  }
  return kept
}

/** Of several the last counts, and one that does not begin with a slash counts as none (RFC 6265bis, 5.6.4). */
function hasPath(value: string): boolean {
  const paths = value
    .split(';')
    .slice(1)
    .map((attribute) => /^\s*path\s*(?:=\s*(.*?)\s*)?$/i.exec(attribute))
    .filter((found) => found !== null)
  return paths.at(-1)?.[1]?.startsWith('/') ?? false
}
