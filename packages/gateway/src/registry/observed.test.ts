import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RegistrationInput, registration } from '@hydra-gateway/protocol'
import { setUpRegistry } from './testing/registry-rig.ts'

const ID = 'a'.repeat(32)

const seen = (paths: readonly string[], more: Partial<RegistrationInput> = {}) =>
  registration.parse({
    name: 'orders',
    host: '127.0.0.1',
    port: 4000,
    instanceId: ID,
    routes: paths.map((path) => ({ path })),
    ...more,
  })
const always = (): boolean => true

test('an instance that is seen joins like one that registers, and is told of', async () => {
  const { registry, serving, store } = setUpRegistry()
  const events: string[] = []
  registry.onMember((event, { id }) => events.push(`${event} ${id}`))
  const { instanceId, revision } = (await registry.observe(seen(['/v1/orders']), always))!
  assert.equal(instanceId, ID)
  assert.deepEqual(serving('/v1/orders'), [ID])
  assert.deepEqual(
    registry.overview().services.map(({ serviceName }) => serviceName),
    ['orders'],
  )
  const again = await registry.observe(seen(['/v1/orders']), always)
  assert.equal(again?.revision, revision, 'nothing is published when all is as it was')
  await registry.observe(seen(['/v2/orders'], { port: 4001 }), always)
  assert.deepEqual(serving('/v2/orders'), [ID])
  assert.equal(serving('/v1/orders'), undefined)
  assert.deepEqual((await store.look(undefined))?.instances ?? [], [], 'every node sees it by itself')
  registry.unobserve(ID, 'it is gone')
  assert.deepEqual(serving('/v2/orders'), [], 'known and down')
  assert.deepEqual(events, [`joined ${ID}`, `moved ${ID}`, `left ${ID}`])
})

test('it needs no lease, and is not forgotten while its routes are known', async () => {
  const { registry, serving, clock } = setUpRegistry({ settings: { forgetAfterMs: 60_000 } })
  await registry.observe(seen(['/v1/orders']), always)
  clock.advance(120_000)
  assert.deepEqual(serving('/v1/orders'), [ID])
  registry.unobserve(ID, 'it is gone')
  clock.advance(120_000)
  assert.deepEqual(serving('/v1/orders'), [])
  registry.unknown('orders', 'its routes are gone')
  assert.equal(serving('/v1/orders'), undefined)
})

test('routes of a service nobody has seen an instance of are known, and others later', async () => {
  const { registry, serving } = setUpRegistry()
  const { instanceId: _, ...nobody } = seen(['/v1/orders'])
  assert.equal(registry.known(nobody), true)
  assert.deepEqual(serving('/v1/orders'), [])
  registry.known({ ...nobody, ...{ routes: seen(['/v2/orders']).routes } })
  assert.equal(serving('/v1/orders'), undefined)
  assert.deepEqual(serving('/v2/orders'), [])
  await registry.observe(seen(['/v3/orders'], { version: '0.1' }), always)
  assert.deepEqual(serving('/v3/orders'), [ID])
  assert.equal(serving('/v2/orders'), undefined, 'all instances share the routes that were read last')
})

test('its address is admitted like any other, and an id that is taken is not given up', async () => {
  const { registry, serving, join } = setUpRegistry()
  const outside = seen(['/outside'], { host: '8.8.8.8' })
  await assert.rejects(registry.observe(outside, always), { code: 'HYDRA_FORBIDDEN_ADDRESS' })
  const { instanceId } = await join('sdk', ['/sdk'])
  await assert.rejects(registry.observe(seen(['/thief'], { instanceId }), always), { code: 'HYDRA_CONFLICT' })
  assert.deepEqual(serving('/sdk'), [instanceId])
  registry.unobserve(instanceId, 'a forgery')
  assert.deepEqual(serving('/sdk'), [instanceId])
  assert.equal(registry.isObserved(instanceId), false)
  assert.equal(await registry.observe(seen(['/late']), () => false), undefined)
  assert.equal(serving('/late'), undefined)
})

test('an instance that registers has its id before one that is only seen', async () => {
  const { registry, serving, join } = setUpRegistry()
  await registry.observe(seen(['/seen']), always)
  await join('sdk', ['/sdk'], { instanceId: ID })
  assert.deepEqual(serving('/sdk'), [ID])
  assert.deepEqual(serving('/seen'), [])
})

test('one name is one service: instances that are seen and that register serve side by side', async () => {
  const { registry, serving, join } = setUpRegistry()
  await registry.observe(seen(['/v1/orders']), always)
  const { instanceId } = await join('orders', ['/v1/orders', '/v2/orders'])
  assert.deepEqual(serving('/v1/orders')?.sort(), [ID, instanceId].sort())
  assert.deepEqual(serving('/v2/orders'), [instanceId])
})

test('an operator who drains an instance that is seen keeps it out of rotation, whatever is seen next', async () => {
  const { registry, serving } = setUpRegistry()
  await registry.observe(seen(['/v1/orders']), always)
  assert.equal(registry.drain(ID, 'maintenance'), true)
  assert.deepEqual(serving('/v1/orders'), [])
  await registry.observe(seen(['/v1/orders', '/more']), always)
  assert.deepEqual(serving('/v1/orders'), [])
  assert.equal(registry.resume(ID, 'done'), true)
  assert.deepEqual(serving('/v1/orders'), [ID])
})
