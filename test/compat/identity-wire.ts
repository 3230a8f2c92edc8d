/**
 * Which tokens an old client believes, what it answers to who has none, and what it makes of the keys and roles in answers
 * to its registration: the facts of docs/reference/protocols/medusa.md, without a gateway.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'

export interface IdentityWire {
  /** Where the service `one` listens. */
  readonly port: () => number
  /** Answers its next registrations with this, and has it register again. */
  readonly registerWith: (answer: Readonly<Record<string, unknown>>) => Promise<void>
}

const MAPPINGS = { MANAGER: 'admin', user: 'nothing' }
/** A beat, and a second until the next registration. */
const SETTLES_MS = 8000

/** Makes the tests; the service is registered with the recorder when they run. */
export function identityWireTests({ port, registerWith }: IdentityWire): void {
  const [first, second] = [newKey(), newKey()]
  const open = async (path: string, token?: string) => {
    const response = await fetch(`http://127.0.0.1:${port()}${path}`, {
      redirect: 'manual',
      headers: { accept: 'text/html', ...(token === undefined ? {} : { cookie: `HYDRA-SSO=${token}` }) },
    })
    const html = await response.text()
    const at = (id: string) => new RegExp(`id="${id}">([^<]*)<`).exec(html)?.[1]
    const { status, headers } = response
    return { status, headers, who: at('who'), authorities: at('authorities') }
  }
  const knows = async (key: Key, who: string) => {
    const shown = await open('/one/who', tokenOf(key.privateKey, {}))
    assert.equal(shown.who, who)
  }

  test('it believes what is signed with its key, from hydra, not before its time and not after it', {
    timeout: 30_000,
  }, async () => {
    await registerWith({ publicKey: first.spki, services: [], roleMappings: MAPPINGS })
    await eventually(() => knows(first, 'ada'), SETTLES_MS)
    const now = Math.floor(Date.now() / 1000)
    const known: [string, string, object?][] = [
      ['', tokenOf(first.privateKey, {})],
      ['a key id', tokenOf(first.privateKey, {}, { kid: 'k' })],
      ['5 s old, as ours are', tokenOf(first.privateKey, { iat: now - 5 })],
      ['other claims', tokenOf(first.privateKey, { idp: ['a'], own: { a: [1] }, userId: null, aud: 'else' })],
    ]
    for (const [what, token] of known)
      assert.deepEqual(pick(await open('/one/who', token)), { who: 'ada', authorities: 'ADMIN USER' }, what)
    const none = await open('/one/who', tokenOf(first.privateKey, { roles: [] }))
    assert.deepEqual(pick(none), { who: 'ada', authorities: '' }, 'no roles')

    const hmac = unsigned({ alg: 'HS256' }, {})
    const refused: [string, string][] = [
      ['no roles claim', tokenOf(first.privateKey, { roles: undefined })],
      ['another issuer', tokenOf(first.privateKey, { iss: 'hydra2' })],
      ['over', tokenOf(first.privateKey, { exp: now - 1 })],
      ['made in 10 s', tokenOf(first.privateKey, { iat: now + 10 })],
      ['good in 10 s', tokenOf(first.privateKey, { nbf: now + 10 })],
      ['another key', tokenOf(second.privateKey, {})],
      ['no algorithm', `${unsigned({ alg: 'none' }, {})}.`],
      [
        'HS256 with the public key',
        `${hmac}.${createHmac('sha256', Buffer.from(first.spki, 'base64')).update(hmac).digest('base64url')}`,
      ],
      ['nothing', 'nothing'],
    ]
    for (const [what, token] of refused) assert.equal((await open('/one/who', token)).who, 'nobody', what)
  })

  test('who is nobody is sent to the login from what is for some, and gets its cookie everywhere', async () => {
    const cookie = ({ headers }: { headers: Headers }) =>
      headers.getSetCookie().filter((line) => line.startsWith('Referer='))
    const secure = await open('/one/secure/a/b?tab=1')
    assert.deepEqual([secure.status, secure.headers.get('location')], [302, '/login'])
    const [line = '', ...more] = cookie(secure)
    assert.deepEqual(more, [])
    assert.match(line, /^Referer=\/one\/secure\/a\/b; Max-Age=240; Expires=[^;]+ GMT; HttpOnly$/)
    const publicPage = await open('/one/who')
    assert.equal(publicPage.status, 200)
    assert.match(cookie(publicPage)[0] ?? '', /^Referer=\/one\/who; Max-Age=240; /)

    const ada = tokenOf(first.privateKey, {})
    const opened = await open('/one/secure/a/b', ada)
    assert.deepEqual([opened.status, opened.who, cookie(opened)], [200, 'ada', []])
    const mira = tokenOf(first.privateKey, { username: 'mira', roles: ['USER', 'manager'] })
    assert.equal((await open('/one/secure/a/b', mira)).status, 403, 'roles are mapped by their exact name')
    assert.deepEqual(pick(await open('/one/me', mira)), { who: 'mira', authorities: 'MANAGER USER' })
  })

  test('without a key in the answer it keeps what it has; another key takes the place of the first at once', {
    timeout: 60_000,
  }, async () => {
    await registerWith({ publicKey: null, services: [], roleMappings: {} })
    const { who, authorities } = await open('/one/who', tokenOf(first.privateKey, { fresh: 1 }))
    assert.deepEqual([who, authorities], ['ada', 'ADMIN USER'])

    await registerWith({ publicKey: second.spki, services: [], roleMappings: {} })
    await eventually(() => knows(second, 'ada'), SETTLES_MS)
    await knows(first, 'nobody')
    const unmapped = await open('/one/who', tokenOf(second.privateKey, {}))
    assert.equal(unmapped.authorities, 'MANAGER USER')

    // Why an answer always has role mappings.
    await registerWith({ publicKey: second.spki, services: [], roleMappings: null })
    await eventually(() => knows(second, 'nobody'), SETTLES_MS)
    await registerWith({ publicKey: second.spki, services: [], roleMappings: {} })
    await eventually(() => knows(second, 'ada'), SETTLES_MS)
  })
}

type Key = ReturnType<typeof newKey>

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') }
}

function tokenOf(key: KeyObject, claims: object, header: object = {}): string {
  const text = unsigned({ alg: 'RS256', ...header }, claims)
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`
}

function unsigned(header: object, claims: object): string {
  const exp = Math.floor(Date.now() / 1000) + 600
  const payload = { iss: 'hydra', exp, username: 'ada', roles: ['USER', 'MANAGER'], ...claims }
  return [{ typ: 'JWT', ...header }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
}

function pick({ who, authorities }: { who: string | undefined; authorities: string | undefined }) {
  return { who, authorities }
}
