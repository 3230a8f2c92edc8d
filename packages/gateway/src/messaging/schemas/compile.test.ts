import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Schema, Validator } from '@cfworker/json-schema'
import fc from 'fast-check'
import { compileSchema } from './compile.ts'
import { SchemaError } from './keyword.ts'

const ORDER = {
  type: 'object',
  required: ['id', 'items'],
  additionalProperties: false,
  properties: {
    id: { type: 'integer', minimum: 1 },
    note: { type: 'string', maxLength: 5 },
    items: {
      type: 'array',
      minItems: 1,
      items: { $ref: '#/$defs/item' },
    },
  },
  $defs: { item: { type: 'object', required: ['sku'], properties: { sku: { type: 'string' } } } },
}

test('a body that does not fit is told the first places of it, and none of its values', () => {
  const schema = compileSchema(ORDER)
  assert.deepEqual(schema.faultsOf({ id: 1, items: [{ sku: 'a' }] }), [])
  assert.deepEqual(schema.faultsOf({ id: 'secret', items: [{ sku: 'a' }, { sku: 7 }], note: 'hunter22' }), [
    '/id: it must be integer',
    '/note: it is too long',
    '/items/1/sku: it must be string',
  ])
  assert.deepEqual(schema.faultsOf({ items: [], more: 1 }), [
    '/id: it is missing',
    '/more: it is not known',
    '/items: it has too few items',
  ])
  assert.deepEqual(schema.faultsOf('text'), ['/: it must be object'])
})

test('names that every object inherits are no properties', () => {
  const schema = compileSchema({ required: ['constructor'], properties: { toString: { type: 'number' } } })
  assert.deepEqual(schema.faultsOf({}), ['/constructor: it is missing'])
  assert.deepEqual(schema.faultsOf({ constructor: 1, toString: 'x' }), ['/toString: it must be number'])
})

test('what is not understood of a schema is refused instead of left out', () => {
  const refused: [unknown, RegExp][] = [
    [{ properties: { a: { pattern: '(a+)+$' } } }, /#\/properties\/a has "pattern", which is not understood/],
    [{ patternProperties: {} }, /patternProperties/],
    [{ format: 'email' }, /formats that can be checked: date, date-time, uuid/],
    [{ $ref: 'https://example.com/order.json' }, /leads elsewhere/],
    [{ $ref: '#/$defs/none' }, /leads nowhere/],
    [{ type: 'text' }, /names no type/],
    [{ items: [{}] }, /prefixItems/],
    [{ minimum: '1' }, /must be a number/],
    [{ requird: ['id'] }, /"requird"/],
    [{ anyOf: [] }, /is empty/],
    [[], /is no schema/],
    [{ not: nested(100) }, /nested 64 deep/],
    [{ anyOf: Array.from({ length: 3000 }, () => ({})) }, /2000 schemas/],
  ]
  for (const [schema, reason] of refused)
    assert.throws(
      () => compileSchema(schema),
      (error) => error instanceof SchemaError && reason.test(error.message),
    )
})

function nested(depth: number): unknown {
  return depth === 0 ? {} : { not: nested(depth - 1) }
}

test('a schema that refers to itself checks trees, and never for ever', () => {
  const tree = compileSchema({
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#' } } },
    additionalProperties: false,
  })
  assert.deepEqual(tree.faultsOf({ children: [{ children: [] }] }), [])
  assert.deepEqual(tree.faultsOf({ children: [{ children: [{ child: 1 }] }] }), [
    '/children/0/children/0/child: it is not known',
  ])
  assert.deepEqual(compileSchema({ $ref: '#' }).faultsOf({}), ['it takes too long to check'])
})

test('whatever a service and a client make up together, a check ends soon', () => {
  const both = { $ref: '#/$defs/a' }
  const hungry = compileSchema({
    $defs: { a: { properties: { next: { anyOf: [both, both] } }, required: ['none'] } },
    $ref: '#/$defs/a',
  })
  let chain: unknown = {}
  for (let i = 0; i < 50; i++) chain = { next: chain, none: 1 }
  const unique = compileSchema({ uniqueItems: true })
  const items = Array.from({ length: 50_000 }, (_, i) => ({ i }))
  const began = performance.now()
  assert.deepEqual(hungry.faultsOf(chain), ['it takes too long to check'])
  assert.deepEqual(unique.faultsOf(items), [])
  assert.deepEqual(unique.faultsOf([...items, { i: 5 }]), ['/: two of its items are the same'])
  assert.ok(performance.now() - began < 3000)
})

const formats = fc.constantFrom('2024-02-29', '2023-02-29', '2024-01-01T10:00:00Z', 'x', '')
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(0.5, 1.5, null, true, false, 'a', 'ab', '', '🐎'),
    formats,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
  ),
})).any
const schemas = fc.letrec((tie) => {
  const sub = tie('schema')
  const count = fc.integer({ min: 0, max: 3 })
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 })
  const map = fc.dictionary(fc.constantFrom('a', 'b', 'c'), sub, { maxKeys: 2 })
  const some = fc.array(sub, { minLength: 1, maxLength: 3 })
  return {
    schema: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.boolean(),
      fc.record(
        {
          type: fc.constantFrom('object', 'array', 'string', 'number', 'integer', 'null', 'boolean', [
            'string',
            'array',
          ]),
          const: value,
          enum: fc.array(value, { minLength: 1, maxLength: 3 }),
          minimum: count,
          exclusiveMaximum: count,
          minLength: count,
          maxLength: count,
          minItems: count,
          maxItems: count,
          uniqueItems: fc.boolean(),
          required: names,
          minProperties: count,
          maxProperties: count,
        },
        { requiredKeys: [] },
      ),
      fc.record(
        {
          properties: map,
          additionalProperties: sub,
          propertyNames: sub,
          items: sub,
          prefixItems: some,
          contains: sub,
          dependentRequired: fc.dictionary(fc.constantFrom('a', 'b'), names, { maxKeys: 2 }),
          dependentSchemas: map,
        },
        { requiredKeys: [] },
      ),
      fc.record(
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        { allOf: some, anyOf: some, oneOf: some, not: sub, if: sub, then: sub, else: sub },
        { requiredKeys: [] },
      ),
    ),
  }
}).schema

