import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthListener } from './health.ts'
import { memberState, serviceState } from './overview.ts'
import { setUpRegistry } from './testing/registry-rig.ts'

const MINUTE = 60_000

function setUp(...given: Parameters<typeof setUpRegistry>) {
  const rig = setUpRegistry(...given)
  const entry = (service = 'orders') => [...rig.registry.entries()].find(({ name }) => name === service)!
  const stateOf = (service = 'orders') => serviceState(entry(service), rig.vitals)
  const instances = (service = 'orders') =>
    Object.fromEntries(
      [...entry(service).members.values()].map((one) => [one.id, memberState(one, rig.vitals)]),
    )
  const endpoints = (service = 'orders') =>
    rig.registry.overview().services.find(({ serviceName }) => serviceName === service)!.endpoints
  return { ...rig, entry, stateOf, instances, endpoints }
}

/** As a channel would keep it alive. */
function beatOn({ clock, registry }: ReturnType<typeof setUpRegistry>, id: string, forMs: number): void {
  for (let ms = 0; ms < forMs; ms += 3000) {
    registry.beat(id)
    clock.advance(3000)
  }
}

test('who drains is out of rotation in the same tick, stays known, and comes back when resumed', async () => {
  const rig = setUp()
  const { registry, join, serving, stateOf, instances, entry } = rig
  const { instanceId: a } = await join('orders', ['/orders'])
  const { instanceId: b } = await join('orders', ['/orders'])
  assert.equal(registry.drain(a, 'an operator drains it'), true)
  assert.deepEqual(serving('/orders'), [b])
  assert.equal(stateOf(), 'available')
  assert.deepEqual(instances(), { [a]: 'draining', [b]: 'available' })
  assert.equal(entry().members.get(a)!.drain?.reason, 'an operator drains it')
  assert.equal(registry.drain(a, 'again'), false)
  assert.equal(registry.drain('nobody', 'at all'), false)
  assert.deepEqual(registry.active()[0]!.registrations.length, 1)
  assert.equal(registry.resume(a, 'an operator put it back'), true)
  assert.deepEqual(serving('/orders')!.sort(), [a, b].sort())
  assert.equal(entry().members.get(a)!.drain, undefined)
  assert.equal(registry.resume(a, 'again'), false)
  assert.equal(registry.resume('nobody', 'at all'), false)
})

test('the last one that drains leaves its routes known, and its service draining', async () => {
  const { registry, join, serving, stateOf, endpoints, entry, live } = setUp()
  const { instanceId } = await join('orders', ['/orders'], { fallback: '<h1>Orders rests</h1>' })
  registry.drain(instanceId, 'an operator drains it')
  assert.deepEqual(serving('/orders'), [])
  assert.equal(stateOf(), 'draining')
  assert.equal(live.table.service('orders')?.fallback, '<h1>Orders rests</h1>')
  assert.notEqual(entry().down, undefined)
  assert.deepEqual(
    endpoints().map(({ path, available, state }) => ({ path, available, state })),
    [{ path: '/orders', available: false, state: 'down' }],
  )
  const [told] = registry.overview().services
  assert.deepEqual([told!.state, told!.available], ['draining', false])
  registry.resume(instanceId, 'an operator put it back')
  assert.equal(stateOf(), 'available')
  assert.equal(entry().down, undefined)
})

test('beats keep who drains, and bring nobody back; silence ends it', async () => {
  const rig = setUp()
  const { registry, join, serving, instances, clock } = rig
  const { instanceId } = await join('orders', ['/orders'])
  registry.drain(instanceId, 'an operator drains it')
  beatOn(rig, instanceId, MINUTE)
  assert.deepEqual(instances(), { [instanceId]: 'draining' })
  assert.deepEqual(serving('/orders'), [])
  clock.advance(5500)
  assert.deepEqual(instances(), {})
  assert.deepEqual(serving('/orders'), [])
})

test('when its channel closes it goes, and takes the routes only it had along', async () => {
  const { registry, join, serving, instances } = setUp()
  const { instanceId: old } = await join('orders', ['/orders', '/orders/legacy'], { version: 1 })
  const { instanceId: next } = await join('orders', ['/orders'], { version: 2 })
  registry.drain(old, 'an operator drains it')
  assert.deepEqual(serving('/orders/legacy'), [])
  registry.suspend(old, 'connection closed')
  assert.deepEqual(instances(), { [next]: 'available' })
  assert.equal(serving('/orders/legacy'), undefined)
})

test('a registration sent again, or a channel that came back, drains on; a new process does not', async () => {
  const { registry, join, instances, serving } = setUp()
  const instanceId = 'e'.repeat(32)
  const process = { instanceId, activeSince: 1000 }
  await join('orders', ['/orders'], process)
  registry.drain(instanceId, 'an operator drains it')
  await join('orders', ['/orders', '/orders/new'], process)
  assert.deepEqual(instances(), { [instanceId]: 'draining' })
  registry.suspend(instanceId, 'connection closed')
  await join('orders', ['/orders'], process)
  assert.deepEqual(instances(), { [instanceId]: 'draining' })
  assert.equal([...registry.entries()][0]!.members.get(instanceId)!.drain?.reason, 'an operator drains it')
  await join('orders', ['/orders'], { instanceId, activeSince: 2000 })
  assert.deepEqual(serving('/orders'), [instanceId])
  // The one before is over, whoever says its time once more.
  await join('orders', ['/orders'], process)
  assert.deepEqual(serving('/orders'), [instanceId])
})

