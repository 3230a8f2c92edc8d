/**
 * Where a request says who is signed in: in the login cookie all services share, or in a header for this one alone.
 *
 * @module
 */
import { LOGIN_COOKIE, type Login, TOKEN_HEADER } from '@hydra-gateway/protocol'
import { cookieOf, type Header } from '../request.ts'

const TOKEN = /^[\w.~+/=-]{1,16384}$/

/** The token of a request, as it came: nothing is verified here. */
export function readLogin(header: Header, login: Login): string | undefined {
  if (login === 'none') return undefined
  const token = login === 'header' ? header(TOKEN_HEADER) : cookieOf(header('cookie'), LOGIN_COOKIE)
  return token !== undefined && TOKEN.test(token) ? token : undefined
}
