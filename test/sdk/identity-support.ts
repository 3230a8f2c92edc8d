/**
 * People who sign in at a gateway, for tests of services that know them.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { navigate, type Page } from '../support/navigate.ts'

const users = [
  { username: 'mira', password: 'mira-secret', roles: ['CLERK'], metadata: { email: 'mira@example.org' } },
  { username: 'root', password: 'root-secret', roles: ['ADMIN', 'CLERK'] },
]

/** A gateway where mira (CLERK) and root (ADMIN, CLERK) may sign in; services called desk… call a CLERK STAFF. */
export function startSite(t: Pick<TestContext, 'after'>, config: object = {}): Promise<TestGateway> {
  const roles = { CLERK: { mappedTo: 'STAFF', service: 'desk.*,bench,stool' } }
  return startGateway(t, { identity: { users, roles, ...config } } as never)
}

/** Signs in as a program does. Resolves with the `Cookie` line of that person. */
export async function signIn({ url }: TestGateway, username: string): Promise<string> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ username, password: `${username}-secret` }),
  })
  const lines = response.headers.getSetCookie()
  const login = lines.find((line) => line.startsWith('HYDRA-SSO='))
  assert.ok(login, `${response.status} ${await response.text()}`)
  return login.split(';')[0]!
}

/** `status body`, as a program. */
export async function asked(url: string, cookie?: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...(cookie && { cookie }) } })
  const text = await response.text()
  return `${response.status} ${text !== '' && response.headers.get('content-type')?.includes('problem') ? JSON.parse(text).code : text}`
}

/** A page, as a browser opens it. */
export function opened(url: string, cookie?: string): Promise<Page> {
  return navigate(url, cookie === undefined ? {} : { cookie })
}
