import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalPath, isOrdinaryPath, readTarget } from './path.ts'

const REFUSED = [
  '',
  'a',
  '*',
  'http://a/b',
  '%2fa',
  '/a\0b',
  '/a\x01',
  '/a b',
  '/a\tb',
  '/a\x7f',
  '/a\\b',
  '/a#b',
  '/café',
  '/\u{1f600}',
  '/\ud800',
  '/%00',
  '/a%00b',
  '/%5c',
  '/a%5Cb',
  '/%',
  '/%4',
  '/%zz',
  '/a%g0',
  '/%c3',
  '/%c0%af',
  '/%ed%a0%80',
  '/%f8%88%80%80%80',
  '/%ff',
  '/%2e',
  '/%2E%2e',
  '/.%2e',
  '/%2e.',
  '/a/%2e%2e/b',
  '/a/%2e/b',
  '/..;',
  '/..;/a',
  '/a/..;x=1/b',
  '/.;',
  '/a/.;x',
  '/..%3b',
  '/%2e%2e;x',
  '/..',
  '/../a',
  '/a/../..',
  '/a/../../b',
  '/a//../b',
  '/..%2fa',
  '/a%2f..',
  '/a%2f..%2fb',
  '/x/.%2fa',
  '/a%2fb/..',
  '/a%2Fb/../c',
]
for (const path of REFUSED) {
  test(`a request for ${JSON.stringify(path)} is refused`, () => {
    const result = canonicalPath(path)
    assert.equal(typeof result.problem, 'string')
    assert.deepEqual(readTarget(`${path}?q=1`), result)
  })
}

const RESOLVED: readonly [string, string][] = [
  ['/.', '/'],
  ['/./', '/'],
  ['/a/.', '/a/'],
  ['/a/./b', '/a/b'],
  ['/a/..', '/'],
  ['/a/b/..', '/a/'],
  ['/a/b/../c', '/a/c'],
  ['/a/../b/', '/b/'],
  ['/a/b/../../c', '/c'],
  ['/a%20b/../c', '/c'],
  ['/a//./b', '/a//b'],
]
for (const [path, expected] of RESOLVED) {
  test(`a request for ${path} is one for ${expected}`, () => {
    assert.deepEqual(canonicalPath(path), { problem: undefined, path: expected, encodedSlash: false })
  })
}

const KEPT = [
  '/',
  '//',
  '/a',
  '/a/',
  '/a//b',
  '//evil.example/a',
  '/a;v=1/b',
  '/a.b/c..d',
  '/...',
  '/.hidden',
  '/..hidden',
  '/a%20b',
  '/caf%C3%A9',
  '/caf%c3%a9',
  '/%F0%9F%98%80',
  '/a%2eb',
  '/a%252fb',
  '/%0d%0a',
  '/a%3Fb',
  '/a%23b',
  "/!$&'()*+,;=:@-._~",
  '/a|b^c{d}`"<>[]',
  '/%2e%2e%2e',
  '/;',
  '/a;..',
]
for (const path of KEPT) {
  test(`a request for ${path} goes on exactly as received`, () => {
    assert.deepEqual(canonicalPath(path), { problem: undefined, path, encodedSlash: false })
    assert.deepEqual(readTarget(`${path}?a=/../%00?`), {
      problem: undefined,
      path,
      encodedSlash: false,
      query: '?a=/../%00?',
    })
  })
}

test('an encoded slash is reported, for the route to decide', () => {
  for (const path of ['/a%2fb', '/a%2Fb', '/%2f', '/@scope%2fname/x']) {
    assert.deepEqual(canonicalPath(path), { problem: undefined, path, encodedSlash: true })
  }
})

test('a target without a query has an empty one, and a lone question mark stays', () => {
  assert.deepEqual(readTarget('/a'), { problem: undefined, path: '/a', encodedSlash: false, query: '' })
  assert.deepEqual(readTarget('/a?'), { problem: undefined, path: '/a', encodedSlash: false, query: '?' })
})

const piece = fc.constantFrom(
  '/',
  '.',
  '..',
  '%2e',
  '%2f',
  ';',
  'a',
  '%',
  '%41',
  '%c3%a9',
  '\\',
  '\0',
  'é',
  '#',
  '//',
)
const rawPath = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)

test('a canonical path is canonical, and no server finds a dot segment in it', () => {
  fc.assert(
    fc.property(rawPath, (raw) => {
      const result = canonicalPath(raw)
      if (result.problem !== undefined) return
      assert.deepEqual(canonicalPath(result.path), result)
      for (const segment of decodeURIComponent(result.path).split('/')) {
        assert.ok(!/^\.{1,2}(?:;|$)/.test(segment), result.path)
      }
      // The URL standard, which browsers and undici follow, reads it the same way.
      if (!result.path.startsWith('//'))
        assert.equal(
          decodeURIComponent(new URL(result.path, 'http://a').pathname),
          decodeURIComponent(result.path),
        )
    }),
    { numRuns: 2000 },
  )
})

test('the fast path accepts only what the careful one leaves as it is', () => {
  fc.assert(
    fc.property(fc.oneof(rawPath, fc.string({ unit: 'binary' })), (raw) => {
      if (!isOrdinaryPath(raw)) return
      assert.ok(!/[^\x21-\x7e]|[%#\\]|\/\./.test(raw) && raw.startsWith('/'))
    }),
    { numRuns: 2000 },
  )
})

test('text of any kind is answered and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (raw) => void readTarget(`/${raw}`)),
    { numRuns: 2000 },
  )
})
