import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVitals } from './vitals.ts'

test('an instance rests once and is revived once, and listeners hear both', () => {
  const vitals = createVitals()
  const heard: [string, boolean][] = []
  vitals.onChange((instanceId, resting) => heard.push([instanceId, resting]))
  assert.equal(vitals.of('a').resting, false)
  assert.deepEqual([vitals.rest('a'), vitals.rest('a')], [true, false])
  assert.equal(vitals.of('a').resting, true)
  assert.deepEqual([vitals.revive('a'), vitals.revive('a')], [true, false])
  assert.deepEqual(heard, [
    ['a', true],
    ['a', false],
  ])
})

test('counts belong to one instance, and begin anew when it was forgotten', () => {
  const vitals = createVitals()
  vitals.of('a').inFlight++
  assert.equal(vitals.of('a').inFlight, 1)
  assert.equal(vitals.of('b').inFlight, 0)
  vitals.forget('a')
  assert.equal(vitals.of('a').inFlight, 0)
})
