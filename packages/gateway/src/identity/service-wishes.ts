/**
 * What services want themselves: an answer by which one asks for a sign-in becomes our way to the login and back
 * (`medusa.md` 4.3).
 *
 * Their redirect to `/login` says so whoever asks: somebody who is signed in may still be the wrong one, and the login
 * page never sends anybody back by itself, so nobody goes round in circles. A 401 says so of nobody only: who is signed
 * in and gets one is told so by the service.
 *
 * @module
 */
import type { Exchange, HeaderLines } from '../proxy/exchange.ts'
import type { ServiceSignIn } from '../proxy/service-sign-in.ts'
import { loginAddress } from './login-address.ts'
import type { Revocations } from './port.ts'
import { LOGIN_PATH } from './session-cookies.ts'
import { opensPage } from './sign-in-answers.ts'

export function createServiceWishes({
  revocations,
}: {
  readonly revocations: Pick<Revocations, 'isRevoked'>
}): ServiceSignIn {
  return {
    wishOf(exchange, status, headers) {
      if (!opensPage(exchange)) return undefined
      const isWish =
        status === 401
          ? exchange.caller === undefined && headers.get('www-authenticate') === undefined
          : leadsToLogin(exchange, headers)
      return isWish ? loginAddress(exchange) : undefined
    },
    isOver: revocations.isRevoked,
  }
}

/** The scheme is not compared: behind a proxy that speaks TLS for us, services don't always know it. */
function leadsToLogin({ authority, path }: Exchange, headers: HeaderLines): boolean {
  const location = headers.get('location')
  if (location === undefined || !location.includes(LOGIN_PATH.slice(1))) return false
  const base = `http://${authority}${path}`
  if (!URL.canParse(location, base)) return false
  const { protocol, host, pathname, username, password } = new URL(location, base)
  const isHere = host === new URL(base).host && username === '' && password === ''
  return isHere && pathname === LOGIN_PATH && (protocol === 'http:' || protocol === 'https:')
}
