import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RegistrationInput, registration } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { createManualClock } from '../observe/manual-clock.ts'
import { createFragmentBook } from './fragment-book.ts'
import { fragmentFactsOf } from './fragment-facts.ts'

const facts = (given: Pick<RegistrationInput, 'refs' | 'uses'>) =>
  fragmentFactsOf(
    registration.parse({ name: 'x', host: '127.0.0.1', port: 1, protocol: 1, refs: [], uses: [], ...given }),
  )
/** A fragment `checkout` that sets these names itself. */
const checkout = (...attributes: string[]) => facts({ refs: [{ ref: 'checkout', attributes }] })
/** A page that gives these names to it. */
const page = (imports: string[], place = 'product.html:12:5') =>
  facts({ uses: [{ place, service: 'orders', ref: 'checkout', imports, exports: [] }] })
const as = (fragments: ReturnType<typeof facts>, ...ids: string[]) => ids.map((id) => ({ id, fragments }))

function setUp(rememberMs = 30_000) {
  const clock = createManualClock()
  const lines: string[] = []
  const log = {
    warn: (fields: { refused?: string; more?: number }) => void lines.push(fields.refused ?? 'more'),
    info: (fields: { over?: number }) => void lines.push(`over ${fields.over}`),
  } as unknown as Parameters<typeof createFragmentBook>[0]['log']
  return { book: createFragmentBook({ rememberMs, clock, log }), clock, lines }
}

test('a fragment that would break a page that was there first is refused, and those before it are not', () => {
  const { book, lines } = setUp()
  book.update('orders', as(checkout('total'), 'v1'))
  book.update('shop', as(page(['zip']), 's1'))
  const both = [...as(checkout('total'), 'v1'), ...as(checkout('total', 'zip'), 'v2')]
  assert.deepEqual(book.update('orders', both), ['orders'])
  assert.equal(book.refusedAt('orders', 'v1'), undefined)
  const reason = book.refusedAt('orders', 'v2')!.get('checkout')!
  assert.match(
    reason,
    /^in a page of shop, product\.html:12:5 imports "zip", which fragment "checkout" of orders/,
  )
  const [conflict, ...others] = book.conflicts().listed
  assert.deepEqual(others, [])
  assert.deepEqual(conflict, {
    kind: 'FragmentImportConflict',
    page: 'shop',
    place: 'product.html:12:5',
    service: 'orders',
    ref: 'checkout',
    refused: 'ref',
    instances: ['v2'],
    reason,
  })
  book.update('orders', [...both, ...as(checkout('total', 'zip'), 'v2-b')])
  assert.ok(book.refusedAt('orders', 'v2-b'), 'one more of the kind')
  assert.deepEqual(lines, ['ref'], 'said once')
})

test('a page that does not fit a fragment that was there first gives way, and the fragment is served', () => {
  const { book, lines } = setUp()
  book.update('orders', as(checkout('zip'), 'v1'))
  assert.deepEqual(book.update('shop', as(page(['zip']), 's1')), ['orders'])
  assert.equal(book.refusedAt('orders', 'v1'), undefined)
  assert.equal(book.conflicts().listed[0]!.refused, 'use')
  assert.deepEqual(lines, ['use'])
})

test('a refusal ends with the last page that minds', () => {
  const { book, lines } = setUp()
  book.update('shop', as(page(['zip']), 's1', 's2'))
  book.update('orders', as(checkout('zip'), 'v2'))
  book.update('shop', as(page(['zip']), 's2'))
  assert.ok(book.refusedAt('orders', 'v2'))
  assert.deepEqual(book.update('shop', []), ['orders'])
  assert.equal(book.refusedAt('orders', 'v2'), undefined)
  assert.deepEqual(book.conflicts(), { listed: [], more: 0 })
  assert.deepEqual(lines, ['ref', 'over 1'])
})

test('a page that is mended, or no longer asks, keeps nobody out', () => {
  for (const mended of [page(['pageZip']), facts({})]) {
    const { book } = setUp()
    book.update('shop', as(page(['zip']), 's1'))
    book.update('orders', as(checkout('zip'), 'v2'))
    book.update('shop', as(mended, 's1'))
    assert.equal(book.refusedAt('orders', 'v2'), undefined)
  }
})

test('whoever restarts finds its place in the line again, and after a while has to queue', () => {
  const { book, clock } = setUp(30_000)
  book.update('orders', as(checkout('zip'), 'v1'))
  book.update('shop', as(page(['zip']), 's1'))
  book.update('orders', [])
  clock.advance(29_000)
  book.update('orders', as(checkout('zip'), 'v1-again'))
  assert.equal(book.refusedAt('orders', 'v1-again'), undefined)
  book.update('orders', [])
  clock.advance(31_000)
  book.update('orders', as(checkout('zip'), 'v1-late'))
  assert.ok(book.refusedAt('orders', 'v1-late'))
  book.forget('orders')
  assert.deepEqual(book.conflicts().listed, [])
})

