import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonFault } from './json-fault.ts'

test('it says where, and never what a secret may be part of', () => {
  for (const [text, fault] of [
    ['[{"username":"a","roles":["USER"]]', 'unexpected "]" at character 34'],
    ['[{"username":"a","password":"hunter2"}', 'it ends before "]"'],
    ['[{"password":"hun"ter2"}]', 'unexpected sign at character 19'],
    ['[{"password":hunter2}]', 'unexpected sign at character 14'],
    ["[{'password':'hunter2'}]", 'unexpected sign at character 3'],
    ['[{"password":"hunter2}]', 'the text at character 14 does not end, or has a faulty character'],
    ['[{"a":1,}]', 'unexpected "}" at character 9'],
    ['[] []', 'unexpected "[" at character 4'],
  ] as const)
    assert.equal(jsonFault(text), fault)
  assert.equal(jsonFault(' {"a":[1,-2.5e3,true,null,"\\u00e9",{}],"b":[]} '), undefined)
})

test('what it finds no fault with is JSON, and nothing else', () => {
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const signs = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '"a"',
    '"',
    '\\',
    '1',
    '-',
    '0',
    'null',
    ' ',
    'x',
  )
  const nearly = fc.array(signs, { maxLength: 12 }).map((parts) => parts.join(''))
  const cut = fc
    .tuple(fc.json(), fc.nat(), fc.nat(2))
    .map(
      ([text, at, count]) =>
        text.slice(0, at % (text.length + 1)) + text.slice((at % (text.length + 1)) + count),
    )
  fc.assert(
    fc.property(fc.oneof(nearly, cut, fc.json()), (text) => {
      assert.equal(jsonFault(text) === undefined, isJson(text), text)
    }),
    { numRuns: 2000 },
  )
})
