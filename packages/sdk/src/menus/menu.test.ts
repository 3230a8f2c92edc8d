import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MenuViewItem, menuMarkup, menuView } from '@hydra-gateway/protocol'
import { createLink } from './link.ts'
import { createMenu } from './menu.ts'

const ITEMS: readonly MenuViewItem[] = [
  { path: '/orders', label: 'Orders', state: 'available', icon: 'box' },
  { path: '/orders/old', label: '<b>Old</b>', state: 'down', reason: 'Away', parent: '/orders' },
]

test('a menu is a list of plain data, and the HTML of all of it', () => {
  const menu = createMenu('main', ITEMS, { isStale: false, current: '/orders?x' })
  assert.deepEqual([...menu], JSON.parse(JSON.stringify(menu)))
  assert.deepEqual(
    menu.map(({ endpoint, label, available, current }) => [endpoint, label, available, current]),
    [
      ['/orders', 'Orders', true, true],
      ['/orders/old', '<b>Old</b>', false, false],
    ],
  )
  assert.deepEqual(menu[0]?.attributes, {
    'data-hydra-link': '/orders',
    href: '/orders',
    'aria-current': 'page',
    'data-icon': 'box',
  })
  assert.equal(menu.name, 'main')
  assert.equal(menu.tree.length, 1)
  assert.match(
    menu.toHtml({ class: 'wide' }),
    /^<hydra-menu name="main" class="wide"><ul><li data-state="available"><a data-hydra-link="\/orders" href="\/orders" aria-current="page"/,
  )
  assert.match(menu.html, /&lt;b&gt;Old&lt;\/b&gt;/)
  assert.equal(String(menu), menu.html)
  assert.doesNotMatch(menu.toHtml({ current: '/else' }), /aria-current/)
  assert.throws(() => (menu as unknown as unknown[]).push(1))
})

test('HTML that was made before is what would be made now', () => {
  for (const current of [undefined, '/orders', '/orders?x', '/else', '/orders/old'])
    for (const options of [{}, { class: 'a' }, { id: 'a' }, { class: 'a', id: 'a' }, { current: '/orders' }])
      for (const items of [ITEMS, ITEMS.slice(1)]) {
        const known = createMenu('main', items, { isStale: false, current })
        const now = menuMarkup(known.view, { ...(current !== undefined && { current }), ...options })
        assert.equal(known.toHtml(options), now)
        assert.equal(known.toHtml(options), now)
      }
})

test('a menu is sent on as the gateway would answer it, with a mark when it is stale', () => {
  const fresh = createMenu('main', ITEMS, { isStale: false, current: undefined })
  assert.deepEqual(menuView.parse(JSON.parse(JSON.stringify(fresh.view))), { name: 'main', items: ITEMS })
  const stale = createMenu('main', ITEMS, { isStale: true, current: undefined })
  assert.equal(stale.view.isStale, true)
  assert.equal(stale.isStale, true)
})

test('a link is its attributes, for templates of text and for those of data', () => {
  const down = createLink('/orders', { state: 'down', reason: 'Orders "is" away' }, false)
  const off =
    'data-hydra-link="/orders" role="link" aria-disabled="true" tabindex="0" title="Orders &quot;is&quot; away"'
  assert.equal(`<a ${down}>`, `<a ${off}>`)
  assert.equal(down.available, false)
  assert.equal(
    down.toHtml('<Orders>', { class: 'x', href: '/else' }),
    `<a class="x" ${off}>&lt;Orders&gt;</a>`,
  )
  assert.deepEqual(createLink('/x', undefined, true).attributes, {
    'data-hydra-link': '/x',
    href: '/x',
  })
  assert.equal(createLink('/x', undefined, true).state, 'unknown')
  assert.equal(createLink('/x', { state: 'closed' }, false).available, false)
  assert.equal(createLink('javascript:x', undefined, false).toHtml('x'), '<a>x</a>')
})
