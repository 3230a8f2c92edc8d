/**
 * What every identity store must do. Each adapter's test calls this with a way to open an empty one, and the same place
 * a second time.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import type { IdentityStore, Revocation, UserRecord } from './port.ts'

interface OpenedStore {
  readonly store: IdentityStore
  /** Another handle on the same place, as another process would have. */
  again(): Promise<IdentityStore>
}

const person = (username: string, more: Partial<UserRecord> = {}): UserRecord => ({
  username,
  id: 7,
  passwordHash: '$scrypt$…',
  roles: ['USER', 'shop admin'],
  metadata: {},
  enabled: true,
  accountNonExpired: true,
  accountNonLocked: true,
  credentialsNonExpired: true,
  ...more,
})

const ended = (key: string, at: number, more: Partial<Revocation> = {}): Revocation => ({
  kind: 'session',
  key,
  at,
  until: at + 1000,
  reason: 'signed out',
  ...more,
})

export function identityStoreContract(
  name: string,
  open: (t: Pick<TestContext, 'after'>) => Promise<OpenedStore>,
): void {
  const contract = (
    title: string,
    run: (store: IdentityStore, opened: OpenedStore) => Promise<void>,
  ): void => {
    test(`${name}: ${title}`, async (t) => {
      const opened = await open(t)
      t.after(() => opened.store.close())
      await run(opened.store, opened)
    })
  }
  const linkedKeys = async ({ links }: IdentityStore, key: string) =>
    (await links.linked(key)).map((one) => one.key).sort()

  // ---- users ----------------------------------------------------------------------------------------------

  contract('a user is found whole', async ({ users }) => {
    const metadata = JSON.parse('{"__proto__":{"admin":true},"deep":[1,{"a":null}],"name":"Zoë"}')
    const user = person('zoe', { id: null, metadata, enabled: false, credentialsNonExpired: false })
    assert.equal(await users.put(user), true)
    const found = await users.find('zoe')
    assert.deepEqual(JSON.stringify(found), JSON.stringify(user))
    assert.equal(({} as { admin?: boolean }).admin, undefined)
    assert.equal(Object.getPrototypeOf(found?.metadata), Object.prototype)
  })

  contract('names are compared by case, however their letters are composed', async ({ users }) => {
    await users.put(person('zoe\u0308'))
    assert.equal((await users.find('zo\u00eb'))?.username, 'zo\u00eb')
    assert.equal(await users.find('Zo\u00eb'), undefined)
    assert.equal(await users.find("' OR 1=1 --"), undefined)
    assert.equal(await users.find('__proto__'), undefined)
    assert.equal(await users.put(person('zo\u00eb'), 'new'), false)
    assert.equal(await users.remove('zoe\u0308'), true)
  })

  contract('a new user must not be there, a known one must', async ({ users }) => {
    assert.equal(await users.put(person('ada'), 'known'), false)
    assert.equal(await users.put(person('ada'), 'new'), true)
    assert.equal(await users.put(person('ada', { roles: [] }), 'new'), false)
    assert.deepEqual((await users.find('ada'))?.roles, ['USER', 'shop admin'])
    assert.equal(await users.put(person('ada', { roles: ['ADMIN'] }), 'known'), true)
    assert.deepEqual((await users.find('ada'))?.roles, ['ADMIN'])
  })

  contract('users are listed by name until they are removed', async ({ users }) => {
    for (const name of ['bob', 'ada', 'Eve']) await users.put(person(name))
    assert.deepEqual(
      (await users.list()).map(({ username }) => username),
      ['Eve', 'ada', 'bob'],
    )
    assert.equal(await users.remove('ada'), true)
    assert.equal(await users.remove('ada'), false)
    assert.equal(await users.find('ada'), undefined)
    assert.equal((await users.list()).length, 2)
  })

  // ---- links ----------------------------------------------------------------------------------------------

  contract('who is linked with somebody is linked with all of them', async (store) => {
    const { links } = store
    assert.deepEqual(await links.linked('local:a'), [])
    await links.link([
      { key: 'local:a', data: { n: 1 } },
      { key: 'work:b', data: { n: 2 } },
    ])
    await links.link([
      { key: 'home:c', data: { n: 3 } },
      { key: 'club:d', data: { n: 4 } },
    ])
    assert.deepEqual(await linkedKeys(store, 'local:a'), ['local:a', 'work:b'])
    await links.link([
      { key: 'work:b', data: { n: 5 } },
      { key: 'home:c', data: { n: 3 } },
    ])
    const all = ['club:d', 'home:c', 'local:a', 'work:b']
    for (const key of all) assert.deepEqual(await linkedKeys(store, key), all)
    assert.deepEqual((await links.linked('local:a')).find(({ key }) => key === 'work:b')?.data, { n: 5 })
  })

  contract('what is kept of a linked identity is replaced, one alone is no link', async (store) => {
    const { links } = store
    await links.link([{ key: 'local:a', data: 1 }])
    assert.deepEqual(await links.linked('local:a'), [])
    await links.link([
      { key: 'local:a', data: 1 },
      { key: 'work:b', data: null },
    ])
    await links.link([{ key: 'local:a', data: 2 }])
    assert.deepEqual(await links.linked('work:b'), [
      { key: 'local:a', data: 2 },
      { key: 'work:b', data: null },
    ])
  })

  contract('one who is unlinked leaves the others together', async (store) => {
    const { links } = store
    await links.link(['a:1', 'b:2', 'c:3'].map((key) => ({ key, data: {} })))
    assert.equal(await links.unlink('b:2'), true)
    assert.equal(await links.unlink('b:2'), false)
    assert.deepEqual(await linkedKeys(store, 'b:2'), [])
    assert.deepEqual(await linkedKeys(store, 'a:1'), ['a:1', 'c:3'])
    await links.unlink('c:3')
    assert.deepEqual(await linkedKeys(store, 'a:1'), [])
  })

  // ---- revocations ----------------------------------------------------------------------------------------

  contract('revocations are told of until they can end nothing any more', async ({ revocations }) => {
    await revocations.add(ended('s1', 5000))
    await revocations.add(ended('work:x', 4000, { kind: 'provider-session', until: 9000 }))
    await revocations.add(ended('s1', 4500, { kind: 'user', until: 9000 }))
    const told = async (now: number) => (await revocations.since(undefined, now)).fresh
    assert.deepEqual(await told(5999), [
      ended('s1', 5000),
      ended('work:x', 4000, { kind: 'provider-session', until: 9000 }),
      ended('s1', 4500, { kind: 'user', until: 9000 }),
    ])
    assert.deepEqual(
      (await told(6000)).map(({ kind }) => kind),
      ['provider-session', 'user'],
    )
    assert.deepEqual(await told(9000), [])
  })

  contract('a later revocation replaces an earlier one, never the other way', async ({ revocations }) => {
    await revocations.add(ended('ada', 5000, { kind: 'user', reason: 'first' }))
    await revocations.add(ended('ada', 6000, { kind: 'user', reason: 'second' }))
    await revocations.add(ended('ada', 5500, { kind: 'user', reason: 'late', until: 99_000 }))
    const { fresh } = await revocations.since(undefined, 0)
    assert.deepEqual(fresh, [ended('ada', 6000, { kind: 'user', reason: 'second' })])
  })

  contract('what was added since the last look is told apart', async ({ revocations }, { again }) => {
    const other = (await again()).revocations
    await revocations.add(ended('s1', 5000))
    await revocations.add(ended('over', 1000))
    const first = await other.since(undefined, 3000)
    assert.deepEqual(first.fresh, [ended('s1', 5000)])
    assert.deepEqual((await other.since(first.cursor, 3000)).fresh, [])
    await other.add(ended('s2', 4000))
    await revocations.add(ended('s1', 6000))
    const second = await other.since(first.cursor, 3000)
    assert.deepEqual(second.fresh, [ended('s2', 4000), ended('s1', 6000)])
    assert.deepEqual((await revocations.since(second.cursor, 3000)).fresh, [])
    assert.deepEqual([first.isWhole, second.isWhole], [true, false])
    // a place that was emptied meanwhile counts from the beginning again
    const anew = await revocations.since(`1${second.cursor}`, 3000)
    assert.deepEqual([anew.fresh.length, anew.isWhole], [2, true])
  })

  // ---- key ring -------------------------------------------------------------------------------------------

  contract('of several who save the key ring at once, one does', async ({ keyRing }, { again }) => {
    const other = (await again()).keyRing
    assert.equal(await keyRing.load(), undefined)
    assert.equal(await keyRing.save('x', 'y'), false)
    const won = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? keyRing : other).save(`sealed ${i}`, undefined)),
    )
    assert.equal(won.filter(Boolean).length, 1)
    const first = await other.load()
    assert.equal(first?.sealed, `sealed ${won.indexOf(true)}`)
    assert.equal(await keyRing.save('next', first.version), true)
    assert.equal(await other.save('stale', first.version), false)
    const next = await keyRing.load()
    assert.equal(next?.sealed, 'next')
    assert.notEqual(next.version, first.version)
  })

  // ---- revision -------------------------------------------------------------------------------------------

  contract('every change moves the revision, also for another handle', async (store, { again }) => {
    const other = await again()
    let seen = await other.revision()
    const changes: (() => Promise<unknown>)[] = [
      () => store.users.put(person('ada')),
      () => store.users.remove('ada'),
      () => store.links.link(['a:1', 'b:2'].map((key) => ({ key, data: {} }))),
      () => store.links.unlink('a:1'),
      () => store.revocations.add(ended('s1', 5000)),
      () => store.keyRing.save('sealed', undefined),
    ]
    for (const change of changes) {
      await change()
      const now = await other.revision()
      assert.notEqual(now, seen, String(change))
      assert.equal(await store.revision(), now)
      seen = now
    }
  })

  contract('what changes nothing leaves the revision', async (store) => {
    await store.revocations.add(ended('s1', 5000))
    await store.users.put(person('ada'))
    const before = await store.revision()
    await store.users.put(person('ada'), 'new')
    await store.users.remove('bob')
    await store.links.unlink('a:1')
    await store.revocations.add(ended('s1', 4000))
    await store.keyRing.save('sealed', '9')
    assert.equal(await store.revision(), before)
  })

  contract('a watcher is hinted at a change until it stops watching', async (store) => {
    let hints = 0
    const stop = store.watch(() => hints++)
    // where it comes by a line of its own it may be late, and one may be lost before the line is up
    await eventually(async () => {
      if (hints === 0) await store.users.put(person('ada'))
      assert.ok(hints > 0)
    }, 3000)
    stop()
    const before = hints
    await store.users.put(person('bob'))
    assert.equal(hints, before)
  })
}
