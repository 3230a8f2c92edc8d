import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  revocationsAnswer,
  revokeAnswer,
  sessionsAnswer,
  signingKeysAnswer,
  userAnswer,
  usersAnswer,
} from '@hydra-gateway/protocol'
import { Hono } from 'hono'
import { createIdentityAdmin } from '../admin/identity.ts'
import { CODES, HydraError } from '../errors.ts'
import { createKeyRing } from '../identity/key-ring.ts'
import { createPasswords } from '../identity/passwords.ts'
import type { Caller } from '../identity/port.ts'
import { createRevocations } from '../identity/revocations.ts'
import { createSealer } from '../identity/sealing.ts'
import { createSessionBook } from '../identity/session-book.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import { openSqliteIdentityStore } from '../store/identity/sqlite.ts'
import { createIdentityApi } from './identity-api.ts'

const START = Date.parse('2026-05-01T08:00:00Z')
const HOUR = 3_600_000

async function startApi(t: TestContext, { lasting = true } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'hydra-admin-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const store = lasting
    ? await openSqliteIdentityStore(join(directory, 'identity.db'))
    : createMemoryIdentityStore()
  t.after(() => store.close())
  const lines: object[] = []
  const write = (fields: object, text: string) => lines.push({ ...fields, text })
  const log = { info: write, warn: write, error: write } as never
  const clock = createManualClock(START)
  const revocations = createRevocations({
    store: store.revocations,
    clock,
    log,
    settings: { keepMs: 24 * HOUR },
  })
  const book = createSessionBook({ revocations, clock })
  const sealer = createSealer(['a private key that is long enough'], 'key ring')
  const ring = await createKeyRing({ store: store.keyRing, sealer, tokenLifeMs: HOUR, clock, log })
  const passwords = createPasswords({ memoryKiB: 64, passes: 1 })
  const isConfigured = (name: string) => name === 'root'
  const admin = createIdentityAdmin({
    store,
    revocations,
    book,
    ring,
    hash: passwords.hash,
    isConfigured,
    log,
  })
  const app = new Hono().route('/api', createIdentityApi(admin)).onError((error, c) => {
    if (!(error instanceof HydraError)) throw error
    return c.json(
      { code: error.code, detail: error.detail, errors: error.errors },
      CODES[error.code][0] as 400,
    )
  })
  const call = async (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; json: any }> => {
    const response = await app.request(`/api${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, json: await response.json() }
  }
  return { store, revocations, book, passwords, clock, lines, call }
}

const sidOf = (n: number) => `${(START + n).toString(36)}-${'A'.repeat(22)}`
function caller(n: number, username: string): Caller {
  const sid = sidOf(n)
  return {
    ...{ token: 'secret-token', kid: 'k', jti: `j${n}`, sid, startedAt: START + n, expiresAt: START + HOUR },
    ...{ sessionEndsAt: START + 8 * HOUR, renewAt: START + HOUR / 2, providers: ['local'] },
    identities: [{ provider: 'local', subject: username, username, userId: null, roles: [], claims: {} }],
    revocableAs: [`session:${sid}`, `user:local:${username}`, `user:${username}`],
  }
}

test('sessions are listed in pages, of everybody or of one', async (t) => {
  const { book, call } = await startApi(t)
  for (const n of [1, 2, 3]) book.seen(caller(n, n === 2 ? 'bob' : 'ada'), '10.0.0.7')
  const first = (await call('GET', '/sessions?limit=2')).json
  sessionsAnswer.parse(first)
  assert.deepEqual([first.total, first.sessions.length, first.next], [3, 2, sidOf(2)])
  assert.doesNotMatch(JSON.stringify(first), /secret|revocable/)
  const second = (await call('GET', `/sessions?limit=2&after=${first.next}`)).json
  assert.deepEqual(
    second.sessions.map(({ sid, address }: any) => [sid, address]),
    [[sidOf(1), '10.0.0.7']],
  )
  assert.equal((await call('GET', '/sessions?user=bob')).json.total, 1)
  for (const query of ['limit=0', 'limit=5000', 'limit=x', 'after=..%2f', 'user='])
    assert.equal((await call('GET', `/sessions?${query}`)).status, 400, query)
})

test('a session is ended by its id, all of a user by name or identity', async (t) => {
  const { book, call, revocations, lines } = await startApi(t)
  for (const n of [1, 2, 3]) book.seen(caller(n, 'ada'), undefined)
  const ended = await call('DELETE', `/sessions/${sidOf(2)}`)
  revokeAnswer.parse(ended.json)
  assert.equal(ended.json.revoked.key, sidOf(2))
  assert.equal((await call('GET', '/sessions')).json.total, 2)
  const user = await call('POST', '/revocations', { session: sidOf(1), reason: 'laptop lost' })
  assert.equal(user.json.revoked.reason, 'laptop lost')
  assert.equal((await call('GET', '/sessions')).json.total, 1)
  await call('POST', '/revocations', { user: 'work:42' })
  assert.ok(revocations.isRevoked({ revocableAs: ['user:work:42'], startedAt: START }))
  const listed = (await call('GET', '/revocations')).json
  revocationsAnswer.parse(listed)
  assert.deepEqual(listed.revocations.map(({ kind }: any) => kind).sort(), ['session', 'session', 'user'])
  assert.equal(lines.filter((line: any) => /ended/.test(line.text)).length, 3)
})

test('an end that can’t be understood ends nothing', async (t) => {
  const { call, revocations } = await startApi(t)
  const bodies = [
    ...[
      {},
      [],
      null,
      'x',
      { user: '' },
      { user: 7 },
      { session: '../x' },
      { session: sidOf(1), user: 'ada' },
    ],
    ...[
      { user: 'ada', reason: 'x'.repeat(201) },
      { user: 'x'.repeat(513) },
      '{',
      '{"__proto__":{"user":"ada"}}',
    ],
  ]
  for (const body of bodies) {
    const { status, json } = await call('POST', '/revocations', body)
    assert.deepEqual([status, json.code], [400, 'HYDRA_BAD_REQUEST'], JSON.stringify(body))
  }
  assert.equal((await call('DELETE', '/sessions/nonsense')).status, 400)
  assert.deepEqual(revocations.list(), [])
})

test('signing keys are listed and rotated, without their private parts', async (t) => {
  const { call } = await startApi(t)
  const before = (await call('GET', '/keys')).json
  const after = (await call('POST', '/keys/rotate')).json
  signingKeysAnswer.parse(after)
  assert.deepEqual(
    after.keys.map(({ state }: any) => state),
    ['active', 'retired'],
  )
  assert.equal(after.keys[1].kid, before.keys[0].kid)
  assert.notEqual(after.keys[0].kid, before.keys[0].kid)
  assert.doesNotMatch(JSON.stringify(after), /"(d|p|q|sealed)"/)
})

test('users are added, changed and removed, and nobody reads a hash', async (t) => {
  const { store, passwords, call, lines } = await startApi(t)
  const added = await call('POST', '/users', {
    ...{ username: 'zoe\u0308', password: 'correct horse', roles: ['USER', 'USER', 'ADMIN'], id: 7 },
    metadata: { department: 'garden' },
  })
  userAnswer.parse(added.json)
  assert.deepEqual(added.json.user, {
    ...{ username: 'zo\u00eb', id: 7, roles: ['USER', 'ADMIN'], metadata: { department: 'garden' } },
    ...{ enabled: true, accountNonExpired: true, accountNonLocked: true, credentialsNonExpired: true },
  })
  const hash = async () => (await store.users.find('zo\u00eb'))!.passwordHash
  assert.ok(await passwords.verify(await hash(), 'correct horse'))
  assert.equal(
    (await call('POST', '/users', { username: 'zo\u00eb', password: 'correct horse' })).status,
    409,
  )

  const changed = await call('PATCH', `/users/${encodeURIComponent('zo\u00eb')}`, { roles: [], id: null })
  assert.deepEqual([changed.json.user.roles, changed.json.user.id], [[], null])
  assert.deepEqual(changed.json.user.metadata, { department: 'garden' })
  await call('PATCH', '/users/zo%C3%AB', { password: 'another horse' })
  assert.ok(await passwords.verify(await hash(), 'another horse'))

  const listed = (await call('GET', '/users')).json
  usersAnswer.parse(listed)
  assert.equal(listed.users.length, 1)
  assert.equal((await call('DELETE', '/users/zo%C3%AB')).json.user.username, 'zo\u00eb')
  assert.deepEqual((await call('GET', '/users')).json.users, [])
  assert.doesNotMatch(JSON.stringify([added, changed, listed, lines]), /argon2|horse/)
})

test('whoever may not sign in any more, or not like that, has no session left', async (t) => {
  const { revocations, clock, call } = await startApi(t)
  const isOver = (name: string, startedAt: number) =>
    revocations.isRevoked({ revocableAs: [`user:local:${name}`, `user:${name}`], startedAt })
  for (const username of ['ada', 'bob', 'eve', 'ivy'])
    await call('POST', '/users', { username, password: 'correct horse' })
  await call('PATCH', '/users/ada', { password: 'another horse' })
  await call('PATCH', '/users/bob', { accountNonLocked: false })
  await call('DELETE', '/users/eve')
  await call('PATCH', '/users/ivy', { roles: ['ADMIN'], enabled: true })
  assert.deepEqual(
    ['ada', 'bob', 'eve', 'ivy'].map((name) => isOver(name, START)),
    [true, true, true, false],
  )
  clock.advance(1)
  await call('PATCH', '/users/bob', { accountNonLocked: true })
  assert.equal(isOver('bob', clock.now()), false)
})

test('what can’t be a user is refused with what is wrong, and changes nothing', async (t) => {
  const { store, call } = await startApi(t)
  const good = { username: 'ada', password: 'correct horse' }
  const bad: [unknown, RegExp][] = [
    [{ ...good, password: 'short' }, /^password is shorter than 8 characters$/],
    [{ ...good, password: 'x'.repeat(1025) }, /^password is longer/],
    [{ username: 'ada' }, /^password /],
    [{ ...good, username: '' }, /^username is empty/],
    [{ ...good, username: ' ada' }, /^username begins or ends with a space/],
    [{ ...good, username: 'a\u202eda' }, /^username has characters that can not be seen/],
    [{ ...good, username: 'a'.repeat(257) }, /^username is longer/],
    [{ ...good, roles: 'ADMIN' }, /^roles /],
    [{ ...good, roles: [''] }, /^roles\.0 is empty/],
    [{ ...good, roles: ['USER ADMIN'] }, /^roles\.0 has a space or a comma in it: a role is a word/],
    [{ ...good, metadata: { sub: 'local:root' } }, /^metadata may not set what has a meaning/],
    [{ ...good, metadata: { a: 'x'.repeat(5000) } }, /^metadata is larger/],
    [{ ...good, id: -1 }, /^id /],
    [{ ...good, passwordHash: '$argon2id$…' }, /^the body passwordHash is nothing a user has$/],
    [[], /^the body /],
  ]
  for (const [body, detail] of bad) {
    const { status, json } = await call('POST', '/users', body)
    assert.equal(status, 400, JSON.stringify(body))
    assert.match(json.detail, detail)
  }
  assert.equal((await call('PATCH', '/users/nobody', { roles: [] })).status, 404)
  assert.equal((await call('DELETE', '/users/nobody')).status, 404)
  for (const [method, path] of [
    ['POST', '/users'],
    ['PATCH', '/users/root'],
    ['DELETE', '/users/root'],
  ] as const) {
    const body =
      method === 'POST' ? { ...good, username: 'root' } : method === 'PATCH' ? { roles: [] } : undefined
    const { status, json } = await call(method, path, body)
    assert.deepEqual([status, json.detail], [409, 'root stands in the configuration; change it there'])
  }
  assert.deepEqual(await store.users.list(), [])
})

test('without a lasting store users are none of the API’s', async (t) => {
  const { call } = await startApi(t, { lasting: false })
  const { status, json } = await call('POST', '/users', { username: 'ada', password: 'correct horse' })
  assert.equal(status, 409)
  assert.match(json.detail, /set identity\.database/)
  assert.equal((await call('GET', '/keys')).status, 200)
})
