import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeSegments, matchPattern } from './match.ts'
import { literalPath, literalPattern, patternOf, type Segment } from './pattern.ts'
import { compareSpecificity } from './specificity.ts'
import { formatPattern, parsePattern } from './text.ts'

const word = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
  .filter((text) => !/^\.{1,2}$|[\0\p{C}]/u.test(text))
const name = fc.constantFrom('', 'id', 'näme', '__proto__')
const literal = fc
  .oneof(word, fc.constantFrom('', '*', '**', '{', '}', '\\', 'a/b', '{id}', '%2f'))
  .map((text): Segment => ({ kind: 'literal', text }))
const parameter = fc
  .record(
    { name, characters: fc.constantFrom('digits', 'word', 'hex', 'alphanumeric'), before: word, after: word },
    { requiredKeys: ['name'] },
  )
  .map((given): Segment => ({ kind: 'parameter', ...given }))
const segment: fc.Arbitrary<Segment> = fc.oneof(
  literal,
  parameter,
  fc.constant<Segment>({ kind: 'wildcard' }),
)
const splat = fc
  .record({ name, least: fc.constantFrom(0, 1) })
  .map((given): Segment => ({ kind: 'splat', ...(given as { name: string; least: 0 | 1 }) }))
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.option(splat, { nil: undefined }))
  .map(([segments, last]) => patternOf(last ? [...segments, last] : segments))

test('text and pattern say the same', () => {
  fc.assert(
    fc.property(pattern, (given) => {
      const [read, ...more] = parsePattern(formatPattern(given)).patterns
      assert.deepEqual(more, [])
      assert.deepEqual(read, given)
      assert.deepEqual(read?.segments, given.segments)
      assert.equal(parsePattern(given.shape).patterns[0]?.shape, given.shape)
    }),
    { numRuns: 1000 },
  )
})

test('the order of patterns is total, and 0 means one shape', () => {
  fc.assert(
    fc.property(pattern, pattern, pattern, (a, b, c) => {
      assert.equal(Math.sign(compareSpecificity(a, b)) + Math.sign(compareSpecificity(b, a)), 0)
      assert.equal(compareSpecificity(a, b) === 0, a.shape === b.shape)
      if (compareSpecificity(a, b) < 0 && compareSpecificity(b, c) < 0)
        assert.ok(compareSpecificity(a, c) < 0)
    }),
    { numRuns: 2000 },
  )
})

test('the more specific pattern comes first', () => {
  const ordered = [
    '/a/b/c',
    '/a/b',
    '/a/b/**',
    '/a/{x}.html',
    '/a/v{x:digits}',
    '/a/v{x}',
    '/a/{x:digits}',
    '/a/{x:hex}',
    '/a/{x:alphanumeric}',
    '/a/{x:word}',
    '/a/{x}/b',
    '/a/{x}',
    '/a/{x}/{rest+}',
    '/a/*/b',
    '/a/*',
    '/a',
    '/a/{rest+}',
    '/a/**',
    '/{x}/b/c',
    '/*/b',
    '/{rest+}',
    '/**',
  ]
  const patterns = ordered.map((text) => parsePattern(text).patterns[0]!)
  assert.deepEqual(
    patterns
      .toReversed()
      .sort(compareSpecificity)
      .map(({ text }) => text),
    ordered,
  )
})

test('a literal pattern fits its own path and no other', () => {
  const path = fc
    .string({ unit: 'grapheme' })
    .filter((text) => !text.includes('\0'))
    .map((text) => `/${text}`)
  fc.assert(
    fc.property(path, path, (own, other) => {
      const given = literalPattern(own)
      assert.equal(literalPath(given), own)
      assert.ok(matchPattern(given, own.slice(1).split('/')))
      assert.equal(matchPattern(given, other.slice(1).split('/')), own === other)
    }),
  )
})

const MATCHES: readonly [pattern: string, yes: readonly string[], no: readonly string[]][] = [
  ['/', ['/'], ['/a', '//']],
  ['/orders', ['/orders', '/%6frders'], ['/orders/', '/Orders', '/orders/7']],
  ['/orders/', ['/orders/'], ['/orders', '/orders//']],
  ['/orders/{id}', ['/orders/7', '/orders/%20', '/orders/a%2fb'], ['/orders/', '/orders', '/orders/7/']],
  ['/orders/{id:digits}', ['/orders/7'], ['/orders/7a', '/orders/%D9%A3', '/orders/']],
  ['/x/{h:hex}', ['/x/aF0'], ['/x/g']],
  ['/x/{w:word}', ['/x/a_1'], ['/x/a-1']],
  ['/x/{w:alphanumeric}', ['/x/a1'], ['/x/a_1']],
  ['/files/{name}.html', ['/files/a.html', '/files/a.b.html'], ['/files/.html', '/files/a.htm']],
  ['/v{n:digits}x', ['/v1x', '/v12x'], ['/vx', '/v1', '/1x', '/vax']],
  ['/aa{x}aa', ['/aabaa', '/aaaaa'], ['/aaaa', '/aaa']],
  ['/files/*', ['/files/a'], ['/files/', '/files', '/files/a/b']],
  ['/files/**', ['/files', '/files/', '/files/a', '/files/a/b/'], ['/file', '/filesx']],
  ['/files/{rest+}', ['/files/', '/files/a', '/files/a/b/'], ['/files']],
  ['/**', ['/', '/a', '//'], []],
  ['/\\{id\\}/\\*', ['/%7Bid%7D/*'], ['/7/x']],
  ['/a\\/b', ['/a%2Fb'], ['/a/b']],
]
for (const [text, yes, no] of MATCHES) {
  test(`${text} fits ${yes.join(' ')}`, () => {
    const given = parsePattern(text).patterns[0]!
    for (const path of yes) assert.ok(matchPattern(given, decodeSegments(path)!), path)
    for (const path of no) assert.ok(!matchPattern(given, decodeSegments(path)!), path)
  })
}

test('an escape that means nothing makes no segments', () => {
  assert.equal(decodeSegments('/a/%zz'), undefined)
})
