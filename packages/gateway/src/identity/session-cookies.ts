/**
 * The cookies of a session: names, `Set-Cookie` lines, and how they are read.
 *
 * ```
 * HYDRA-SSO       Path=/                 the token; services may get it
 * HYDRA-SESSION   Path=/_hydra/session   the sealed session, for renewals
 * HYDRA-RENEW     Path=/                 signed id of the session: there is something to renew, or to end
 * HYDRA-KNOWN     Path=/login            this browser signed in with some account before (`throttle`)
 * HYDRA-LOGIN-…   Path=/login            who the login form was given to (`login-form`)
 * HYDRA-RENEWING  Path=/                 how often the browser was sent to be renewed just now (`renewals`)
 * HYDRA-OIDC-…    Path=/_hydra/login     a sign-in under way at a provider (`oidc/flows`)
 * ```
 *
 * Of the first three, one that came twice counts as none: somebody who may set cookies for a parent domain has put
 * another beside ours. With `host` the token's and the signed id have the prefix `__Host-`, which only this very host
 * can set; the sealed session is then taken only with the signed id of the same session.
 *
 * @module
 */
import { LOGIN_COOKIE } from '@hydra-gateway/protocol'
import { cookieValues } from '../proxy/cookies.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { createSigner, MAC_LENGTH } from '../proxy/signing.ts'
import { type CookieOptions, cookieLine, HOST_PREFIX } from './cookie-line.ts'
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
  /** Prefix `__Host-` for the cookies that go to every path; only over TLS. */
  readonly host: boolean
  /** `Secure` whatever the request says: the public URL is https. @default false */
  readonly secure?: boolean
  readonly privateKeys: readonly string[]
}

type Asked = Pick<Exchange, 'headers' | 'secure'>

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

/** Names browsers know the cookies by that go to every path. */
export function cookieNames(host: boolean): Pick<SessionCookies, 'loginName' | 'renewName'> {
  const prefix = host ? HOST_PREFIX : ''
  return { loginName: `${prefix}${LOGIN_COOKIE}`, renewName: `${prefix}${RENEW_COOKIE}` }
}

export function createSessionCookies({
  host,
  secure = false,
  privateKeys,
}: SessionCookieSettings): SessionCookies {
  const { loginName, renewName } = cookieNames(host)
  const signer = createSigner(privateKeys, 'hydra-gateway session id 1')

  const one = ({ headers }: Asked, name: string): string | undefined => {
    const values = cookieValues(headers.all('cookie'), name)
    return values.length === 1 && values[0] !== '' ? values[0] : undefined
  }
  const line = (exchange: Asked, name: string, value: string, options: CookieOptions): string =>
    cookieLine(name, value, { ...options, isSecure: host || secure || exchange.secure })
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
