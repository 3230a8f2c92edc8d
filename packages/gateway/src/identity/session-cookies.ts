/**
 * The cookies of a session: names, `Set-Cookie` lines, and how they are read.
 *
 * ```
 * HYDRA-SSO       Path=/                 the token; services may get it
 * HYDRA-SESSION   Path=/_hydra/session   the sealed session, for renewals
 * HYDRA-RENEW     Path=/                 signed id of the session: there is something to renew, or to end
 * HYDRA-KNOWN     Path=/login            this browser signed in with some account before (`throttle`)
 * HYDRA-LOGIN-…   Path=/login            who the login form was given to (`login-form`)
 * ```
 *
 * All are HttpOnly. One that came twice counts as none: somebody who may set cookies for a parent domain has put
 * another beside ours. With `host` the token's and the signed id have the prefix `__Host-`, which only this very host
 * can set; the sealed session is then taken only with the signed id of the same session.
 *
 * @module
 */
import { LOGIN_COOKIE } from '@hydra-gateway/protocol'
import { cookieValues } from '../proxy/cookies.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { createSigner, MAC_LENGTH } from '../proxy/signing.ts'
import { SESSION_ID } from './session-id.ts'

export const SESSION_COOKIE = 'HYDRA-SESSION'
export const RENEW_COOKIE = 'HYDRA-RENEW'
export const KNOWN_COOKIE = 'HYDRA-KNOWN'
export const FORM_COOKIE = 'HYDRA-LOGIN'
export const SESSION_PATH = '/_hydra/session'
export const LOGIN_PATH = '/login'

/** Browsers drop a cookie whose name and value are longer together (RFC 6265bis, 5.6). */
export const MOST_COOKIE_BYTES = 4096

export interface SessionCookieSettings {
  /** Prefix `__Host-` for the token's cookie; only over TLS. */
  readonly host: boolean
  /** `Secure` whatever the request says: the public URL is https. @default false */
  readonly secure?: boolean
  readonly privateKeys: readonly string[]
}

type Asked = Pick<Exchange, 'headers' | 'secure'>

export interface CookieOptions {
  readonly path: string
  /** Absent: until the browser is closed. 0 takes it away. */
  readonly maxAgeSeconds?: number
}

/** What a session puts into a browser, with the lives of its parts. */
export interface SessionCookieParts {
  readonly sid: string
  readonly token: string
  readonly tokenMs: number
  readonly sealed: string
  readonly sessionMs: number
}

export interface SessionCookies {
  /** As the browser knows them. */
  readonly loginName: string
  readonly renewName: string
  /** The token; undefined when there is none, or several. */
  token(exchange: Asked): string | undefined
  /** The sealed session; sent to `/_hydra/session` only. */
  sealed(exchange: Asked): string | undefined
  /** Whether there may be a session to renew. */
  isRenewable(exchange: Asked): boolean
  /** The session a browser has, by its signed id: it may be over. */
  sid(exchange: Asked): string | undefined
  /** Whether a session belongs to the browser that sent it; always, without `__Host-`. */
  owns(exchange: Asked, sid: string): boolean
  /** A `Set-Cookie` value. */
  line(exchange: Asked, name: string, value: string, options: CookieOptions): string
  set(exchange: Asked, parts: SessionCookieParts): string[]
  /** Takes everything of a session from the browser. */
  clear(exchange: Asked): string[]
}

export function createSessionCookies({
  host,
  secure = false,
  privateKeys,
}: SessionCookieSettings): SessionCookies {
  const loginName = host ? `__Host-${LOGIN_COOKIE}` : LOGIN_COOKIE
  const renewName = host ? `__Host-${RENEW_COOKIE}` : RENEW_COOKIE
  const signer = createSigner(privateKeys, 'hydra-gateway session id 1')

  const one = ({ headers }: Asked, name: string): string | undefined => {
    const values = cookieValues(headers.all('cookie'), name)
    return values.length === 1 && values[0] !== '' ? values[0] : undefined
  }
  const line = (exchange: Asked, name: string, value: string, options: CookieOptions): string => {
    const { path, maxAgeSeconds } = options
    const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${Math.max(0, Math.ceil(maxAgeSeconds))}`
    const isSecure = host || secure || exchange.secure
    return `${name}=${value}; Path=${path}${age}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  }
  const sidOf = (exchange: Asked): string | undefined => {
    const value = one(exchange, renewName)
    if (value === undefined || value.length > 64) return undefined
    const [sid, mac] = [value.slice(0, -MAC_LENGTH - 1), value.slice(-MAC_LENGTH)]
    return SESSION_ID.test(sid) && value.at(-MAC_LENGTH - 1) === '.' && signer.signedBy(sid, mac) >= 0
      ? sid
      : undefined
  }
  return {
    loginName,
    renewName,
    token: (exchange) => one(exchange, loginName),
    sealed: (exchange) => one(exchange, SESSION_COOKIE),
    isRenewable: (exchange) => one(exchange, renewName) !== undefined,
    sid: sidOf,
    owns: (exchange, sid) => !host || sidOf(exchange) === sid,
    line,
    set(exchange, { sid, token, tokenMs, sealed, sessionMs }) {
      const age = { maxAgeSeconds: sessionMs / 1000 }
      return [
        line(exchange, loginName, token, { path: '/', maxAgeSeconds: tokenMs / 1000 }),
        line(exchange, SESSION_COOKIE, sealed, { path: SESSION_PATH, ...age }),
        line(exchange, renewName, `${sid}.${signer.sign(sid)}`, { path: '/', ...age }),
      ]
    },
    clear(exchange) {
      const gone = (name: string, path: string) => line(exchange, name, '', { path, maxAgeSeconds: 0 })
      return [gone(loginName, '/'), gone(SESSION_COOKIE, SESSION_PATH), gone(renewName, '/')]
    },
  }
}
