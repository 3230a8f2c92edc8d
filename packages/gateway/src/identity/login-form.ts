/**
 * The login form as it is given out and as it comes back: bounded, of this site, and from the browser it was given to.
 *
 * The browser has a random id in a cookie, the form its signature. The id stays while it holds, so that a second tab
 * does not spoil the form of the first; tabs that are opened at once get an id each, in cookies of different names. It
 * proves nothing but that both belong together, and is no session.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { createSigner } from '../proxy/signing.ts'
import { readForm } from './form-body.ts'
import { FORM_COOKIE, LOGIN_PATH, type SessionCookies } from './session-cookies.ts'

/** What was typed, and what the page had put in. */
export interface LoginFields {
  readonly username: string
  readonly password: string
  readonly ref: string | undefined
  /** Service for which another login is added. */
  readonly service: string | undefined
  readonly csrf: string | undefined
}

export interface LoginForm {
  /** The field `_csrf` of a form, and the `Set-Cookie` value that goes with it. */
  open(exchange: Exchange): { readonly csrf: string; readonly cookie: string }
  /**
   * Why a form is not one that was given to the browser that sends it: it belongs to another cookie, or the browser sent
   * none back; undefined when it is.
   */
  faultOf(exchange: Exchange, csrf: string | undefined): 'form' | 'form-cookie' | undefined
  /**
   * Reads what was posted.
   *
   * @throws HydraError HYDRA_BAD_REQUEST, HYDRA_TOO_LARGE, HYDRA_REQUEST_TIMEOUT
   */
  read(request: Request): Promise<LoginFields>
}

/** Names and passwords are short; the address to come back to is the longest. */
const LIMITS = { maxBytes: 32 * 1024, timeoutMs: 10_000 }
const LIFE_SECONDS = 24 * 3600

export function createLoginForm({
  privateKeys,
  cookies,
  clock,
  random = randomBytes,
}: {
  readonly privateKeys: readonly string[]
  readonly cookies: Pick<SessionCookies, 'line'>
  readonly clock: Pick<Clock, 'after'>
  readonly random?: (bytes: number) => Buffer
}): LoginForm {
  const signer = createSigner(privateKeys, 'hydra-gateway login form 1')
  return {
    open(exchange) {
      const id = formIds(exchange)[0] ?? random(16).toString('base64url')
      const options = { path: LOGIN_PATH, maxAgeSeconds: LIFE_SECONDS }
      return { csrf: signer.sign(id), cookie: cookies.line(exchange, cookieOf(id), id, options) }
    },
    faultOf(exchange, csrf) {
      if (csrf === undefined) return 'form'
      const ids = formIds(exchange)
      if (ids.some((id) => signer.signedBy(id, csrf) >= 0)) return undefined
      return ids.length === 0 ? 'form-cookie' : 'form'
    },
    async read(request) {
      const fields = await readForm(request, LIMITS, clock)
      const one = (name: string): string | undefined => {
        const values = fields.getAll(name)
        if (values.length > 1)
          throw new HydraError('HYDRA_BAD_REQUEST', `the form has ${name} more than once`)
        return values[0]
      }
      const [username, password] = [one('username'), one('password')]
      if (username === undefined || password === undefined)
        throw new HydraError('HYDRA_BAD_REQUEST', 'the form needs username and password')
      return { username, password, ref: one('ref'), service: one('for'), csrf: one('_csrf') }
    },
  }
}

/** Name of the cookie with an id. */
const cookieOf = (id: string): string => `${FORM_COOKIE}-${id.slice(0, 8)}`

const PAIR = new RegExp(`(?:^|;)[ \\t]*${FORM_COOKIE}-([\\w-]{8})=(\\1[\\w-]{14})[ \\t]*(?=;|$)`, 'g')
/** More ids than a browser gets from us: somebody else put them there. */
const MOST_IDS = 10

/** Ids a browser was given; one that came twice is none. */
function formIds({ headers }: Pick<Exchange, 'headers'>): readonly string[] {
  const ids = headers
    .all('cookie')
    .flatMap((line) => [...line.matchAll(PAIR)].map(([, , id]) => id as string))
  return ids.filter((id, at) => ids.indexOf(id) === at && ids.lastIndexOf(id) === at).slice(0, MOST_IDS)
}
