import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RegistrationInput, registration } from '@hydra-gateway/protocol'
import { NO_IDENTITY } from '../identity/no-identity.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createSync } from './sync.ts'
import { setUpRegistry } from './testing/registry-rig.ts'

test('a registered instance serves at once, and is gone after more than 5 s of silence, not earlier', async () => {
  const { clock, registry, join, serving } = setUpRegistry()
  const { instanceId } = await join('orders', ['/orders'])
  assert.deepEqual(serving('/orders'), [instanceId])
  clock.advance(4000)
  assert.equal(registry.beat(instanceId), true)
  clock.advance(5000)
  assert.deepEqual(serving('/orders'), [instanceId])
  clock.advance(500)
  assert.deepEqual(serving('/orders'), [])
  assert.equal(registry.beat(instanceId), false)
})

test('a gateway that stood still reads what came meanwhile before it calls anybody silent', async () => {
  let stoodStillMs = 0
  const {
    clock: manual,
    registry,
    join,
    serving,
  } = setUpRegistry({
    clockOf: (clock) => ({ ...clock, monotonic: () => clock.monotonic() + stoodStillMs }),
  })
  const { instanceId } = await join('orders', ['/orders'])
  manual.advance(3000)
  stoodStillMs = 2500
  manual.advance(250)
  assert.deepEqual(serving('/orders'), [instanceId])
  assert.equal(registry.beat(instanceId), true)
  manual.advance(5000)
  assert.deepEqual(serving('/orders'), [instanceId])
  manual.advance(500)
  assert.deepEqual(serving('/orders'), [])
})

test('a closed channel takes the instance out in the same tick, and a beat within 5 s puts it back', async () => {
  const { clock, registry, join, serving } = setUpRegistry()
  const { instanceId } = await join('orders', ['/orders'])
  registry.suspend(instanceId, 'channel closed')
  assert.deepEqual(serving('/orders'), [])
  clock.advance(4900)
  assert.equal(registry.beat(instanceId), true)
  assert.deepEqual(serving('/orders'), [instanceId])
  registry.suspend(instanceId, 'channel closed')
  clock.advance(5500)
  assert.equal(registry.beat(instanceId), false)
})

test('a request that fails after its instance left leaves nothing behind', async () => {
  const { clock, registry, vitals, join } = setUpRegistry()
  const { instanceId } = await join('orders', ['/orders'])
  registry.deregister(instanceId)
  vitals.rest(instanceId)
  clock.advance(250)
  assert.equal(vitals.of(instanceId).resting, false)
})

test('routes of a service without instances stay known until it is forgotten', async () => {
  const { clock, registry, join, serving } = setUpRegistry({ settings: { forgetAfterMs: 60_000 } })
  const { instanceId } = await join('orders', ['/orders'])
  registry.deregister(instanceId)
  assert.deepEqual(serving('/orders'), [])
  clock.advance(59_000)
  assert.deepEqual(serving('/orders'), [])
  clock.advance(2000)
  assert.equal(serving('/orders'), undefined)
  assert.deepEqual([...registry.entries()], [])
})

test('deregistering with forget drops the routes at once, but only with the last instance', async () => {
  const { registry, join, serving } = setUpRegistry()
  const [a, b] = [await join('orders', ['/orders']), await join('orders', ['/orders'])]
  registry.deregister(a.instanceId, { forget: true })
  assert.deepEqual(serving('/orders'), [b.instanceId])
  registry.deregister(b.instanceId, { forget: true })
  assert.equal(serving('/orders'), undefined)
})

test('a crash leaves routes behind until a new process of that version or a newer one speaks', async () => {
  const { clock, registry, join, serving } = setUpRegistry()
  const old = await join('orders', ['/orders', '/legacy'], { version: '1.0.0' })
  const canary = await join('orders', ['/orders'], { version: '2.0.0' })
  registry.suspend(old.instanceId, 'killed')
  clock.advance(3000)
  registry.beat(canary.instanceId)
  clock.advance(3000)
  assert.deepEqual(serving('/legacy'), [], 'known but down')
  assert.deepEqual(serving('/orders'), [canary.instanceId])
  await join('orders', ['/orders'], { version: '0.9.0' })
  assert.deepEqual(serving('/legacy'), [], 'an older version does not speak for it')
  await join('orders', ['/orders'], { version: '1.0.1' })
  assert.equal(serving('/legacy'), undefined)
})

