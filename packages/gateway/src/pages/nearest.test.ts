import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { distanceWithin, nearestPath } from './nearest.ts'

const OPEN = ['/', '/catalog', '/orders', '/orders/history', '/account', '/a']
const isOpen = (path: string) => OPEN.includes(path) || /^\/orders\/\d+$/.test(path)

const MEANT: [asked: string, meant: string | undefined][] = [
  ['/ordres', '/orders'],
  ['/ordres/2291', '/orders/2291'],
  ['/Orders', '/orders'],
  ['/orders/', '/orders'],
  ['/orders/histroy', '/orders/history'],
  ['/catalogue', '/catalog'],
  ['/acount', '/account'],
  ['/ordres/not-a-number', '/orders'],
  ['/checkout', undefined],
  ['/xyz', undefined],
  ['/', undefined],
  ['/wp-login.php', undefined],
]
for (const [asked, meant] of MEANT) {
  test(meant ? `${asked} probably meant ${meant}` : `${asked} is near to nothing`, () => {
    assert.equal(nearestPath(asked, OPEN, isOpen), meant)
  })
}

test('only what is open is proposed', () => {
  assert.equal(
    nearestPath('/ordres', ['/orders'], () => false),
    undefined,
  )
})

test('an endless list of candidates and a huge path cost little', () => {
  function* endless() {
    for (let n = 0; ; n += 1) yield `/page-${n}`
  }
  let checks = 0
  nearestPath(`/${'page-'.repeat(1000)}`, endless(), () => true)
  nearestPath('/page-x', endless(), () => {
    checks += 1
    return false
  })
  assert.ok(checks <= 4)
})

test('the distance counts slips of the hand, and only as many as asked for', () => {
  assert.equal(distanceWithin('orders', 'orders', 2), 0)
  assert.equal(distanceWithin('ordres', 'orders', 2), 1)
  assert.equal(distanceWithin('order', 'orders', 2), 1)
  assert.equal(distanceWithin('kitten', 'sitting', 3), 3)
  assert.equal(distanceWithin('kitten', 'sitting', 2), undefined)
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })
  fc.assert(fc.property(text, text, (a, b) => assert.equal(distanceWithin(a, b, 9), distanceWithin(b, a, 9))))
})
