import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemorySessions } from './sessions.ts'

test('two pages of one visitor at a time keep what each of them changed', () => {
  const memory = createMemorySessions({ most: 10, keptMs: 1000, now: () => 0 })
  memory.merge('ann', { cart: 1, stock: 1 })
  memory.merge('ann', { cart: 2 })
  memory.merge('ann', { tax: 3, stock: null })
  assert.deepEqual(memory.get('ann'), { cart: 2, tax: 3 })
  assert.deepEqual(memory.get('bob'), {})
})

test('memory is bounded: who came least recently is forgotten first, and everybody after a while', () => {
  let now = 0
  const memory = createMemorySessions({ most: 2, keptMs: 1000, now: () => now })
  memory.merge('ann', { cart: 1 })
  memory.merge('bob', { cart: 2 })
  assert.deepEqual(memory.get('ann'), { cart: 1 })
  memory.merge('cas', { cart: 3 })
  assert.equal(memory.size, 2)
  assert.deepEqual(memory.get('bob'), {})
  now = 999
  assert.deepEqual(memory.get('ann'), { cart: 1 })
  now = 1500
  memory.merge('dan', { cart: 4 })
  assert.deepEqual(memory.get('cas'), {})
  assert.deepEqual(memory.get('ann'), { cart: 1 })
})
