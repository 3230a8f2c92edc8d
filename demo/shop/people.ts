/**
 * Who can sign in to the shop, and how a program does it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { AS_BROWSER, ask } from './ask.ts'

export interface Person {
  readonly username: string
  readonly password: string
  readonly roles: readonly string[]
}

/** Everybody may have their passwords: nothing here is anybody's. */
export const MIRA: Person = { username: 'mira', password: 'pond-boots', roles: ['CUSTOMER'] }
export const ADA: Person = { username: 'ada', password: 'marsh-lamp', roles: ['CUSTOMER', 'STAFF'] }

/** Said wherever the address of the shop is. */
export const HOW_TO_SIGN_IN = `sign in as ${MIRA.username} (${MIRA.password}), or as ${ADA.username} (${ADA.password}), who has /orders/desk`

/** One role has another name in one of the services. */
export const ROLES = { STAFF: { mappedTo: 'ADMIN', service: 'orders' } } as const

/** Signs somebody in with the form a browser would fill in; resolves with what it then sends as `Cookie`. */
export async function signIn(url: string, { username, password }: Person): Promise<string> {
  const cookies = new Map<string, string>()
  const keep = (lines: readonly string[] = []): void => {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
  }
  const cookie = (): string => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')

  const form = await ask(`${url}/login?ref=%2Faccount`, { headers: AS_BROWSER })
  assert.equal(form.status, 200, 'GET /login')
  keep(form.headers['set-cookie'])
  const [, csrf = ''] = /name="_csrf" value="([^"]*)"/.exec(form.body) ?? []
  const answer = await ask(`${url}/login`, {
    method: 'POST',
    headers: {
      ...AS_BROWSER,
      origin: url,
      cookie: cookie(),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: String(new URLSearchParams({ username, password, _csrf: csrf, ref: '/account' })),
  })
  assert.equal(answer.status, 303, `POST /login as ${username}`)
  assert.equal(answer.headers.location, '/account')
  keep(answer.headers['set-cookie'])
  return `HYDRA-SSO=${cookies.get('HYDRA-SSO')}`
}
