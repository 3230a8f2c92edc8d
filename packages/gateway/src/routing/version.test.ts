import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareVersions } from './version.ts'

test('versions are ordered as people read them', () => {
  const ascending = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0',
    '1.0.1',
    'v1.2',
    '1.10.0',
    '2',
  ]
  for (const [i, older] of ascending.entries()) {
    for (const newer of ascending.slice(i + 1)) {
      assert.ok(compareVersions(older, newer) < 0, `${older} before ${newer}`)
      assert.ok(compareVersions(newer, older) > 0, `${newer} after ${older}`)
    }
  }
  assert.ok(compareVersions(9, 10) < 0)
  assert.equal(compareVersions('1.2', '1.2.0'), 0)
  assert.equal(compareVersions('1.0.0+a', '1.0.0+b'), 0)
})

test('any versions have one order', () => {
  const version = fc.oneof(fc.nat(30).map(String), fc.stringMatching(/^[0-9a-c.-]{1,6}$/))
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) || 0)
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0)
    }),
    { numRuns: 3000 },
  )
})
