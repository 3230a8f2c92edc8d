import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../observe/log.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { countAnswer, countFault, createVitals } from '../routing/vitals.ts'
import { createHealth, type HealthSettings } from './health.ts'
import type { Entry, Member } from './member.ts'

const SETTINGS: HealthSettings = { windowMs: 10_000, leastAnswers: 20, failuresPercent: 10, slowMs: 5000 }

function setUp(settings: Partial<HealthSettings> = {}) {
  const clock = createManualClock()
  const vitals = createVitals()
  const services = new Map<string, Entry>()
  const turns: string[] = []
  const counted: string[] = []
  const health = createHealth({
    settings: { ...SETTINGS, ...settings },
    entries: () => services.values(),
    vitals,
    metrics: { degraded: (service) => void counted.push(service) },
    clock,
    log: createLog('silent'),
  })
  health.onChange((service, state, reason) => void turns.push(`${service} ${state}: ${reason}`))
  const add = (service: string, ...ids: string[]): Map<string, Member> => {
    const members = new Map(ids.map((id) => [id, { id, state: 'available' } as Member]))
    services.set(service, { name: service, members } as unknown as Entry)
    return members
  }
  const answer = (id: string, good: number, bad = 0, slow = 0): void => {
    for (let i = 0; i < good; i++) countAnswer(vitals.of(id), 200, false)
    for (let i = 0; i < bad; i++) countAnswer(vitals.of(id), 500, false)
    for (let i = 0; i < slow; i++) countAnswer(vitals.of(id), 200, true)
  }
  /** So many seconds with the same answers in each. */
  const seconds = (count: number, id: string, ...answers: [good: number, bad?: number, slow?: number]) => {
    for (let i = 0; i < count; i++) {
      answer(id, ...answers)
      clock.advance(1000)
    }
  }
  return { clock, vitals, services, health, turns, counted, add, answer, seconds }
}

test('errors of the service, and nothing else, make it degraded', () => {
  const { health, add, answer, vitals, clock, turns, counted } = setUp()
  add('orders', 'a')
  add('account', 'b')
  for (const status of [200, 204, 301, 304, 400, 401, 403, 404, 405, 409, 413, 429, 499, 501, 505])
    for (let i = 0; i < 10; i++) countAnswer(vitals.of('a'), status, false)
  answer('b', 18, 2)
  clock.advance(1000)
  assert.equal(health.stateOf('orders'), 'available')
  assert.equal(health.stateOf('account'), 'failing')
  assert.equal(health.reasonOf('account'), 'of the 20 answers of the last 10 s 2 failed')
  assert.equal(health.reasonOf('orders'), undefined)
  assert.deepEqual(turns, ['account degraded: of the 20 answers of the last 10 s 2 failed'])
  assert.deepEqual(counted, ['account'])
  for (const status of [500, 502, 503, 504, 507, 599]) {
    const before = vitals.of('a').faults
    countAnswer(vitals.of('a'), status, false)
    assert.equal(vitals.of('a').faults, before + 1, String(status))
  }
  assert.equal(health.stateOf('nobody knows it'), 'available')
})

test('a slow service is degraded, and says so', () => {
  const { health, add, seconds } = setUp()
  add('orders', 'a')
  seconds(1, 'a', 30, 0, 9)
  assert.equal(health.stateOf('orders'), 'degraded')
  assert.equal(health.reasonOf('orders'), 'of the 39 answers of the last 10 s 9 took more than 5 s')
  seconds(1, 'a', 0, 3)
  assert.match(health.reasonOf('orders')!, /3 failed and 9 took more than 5 s$/)
})

test('what is most of its trouble is told apart, and told when it changes', () => {
  const { health, add, seconds, turns } = setUp()
  add('orders', 'a')
  seconds(1, 'a', 30, 2, 9)
  assert.equal(health.stateOf('orders'), 'degraded')
  seconds(1, 'a', 0, 30)
  assert.equal(health.stateOf('orders'), 'failing')
  seconds(3, 'a', 0, 30)
  assert.equal(turns.length, 2)
  assert.match(turns[1]!, /^orders degraded: .* 32 failed and 9 took more than 5 s$/)
})

test('few answers are no reason to judge', () => {
  const { health, add, seconds, turns } = setUp()
  add('orders', 'a')
  seconds(1, 'a', 0, 19)
  assert.equal(health.stateOf('orders'), 'available')
  seconds(10, 'a', 0)
  seconds(30, 'a', 0, 1)
  assert.deepEqual(turns, [])
  seconds(1, 'a', 0, 11)
  assert.equal(health.stateOf('orders'), 'failing')
})

test('it recovers below half of what made it degraded, and the window forgets', () => {
  const { health, add, seconds, turns } = setUp()
  add('orders', 'a')
  seconds(1, 'a', 80, 20)
  assert.equal(health.stateOf('orders'), 'failing')
  // 20 of 200, of 300, of 400: below the mark, above half of it.
  seconds(3, 'a', 100)
  assert.equal(health.stateOf('orders'), 'failing')
  seconds(1, 'a', 100)
  assert.equal(health.stateOf('orders'), 'available')
  assert.equal(turns.length, 2)
  assert.match(turns[1]!, /^orders available: of the 500 answers of the last 10 s 20 failed$/)
  assert.equal(health.reasonOf('orders'), undefined)
})

