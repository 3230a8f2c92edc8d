/**
 * How fast a visitor sends a body: only the time in which we were ready for it counts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyRate, RATE_MS } from './body-rate.ts'

test('a body that comes too slowly while it is read is slow, and one that comes in time is not', () => {
  const rate = new BodyRate()
  rate.begin(0)
  rate.release(0)
  rate.add(100 * (RATE_MS / 1000) - 1)
  assert.ok(rate.isSlow(RATE_MS, 100))
  rate.add(100 * (RATE_MS / 1000))
  assert.ok(!rate.isSlow(2 * RATE_MS, 100))
  assert.ok(rate.isSlow(3 * RATE_MS, 100), 'what came before is not counted again')
})

test('the time in which it was held back is the fault of nobody', () => {
  const rate = new BodyRate()
  rate.begin(0)
  assert.ok(!rate.isSlow(RATE_MS, 100), 'nobody has read it')
  rate.release(RATE_MS + 2000)
  rate.hold(RATE_MS + 2000)
  rate.release(RATE_MS + 2500)
  assert.ok(!rate.isSlow(2 * RATE_MS, 100), 'ready for half of the time, which says little')
  rate.hold(2 * RATE_MS + 4000)
  rate.add(399)
  assert.ok(rate.isSlow(3 * RATE_MS, 100), 'ready for four seconds')
})

test('no limit is a rate of 0', () => {
  const rate = new BodyRate()
  rate.begin(0)
  rate.release(0)
  assert.ok(!rate.isSlow(RATE_MS, 0))
})
