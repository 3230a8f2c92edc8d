import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { createPasswords, hashPassword, passwordHashFault, verifyPassword } from './passwords.ts'

const quick = { memoryKiB: 64, passes: 1 }

test('a password fits its own hash only, and two hashes of it differ', async () => {
  const [one, two] = await Promise.all([hashPassword('wörld'), hashPassword('wörld')])
  assert.match(one!, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.notEqual(one, two)
  assert.ok(await verifyPassword(one!, 'wörld'))
  assert.ok(!(await verifyPassword(one!, 'world')))
})

test('hashes of other programs hold: argon2id of the reference implementation, scrypt', async () => {
  // A test vector of the reference implementation (phc-winner-argon2, src/test.c).
  const reference = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  assert.ok(await verifyPassword(reference, 'password'))
  const tag = scryptSync('world', 'saltsalt', 32, { N: 1024, r: 8, p: 1 })
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  const phc = `$scrypt$ln=10,r=8,p=1$${base64(Buffer.from('saltsalt'))}$${base64(tag)}`
  assert.ok(await verifyPassword(phc, 'world'))
  assert.ok(!(await verifyPassword(phc, 'World')))
})

test('the same letters fit however a keyboard composes them', async () => {
  const { hash, verify } = createPasswords(quick)
  assert.ok(await verify(await hash('caf\u00e9'), 'cafe\u0301'))
  assert.ok(!(await verify(await hash('\ufb01sh'), 'fish')))
})

test('hashes that would cost gigabytes, or are none, are refused with a reason', () => {
  const salt = 'c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  for (const bad of [
    'world',
    '',
    '$2b$10$abc',
    `$argon2i$v=19$m=256,t=2,p=1$${salt}`,
    `$argon2id$v=19$m=4194304,t=1,p=1$${salt}`,
    `$argon2id$v=19$m=262144,t=9999,p=1$${salt}`,
    `$argon2id$v=19$m=7,t=1,p=1$${salt}`,
    `$argon2id$v=19$m=256,t=0,p=1$${salt}`,
    `$argon2id$v=19$m=99999999,t=9,p=1$${salt}`,
    `$scrypt$ln=24,r=8,p=1$${salt}`,
    `$scrypt$ln=10,r=999,p=999$${salt}`,
    '$argon2id$v=19$m=256,t=2,p=1$YQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$YQ',
  ])
    assert.equal(typeof passwordHashFault(bad), 'string', bad)
  assert.equal(passwordHashFault(`$argon2id$v=19$m=19456,t=2,p=1$${salt}`), undefined)
  assert.equal(passwordHashFault(`$scrypt$ln=17,r=8,p=1$${salt}`), undefined)
})

test('what is longer than any password, or empty, fits nothing and has no hash', async () => {
  const { hash, verify } = createPasswords(quick)
  const phc = await hash('-')
  for (const password of ['', 'x'.repeat(1025), 'ü'.repeat(600)]) {
    assert.ok(!(await verify(phc, password)))
    await assert.rejects(hash(password), { code: 'HYDRA_BAD_REQUEST' })
  }
})

test('a stand-in costs what its model costs, and nothing fits it', async () => {
  const { hash, standIn, verify } = createPasswords(quick)
  assert.match(standIn(), /^\$argon2id\$v=19\$m=64,t=1,p=1\$/)
  assert.match(
    standIn('$scrypt$ln=10,r=8,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'),
    /^\$scrypt\$ln=10,r=8,p=1\$/,
  )
  assert.ok(!(await verify(standIn(await hash('a')), 'a')))
})

test('who is first has a line of their own, which nobody else can fill', async () => {
  const { verify, standIn } = createPasswords({ ...quick, concurrent: 1, waiting: 2 })
  const phc = standIn()
  const done: string[] = []
  const ask = (name: string, isFirst = false) =>
    verify(phc, 'a', { isFirst }).then(
      () => done.push(name),
      ({ code }) => done.push(`${name} ${code}`),
    )
  await Promise.all([ask('one'), ask('two'), ask('three'), ask('four'), ask('known', true)])
  assert.deepEqual(done, ['four HYDRA_OVERLOADED', 'one', 'known', 'two', 'three'])
})

test('only so many are hashed at a time, so many wait, and more are told to come back', async () => {
  const { verify, standIn } = createPasswords({ ...quick, concurrent: 1, waiting: 2 })
  const phc = standIn()
  const all = await Promise.allSettled([1, 2, 3, 4, 5].map(() => verify(phc, 'a')))
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
  )
  assert.equal((all[4] as PromiseRejectedResult).reason.code, 'HYDRA_OVERLOADED')
  assert.equal(await verify(phc, 'a'), false)
})