test('an instance that leaves politely takes the routes only it had along while siblings serve', async () => {
  const { registry, join, serving } = setUpRegistry()
  const leaver = await join('orders', ['/orders', '/only-here'])
  await join('orders', ['/orders'])
  registry.deregister(leaver.instanceId)
  assert.equal(serving('/only-here'), undefined)
  assert.equal(serving('/orders')?.length, 1)
})

test('registering again replaces what the instance declared', async () => {
  const { registry, join, serving } = setUpRegistry()
  const first = await join('orders', ['/old'], { instanceId: 'a'.repeat(32) })
  const second = await join('orders', ['/new'], { instanceId: 'a'.repeat(32) })
  assert.equal(second.instanceId, first.instanceId)
  assert.equal(serving('/old'), undefined)
  assert.deepEqual(serving('/new'), [first.instanceId])
  assert.equal(registry.instancesOf('orders').length, 1)
})

test('an instance that registers under another name leaves the first one', async () => {
  const { join, registry, serving } = setUpRegistry()
  const { instanceId } = await join('orders', ['/orders'], { instanceId: 'b'.repeat(32) })
  await join('baskets', ['/baskets'], { instanceId: 'b'.repeat(32) })
  assert.deepEqual(registry.instancesOf('orders'), [])
  assert.deepEqual(serving('/baskets'), [instanceId])
  assert.deepEqual(serving('/orders'), [])
})

test('nobody takes the place of an instance of another channel by naming its id', async () => {
  const { registry, join, serving } = setUpRegistry()
  const bean = registration.parse({ name: 'shop', host: '127.0.0.1', port: 4000, endpoints: ['/shop'] })
  const { instanceId } = await registry.register(bean, { channel: 'http', peer: '127.0.0.1' })
  await assert.rejects(join('thief', ['/thief'], { instanceId }), { code: 'HYDRA_CONFLICT' })
  await assert.rejects(join('shop', ['/thief'], { instanceId }), { code: 'HYDRA_CONFLICT' })
  assert.deepEqual(serving('/shop'), [instanceId])
  assert.equal(serving('/thief'), undefined)
})

test('the incumbent keeps a contested route, until it was down for takeoverAfter and the newcomer serves', async () => {
  const { clock, registry, join, serving } = setUpRegistry()
  const incumbent = await join('orders', ['/orders'])
  const newcomer = await join('orders-next', ['/orders'])
  assert.deepEqual(
    newcomer.refused.map(({ path }) => path),
    ['/orders'],
  )
  assert.deepEqual(serving('/orders'), [incumbent.instanceId])
  registry.deregister(incumbent.instanceId)
  for (let s = 0; s < 29; s++) {
    clock.advance(1000)
    registry.beat(newcomer.instanceId)
  }
  assert.deepEqual(serving('/orders'), [])
  clock.advance(1500)
  assert.deepEqual(serving('/orders'), [newcomer.instanceId])
  const back = await join('orders', ['/orders'])
  assert.deepEqual(
    back.refused.map(({ path }) => path),
    ['/orders'],
  )
  assert.deepEqual(serving('/orders'), [newcomer.instanceId])
})

test('services of one rollout group share a route', async () => {
  const { join, serving } = setUpRegistry()
  const a = await join('orders', ['/orders'], { group: 'orders' })
  const b = await join('orders-next', ['/orders'], { group: 'orders' })
  assert.deepEqual(b.refused, [])
  assert.deepEqual(serving('/orders')?.sort(), [a.instanceId, b.instanceId].sort())
})

test('pages are told which assets a fragment brings, while one version renders it', async () => {
  const { registry, join } = setUpRegistry()
  const refs = [
    { ref: 'buy', attributes: [], assets: { styles: ['buy.css'] } },
    { ref: 'plain', attributes: [] },
  ]
  await join('orders', ['/orders'], { protocol: 1, version: '1.0', refs })
  const known = () => registry.overview().services[0]?.fragmentAssets
  assert.deepEqual(known(), [{ ref: 'buy', version: '1.0', assets: { styles: ['buy.css'] } }])
  await join('orders', ['/orders'], { protocol: 1, version: '1.0', refs })
  assert.equal(known()?.length, 1)
  const newer = await join('orders', ['/orders'], { protocol: 1, version: '2.0', refs })
  assert.equal(known(), undefined)
  registry.deregister(newer.instanceId)
  assert.equal(known()?.length, 1)
})

