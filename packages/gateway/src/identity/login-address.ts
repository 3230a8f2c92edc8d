/**
 * Where a browser is sent to sign in, and to have its session renewed, so that it comes back to what it asked for.
 *
 * @module
 */
import type { Exchange } from '../proxy/exchange.ts'
import { readReturn } from './return-to.ts'
import { LOGIN_PATH, SESSION_PATH } from './session-cookies.ts'

type Asked = Pick<Exchange, 'path' | 'query'>

/** The login page; `forService`: it offers only what that service accepts. */
export function loginAddress(asked: Asked | undefined, forService?: string): string {
  const ref = asked && refOf(asked)
  const query = [
    ...(ref === undefined ? [] : [`ref=${ref}`]),
    ...(forService === undefined ? [] : [`for=${encodeURIComponent(forService.toWellFormed())}`]),
  ]
  return query.length === 0 ? LOGIN_PATH : `${LOGIN_PATH}?${query.join('&')}`
}

/** Where a session is renewed; undefined for an address one can't be brought back to. */
export function renewalAddress(asked: Asked): string | undefined {
  const ref = refOf(asked)
  return ref === undefined ? undefined : `${SESSION_PATH}?ref=${ref}`
}

/** An address nobody is brought back to is left out: better the first page than a refusal. */
function refOf({ path, query }: Asked): string | undefined {
  const ref = readReturn(path + query)
  return ref === undefined ? undefined : encodeURIComponent(ref)
}
