import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesService, ServicePatternError, servicePatternFault } from './service-patterns.ts'

const CASES: readonly (readonly [patterns: string, fits: readonly string[], other: readonly string[]])[] = [
  ['.*,XYZ', ['shop', 'XYZ', ''], []],
  ['shop', ['shop'], ['shop2', 'my-shop', 'SHOP', '']],
  [' shop , orders ', ['shop', 'orders'], ['shop ,', 'shop,orders']],
  ['shop-.*', ['shop-', 'shop-eu'], ['shop', 'my-shop-eu']],
  ['a|b', ['a', 'b'], ['ab', 'ac', 'bb']],
  ['[a-c]+\\d', ['abc1'], ['abc', 'x1', 'abc12']],
  ['shop.eu', ['shop.eu', 'shopxeu'], ['shopeu']],
  ['(?i)shop', ['SHOP', 'shop'], ['shops']],
  ['größe', ['größe'], ['grösse']],
]

for (const [patterns, fits, others] of CASES) {
  test(`${patterns} fits whole names only`, () => {
    const isFor = matchesService(patterns)
    // Asked twice: the second time from what is kept.
    for (let round = 0; round < 2; round++) {
      for (const name of fits) assert.equal(isFor(name), true, name)
      for (const name of others) assert.equal(isFor(name), false, name)
    }
  })
}

test('a list that can’t be read says which pattern and why', () => {
  for (const [patterns, why] of [
    ['shop,(', /"\("/],
    ['shop-(?=eu)', /"shop-\(\?=eu\)"/],
    ['(a)\\1', /pattern/],
    ['', /\.\*/],
    [' , ', /\.\*/],
    [`${'a'.repeat(3000)}`, /2048/],
    [Array.from({ length: 100 }, (_, i) => `s${i}`).join(','), /64/],
    ['((a{100}){100}){100}', /pattern/],
  ] as const) {
    assert.throws(() => matchesService(patterns), ServicePatternError)
    assert.match(servicePatternFault(patterns) ?? '', why)
  }
  assert.equal(servicePatternFault('.*'), undefined)
})

test('a pattern that ruins backtracking engines is done at once', () => {
  const long = `${'a'.repeat(5_000)}!`
  const startedAt = performance.now()
  for (const patterns of ['(a+)+', '(a|aa)+', '(.*)*x', '([a-z]+)*\\d']) {
    assert.equal(matchesService(patterns)(long), false)
  }
  assert.ok(performance.now() - startedAt < 2_000)
})
