/**
 * Where a link of a page leads, as far as it stays at this site.
 *
 * @module
 */
import { isLocalPath } from '../menu-markup.ts'

/** Where the page is that a link stands in. */
export interface PagePlace {
  /** With its query: `/orders?page=2`. */
  readonly path: string
  /** `https://shop.example`; absolute addresses are of another site without. */
  readonly origin?: string | undefined
}

/** Nobody has that. */
const NOWHERE = 'http://site.invalid'

/** What most links are: what it says is where it leads, whoever reads it. */
const PLAIN = /^\/(?!\/)[\w\-~!$&()*+,;=:@%/?#.]*$/

/**
 * The path an `href` leads to from a page, with query and fragment, as browsers put it together; undefined when it
 * leaves the site, or is no address.
 */
export function pathOfLink(href: string, { path, origin = NOWHERE }: PagePlace): string | undefined {
  if (PLAIN.test(href) && !href.includes('/.')) return href
  let url: URL
  try {
    url = new URL(href, `${origin}${path}`)
  } catch {
    return undefined
  }
  if (url.origin !== new URL(origin).origin) return undefined
  const found = url.pathname + url.search + url.hash
  return isLocalPath(found) ? found : undefined
}
