import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setNewest } from './newest.ts'

test('what was set longest ago is forgotten, and what is set again is the newest', () => {
  const map = new Map<string, number>()
  for (const [at, key] of ['a', 'b', 'c', 'a', 'd'].entries()) setNewest(map, key, at, 3)
  assert.deepEqual(
    [...map],
    [
      ['c', 2],
      ['a', 3],
      ['d', 4],
    ],
  )
})
