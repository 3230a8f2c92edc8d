import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../observe/log.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import { StoreAway } from '../store/redis/port.ts'
import { type ConfiguredUser, createLocalUsers } from './local-users.ts'
import { createPasswords } from './passwords.ts'

const passwords = createPasswords({ memoryKiB: 64, passes: 1 })
const log = createLog('silent')
const MIRA = {
  username: 'mira',
  id: 7,
  roles: ['USER'],
  metadata: { team: 'blue', iss: 'evil', roles: 'evil' },
}

const usersOf = async (configured: readonly ConfiguredUser[], allowPlain = true) => {
  const { users: store } = createMemoryIdentityStore()
  return { store, users: createLocalUsers({ configured, store, passwords, allowPlain, log }) }
}

test('a user of the configuration signs in, with facts that can not stand for claims of the protocol', async () => {
  const { users } = await usersOf([{ ...MIRA, passwordHash: await passwords.hash('secret') }])
  assert.deepEqual(await users.authenticate('mira', 'secret'), {
    provider: 'local',
    subject: 'mira',
    username: 'mira',
    userId: 7,
    roles: ['USER'],
    claims: { team: 'blue' },
  })
  for (const [name, password] of [
    ['mira', 'Secret'],
    ['mira', ''],
    ['Mira', 'secret'],
    ['nobody', 'secret'],
    ['', ''],
    ['x'.repeat(300), 'secret'],
    ['__proto__', 'secret'],
  ])
    assert.equal(await users.authenticate(name!, password!), 'wrong')
})

test('the plain passwords of the demo hold where they are allowed, and stop the start where not', async () => {
  const hello = { username: 'hello', password: 'world' }
  const { users } = await usersOf([hello])
  assert.equal(typeof (await users.authenticate('hello', 'world')), 'object')
  assert.equal(await users.authenticate('hello', 'World'), 'wrong')
  assert.equal(await users.authenticate('hello', ''), 'wrong')
  await assert.rejects(usersOf([hello], false), /hello has a plain password/)
  await assert.rejects(
    usersOf([
      { username: 'x', passwordHash: '$argon2id$v=19$m=8388608,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg' },
    ]),
    /user x asks for more than 256 MiB/,
  )
})

test('a user without any password can not sign in, not even with none', async () => {
  const { users } = await usersOf([{ username: 'ghost' }, { username: 'empty', password: '' }])
  for (const name of ['ghost', 'empty']) assert.equal(await users.authenticate(name, ''), 'wrong')
})

test('users of the store sign in as well; the configuration wins', async () => {
  const { users, store } = await usersOf([{ username: 'mira', password: 'configured' }])
  assert.ok(!users.isEmpty)
  const record = {
    ...MIRA,
    passwordHash: await passwords.hash('stored'),
    enabled: true,
    accountNonExpired: true,
    accountNonLocked: true,
    credentialsNonExpired: true,
  }
  await store.put(record)
  await store.put({ ...record, username: 'noor' })
  assert.equal(users.has('noor'), false)
  await users.look()
  assert.ok(users.has('noor') && users.has('mira') && !users.has('nobody'))
  assert.equal(await users.authenticate('mira', 'stored'), 'wrong')
  assert.equal(typeof (await users.authenticate('noor', 'stored')), 'object')
})

test('a name that would be taken for somebody’s is theirs', async () => {
  const { users, store } = await usersOf([{ username: 'Mira', password: 'configured' }])
  await store.put({
    ...{ ...MIRA, username: 'jürgen', passwordHash: await passwords.hash('stored') },
    ...{ enabled: true, accountNonExpired: true, accountNonLocked: true, credentialsNonExpired: true },
  })
  await users.look()
  for (const name of ['mira', 'MIRA', '\uff4dira', 'JÜRGEN', 'Ju\u0308rgen']) assert.ok(users.has(name), name)
  for (const name of ['mir', 'jurgen', 'local:mira']) assert.ok(!users.has(name), name)
  assert.equal(await users.authenticate('mira', 'configured'), 'wrong', 'signing in goes by the very name')
})

test('each flag of the user record keeps its user out, once the password is right, and ends what lasts', async () => {
  const flags = {
    enabled: 'disabled',
    accountNonExpired: 'expired',
    accountNonLocked: 'locked',
    credentialsNonExpired: 'credentials-expired',
  }
  for (const [flag, fault] of Object.entries(flags)) {
    const { users } = await usersOf([{ username: 'mira', password: 'secret', [flag]: false }])
    assert.equal(await users.authenticate('mira', 'secret'), fault)
    assert.equal(await users.authenticate('mira', 'other'), 'wrong')
    assert.equal(await users.current('mira'), undefined)
  }
})

test('whoever goes on is as they are now', async () => {
  const { users } = await usersOf([{ ...MIRA, password: 'secret' }])
  assert.equal((await users.current('mira'))?.userId, 7)
  assert.equal(await users.current('nobody'), undefined)
})

test('unknown names cost a hash like that of some known one', async () => {
  const asked: string[] = []
  const watched = {
    ...passwords,
    verify(phc: string, password: string) {
      asked.push(phc.split('$').slice(0, 4).join('$'))
      return passwords.verify(phc, password)
    },
  }
  const other = createPasswords({ memoryKiB: 128, passes: 1 })
  const configured = [
    { username: 'a', passwordHash: await passwords.hash('x') },
    { username: 'b', passwordHash: await other.hash('x') },
    { username: 'c', password: 'x' },
  ]
  const { users: store } = createMemoryIdentityStore()
  const users = createLocalUsers({ configured, store, passwords: watched, allowPlain: true, log })
  const of = async (name: string) => {
    await users.authenticate(name, 'y')
    return asked.at(-1)!
  }
  const [a, b, c] = [await of('a'), await of('b'), await of('c')]
  assert.equal(a, c)
  const strangers = await Promise.all(Array.from({ length: 40 }, (_, i) => of(`nobody-${i}`)))
  assert.deepEqual([...new Set(asked)].sort(), [a, b].sort())
  assert.equal(strangers.length + 3, asked.length)
  asked.length = 0
  for (let i = 0; i < 3; i++) await of('nobody-1')
  assert.equal(new Set(asked).size, 1)
})

test('while the store is away people sign in as it knew them last, and before it was known at all nobody is told wrong', async () => {
  const { users: memory } = createMemoryIdentityStore()
  let isAway = true
  const check = () => {
    if (isAway) throw new StoreAway('away')
  }
  const store = {
    async find(name: string) {
      check()
      return memory.find(name)
    },
    async list() {
      check()
      return memory.list()
    },
  }
  const flags = { accountNonExpired: true, accountNonLocked: true, credentialsNonExpired: true }
  const passwordHash = await passwords.hash('secret')
  await memory.put({ ...MIRA, ...flags, passwordHash, enabled: true })
  const users = createLocalUsers({ configured: [], store, passwords, log })
  await assert.rejects(users.authenticate('mira', 'secret'), StoreAway)
  isAway = false
  await users.look()
  isAway = true
  assert.equal(typeof (await users.authenticate('mira', 'secret')), 'object')
  assert.equal(await users.authenticate('mira', 'wrong'), 'wrong')
  assert.equal(await users.authenticate('nobody', 'secret'), 'wrong')
  assert.equal((await users.current('mira'))?.username, 'mira')
  assert.equal(await users.current('nobody'), undefined)
})