test('a process that was resumed while its channel was away comes back into rotation', async () => {
  const { registry, join, serving } = setUp()
  const process = { instanceId: 'e'.repeat(32), activeSince: 1000 }
  await join('orders', ['/orders'], process)
  registry.drain(process.instanceId, 'an operator drains it')
  registry.resume(process.instanceId, 'an operator put it back')
  registry.deregister(process.instanceId)
  await join('orders', ['/orders'], process)
  assert.deepEqual(serving('/orders'), [process.instanceId])
})

test('one that does not say when it started drains on only while it is known', async () => {
  const { registry, join, instances, serving } = setUp()
  const process = { instanceId: 'e'.repeat(32), activeSince: 0 }
  await join('orders', ['/orders'], process)
  registry.drain(process.instanceId, 'an operator drains it')
  await join('orders', ['/orders'], process)
  assert.deepEqual(instances(), { [process.instanceId]: 'draining' })
  registry.deregister(process.instanceId)
  await join('orders', ['/orders'], process)
  assert.deepEqual(serving('/orders'), [process.instanceId])
})

test('one whose channel is away may be drained, and does not serve when it returns', async () => {
  const { registry, join, instances, clock } = setUp()
  const { instanceId } = await join('orders', ['/orders'])
  registry.suspend(instanceId, 'connection closed')
  registry.drain(instanceId, 'an operator drains it')
  clock.advance(2000)
  registry.beat(instanceId)
  assert.deepEqual(instances(), { [instanceId]: 'draining' })
  registry.resume(instanceId, 'an operator put it back')
  assert.deepEqual(instances(), { [instanceId]: 'available' })
})

test('one that is resumed while its channel is away is expected back, and does not serve before', async () => {
  const { registry, join, instances, serving, clock } = setUp()
  const { instanceId } = await join('orders', ['/orders'])
  registry.suspend(instanceId, 'connection closed')
  registry.drain(instanceId, 'an operator drains it')
  registry.resume(instanceId, 'an operator put it back')
  assert.deepEqual(instances(), { [instanceId]: 'recovering' })
  assert.deepEqual(serving('/orders'), [])
  clock.advance(6000)
  assert.deepEqual(instances(), {})
})

test('who is there, though it drains, is neither forgotten nor pushed out', async () => {
  const rig = setUp({ settings: { forgetAfterMs: 10_000, maxInstances: 1 } })
  const { registry, join, serving, instances } = rig
  const { instanceId } = await join('orders', ['/orders'])
  registry.drain(instanceId, 'an operator drains it')
  beatOn(rig, instanceId, MINUTE)
  assert.deepEqual(instances(), { [instanceId]: 'draining' })
  await assert.rejects(join('stock', ['/stock']), { code: 'HYDRA_OVERLOADED' })
  registry.resume(instanceId, 'an operator put it back')
  assert.deepEqual(serving('/orders'), [instanceId])
})

test('who stays speaks for the service: its menu is not that of who is leaving', async () => {
  const { registry, join, entry } = setUp()
  const menuItems = (label: string) => ({ main: [{ endpoint: '/orders', label }] })
  await join('orders', ['/orders'], { version: 1, menuItems: menuItems('Orders') })
  const { instanceId } = await join('orders', ['/orders'], { version: 2, menuItems: menuItems('New orders') })
  assert.equal(entry().declared.version, 2)
  registry.drain(instanceId, 'an operator drains it')
  assert.equal(entry().declared.version, 1)
  assert.deepEqual(
    registry.overview().menus.main?.map(({ label, state }) => [label, state]),
    [['Orders', 'available']],
  )
  registry.resume(instanceId, 'an operator put it back')
  assert.equal(entry().declared.version, 2)
})

test('of instances of which none serves, the worst is said', async () => {
  const { registry, join, stateOf, vitals } = setUp()
  const { instanceId: a } = await join('orders', ['/orders'])
  const { instanceId: b } = await join('orders', ['/orders'])
  registry.drain(a, 'an operator drains it')
  vitals.rest(b)
  assert.equal(stateOf(), 'down')
  vitals.revive(b)
  assert.equal(stateOf(), 'available')
  registry.suspend(b, 'connection closed')
  assert.equal(stateOf(), 'down')
  registry.deregister(b)
  assert.equal(stateOf(), 'draining')
  registry.deregister(a)
  assert.equal(stateOf(), 'down')
})

test('a degraded service is told of at once, with the reason, and serves', async () => {
  let listener: HealthListener | undefined
  let state: 'available' | 'degraded' = 'available'
  const health = {
    stateOf: () => state,
    onChange: (heard: HealthListener) => {
      listener = heard
    },
  }
  const { registry, join, clock, endpoints, entry, vitals } = setUp({ health })
  const { instanceId } = await join('orders', ['/orders'], {
    menuItems: { main: [{ endpoint: '/orders', label: 'Orders' }] },
  })
  const news: unknown[] = []
  registry.onNews((service, _, { reason }) => void news.push([service, reason]))
  const heard: string[] = []
  registry.onOverview(({ services }) => void heard.push(services[0]!.state))
  clock.advance(10)
  heard.length = 0
  state = 'degraded'
  listener!('orders', 'degraded', 'half of its answers failed')
  assert.deepEqual(news, [['orders', 'half of its answers failed']])
  clock.advance(10)
  assert.deepEqual(heard, ['degraded'])
  assert.equal(serviceState(entry(), vitals, health.stateOf), 'degraded')
  const { services, menus } = registry.overview()
  assert.deepEqual([services[0]!.state, services[0]!.available], ['degraded', true])
  assert.deepEqual([endpoints()[0]!.state, endpoints()[0]!.available], ['degraded', true])
  assert.equal(menus.main![0]!.state, 'degraded')
  registry.drain(instanceId, 'an operator drains it')
  assert.equal(registry.overview().services[0]!.state, 'draining')
})
