import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pauseAfter } from './retry.ts'

test('a service tries about once a second, and after long drifts over two', () => {
  assert.deepEqual(
    [0, 0.5, 1].map((value) => Math.round(pauseAfter(1, () => value))),
    [700, 1000, 1300],
  )
  assert.deepEqual(
    [0, 0.5, 1].map((value) => pauseAfter(10, () => value)),
    [0, 1000, 2000],
  )
})
