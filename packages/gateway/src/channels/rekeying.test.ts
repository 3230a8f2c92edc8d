import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createRekeying } from './rekeying.ts'

function setUp() {
  const clock = createManualClock()
  const now = { keyId: 'one' as string | undefined, random: 0.5 }
  const rekeying = createRekeying({
    identity: { keyId: () => now.keyId },
    random: () => now.random,
    clock,
  })
  return { clock, now, rekeying }
}

test('who holds an old key is told once, within 30 s, and again after a minute if it never came', () => {
  const { clock, now, rekeying } = setUp()
  const app = { id: 'a', keyId: 'one' }
  assert.equal(rekeying.isDue(app), false)
  now.keyId = 'two'
  assert.equal(rekeying.isDue(app), false)
  clock.advance(11_000)
  assert.equal(rekeying.isDue(app), false)
  clock.advance(1000)
  assert.equal(rekeying.isDue(app), true)
  for (let i = 0; i < 19; i++) {
    clock.advance(3000)
    assert.equal(rekeying.isDue(app), false)
  }
  clock.advance(3000)
  assert.equal(rekeying.isDue(app), true)
  const back = { id: 'a', keyId: 'two' }
  clock.advance(120_000)
  assert.equal(rekeying.isDue(back), false)
})

test('who has the new key, or asks for keys itself, is never told', () => {
  const { clock, now, rekeying } = setUp()
  now.keyId = 'two'
  now.random = 0
  for (const instance of [
    { id: 'a', keyId: 'two' },
    { id: 'b', keyId: undefined },
  ])
    for (let i = 0; i < 3; i++) {
      assert.equal(rekeying.isDue(instance), false)
      clock.advance(60_000)
    }
})

test('they are told at moments of their own, and anew when the key changes again', () => {
  const { clock, now, rekeying } = setUp()
  const apps = Array.from({ length: 8 }, (_, n) => ({ id: String(n), keyId: 'one' }))
  now.keyId = 'two'
  for (const [n, app] of apps.entries()) {
    now.random = n / 8
    rekeying.isDue(app)
  }
  const told: number[] = []
  for (let second = 0; second < 24; second += 3) {
    told.push(apps.filter(rekeying.isDue).length)
    clock.advance(3000)
  }
  assert.deepEqual(told, Array(8).fill(1))
  now.keyId = 'three'
  now.random = 0
  assert.deepEqual(apps.filter(rekeying.isDue), [])
  assert.equal(apps.filter(rekeying.isDue).length, 8)
})
