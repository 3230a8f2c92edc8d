import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLru } from './lru.ts'

test('what was not asked for longest goes first, and never more is kept than allowed', () => {
  const kept = createLru<string>(10, (text) => text.length)
  kept.set('a', 'aaaa')
  kept.set('b', 'bbbb')
  assert.equal(kept.get('a'), 'aaaa')
  kept.set('c', 'cccc')
  assert.equal(kept.get('b'), undefined)
  assert.deepEqual([kept.get('a'), kept.get('c'), kept.size], ['aaaa', 'cccc', 2])
})

test('a value in place of another counts once', () => {
  const kept = createLru<string>(10, (text) => text.length)
  for (let i = 0; i < 100; i++) kept.set('a', 'x'.repeat(1 + (i % 9)))
  kept.set('b', 'b')
  assert.equal(kept.size, 2)
})

test('what is larger than everything allowed is not kept, and drives nothing out', () => {
  const kept = createLru<string>(10, (text) => text.length)
  kept.set('a', 'a')
  kept.set('b', 'x'.repeat(11))
  assert.deepEqual([kept.get('a'), kept.get('b')], ['a', undefined])
})
