import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { identityStoreContract } from './contract.ts'
import type { UserRecord } from './port.ts'
import { openSqliteIdentityStore } from './sqlite.ts'

function directory(t: Pick<TestContext, 'after'>): string {
  const made = mkdtempSync(join(tmpdir(), 'hydra-identity-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

const ada: UserRecord = {
  ...{ username: 'ada', id: null, passwordHash: '$argon2id$…', roles: [], metadata: {}, enabled: true },
  ...{ accountNonExpired: true, accountNonLocked: true, credentialsNonExpired: true },
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

identityStoreContract('sqlite', async (t) => {
  const file = join(directory(t), 'identity.db')
  const store = await openSqliteIdentityStore(file)
  return {
    store,
    async again() {
      const other = await openSqliteIdentityStore(file)
      t.after(() => other.close())
      return other
    },
  }
})

/** Runs a piece of a module in a process of its own, with `open` in it. */
async function inProcess(code: string): Promise<{ out: string; err: string; status: number }> {
  const child = spawn(process.execPath, [
    '--conditions=hydra-source',
    '--input-type=module',
    '-e',
    `import { openSqliteIdentityStore as open } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)}\n${code}`,
  ])
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const [status] = await once(child, 'close')
  return { out, err, status }
}

test('what was written is there after a restart', async (t) => {
  const file = join(directory(t), 'deep', 'identity.db')
  const first = await openSqliteIdentityStore(file)
  await first.keyRing.save('sealed', undefined)
  const revision = await first.revision()
  await first.close()
  const second = await openSqliteIdentityStore(file)
  t.after(() => second.close())
  assert.deepEqual(await second.keyRing.load(), { version: '1', sealed: 'sealed' })
  assert.equal(await second.revision(), revision)
  assert.equal(second.place, file)
  assert.equal(second.isLasting, true)
})

test('only its owner can read the file, and those SQLite puts beside it', async (t) => {
  const above = directory(t)
  const file = join(above, '.hydra', 'identity.db')
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  await store.keyRing.save('sealed', undefined)
  assert.equal(modeOf(join(above, '.hydra')), '700')
  for (const path of [file, `${file}-wal`, `${file}-shm`]) assert.equal(modeOf(path), '600', path)
})

test('a file that others could read is closed to them', async (t) => {
  const file = join(directory(t), 'identity.db')
  writeFileSync(file, '', { mode: 0o644 })
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  assert.equal(modeOf(file), '600')
})

test('processes that begin at once share one store, and none of their changes is lost', async (t) => {
  const file = join(directory(t), 'identity.db')
  const runs = await Promise.all(
    [1, 2, 3].map((process) =>
      inProcess(`
        const store = await open(${JSON.stringify(file)})
        for (let i = 0; i < 20; i++) {
          await store.revocations.add({ kind: 'session', key: '${process}-' + i, at: 1, until: 2e12, reason: '' })
        }
        await store.close()`),
    ),
  )
  // neither an error nor a warning that something of Node is experimental
  for (const { err, status } of runs) assert.deepEqual({ err, status }, { err: '', status: 0 })
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  assert.equal((await store.revocations.since(undefined, 0)).fresh.length, 60)
  assert.equal(await store.revision(), '60')
})

test('a file that processes make at the same moment is nobody else’s, nor busy', async (t) => {
  const made = directory(t)
  // in step by the clock of the machine they share: a new file each 10 ms, once all of them have been loaded
  const begin = Date.now() + 1500
  const runs = await Promise.all(
    [1, 2, 3].map(() =>
      inProcess(`
        for (let i = 0; i < 100; i++) {
          while (Date.now() < ${begin} + i * 10);
          await (await open(${JSON.stringify(made)} + '/' + i + '.db')).close()
        }`),
    ),
  )
  for (const { err, status } of runs) assert.deepEqual({ err, status }, { err: '', status: 0 })
})

test('a change of another process is seen by the revision', async (t) => {
  const file = join(directory(t), 'identity.db')
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  const before = await store.revision()
  await inProcess(
    `const store = await open(${JSON.stringify(file)}); await store.links.link([{ key: 'a:1', data: 1 }, { key: 'b:2', data: 2 }])`,
  )
  assert.notEqual(await store.revision(), before)
  assert.equal((await store.links.linked('b:2')).length, 2)
})

test('ten thousand users are not read again while none of them changes', async (t) => {
  const file = join(directory(t), 'identity.db')
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  await store.users.put(ada)
  const raw = new DatabaseSync(file)
  raw.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO users SELECT 'user-' || i, json_set((SELECT record FROM users), '$.username', 'user-' || i) FROM n;
    UPDATE revision SET value = value + 1, users = value + 1;`)
  raw.close()
  const listed = await store.users.list()
  assert.equal(listed.length, 10_001)
  await store.revocations.add({ kind: 'user', key: 'ada', at: 9, until: 2e12, reason: '' })
  assert.equal(await store.users.list(), listed)
  await store.users.put({ ...ada, roles: ['ADMIN'] })
  assert.deepEqual((await store.users.list())[0]?.roles, ['ADMIN'])
  await store.users.remove('ada')
  assert.equal((await store.users.list()).length, 10_000)
})

test('a hundred thousand revocations are read in little time, and fresh ones in none', async (t) => {
  const file = join(directory(t), 'identity.db')
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  const raw = new DatabaseSync(file)
  raw.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO revocations SELECT 'session', 'key-' || i, 1, 2000000000000, 'signed out', i FROM n;
    UPDATE revision SET value = 100000;`)
  raw.close()
  const first = await store.revocations.since(undefined, 5)
  assert.equal(first.fresh.length, 100_000)
  await store.revocations.add({ kind: 'user', key: 'ada', at: 9, until: 2e12, reason: '' })
  const began = performance.now()
  assert.equal((await store.revocations.since(first.cursor, 5)).fresh.length, 1)
  const tookMs = performance.now() - began
  assert.ok(tookMs < 500, `${tookMs} ms`)
})

test('what can’t be used says why and what to do, and is left as it was', async (t) => {
  const file = join(directory(t), 'identity.db')
  const refused = (message: RegExp) =>
    assert.rejects(openSqliteIdentityStore(file), { code: 'HYDRA_BAD_IDENTITY_STORE', message })

  writeFileSync(file, 'this is no database, whatever its name says. '.repeat(100))
  await refused(/identity\.db, the identity database, is broken\. Put a copy of it back/)
  assert.match(readFileSync(file, 'utf8'), /^this is no database/)
  rmSync(file)

  const other = new DatabaseSync(file)
  other.exec('CREATE TABLE recipes (name TEXT)')
  other.close()
  await refused(/the database of another program/)

  rmSync(file)
  const store = await openSqliteIdentityStore(file)
  for (let i = 0; i < 100; i++)
    await store.links.link([`a:${i}`, `b:${i}`].map((key) => ({ key, data: 'x'.repeat(500) })))
  await store.close()
  const whole = readFileSync(file)

  writeFileSync(file, whole.subarray(0, 20_000))
  await refused(/is broken/)

  writeFileSync(file, whole)
  const newer = new DatabaseSync(file)
  newer.exec('PRAGMA user_version = 99')
  newer.close()
  await refused(/written by a newer Hydra \(its schema is 99, this one knows 1\)/)

  await assert.rejects(openSqliteIdentityStore(join(file, 'below')), /can't be written \((ENOTDIR|EEXIST)\)/)
})

test('a store that somebody holds says so, and goes on afterwards', async (t) => {
  const file = join(directory(t), 'identity.db')
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  const shell = new DatabaseSync(file)
  shell.exec('BEGIN IMMEDIATE')
  await assert.rejects(store.keyRing.save('sealed', undefined), /held by another process for longer than 1 s/)
  // readers are not in its way
  assert.equal(await store.revision(), '0')
  shell.exec('ROLLBACK')
  shell.close()
  assert.equal(await store.keyRing.save('sealed', undefined), true)
})

test('while another process holds the store, nothing else stands still', async (t) => {
  const file = join(directory(t), 'identity.db')
  const store = await openSqliteIdentityStore(file)
  t.after(() => store.close())
  const shell = new DatabaseSync(file)
  shell.exec('BEGIN IMMEDIATE')
  let before = performance.now()
  let longest = 0
  const ticking = setInterval(() => {
    longest = Math.max(longest, performance.now() - before)
    before = performance.now()
  }, 5)
  const removals = ['a', 'b', 'c', 'd'].map((name) => store.users.remove(name))
  await Promise.all(removals.map((removal) => assert.rejects(removal, /held by another process/)))
  clearInterval(ticking)
  assert.ok(longest < 400, `the event loop stood still for ${longest} ms`)

  const saved = store.keyRing.save('sealed', undefined)
  setTimeout(() => shell.exec('ROLLBACK'), 200)
  assert.equal(await saved, true, 'who lets go in time is waited for')
  shell.close()
})

test('a store that was closed says so', async (t) => {
  const store = await openSqliteIdentityStore(join(directory(t), 'identity.db'))
  await store.close()
  await store.close()
  await assert.rejects(store.revision(), { code: 'HYDRA_BAD_IDENTITY_STORE' })
  await assert.rejects(store.users.remove('ada'), { code: 'HYDRA_BAD_IDENTITY_STORE' })
})
