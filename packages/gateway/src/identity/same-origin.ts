/**
 * Whether a request that changes something was sent by a page of this site.
 *
 * @module
 */
import type { Exchange } from '../proxy/exchange.ts'
import { isAllowedOrigin } from '../proxy/origin.ts'

/**
 * Browsers say where a POST comes from, by `Origin` always and by `Sec-Fetch-Site` where they may; programs say neither.
 * A neighbour under the same domain is another site here, and so is `Origin: null` (sandboxed frames, local files).
 */
export function isSameOrigin({ headers, authority }: Exchange, publicUrl: string | undefined): boolean {
  const site = headers.get('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const origins = headers.all('origin')
  return origins.length < 2 && isAllowedOrigin(origins[0], authority, { allowedOrigins: [], publicUrl })
}
