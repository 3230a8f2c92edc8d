import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPageAttributes } from './page-attributes.ts'

test('a page’s attributes are an object, or a sentence says why they are none', () => {
  assert.deepEqual(readPageAttributes(' {"sku":"ab-1","__proto__":{"x":1}} '), {
    sku: 'ab-1',
    ['__proto__']: { x: 1 },
  })
  for (const other of ['[]', 'null', '"sku"', '1'])
    assert.equal(readPageAttributes(other), 'must hold an object such as {"sku": "ab-1"}', other)
  assert.match(String(readPageAttributes('{sku: 1}')), /^is no JSON: /)
  assert.equal(readPageAttributes(`{"a":${'['.repeat(70)}${']'.repeat(70)}}`), 'is nested too deep')
})
