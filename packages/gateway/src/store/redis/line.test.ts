import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../../../../test/support/eventually.ts'
import { freePort } from '../../../../../test/support/free-port.ts'
import { makeCertificate, type RedisOptions, startRedis } from '../../../../../test/support/redis.ts'
import { systemClock } from '../../observe/clock.ts'
import { createLog } from '../../observe/log.ts'
import { createRedisLine, type OpenRedisLine } from './line.ts'
import { StoreAway } from './port.ts'
import type { RedisSettings } from './settings.ts'

type Test = { after(run: () => unknown): void }

const PREFIX = 'hydra-gateway:'
const KEY = 'hydra-gateway:{reg}:a'
/** For tests of silence; the others leave a busy machine its time. */
const COMMAND_MS = 500
/** Half a second by itself; the rest is for a busy machine. */
const BACK_MS = 2000
/** A busy machine may hold up this process for so long. */
const AT_ONCE_MS = 300

async function open(t: Test, url: string, more: Partial<RedisSettings> = {}) {
  const lines: { readonly level: string; readonly msg: string; readonly reason?: string }[] = []
  const log = createLog('info', { write: (text: string) => void lines.push(JSON.parse(text)) })
  const line = await createRedisLine({
    settings: { url, prefix: PREFIX, connectTimeoutMs: 5000, commandTimeoutMs: 5000, ...more },
    clock: systemClock,
    log,
  })
  t.after(() => line.close())
  const changes: boolean[] = []
  line.reach.onChange((isReachable) => changes.push(isReachable))
  return { line, lines, changes }
}

async function setUp(t: Test, more: Partial<RedisSettings> = {}, options: RedisOptions = {}) {
  const redis = await startRedis(t, options)
  return { redis, ...(await open(t, redis.url, more)) }
}

/** How long until commands are answered again, ms. */
async function untilAnswered(line: OpenRedisLine, withinMs = 5000): Promise<number> {
  const begunAt = performance.now()
  await eventually(() => line.send(KEY, ['SET', KEY, '1']), withinMs, 5)
  return performance.now() - begunAt
}

async function failsWithin(ms: number, ask: () => Promise<unknown>): Promise<void> {
  const begunAt = performance.now()
  await assert.rejects(ask, StoreAway)
  const tookMs = performance.now() - begunAt
  assert.ok(tookMs < ms, `it took ${tookMs} ms`)
}

test('commands, scripts and messages go over one line', async (t) => {
  const { line } = await setUp(t)
  assert.equal(line.reach.isReachable, true)
  assert.equal(await line.send(KEY, ['SET', KEY, 'ä\0€']), 'OK')
  assert.equal(await line.send(KEY, ['GET', KEY]), 'ä\0€')
  assert.equal(await line.send(KEY, ['GET', `${KEY}:none`]), null)
  const hash = `${KEY}:hash`
  assert.equal(await line.send(KEY, ['HSET', hash, 'a', '1', 'b', '2']), 2)
  assert.deepEqual(await line.send(KEY, ['HGETALL', hash]), ['a', '1', 'b', '2'])
  const script = { name: 'two', source: "return {KEYS[1], ARGV[1], 7, false, {'x'}}" }
  for (let i = 0; i < 3; i++)
    assert.deepEqual(await line.run(script, [KEY], ['é']), [KEY, 'é', 7, null, ['x']])
})

test('what Redis says is wrong with a command is no absence of Redis', async (t) => {
  const { line, changes } = await setUp(t)
  const isReply = (error: Error): boolean => !(error instanceof StoreAway) && error.message.length > 0
  await line.send(KEY, ['SET', KEY, '1'])
  await assert.rejects(line.send(KEY, ['LPUSH', KEY, '1']), isReply)
  await assert.rejects(line.run({ name: 'wrong', source: "return redis.call('NONE')" }, [KEY], []), isReply)
  await assert.rejects(line.run({ name: 'broken', source: 'return (' }, [KEY], []), isReply)
  assert.deepEqual(changes, [])
})

test('a Redis that stands still is noticed though nobody asks, and found again at once', async (t) => {
  const { redis, line, lines, changes } = await setUp(t, { commandTimeoutMs: COMMAND_MS })
  redis.pause()
  const pausedAt = performance.now()
  await eventually(() => assert.equal(line.reach.isReachable, false), 4000)
  const noticedMs = performance.now() - pausedAt
  assert.ok(noticedMs < COMMAND_MS + 2100, `noticed after ${noticedMs} ms`)
  for (let i = 0; i < 100; i++) await failsWithin(AT_ONCE_MS, () => line.send(KEY, ['GET', KEY]))
  await delay(300)
  assert.equal(line.inFlight(), 0)
  redis.resume()
  const backMs = await untilAnswered(line)
  assert.ok(backMs < BACK_MS, `back after ${backMs} ms`)
  assert.deepEqual(changes, [false, true])
  assert.equal(lines.filter(({ msg }) => msg.includes('is away')).length, 1)
  assert.equal(lines.filter(({ msg }) => msg.includes('can be reached')).length, 2)
})

test('commands of a Redis that stands still end in time, and more than allowed are refused at once', async (t) => {
  const { redis, line } = await setUp(t, { maxInFlight: 50, commandTimeoutMs: COMMAND_MS })
  redis.pause()
  t.after(() => redis.resume())
  const begunAt = performance.now()
  const results = await Promise.all(
    Array.from({ length: 500 }, async () => {
      const error = await line.send(KEY, ['GET', KEY]).catch((why: unknown) => why)
      assert.ok(error instanceof StoreAway)
      return { message: error.message, tookMs: performance.now() - begunAt }
    }),
  )
  const refused = results.filter(({ message }) => message.includes('too much'))
  assert.equal(refused.length, 450)
  assert.ok(refused.every(({ tookMs }) => tookMs < 200))
  assert.ok(results.every(({ tookMs }) => tookMs < COMMAND_MS + 500))
  assert.equal(line.inFlight(), 0)
})