test('one that moves in its file or needs other files is the same to the line', () => {
  const { book } = setUp()
  book.update('shop', as(page(['zip']), 's1'))
  book.update('orders', as(checkout('zip'), 'v2'))
  book.update('shop', as(page(['zip'], 'product.html:99:1'), 's1'))
  assert.match(book.refusedAt('orders', 'v2')!.get('checkout')!, /product\.html:99:1/)
})

test('likely mistakes are told and refuse nothing', () => {
  const { book } = setUp()
  book.update('orders', as(facts({ refs: [{ ref: 'checkout', attributes: [], imports: ['zip'] }] }), 'v1'))
  book.update('shop', as(page(['zib']), 's1'))
  const [warning] = book.conflicts().listed
  assert.equal(warning!.refused, 'none')
  assert.equal(book.hasRefused('orders'), false)
})

test('a service’s own fragments are a matter of its own', () => {
  const { book } = setUp()
  const both = facts({
    refs: [{ ref: 'checkout', attributes: ['zip'] }],
    uses: [{ place: 'p', service: 'orders', ref: 'checkout', imports: ['zip'], exports: [] }],
  })
  book.update('orders', as(both, 'v1'))
  assert.deepEqual(book.conflicts().listed, [])
  book.update('shop', as(page(['sku'], 'cart.html:1:1'), 's1'))
  assert.deepEqual(
    book.usesOf('orders', 'checkout').map((use) => [use.page, use.declared.place]),
    [
      ['orders', 'p'],
      ['shop', 'cart.html:1:1'],
    ],
    'who looks at them sees all that ask',
  )
})

test('what ten thousand tags do wrong is counted, and told in part', () => {
  const { book, lines } = setUp()
  const uses = Array.from({ length: 3000 }, (_, i) => ({
    place: `page-${i}.html:1:1`,
    service: 'orders',
    ref: 'checkout',
    imports: ['zip'],
    exports: [],
  }))
  book.update('orders', as(checkout('zip'), 'v1'))
  book.update('shop', as(facts({ uses }), 's1'))
  assert.equal(book.conflicts().listed.length, 1000)
  assert.equal(book.conflicts().more, 2000)
  assert.equal(lines.length, 21)
})

/** Versions of `orders` and of three services with pages, come and go in any order. */
const NAMES = ['zip', 'total', 'user']
const names = fc.subarray(NAMES)
const step = fc.record({
  service: fc.constantFrom('orders', 'shop', 'blog', 'home'),
  versions: fc.array(names, { maxLength: 3 }),
})

test('whatever comes in whatever order: who fits is served, and nobody who serves is turned out by a newcomer', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { book, clock } = setUp(0)
      const present = new Map<string, string[][]>()
      let served = new Set<string>()
      for (const { service, versions } of steps) {
        const isProvider = service === 'orders'
        const distinct = [...new Map(versions.map((one) => [one.join(), one])).values()]
        const members = distinct.flatMap((one) =>
          as(isProvider ? checkout(...one) : page(one), one.join() || '-'),
        )
        clock.advance(1)
        const before = new Set((present.get('orders') ?? []).map((one) => one.join() || '-'))
        book.update(service, members)
        present.set(service, distinct)

        const { listed } = book.conflicts()
        const pages = [...present].filter(([name]) => name !== 'orders')
        const now = new Set<string>()
        for (const own of present.get('orders') ?? []) {
          const id = own.join() || '-'
          const isRefused = book.refusedAt('orders', id) !== undefined
          if (!isRefused) now.add(id)
          const broken = pages.flatMap(([name, tags]) =>
            tags.filter((tag) => tag.some((one) => own.includes(one))).map(() => name),
          )
          if (broken.length === 0) assert.ok(!isRefused, `${id} fits all pages`)
          for (const name of isRefused ? [] : broken)
            assert.ok(listed.some(({ page: of, refused }) => of === name && refused === 'use'))
          if (isRefused) assert.ok(listed.some(({ instances }) => instances?.includes(id)))
          if (served.has(id) && before.has(id)) assert.ok(!isRefused, `${id} served before`)
        }
        if (listed.length > 0) assert.ok(pages.some(([, tags]) => tags.length > 0))
        served = now
      }
    }),
    { numRuns: 300 },
  )
})
