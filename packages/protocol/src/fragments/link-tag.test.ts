import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseFragment } from 'parse5'
import type { LinkView } from '../menu.ts'
import { linkAttributes } from '../menu-markup.ts'
import { pathOfLink } from './link-path.ts'
import { rewriteLink } from './link-tag.ts'

const AVAILABLE: LinkView = { state: 'available' }
const DOWN: LinkView = { state: 'down', reason: 'Orders is "away" for a moment' }
const SLOW: LinkView = { state: 'degraded', reason: 'Orders is slower than usual' }

function rewritten(tag: string, link: LinkView = AVAILABLE): string | undefined {
  return rewriteLink(tag, (href) => {
    const path = pathOfLink(href, { path: '/shop/list?page=2' })
    return path === undefined ? undefined : { link, path }
  })
}

test('a link that is available keeps all its author wrote but the mark', () => {
  assert.equal(rewritten('<a m:link href="/orders">'), '<a data-hydra-link="/orders" href="/orders">')
  assert.equal(
    rewritten(
      '<A class=x\n HREF = orders/7#top  M:Link="" title=\'Mine &amp; yours\' role=button tabindex=-1 >',
    ),
    '<A data-hydra-link="/shop/orders/7#top" class=x\n HREF = orders/7#top  title=\'Mine &amp; yours\' role=button tabindex=-1 >',
  )
})

test('a link nobody is known to serve is found by an open page, which hears when somebody does', () => {
  assert.equal(
    rewriteLink('<a m:link href="later?x">', () => ({ link: undefined, path: '/later?x' })),
    '<a data-hydra-link="/later?x" href="later?x">',
  )
})

test('a link that is down leads nowhere, says so, and can still be reached', () => {
  const said = 'role="link" aria-disabled="true" tabindex="0" title="Orders is &quot;away&quot; for a moment"'
  assert.equal(
    rewritten('<a m:link href="/orders" class="b">', DOWN),
    `<a data-hydra-link="/orders" ${said} class="b">`,
  )
  assert.equal(
    rewritten('<a title=a href=/orders role=button href=/other tabindex="-1" m:link x:link id=b>', DOWN),
    `<a data-hydra-link="/orders" ${said} id=b>`,
    'also what browsers would read when the first of two is gone',
  )
  assert.equal(
    rewritten('<a m:link href="/orders">', { state: 'closed' }),
    '<a data-hydra-link="/orders" role="link" aria-disabled="true" tabindex="0">',
  )
})

test('a slow one says why, and stays a link', () => {
  assert.equal(
    rewritten('<area m:link title="Orders" href="/orders?x=1&amp;y=2">', SLOW),
    '<area data-hydra-link="/orders?x=1&amp;y=2" title="Orders is slower than usual" href="/orders?x=1&amp;y=2">',
  )
})

test('what leads elsewhere, or nowhere, stays as it is', () => {
  for (const href of [
    'https://elsewhere.example/orders',
    '//elsewhere.example',
    '/\\elsewhere.example',
    '/\t/elsewhere.example',
    'javascript:alert(1)',
    'java&#115;cript:alert(1)',
    'mailto:a@b.example',
    'http://[',
    '/.//elsewhere.example',
  ])
    assert.equal(rewritten(`<a m:link href="${href}">`, DOWN), undefined, href)
  assert.equal(rewritten('<a m:link>'), undefined)
  assert.equal(
    rewritten('<a m:link href>'),
    '<a data-hydra-link="/shop/list?page=2" href>',
    'the page itself',
  )
})

test('a path is put together as browsers do', () => {
  const at = { path: '/shop/list?page=2', origin: 'https://shop.example' }
  const paths: Record<string, string | undefined> = {
    '/orders': '/orders',
    '/orders/7?x=1#top': '/orders/7?x=1#top',
    'orders/7': '/shop/orders/7',
    '../orders': '/orders',
    './': '/shop/',
    '/a/../orders': '/orders',
    '?x': '/shop/list?x',
    '#y': '/shop/list?page=2#y',
    '': '/shop/list?page=2',
    ' /orders ': '/orders',
    '/caf\u00e9': '/caf%C3%A9',
    'https://shop.example/orders': '/orders',
    'https://shop.example:443/orders': '/orders',
    'https://shop.example:8443/orders': undefined,
    'http://shop.example/orders': undefined,
  }
  for (const [href, path] of Object.entries(paths)) assert.equal(pathOfLink(href, at), path, href)
  assert.equal(pathOfLink('https://shop.example/orders', { path: '/' }), undefined)
})

