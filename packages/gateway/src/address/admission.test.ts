import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../observe/clock.ts'
import { createAdmission } from './admission.ts'
import { createOwnDoors } from './own-doors.ts'

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

test('nobody can be where the gateway itself listens: requests would go round', async () => {
  const at = (host: string | undefined) =>
    createAdmission({
      registrationFrom: LOCAL,
      upstreamsAllow: LOCAL,
      own: createOwnDoors({
        host,
        ports: () => [8080, undefined],
        localAddresses: () => ['10.0.0.7', 'fd00::7'],
      }),
      lookup,
    })
  const isRefused = async (host: string | undefined, name: string, port: number) =>
    'refused' in (await at(host).resolve(name, undefined, port))
  assert.deepEqual(await at(undefined).resolve('127.0.0.1', undefined, 8080), {
    refused: '127.0.0.1 at port 8080 is this gateway itself, not a service',
  })
  for (const name of ['127.0.0.2', '::ffff:127.0.0.1', 'localhost', '10.0.0.7', 'orders.internal', 'fd00::7'])
    assert.equal(await isRefused(undefined, name, 8080), true, name)
  assert.equal(await isRefused(undefined, '10.0.0.9', 8080), false)
  assert.equal(await isRefused(undefined, '127.0.0.1', 8081), false)
  // Bound to one address, others of this machine may be a service's.
  assert.equal(await isRefused('10.0.0.7', '10.0.0.7', 8080), true)
  assert.equal(await isRefused('10.0.0.7', '127.0.0.1', 8080), false)
  assert.equal(await isRefused('localhost', '127.0.0.1', 8080), true)
  assert.equal(await isRefused('localhost', '10.0.0.7', 8080), false)
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

test('nobody can be where another node of the cluster listens, by what that says of itself', async () => {
  const doorsOf = (host: string | undefined, hostName: string, addresses: readonly string[]) =>
    createOwnDoors({ host, ports: () => [8080, 9090], localAddresses: () => addresses, hostName })
  // 172.17.0.1 is the bridge each of them has.
  const here = doorsOf('10.0.0.7', 'a', ['127.0.0.1', '::1', '10.0.0.7', '172.17.0.1'])
  const others = {
    'on another machine': doorsOf(undefined, 'b', ['127.0.0.1', '10.0.0.8', 'fd00::8', '172.17.0.1']).said(),
    'on this machine': doorsOf('127.0.0.1', 'a', ['10.0.0.7', '172.17.0.1']).said(),
    'at one address': doorsOf('10.0.0.9', 'c', ['10.0.0.9', '10.0.0.10']).said(),
  }
  const { resolve } = createAdmission({
    registrationFrom: LOCAL,
    upstreamsAllow: LOCAL,
    own: here,
    otherAt: (address, port) =>
      Object.entries(others).find(([, doors]) => here.areAt(doors, address, port))?.[0],
    lookup,
  })
  const at = async (host: string, port = 8080, peer?: string) => {
    const result = await resolve(host, peer, port)
    return 'refused' in result
      ? / is (.*), another gateway of this cluster/.exec(result.refused)?.[1]
      : 'free'
  }
  for (const host of ['10.0.0.8', 'fd00:0::8']) assert.equal(await at(host), 'on another machine')
  assert.equal(await at('10.0.0.8', 9090), 'on another machine')
  assert.equal(
    await at('127.0.0.1', 8080, '10.0.0.8'),
    'on another machine',
    'its own loopback is its address',
  )
  assert.equal(await at('127.0.0.1'), 'on this machine')
  assert.equal(await at('10.0.0.9'), 'at one address')
  for (const [host, port] of [
    ['10.0.0.8', 8081],
    ['172.17.0.1', 8080],
    ['10.0.0.10', 8080],
    ['127.0.0.2', 8081],
  ] as const)
    assert.equal(await at(host, port), 'free', `${host}:${port}`)
})
