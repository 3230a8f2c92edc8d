import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryBus } from '../store/bus/memory.ts'
import { createThrottle, THROTTLE_DEFAULTS, type Throttle, type ThrottleSettings } from './throttle.ts'

function made(settings: Partial<ThrottleSettings> = {}) {
  const clock = createManualClock()
  const throttle = createThrottle({
    settings: { ...THROTTLE_DEFAULTS, ...settings },
    privateKeys: ['key'],
    clock,
  })
  const attempt = (account = 'mira', address = '192.0.2.1', known?: string) => ({ account, address, known })
  return { clock, throttle, attempt }
}

test('five tries are free, then each pause is twice the one before, up to fifteen minutes', () => {
  const { clock, throttle, attempt } = made()
  const left = Array.from({ length: 5 }, () => throttle.begin(attempt()).triesLeft)
  assert.deepEqual(left, [4, 3, 2, 1, 0])
  const pauses: number[] = []
  for (let i = 0; i < 14; i++) {
    const { waitMs = 0 } = throttle.begin(attempt())
    pauses.push(waitMs / 1000)
    clock.advance(waitMs - 1)
    assert.ok(throttle.begin(attempt()).waitMs, 'not a moment before')
    clock.advance(1)
    assert.equal(throttle.begin(attempt()).waitMs, undefined)
  }
  // The address has its own count of thirty, which this never reaches.
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900])
})

test('tries that were refused do not make the pause longer', () => {
  const { clock, throttle, attempt } = made()
  for (let i = 0; i < 5; i++) throttle.begin(attempt())
  for (let i = 0; i < 1000; i++) assert.equal(throttle.begin(attempt()).waitMs, 1000)
  clock.advance(1000)
  assert.equal(throttle.begin(attempt()).waitMs, undefined)
})

test('somebody else, and the same person elsewhere, are not kept waiting', () => {
  const { throttle, attempt } = made()
  for (let i = 0; i < 5; i++) throttle.begin(attempt())
  assert.ok(throttle.begin(attempt()).waitMs)
  assert.equal(throttle.begin(attempt('noor')).waitMs, undefined)
  assert.equal(throttle.begin(attempt('mira', '192.0.2.2')).waitMs, undefined)
})

test('a sign-in clears what was counted for the account, but buys its address no tries at others', () => {
  const { clock, throttle, attempt } = made()
  for (let i = 0; i < 4; i++) throttle.begin(attempt())
  throttle.succeeded(attempt())
  assert.equal(throttle.begin(attempt()).triesLeft, 4)
  let tried = 0
  for (let i = 0; i < 200; i++) {
    if (throttle.begin(attempt(`victim-${i}`)).waitMs === undefined) tried++
    if (throttle.begin(attempt('own')).waitMs === undefined) throttle.succeeded(attempt('own'))
  }
  assert.ok(tried <= 30, `${tried} accounts were tried from one address`)
  clock.advance(10 * 60_000)
  assert.equal(throttle.begin(attempt('victim')).waitMs, undefined, 'an address is forgiven in time')
})

test('an account that is tried from everywhere makes every new address wait, and only half a minute', () => {
  const { clock, throttle, attempt } = made()
  for (let i = 0; i < 60; i++) throttle.begin(attempt('mira', `10.0.${i}.1`))
  const owner = attempt('mira', '203.0.113.9')
  const { waitMs = 0 } = throttle.begin(owner)
  assert.ok(waitMs > 0 && waitMs <= 30_000)
  // Others go on trying all the time: it does not take the turn of the owner.
  for (let s = 0; s < 30; s++) {
    for (let i = 0; i < 100; i++) throttle.begin(attempt('mira', `10.1.${s}.${i}`))
    clock.advance(1000)
  }
  assert.equal(throttle.begin(owner).waitMs, undefined)
  throttle.succeeded(owner)
  assert.equal(throttle.begin(attempt('mira', '203.0.113.10')).waitMs, undefined)
})

