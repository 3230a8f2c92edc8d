import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { identityStoreContract } from '../identity/contract.ts'
import type { IdentityStore, Revocation, UserRecord } from '../identity/port.ts'
import { createRedisIdentityStore } from './identity.ts'
import { nameOf } from './sealed-record.ts'
import { openTestLine, quiet, sharedRedis } from './testing/line.ts'

const redis = sharedRedis()

const ada: UserRecord = {
  ...{ username: 'ada', id: null, passwordHash: '$argon2id$secret', roles: [], metadata: {}, enabled: true },
  ...{ accountNonExpired: true, accountNonLocked: true, credentialsNonExpired: true },
}
const ended = (key: string, at: number): Revocation => ({
  ...{ kind: 'user', key, at, until: at + 3_600_000, reason: 'left' },
})

/** A place of its own in the server, and stores that share it. */
async function site(t: TestContext) {
  const place = await redis.place()
  const lines: string[] = []
  const write = (_: object, text: string) => lines.push(text)
  const open = async (privateKeys: readonly string[] = ['key']): Promise<IdentityStore> => {
    const line = await openTestLine(t, place)
    return createRedisIdentityStore({ line, privateKeys, log: { info: write, warn: write } as never })
  }
  const keyOf = (part: string): string => `${place.prefix}{id}:${part}`
  return { ...place, lines, open, keyOf }
}

identityStoreContract('redis', async (t) => {
  const place = await redis.place()
  const open = async () =>
    createRedisIdentityStore({ line: await openTestLine(t, place), privateKeys: ['key'], log: quiet })
  return { store: await open(), again: open }
})

test('redis: nothing of people can be read there', async (t) => {
  const { open, command, prefix, lines } = await site(t)
  const store = await open()
  await store.users.put({ ...ada, roles: ['ADMIN'] })
  await store.links.link(
    ['local:ada', 'work:ada@example.org'].map((key) => ({ key, data: { mail: 'ada@example.org' } })),
  )
  await store.revocations.add(ended('local:ada', Date.now()))
  const dump: unknown[] = []
  for (const key of (await command('KEYS', `${prefix}*`)) as string[]) {
    assert.doesNotMatch(key, /(:service|:routes|:presence)$/)
    const type = await command('TYPE', key)
    dump.push(key, type === 'hash' ? await command('HGETALL', key) : await command('ZRANGE', key, '0', '-1'))
  }
  assert.ok(dump.length >= 10)
  assert.doesNotMatch(JSON.stringify(dump), /ada|argon|ADMIN|example|left/i)
  assert.deepEqual(lines, [])
})

