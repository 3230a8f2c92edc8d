import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBalancer } from './balance.ts'
import type { Instance } from './upstream.ts'
import { createVitals } from './vitals.ts'

const instance = (id: string, weight = 10): Instance => ({
  id,
  service: 'orders',
  manifest: 'm',
  channel: 'rsocket',
  address: { protocol: 'http', host: '127.0.0.1', port: 1 },
  version: 1,
  weight,
  awakening: 'NEWEST_VERSION_WINS',
  affinity: false,
})

/** The same sequence for everyone who begins with the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function balancing(balance: 'p2c' | 'round-robin') {
  const vitals = createVitals()
  return { vitals, ...createBalancer({ vitals, settings: { balance }, random: seeded(7) }) }
}

function counts(rounds: number, pick: () => Instance | undefined): Record<string, number> {
  const seen: Record<string, number> = {}
  for (let i = 0; i < rounds; i++) {
    const id = pick()?.id ?? 'none'
    seen[id] = (seen[id] ?? 0) + 1
  }
  return seen
}

for (const balance of ['p2c', 'round-robin'] as const) {
  const all = [instance('a'), instance('b'), instance('c')]

  test(`${balance}: an instance that rests gets nothing until it is back`, () => {
    const { vitals, pick } = balancing(balance)
    vitals.rest('b')
    const seen = counts(300, () => pick(all, []))
    assert.equal(seen.b, undefined)
    assert.ok(seen.a! > 100 && seen.c! > 100)
    vitals.revive('b')
    assert.ok(counts(300, () => pick(all, [])).b! > 50)
  })

  test(`${balance}: an instance that was tried is not tried again, in a newer table either`, () => {
    const { pick } = balancing(balance)
    assert.deepEqual(
      counts(50, () => pick(all, [instance('a'), instance('b')])),
      { c: 50 },
    )
    assert.equal(pick(all, all), undefined)
  })

  test(`${balance}: nobody is left when all rest`, () => {
    const { vitals, pick } = balancing(balance)
    assert.equal(pick([], []), undefined)
    for (const { id } of all) vitals.rest(id)
    assert.equal(pick(all, []), undefined)
    assert.equal(pick(all.slice(0, 1), []), undefined)
  })

  test(`${balance}: weight 0 gets requests only when nobody else is left`, () => {
    const { vitals, pick } = balancing(balance)
    const some = [instance('a'), instance('zero', 0), instance('nil', 0)]
    assert.deepEqual(
      counts(100, () => pick(some, [])),
      { a: 100 },
    )
    vitals.rest('a')
    const seen = counts(100, () => pick(some, []))
    assert.ok(seen.zero! > 25 && seen.nil! > 25)
  })

  test(`${balance}: an idle service is shared by weight`, () => {
    const { pick } = balancing(balance)
    const seen = counts(10_000, () => pick([instanceA, instanceB, instanceC], []))
    assert.ok(Math.abs(seen.a! - 6000) < 200, JSON.stringify(seen))
    assert.ok(Math.abs(seen.b! - 3000) < 200, JSON.stringify(seen))
  })
}
const [instanceA, instanceB, instanceC] = [instance('a', 60), instance('b', 30), instance('c', 10)]

test('of two instances the less busy one is chosen, measured by what it can take', () => {
  const { vitals, pick } = balancing('p2c')
  vitals.of('a').inFlight = 5
  vitals.of('b').inFlight = 4
  assert.deepEqual(
    counts(50, () => pick([instance('a'), instance('b')], [])),
    { b: 50 },
  )
  assert.deepEqual(
    counts(50, () => pick([instance('a', 60), instance('b', 30)], [])),
    { a: 50 },
  )
})

test('requests that hang pile up nowhere: the busiest of many is never chosen beside an idle one', () => {
  const { vitals, pick } = balancing('p2c')
  const all = ['a', 'b', 'c', 'd', 'e'].map((id) => instance(id))
  for (let i = 0; i < 1000; i++) vitals.of(pick(all, [])!.id).inFlight++
  const loads = all.map(({ id }) => vitals.of(id).inFlight)
  assert.ok(Math.max(...loads) - Math.min(...loads) < 15, loads.join(' '))
})

test('round robin goes around, smoothly by weight', () => {
  const { pick } = balancing('round-robin')
  const all = [instance('a', 20), instance('b'), instance('c')]
  const order = Array.from({ length: 8 }, () => pick(all, [])!.id).join('')
  assert.equal(order, 'abcaabca')
})
