import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'parse5'
import type { MenuViewItem } from './menu.ts'
import {
  attributesText,
  currentOf,
  isLocalPath,
  linkAttributes,
  menuMarkup,
  menuTree,
} from './menu-markup.ts'

const item = (path: string, label: string, more: Partial<MenuViewItem> = {}): MenuViewItem => ({
  path,
  label,
  state: 'available',
  ...more,
})

test('a menu is a list of links; one that is down has no href and stays in the order of the keyboard', () => {
  const items = [
    item('/catalog', 'Catalog', { icon: 'book' }),
    item('/orders', 'Orders', { state: 'down', reason: 'Orders is away for a moment' }),
    item('/stock', 'Stock', { state: 'degraded', reason: 'Stock is slower than usual' }),
  ]
  assert.equal(
    menuMarkup({ name: 'main', items }, { current: '/catalog', class: 'wide', id: 'top' }),
    '<hydra-menu name="main" class="wide" id="top"><ul>' +
      '<li data-state="available"><a data-hydra-link="/catalog" href="/catalog" aria-current="page" data-icon="book">Catalog</a></li>' +
      '<li data-state="down"><a data-hydra-link="/orders" role="link" aria-disabled="true" tabindex="0" title="Orders is away for a moment">Orders</a></li>' +
      '<li data-state="degraded"><a data-hydra-link="/stock" href="/stock" title="Stock is slower than usual">Stock</a></li>' +
      '</ul></hydra-menu>',
  )
})

test('a menu with nothing in it is an empty list, so that something can appear there', () => {
  assert.equal(menuMarkup({ name: 'main', items: [] }), '<hydra-menu name="main"><ul></ul></hydra-menu>')
})

test('headings gather their items where the first of them stands; children stand in a list below their parent', () => {
  const items = [
    item('/a', 'A'),
    item('/g1', 'G1', { group: 'Shop' }),
    item('/g1/x', 'X', { parent: '/g1' }),
    item('/b', 'B'),
    item('/g2', 'G2', { group: 'Shop' }),
  ]
  const plain = menuMarkup({ name: 'm', items }).replace(/ data-hydra-link="[^"]*" href="[^"]*"/g, '')
  const li = '<li data-state="available">'
  assert.equal(
    plain,
    `<hydra-menu name="m"><ul>${li}<a>A</a></li><li data-group="Shop"><span>Shop</span><ul>${li}<a>G1</a><ul>${li}<a>X</a></li></ul></li>${li}<a>G2</a></li></ul></li>${li}<a>B</a></li></ul></hydra-menu>`,
  )
})

test('an item whose parent is not there, or stands after it, is at the top', () => {
  const items = [item('/a', 'A', { parent: '/b' }), item('/b', 'B'), item('/c', 'C', { parent: '/nowhere' })]
  assert.equal(menuTree(items).length, 3)
})

test('ten thousand items, each below the one before, make a page a browser can read', () => {
  const items = Array.from({ length: 10_000 }, (_, at) =>
    item(`/${at}`, `${at}`, at > 0 ? { parent: `/${at - 1}` } : {}),
  )
  const html = menuMarkup({ name: 'deep', items })
  assert.equal(html.match(/<li/g)?.length, 10_000)
  let depth = 0
  let deepest = 0
  for (const [tag] of html.matchAll(/<\/?ul>/g)) {
    depth += tag === '<ul>' ? 1 : -1
    deepest = Math.max(deepest, depth)
  }
  assert.equal(deepest, 8)
})

test('links: available and degraded lead on, down and closed do not, and one nobody judges is left as it is', () => {
  assert.deepEqual(linkAttributes({ state: 'available' }, '/x'), { 'data-hydra-link': '/x', href: '/x' })
  assert.deepEqual(linkAttributes({ state: 'degraded', reason: 'slow' }, '/x'), {
    'data-hydra-link': '/x',
    href: '/x',
    title: 'slow',
  })
  const off = { 'data-hydra-link': '/x', role: 'link', 'aria-disabled': 'true', tabindex: '0' }
  assert.deepEqual(linkAttributes({ state: 'down', reason: 'away' }, '/x'), { ...off, title: 'away' })
  assert.deepEqual(linkAttributes({ state: 'closed' }, '/x'), off)
  assert.deepEqual(linkAttributes(undefined, '/x'), { 'data-hydra-link': '/x', href: '/x' })
})

test('an address that leaves the site never becomes a link', () => {
  const hostile = [
    'javascript:alert(1)',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' /x',
    'http://evil.example/',
    'data:text/html,x',
    'orders',
    '',
    '/x\u0000',
  ]
  for (const path of hostile) {
    assert.equal(isLocalPath(path), false, JSON.stringify(path))
    assert.deepEqual(linkAttributes({ state: 'available' }, path), {})
    assert.equal(
      menuMarkup({ name: 'm', items: [item(path, 'x')] }),
      '<hydra-menu name="m"><ul></ul></hydra-menu>',
    )
  }
  for (const path of ['/', '/orders', '/orders?sort=a&x=1#there', '/grüße', '/a//b'])
    assert.equal(isLocalPath(path), true, path)
})

test('the page itself is found by path and query, else by path', () => {
  const items = [item('/orders', 'All'), item('/orders?open', 'Open')]
  assert.equal(currentOf(items, '/orders'), '/orders')
  assert.equal(currentOf(items, '/orders?open'), '/orders?open')
  assert.equal(currentOf(items, '/orders?other#x'), '/orders')
  assert.equal(currentOf(items, '/orders/7'), undefined)
  assert.equal(currentOf(items, undefined), undefined)
})

test('whatever labels, headings, reasons and names say, the page has the elements of a menu and their words as text', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "' onclick='x",
      '&amp;',
      '-->',
      '</ul>',
    ),
    fc.string({ unit: 'grapheme-ascii' }),
  )
  const hostile = fc.record({
    label: word,
    group: word,
    icon: word,
    reason: word,
    path: word.map((text) => `/${text}`),
  })
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 6 }), word, (items, name) => {
      const view = { name, items: items.map((one) => ({ ...one, state: 'down' as const })) }
      const labels: string[] = []
      const tags = new Set<string>()
      const attributes = new Set<string>()
      walk(parse(menuMarkup(view, { class: name, id: name })))
      for (const tag of ['script', 'img']) assert.ok(!tags.has(tag))
      const known = ['name', 'class', 'id', 'data-state', 'data-group', 'data-hydra-link', 'data-icon']
      for (const attribute of attributes)
        assert.ok([...known, 'role', 'aria-disabled', 'tabindex', 'title'].includes(attribute), attribute)
      const read = (text: string) => text.replace(/\r\n?/g, '\n')
      const shown = items.filter(({ path }) => isLocalPath(path))
      assert.deepEqual(labels.sort(), shown.map(({ label }) => read(label)).sort())

      function walk(node: ReturnType<typeof parse> | object): void {
        const {
          tagName,
          attrs = [],
          childNodes = [],
        } = node as {
          tagName?: string
          attrs?: { name: string }[]
          childNodes?: { value?: string }[]
        }
        if (tagName) tags.add(tagName)
        for (const { name: attribute } of attrs) attributes.add(attribute)
        if (tagName === 'a') labels.push(childNodes.map(({ value }) => value ?? '').join(''))
        for (const child of childNodes) walk(child)
      }
    }),
  )
})

test('attributes are written one after the other, in quotes', () => {
  assert.equal(
    attributesText({ href: '/a?b=1&c="', title: "it's" }),
    'href="/a?b=1&amp;c=&quot;" title="it&#39;s"',
  )
})
