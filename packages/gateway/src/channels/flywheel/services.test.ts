import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { type HydraService, startHydraService } from '../../../../../test/support/hydra-express.ts'
import { startRedis, type TestRedis } from '../../../../../test/support/redis.ts'
import { sharedServers } from '../../store/redis/testing/line.ts'
import { type NetworkRig, setUpNetwork } from './testing/network-rig.ts'

/** One Redis, one network and two services from npm for the file: Express ones take 2 s to start. */
const site = sharedServers(async (t) => {
  const redis = await startRedis(t)
  const rig = await setUpNetwork(t, { url: `${redis.url}/3` })
  await rig.network.start()
  const redisUrl = `${redis.url}/3`
  const [orders, users] = await Promise.all([
    startHydraService(t, {
      redisUrl,
      name: 'Orders',
      version: '2.1.0',
      routes: ['[get]/v1/orders/:id', '[post]/v1/orders', '[delete]/v1/orders/:id'],
    }),
    startHydraService(t, { redisUrl, name: 'users', kind: 'core', routes: ['[get]/v1/users/:id'] }),
  ])
  return { redis, rig, redisUrl, orders, users }
})
let redis: TestRedis
let rig: NetworkRig
let redisUrl: string
let orders: HydraService
let users: HydraService
before(async () => {
  ;({ redis, rig, redisUrl, orders, users } = await site())
})

test('an unmodified hydra-express service from npm is served by its routes and methods', async () => {
  await eventually(() => assert.deepEqual(rig.serving('/v1/orders/7'), [orders.instanceId]))
  assert.deepEqual(rig.serving('/v1/orders', 'POST'), [orders.instanceId])
  assert.deepEqual(rig.serving('/v1/orders/7', 'DELETE'), [orders.instanceId])
  const { address, version, channel, service } = rig.instance(orders.instanceId)!
  assert.deepEqual(
    { ...address, version, channel, service },
    {
      protocol: 'http',
      host: '127.0.0.1',
      port: orders.port,
      version: '2.1.0',
      channel: 'flywheel',
      service: 'orders',
    },
  )
  assert.equal(rig.live.table.match('', '/v1/orders/7', 'GET', false)?.flywheel, 'route')
})

test('a service without Express is there too, with the website routes its library adds', async () => {
  await eventually(() => assert.deepEqual(rig.serving('/v1/users/7'), [users.instanceId]))
  assert.deepEqual(rig.serving('/users/7'), [users.instanceId])
  assert.ok(rig.network.routes().get('users')?.includes('[get]/users/:rest'))
  const site = rig.live.table.match('', '/users/js/app.js', 'GET', false)
  assert.ok(site === undefined || site.flywheel === 'site')
})

test('entries, health and logs of instances are told as they stand in Redis', async () => {
  const report = await eventually(async () => {
    const found = (await rig.network.instances()).find(({ entry }) => entry.instanceID === orders.instanceId)
    assert.ok(found?.health, 'its health is not there just now')
    return found
  }, 9000)
  assert.equal(report.entry.serviceName, 'orders')
  assert.equal(report.entry.port, String(orders.port))
  assert.equal(report.health!.instanceID, orders.instanceId)
  assert.ok(Array.isArray(report.log) && report.log.length <= 3)
  const nodes = await rig.network.nodes()
  assert.ok(nodes.some(({ instanceID }) => instanceID === rig.network.routerId))
})

test('a service finds us by its own library, and what it sends arrives', async (t) => {
  const found = await orders.call('findService', 'hydra-router')
  assert.equal(found.serviceName, 'hydra-router')
  const [presence] = await users.call('getServicePresence', 'hydra-router')
  assert.equal(presence.instanceID, rig.network.routerId)
  assert.deepEqual(Object.keys(presence), [
    'serviceName',
    'serviceDescription',
    'version',
    'instanceID',
    'updatedOn',
    'processID',
    'ip',
    'port',
    'hostName',
    'updatedOnTS',
  ])

  const heard: object[] = []
  t.after(rig.network.onMessage((message, info) => heard.push({ ...message, ...info })))
  const push = {
    to: `${rig.network.routerId}@hydra-router:/`,
    fwd: 'abc@client:/',
    from: 'users:/',
    body: { a: 1 },
  }
  await users.call('sendMessage', push)
  await eventually(() => assert.equal(heard.length, 1))
  const [{ to, forward, from, body, isBroadcast }] = heard as Record<string, unknown>[] as [
    Record<string, unknown>,
  ]
  assert.deepEqual(
    { to, forward, from, body, isBroadcast },
    {
      to: push.to,
      forward: push.fwd,
      from: 'users:/',
      body: { a: 1 },
      isBroadcast: false,
    },
  )
})

