import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chooseSlice, draw } from './draw.ts'
import type { Slice } from './share.ts'

/** Slices with these shares in percent, newest first. */
function slices(...percents: number[]): Slice[] {
  return percents.map((percent, i) => {
    const version = percents.length - i
    return { key: `orders@${version}`, service: 'orders', version, instances: [], share: percent / 100 }
  })
}
const visitors = (count: number) => Array.from({ length: count }, (_, i) => `visitor-${i}`)
const versionOf = (visitor: string, ...percents: number[]) =>
  chooseSlice(slices(...percents), draw(visitor, 'orders'))?.version

test('a visitor draws the same number for a service every time, at every node', () => {
  // The figure is part of the contract: another one would move every visitor at an upgrade of the gateway.
  assert.equal(draw('q8fWm2xYp0aZr4Bt', 'orders'), draw('q8fWm2xYp0aZr4Bt', 'orders'))
  assert.equal(Math.floor(draw('q8fWm2xYp0aZr4Bt', 'orders') * 1e6), 286_252)
})

test('draws are from 0 to below 1', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (visitor, key) => {
      const drawn = draw(visitor, key)
      assert.ok(drawn >= 0 && drawn < 1)
    }),
  )
})

test('draws are spread evenly, even for ids that differ in one character', () => {
  const buckets = new Array(100).fill(0)
  for (const visitor of visitors(100_000)) buckets[Math.floor(draw(visitor, 'orders') * 100)]++
  // Chi-squared with 99 degrees of freedom: 148 is passed by chance once in a thousand.
  const chiSquared = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
  assert.ok(chiSquared < 148, `chi-squared ${chiSquared}`)
})

test('draws for two services have nothing to do with each other', () => {
  const both = visitors(100_000).filter(
    (visitor) => draw(visitor, 'orders') < 0.1 && draw(visitor, 'menu') < 0.1,
  )
  assert.ok(Math.abs(both.length - 1000) < 130, `${both.length} of 100000 are in the first tenth of both`)
})

test('visitors follow the shares', () => {
  const seen = visitors(100_000).filter((visitor) => versionOf(visitor, 10, 90) === 2)
  assert.ok(Math.abs(seen.length - 10_000) < 400, `${seen.length}`)
})

test('raising a new version moves only the visitors it gains, and nobody back', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      (visitor, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)]
        const drawn = draw(visitor, 'orders')
        const before = versionOf(visitor, less, 100 - less)
        const after = versionOf(visitor, more, 100 - more)
        if (drawn < less / 100 || drawn >= more / 100) assert.equal(after, before)
        else assert.deepEqual([before, after], [1, 2])
      },
    ),
  )
})

test('a version without a share is never drawn', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 1, 2.5, 30), { minLength: 1, maxLength: 6 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (weights, drawn) => {
        const total = weights.reduce<number>((sum, weight) => sum + weight, 0)
        const chosen = chooseSlice(slices(...weights.map((weight) => (weight / (total || 1)) * 100)), drawn)
        if (total === 0) assert.equal(chosen, undefined)
        else assert.ok(chosen!.share > 0)
      },
    ),
  )
})
