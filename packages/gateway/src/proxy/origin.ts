/**
 * Which pages may open a WebSocket here. Browsers send cookies along with a handshake from any site, and no
 * CORS check stands before it, so the Origin is the only protection (RFC 6455, 10.2).
 *
 * @module
 */
import { parseAuthority, sameAuthorityKey } from './authority.ts'
import type { ProxySettings } from './settings.ts'

/**
 * Says whether a handshake from this origin is let in: none (not a browser), the host that was asked, our
 * public URL, or one of the allowed origins.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  authority: string,
  { allowedOrigins, publicUrl }: Pick<ProxySettings, 'allowedOrigins' | 'publicUrl'>,
): boolean {
  if (origin === undefined) return true
  if (allowedOrigins.includes(origin)) return true
  if (!URL.canParse(origin)) return false
  const { protocol, host, origin: normal } = new URL(origin)
  if (protocol !== 'http:' && protocol !== 'https:') return false
  if (allowedOrigins.includes(normal)) return true
  if (publicUrl !== undefined && new URL(publicUrl).origin === normal) return true
  // The scheme is not compared: behind a proxy that ends TLS and is not trusted we can't know ours.
  const asked = parseAuthority(authority)
  const from = parseAuthority(host)
  if (!asked || !from) return false
  const secure = protocol === 'https:'
  return sameAuthorityKey(asked, secure) === sameAuthorityKey(from, secure)
}