test('what fits is what another reader of JSON Schema says fits', () => {
  fc.assert(
    fc.property(schemas, value, (schema, body) => {
      // The other one takes an empty object for the same as an empty list.
      const text = JSON.stringify([schema, body])
      fc.pre(!(text.includes('{}') && text.includes('[]')))
      const oracle = new Validator(structuredClone(schema) as Schema | boolean, '2020-12', false)
      const faults = compileSchema(schema).faultsOf(body)
      assert.equal(faults.length === 0, oracle.validate(body).valid, faults.join('; '))
    }),
    { numRuns: 1000 },
  )
})

test('an empty object is not an empty list', () => {
  for (const [said, body] of [
    [[], {}],
    [{}, []],
  ])
    for (const schema of [{ const: said }, { enum: [said] }]) {
      assert.equal(compileSchema(schema).faultsOf(body).length, 1)
      assert.deepEqual(compileSchema(schema).faultsOf(said), [])
    }
  assert.deepEqual(compileSchema({ uniqueItems: true }).faultsOf([[], {}]), [])
})

test('whatever a schema asks of a large body, the check ends soon', () => {
  const some = <T>(count: number, make: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(i))
  const text = 'x'.repeat(1_000_000)
  const object = Object.fromEntries(some(80_000, (i) => [`k${i}`, 1]))
  const bombs: [schema: unknown, body: unknown][] = [
    [{ anyOf: some(1000, (i) => ({ maxLength: i })) }, text],
    [{ enum: some(1000, (i) => ({ i })) }, { text }],
    [{ anyOf: some(1000, () => ({ minProperties: 1e6 })) }, object],
    [{ anyOf: some(900, () => ({ propertyNames: { maxLength: 1 } })) }, object],
    [{ items: { required: some(5000, () => 'a') } }, some(100_000, () => ({ a: 1 }))],
    [{ items: { dependentRequired: { a: some(5000, () => 'a') } } }, some(100_000, () => ({ a: 1 }))],
    [{ items: { enum: some(5000, (i) => i) } }, some(200_000, () => 4999)],
    [{ items: { type: [...some(5000, () => 'string'), 'number'] } }, some(200_000, () => 1)],
    [{ not: { anyOf: some(1000, () => ({ contains: false })) } }, some(200_000, () => 1)],
    [{ items: { not: { anyOf: some(5000, () => false) } } }, some(200_000, () => 1)],
  ]
  for (const [schema, body] of bombs) {
    const compiled = compileSchema(schema)
    const begun = performance.now()
    assert.deepEqual(compiled.faultsOf(body), ['it takes too long to check'])
    assert.ok(
      performance.now() - begun < 2000,
      `${JSON.stringify(schema).slice(0, 60)}: ${performance.now() - begun} ms`,
    )
  }
  // while what is large and simple is checked
  assert.deepEqual(compileSchema({ type: 'string', maxLength: 2_000_000 }).faultsOf(text), [])
  const list = compileSchema({ items: { type: 'integer' } })
  assert.deepEqual(list.faultsOf(some(200_000, () => 1)), [])
})
