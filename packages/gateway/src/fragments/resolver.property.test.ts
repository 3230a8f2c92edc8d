/** Whatever services do and however tags depend on each other: every fragment settles once, and the page ends in time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createManualClock } from '../observe/manual-clock.ts'
import { fail, instanceOf, type PlayedCall, start, tag } from './testing/played-services.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const
const SERVICES = ['sdk', 'java', 'gone', 'nobody'] as const
const names = fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 })

const anyTag = fc.record({
  service: fc.constantFrom(...SERVICES),
  imports: names,
  exports: names,
  timeoutMs: fc.option(fc.integer({ min: 1, max: 2000 }), { nil: undefined }),
})

/** What a call does, some time after it came. */
const anyDeed = fc.record({
  what: fc.constantFrom(
    'answers',
    'answers nested',
    'answers half',
    'declines',
    'breaks',
    'refuses',
    'was never sent',
    'stays silent',
  ),
  afterMs: fc.integer({ min: 0, max: 1500 }),
})

function play(call: PlayedCall, what: string): void {
  const { requests } = call.request
  const rendered = (id: string, renderedHTML: string | null) => ({
    id,
    renderedHTML,
    exports: Object.fromEntries(NAMES.map((name) => [name, id])),
  })
  if (what === 'answers') call.answers(...requests.map(({ id }) => rendered(id, `<p>${id}</p>`)))
  if (what === 'answers nested') {
    const inner = (id: string) => `<m:fragment service="sdk" ref="inner-${id}" imports="a">-</m:fragment>`
    call.answers(...requests.map(({ id }) => rendered(id, `<p>${inner(id)}</p>`)))
  }
  if (what === 'answers half') {
    call.sends(rendered(requests[0]!.id, 'half'))
    call.fails(fail('closed'))
  }
  if (what === 'declines') call.answers(...requests.map(({ id }) => rendered(id, null)))
  if (what === 'breaks') call.fails(fail('unreadable'))
  if (what === 'refuses') call.fails(fail('failed', { isRefusal: true }))
  if (what === 'was never sent') call.fails(fail('failed', { nothingSent: true }))
}

test('every fragment settles once and the page is done within its budget, whatever services do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyTag, { minLength: 1, maxLength: 8 }),
      fc.array(anyDeed, { minLength: 1, maxLength: 12 }),
      fc.constantFrom('rsocket' as const, 'http' as const),
      async (tags, deeds, via) => {
        const clock = createManualClock()
        const page = start({
          services: [
            instanceOf('sdk', { id: 'sdk-1' }),
            instanceOf('sdk', { id: 'sdk-2' }),
            instanceOf('java', { isOurs: false }),
          ],
          known: ['gone'],
          attributes: { e: 1 },
          budgetMs: 1700,
          clock,
          via,
        })
        page.add(
          ...tags.map(({ service, imports, exports, timeoutMs }, n) =>
            tag(service, `r${n}`, {
              imports: imports.join(','),
              exports: exports.join(','),
              ...(timeoutMs === undefined ? {} : { timeoutMs }),
            }),
          ),
        )
        await page.go()
        let planned = 0
        // A step late for each wave: here time moves on before what follows an answer is asked for.
        for (let ms = 0; ms <= 1700 + 50 * tags.length; ms += 50) {
          for (; planned < page.calls.length; planned++) {
            const call = page.calls[planned]!
            const { what, afterMs } = deeds[planned % deeds.length]!
            clock.after(afterMs, () => {
              if (!call.isCancelled) play(call, what)
            })
          }
          clock.advance(50)
          await page.turn()
        }
        assert.equal(page.isDone, true, 'the page is done')
        assert.equal(page.outcomes.size, tags.length, 'each has an outcome')
        for (const { html, reason, exports } of page.outcomes.values()) {
          assert.equal(html === undefined, reason !== undefined)
          assert.equal(html === undefined, exports === undefined)
        }
        // A name has one value, and nobody's overwrites the page's own.
        assert.equal(page.resolution.attributes.e, 1)
        assert.deepEqual(
          page.lines.filter(({ level }) => level === 'error'),
          [],
        )
      },
    ),
    { numRuns: 150 },
  )
})
