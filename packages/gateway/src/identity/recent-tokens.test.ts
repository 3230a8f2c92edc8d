import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRecentTokens } from './recent-tokens.ts'

const token = (i: number) => `token-${String(i).padStart(4, '0')}`

test('a token is kept with what became of it', () => {
  const recent = createRecentTokens<number>(1000)
  recent.add(token(1), 1)
  assert.equal(recent.get(token(1)), 1)
  assert.equal(recent.get(token(2)), undefined)
  recent.add(token(1), 2)
  assert.equal(recent.get(token(1)), 2)
  recent.clear()
  assert.equal(recent.get(token(1)), undefined)
})

test('however many come, two generations are the most; those that are asked for stay', () => {
  const recent = createRecentTokens<number>(10 * token(0).length)
  for (let i = 0; i < 1000; i += 1) {
    recent.add(token(i), i)
    assert.equal(recent.get(token(0)), 0)
  }
  const kept = Array.from({ length: 1000 }, (_, i) => i).filter((i) => recent.get(token(i)) !== undefined)
  assert.ok(kept.length >= 10 && kept.length <= 20, `${kept.length}`)
})

test('long ones take more room', () => {
  const recent = createRecentTokens<number>(1000)
  const long = (i: number) => `${i}`.padEnd(400, 'x')
  for (let i = 0; i < 10; i += 1) recent.add(long(i), i)
  const kept = Array.from({ length: 10 }, (_, i) => i).filter((i) => recent.get(long(i)) !== undefined)
  assert.ok(kept.length <= 4, `${kept.length}`)
})
