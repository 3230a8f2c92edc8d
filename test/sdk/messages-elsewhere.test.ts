/**
 * Messages of services that are not at the same gateway: at another node, or unmodified ones in Redis.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { createLog, openStore, parseConfig, systemClock } from '@hydra-gateway/gateway'
import {
  connect,
  type HydraService,
  MessageError,
  type MessageSender,
  type ServiceOptions,
} from '@hydra-gateway/sdk'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startHydraService } from '../support/hydra-express.ts'
import { startRedis } from '../support/redis.ts'

const keys = { publicKey: `pub${'c'.repeat(24)}`, privateKey: 'd'.repeat(48) }

async function startNode(t: TestContext, redisUrl: string, flywheel: boolean): Promise<TestGateway> {
  const given = { keys, redis: { url: redisUrl }, flywheel: { enabled: flywheel } }
  const config = parseConfig(given)
  const log = createLog('silent')
  const store = await openStore(config, { privateKeys: [keys.privateKey], clock: systemClock, log })
  const gateway = await startGateway(t, given, { store })
  // Added last: run first would close the store under its gateway.
  t.after(() => store.close())
  return gateway
}

async function startService(
  t: TestContext,
  name: string,
  { url }: TestGateway,
  messages: ServiceOptions['messages'] = {},
): Promise<HydraService> {
  const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const service = await connect({
    name,
    server,
    routes: [`/${name}`],
    gateway: url,
    ...keys,
    messages,
    signals: false,
    log: false,
  })
  t.after(() => service.close())
  await service.ready
  return service
}

const faultOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (value) => `came to ${JSON.stringify(value)}`,
    (error) => (error instanceof MessageError ? error.fault : String(error)),
  )

test('services at different nodes send and call each other, and what is refused there is refused here', async (t) => {
  const redis = await startRedis(t)
  const [a, b] = [await startNode(t, redis.url, false), await startNode(t, redis.url, false)]
  const senders: MessageSender[] = []
  const orders = await startService(t, 'orders', b, {
    total({ body }, { sender }) {
      senders.push(sender)
      return { total: body.n * 2 }
    },
    order: { schema: { required: ['id'] }, handler: () => ({}) },
  })
  const shop = await startService(t, 'shop', a)
  await eventually(async () => assert.equal((await shop.find('orders')).length, 1))
  assert.deepEqual(await shop.call('orders', { n: 21 }, { type: 'total' }), { total: 42 })
  assert.deepEqual(senders, [{ kind: 'service', service: 'shop', instance: shop.instanceId }])
  assert.equal(await faultOf(shop.send('orders', { n: 1 }, { type: 'unheard' })), 'no-instance')
  assert.equal(await faultOf(shop.send('orders', { n: 1 }, { type: 'order' })), 'schema')
  const all = await Promise.all(
    Array.from({ length: 60 }, (_, n) => shop.call('orders', { n: n + 1 }, { type: 'total' })),
  )
  assert.deepEqual(
    all.map(({ total }) => total),
    all.map((_, n) => (n + 1) * 2),
  )
  await orders.close({ forget: true })
  await eventually(async () => assert.equal(await faultOf(shop.send('orders', { n: 1 })), 'unknown-service'))
})

test('a service with the SDK and an unmodified hydra service talk to each other', async (t) => {
  const redis = await startRedis(t)
  const gateway = await startNode(t, redis.url, true)
  const old = await startHydraService(t, { redisUrl: redis.url, name: 'old', kind: 'core' })
  const got: [unknown, MessageSender][] = []
  const shop = await startService(t, 'shop', gateway, {
    '*': ({ body }, { sender }) => {
      got.push([body, sender])
    },
    staff: { auth: 'required', handler: () => ({}) },
  })
  await eventually(async () => assert.equal((await shop.find('old')).length, 1))

  // Asked, and answered by the library's own rules.
  const asked = shop.call('old:/', { question: 1 })
  const message = await old.message(({ bdy }) => bdy?.question === 1)
  assert.equal(message.fwd, `${shop.instanceId}@shop:/`)
  await old.call('sendReplyMessage', message, { body: { answer: 2 } })
  assert.deepEqual(await asked, { answer: 2 })

  // And the other way, by a router, as it knows no service that keeps a line.
  const send = (more: object) =>
    old.call('sendMessage', { to: 'hydra-router:/', from: 'old:/', forward: 'shop:/', ...more })
  await eventually(async () => {
    await send({ body: { hello: 1 } })
    await eventually(() => assert.ok(got.length > 0), 200)
  })
  const [body, sender] = got[0]!
  assert.deepEqual(
    [body, sender.kind, sender.service, sender.isHearsay],
    [{ hello: 1 }, 'service', 'old', true],
  )
  const before = got.length
  await send({ body: { hello: 2 }, type: 'staff' })
  await send({ body: { hello: 3 } })
  await eventually(() => assert.deepEqual(got.at(-1)![0], { hello: 3 }))
  assert.equal(got.length, before + 1)
})

test('a hydra service that asks as soon as it is there gets its answer', async (t) => {
  const redis = await startRedis(t)
  const node = await startNode(t, `${redis.url}/0`, true)
  await startService(t, 'shop', node, { total: ({ body }) => ({ total: body.n * 2 }) })
  // They come at other moments between two looks.
  for (const name of ['till1', 'till2', 'till3', 'till4']) {
    const till = await startHydraService(t, { redisUrl: `${redis.url}/0`, name, kind: 'core' })
    const ask = { to: 'hydra-router:/', fwd: 'shop:/', frm: `${till.instanceId}@${name}:/`, typ: 'total' }
    await till.call('sendMessage', { ...ask, mid: name, bdy: { n: 21 } })
    assert.deepEqual((await till.message(({ rmid }) => rmid === name)).bdy, { total: 42 })
  }
  const metrics = await fetch(`${node.url}/_hydra/metrics`, {
    headers: { authorization: `Bearer ${keys.privateKey}` },
  })
  assert.doesNotMatch(
    await metrics.text(),
    /^hydra_messages_failed_total\{fault="(?:unknown|no-).* [1-9]\d*$/m,
  )
})
