import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readReturn, returnFromReferer } from './return-to.ts'

test('addresses of this site come back as they were written', () => {
  for (const ref of [
    '/',
    '/orders',
    '/orders/2291?tab=items&q=a%20b',
    '/a?next=https://evil.example',
    '/a#part',
    '/loginx',
  ])
    assert.equal(readReturn(ref), ref)
  assert.equal(readReturn('/grüße?q=ü b'), '/gr%C3%BC%C3%9Fe?q=%C3%BC%20b')
})

const HOSTILE: readonly string[] = [
  '',
  'orders',
  'https://evil.example/',
  'HTTPS:evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\nSet-Cookie: a=b',
  ' //evil.example',
  '/a\\b',
  '/a\u0000',
  '/\u007f',
  '/a\u0085b',
  '/%2f/evil.example',
  '/%2Fevil.example',
  '/%5cevil.example',
  '/a%5cb',
  '/%09/evil.example',
  '/%0d%0aset-cookie:a=b',
  '/.//evil.example',
  '/..//evil.example',
  '/x/..//evil.example',
  '/%2e//evil.example',
  '/%zz',
  '/%ff',
  '/login',
  '/login?ref=/a',
  '/%6cogin',
  '/x/../login',
  '/./login#a',
  '/logout',
  '/_hydra/session',
  '/_hydra',
  '/_hydra%2fsession',
  `/${'a'.repeat(4096)}`,
]

test('everything that leads elsewhere, or back into the sign-in, is none', () => {
  for (const ref of HOSTILE) assert.equal(readReturn(ref), undefined, JSON.stringify(ref))
  assert.equal(readReturn(null), undefined)
})

test('whatever is let through stays at this site, for a browser', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2f',
    '%5c',
    '%2e',
    ':',
    '@',
    '?',
    '#',
    '\t',
    'evil.example',
    'a',
    ' ',
    'ü',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const back = readReturn(`/${pieces.join('')}`)
      if (back === undefined) return
      const url = new URL(back, 'https://shop.example/login')
      assert.equal(url.origin, 'https://shop.example')
      assert.ok(!url.pathname.startsWith('//'))
      assert.notEqual(url.pathname, '/login')
      assert.match(back, /^[\x21-\x7e]+$/)
    }),
    { numRuns: 3000 },
  )
})

test('of a Referer header only the path of this very host counts', () => {
  const read = (referer?: string) => returnFromReferer(referer, 'shop.example:8080', 'https://public.example')
  assert.equal(read('http://shop.example:8080/orders?secret=1'), '/orders')
  assert.equal(read('https://public.example/orders'), '/orders')
  for (const other of [
    undefined,
    'x',
    'http://evil.example/orders',
    'http://shop.example/orders',
    'http://shop.example:8080/login',
    'http://shop.example:8080//evil.example',
  ])
    assert.equal(read(other), undefined)
})