test('a tag keeps its bytes, whatever the characters of its page', () => {
  const bytes = {
    decode: (text: string) => Buffer.from(text, 'latin1').toString(),
    encode: (text: string) => Buffer.from(text).toString('latin1'),
  }
  const tag = Buffer.concat([
    Buffer.from('<a m:link href="/caf\u00e9" class="'),
    Buffer.of(0xff, 0x80),
    Buffer.from('">'),
  ])
  const text = rewriteLink(
    tag.toString('latin1'),
    (path) => ({ path, link: { state: 'down', reason: 'Ausgew\u00e4hlt' } }),
    bytes,
  )!
  assert.deepEqual(
    Buffer.from(text, 'latin1'),
    Buffer.concat([
      Buffer.from(
        '<a data-hydra-link="/caf\u00e9" role="link" aria-disabled="true" tabindex="0" title="Ausgew\u00e4hlt" class="',
      ),
      Buffer.of(0xff, 0x80),
      Buffer.from('">'),
    ]),
  )
})

const name = fc.constantFrom(
  ...['href', 'HREF', 'm:link', 'x-1:Link', 'title', 'role', 'tabindex', 'aria-disabled', 'data-hydra-link'],
  ...['class', 'id', 'a"', "b'", 'xlink:href', 'm:links', '=x', 'disabled'],
)
const value = fc.constantFrom(
  '/orders',
  '/',
  '/x/',
  'a',
  '',
  '/x?y=1&amp;z',
  'a/b',
  '&quot;',
  '-1',
  'a>b',
  "it's",
  '"',
)
const attribute = fc
  .tuple(name, fc.constantFrom('=', '=', '=', ' = ', '\n=\t', ''), fc.constantFrom('"', "'", ''), value)
  .map(([key, equals, quote, text]) => {
    if (equals === '') return key
    const safe = quote === '' ? text.replace(/[>"']/g, '') || 'v' : text.replaceAll(quote, '')
    return `${key}${equals}${quote}${safe}${quote}`
  })
const gap = fc.constantFrom(' ', ' ', '\n', ' / ', '/', '\t \t')
const tagText = fc
  .tuple(
    fc.constantFrom('a', 'A', 'area'),
    fc.array(fc.tuple(gap, attribute), { minLength: 1, maxLength: 8 }),
    fc.constantFrom('', ' ', '/', ' / '),
  )
  .map(([element, list, end]) => `<${element}${list.flat().join('')}${end}>`)
const link = fc.constantFrom<LinkView>(AVAILABLE, DOWN, SLOW, { state: 'closed' })

/** Of a text that is one tag and nothing else. */
function attributesOf(tag: string): Record<string, string> | undefined {
  const [element, ...rest] = parseFragment(tag).childNodes
  if (!element || !('attrs' in element) || element.childNodes.length + rest.length > 0) return undefined
  return Object.fromEntries(element.attrs.map((one) => [one.name, one.value]))
}

test('a browser sees the attributes it should, and all others as they were', () => {
  fc.assert(
    fc.property(tagText, link, (tag, view) => {
      const before = attributesOf(tag)
      fc.pre(before !== undefined)
      let path = ''
      const text = rewriteLink(tag, (href) => {
        const found = pathOfLink(href, { path: '/' })
        if (found === undefined) return undefined
        path = found
        return { link: view, path }
      })
      if (text === undefined) {
        assert.ok(pathOfLink(before.href ?? '//', { path: '/' }) === undefined, tag)
        return
      }
      const isOpen = view.state === 'available' || view.state === 'degraded'
      const written = linkAttributes(view, path)
      const kept = Object.entries(before).filter(([key]) => {
        if (/^[\w.-]+:link$/.test(key) || Object.hasOwn(written, key)) return key === 'href'
        return isOpen || (key !== 'href' && key !== 'xlink:href')
      })
      assert.deepEqual(
        attributesOf(text),
        { ...written, ...Object.fromEntries(kept) },
        `${tag} became ${text}`,
      )
    }),
    { numRuns: 5000 },
  )
})
