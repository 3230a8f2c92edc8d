import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createManualClock } from '../../observe/manual-clock.ts'
import { createReplayGuard, type ReplaySettings } from './replays.ts'

/** A node that listens, and the clock of Redis. */
function setUp(settings: ReplaySettings = {}) {
  const clock = createManualClock()
  const redis = { aheadMs: 1_700_000_000_000 }
  const now = (): number => clock.monotonic() + redis.aheadMs
  const start = () => createReplayGuard({ ...settings, now, clock })
  const guard = start()
  const say = (epoch: string, count: number, sentAt = now()) => guard.judge({ epoch, count, sentAt })
  return { clock, redis, now, start, guard, say }
}

test('each message of a sender is taken once, in whatever order, and missing ones are missed by nobody', () => {
  const counts = fc.array(fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 4000 })), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(counts, (all) => {
      const { say } = setUp()
      const taken = new Set<number>()
      let highest = 0
      for (const count of all) {
        const wanted = taken.has(count) || count <= highest - 1024 ? 'repeated' : 'new'
        assert.equal(say('a', count), wanted)
        taken.add(count)
        highest = Math.max(highest, count)
      }
    }),
  )
})

test('senders count for themselves, and one that starts again begins anew', () => {
  const { say } = setUp()
  assert.deepEqual([say('a', 1), say('b', 1), say('a', 2), say('a again', 1)], ['new', 'new', 'new', 'new'])
  assert.deepEqual([say('a', 1), say('b', 1), say('a again', 1)], ['repeated', 'repeated', 'repeated'])
})

test('a recording of a sender nobody knows is taken for what it is once it is old', () => {
  const { clock, now, say } = setUp()
  clock.advance(60_000)
  const before = now()
  clock.advance(30_000)
  assert.equal(say('a', 7, before), 'new', 'messages may take their time')
  clock.advance(1)
  assert.equal(say('b', 7, before), 'late')
  assert.equal(say('a', 8), 'new')
  assert.equal(say('a', 6, before), 'late', 'nor what came long before the last of one we know')
})

test('what was said before a node began to listen is nothing it hears', () => {
  const { clock, now, start } = setUp()
  clock.advance(60_000)
  const before = now()
  clock.advance(2001)
  const restarted = start()
  assert.equal(restarted.judge({ epoch: 'a', count: 1, sentAt: before }), 'late')
  assert.equal(restarted.judge({ epoch: 'a', count: 2, sentAt: now() }), 'new')
})

test('the clock of Redis may jump, and another server may have another: what goes on as it went is heard', () => {
  const { clock, redis, now, say } = setUp()
  clock.advance(60_000)
  assert.equal(say('a', 1), 'new')
  const recorded = now()
  for (const jumpMs of [3_600_000, -7_200_000]) {
    // We know of it already, the sender does not yet.
    const old = now()
    redis.aheadMs += jumpMs
    clock.advance(1000)
    assert.equal(say(`b${jumpMs}`, 1, old), 'late', 'who is new has to know the time')
    assert.equal(say('a', 2 + Math.abs(jumpMs), old + 1000), 'new')
    assert.equal(say('a', 3 + Math.abs(jumpMs)), 'new', 'then both do')
  }
  redis.aheadMs += 3_600_000
  clock.advance(60_000)
  assert.equal(say('a', 99_999_999), 'new')
  assert.equal(say('a', 99_999_998, recorded), 'late')
})

test('while the time is not known, only those are heard who were before', () => {
  const clock = createManualClock()
  let time: number | undefined = 5
  const guard = createReplayGuard({ now: () => time, clock })
  assert.equal(guard.judge({ epoch: 'a', count: 1, sentAt: 5 }), 'new')
  time = undefined
  assert.equal(guard.judge({ epoch: 'a', count: 2, sentAt: 5 }), 'new')
  assert.equal(guard.judge({ epoch: 'b', count: 1, sentAt: 5 }), 'late')
})

test('senders are forgotten, those heard of longest ago first, and none so early that it could be replayed', () => {
  const { clock, now, say } = setUp({ mostSenders: 2 })
  clock.advance(60_000)
  const first = now()
  assert.deepEqual([say('a', 1), say('b', 1), say('c', 1)], ['new', 'new', 'late'])
  clock.advance(60_001)
  say('a', 2)
  assert.equal(say('c', 2), 'new', 'in the place of b')
  assert.equal(say('b', 1, first), 'late')
  assert.equal(say('a', 2), 'repeated')
})
