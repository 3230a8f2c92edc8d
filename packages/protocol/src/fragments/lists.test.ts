import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fillNames, formatTransfer, MOST_TRANSFERS, parseTransfers, readValue } from './lists.ts'
import { FragmentError } from './model.ts'

test('a list names what crosses, each with its alias where it has one', () => {
  assert.deepEqual(parseTransfers('postalZipCode, addressLine2 as address'), [
    { from: 'postalZipCode', to: 'postalZipCode' },
    { from: 'addressLine2', to: 'address' },
  ])
  assert.deepEqual(parseTransfers('user.zip, user.home-town as $town'), [
    { from: 'user.zip', to: 'zip' },
    { from: 'user.home-town', to: '$town' },
  ])
})

test('spaces and newlines are free, and so is a comma at the end', () => {
  const expected = [
    { from: 'a', to: 'a' },
    { from: 'b', to: 'c' },
  ]
  for (const list of ['a,b as c', ' a , b as c , ', '\n\ta\r\n,\n b\n as \f c,\n']) {
    assert.deepEqual(parseTransfers(list), expected, JSON.stringify(list))
  }
  for (const list of ['', ' ', '\n\t']) assert.deepEqual(parseTransfers(list), [])
})

test('names may be the word as, or look like nothing else', () => {
  assert.deepEqual(parseTransfers('as'), [{ from: 'as', to: 'as' }])
  assert.deepEqual(parseTransfers('as as as'), [{ from: 'as', to: 'as' }])
  assert.deepEqual(parseTransfers('__proto__, constructor.name as _'), [
    { from: '__proto__', to: '__proto__' },
    { from: 'constructor.name', to: '_' },
  ])
})

test('a mistake is told with its column and what to write instead', () => {
  const cases: [list: string, message: string][] = [
    ['total AS sum', 'column 7 of the list: write "as" in lower case, not "AS"'],
    [
      'a, total as',
      'column 10 of the list: a name is missing behind "as": write "total as another", or "total" alone',
    ],
    [
      'total as ,b',
      'column 7 of the list: a name is missing behind "as": write "total as another", or "total" alone',
    ],
    ['zip as user.zip', 'column 12 of the list: the name behind "as" has no dots: write "zip as zip"'],
    ['a,, b', 'column 3 of the list: a name is missing before this comma: take the comma out'],
    [' ,', 'column 2 of the list: a name is missing before this comma: take the comma out'],
    ['a b', 'column 3 of the list: a comma is missing before "b"'],
    ['a as b c', 'column 8 of the list: a comma is missing before "c"'],
    ['as total', 'column 1 of the list: a name is missing before "as": write "name as total"'],
    ['1st', 'column 1 of the list: a name begins with a letter, "_" or "$", not with "1"'],
    ['a as -b', 'column 6 of the list: a name begins with a letter, "_" or "$", not with "-"'],
    ['user.', 'column 5 of the list: behind a dot comes a name that begins with a letter, "_" or "$"'],
    ['user..zip', 'column 5 of the list: behind a dot comes a name that begins with a letter, "_" or "$"'],
    [
      'größe',
      'column 3 of the list: "ö" can\'t stand in a name, which has letters, digits, "_", "$" and "-"',
    ],
    [
      'a\u00a0b',
      'column 2 of the list: the character U+00A0 can\'t stand in a name, which has letters, digits, "_", "$" and "-"',
    ],
    [
      'a,\n b;c',
      'line 2, column 3 of the list: ";" can\'t stand in a name, which has letters, digits, "_", "$" and "-"',
    ],
    ['x'.repeat(251), 'column 1 of the list: a name has at most 250 characters'],
  ]
  for (const [list, message] of cases) {
    assert.throws(() => parseTransfers(list), { name: 'FragmentSyntaxError', message }, JSON.stringify(list))
  }
})

test('a list of more names than a message takes is refused', () => {
  const names = Array.from({ length: MOST_TRANSFERS }, (_, i) => `n${i}`).join()
  assert.equal(parseTransfers(names).length, MOST_TRANSFERS)
  assert.throws(() => parseTransfers(`${names}, more`), /a list has at most 256 names/)
})

const segment = fc.stringMatching(/^[A-Za-z_$][\w$-]{0,8}$/)
const name = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'))

test('what is written from a list reads as the same list', () => {
  const transfer = fc.tuple(name, fc.option(segment, { nil: undefined })).map(([from, alias]) => ({
    from,
    to: alias ?? from.slice(from.lastIndexOf('.') + 1),
  }))
  const space = fc.stringMatching(/^[ \t\n\f\r]{0,3}$/)
  fc.assert(
    fc.property(fc.array(transfer, { maxLength: 8 }), space, fc.boolean(), (transfers, gap, hasComma) => {
      const list = transfers.map(formatTransfer).join(`${gap},${gap}`)
      assert.deepEqual(parseTransfers(gap + list + (hasComma && list ? ',' : '') + gap), transfers)
    }),
  )
})

test('any text is a list or a fault inside of it', () => {
  const scrap = fc.constantFrom('a', 'as', ' ', ',', '.', 'B', '-', '1', '\n', 'é', '😀', '$', '\0')
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 12 }), (scraps) => {
      const list = scraps.join('')
      try {
        const again = parseTransfers(list).map(formatTransfer).join()
        assert.deepEqual(parseTransfers(again), parseTransfers(list))
      } catch (error) {
        assert.ok(error instanceof FragmentError)
        const lines = list.split('\n')
        assert.ok(error.at!.line <= lines.length)
        assert.ok(error.at!.column <= lines[error.at!.line - 1]!.length + 1)
      }
    }),
  )
})

test('a value is found by its own names only, however it is called', () => {
  const attributes = { user: { zip: '9000', tags: ['x', 'y'] }, name: 'shop', nothing: null }
  assert.equal(readValue(attributes, 'user.zip'), '9000')
  assert.deepEqual(readValue(attributes, 'user.tags'), ['x', 'y'])
  assert.equal(readValue(attributes, 'nothing'), null)
  for (const absent of ['zip', 'user.street', 'name.length.x', 'nothing.more', 'constructor', 'toString']) {
    assert.equal(readValue(attributes, absent), undefined, absent)
  }
  assert.equal(readValue(attributes, '__proto__'), undefined)
  assert.equal(readValue(attributes, 'user.constructor.name'), undefined)
  assert.equal(readValue(JSON.parse('{"__proto__":{"a":1}}'), '__proto__.a'), 1)
})

test('names in a service or ref are filled in once, and all of them or nothing', () => {
  const attributes = {
    shop: 'orders',
    n: 7,
    half: `\${`,
    odd: `\${shop} $& $1`,
    flag: true,
    user: { id: 'u1' },
  }
  assert.equal(fillNames('checkout', attributes), 'checkout')
  assert.equal(fillNames(`\${shop}-\${ n }`, attributes), 'orders-7')
  assert.equal(fillNames(`\${user.id}`, attributes), 'u1')
  assert.equal(fillNames(`a\${odd}`, attributes), `a\${shop} $& $1`)
  assert.equal(fillNames(`\${half}shop}`, attributes), `\${shop}`)
  for (const text of [
    `\${missing}`,
    `\${shop}\${missing}`,
    `\${flag}`,
    `\${user}`,
    `\${constructor}`,
    `\${}`,
  ]) {
    assert.equal(fillNames(text, attributes), undefined, text)
  }
})
