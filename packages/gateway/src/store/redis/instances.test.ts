import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { createLog } from '../../observe/log.ts'
import { record } from '../testing/instance-records.ts'
import { createRedisInstances } from './instances.ts'
import { instanceContractAt, openTestLine, sharedRedis } from './testing/line.ts'

const redis = sharedRedis()
const PRIVATE_KEYS = ['a private key']

instanceContractAt('redis', () => redis.place())

/** A store of its own in the server all tests here share, and a way to reach below it. */
async function setUp(
  t: { after(run: () => unknown): void },
  { privateKeys = PRIVATE_KEYS, place }: { privateKeys?: readonly string[]; place?: Place } = {},
) {
  const at = place ?? (await redis.place())
  const line = await openTestLine(t, at)
  const lines: { readonly level: string; readonly msg: string }[] = []
  const log = createLog('info', { write: (text: string) => void lines.push(JSON.parse(text)) })
  const store = createRedisInstances({ line, privateKeys, rememberMs: 60_000, log })
  const keyOf = (name: string): string => `${at.prefix}{reg}:${name}`
  return { store, line, lines, keyOf, at, command: at.command }
}
type Place = Awaited<ReturnType<typeof redis.place>>

const idsOf = async (store: { look: InstanceLook }): Promise<string[]> =>
  ((await store.look(undefined))?.instances ?? []).map(({ id }) => id).sort()
type InstanceLook = ReturnType<typeof createRedisInstances>['look']

test('redis: a clock of Redis that jumps an hour ahead ends no lease, however often', async (t) => {
  const { store, command, keyOf } = await setUp(t)
  await store.put(record('orders-1'), 5000)
  await command('HINCRBY', keyOf('clock'), 'last', '-3600000')
  assert.deepEqual(await idsOf(store), ['orders-1'])
  assert.deepEqual(await store.renew([record('orders-1')], 5000), [])
  await command('HINCRBY', keyOf('clock'), 'last', '-3600000')
  assert.deepEqual(await idsOf(store), ['orders-1'])
})

test('redis: a clock of Redis that jumps an hour back keeps no lease alive', async (t) => {
  const { store, command, keyOf } = await setUp(t)
  await store.put(record('orders-1'), 300)
  await command('HINCRBY', keyOf('clock'), 'last', '3600000')
  assert.deepEqual(await idsOf(store), ['orders-1'])
  await eventually(async () => assert.deepEqual(await idsOf(store), []), 2000)
})

test('redis: the time in which nobody looked counts for two seconds at most', async (t) => {
  const { store, command, keyOf } = await setUp(t)
  await store.put(record('long'), 2500)
  await store.put(record('short'), 1500)
  await command('HINCRBY', keyOf('clock'), 'last', '-86400000')
  assert.deepEqual(await idsOf(store), ['long'])
})

test('redis: what others write into counts, holders and the log stops nobody from reading and writing', async (t) => {
  const { store, lines, command, keyOf } = await setUp(t)
  await store.put(record('orders-1'), 5000)
  const past = 'x'.repeat(40)
  const spoilt: readonly (readonly [string, ...string[]])[] = [
    ['HSET', keyOf('holders'), 'x', 'no line feed'],
    ['ZADD', keyOf('leases'), '0', 'x'],
    ['HSET', keyOf('clock'), 'elapsed', 'nan'],
    ['HSET', keyOf('clock'), 'elapsed', '-inf'],
    ['HSET', keyOf('meta'), 'lastRank', 'last'],
    ['HSET', keyOf('meta'), 'revision', 'nan'],
    ['HSET', keyOf('ranks'), 'orders', 'first'],
    ['RPUSH', keyOf('log'), `${past}["gone"`],
    ['RPUSH', keyOf('log'), `${past}["gone",1]`],
    ['RPUSH', keyOf('log'), `${past}["gone","a","b","no JSON","left","c",1e18]`],
  ]
  for (const [i, args] of spoilt.entries()) {
    const { version } = (await store.look(undefined))!
    await command(...args)
    // As if it belonged there: it is read as a change.
    if (args[0] === 'RPUSH') await command('HINCRBY', keyOf('meta'), 'revision', '1')
    const id = `service-${i}-1`
    await store.put({ ...record(id), service: `service-${i}` }, 60_000)
    const [later, whole] = [await store.look(version), await store.look(undefined)]
    for (const look of [later, whole]) {
      const told = look?.instances.find((one) => one.id === id)
      assert.ok(told && Number.isSafeInteger(told.rank) && told.rank > 0, `${args.join(' ')}: ${told?.rank}`)
    }
  }
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 1)
  assert.ok(store.refused() > 0)
})