test('the overview follows, gathered within 10 ms, and its hash moves only with what it says', async () => {
  const { clock, registry, vitals, join } = setUpRegistry()
  const hashes: string[] = []
  registry.onOverview(({ hash }) => hashes.push(hash))
  const { instanceId } = await join('orders', ['/orders/{id}'], {
    menuItems: { main: [{ endpoint: '/orders/new', label: 'Orders' }] },
  })
  await join('baskets', ['/baskets'])
  clock.advance(10)
  assert.equal(hashes.length, 1)
  const { services, menus, hash } = registry.overview()
  assert.deepEqual(
    services.map(({ serviceName, state }) => [serviceName, state]),
    [
      ['baskets', 'available'],
      ['orders', 'available'],
    ],
  )
  assert.deepEqual(services[1]?.endpoints, [{ path: '/orders/{id}', available: true, state: 'available' }])
  assert.deepEqual(menus.main, [
    { endpoint: '/orders/new', label: 'Orders', service: 'orders', state: 'available', available: true },
  ])
  registry.beat(instanceId)
  clock.advance(10)
  assert.equal(registry.overview().hash, hash)
  vitals.rest(instanceId)
  assert.equal(registry.overview().services[1]?.state, 'down')
  assert.equal(registry.overview().menus.main?.[0]?.available, false)
  vitals.revive(instanceId)
  assert.equal(registry.overview().hash, hash)
  registry.suspend(instanceId, 'channel closed')
  assert.equal(registry.overview().services[1]?.state, 'down')
  assert.equal(registry.overview().services[1]?.instances[0]?.state, 'recovering')
  assert.deepEqual(registry.overview().services[1]?.endpoints, [
    { path: '/orders/{id}', available: false, state: 'down' },
  ])
})

test('a menu item of one version is there while that version is, and available while it serves', async () => {
  const { registry, join } = setUpRegistry()
  const item = (path: string) => ({ endpoint: path, label: path })
  await join('shop', ['/shop'], { version: 1, menuItems: { main: [item('/shop')] } })
  const canary = () =>
    join('shop', ['/shop', '/new'], { version: 2, menuItems: { main: [item('/shop'), item('/new')] } })
  const main = () =>
    registry.overview().menus.main?.map(({ endpoint, available }) => `${endpoint} ${available}`)
  const { instanceId } = await canary()
  assert.deepEqual(main(), ['/new true', '/shop true'])
  registry.suspend(instanceId, 'channel closed')
  assert.deepEqual(main(), ['/new false', '/shop true'])
  assert.deepEqual(registry.overview().services[0]?.endpoints, [
    { path: '/new', available: false, state: 'down' },
    { path: '/shop', available: true, state: 'available' },
  ])
  registry.beat(instanceId)
  registry.deregister(instanceId)
  assert.deepEqual(main(), ['/shop true'])
  await canary()
  assert.deepEqual(main(), ['/new true', '/shop true'])
})

test('the newest version speaks for the service, whoever registers last', async () => {
  const { registry, join } = setUpRegistry()
  const speak = (version: string) => ({ version, title: `Orders ${version}` })
  const title = () => registry.overview().services[0]?.title
  const old = await join('orders', ['/orders'], speak('1.0.0'))
  const canary = await join('orders', ['/orders'], speak('2.0.0'))
  assert.equal(title(), 'Orders 2.0.0')
  await join('orders', ['/orders'], { ...speak('1.0.0'), instanceId: old.instanceId })
  assert.equal(title(), 'Orders 2.0.0')
  registry.deregister(canary.instanceId)
  assert.equal(title(), 'Orders 1.0.0')
  await join('orders', ['/orders'], {
    ...speak('1.0.0'),
    title: 'Orders, mended',
    instanceId: old.instanceId,
  })
  assert.equal(title(), 'Orders, mended')
})