test('what is older than the window does not count', () => {
  const { health, add, seconds, turns } = setUp()
  add('orders', 'a')
  seconds(1, 'a', 9, 10)
  seconds(9, 'a', 0)
  seconds(1, 'a', 20)
  assert.deepEqual(turns, [])
  assert.equal(health.stateOf('orders'), 'available')
})

test('a service around the mark turns once, not with every look', () => {
  const { add, seconds, turns } = setUp()
  add('orders', 'a')
  for (let i = 0; i < 60; i++) seconds(1, 'a', 95, i % 2 === 0 ? 13 : 6)
  assert.equal(turns.length, 1)
})

test('without traffic it is available again after a window', () => {
  const { health, add, seconds, clock, turns } = setUp()
  add('orders', 'a')
  seconds(1, 'a', 0, 40)
  clock.advance(10_000)
  assert.equal(health.stateOf('orders'), 'failing')
  clock.advance(11_000)
  assert.equal(health.stateOf('orders'), 'available')
  assert.match(turns.at(-1)!, /too few answers/)
})

test('as long as its few answers are bad it is not called well', () => {
  const { health, add, seconds } = setUp()
  add('orders', 'a')
  seconds(1, 'a', 0, 40)
  for (let i = 0; i < 10; i++) seconds(5, 'a', 0, i % 2)
  assert.equal(health.stateOf('orders'), 'failing')
  seconds(21, 'a', 1)
  assert.equal(health.stateOf('orders'), 'available')
})

test('a service is the sum of its instances: one bad of many that do the work is no news', () => {
  const { health, add, answer, clock } = setUp()
  add('orders', 'a', 'b', 'c')
  answer('a', 100)
  answer('b', 100)
  answer('c', 0, 10)
  clock.advance(1000)
  assert.equal(health.stateOf('orders'), 'available')
  answer('c', 0, 20)
  clock.advance(1000)
  assert.equal(health.stateOf('orders'), 'failing')
})

test('a bad instance that goes, rests or drains takes its faults along', () => {
  for (const away of ['goes', 'rests', 'drains'] as const) {
    const { health, add, answer, vitals, clock } = setUp()
    const members = add('orders', 'a', 'b')
    answer('a', 50)
    answer('b', 0, 50)
    clock.advance(1000)
    assert.equal(health.stateOf('orders'), 'failing')
    if (away === 'goes') {
      members.delete('b')
      vitals.forget('b')
    } else if (away === 'rests') vitals.rest('b')
    else members.get('b')!.state = 'draining'
    answer('a', 1)
    clock.advance(1000)
    assert.equal(health.stateOf('orders'), 'available', away)
    if (away === 'rests') vitals.revive('b')
    if (away === 'drains') members.get('b')!.state = 'available'
    answer('a', 1)
    clock.advance(1000)
    assert.equal(health.stateOf('orders'), 'available', `${away}, and is back`)
  }
})

test('one that rested for less than a second begins anew as well', () => {
  const { health, add, answer, vitals, clock } = setUp()
  add('orders', 'a')
  answer('a', 20)
  clock.advance(1000)
  for (let i = 0; i < 50; i++) countFault(vitals.of('a'))
  vitals.rest('a')
  vitals.revive('a')
  answer('a', 20)
  clock.advance(1000)
  assert.equal(health.stateOf('orders'), 'available')
})

test('a degraded service that nobody serves any more is judged anew when it returns', () => {
  const { health, add, seconds, services, turns } = setUp()
  add('orders', 'a')
  seconds(1, 'a', 0, 40)
  const members = add('orders')
  seconds(1, 'a', 0)
  members.set('b', { id: 'b', state: 'available' } as Member)
  seconds(1, 'b', 5)
  assert.equal(health.stateOf('orders'), 'available')
  assert.equal(turns.length, 1)
  seconds(1, 'b', 0, 40)
  services.delete('orders')
  seconds(1, 'b', 0)
  assert.equal(health.reasonOf('orders'), undefined)
})

test('counters that begin anew are no news from the past', () => {
  const { health, add, answer, vitals, clock } = setUp()
  add('orders', 'a')
  answer('a', 100)
  clock.advance(1000)
  vitals.forget('a')
  answer('a', 30)
  clock.advance(1000)
  assert.equal(health.stateOf('orders'), 'available')
  answer('a', 0, 60)
  clock.advance(1000)
  assert.match(health.reasonOf('orders')!, /^of the 190 answers .* 60 failed$/)
})

test('an answer that was an error and broke off is not two', () => {
  const { health, add, answer, vitals, clock } = setUp({ leastAnswers: 1, failuresPercent: 100 })
  add('orders', 'a')
  answer('a', 2)
  countAnswer(vitals.of('a'), 500, false)
  vitals.of('a').faults += 9
  clock.advance(1000)
  assert.match(health.reasonOf('orders')!, /^of the 3 answers .* 3 failed$/)
})

test('windows of any length are looked at often enough, and end', () => {
  for (const windowMs of [1000, 2500, 60_000, 600_000, 86_400_000]) {
    const { health, add, answer, clock } = setUp({ windowMs })
    add('orders', 'a')
    answer('a', 0, 40)
    clock.advance(windowMs)
    assert.equal(health.stateOf('orders'), 'failing', String(windowMs))
    clock.advance(windowMs * 2.2)
    assert.equal(health.stateOf('orders'), 'available', String(windowMs))
  }
})

test('once stopped nothing turns any more', () => {
  const { health, add, answer, clock, turns } = setUp()
  add('orders', 'a')
  health.stop()
  answer('a', 0, 100)
  clock.advance(60_000)
  assert.deepEqual(turns, [])
})
