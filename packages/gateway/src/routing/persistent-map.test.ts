import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entries, get, getPart, type PersistentMap, remove, set } from './persistent-map.ts'

/** Two keys of each pair have one hash; found by search. */
const COLLIDING = collisions(4)
const key = fc.oneof(
  fc.constantFrom(...COLLIDING),
  fc.string({ maxLength: 3 }),
  fc.constantFrom('__proto__', 'constructor', ''),
)
const step = fc.record({ key, value: fc.nat(), isRemoval: fc.boolean(), isNewEdit: fc.boolean() })

test('the map holds what a Map would hold, and older maps keep what they held', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let map: PersistentMap<number>
      let owner = {}
      const model = new Map<string, number>()
      const older: [PersistentMap<number>, Map<string, number>][] = []
      for (const { key, value, isRemoval, isNewEdit } of steps) {
        if (isNewEdit) {
          older.push([map, new Map(model)])
          owner = {}
        }
        if (isRemoval) model.delete(key)
        else model.set(key, value)
        map = isRemoval ? remove(map, key, owner) : set(map, key, value, owner)
      }
      for (const [then, expected] of [...older, [map, model] as const]) {
        assert.deepEqual(new Map(entries(then)), expected)
        for (const { key } of steps) assert.equal(get(then, key), expected.get(key))
      }
    }),
    { numRuns: 500 },
  )
})

test('a map that lost its last entry is the empty map', () => {
  let map: PersistentMap<number>
  for (const text of [...COLLIDING, 'a', 'b']) map = set(map, text, 1, {})
  for (const text of [...COLLIDING, 'a', 'b']) map = remove(map, text, {})
  assert.equal(map, undefined)
})

test('a part of a longer text is found without cutting it out', () => {
  let map: PersistentMap<number>
  for (const text of ['orders', 'order', '', ...COLLIDING]) map = set(map, text, text.length, {})
  assert.equal(getPart(map, '/orders/7', 1, 7), 6)
  assert.equal(getPart(map, '/orders/7', 1, 6), 5)
  assert.equal(getPart(map, '/orders/7', 1, 1), 0)
  assert.equal(getPart(map, '/orders/7', 1, 5), undefined)
  for (const text of COLLIDING) assert.equal(getPart(map, `<${text}>`, 1, text.length + 1), text.length)
})

test('100 000 entries are found, and each change keeps the other entries', () => {
  let map: PersistentMap<number>
  const owner = {}
  for (let n = 0; n < 100_000; n++) map = set(map, `/service-${n % 97}/item/${n}`, n, owner)
  const smaller = remove(map, '/service-5/item/5', {})
  assert.equal(get(smaller, '/service-5/item/5'), undefined)
  assert.equal(get(map, '/service-5/item/5'), 5)
  for (let n = 6; n < 100_000; n += 7) assert.equal(get(smaller, `/service-${n % 97}/item/${n}`), n)
})

/** Pairs of short texts that this map's hash can't tell apart: the hash is known, so a stranger could choose them. */
function collisions(pairs: number): string[] {
  const seen = new Map<number, string>()
  const found: string[] = []
  for (let n = 0; found.length < pairs * 2; n++) {
    const text = n.toString(36)
    let hash = 0x811c9dc5
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    const other = seen.get(hash)
    if (other) found.push(other, text)
    else seen.set(hash, text)
  }
  return found
}
