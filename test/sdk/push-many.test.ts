/**
 * One message of a service for many clients: who gets it, where they are, in which order, and what becomes of those that left.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { createLog, openStore, parseConfig, systemClock } from '@hydra-gateway/gateway'
import { connect, type HydraService } from '@hydra-gateway/sdk'
import { openSocket } from '@hydra-gateway/sdk/socket'
import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startRedis } from '../support/redis.ts'

const keys = { publicKey: `pub${'c'.repeat(24)}`, privateKey: 'd'.repeat(48) }

async function startNode(t: TestContext, redisUrl: string): Promise<TestGateway> {
  const given = { keys, redis: { url: redisUrl } }
  const log = createLog('silent')
  const store = await openStore(parseConfig(given), {
    privateKeys: [keys.privateKey],
    clock: systemClock,
    log,
  })
  const gateway = await startGateway(t, given, { store })
  // Added last: run first would close the store under its gateway.
  t.after(() => store.close())
  return gateway
}

async function startService(
  t: TestContext,
  { url, publicKey, privateKey }: TestGateway,
): Promise<HydraService> {
  const server = createServer((_request, response) => response.end('room')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const service = await connect({
    ...{ name: 'room', server, routes: ['/room'], gateway: url, publicKey, privateKey },
    ...{ signals: false, log: false },
  })
  t.after(() => service.close())
  await service.ready
  return service
}

/** A client of the classic protocol, and the frames it got. */
async function openClassic(t: TestContext, { url }: TestGateway) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/_hydra/socket`)
  const got: Record<string, any>[] = []
  socket.on('message', (data) => got.push(JSON.parse(String(data))))
  t.after(() => socket.terminate())
  await eventually(() => assert.ok(got.length > 0))
  const { id } = got.shift()!.bdy as { id: string }
  return { id, got, socket, numbers: () => got.map(({ bdy }) => bdy.n as number) }
}

/** A client that resumes. */
async function openResuming(t: TestContext, { url }: TestGateway) {
  const socket = openSocket(`${url.replace('http', 'ws')}/_hydra/socket`, { WebSocket: WebSocket as never })
  t.after(() => socket.close())
  const got: number[] = []
  socket.onMessage('*', ({ body }) => void got.push((body as { n: number }).n))
  await eventually(() => assert.equal(socket.state, 'open'))
  return { id: socket.id!, got, numbers: () => got }
}

const UNKNOWN = `c${'0'.repeat(34)}`

test('one push reaches clients of both kinds, and tells of those that are not there', async (t) => {
  const gateway = await startGateway(t)
  const service = await startService(t, gateway)
  const classic = await openClassic(t, gateway)
  const resuming = await openResuming(t, gateway)
  const ids = new Set([classic.id, resuming.id, UNKNOWN, 'Not-an-id'])
  const { now, later, failed } = await service.push(ids, { n: 1 }, { type: 'news' })
  assert.deepEqual([now, later], [2, 0])
  assert.deepEqual(failed.map(({ client, fault }) => [client, fault]).sort(), [
    ['Not-an-id', 'unknown-client'],
    [UNKNOWN, 'unknown-client'],
  ])
  await eventually(() => assert.deepEqual([classic.numbers(), resuming.got], [[1], [1]]))
  assert.equal(classic.got[0]!.typ, 'news')
  // As if it had been pushed to it alone.
  assert.equal(await service.push(classic.id, { n: 1 }, { type: 'news' }), 'now')
  await eventually(() => assert.equal(classic.got.length, 2))
  const [many, alone] = classic.got.map(({ mid: _, ts: _t, ...frame }) => JSON.stringify(frame))
  assert.equal(many, alone)
  assert.deepEqual(await service.push([], { n: 2 }), { now: 0, later: 0, failed: [] })
  await assert.rejects(service.push([classic.id], ''), { fault: 'invalid' })
  await assert.rejects(service.push(7 as never, { n: 1 }), { fault: 'invalid' })
})

test('what is pushed to a client alone and to many arrives in the order it was pushed', async (t) => {
  const gateway = await startGateway(t)
  const service = await startService(t, gateway)
  const clients = [
    await openClassic(t, gateway),
    await openResuming(t, gateway),
    await openClassic(t, gateway),
  ]
  // Many that are not there come first, so that a push takes its time.
  const ids = [...Array.from({ length: 2500 }, (_, n) => `${UNKNOWN}${n}`), ...clients.map(({ id }) => id)]
  const pushed: Promise<unknown>[] = []
  for (let n = 1; n <= 30; n += 3) {
    pushed.push(service.push(ids, { n }))
    for (const { id } of clients) pushed.push(service.push(id, { n: n + 1 }))
    pushed.push(service.push(ids.slice(-1000), { n: n + 2 }))
  }
  await Promise.all(pushed)
  const all = Array.from({ length: 30 }, (_, n) => n + 1)
  for (const { numbers } of clients) await eventually(() => assert.deepEqual(numbers(), all))
})

test('more clients than one request may have are asked for in several, in their order', async (t) => {
  const gateway = await startGateway(t)
  const service = await startService(t, gateway)
  const last = await openClassic(t, gateway)
  const ids = [...Array.from({ length: 20_500 }, (_, n) => `${UNKNOWN}${n}`), last.id]
  const first = service.push(ids, { n: 1 })
  const second = service.push(last.id, { n: 2 })
  const { now, failed } = await first
  assert.deepEqual([now, failed.length, await second], [1, 20_500, 'now'])
  await eventually(() => assert.deepEqual(last.numbers(), [1, 2]))
})

test('a client that leaves midway gets the rest when it is back', async (t) => {
  const gateway = await startGateway(t)
  const service = await startService(t, gateway)
  const stays = await openClassic(t, gateway)
  const leaves = await openClassic(t, gateway)
  const ids = [stays.id, leaves.id]
  assert.equal((await service.push(ids, { n: 1 })).now, 2)
  await eventually(() => assert.deepEqual(leaves.numbers(), [1]))
  leaves.socket.close()
  let n = 1
  let later = 0
  await eventually(async () => {
    later += (await service.push(ids, { n: ++n })).later
    assert.ok(later > 1)
  })
  await eventually(() => assert.equal(stays.got.length, n))
  assert.deepEqual(
    stays.numbers(),
    Array.from({ length: n }, (_, at) => at + 1),
  )
})

test('clients at several nodes get one push each once, and in order', async (t) => {
  const redis = await startRedis(t)
  const [a, b] = [await startNode(t, redis.url), await startNode(t, redis.url)]
  const service = await startService(t, a)
  const classic = await Promise.all(Array.from({ length: 20 }, (_, n) => openClassic(t, n % 2 ? a : b)))
  const resuming = [await openResuming(t, a), await openResuming(t, b)]
  const clients = [...classic, ...resuming]
  const ids = clients.map(({ id }) => id)
  // Until this node has heard of all of them.
  await eventually(async () => assert.equal((await service.push(ids, { n: 0 })).now, clients.length))
  for (let n = 1; n <= 9; n += 3) {
    const [{ now, failed }] = await Promise.all([
      service.push(ids, { n }),
      ...ids.map((id) => service.push(id, { n: n + 1 })),
      service.push(ids, { n: n + 2 }),
    ])
    assert.deepEqual([now, failed], [clients.length, []])
  }
  for (const { numbers } of clients)
    await eventually(() => assert.deepEqual(numbers().filter(Boolean), [1, 2, 3, 4, 5, 6, 7, 8, 9]))
  const relayed = classic[0]!.got.filter(({ bdy }) => bdy.n > 0)
  const [many, alone] = relayed.map(({ mid: _, ts: _t, bdy: _b, ...frame }) => JSON.stringify(frame))
  assert.equal(many, alone)
  assert.equal((await service.push([...ids, UNKNOWN], { n: 10 })).failed.length, 1)
})
