import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findKeys, gatewaysOf } from './keys.ts'

async function folder(t: TestContext, keys?: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'hydra-keys-'))
  t.after(() => rm(root, { recursive: true }))
  const deep = join(root, 'services', 'orders')
  await mkdir(deep, { recursive: true })
  if (keys !== undefined) {
    await mkdir(join(root, '.hydra'))
    await writeFile(join(root, '.hydra', 'keys.json'), keys)
  }
  return deep
}

const ours = JSON.stringify({ publicKey: 'file-public', privateKey: 'file-private' })

test('a service below the folder the gateway was started in finds its keys', async (t) => {
  const cwd = await folder(t, ours)
  assert.deepEqual(await findKeys({ env: {}, cwd }), {
    publicKey: 'file-public',
    publicKeys: ['file-public'],
    privateKey: 'file-private',
    from: join(cwd, '../../.hydra/keys.json'),
  })
})

test('options come before the environment, the environment before the file', async (t) => {
  const cwd = await folder(t, ours)
  const env = { HYDRA_PUBLIC_KEY: 'new-public,old-public', HYDRA_PRIVATE_KEY: 'new-private,old-private' }
  assert.deepEqual(await findKeys({ env, cwd }), {
    publicKey: 'new-public',
    publicKeys: ['new-public', 'old-public'],
    privateKey: 'new-private',
    from: 'HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY',
  })
  assert.deepEqual(await findKeys({ env, cwd, publicKey: 'a', privateKey: 'b' }), {
    publicKey: 'a',
    publicKeys: ['a'],
    privateKey: 'b',
    from: 'the options',
  })
})

test('a secret may stand in a file of its own', async (t) => {
  const cwd = await folder(t)
  const file = join(cwd, 'secret')
  await writeFile(file, 'from-file\n')
  const env = { HYDRA_PUBLIC_KEY: 'public', HYDRA_PRIVATE_KEY_FILE: file }
  assert.deepEqual(await findKeys({ env, cwd }), {
    publicKey: 'public',
    publicKeys: ['public'],
    privateKey: 'from-file',
    from: 'HYDRA_PUBLIC_KEY and HYDRA_PRIVATE_KEY_FILE',
  })
})

test('missing keys are one sentence that says what to do', async (t) => {
  const cwd = await folder(t)
  const none = await findKeys({ env: {}, cwd })
  assert.ok(
    'missing' in none &&
      none.missing.includes('HYDRA_PUBLIC_KEY') &&
      none.missing.includes('.hydra/keys.json'),
  )
  const half = await findKeys({ env: { HYDRA_PUBLIC_KEY: 'public' }, cwd })
  assert.ok('missing' in half && half.missing.includes('HYDRA_PRIVATE_KEY'))
})

test('a public key that is the kept one is half of the kept pair; another one is half of nothing', async (t) => {
  const cwd = await folder(t, ours)
  const from = `HYDRA_PUBLIC_KEY and ${join(cwd, '../../.hydra/keys.json')}`
  const env = { HYDRA_PUBLIC_KEY: 'file-public' }
  assert.deepEqual(await findKeys({ env, cwd }), {
    publicKey: 'file-public',
    publicKeys: ['file-public'],
    privateKey: 'file-private',
    from,
  })
  const others = [
    { env: { HYDRA_PUBLIC_KEY: 'other' }, cwd },
    { env: { ...env, HYDRA_PRIVATE_KEY: '' }, cwd },
    { env: { ...env, HYDRA_PRIVATE_KEY_FILE: join(cwd, 'none') }, cwd },
    { env: { HYDRA_PRIVATE_KEY: 'file-private' }, cwd },
    { env, cwd: await folder(t) },
    { env, cwd: await folder(t, '{') },
  ]
  for (const sources of others) assert.ok('missing' in (await findKeys(sources)), JSON.stringify(sources.env))
})

test('a broken key file is named', async (t) => {
  for (const broken of ['', '{', 'null', '{"publicKey":"a"}', '{"publicKey":1,"privateKey":2}']) {
    const found = await findKeys({ env: {}, cwd: await folder(t, broken) })
    assert.ok('missing' in found && found.missing.includes('keys.json has no publicKey'), broken)
  }
})

test('the gateway is an option, a setting, or on this machine', () => {
  assert.deepEqual(gatewaysOf(undefined, {}), ['http://localhost:8080'])
  assert.deepEqual(gatewaysOf(undefined, { HYDRA_GATEWAY: 'https://gate.example/' }), [
    'https://gate.example',
  ])
  assert.deepEqual(gatewaysOf('http://127.0.0.1:9', { HYDRA_GATEWAY: 'http://other' }), [
    'http://127.0.0.1:9',
  ])
  for (const wrong of ['localhost:8080', 'gate', 'ftp://gate', '', 'http://a,gate'])
    assert.throws(() => gatewaysOf(wrong, {}), /must be a URL/)
})

test('several nodes are a list, in the options or with commas in the environment', () => {
  const nodes = ['http://a:8080', 'tcp://b:7001']
  assert.deepEqual(gatewaysOf([...nodes, 'http://a:8080/'], {}), nodes)
  assert.deepEqual(gatewaysOf(undefined, { HYDRA_GATEWAY: 'http://a:8080/, tcp://b:7001' }), nodes)
  assert.throws(() => gatewaysOf([], {}), /at least one/)
})
