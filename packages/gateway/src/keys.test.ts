import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createKeys, findKeptKeys, KeysError } from './keys.ts'

const NONE = { publicKey: [], privateKey: [] }

async function keysFile(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-keys-'))
  t.after(() => rm(directory, { recursive: true }))
  return join(directory, '.hydra', 'keys.json')
}

test('keys nobody gave are made once, kept for their owner alone, and reused', async (t) => {
  const file = await keysFile(t)
  const made = await createKeys({ given: NONE, file })
  assert.equal(made.source, 'made')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.equal((await stat(dirname(file))).mode & 0o777, 0o700)
  const kept = await createKeys({ given: NONE, file })
  assert.equal(kept.source, 'kept')
  assert.equal(kept.publicKey, made.publicKey)
  assert.equal(kept.privateKey, made.privateKey)
  assert.deepEqual(made.warnings, [])
})

test('two gateways that start together for the first time end up with one pair', async (t) => {
  const file = await keysFile(t)
  const all = await Promise.all(Array.from({ length: 8 }, () => createKeys({ given: NONE, file })))
  assert.equal(new Set(all.map(({ publicKey, privateKey }) => `${publicKey} ${privateKey}`)).size, 1)
})

test('given keys are used, and nothing is written', async (t) => {
  const file = await keysFile(t)
  const keys = await createKeys({
    given: { publicKey: ['new-public', 'old-public'], privateKey: ['new', 'old'] },
    file,
  })
  assert.equal(keys.source, 'given')
  assert.equal(keys.publicKey, 'new-public')
  assert.equal(keys.warnings.length, 2, 'both are short')
  await assert.rejects(stat(file), { code: 'ENOENT' })
})

test('a file of keys that can’t be used is never overwritten', async (t) => {
  const file = await keysFile(t)
  await createKeys({ given: NONE, file })
  for (const text of ['', '{', '[]', '{"publicKey":"a b","privateKey":"x"}', '{"publicKey":"a"}']) {
    await writeFile(file, text)
    await assert.rejects(createKeys({ given: NONE, file }), KeysError)
    assert.equal(await readFile(file, 'utf8'), text)
  }
})

test('a directory that can’t be written to is said, with a way out', async (t) => {
  const file = await keysFile(t)
  await writeFile(dirname(file), 'a file where the directory should be')
  await assert.rejects(createKeys({ given: NONE, file }), /HYDRA_PUBLIC_KEY/)
  await chmod(dirname(file), 0o600)
})

test('every valid key is accepted, and nothing else', async (t) => {
  const given = {
    publicKey: ['new-public-key-1', 'old-public-key-1'],
    privateKey: ['new-secret', 'old-secret'],
  }
  const { accepts, acceptsPair } = await createKeys({ given, file: await keysFile(t) })
  for (const key of given.publicKey) assert.ok(accepts(key))
  for (const key of ['', 'new-public-key-', 'new-public-key-12', 'new-secret', 'NEW-PUBLIC-KEY-1'])
    assert.ok(!accepts(key))
  assert.ok(acceptsPair('old-public-key-1', 'new-secret'))
  assert.ok(!acceptsPair('old-public-key-1', 'secret'))
  assert.ok(!acceptsPair('nobody', 'new-secret'))
  assert.ok(!acceptsPair('new-secret', 'new-public-key-1'))
})

test('public keys never stand whole in a path that is logged', async (t) => {
  const given = { publicKey: ['c2042995816e4fcf8239', 'short'], privateKey: ['x'] }
  const { mask } = await createKeys({ given, file: await keysFile(t) })
  assert.equal(mask('/h/discovery/c2042995816e4fcf8239/alive'), '/h/discovery/c204…/alive')
  assert.equal(mask('/h/discovery/short/alive'), '/h/discovery/…/alive')
  assert.equal(mask('/orders'), '/orders')
})

test('kept keys are found from a directory below, the nearest first', async (t) => {
  const file = await keysFile(t)
  const outer = await createKeys({ given: NONE, file })
  const below = join(dirname(dirname(file)), 'shop')
  const deeper = join(below, 'not', 'there', 'yet')
  assert.deepEqual(await findKeptKeys(deeper), {
    publicKey: outer.publicKey,
    privateKey: outer.privateKey,
    file,
  })
  const nearer = join(below, '.hydra', 'keys.json')
  const inner = await createKeys({ given: NONE, file: nearer })
  assert.equal(inner.source, 'made', 'a gateway keeps its own')
  assert.equal((await findKeptKeys(deeper))?.file, nearer)
})
