/**
 * The scanner beside parse5: the same tags in the same bytes, for every way of cutting.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expect, latin1, scan, withoutPlaces } from './testing/scanner-oracle.ts'
import { cutsOf, nastyPage } from './testing/scanner-pages.ts'

const picks = fc.array(fc.nat(), { maxLength: 12 })

test('the tags of a page are those parse5 sees in it, and everything else is text', () => {
  fc.assert(
    fc.property(nastyPage, (page) => {
      assert.deepEqual(withoutPlaces(scan(page)), expect(page), JSON.stringify(latin1(page)))
    }),
    { numRuns: Number(process.env.RUNS ?? 4000) },
  )
})

test('what is found does not depend on how a page is cut', () => {
  fc.assert(
    fc.property(nastyPage, picks, (page, numbers) => {
      const whole = scan(page)
      const cuts = cutsOf(page, numbers)
      assert.deepEqual(scan(page, cuts), whole, JSON.stringify(latin1(page)))
      if (page.length < 300) {
        for (let cut = 1; cut < page.length; cut += 1) assert.deepEqual(scan(page, [cut]), whole)
        assert.deepEqual(
          scan(
            page,
            Array.from(page, (_, at) => at),
          ),
          whole,
        )
      }
    }),
    { numRuns: 300 },
  )
})
