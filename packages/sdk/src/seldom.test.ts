import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeldom } from './seldom.ts'

test('the same trouble is said at once, then every ten seconds with how often it was not', () => {
  const said: string[] = []
  let at = 0
  const warn = createSeldom(
    (text) => said.push(text),
    () => at,
  )
  for (at of [0, 1, 9999, 10_000, 20_000]) warn('full', `full at ${at}`)
  warn('unknown', 'another kind')
  assert.deepEqual(said, [
    'full at 0',
    'full at 10000 (and 2 more of the kind)',
    'full at 20000',
    'another kind',
  ])
})
