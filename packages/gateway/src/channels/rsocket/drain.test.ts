import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROUTES } from '@hydra-gateway/protocol/rsocket'
import { until } from '../../../../../test/support/eventually.ts'
import { bean, idOf, openGateway, openService } from './test-support.ts'

test('an instance asks to be taken out of rotation, and back, for itself only', async (t) => {
  const gateway = await openGateway(t)
  const { peer } = await openService(gateway.tcp, bean(1))
  const ask = (route: string, data: object) => peer.request(route, data, 1000)
  assert.equal(await ask(ROUTES.drain, { instanceId: idOf(1), reason: 'a new version' }), true)
  assert.equal(await ask(ROUTES.drain, { reason: 'x'.repeat(300) }), true)
  assert.equal(await ask(ROUTES.resume, {}), true)
  await assert.rejects(ask(ROUTES.drain, { instanceId: idOf(2) }), { problem: 'HYDRA_UNAUTHORIZED' })
  assert.deepEqual(gateway.diary.slice(1), [
    'drain 1: it asked for it: a new version',
    `drain 1: it asked for it: ${'x'.repeat(200)}`,
    'resume 1: it asked for it',
  ])
})

test('a service is asked to open a line elsewhere, and leaves when it has; its instance stays in rotation', async (t) => {
  const gateway = await openGateway(t, { random: () => 0.5 })
  const asked: unknown[] = []
  let arrived = (_moved: boolean): void => {}
  const routes = {
    requests: {
      [ROUTES.move]: (data: unknown) => {
        asked.push(data)
        return new Promise((resolve) => {
          arrived = resolve
        })
      },
    },
  }
  const { peer } = await openService(gateway.url, bean(1), { routes })
  await peer.request(ROUTES.ping, {}, 1000)
  const drained = gateway.channel.drain(5000)
  await until(() => asked.length === 1)
  assert.deepEqual(asked, [{ withinMs: 4000 }])
  assert.ok(gateway.channel.lineOf(idOf(1)))
  arrived(true)
  await until(() => gateway.channel.lineOf(idOf(1)) === undefined, 'the line is not used any more')
  assert.equal(await peer.request(ROUTES.ping, {}, 1000), true, 'and what was begun on it goes on')
  peer.close()
  await drained
  assert.equal(gateway.states.get(idOf(1)), 'up')
})

test('a service that knows nothing of moving is told goodbye at a moment of its own, and stays in rotation', async (t) => {
  const moments = [0.1, 0.9]
  const gateway = await openGateway(t, { random: () => moments.shift() ?? 0.5 })
  const [early, late] = [await openService(gateway.tcp, bean(1)), await openService(gateway.tcp, bean(2))]
  for (const { peer } of [early, late]) await peer.request(ROUTES.ping, {}, 1000)
  const begun = performance.now()
  const drained = gateway.channel.drain(500)
  assert.equal((await early.ended).error.problem, 'HYDRA_STOPPING')
  assert.ok(performance.now() - begun < 200)
  assert.equal(await late.peer.request(ROUTES.ping, {}, 1000), true)
  await late.ended
  assert.ok(performance.now() - begun > 300)
  await drained
  assert.ok(performance.now() - begun < 490, 'nobody is waited for who has left')
  assert.deepEqual([...gateway.states.values()], ['up', 'up'])
})

test('whoever comes to a gateway that drains is sent on; whoever dies there is out of rotation', async (t) => {
  const gateway = await openGateway(t)
  const routes = { requests: { [ROUTES.move]: () => new Promise(() => {}) } }
  const [stays, dies] = [
    await openService(gateway.tcp, bean(1), { routes }),
    await openService(gateway.tcp, bean(2), { routes }),
  ]
  for (const { peer } of [stays, dies]) await peer.request(ROUTES.ping, {}, 1000)
  const drained = gateway.channel.drain(400)
  for (const address of [gateway.tcp, gateway.url]) {
    const { ended } = await openService(address, bean(3))
    assert.equal((await ended).error.problem, 'HYDRA_STOPPING')
  }
  dies.cut()
  await until(() => gateway.states.get(idOf(2)) === 'out')
  await drained
  assert.equal(stays.peer.isOpen(), true)
  await gateway.channel.close(0)
  assert.equal((await stays.ended).error.problem, 'HYDRA_STOPPING')
  assert.equal(gateway.states.get(idOf(1)), 'up')
  assert.ok(!gateway.states.has(idOf(3)))
  assert.deepEqual(gateway.refused, [])
})
