import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { busContract } from '../bus/contract.ts'
import { nodeDirectoryContract } from '../nodes/contract.ts'
import { createRedisBus } from './bus.ts'
import { createRedisNodes } from './nodes.ts'
import { openTestLine, sharedRedis } from './testing/line.ts'

const redis = sharedRedis()

busContract('redis', async (t) => {
  const place = await redis.place()
  const open = async () => createRedisBus({ line: await openTestLine(t, place) })
  return { bus: await open(), again: open }
})

nodeDirectoryContract('redis', async (t) => {
  const place = await redis.place()
  const open = async () => createRedisNodes({ line: await openTestLine(t, place), privateKeys: ['a key'] })
  return { nodes: await open(), again: open }
})

test('redis: a listener that fails silences nobody else', async (t) => {
  const place = await redis.place()
  const bus = createRedisBus({ line: await openTestLine(t, place) })
  bus.listen('topic', () => {
    throw new Error('not understood')
  })
  const heard: string[] = []
  bus.listen('topic', (text) => heard.push(text))
  await eventually(async () => {
    await bus.publish('topic', 'a')
    assert.ok(heard.length > 1)
  })
})

test('redis: a node that says nonsense is left out', async (t) => {
  const place = await redis.place()
  const nodes = createRedisNodes({ line: await openTestLine(t, place), privateKeys: ['a key'] })
  const [key, leases] = [`${place.prefix}{reg}:nodes`, `${place.prefix}{reg}:nodeLeases`]
  for (const [id, text] of Object.entries({ a: '{', b: 'null', c: '{"id":"c"}', d: '[]' })) {
    await place.command('HSET', key, id, text)
    await place.command('ZADD', leases, '99999999', id)
  }
  assert.deepEqual(await nodes.list(), [])
})