test('above maxInstances a new one is refused and the others are not touched', async () => {
  const { join, serving } = setUpRegistry({ settings: { maxInstances: 2 } })
  await join('a', ['/a'])
  const { instanceId } = await join('b', ['/b'])
  await assert.rejects(join('c', ['/c']), { code: 'HYDRA_OVERLOADED' })
  assert.deepEqual(serving('/b'), [instanceId])
  await join('b', ['/b'], { instanceId, port: 3002 })
})

test('a registration that is refused changes nothing', async () => {
  const { live, join } = setUpRegistry()
  const { table } = live
  await assert.rejects(join('orders', ['/orders'], { host: '169.254.169.254' }), {
    code: 'HYDRA_FORBIDDEN_ADDRESS',
  })
  await assert.rejects(
    join(
      'orders',
      Array.from({ length: 20_001 }, (_, i) => `/${i}`),
    ),
    { code: 'HYDRA_TOO_LARGE' },
  )
  await assert.rejects(join('orders', ['/orders'], { fallback: '//elsewhere.example' }), {
    code: 'HYDRA_BAD_REGISTRATION',
  })
  assert.equal(live.table, table)
})

test('two nodes with one store serve the same instances, and lose them together', async (t) => {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  const [a, b] = [setUpRegistry({ store, node: 'a' }), setUpRegistry({ store, node: 'b' })]
  const sync = createSync({ store, registry: b.registry, clock: b.clock, log: b.log })
  t.after(() => sync.stop())
  const { instanceId } = await a.join('orders', ['/orders'])
  await sync.look()
  assert.deepEqual(b.serving('/orders'), [instanceId])
  a.registry.deregister(instanceId)
  await sync.look()
  assert.deepEqual(b.serving('/orders'), [], 'known but down, on the other node too')
})

const CHECKOUT = { ref: 'checkout', attributes: ['zip'] }
const PAGE = { place: 'product.html:12:5', service: 'orders', ref: 'checkout', imports: ['zip'], exports: [] }

test('instances are known by the fragments they render and ask for, those of Medusa by none', async () => {
  const { join, live } = setUpRegistry()
  await join('orders', ['/orders'], { protocol: 1, refs: [CHECKOUT, { ...CHECKOUT, attributes: [] }] })
  await join('shop', ['/shop'], { protocol: 1, uses: [PAGE] })
  await join('legacy', ['/legacy'])
  const [orders, shop, legacy] = ['orders', 'shop', 'legacy'].map((name) => live.table.instances(name)[0]!)
  assert.deepEqual([...orders!.refs!.keys()], ['checkout'])
  assert.deepEqual(orders!.refs!.get('checkout')!.attributes, ['zip'], 'the first of two counts')
  assert.equal(orders!.asksFragments, false)
  assert.equal(shop!.refs!.size, 0)
  assert.equal(shop!.asksFragments, true)
  assert.equal(legacy!.refs, undefined)
  assert.equal(legacy!.isOurs, false)
})

test('registering again changes fragments although the routes are the same', async () => {
  const { join, live } = setUpRegistry()
  const again = { instanceId: 'c'.repeat(32), port: 4000, protocol: 1 as const }
  await join('orders', ['/orders'], again)
  assert.equal(live.table.instances('orders')[0]!.refs!.size, 0)
  await join('orders', ['/orders'], { ...again, refs: [CHECKOUT] })
  assert.equal(live.table.instances('orders')[0]!.refs!.size, 1)
})

test('a fragment is refused as its instance registers, again when it registers again, and let in when the page goes', async () => {
  const { join, registry, live } = setUpRegistry()
  const incumbent = await join('orders', ['/orders'], { protocol: 1, refs: [{ ref: 'checkout' }] })
  const shop = await join('shop', ['/shop'], { protocol: 1, uses: [PAGE] })
  const newcomer = { instanceId: 'd'.repeat(32), port: 4000, protocol: 1 as const, refs: [CHECKOUT] }
  for (let i = 0; i < 2; i++) {
    const { refused } = await join('orders', ['/orders'], newcomer)
    assert.equal(refused[0]!.path, 'fragment checkout')
    assert.match(refused[0]!.reason, /in a page of shop, product\.html:12:5/)
    const [first, second] = live.table.instances('orders')
    assert.equal(first!.id, incumbent.instanceId)
    assert.equal(first!.refusedRefs, undefined)
    assert.deepEqual([...second!.refusedRefs!.keys()], ['checkout'])
  }
  const [conflict] = registry.overview().fragmentConflicts!
  assert.deepEqual([conflict!.page, conflict!.service, conflict!.refused], ['shop', 'orders', 'ref'])
  const { hash } = registry.overview()
  registry.deregister(shop.instanceId)
  assert.ok(live.table.instances('orders').every(({ refusedRefs }) => refusedRefs === undefined))
  assert.equal(registry.overview().fragmentConflicts, undefined)
  assert.notEqual(registry.overview().hash, hash)
})

