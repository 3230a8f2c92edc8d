import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Handed, judge, type Pushed } from './model.ts'

const taken = (...numbers: number[]): Pushed => new Map(numbers.map((number) => [number, 'taken']))
const of = (pushed: Pushed, handed: Handed[]) => judge('c', new Map([['s', pushed]]), handed)
const got = (...numbers: number[]): Handed[] => numbers.map((number) => ['s', number])

test('what was taken and handed over in its order is right', () => {
  assert.deepEqual(of(taken(1, 2, 3), got(1, 2, 3)).faults, [])
})

test('a gap, a message twice and another order are found', () => {
  assert.match(of(taken(1, 2, 3), got(1, 3)).faults[0]!, /misses 2 of s/)
  assert.match(of(taken(1, 2, 3), got(1, 2)).faults[0]!, /misses 3 of s/)
  assert.match(of(taken(1, 2), got(1, 1, 2)).faults[0]!, /twice/)
  assert.equal(of(taken(1, 2, 3), got(1, 3, 2)).reordered, 1)
  assert.match(of(taken(1), got(1, 2)).faults[0]!, /nobody sent it/)
})

test('a gap is forgiven where the client was told, and nowhere else', () => {
  assert.deepEqual(of(taken(1, 2, 3), [...got(1), 'flag', ...got(3)]).faults, [])
  assert.equal(of(taken(1, 2, 3), [...got(1), 'flag', ...got(3)]).told, 1)
  assert.equal(of(taken(1, 2, 3), ['flag', ...got(1, 3)]).missing, 1)
  assert.equal(of(taken(1, 2, 3), [...got(1, 3), 'flag']).missing, 1)
  assert.deepEqual(of(taken(1, 2, 3), [...got(1, 2), 'flag']).faults, [])
})

test('what nobody knew of may be missing, there, or late, and not twice', () => {
  const pushed: Pushed = new Map([
    [1, 'taken'],
    [2, 'unknown'],
    [3, 'taken'],
  ])
  assert.deepEqual(of(pushed, got(1, 3)).faults, [])
  assert.deepEqual(of(pushed, got(1, 2, 3)).faults, [])
  const late = of(pushed, got(1, 3, 2))
  assert.deepEqual([late.faults, late.late], [[], 1])
  assert.equal(of(pushed, got(1, 2, 3, 2)).twice, 1)
})
