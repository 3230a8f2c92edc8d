import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { startRedis } from '../../../../../test/support/redis.ts'
import type { Bus } from '../../store/bus/port.ts'
import { createRedisBus } from '../../store/redis/bus.ts'
import { createRedisMailboxes } from '../../store/redis/mailboxes.ts'
import { openTestLine, quiet } from '../../store/redis/testing/line.ts'
import { MessageProblem } from '../port.ts'
import { createTestClient, messageOf, openNode, type TestNode } from './testing/nodes.ts'

type Test = Pick<TestContext, 'after'>

/** Two nodes at one Redis. `mayHear`: which hints arrive. */
async function twoNodes(
  t: Test,
  { mayHear = () => true, lookEveryMs = 50 }: { mayHear?: () => boolean; lookEveryMs?: number } = {},
) {
  const server = await startRedis(t)
  const open = async (): Promise<TestNode> => {
    const line = await openTestLine(t, { url: server.url, prefix: 'hydra-gateway:', commandTimeoutMs: 1000 })
    const bus = createRedisBus({ line })
    const hears: Bus = {
      ...bus,
      listen: (topic, onMessage) => bus.listen(topic, (text) => void (mayHear() && onMessage(text))),
    }
    const node = openNode({
      mailboxes: createRedisMailboxes({ line, privateKeys: ['key'], log: quiet }),
      bus: hears,
      reach: line.reach,
      settings: { lookEveryMs },
    })
    t.after(() => node.resuming.close())
    return node
  }
  return { server, one: await open(), two: await open() }
}

async function begin(node: TestNode) {
  const client = createTestClient()
  const begun = await client.connect(node)
  assert.ok('id' in begun)
  return { client, id: begun.id }
}

const isAway = (error: unknown) => error instanceof MessageProblem && error.fault === 'store-away'

test('a hint that is lost costs a client no more than a look, and one that looks is no reason to read all', async (t) => {
  let isDeaf = false
  const { one, two } = await twoNodes(t, { mayHear: () => !isDeaf, lookEveryMs: 500 })
  const { client, id } = await begin(one)
  const idle = await begin(one)
  await two.resuming.deliver(id, messageOf('1'))
  await eventually(() => assert.deepEqual(client.handed, ['1']))
  // what was told before anybody counted is looked for once; then nothing is
  await eventually(() => assert.ok((one.counted.get('sweep') ?? 0) > 0))
  const swept = one.counted.get('sweep')
  for (let i = 2; i <= 50; i++) await two.resuming.deliver(id, messageOf(`${i}`))
  await eventually(() => assert.equal(client.handed.length, 50))
  assert.equal(one.counted.get('sweep'), swept)
  isDeaf = true
  await two.resuming.deliver(id, messageOf('51'))
  await eventually(() => assert.equal(client.handed.at(-1), '51'))
  assert.equal(one.counted.get('sweep'), swept! + 1)
  isDeaf = false
  await two.resuming.deliver(idle.id, messageOf('a'))
  await two.resuming.deliver(id, messageOf('52'))
  await eventually(() => assert.deepEqual([client.handed.at(-1), idle.client.handed], ['52', ['a']]))
})

test('with Redis away senders are told, sockets stay, and what was appended before goes on when it is back', async (t) => {
  const { server, one, two } = await twoNodes(t)
  const { client, id } = await begin(one)
  await one.resuming.deliver(id, messageOf('1'))
  server.pause()
  await assert.rejects(one.resuming.deliver(id, messageOf('2')), isAway)
  await assert.rejects(two.resuming.deliver(id, messageOf('3')), isAway)
  const refused = await createTestClient().connect(one)
  assert.deepEqual(refused, { error: 'store-away' })
  assert.equal(client.closed, undefined)
  server.resume()
  await eventually(() => two.resuming.deliver(id, messageOf('4')), 10_000)
  await eventually(() => assert.equal(client.handed.at(-1), '4'))
  // what was refused may have been appended all the same: the answer was lost, not the message; never twice, in order
  const numbers = client.handed.map(Number)
  assert.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  )
})

test('when Redis has lost everything, those who are connected are told at once, and messages reach them again', async (t) => {
  const { server, one, two } = await twoNodes(t)
  const { client, id } = await begin(one)
  const idle = await begin(one)
  await two.resuming.deliver(id, messageOf('1'))
  await eventually(() => assert.deepEqual(client.handed, ['1']))
  await server.command('FLUSHALL')
  await eventually(() =>
    assert.deepEqual(
      [client.handed.at(-1), idle.client.handed],
      [{ lost: undefined }, [{ lost: undefined }]],
    ),
  )
  await two.resuming.deliver(id, messageOf('2'))
  await eventually(() => assert.equal(client.handed.at(-1), '2'))
  // and after a restart without its data
  await server.kill()
  await server.restart()
  await eventually(
    () => assert.deepEqual(idle.client.handed, [{ lost: undefined }, { lost: undefined }]),
    10_000,
  )
  await eventually(() => two.resuming.deliver(id, messageOf('3')))
  await eventually(() => assert.equal(client.handed.at(-1), '3'))
  client.cut()
  const back = await client.connect(two)
  assert.ok('id' in back && back.recovered)
})

test('when Redis fell back to an older copy, nothing is handed over twice, and who missed something is told', async (t) => {
  const { server, one, two } = await twoNodes(t)
  const { client, id } = await begin(one)
  for (let i = 1; i <= 5; i++) await one.resuming.deliver(id, messageOf(`${i}`))
  await eventually(() => assert.equal(client.handed.length, 5))
  const [mail] = (await server.command('KEYS', '*:mail')) as [string]
  const [box] = (await server.command('KEYS', '*:box')) as [string]
  await server.command('LTRIM', mail, '0', '1')
  await server.command('HSET', box, 'newest', '2')
  client.cut()
  await two.resuming.deliver(id, messageOf('6'))
  const back = await client.connect(two)
  assert.ok('id' in back && !back.recovered && back.lost === undefined)
  await two.resuming.deliver(id, messageOf('7'))
  await eventually(() => assert.equal(client.handed.at(-1), '7'))
  const numbers = client.handed.filter((one) => typeof one === 'string')
  assert.deepEqual(numbers, [...new Set(numbers)])
  client.cut()
  const again = await client.connect(one)
  assert.ok('id' in again && again.recovered)
  assert.equal(client.handed.at(-1), '7')
})

test('a client that moves between nodes while messages are sent to it at both gets each once and in order', async (t) => {
  const { one, two } = await twoNodes(t)
  const { client, id } = await begin(one)
  let isMoving = true
  const moving = (async () => {
    for (let i = 0; i < 20; i++) {
      client.cut()
      const back = await client.connect(i % 2 ? one : two)
      assert.ok('id' in back && back.recovered)
      if (i % 3 === 0) client.ack()
    }
    isMoving = false
  })()
  let sent = 0
  while (isMoving) {
    sent++
    await (sent % 2 ? one : two).resuming.deliver(id, messageOf(`${sent}`))
  }
  await moving
  await eventually(() => assert.equal(client.handed.length, sent))
  assert.deepEqual(
    client.handed,
    Array.from({ length: sent }, (_, i) => `${i + 1}`),
  )
})