test('a Redis that is killed is noticed in the same moment, and found again when it is back', async (t) => {
  const { redis, line, changes } = await setUp(t)
  const heard: string[] = []
  line.subscribe(`${PREFIX}{reg}:talk`, (text) => heard.push(text))
  const under = line.send(KEY, ['BLPOP', `${KEY}:list`, '0'])
  under.catch(() => {})
  await redis.kill()
  await assert.rejects(under, StoreAway)
  await eventually(() => assert.equal(line.reach.isReachable, false), 200)
  await failsWithin(AT_ONCE_MS, () => line.send(KEY, ['GET', KEY]))
  await failsWithin(AT_ONCE_MS, () => line.publish(`${PREFIX}{reg}:talk`, 'a'))
  await redis.restart()
  const backMs = await untilAnswered(line)
  assert.ok(backMs < BACK_MS, `back after ${backMs} ms`)
  await eventually(async () => {
    await line.publish(`${PREFIX}{reg}:talk`, 'b')
    assert.ok(heard.includes('b'), 'and who listened hears again')
  })
  assert.deepEqual(changes, [false, true])
})

test('a line that is opened while Redis is away begins without it, and finds it', async (t) => {
  const port = await freePort()
  const { line, lines } = await open(t, `redis://:secret@127.0.0.1:${port}`, { connectTimeoutMs: 300 })
  assert.equal(line.reach.isReachable, false)
  assert.equal(lines.length, 1)
  assert.match(lines[0]!.msg, /begins without it/)
  const heard: string[] = []
  line.subscribe(`${PREFIX}{reg}:talk`, (text) => heard.push(text))
  await failsWithin(AT_ONCE_MS, () => line.send(KEY, ['GET', KEY]))
  await startRedis(t, { port, password: 'secret' })
  await untilAnswered(line)
  await eventually(async () => {
    await line.publish(`${PREFIX}{reg}:talk`, 'a')
    assert.ok(heard.length > 0)
  })
  assert.ok(!JSON.stringify(lines).includes('secret'))
})

test('who is refused by Redis reads why', async (t) => {
  const redis = await startRedis(t, { password: 'right' })
  const { line, lines } = await open(t, redis.url.replace('right', 'wrong'), { connectTimeoutMs: 1000 })
  assert.equal(line.reach.isReachable, false)
  assert.match(lines[0]!.reason!, /WRONGPASS/)
  assert.ok(!JSON.stringify(lines).includes('wrong@'))
})

test('a server that becomes a replica is not written to, and counts as away until it is primary', async (t) => {
  const { redis, line, changes } = await setUp(t)
  await redis.command('REPLICAOF', '127.0.0.1', '1')
  await failsWithin(BACK_MS, () => line.send(KEY, ['SET', KEY, '1']))
  await eventually(() => assert.equal(line.reach.isReachable, false))
  await delay(300)
  assert.deepEqual(changes, [false])
  await redis.command('REPLICAOF', 'NO', 'ONE')
  const backMs = await untilAnswered(line)
  assert.ok(backMs < BACK_MS, `back after ${backMs} ms`)
})

test('a script on a server that becomes a replica means away as well', async (t) => {
  const { redis, line } = await setUp(t)
  const script = { name: 'set', source: "return redis.call('SET', KEYS[1], 'x')" }
  await line.run(script, [KEY], [])
  await redis.command('REPLICAOF', '127.0.0.1', '1')
  await assert.rejects(line.run(script, [KEY], []), StoreAway)
})

test('a Redis that is full takes nothing and says so, and is reached all the while', async (t) => {
  const { redis, line, changes } = await setUp(t)
  await redis.command('CONFIG', 'SET', 'maxmemory', '1')
  await assert.rejects(line.send(KEY, ['SET', KEY, '1']), StoreAway)
  assert.deepEqual(changes, [])
})

test('connections that an operator ends are made anew', async (t) => {
  const { redis, line } = await setUp(t)
  for (let i = 0; i < 3; i++) {
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
    const backMs = await untilAnswered(line)
    assert.ok(backMs < BACK_MS, `back after ${backMs} ms`)
  }
})

test('over TLS, a user with only the rights the gateway needs can do what it does', async (t) => {
  const tls = makeCertificate(t)
  const user = { name: 'gateway', password: 'p@ss/w:rd' }
  const redis = await startRedis(t, { tls, user })
  const { line } = await open(t, redis.url, { ca: tls.ca })
  assert.equal(line.reach.isReachable, true)
  await line.send(KEY, ['SET', KEY, '1'])
  await assert.rejects(line.send('other', ['SET', 'other', '1']), /NOPERM/)
  const { line: unsure } = await open(t, redis.url, { connectTimeoutMs: 1000 })
  assert.equal(unsure.reach.isReachable, false, 'and a certificate nobody vouches for is not believed')
})

test('a closed line asks nothing any more, and rejects what is under way', async (t) => {
  const { redis, line } = await setUp(t)
  const under = assert.rejects(line.send(KEY, ['BLPOP', `${KEY}:list`, '0']), StoreAway)
  await line.close()
  await line.close()
  await under
  await failsWithin(AT_ONCE_MS, () => line.send(KEY, ['GET', KEY]))
  await eventually(async () => {
    const clients = String(await redis.command('CLIENT', 'LIST'))
      .trim()
      .split('\n')
    assert.equal(clients.length, 1)
  })
})
