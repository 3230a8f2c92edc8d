import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chooseCoding } from './accept-encoding.ts'

for (const [said, coding] of [
  [undefined, undefined],
  [null, undefined],
  ['', undefined],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['gzip, deflate, br', 'br'],
  ['gzip, deflate', 'gzip'],
  ['deflate', undefined],
  ['GZIP', 'gzip'],
  ['x-gzip', 'gzip'],
  ['gzip;q=1.0, br;q=0.8', 'gzip'],
  ['gzip;q=0.5, br;q=0.501', 'br'],
  ['br ; q=0.1,gzip\t;\tQ=0.2', 'gzip'],
  ['gzip;q=0', undefined],
  ['gzip;q=0.000, br', 'br'],
  ['identity', undefined],
  ['identity, gzip', 'gzip'],
  ['identity;q=0', undefined],
  ['identity;q=0, gzip', 'gzip'],
  ['identity;q=0.5, gzip;q=0.4', undefined],
  ['identity;q=0.5, gzip;q=0.5', 'gzip'],
  ['identity;q=0, *;q=0', undefined],
  ['*', 'gzip'],
  ['*;q=0', undefined],
  ['gzip;q=0, *', undefined],
  ['br;q=0.5, *', 'gzip'],
  ['br, *;q=0.1', 'br'],
  ['*;q=0, zstd', 'zstd'],
  ['br;q=0, br', undefined],
  ['gzip;q=2, br;q=nan, zstd;q=-1', undefined],
  ['gzip;q=0.1234', undefined],
  ['gzip;level=9', undefined],
  ['gzip q=1', undefined],
  [', ,gzip,', 'gzip'],
  ['"gzip"', undefined],
  ['gzip\u00e4, br', 'br'],
] as const) {
  test(`${said === undefined ? 'nothing' : JSON.stringify(said)} asks for ${coding ?? 'the answer as it is'}`, () => {
    assert.equal(chooseCoding(said), coding)
    assert.equal(chooseCoding(said), coding, 'and again, remembered')
  })
}

test('whatever is said, only what was accepted is chosen', () => {
  const member = fc
    .tuple(fc.constantFrom('gzip', 'br', 'zstd', 'deflate'), fc.constantFrom('', ';q=0', ';q=0.3', ';q=1'))
    .map(([name, q]) => ({ name, q, text: name + q }))
  fc.assert(
    fc.property(fc.uniqueArray(member, { selector: ({ name }) => name }), (members) => {
      const coding = chooseCoding(members.map(({ text }) => text).join(', '))
      const usable = members.filter(({ name, q }) => name !== 'deflate' && q !== ';q=0')
      if (coding === undefined) assert.equal(usable.length, 0)
      else assert.ok(usable.some(({ name }) => name === coding))
    }),
  )
})

test('a visitor who says something new each time does not fill the memory', () => {
  for (let i = 0; i < 10_000; i++) assert.equal(chooseCoding(`gzip, x-made-up-${i}`), 'gzip')
  assert.equal(chooseCoding(`gzip, ${'x'.repeat(8000)}`), 'gzip')
})