test('redis: a key somebody put something else in place of is begun anew', async (t) => {
  const { store, lines, command, keyOf } = await setUp(t)
  for (const name of ['records', 'log', 'meta', 'clock', 'overallRouteHashKey']) {
    await store.put(record('orders-1'), 5000)
    await command('DEL', keyOf(name))
    if (name === 'overallRouteHashKey') await command('SADD', keyOf(name), 'x')
    else await command('SET', keyOf(name), 'x')
    await assert.rejects(store.look(undefined), /WRONGTYPE/, name)
    assert.deepEqual(await idsOf(store), [], name)
    assert.deepEqual(await store.renew([record('orders-1')], 5000), ['orders-1'], name)
    await store.put(record('orders-1'), 5000)
    assert.deepEqual(await idsOf(store), ['orders-1'], name)
  }
  assert.equal(lines.filter(({ level }) => level === 'error').length, 5)
})

test('redis: a record that was taken away is told as gone, and what has no holder goes', async (t) => {
  const { store, command, keyOf } = await setUp(t)
  await store.put(record('orders-1'), 60_000)
  const { version } = (await store.look(undefined))!
  await command('HDEL', keyOf('records'), 'orders-1')
  const look = (await store.look(version))!
  assert.deepEqual(
    look.gone.map(({ id, how }) => [id, how]),
    [['orders-1', 'lapsed']],
  )
  assert.deepEqual(await store.renew([record('orders-1')], 5000), ['orders-1'])
  await store.put(record('orders-1'), 5000)
  await command('HSET', keyOf('records'), 'x', 'y')
  await command('ZADD', keyOf('leases'), '9e15', 'z')
  assert.deepEqual(await idsOf(store), ['orders-1'])
  assert.equal(await command('HLEN', keyOf('records')), 1)
  assert.equal(await command('ZCARD', keyOf('leases')), 1)
})

test('redis: after everything in Redis is gone, readers hear it, and who is renewed learns that it is lost', async (t) => {
  const { store, command, at } = await setUp(t)
  await store.put(record('orders-1'), 5000)
  await store.put(record('orders-2'), 5000)
  const { version } = (await store.look(undefined))!
  for (const key of (await command('KEYS', `${at.prefix}*`)) as string[]) await command('DEL', key)
  const look = (await store.look(version))!
  assert.equal(look.isWhole, true)
  assert.deepEqual(look.instances, [])
  assert.deepEqual(await store.renew([record('orders-1')], 5000), ['orders-1'])
  for (const id of ['orders-1', 'orders-2']) await store.put(record(id), 5000)
  const again = (await store.look(undefined))!.version
  assert.equal(again.revision, version.revision)
  assert.notEqual(again.hash, version.hash, 'the same number of changes is not the same history')
  assert.equal((await store.look(version))?.isWhole, true)
})

test('redis: an older copy that takes over is noticed, also when it has come as far by other changes', async (t) => {
  const { store, command, at } = await setUp(t)
  await store.put(record('orders-1'), 60_000)
  const keys = (await command('KEYS', `${at.prefix}*`)) as string[]
  for (const key of keys) await command('COPY', key, `copy:${key}`)
  await store.put(record('lost', { claim: 'lost in the failover' }), 60_000)
  const seen = (await store.look(undefined))!.version
  for (const key of keys) await command('COPY', `copy:${key}`, key, 'REPLACE')

  const older = (await store.look(seen))!
  assert.equal(older.isWhole, true)
  assert.deepEqual(
    older.instances.map(({ id }) => id),
    ['orders-1'],
  )
  // The same id under another claim, so that even the number of changes and their kind are the same.
  await store.put(record('lost', { claim: 'another' }), 60_000)
  const look = (await store.look(seen))!
  assert.equal(look.version.revision, seen.revision)
  assert.equal(look.isWhole, true)
  assert.deepEqual(look.instances.map(({ claim }) => claim).sort(), ['another', 'orders-1 at a'])
})

