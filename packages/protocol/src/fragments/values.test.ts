import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isJsonTooDeep } from '../json-depth.ts'
import { copyValue, MOST_VALUE_DEPTH, put } from './values.ts'

test('what JSON can say is copied as JSON would', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      assert.deepEqual(copyValue(value), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('a copy is nobody else’s', () => {
  const value = { list: [{ n: 1 }] }
  const copy = copyValue(value) as typeof value
  copy.list[0]!.n = 2
  assert.equal(value.list[0]!.n, 1)
})

test('what JSON can’t say is absent, and nothing makes it throw', () => {
  const loop: Record<string, unknown> = {}
  loop.again = [loop, loop]
  const grumpy = {
    toJSON() {
      throw new Error('no')
    },
  }
  for (const value of [
    undefined,
    () => 1,
    Symbol('s'),
    10n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    loop,
    grumpy,
  ]) {
    assert.equal(copyValue(value), undefined)
  }
  const mixed = { a: undefined, b: [undefined, 1, Number.NaN], c: new Date(0), d: 2n, e: Object(3) }
  assert.deepEqual(copyValue(mixed), { b: [null, 1, null], c: '1970-01-01T00:00:00.000Z', e: 3 })
})

test('a value nested too deeply is absent as a whole', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
  assert.deepEqual(copyValue(nested(MOST_VALUE_DEPTH)), nested(MOST_VALUE_DEPTH))
  assert.equal(copyValue(nested(MOST_VALUE_DEPTH + 1)), undefined)
  assert.equal(copyValue({ fine: 1, deep: nested(100) }), undefined)
})

test('a value that crosses fits into every message there is', () => {
  let value: unknown = 1
  for (let depth = 0; depth < MOST_VALUE_DEPTH; depth++) value = [value]
  const rendered = { id: 'a', renderedHTML: '', exports: { value } }
  for (const message of [
    { attributes: { value }, requests: {}, session: { orders: value } },
    { attributes: {}, requests: [{ id: 'a', values: { value } }], session: value },
    { fragments: [rendered], session: value },
    { type: 'RESOLVED_FRAGMENT', fragments: [rendered], attributes: { value }, sessions: { orders: value } },
  ])
    assert.equal(isJsonTooDeep(JSON.stringify(message)), false, Object.keys(message).join())
})

test('__proto__ is a name like any other', () => {
  const copy = copyValue(JSON.parse('{"__proto__":{"admin":true}}')) as Record<string, unknown>
  assert.equal(Object.getPrototypeOf(copy), Object.prototype)
  assert.equal(JSON.stringify(copy), '{"__proto__":{"admin":true}}')
  const record: Record<string, unknown> = {}
  put(record, '__proto__', { admin: true })
  assert.equal(record.admin, undefined)
  assert.deepEqual(Object.keys(record), ['__proto__'])
})
