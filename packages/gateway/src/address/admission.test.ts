import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../observe/clock.ts'
import { createAdmission } from './admission.ts'

const EVERYTHING = ['0.0.0.0/0', '::/0']
const LOCAL = ['loopback', 'private']

/** Names of an imaginary network; what is not in it does not resolve. */
const NAMES: Record<string, string[]> = {
  'orders.internal': ['10.0.0.7', '10.0.0.8'],
  'six.internal': ['fd00::7'],
  'half.internal': ['10.0.0.7', '8.8.8.8'],
  'rebound.internal': ['10.0.0.7', '169.254.169.254'],
  'metadata.internal': ['::ffff:169.254.169.254'],
  localhost: ['127.0.0.1', '::1'],
  'mixed.internal': ['127.0.0.1', '8.8.8.8'],
  'empty.internal': [],
}
function heldTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}
async function lookup(name: string): Promise<readonly string[]> {
  const addresses = NAMES[name]
  if (!addresses) throw new Error('ENOTFOUND')
  return addresses
}
const admission = (upstreamsAllow = LOCAL) =>
  createAdmission({ registrationFrom: LOCAL, upstreamsAllow, lookup })
const resolve = (host: string, { allow = LOCAL, peer = '127.0.0.1' as string | undefined } = {}) =>
  admission(allow).resolve(host, peer)

test('services register from this machine and its private networks, and from nowhere else', () => {
  const { mayRegister } = admission()
  for (const peer of ['127.0.0.1', '::1', '::ffff:10.1.2.3', '192.168.7.7'])
    assert.ok(mayRegister(peer), peer)
  for (const peer of ['8.8.8.8', '2001:db8::1', '169.254.0.9', '']) assert.ok(!mayRegister(peer), peer)
})

test('an allowed address is used in its one spelling', async () => {
  assert.deepEqual(await resolve('10.0.0.7'), { address: '10.0.0.7' })
  assert.deepEqual(await resolve('FD00:0::0001'), { address: 'fd00::1' })
  assert.deepEqual(await resolve('[fd00::1]'), { address: 'fd00::1' })
  assert.deepEqual(await resolve('::ffff:10.0.0.7'), { address: '10.0.0.7' })
})

test('an address outside the list is refused with the name of the setting', async () => {
  assert.deepEqual(await resolve('8.8.8.8'), { refused: '8.8.8.8 is not in upstreams.allow' })
  assert.deepEqual(await resolve('8.8.8.8', { allow: ['8.8.8.0/24'] }), { address: '8.8.8.8' })
})

for (const host of [
  ...[
    '169.254.169.254',
    '169.254.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '0.0.0.0',
    '0.1.2.3',
    '224.0.0.1',
    '239.9.9.9',
  ],
  ...['255.255.255.255', '::', 'fe80::1', 'febf::1', 'ff02::1', 'fd00:ec2::254', 'fd20:ce::254', '[::]'],
  ...[
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::ffff:0.0.0.0',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
  ],
  ...['metadata.internal', 'rebound.internal'],
]) {
  test(`${host} is refused even when everything is allowed`, async () => {
    const result = await resolve(host, { allow: EVERYTHING })
    assert.match('refused' in result ? result.refused : '', /is an address no service may have$/)
  })
}

for (const host of [
  ...[
    '127.1',
    '0x7f.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '127.0.0.1.',
    '10.0.0.256',
    '1.2.3',
    'orders.7',
  ],
  ...[
    'fe80::1%eth0',
    '::1%lo',
    '10.0.0.7%1',
    '[::1',
    '::1]',
    '[10.0.0.7]',
    '[orders.internal]',
    '[[::1]]',
    ':1',
    '1::2::3',
  ],
  ...[
    '',
    '.',
    '..',
    'orders..internal',
    'orders.internal..',
    '-orders',
    'orders-',
    'or ders',
    'orders/',
    'user@orders',
    'orders:80',
  ],
  ...[
    '10.0.0.7:80',
    '10.0.0.7/8',
    ' 10.0.0.7',
    '10.0.0.7\n',
    'örders',
    '１２７.0.0.1',
    'a'.repeat(64),
    `${'a.'.repeat(127)}b`,
    '0x',
    'x.0xZ.0x7',
  ],
]) {
  test(`${JSON.stringify(host.slice(0, 40))} is no host`, async () => {
    const result = await resolve(host, { allow: EVERYTHING })
    assert.match('refused' in result ? result.refused : '', /is neither an IP address nor a host name$/)
  })
}

test('a name is pinned to its first address once all of them are allowed', async () => {
  assert.deepEqual(await resolve('orders.internal'), { address: '10.0.0.7' })
  assert.deepEqual(await resolve('Orders.Internal.'), { address: '10.0.0.7' })
  assert.deepEqual(await resolve('six.internal'), { address: 'fd00::7' })
  assert.deepEqual(await resolve('half.internal'), { refused: '8.8.8.8 is not in upstreams.allow' })
})

test('a name nobody knows is refused, and so is one that takes too long', async () => {
  assert.deepEqual(await resolve('nowhere.internal'), { refused: 'nowhere.internal has no address' })
  assert.deepEqual(await resolve('empty.internal'), { refused: 'empty.internal has no address' })
  const slow = createAdmission({
    registrationFrom: LOCAL,
    upstreamsAllow: LOCAL,
    lookup: () => new Promise(() => {}),
    timeoutMs: 20,
    // Nothing else keeps this process alive until then.
    clock: { ...systemClock, after: heldTimer },
  })
  assert.deepEqual(await slow.resolve('slow.internal', undefined), {
    refused: 'slow.internal was not resolved within 20 ms',
  })
})

test('a service elsewhere that announces its loopback address is reached at its own', async () => {
  for (const host of ['127.0.1.1', '127.0.0.1', '::1', '[::1]', 'localhost']) {
    assert.deepEqual(await resolve(host, { peer: '::ffff:172.17.0.3' }), { address: '172.17.0.3' }, host)
  }
  assert.deepEqual(await resolve('127.0.1.1', { peer: '::1' }), { address: '127.0.1.1' })
  assert.deepEqual(await resolve('127.0.1.1', { peer: undefined }), { address: '127.0.1.1' })
})

test('a service elsewhere gets no address by its peer that it could not announce', async () => {
  assert.deepEqual(await resolve('127.0.0.1', { peer: '8.8.8.8' }), {
    refused: '8.8.8.8 is not in upstreams.allow',
  })
  assert.ok('refused' in (await resolve('127.0.0.1', { peer: 'fe80::1%eth0', allow: EVERYTHING })))
  assert.ok('refused' in (await resolve('mixed.internal', { peer: '10.0.0.9' })))
})

test('this machine’s own names resolve without a network', async () => {
  const { resolve } = createAdmission({ registrationFrom: LOCAL, upstreamsAllow: LOCAL })
  const result = await resolve('localhost', '127.0.0.1')
  assert.ok('address' in result && ['127.0.0.1', '::1'].includes(result.address))
})
