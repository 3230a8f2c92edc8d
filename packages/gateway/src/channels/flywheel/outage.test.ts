import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { eventually } from '../../../../../test/support/eventually.ts'
import { startHydraService } from '../../../../../test/support/hydra-express.ts'
import { startRedis } from '../../../../../test/support/redis.ts'
import { setUpNetwork } from './testing/network-rig.ts'
import { command, playInstance, writeRoutes } from './testing/played-redis.ts'

const message = { to: 'orders:/', from: 'a:/', mid: 'm', timestamp: 't', version: 'v', body: {} }

test('Redis dies and comes back empty: services are served throughout, and everything of this node is written again', async (t) => {
  const redis = await startRedis(t)
  const { network, line, serving, instance } = await setUpNetwork(t, { url: redis.url })
  await network.start()
  const service = await startHydraService(t, {
    redisUrl: `${redis.url}/0`,
    name: 'orders',
    kind: 'core',
    routes: ['[get]/v1/orders'],
  })
  const other = await setUpNetwork(t, { url: redis.url })
  await other.network.start()
  network.peers.here('client1')
  await eventually(() => assert.deepEqual(serving('/v1/orders'), [service.instanceId]))
  const orders = instance(service.instanceId)!

  await redis.kill()
  await eventually(() => assert.equal(network.isReachable, false))
  assert.deepEqual(serving('/v1/orders'), [service.instanceId])
  await assert.rejects(network.carrier.deliver(orders, message), { fault: 'store-away' })
  await assert.rejects(network.mail.put('client1', 'x'), { fault: 'store-away' })
  await assert.rejects(network.queue('orders', message), { fault: 'store-away' })
  await assert.rejects(network.nodes(), { fault: 'store-away' })
  network.peers.here('client2')

  await redis.restart()
  const back = performance.now()
  await eventually(async () => {
    assert.equal(network.isReachable, true)
    assert.equal(await command(line, 'EXISTS', `hydra:service:hydra-router:${network.routerId}:presence`), 1)
    assert.equal(await command(line, 'EXISTS', 'hydra:service:hydra-router:service:routes'), 1)
    assert.deepEqual(serving('/v1/orders'), [service.instanceId])
  }, 5000)
  t.diagnostic(`written again ${Math.round(performance.now() - back)} ms after Redis answered`)
  await eventually(() => {
    for (const client of ['client1', 'client2'])
      assert.equal(other.network.peers.whereIs(client), network.routerId)
  }, 5000)
  // The library finds Redis again by itself, with growing pauses.
  await eventually(() => network.carrier.deliver(orders, message), 10_000, 100)
  assert.deepEqual(serving('/v1/orders'), [service.instanceId])
})

test('Redis comes back empty, and a service has ended meanwhile: its paths are down, and not unknown; so are they until it is back', async (t) => {
  const redis = await startRedis(t)
  const settings = { lookMs: 100, rereadMs: 200 }
  const { network, line, serving, logged } = await setUpNetwork(t, { url: redis.url, settings })
  await writeRoutes(line, 'ended', '[get]/v1/ended')
  await writeRoutes(line, 'away', '[get]/v1/away')
  const ended = await playInstance(t, line, 'ended')
  await network.start()
  await eventually(() => assert.deepEqual(serving('/v1/away'), []))
  await redis.kill()
  ended.stop()
  await eventually(() => assert.equal(network.isReachable, false))
  await redis.restart()
  await eventually(() => assert.deepEqual(serving('/v1/ended'), []), 10_000)
  await network.refresh()
  // Twice what it takes to believe that routes were taken away.
  const looked = performance.now()
  while (performance.now() - looked < 2500) {
    assert.deepEqual([serving('/v1/ended'), serving('/v1/away')], [[], []])
    await setTimeout(50)
  }
  assert.equal(logged.filter(({ msg }) => String(msg).includes('lost what it knew')).length, 1)

  await writeRoutes(line, 'ended', '[get]/v1/ended')
  const back = await playInstance(t, line, 'ended')
  await eventually(() => assert.deepEqual(serving('/v1/ended'), [back.id]))
  await network.refresh('ended')
  // From now on its routes are taken away as ever (B14).
  back.stop()
  await command(line, 'DEL', 'hydra:service:ended:service:routes')
  await eventually(() => assert.equal(serving('/v1/ended'), undefined), 10_000)
  assert.deepEqual(serving('/v1/away'), [])
})

test('who looks for Redis with growing pauses is served until it has found it, its routes included; who stays away is not', async (t) => {
  const redis = await startRedis(t)
  const settings = { lookMs: 100, rereadMs: 500, maxReturnMs: 4600 }
  const { network, line, serving } = await setUpNetwork(t, { url: redis.url, settings })
  await writeRoutes(line, 'slow', '[get]/v1/slow')
  await writeRoutes(line, 'dead', '[get]/v1/dead')
  const [slow, dead] = await Promise.all([playInstance(t, line, 'slow'), playInstance(t, line, 'dead')])
  await network.start()
  assert.deepEqual(serving('/v1/slow'), [slow.id])
  await redis.kill()
  for (const one of [slow, dead]) one.stop()
  await eventually(() => assert.equal(network.isReachable, false))
  const left = performance.now()
  await setTimeout(6000)
  await redis.restart()
  await eventually(() => assert.equal(network.isReachable, true))
  const back = performance.now()
  // What the library needs at most: 0.7 of the time it was away.
  while (performance.now() - back < 0.7 * (back - left)) {
    assert.deepEqual(serving('/v1/slow'), [slow.id])
    await setTimeout(50)
  }
  await playInstance(t, line, 'slow', { id: slow.id })
  await eventually(() => assert.deepEqual(serving('/v1/dead'), []))
  assert.ok(performance.now() - back < 6500)
  assert.deepEqual(serving('/v1/slow'), [slow.id])
})

test('a node that starts without Redis waits for nobody, and sees everything once Redis is there', async (t) => {
  const redis = await startRedis(t)
  const { network, line, serving } = await setUpNetwork(t, { url: redis.url })
  await redis.kill()
  await eventually(() => assert.equal(network.isReachable, false))
  await network.start()
  await redis.restart()
  const service = await startHydraService(t, {
    redisUrl: `${redis.url}/0`,
    name: 'late',
    kind: 'core',
    routes: ['[get]/v1/late'],
  })
  await eventually(() => assert.deepEqual(serving('/v1/late'), [service.instanceId]), 5000)
  assert.equal(await command(line, 'EXISTS', `hydra:service:hydra-router:${network.routerId}:presence`), 1)
})
