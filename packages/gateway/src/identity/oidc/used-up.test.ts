import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../../observe/manual-clock.ts'
import { createUsedUp } from './used-up.ts'

test('something is used once for as long as it holds', () => {
  const clock = createManualClock()
  const used = createUsedUp({ keepMs: 1000, clock })
  assert.equal(used.use('a'), true)
  assert.equal(used.use('a'), false)
  clock.advance(999)
  assert.equal(used.use('a'), false)
  clock.advance(2)
  assert.equal(used.use('a'), true)
})

test('no more is remembered than there is room for: the oldest give way', () => {
  const used = createUsedUp({ keepMs: 1000, max: 3, clock: createManualClock() })
  for (const text of ['a', 'b', 'c', 'd']) assert.equal(used.use(text), true)
  assert.equal(used.use('d'), false)
  assert.equal(used.use('c'), false)
})
