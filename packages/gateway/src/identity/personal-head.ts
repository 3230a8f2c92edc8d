/**
 * Keeps what is for some from caches that serve everybody. A service that closed a route may have thought of that; one
 * whose route an operator closed has not, and says `public` of it as before.
 *
 * @module
 */
import type { Exchange, HeaderLines } from '../proxy/exchange.ts'

type Asked = Pick<Exchange, 'isForSome' | 'addHeader'>

/** Called as the head of an answer leaves: RFC 9111, 4.1, a cache may give it to requests with the same cookies alone. */
export function keepPersonal(exchange: Asked, headers: Pick<HeaderLines, 'get'>): void {
  if (!exchange.isForSome) return
  exchange.addHeader('vary', 'Cookie')
  // Where nothing is said, caches may guess (RFC 9111, 4.2.2).
  if (headers.get('cache-control') === undefined) exchange.addHeader('cache-control', 'private')
}
