import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Clock } from '../observe/clock.ts'
import { createDeadlines, type Waiting } from './deadlines.ts'

/** A clock that stands until it is moved. */
function handClock() {
  let at = 1000
  let run = () => {}
  const clock: Clock = {
    now: () => at,
    monotonic: () => at,
    every: (_ms, tick) => {
      run = tick
      return () => {}
    },
    after: () => () => {},
  }
  return {
    clock,
    tick(ms: number) {
      at += ms
      run()
    },
  }
}

function waitingFor(deadline: number, expire: (own: Waiting) => void): Waiting {
  const own: Waiting = { deadline, expire: () => expire(own), before: undefined, behind: undefined }
  return own
}

test('nobody is given up early, nor more than two ticks late, whoever else comes and goes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ ms: fc.integer({ min: 1, max: 500 }), leaves: fc.array(fc.nat(20)) }), {
        maxLength: 20,
      }),
      (entries) => {
        const { clock, tick } = handClock()
        const deadlines = createDeadlines(clock, 50)
        const expired = new Map<number, number>()
        const left = new Set<number>()
        const all = entries.map(({ ms, leaves }, index) =>
          waitingFor(deadlines.after(ms), (own) => {
            assert.ok(!left.has(index))
            expired.set(index, clock.monotonic() - 1000)
            deadlines.delete(own)
            // What one expiry does may end others, itself included.
            for (const other of leaves) {
              const waiting = all[other]
              if (!waiting || expired.has(other)) continue
              left.add(other)
              deadlines.delete(waiting)
            }
          }),
        )
        for (const waiting of all) deadlines.add(waiting)
        for (let i = 0; i < 20; i++) tick(50)
        for (const [index, at] of expired) {
          assert.ok(at >= entries[index]!.ms, 'early')
          assert.ok(at <= entries[index]!.ms + 100, 'late')
        }
        assert.equal(expired.size + left.size, entries.length)
      },
    ),
  )
})

test('after this process stood still nobody is blamed for it', () => {
  const { clock, tick } = handClock()
  const deadlines = createDeadlines(clock, 50)
  let expired = 0
  const waiting = waitingFor(deadlines.after(100), (own) => {
    expired++
    deadlines.delete(own)
  })
  deadlines.add(waiting)
  tick(10_000)
  assert.equal(expired, 0)
  tick(50)
  tick(50)
  tick(50)
  assert.equal(expired, 1)
  deadlines.delete(waiting)
})
