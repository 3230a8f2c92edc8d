/**
 * `Set-Cookie` values of identity. All are HttpOnly and SameSite=Lax: no script reads them, and no other site has them sent
 * with what it posts.
 *
 * @module
 */

/** Of names that only this very host can set, over TLS and for all paths (RFC 6265bis, 4.1.3.2). */
export const HOST_PREFIX = '__Host-'

export interface CookieOptions {
  readonly path: string
  /** Absent: until the browser is closed. 0 takes it away. */
  readonly maxAgeSeconds?: number
}

export function cookieLine(
  name: string,
  value: string,
  { path, maxAgeSeconds, isSecure }: CookieOptions & { readonly isSecure: boolean },
): string {
  const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${Math.max(0, Math.ceil(maxAgeSeconds))}`
  return `${name}=${value}; Path=${path}${age}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
}
