import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { systemClock } from '../../observe/clock.ts'
import { createManualClock } from '../../observe/manual-clock.ts'
import { ALWAYS_REACHABLE } from '../reach.ts'
import { StoreAway } from './port.ts'
import { createSharedTime } from './shared-time.ts'
import { openTestLine, quiet, sharedRedis } from './testing/line.ts'

const redis = sharedRedis()

test('nodes whose clocks are hours apart agree on the time of their Redis', async (t) => {
  const place = await redis.place()
  const line = await openTestLine(t, place)
  const open = async (wrongBy: number) => {
    const clock = {
      ...systemClock,
      now: () => Date.now() + wrongBy,
      monotonic: () => performance.now() + wrongBy,
    }
    const time = createSharedTime({ line, clock, log: quiet })
    t.after(() => time.close())
    assert.equal(time.now(), undefined)
    await time.ready()
    return time
  }
  const [a, b] = [await open(7_200_000), await open(-86_400_000)]
  assert.ok(Math.abs(a.now()! - b.now()!) < 1000)
  assert.ok(Math.abs(a.now()! - Date.now()) < 1000)
})

test('the time is asked for again and again, and waited for while Redis is away', async (t) => {
  const clock = createManualClock()
  let answer: () => Promise<unknown> = () => Promise.reject(new StoreAway('away'))
  const line = { prefix: '', reach: ALWAYS_REACHABLE, send: () => answer() }
  const time = createSharedTime({ line, everyMs: 1000, clock, log: quiet })
  t.after(() => time.close())
  await assert.rejects(time.ready(), StoreAway)
  assert.equal(time.now(), undefined)
  answer = async () => ['1000', '500000']
  await time.ready()
  assert.equal(time.now(), 1_000_500)
  // Another server has another clock.
  answer = async () => ['5000', '0']
  clock.advance(1000)
  await eventually(() => assert.equal(time.now(), 5_000_000))
})

test('where Redis does not say, the clocks of the machines have to do, and the log says so once', async (t) => {
  const clock = createManualClock()
  const warnings: unknown[] = []
  const line = {
    prefix: '',
    reach: ALWAYS_REACHABLE,
    send: () => Promise.reject(new Error('NOPERM this user has no permissions to run the ’time’ command')),
  }
  const log = { warn: (...words: unknown[]) => void warnings.push(words) }
  const time = createSharedTime({ line, clock, log })
  t.after(() => time.close())
  await time.ready()
  assert.equal(time.now(), clock.now())
  clock.advance(10_000)
  await eventually(() => assert.equal(time.now(), clock.now()))
  assert.equal(warnings.length, 1)
})
