/**
 * Navigations: requests by which a browser shows another page, as its own headers tell.
 *
 * @module
 */

import type { Exchange } from './exchange.ts'
import { isSafe } from './methods.ts'

type Asked = Pick<Exchange, 'method' | 'headers' | 'isUpgrade'>

/**
 * Whether the answer becomes a document. Browsers without `Sec-Fetch-*` headers, and those that speak plain HTTP
 * to another host, are known by what they accept.
 */
export function isNavigation({ method, headers, isUpgrade }: Asked): boolean {
  if (isUpgrade) return false
  const mode = headers.get('sec-fetch-mode')
  if (mode !== undefined) return mode === 'navigate'
  return isSafe(method) && (headers.get('accept')?.includes('text/html') ?? false)
}

/**
 * Whether a navigation leaves the page the visitor was on, so that another version may be shown from here on.
 * Frames, forms and pages that are fetched ahead of a click still belong to the page they come from.
 */
export function leavesPage({ method, headers }: Asked): boolean {
  const destination = headers.get('sec-fetch-dest')
  if (destination !== undefined && destination !== 'document') return false
  return isSafe(method) && headers.get('sec-purpose') === undefined
}
