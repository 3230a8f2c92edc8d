import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readSitePath } from './site-path.ts'

test('an address of this site is read as a browser would ask for it', () => {
  const cases: [text: string, address: string, path: string][] = [
    ['/', '/', '/'],
    ['/orders', '/orders', '/orders'],
    ['/orders?open=1#first', '/orders?open=1#first', '/orders'],
    ['/orders#first', '/orders#first', '/orders'],
    ['/a/../b/./c', '/b/c', '/b/c'],
    ['/café/größe?ö=é', '/caf%C3%A9/gr%C3%B6%C3%9Fe?%C3%B6=%C3%A9', '/caf%C3%A9/gr%C3%B6%C3%9Fe'],
    ['/caf%C3%A9', '/caf%C3%A9', '/caf%C3%A9'],
    ['/two words', '/two%20words', '/two%20words'],
    ['/"><script>', '/%22%3E%3Cscript%3E', '/%22%3E%3Cscript%3E'],
    ['/%6Frders/%7e%2D?%61=%2f%c3%B6', '/orders/~-?a=%2F%C3%B6', '/orders/~-'],
    ['/?%%36%31', '/?%%36%31', '/'],
    ['/a/%2e%2E%2e', '/a/%2E%2E%2E', '/a/%2E%2E%2E'],
    ['/?q={x}*', '/?q=%7Bx%7D*', '/'],
  ]
  for (const [text, address, path] of cases)
    assert.deepEqual(readSitePath(text), { address, path, encodedSlash: false }, text)
  assert.deepEqual(readSitePath('/a%2fb'), { address: '/a%2Fb', path: '/a%2Fb', encodedSlash: true })
})

test('whatever leads elsewhere, or nowhere, is no address of this site', () => {
  for (const text of [
    ...['', 'orders', ' /orders', 'javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x'],
    ...['http://evil.example/', '//evil.example', '/\\evil.example', '\\\\evil.example', '/.//evil.example'],
    ...['/a/..//evil.example', '/\t/evil.example', '/\n/evil.example', '/a\u0000', '/a?\r\nx', '/a\u0085'],
    ...['/orders/{id}', '/orders/*', '/files/**', '/100%', '/%00', '/a/%2e%2e/b', '/..', '/\ud800', '/%ff'],
  ])
    assert.equal(readSitePath(text), undefined, JSON.stringify(text))
})

test('nothing that is taken leaves the site, whatever page it stands in', () => {
  const base = 'http://site.example/any/page?x'
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '\\',
    '?',
    '#',
    '%2f',
    '%5c',
    '%61',
    '%2e',
    '%',
    '2',
    ':',
    '@',
    'a',
    'é',
    '\t',
    ' ',
    '*',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const at = readSitePath(pieces.join(''))
      if (!at) return
      const { origin, pathname, search, hash } = new URL(at.address, base)
      assert.equal(origin, 'http://site.example')
      assert.equal(pathname, at.path)
      assert.ok(at.address.startsWith(pathname) && at.address.includes(search) && at.address.includes(hash))
      assert.deepEqual(readSitePath(at.address), at, 'and is read the same again')
    }),
  )
})
