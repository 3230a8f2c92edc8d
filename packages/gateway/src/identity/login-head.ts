/**
 * Takes a login cookie that is worth nothing from the browser that sent it, with whatever answer goes there.
 *
 * @module
 */
import { LOGIN_COOKIE } from '@hydra-gateway/protocol'
import type { Exchange, HeaderLines } from '../proxy/exchange.ts'
import { isPubliclyCacheable } from '../proxy/visitor-cookie.ts'
import { cookieLine, HOST_PREFIX } from './cookie-line.ts'

export interface LoginHeadSettings {
  /** The cookie's name has the prefix `__Host-`. */
  readonly host: boolean
  /** `Secure` whatever the request says. @default false */
  readonly secure?: boolean
}

/** Called as the head of an answer leaves, from a service or from us. */
export type LoginHead = (exchange: Exchange, status: number, headers: HeaderLines) => void

export function createLoginHead({ settings }: { readonly settings: LoginHeadSettings }): LoginHead {
  const gone = (name: string, isSecure: boolean): string =>
    cookieLine(name, '', { path: '/', maxAgeSeconds: 0, isSecure })

  return (exchange, _status, headers) => {
    // A cache would hand the word on to everybody.
    if (!exchange.isLoginFaulty || isPubliclyCacheable(headers)) return
    const secure = settings.secure === true || exchange.secure
    exchange.addHeader('set-cookie', gone(LOGIN_COOKIE, secure))
    // Browsers take it over TLS only, and with the prefix it came that way.
    if (settings.host || secure) exchange.addHeader('set-cookie', gone(`${HOST_PREFIX}${LOGIN_COOKIE}`, true))
  }
}