test('a page that comes after the fragment it does not fit is told so, and the fragment is served', async () => {
  const { join, live } = setUpRegistry()
  await join('orders', ['/orders'], { protocol: 1, refs: [CHECKOUT] })
  const { refused } = await join('shop', ['/shop'], { protocol: 1, uses: [PAGE] })
  assert.equal(refused[0]!.path, 'the tag at product.html:12:5 for orders#checkout')
  assert.equal(live.table.instances('orders')[0]!.refusedRefs, undefined)
})

test('a change of fragments, weight or version at one node reaches the others', async () => {
  const a = setUpRegistry()
  const b = setUpRegistry({ store: a.store, node: 'b' })
  const sync = createSync({ store: a.store, registry: b.registry, clock: b.clock, log: b.log })
  const same = { instanceId: 'e'.repeat(32), port: 4000, protocol: 1 as const }
  for (const more of [
    {},
    { refs: [CHECKOUT] },
    { refs: [CHECKOUT], uses: [PAGE] },
    { weight: 50 },
    { version: 2 },
  ]) {
    await a.join('shop', ['/shop'], { ...same, ...more })
    await sync.look()
    const [here, there] = [a, b].map(({ live }) => live.table.instances('shop')[0]!)
    assert.deepEqual(there, here)
  }
  sync.stop()
})

test('an instance is told who calls as it asked for, and by the key it holds', async () => {
  let keyId = 'one'
  const identity = { ...NO_IDENTITY, isOn: true, keyId: () => keyId, publicKey: () => `spki of ${keyId}` }
  const { registry, live } = setUpRegistry({ identity })
  const joined = async (channel: 'rsocket' | 'http', more: Partial<RegistrationInput> = {}) => {
    const bean = registration.parse({ name: 'shop', host: '127.0.0.1', port: 3000, ...more })
    const { publicKey, instanceId } = await registry.register(bean, { channel, peer: '127.0.0.1' })
    const instance = live.table.instances('shop').find(({ id }) => id === instanceId)
    registry.deregister(instanceId)
    return { publicKey, login: instance?.login, keyId: instance?.keyId, prefix: instance?.cookiePrefix }
  }
  const usual = { publicKey: 'spki of one', login: 'cookie', keyId: undefined, prefix: undefined }
  assert.deepEqual(await joined('rsocket', { protocol: 1 }), usual)
  assert.deepEqual(await joined('http', { protocol: 1 }), usual)
  assert.deepEqual(await joined('http'), { ...usual, keyId: 'one' })
  keyId = 'two'
  assert.deepEqual(await joined('http', { login: 'header', cookies: 'own' }), {
    publicKey: 'spki of two',
    login: 'header',
    keyId: 'two',
    prefix: 'HYDRA-shop.',
  })
  const bean = registration.parse({ name: 'old', host: '127.0.0.1', port: 3000, routes: [{ path: '/old' }] })
  registry.registerStatic(bean, { id: 'x', address: { protocol: 'http', host: '127.0.0.1', port: 3000 } })
  assert.equal(live.table.instances('old')[0]?.login, 'none')
})

test('a key that changed is news for everybody, with another hash', async () => {
  let key = 'one'
  let onKeys = (): void => {}
  const { registry, join, clock } = setUpRegistry({
    identity: {
      ...NO_IDENTITY,
      isOn: true,
      publicKey: () => key,
      onKeys(listener) {
        onKeys = listener
        return () => {}
      },
    },
  })
  await join('orders', ['/orders'])
  const before = registry.overview()
  assert.equal(before.publicKey, 'one')
  const told: (string | null)[] = []
  registry.onOverview(({ publicKey }) => void told.push(publicKey))
  key = 'two'
  onKeys()
  clock.advance(10)
  assert.deepEqual(told, ['two'])
  assert.notEqual(registry.overview().hash, before.hash)
})
