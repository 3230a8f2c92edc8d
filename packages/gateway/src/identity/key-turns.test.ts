import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createKeyTurns } from './key-turns.ts'

test('callers of an instance wait from before its answer until it has read it, and learn which key it holds', async () => {
  const clock = createManualClock()
  const turns = createKeyTurns(clock)
  assert.equal(turns.of('a'), undefined)
  const begun = turns.begin(['a', 'b'])
  const over = turns.of('a')
  assert.ok(over && turns.of('b'))
  assert.equal(turns.of('c'), undefined)
  clock.advance(100)
  const end = await begun
  end('two')
  clock.advance(249)
  assert.equal(turns.of('a'), over)
  clock.advance(1)
  assert.equal(await over, 'two')
  assert.equal(turns.of('a'), undefined)
  assert.equal(turns.of('b'), undefined)
})

test('a registration that came to nothing lets them go on at once, with the key they had', async () => {
  const clock = createManualClock()
  const turns = createKeyTurns(clock)
  const begun = turns.begin(['a'])
  const over = turns.of('a')
  clock.advance(100)
  const end = await begun
  end()
  assert.equal(turns.of('a'), undefined)
  assert.equal(await over, undefined)
})

test('one that registers twice at a time has one turn', async () => {
  const clock = createManualClock()
  const turns = createKeyTurns(clock)
  const both = [turns.begin(['a']), turns.begin(['a'])]
  const over = turns.of('a')
  clock.advance(100)
  const [first, second] = await Promise.all(both)
  second!('two')
  clock.advance(250)
  assert.equal(turns.of('a'), over)
  first!('two')
  clock.advance(250)
  assert.equal(turns.of('a'), undefined)
})
