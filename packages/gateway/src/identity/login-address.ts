/**
 * Where a browser is sent to sign in, and to have its session renewed, so that it comes back to what it asked for.
 *
 * @module
 */
import { LOGIN_COOKIE } from '@hydra-gateway/protocol'
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

/** `WWW-Authenticate` for programs: a form signs in, and a cookie shows it. */
export function loginChallenge(siteTitle: string): string {
  const realm = siteTitle.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')
  return `Cookie realm="${realm}", form-action="${LOGIN_PATH}", cookie-name=${LOGIN_COOKIE}`
}

/** An address nobody is brought back to is left out: better the first page than a refusal. */
function refOf({ path, query }: Asked): string | undefined {
  const ref = readReturn(path + query)
  return ref === undefined ? undefined : encodeURIComponent(ref)
}
