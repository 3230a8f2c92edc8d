import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../../../../test/support/eventually.ts'
import { mailboxContract } from '../mailboxes/contract.ts'
import { createRedisBus } from './bus.ts'
import { createRedisMailboxes } from './mailboxes.ts'
import { openTestLine, quiet, sharedRedis } from './testing/line.ts'

const LIMITS = { most: 100, mostBytes: 10_000, keepMs: 60_000 }
const redis = sharedRedis()

mailboxContract('redis', async (t) => {
  const { url, prefix } = await redis.place()
  const open = async () =>
    createRedisMailboxes({ line: await openTestLine(t, { url, prefix }), privateKeys: ['key'], log: quiet })
  const bus = createRedisBus({ line: await openTestLine(t, { url, prefix }) })
  t.after(() => bus.close())
  return { mailboxes: await open(), bus, again: open, pass: (ms) => delay(ms) }
})

test('redis: nobody reads mail there, and what others put there or move is not told', async (t) => {
  const { url, prefix, command } = await redis.place()
  const lines: string[] = []
  const log = { warn: (_: object, text: string) => lines.push(text) } as never
  const line = await openTestLine(t, { url, prefix })
  const mailboxes = createRedisMailboxes({ line, privateKeys: ['key'], log })
  await mailboxes.append('ada', 'a secret', LIMITS)
  await mailboxes.append('bob', 'for bob', LIMITS)
  const lists = (await command('KEYS', `${prefix}*:mail`)) as string[]
  const letters = new Map<string, string>()
  for (const key of lists) letters.set(key, String(await command('LINDEX', key, '0')))
  assert.ok([...letters.values()].every((letter) => !letter.includes('secret')))
  // bob's in place of ada's, and the other way round
  const [first, second] = [...letters.keys()] as [string, string]
  await command('LSET', first, '0', letters.get(second)!)
  await command('LSET', second, '0', `${Date.now()} 5 mark-x made up`)
  for (const box of ['ada', 'bob']) {
    const { mail, isComplete, newest } = await mailboxes.read(box, undefined, 9)
    assert.deepEqual([mail, isComplete, newest], [[], false, 1])
  }
  assert.equal(lines.length, 1)
  // nor is what has no form at all in the way of the rest
  for (const key of lists) await command('LSET', key, '0', 'nonsense')
  const third = await mailboxes.append('ada', 'goes on', LIMITS)
  assert.equal(third.offset, 2)
})

test('redis: a mailbox that fell back to an older copy of itself is known by who read the newer', async (t) => {
  const { url, prefix, command } = await redis.place()
  const mailboxes = createRedisMailboxes({
    line: await openTestLine(t, { url, prefix }),
    privateKeys: ['key'],
    log: quiet,
  })
  const places = []
  for (let i = 1; i <= 3; i++) places.push(await mailboxes.append('ada', `m${i}`, LIMITS))
  // a failover to a replica that had heard of the first message only
  const [mail] = (await command('KEYS', `${prefix}*:mail`)) as [string]
  const [box] = (await command('KEYS', `${prefix}*:box`)) as [string]
  await command('LTRIM', mail, '0', '0')
  await command('HSET', box, 'newest', '1')
  for (let i = 2; i <= 5; i++) await mailboxes.append('ada', `other ${i}`, LIMITS)
  const complete = await Promise.all(
    places.map(async (place) => (await mailboxes.read('ada', place, 9)).isComplete),
  )
  assert.deepEqual(complete, [true, false, false])
  await mailboxes.acknowledge('ada', places[2]!)
  const { mail: left } = await mailboxes.read('ada', places[0], 9)
  assert.deepEqual(
    left.map(({ text }) => text),
    ['other 2', 'other 3', 'other 4', 'other 5'],
  )
})

test('redis: mailboxes leave nothing behind', async (t) => {
  const { url, prefix, command } = await redis.place()
  const mailboxes = createRedisMailboxes({
    line: await openTestLine(t, { url, prefix }),
    privateKeys: ['key'],
    log: quiet,
  })
  await mailboxes.append('ada', 'x', { ...LIMITS, keepMs: 100 })
  await mailboxes.open('bob', 100, { about: 'a secret', reader: 'node id' })
  await mailboxes.append('eve', 'x', LIMITS)
  await mailboxes.remove('eve')
  await eventually(async () => assert.deepEqual(await command('KEYS', `${prefix}*`), []))
})
