import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareParts, type OverviewPart, overviewDelta } from './overview-delta.ts'

const part = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', '__proto__', '1'),
    hash: fc.constantFrom('x', 'y'),
  },
  { noNullPrototype: true },
)
const list = fc.uniqueArray(part, { selector: ({ name }) => name })

/** A change, as any client would apply it. */
function applied(
  from: readonly OverviewPart[],
  { set, gone, order }: NonNullable<ReturnType<typeof compareParts>>,
) {
  const parts = from.filter(({ name }) => !gone.includes(name))
  const isNew: (typeof set)[number][] = []
  for (const one of set) {
    const place = parts.findIndex(({ name }) => name === one.part.name)
    if (place < 0) isNew.push(one)
    else parts[place] = one.part
  }
  for (const { part, at } of isNew) parts.splice(at ?? parts.length, 0, part)
  return order ? order.map((name) => parts.find((part) => part.name === name)) : parts
}

test('a change between two lists makes one of the other, and names nothing that stays', () => {
  fc.assert(
    fc.property(list, list, (from, to) => {
      const change = compareParts(from, to)!
      assert.deepEqual(applied(from, change), to)
      for (const { part, before } of change.set) assert.notEqual(part.hash, before?.hash)
      for (const name of change.gone) assert.ok(!to.some((part) => part.name === name))
    }),
    { numRuns: 2000 },
  )
})

test('lists in which a name stands twice are not compared', () => {
  const twice = [
    { name: 'a', hash: 'x' },
    { name: 'a', hash: 'y' },
  ]
  assert.equal(compareParts(twice, []), undefined)
  assert.equal(compareParts([], twice), undefined)
})

test('nothing but a delta is one', () => {
  assert.equal(overviewDelta.safeParse({ type: 'ACTIVE_SERVERS_UPDATE', hash: '1' }).success, false)
  const nothing = { type: 'ACTIVE_SERVERS_DELTA', hash: '2', from: '1', check: 'c' }
  assert.deepEqual(overviewDelta.parse(nothing), nothing)
})
