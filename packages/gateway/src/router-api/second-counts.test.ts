import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../observe/clock.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { createVitals } from '../routing/vitals.ts'
import { countedCarrier } from './counted-carrier.ts'
import { createSecondCounts, REMEMBERED } from './second-counts.ts'

function setUp(maxServices?: number) {
  const clock = createManualClock()
  const vitals = createVitals()
  const instances: { id: string; service: string }[] = []
  const counts = createSecondCounts({
    instances: () => instances,
    vitals,
    clock,
    ...(maxServices === undefined ? {} : { maxServices }),
  })
  return { clock, vitals, instances, counts }
}

test('what instances served stands in the second in which it was seen, by service', () => {
  const { clock, vitals, instances, counts } = setUp()
  instances.push({ id: 'a1', service: 'a' }, { id: 'a2', service: 'a' }, { id: 'b1', service: 'b' })
  vitals.of('a1').requests = 3
  vitals.of('a2').requests = 2
  clock.advance(1000)
  vitals.of('a1').requests = 4
  vitals.of('a1').failures = 1
  vitals.of('a1').errors = 1
  clock.advance(1000)
  assert.deepEqual(counts.lastOf('http', 'a', 3), [0, 5, 1])
  assert.deepEqual(counts.lastOf('error', 'a', 3), [0, 0, 2])
  assert.deepEqual(counts.lastOf('http', 'b', 3), [0, 0, 0])
  clock.advance(2000)
  assert.deepEqual(counts.lastOf('http', 'a', 4), [5, 1, 0, 0])
})

test('an instance that left and came back under its id is counted from nothing', () => {
  const { clock, vitals, instances, counts } = setUp()
  instances.push({ id: 'a1', service: 'a' })
  vitals.of('a1').requests = 100
  clock.advance(1000)
  vitals.forget('a1')
  vitals.of('a1').requests = 7
  clock.advance(1000)
  assert.deepEqual(counts.lastOf('http', 'a', 2), [100, 7])
})

test('after an hour a second is another one, however long nothing was counted', () => {
  const { clock, counts } = setUp()
  counts.count('ws', 'a', 5)
  clock.advance(10_000)
  counts.count('ws', 'a')
  assert.equal(sum(counts.lastOf('ws', 'a')), 6)
  clock.advance((REMEMBERED - 10) * 1000)
  assert.equal(sum(counts.lastOf('ws', 'a')), 1)
  counts.count('ws', 'a', 2)
  assert.equal(sum(counts.lastOf('ws', 'a')), 3)
  clock.advance(5 * REMEMBERED * 1000)
  assert.equal(sum(counts.lastOf('ws', 'a')), 0)
  counts.count('ws', 'a')
  assert.equal(sum(counts.lastOf('ws', 'a')), 1)
})

test('the text has 3600 counts for each service, the oldest first', async () => {
  const { clock, counts } = setUp()
  counts.count('http', 'a')
  clock.advance(1000)
  counts.count('http', 'a', 2)
  counts.count('error', '__proto__')
  const { httpStats, wsStats, errorStats } = JSON.parse(await counts.text())
  assert.equal(httpStats.a.length, REMEMBERED)
  assert.deepEqual(httpStats.a.slice(-2), [1, 2])
  assert.deepEqual([Object.keys(wsStats), Object.keys(errorStats)], [[], ['__proto__']])
})

test('an hour of many services is written in pieces, once for all who ask meanwhile', async (t) => {
  const counts = createSecondCounts({ instances: () => [], vitals: createVitals(), clock: systemClock })
  t.after(() => counts.close())
  for (let i = 0; i < 400; i++)
    for (const kind of ['http', 'ws', 'error'] as const) counts.count(kind, `service-${i}`, i + 1)
  let turns = 0
  const turn = (): void => {
    turns++
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  t.after(() => clearImmediate(next))
  const texts = await Promise.all(Array.from({ length: 20 }, () => counts.text()))
  assert.ok(turns >= 3, `others had ${turns} turns`)
  assert.equal(new Set(texts).size, 1)
  const { httpStats, errorStats } = JSON.parse(texts[0]!)
  assert.equal(httpStats['service-399'].at(-1) || httpStats['service-399'].at(-2), 400)
  assert.equal(errorStats['service-0'].length, REMEMBERED)
})

test('there is room for so many services, and those that were silent for an hour make some', async () => {
  const { clock, counts } = setUp(2)
  for (const service of ['a', 'b', 'c']) counts.count('ws', service)
  assert.deepEqual(Object.keys(JSON.parse(await counts.text()).wsStats), ['a', 'b'])
  clock.advance(REMEMBERED * 1000)
  counts.count('ws', 'c')
  assert.deepEqual(Object.keys(JSON.parse(await counts.text()).wsStats), ['c'])
})

test('messages to services are counted as they leave, and those that could not be brought twice', async () => {
  const { counts } = setUp()
  let isBroken = false
  const carrier = countedCarrier(
    {
      carries: ({ id }) => id === 'a1',
      deliver: async () => {
        if (isBroken) throw new Error('its line broke')
      },
    },
    counts,
  )
  const instance = { id: 'a1', service: 'a' } as Parameters<typeof carrier.deliver>[0]
  assert.ok(carrier.carries(instance))
  await carrier.deliver(instance, {} as never, {} as never)
  isBroken = true
  await assert.rejects(carrier.deliver(instance, {} as never, {} as never), /its line broke/)
  assert.deepEqual(
    [...counts.lastOf('ws', 'a', 1), ...counts.lastOf('error', 'a', 1), ...counts.lastOf('http', 'a', 1)],
    [2, 1, 0],
  )
})

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)