test('a message is brought to one instance, and its answer finds the way back', async (t) => {
  const heard: Readonly<Record<string, any>>[] = []
  t.after(rig.network.onMessage((message) => heard.push(message)))
  const instance = rig.instance(orders.instanceId)!
  assert.ok(rig.network.carrier.carries(instance))
  const via = `${rig.network.routerId}-abc@hydra-router:/`
  await rig.network.carrier.deliver(instance, {
    to: 'orders:/',
    from: 'abc@client:/',
    via,
    mid: 'my-message',
    timestamp: new Date().toISOString(),
    version: 'UMF/1.4.6',
    type: 'ask',
    body: { n: 1 },
  })
  const got = await orders.message(({ mid }) => mid === 'my-message')
  assert.equal(got.to, `${orders.instanceId}@orders:/`)
  assert.equal(got.via, via)
  const answer = await eventually(
    () => heard.find(({ rmid }) => rmid === 'my-message') ?? assert.fail('no answer'),
  )
  assert.equal(answer.to, via)
  assert.deepEqual(answer.body, { answer: { n: 1 }, instance: orders.instanceId })
})

test('new routes of a service replace its old ones as soon as it says so', async () => {
  await users.call('registerRoutes', ['[get]/v2/users/:id'])
  await eventually(() => assert.deepEqual(rig.serving('/v2/users/7'), [users.instanceId]), 1000)
  assert.equal(rig.serving('/v1/users/7'), undefined)
  assert.deepEqual(rig.serving('/v1/orders/7'), [orders.instanceId])
})

test('instances leave: killed, 3 s after the last sign of life; politely, at the next look', async (t) => {
  const start = (name: string, path: string) =>
    startHydraService(t, { redisUrl, name, kind: 'core', routes: [`[get]${path}`] })
  const [second, polite] = await Promise.all([start('users', '/v2/users/:id'), start('polite', '/polite')])
  await eventually(() => assert.equal(rig.serving('/v2/users/7')?.length, 2), 1500)
  await eventually(() => assert.equal(rig.serving('/polite')?.length, 1), 1500)

  const killed = async (): Promise<number> => {
    const lastBeat = await sawBeat(second.instanceId)
    await second.kill('SIGKILL')
    await eventually(() => assert.deepEqual(rig.serving('/v2/users/7'), [users.instanceId]), 4000, 2)
    return performance.now() - lastBeat
  }
  const stopped = async (): Promise<number> => {
    const began = performance.now()
    polite.call('shutdown').catch(() => {})
    await eventually(() => assert.equal(rig.serving('/polite')?.length, 0), 4000)
    return performance.now() - began
  }
  // It is idle, so its two ways to stop race, and it ends without taking its presence back.
  const terminated = async (): Promise<number> => {
    const began = performance.now()
    await orders.kill('SIGTERM')
    await eventually(() => assert.deepEqual(rig.serving('/v1/orders/7'), []), 4500)
    return performance.now() - began
  }
  const [afterKill, afterStop, afterTerm] = await Promise.all([killed(), stopped(), terminated()])
  const [a, b, c] = [afterKill, afterStop, afterTerm].map(Math.round)
  t.diagnostic(
    `SIGKILL: ${a} ms after its last sign of life; shutdown: ${b} ms; hydra-express, SIGTERM: ${c} ms`,
  )
  // Three seconds; all of this shares the cores with whatever else runs.
  assert.ok(afterKill < 4000, `${a} ms`)
})

test('a service that is down is known: 503; a message to its instance is refused, where the original dropped it (B16)', async () => {
  assert.deepEqual(rig.serving('/v1/orders', 'POST'), [])
  await assert.rejects(
    rig.network.carrier.deliver({ id: orders.instanceId, service: 'orders', channel: 'flywheel' } as never, {
      to: 'orders:/',
      from: 'a:/',
      mid: 'x',
      timestamp: '',
      version: '',
      body: {},
    }),
    { fault: 'no-instance' },
  )
})

/** When an instance gave its latest sign of life, seen at once. */
async function sawBeat(id: string): Promise<number> {
  const left = async (): Promise<number> =>
    (await redis.command(
      'EVAL',
      `redis.call('SELECT', 3) return redis.call('PTTL', KEYS[1])`,
      '1',
      `hydra:service:users:${id}:presence`,
    )) as number
  let last = await left()
  for (;;) {
    const now = await left()
    if (now > last) return performance.now() - (3000 - now)
    last = now
  }
}