test('redis: who shares it, and not the key, adds no user, gives no role, links nobody and ends no session', async (t) => {
  const { open, command, keyOf, lines } = await site(t)
  const store = await open()
  await store.users.put(ada)
  await store.users.put({ ...ada, username: 'mallory', roles: ['GUEST'] })
  await store.users.put({ ...ada, username: 'root', roles: ['ADMIN'] })
  await store.links.link(['local:root', 'work:root'].map((key) => ({ key, data: {} })))
  await store.links.link(['local:mallory', 'work:mallory'].map((key) => ({ key, data: {} })))
  await store.revocations.add(ended('local:mallory', Date.now()))

  // a whole store of another system, as good as it can be made
  const foreign = await open(['another key'])
  await foreign.users.put({ ...ada, username: 'eve', roles: ['ADMIN'] })
  await foreign.revocations.add({ ...ended('local:ada', Date.now() + 1e12), until: Date.now() + 2e12 })

  // what is there, moved to where it does more
  const fields = (await command('HGETALL', keyOf('users'))) as unknown
  const users = new Map(Array.isArray(fields) ? pairs(fields) : Object.entries(fields as object))
  await command('HSET', keyOf('users'), nameOf('mallory'), String(users.get(nameOf('root'))))
  const lead = String(await command('HGET', keyOf('links'), `k:${nameOf('local:root')}`))
  await command('HSET', keyOf('links'), `k:${nameOf('local:mallory')}`, lead)
  await command('HSET', keyOf('state'), 'version', '99.forged', 'users', '99.forged')

  const other = await open()
  assert.equal(await other.users.find('eve'), undefined)
  assert.equal(await other.users.find('mallory'), undefined)
  assert.deepEqual(
    (await other.users.list()).map(({ username }) => username),
    ['ada', 'root'],
  )
  assert.deepEqual(await other.links.linked('local:mallory'), [])
  const { fresh } = await other.revocations.since(undefined, Date.now())
  assert.deepEqual(
    fresh.map(({ key }) => key),
    ['local:mallory'],
  )
  assert.equal(lines.filter((line) => line.includes('not written by a gateway')).length, 1, 'said once')

  // and what was broken can be mended
  assert.equal(await other.users.put({ ...ada, username: 'mallory' }, 'new'), true)
  await other.revocations.add(ended('local:ada', Date.now()))
  assert.equal((await other.revocations.since(undefined, Date.now())).fresh.length, 2)
  await other.links.link(['local:mallory', 'home:mallory'].map((key) => ({ key, data: {} })))
  assert.equal((await other.links.linked('home:mallory')).length, 2)
  assert.equal((await other.links.linked('local:root')).length, 2)
})

const pairs = (list: readonly unknown[]): [string, unknown][] =>
  list.flatMap((one, i) => (i % 2 === 0 ? [[String(one), list[i + 1]] as [string, unknown]] : []))

test('redis: a store that fell back to an older copy of itself is noticed, and says all there is', async (t) => {
  const { open, command, keyOf } = await site(t)
  const [here, there] = [await open(), await open()]
  await here.revocations.add(ended('old', 1_000_000))
  await here.keyRing.save('ring 1', undefined)
  const keys = ['state', 'revoked', 'revoked:order', 'revoked:until', 'revoked:marks', 'ring'].map(keyOf)
  const older = await Promise.all(keys.map((key) => command('COPY', key, `${key}:older`)))
  assert.ok(older.every((copied) => Number(copied) === 1))

  await here.revocations.add(ended('lost', 1_000_000))
  const ring = (await here.keyRing.load())!
  assert.equal(await here.keyRing.save('ring 2', ring.version), true)
  const seen = await there.revision()
  const { cursor } = await there.revocations.since(undefined, 0)
  const lostRing = (await there.keyRing.load())!

  for (const key of keys) await command('COPY', `${key}:older`, key, 'REPLACE')
  assert.notEqual(await there.revision(), seen)
  // as many changes as were lost: by numbers alone nothing had happened
  await here.revocations.add(ended('new', 1_000_000))
  assert.equal(await here.keyRing.save('ring 2, another', ring.version), true)
  assert.notEqual(await there.revision(), seen)
  const { fresh, isWhole } = await there.revocations.since(cursor, 0)
  assert.equal(isWhole, true)
  assert.deepEqual(
    fresh.map(({ key }) => key),
    ['old', 'new'],
  )
  assert.notEqual((await there.keyRing.load())!.version, lostRing.version)
  assert.equal(await there.keyRing.save('stale', lostRing.version), false)
})

test('redis: a store that was emptied says all there is, and a new one has no end of sessions to tell', async (t) => {
  const { open, command, keyOf } = await site(t)
  const store = await open()
  const first = await store.revocations.since(undefined, 0)
  await store.revocations.add(ended('a', 1_000_000))
  const second = await store.revocations.since(first.cursor, 0)
  assert.deepEqual([second.isWhole, second.fresh.length], [false, 1], 'nothing was lost between the two')
  const seen = await store.revision()
  for (const part of ['state', 'revoked', 'revoked:order', 'revoked:until', 'revoked:marks'])
    await command('DEL', keyOf(part))
  assert.notEqual(await store.revision(), seen)
  const third = await store.revocations.since(second.cursor, 0)
  assert.deepEqual([third.isWhole, third.fresh.length], [true, 0])
  await store.revocations.add(ended('b', 1_000_000))
  assert.equal((await store.revocations.since(third.cursor, 0)).isWhole, false)
  assert.equal((await store.revocations.since(second.cursor, 0)).isWhole, true)
})

