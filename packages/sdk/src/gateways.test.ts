import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGateways } from './gateways.ts'

const never = () => Promise.reject(new Error('nobody asks'))

test('services of a site are spread over its nodes', () => {
  const urls = ['http://a', 'http://b', 'http://c']
  const first = [0, 0.3, 0.6, 0.9].map((value) =>
    createGateways({ urls, random: () => value, resolve: never }).current(),
  )
  assert.ok(new Set(first).size > 1, String(first))
})

test('each of the others is tried at once when one is lost, and then one a second', () => {
  const gateways = createGateways({
    urls: ['http://a', 'http://b', 'http://c'],
    random: () => 0,
    resolve: never,
  })
  gateways.reached()
  const lost = gateways.current()
  const tried: string[] = []
  const atOnce = [1, 2, 3, 4].map(() => {
    const isAtOnce = gateways.next()
    tried.push(gateways.current())
    return isAtOnce
  })
  assert.deepEqual(atOnce, [true, true, false, false])
  assert.equal(new Set([lost, ...tried.slice(0, 2)]).size, 3)
  assert.equal(tried[2], lost)
  gateways.reached()
  assert.equal(gateways.next(), true)
})

test('of a name with several addresses the ones that refused come last, and another is tried at once', async () => {
  const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({ address, family: 4 }))
  const gateways = createGateways({
    urls: ['http://nodes'],
    random: Math.random,
    resolve: async () => addresses,
  })
  const looked = () =>
    new Promise<string[]>((resolve) =>
      gateways.lookup('nodes', { all: true }, (_error, found) =>
        resolve((found as unknown as { address: string }[]).map(({ address }) => address)),
      ),
    )
  const seen: string[] = []
  for (const isMore of [true, true, false]) {
    const [first = ''] = await looked()
    seen.push(first)
    assert.equal(gateways.next(first), isMore)
  }
  assert.deepEqual(seen.toSorted(), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  assert.equal(gateways.next(), false, 'nobody was heard')
})
