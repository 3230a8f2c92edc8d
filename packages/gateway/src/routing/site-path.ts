/**
 * Addresses of this site, as somebody wrote them into a menu or a link: `/orders?open=1#first`.
 *
 * @module
 */
import { isLocalPath } from '@hydra-gateway/protocol'
import { canonicalPath } from './path.ts'

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

/** Reads an address; undefined for one that leads elsewhere, that we would refuse, or that is none. */
export function readSitePath(text: string): SitePath | undefined {
  if (!isLocalPath(text) || !text.isWellFormed()) return undefined
  const end = text.search(/[?#]/)
  const raw = end < 0 ? text : text.slice(0, end)
  if (HAS_PARAMETER.test(raw)) return undefined
  const canonical = canonicalPath(escaped(raw))
  if (canonical.problem !== undefined) return undefined
  const { path, encodedSlash } = canonical
  const address = end < 0 ? path : path + escaped(text.slice(end))
  // Without its dots, `/.//there` would be the address of another host.
  return isLocalPath(address) ? { address, path, encodedSlash } : undefined
}

function escaped(text: string): string {
  return text.replace(UNESCAPED, encodeURIComponent)
}