test('redis: a private key can be changed without losing people', async (t) => {
  const { open, command, keyOf } = await site(t)
  const before = await open(['old'])
  await before.users.put(ada)
  await before.links.link(['local:ada', 'work:ada'].map((key) => ({ key, data: {} })))
  await before.revocations.add(ended('bob', Date.now()))
  const version = await before.revision()
  const during = await open(['new', 'old'])
  assert.equal((await during.users.find('ada'))?.username, 'ada')
  const after = await open(['new'])
  await eventually(async () => {
    assert.equal((await after.users.find('ada'))?.username, 'ada')
    assert.equal((await after.links.linked('work:ada')).length, 2)
    assert.equal((await after.revocations.since(undefined, Date.now())).fresh.length, 1)
  })
  assert.notEqual(await after.revision(), version)
  assert.equal(Number(await command('HLEN', keyOf('users'))), 1)
})

test('redis: thousands of users and of ended sessions are read page by page', async (t) => {
  const { open } = await site(t)
  const store = await open()
  const COUNT = 3500
  const now = Date.now()
  for (let i = 0; i < COUNT; i += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, j) => [
        store.users.put({ ...ada, username: `user-${i + j}` }),
        store.revocations.add(ended(`user-${i + j}`, now)),
      ]).flat(),
    )
  const other = await open()
  const listed = await other.users.list()
  assert.equal(new Set(listed.map(({ username }) => username)).size, COUNT)
  await store.revocations.add(ended('x', now))
  assert.equal(await other.users.list(), listed, 'not read again while none of them changes')
  const whole = await other.revocations.since(undefined, now)
  assert.equal(new Set(whole.fresh.map(({ key }) => key)).size, COUNT + 1)
  const next = await other.revocations.since(whole.cursor, now)
  assert.deepEqual([next.fresh.length, next.isWhole], [0, false])
})

test('redis: ends of sessions that are over leave it', async (t) => {
  const { open, command, keyOf } = await site(t)
  const store = await open()
  const now = Date.now()
  await store.revocations.add({ ...ended('over', now - 20_000_000), until: now - 10_000_000 })
  await store.revocations.add(ended('young', now))
  // the clock of a node that is years ahead is not believed
  await store.revocations.add(ended('ahead', now + 1e11))
  assert.equal(Number(await command('HLEN', keyOf('revoked'))), 2)
  for (const part of ['revoked:order', 'revoked:until'])
    assert.equal(Number(await command('ZCARD', keyOf(part))), 2, part)
})

test('redis: many who link and unlink at once leave whole persons', async (t) => {
  const { open } = await site(t)
  const stores = [await open(), await open(), await open()]
  const keys = ['a', 'b', 'c', 'd', 'e', 'f']
  await Promise.all(
    stores.flatMap(({ links }, s) =>
      keys.map((key, i) =>
        links.link([
          { key, data: s },
          { key: keys[(i + s + 1) % keys.length]!, data: s },
        ]),
      ),
    ),
  )
  for (const key of keys)
    assert.deepEqual(
      (await stores[0]!.links.linked(key)).map((one) => one.key),
      keys,
    )
  await Promise.all(keys.slice(0, 4).map((key, i) => stores[i % 3]!.links.unlink(key)))
  assert.deepEqual(
    (await stores[0]!.links.linked('e')).map((one) => one.key),
    ['e', 'f'],
  )
  assert.deepEqual(await stores[0]!.links.linked('a'), [])
})
