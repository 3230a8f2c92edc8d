/**
 * What a method says about being sent twice (RFC 9110, 9.2).
 *
 * @module
 */

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** True for methods that may be sent twice. Others are not, and neither are methods nobody standardised. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}

/** True for methods by which a page is looked at. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}
