import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactEncrypt } from 'jose'
import { createSealer } from './sealing.ts'

const data = { name: 'Zoë', roles: ['USER'], at: 12 }

test('what was sealed comes back, and looks like nothing to anybody else', async () => {
  const sealer = createSealer(['a private key'], 'session')
  const sealed = await sealer.seal(data)
  assert.match(sealed, /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/)
  assert.ok(!Buffer.from(sealed.split('.')[3]!, 'base64url').includes('USER'))
  assert.deepEqual(await sealer.open(sealed), data)
  assert.notEqual(await sealer.seal(data), sealed, 'twice the same is not seen to be')
})

test('the first key seals, all open', async () => {
  const old = createSealer(['old'], 'session')
  const both = createSealer(['new', 'old'], 'session')
  const fresh = createSealer(['new'], 'session')
  const byOld = await old.seal(data)
  const byBoth = await both.seal(data)
  assert.deepEqual(await both.open(byOld), data)
  assert.deepEqual(await fresh.open(byBoth), data)
  assert.equal(await fresh.open(byOld), undefined)
  assert.equal(await old.open(byBoth), undefined)
  assert.deepEqual(
    [both.isCurrent(byOld), both.isCurrent(byBoth), fresh.isCurrent(byBoth)],
    [false, true, true],
  )
})

test('what was sealed for one purpose never opens for another', async () => {
  const sealed = await createSealer(['key'], 'session').seal(data)
  assert.equal(await createSealer(['key'], 'state').open(sealed), undefined)
})

test('whatever was changed does not open', async () => {
  const sealer = createSealer(['key'], 'session')
  const sealed = await sealer.seal(data)
  const parts = sealed.split('.')
  for (const [i, part] of parts.entries()) {
    if (part === '') continue
    const changed = `${part[0] === 'A' ? 'B' : 'A'}${part.slice(1)}`
    assert.equal(await sealer.open(parts.with(i, changed).join('.')), undefined, `part ${i}`)
  }
  const odd = [
    '',
    '.',
    '....',
    'a.b.c',
    `${sealed}.x`,
    ` ${sealed}`,
    `${sealed}=`,
    'x'.repeat(200_000),
    sealed.slice(0, -3),
  ]
  for (const text of odd) assert.equal(await sealer.open(text), undefined)
})

test('a key in the seal itself, or another algorithm, opens nothing', async () => {
  const sealer = createSealer(['key'], 'session')
  const kid = JSON.parse(Buffer.from((await sealer.seal(data)).split('.')[0]!, 'base64url').toString()).kid
  const key = new Uint8Array(32)
  const foreign = await new CompactEncrypt(Buffer.from('{}'))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
    .encrypt(key)
  assert.equal(await sealer.open(foreign), undefined)
  const wrapped = await new CompactEncrypt(Buffer.from('{}'))
    .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', kid })
    .encrypt(key)
  assert.equal(await sealer.open(wrapped), undefined)
})

test('there is no sealer without a key', () => {
  assert.throws(() => createSealer([], 'session'), /private key/)
})
