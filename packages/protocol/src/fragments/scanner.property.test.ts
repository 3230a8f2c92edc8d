/**
 * The scanner beside parse5: the same tags in the same bytes, for every way of cutting.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SCAN_CASES } from './testing/scanner-cases.ts'
import { expect, latin1, scan, withoutPlaces } from './testing/scanner-oracle.ts'
import { cutsOf, mutatedPage, nastyPage } from './testing/scanner-pages.ts'

const seeds = Object.values(SCAN_CASES).flatMap((cases) =>
  cases.map(({ page }) => Buffer.from(page, 'latin1')),
)
const picks = fc.array(fc.nat(), { maxLength: 12 })

/** A page that shows a difference shows it whole. */
function shown(page: Uint8Array): string {
  return JSON.stringify(latin1(page))
}

test('the tags of a nasty page are those parse5 sees in it, and everything else is text', () => {
  fc.assert(
    fc.property(nastyPage, (page) => {
      assert.deepEqual(withoutPlaces(scan(page)), expect(page), shown(page))
    }),
    { numRuns: 12_000 },
  )
})

test('so are those of pages whose bytes were changed, wherever they are cut', () => {
  fc.assert(
    fc.property(mutatedPage(seeds), picks, (page, numbers) => {
      const whole = scan(page)
      assert.deepEqual(withoutPlaces(whole), expect(page), shown(page))
      assert.deepEqual(scan(page, cutsOf(page, numbers)), whole, shown(page))
    }),
    { numRuns: 12_000 },
  )
})

test('what is found does not depend on how a page is cut', () => {
  fc.assert(
    fc.property(nastyPage, picks, (page, numbers) => {
      const whole = scan(page)
      assert.deepEqual(scan(page, cutsOf(page, numbers)), whole, shown(page))
      if (page.length > 300) return
      const everywhere = Array.from(page, (_, at) => at)
      for (const cut of everywhere) assert.deepEqual(scan(page, [cut]), whole, shown(page))
      assert.deepEqual(scan(page, everywhere), whole, shown(page))
    }),
    { numRuns: 500 },
  )
})

test('nor does it when tags are too long or nest too deep, and no byte is lost', () => {
  const limits = fc.record({
    maxTagBytes: fc.integer({ min: 1, max: 80 }),
    maxDepth: fc.integer({ min: 0, max: 3 }),
  })
  fc.assert(
    fc.property(nastyPage, picks, limits, (page, numbers, limit) => {
      const whole = scan(page, [], limit)
      assert.deepEqual(scan(page, cutsOf(page, numbers), limit), whole, shown(page))
      if (whole.some(([what]) => what === 'attributes')) return
      assert.equal(whole.map(([, text]) => text).join(''), latin1(page))
    }),
    { numRuns: 3000 },
  )
})
