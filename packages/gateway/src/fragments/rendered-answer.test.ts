import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderedFragment } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { isPlainData } from './plain-data.ts'
import { answerLimit, fragmentLimit, readBody, readRendered } from './rendered-answer.ts'
import { item, request } from './testing/renders.ts'

/** JSON in which a fragment is likely, or something close to one. */
const near = fc.record(
  {
    id: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
    renderedHTML: fc.oneof(fc.string(), fc.constant(null), fc.integer()),
    exports: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.constant(null), fc.jsonValue()),
    assets: fc.oneof(
      fc.record(
        {
          styles: fc.oneof(fc.array(fc.string()), fc.array(fc.integer())),
          scripts: fc.oneof(fc.array(fc.string()), fc.constant('a.js'), fc.constant(null)),
        },
        { requiredKeys: [] },
      ),
      fc.constant(null),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: [] },
)

test('a fragment is taken exactly when the protocol has it for one and nothing in it is dangerous', () => {
  fc.assert(
    fc.property(near, (made) => {
      const text = JSON.stringify([made])
      const value = JSON.parse(text)[0]
      // Of one that is not shown nothing else is read.
      const read = value.renderedHTML === null ? { id: value.id, renderedHTML: null } : value
      const expected = renderedFragment.safeParse(read).success && isPlainData(read.exports)
      const { fragments, fault } = readBody(Buffer.from(text))
      assert.equal(fragments.length, expected ? 1 : 0)
      assert.equal(fault === undefined, expected)
      if (!expected) return
      assert.equal(fragments[0]?.renderedHTML, value.renderedHTML)
      if (value.renderedHTML !== null) assert.deepEqual(fragments[0]?.exports, value.exports ?? undefined)
    }),
    { numRuns: 2000 },
  )
})

test('whatever bytes come, an answer is read without a throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        const { fragments, fault } = readBody(bytes)
        assert.ok(fault !== undefined || fragments.length >= 0)
      },
    ),
  )
})

test('values deeper than 64, or with keys that reach into objects, are not passed on', () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  assert.equal(isPlainData(nested(64)), true)
  assert.equal(isPlainData(nested(65)), false)
  assert.equal(isPlainData(nested(100_000)), false)
  assert.equal(isPlainData(JSON.parse('{"a":[{"__proto__":{}}]}')), false)
  assert.equal(isPlainData(JSON.parse('{"a":[{"constructor":1}]}')), false)
  assert.equal(isPlainData({ toString: 1, a: [1, 'x', null] }), true)
  const { session, fault, fragments } = readRendered({
    fragments: [{ id: 'a', renderedHTML: 'x' }],
    session: nested(65),
  })
  assert.deepEqual([session, fragments.length], [undefined, 1])
  assert.match(fault ?? '', /session/)
})

test('an answer may have what its fragments may have, and never more than is read in one piece', () => {
  const asked = request({ requests: [item('a'), item('b')], maxBytes: 1000 })
  assert.equal(answerLimit(asked), 2 * fragmentLimit(asked))
  assert.equal(answerLimit({ ...asked, maxBytes: 2 ** 30 }), 9 * 2 ** 20)
  assert.ok(fragmentLimit({ ...asked, maxBytes: 4 * 2 ** 20 }) < 9 * 2 ** 20)
})

test('an answer of countless fragments is no answer', () => {
  const { fragments, fault } = readRendered(Array(10_001).fill({ id: 'a', renderedHTML: '' }))
  assert.equal(fragments.length, 0)
  assert.match(fault ?? '', /more than 10000/)
})
