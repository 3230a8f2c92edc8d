import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from './manual-clock.ts'
import { createSeldom } from './seldom.ts'

test('what happens again and again is said once a minute, of each thing', () => {
  const clock = createManualClock()
  const isDue = createSeldom({ clock })
  assert.deepEqual([isDue(), isDue(), isDue('a'), isDue('a'), isDue('b')], [true, false, true, false, true])
  clock.advance(59_999)
  assert.deepEqual([isDue(), isDue('a')], [false, false])
  clock.advance(1)
  assert.deepEqual([isDue(), isDue('a'), isDue('a')], [true, true, false])
})

test('whoever thinks up things to be said fills no memory: what was said longest ago is forgotten', () => {
  const isDue = createSeldom({ clock: createManualClock() })
  for (let i = 0; i < 1001; i++) assert.equal(isDue(`${i}`), true)
  assert.deepEqual([isDue('1000'), isDue('1'), isDue('0')], [false, false, true])
})