test('redis: what others write, or what was sealed with a foreign key, is left out, counted, and logged once', async (t) => {
  const { store, command, keyOf, lines, at } = await setUp(t)
  const { store: foreign } = await setUp(t, { privateKeys: ['another private key'], place: at })
  await store.put(record('ours'), 5000)
  await foreign.put(record('theirs'), 5000)
  await command('HSET', keyOf('records'), 'plain', JSON.stringify(record('plain')))
  await command('HSET', keyOf('records'), 'empty', '')
  // Ours, word for word, in the place of another.
  await command('HSET', keyOf('records'), 'copied', String(await command('HGET', keyOf('records'), 'ours')))
  for (const id of ['plain', 'empty', 'copied']) {
    await command('HSET', keyOf('holders'), id, '"claim"\norders')
    await command('ZADD', keyOf('leases'), '9e15', id)
  }
  await command(
    'HSET',
    keyOf('drains'),
    'ours',
    JSON.stringify({ id: 'ours', reason: 'forged', activeSince: 1 }),
  )
  const look = (await store.look(undefined))!
  assert.deepEqual(look.instances, [{ ...record('ours'), rank: 1 }])
  assert.equal(store.refused(), 5)
  await store.look(undefined)
  assert.equal(store.refused(), 10)
  assert.equal(lines.filter(({ msg }) => msg.includes('was left out')).length, 1)
})

test('redis: while two private keys are valid, records of both are believed', async (t) => {
  const { store: before, at } = await setUp(t, { privateKeys: ['old'] })
  await before.put(record('sealed with the old one'), 5000)
  const { store } = await setUp(t, { privateKeys: ['new', 'old'], place: at })
  await store.put(record('sealed with the new one'), 5000)
  assert.equal((await idsOf(store)).length, 2)
  assert.deepEqual(await idsOf(before), ['sealed with the old one'])
  await before.release(record('sealed with the old one'), 'closed')
})

test('redis: a remembered service that was forged is left out', async (t) => {
  const { store, command, keyOf } = await setUp(t)
  await store.put(record('orders-1'), 5000)
  await store.release(record('orders-1'), 'closed')
  const sealed = String(await command('HGET', keyOf('remembered'), 'orders'))
  await command('HSET', keyOf('remembered'), 'shop', sealed, 'cart', 'nonsense')
  assert.deepEqual(
    (await store.look(undefined))?.remembered.map(({ service }) => service),
    ['orders'],
  )
})

test('redis: all keys stand under our prefix and one hash tag, and older systems do not take them for theirs', async (t) => {
  const { store, command, keyOf, at } = await setUp(t)
  await store.put(record('orders-1'), 60_000)
  await store.put(record('orders-2'), 60_000)
  await store.drain('orders-1', { reason: 'by hand', activeSince: 1 })
  await store.put(record('cart-1', { service: 'cart' }), 60_000)
  await store.release(record('cart-1'), 'closed')
  const keys = (await command('KEYS', `${at.prefix}*`)) as string[]
  assert.equal(keys.length, 12)
  for (const key of keys) {
    assert.ok(key.startsWith(`${at.prefix}{reg}:`), key)
    assert.doesNotMatch(key, /:(?:service|routes|presence)$/)
  }
  const { version } = (await store.look(undefined))!
  assert.equal(await command('GET', keyOf('overallRouteHashKey')), version.hash)
})

test('redis: what is left behind by a service that is forgotten is nothing', async (t) => {
  const { store, command, keyOf, at } = await setUp(t)
  for (let i = 0; i < 10; i++) await store.put(record(`orders-${i}`), 60_000)
  await store.drain('orders-1', { reason: 'by hand', activeSince: 1 })
  await store.release(record('orders-2'), 'closed')
  await store.forget('orders')
  const keys = ((await command('KEYS', `${at.prefix}*`)) as string[]).sort()
  assert.deepEqual(keys, ['clock', 'log', 'meta', 'overallRouteHashKey'].map(keyOf).sort())
})

test('redis: the log of changes stays as long as it is', async (t) => {
  const { store, command, keyOf } = await setUp(t)
  await store.put(record('orders-1'), 60_000)
  for (let batch = 0; batch < 10; batch++)
    await Promise.all(
      Array.from({ length: 500 }, () => store.drain('orders-1', { reason: 'by hand', activeSince: 1 })),
    )
  assert.equal(await command('LLEN', keyOf('log')), 4096)
})

test('redis: when scripts were flushed from Redis, the next call brings them again', async (t) => {
  const { store, command } = await setUp(t)
  await store.put(record('orders-1'), 5000)
  await command('SCRIPT', 'FLUSH')
  await store.put(record('orders-2'), 5000)
  assert.equal((await idsOf(store)).length, 2)
})

test('redis: an ended watch and a closed store are hinted no more', async (t) => {
  const { store, at } = await setUp(t)
  const { store: other } = await setUp(t, { place: at })
  let hints = 0
  other.watch(() => hints++)
  await eventually(async () => {
    await store.put(record('orders-1'), 5000)
    assert.ok(hints > 0)
  })
  await other.close()
  const before = hints
  await store.put(record('orders-2'), 5000)
  assert.deepEqual(await idsOf(store), ['orders-1', 'orders-2'])
  assert.equal(hints, before)
})