test('a browser that signed in before has its own count, whatever others do from anywhere', () => {
  const { throttle, attempt } = made()
  const known = throttle.knownValue('mira')
  for (let i = 0; i < 200; i++) throttle.begin(attempt('mira', i % 2 ? '192.0.2.1' : `10.0.${i}.1`))
  assert.ok(throttle.begin(attempt()).waitMs)
  const mine = attempt('mira', '192.0.2.1', known)
  for (let i = 0; i < 5; i++) assert.equal(throttle.begin(mine).waitMs, undefined)
  assert.ok(throttle.begin(mine).waitMs, 'but no more tries than anybody')
})

test('the cookie of a known browser is for one account, for half a year, and can not be made elsewhere', () => {
  const { clock, throttle, attempt } = made()
  const known = throttle.knownValue('mira')
  const forged = createThrottle({ privateKeys: ['other'], clock }).knownValue('noor')
  for (const account of ['mira', 'noor']) for (let i = 0; i < 5; i++) throttle.begin(attempt(account))
  assert.equal(throttle.begin(attempt('mira', '192.0.2.1', known)).waitMs, undefined)
  for (const value of [known, forged, '', '.', 'x'.repeat(5000)])
    assert.ok(throttle.begin(attempt('noor', '192.0.2.1', value)).waitMs)
  clock.advance(181 * 24 * 3_600_000)
  for (let i = 0; i < 5; i++) throttle.begin(attempt())
  assert.ok(throttle.begin(attempt('mira', '192.0.2.1', known)).waitMs)
})

test('many tries at once are as many', () => {
  const { throttle, attempt } = made()
  const begun = Array.from({ length: 50 }, () => throttle.begin(attempt())).filter(
    ({ waitMs }) => waitMs === undefined,
  )
  assert.equal(begun.length, 5)
})

test('a try that could not be judged does not count', () => {
  const { throttle, attempt } = made()
  for (let i = 0; i < 100; i++) {
    assert.equal(throttle.begin(attempt()).waitMs, undefined)
    throttle.takeBack(attempt())
  }
})

test('what is kept is bounded, and what is old is forgotten', () => {
  const { clock, throttle, attempt } = made({ kept: 10 })
  for (let i = 0; i < 5; i++) throttle.begin(attempt())
  for (let i = 0; i < 10; i++) throttle.begin(attempt(`other-${i}`, `10.0.${i}.1`))
  assert.equal(throttle.begin(attempt()).triesLeft, 4)
  for (let i = 0; i < 4; i++) throttle.begin(attempt())
  clock.advance(29 * 60_000)
  assert.equal(throttle.begin(attempt()).triesLeft, 0)
  clock.advance(31 * 60_000)
  assert.equal(throttle.begin(attempt()).triesLeft, 4)
})

test('tries at one node count at all of them, and a sign-in at one clears them everywhere', async () => {
  const clock = createManualClock()
  const bus = createMemoryBus()
  const [a, b] = [1, 2].map(() => createThrottle({ privateKeys: ['key'], bus, clock })) as [
    Throttle,
    Throttle,
  ]
  const attempt = { account: 'mira', address: '10.0.0.1', known: undefined }
  const left = [a, b, a, b, a].map((node) => node.begin(attempt).triesLeft)
  assert.deepEqual(left, [4, 3, 2, 1, 0], 'as many as at one node')
  assert.ok(a.begin(attempt).waitMs && b.begin(attempt).waitMs, 'nobody gets new tries elsewhere')
  b.takeBack(attempt)
  assert.equal(a.begin(attempt).waitMs, undefined)
  clock.advance(60_000)
  b.succeeded(attempt)
  assert.equal(a.begin(attempt).triesLeft, 4)
})

test('while others can not be told, each node counts for itself', () => {
  const clock = createManualClock()
  const bus = { publish: () => Promise.reject(new Error('away')), listen: () => () => {} }
  const throttle = createThrottle({ privateKeys: ['key'], bus, clock })
  const attempt = { account: 'mira', address: '10.0.0.1', known: undefined }
  for (const left of [4, 3, 2, 1, 0]) assert.equal(throttle.begin(attempt).triesLeft, left)
  assert.ok(throttle.begin(attempt).waitMs)
})
