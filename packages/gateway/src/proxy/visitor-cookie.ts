/**
 * The cookie `HYDRA-ROUTE`: who a visitor is to the draw, and what they are pinned to.
 *
 * ```
 * 1.<visitor>.<pins>.<mac>          at most 1 KB with the name
 * visitor   16 characters, random
 * pins      oldest first, joined by |   i:<service>:<instance id>   v:<owner of the route>:<service@version>
 * mac       HMAC-SHA-256 of all before its dot, 128 bits, base64url
 * ```
 *
 * Whoever holds one of the private keys can read and make it, so every node does. It is no secret and no login:
 * a signature only keeps strangers from choosing an instance.
 *
 * @module
 */
import { cookieValues, ROUTE_COOKIE } from './cookies.ts'
import type { HeaderLines } from './exchange.ts'
import { createRecent } from './recent.ts'
import { createSigner, MAC_LENGTH } from './signing.ts'
import { formatPin, type Pin, parsePins } from './visitor-pins.ts'

export interface VisitorCookie {
  readonly visitor: string
  /** Oldest first. */
  readonly pins: readonly Pin[]
  /** False when it was signed with a key that is on its way out. */
  readonly isFresh: boolean
}

export type CookieFault = 'duplicate' | 'oversize' | 'malformed' | 'forged'

export interface VisitorCookies {
  /** The cookie in some `Cookie` lines, or none; a faulty one is as none, and `onFault` hears why. */
  read(lines: readonly string[]): VisitorCookie | undefined
  /** The `Set-Cookie` value; the oldest pins are dropped when they don't fit. */
  write(
    visitor: string,
    pins: readonly Pin[],
    secure: boolean,
  ): { readonly line: string; readonly dropped: number }
}

const MOST_BYTES = 1024
const PREFIX = `${ROUTE_COOKIE}=`
/** Characters all pins together may have. */
export const PIN_ROOM = MOST_BYTES - `${PREFIX}1.${'v'.repeat(16)}..`.length - MAC_LENGTH

const FORM = /^(1\.([\w-]{16})\.([^.]*))\.([\w-]{22})$/
/** Verified cookies kept; two generations of it are the most. */
const KEPT = 2048

/** Makes the codec. The first key signs, all verify, so that keys can be changed while both are valid. */
export function createVisitorCookies({
  privateKeys,
  onFault,
}: {
  readonly privateKeys: readonly string[]
  readonly onFault: (fault: CookieFault) => void
}): VisitorCookies {
  const signer = createSigner(privateKeys, 'hydra-gateway route cookie 1')
  const verified = createRecent<VisitorCookie>(KEPT)

  const verify = (value: string): VisitorCookie | CookieFault => {
    if (PREFIX.length + value.length > MOST_BYTES) return 'oversize'
    const [, signed, visitor, pinsText, mac] = FORM.exec(value) ?? []
    if (signed === undefined) return 'malformed'
    const by = signer.signedBy(signed, mac!)
    if (by < 0) return 'forged'
    const pins = parsePins(pinsText!)
    return pins ? Object.freeze({ visitor: visitor!, pins, isFresh: by === 0 }) : 'malformed'
  }

  return {
    read(lines) {
      const values = cookieValues(lines, ROUTE_COOKIE)
      if (values.length === 0) return undefined
      const [value] = values as [string]
      const known = values.length === 1 ? verified.get(value) : undefined
      if (known) return known
      const result = values.length > 1 ? 'duplicate' : verify(value)
      if (typeof result === 'string') {
        onFault(result)
        return undefined
      }
      verified.add(value, result)
      return result
    },
    write(visitor, pins, secure) {
      const room = PIN_ROOM + 16 - visitor.length
      // A name can be so long that its pin fits nowhere; it must not push out the others.
      const texts = pins.map(formatPin).filter(({ length }) => length <= room)
      let length = texts.join('|').length
      let first = 0
      while (length > room) length -= texts[first++]!.length + 1
      const signed = `1.${visitor}.${texts.slice(first).join('|')}`
      const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
      return {
        line: `${PREFIX}${signed}.${signer.sign(signed)}; ${attributes}`,
        dropped: pins.length - texts.length + first,
      }
    },
  }
}

/**
 * Whether a cache that serves several visitors may keep an answer: a cookie in it would go to all of them. An
 * answer that says nothing about caching may have one: caches that guess don't keep answers with cookies.
 */
export function isPubliclyCacheable(headers: HeaderLines): boolean {
  return (
    isPublic(headers.all('cache-control')) ||
    isPublic(headers.all('cdn-cache-control')) ||
    isPublic(headers.all('surrogate-control'))
  )
}

function isPublic(lines: readonly string[]): boolean {
  if (lines.length === 0) return false
  // `private="set-cookie"` hides one header and leaves the rest to everybody: it doesn't count as private.
  const directives = lines.flatMap((line) => line.split(',')).map((part) => part.trim().toLowerCase())
  const has = (name: string) => directives.some((directive) => directive.split('=', 1)[0]!.trim() === name)
  if (has('public') || has('s-maxage')) return true
  return has('max-age') && !directives.includes('private') && !directives.includes('no-store')
}
