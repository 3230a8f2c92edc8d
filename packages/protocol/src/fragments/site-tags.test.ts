import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayHoldSiteTags, rewriteSiteTags, type SiteTags } from './site-tags.ts'

const site: SiteTags = {
  menu: ({ name }) => (name === 'main' ? '<hydra-menu name="main"></hydra-menu>' : undefined),
  link: (path) =>
    path === '/orders' ? { path, link: { state: 'down', reason: 'Orders is away' } } : undefined,
}

test('menus are put in, and links rewritten, where they stand', () => {
  assert.equal(
    rewriteSiteTags('<nav>\u00e9<m:menu name="main">x<b></m:menu></nav><m:menu name=main />', site),
    '<nav>\u00e9<hydra-menu name="main"></hydra-menu></nav><hydra-menu name="main"></hydra-menu>',
  )
  assert.equal(
    rewriteSiteTags(
      '<!--<a m:link href=/orders>--><a m:link href="/orders">\u00e9</a><a m:link href=/x>',
      site,
    ),
    '<!--<a m:link href=/orders>--><a data-hydra-link="/orders" role="link" aria-disabled="true" tabindex="0" title="Orders is away">\u00e9</a><a m:link href=/x>',
  )
})

test('a menu nobody has yet is its element around its fallback, with what stands in it', () => {
  assert.equal(
    rewriteSiteTags(
      'a<m:menu name=other class=x>b<m:menu name=main>c</m:menu><m:menu name=else />d</m:menu>e',
      site,
    ),
    'a<hydra-menu name="other" class="x">b<hydra-menu name="main"></hydra-menu><hydra-menu name="else"></hydra-menu>d</hydra-menu>e',
  )
})

test('one that never ends, or has no name, is left out', () => {
  assert.equal(rewriteSiteTags('a<m:menu name=main>b<m:menu>c</m:menu>d', site), 'abcd')
})

test('what was no tag of ours is none afterwards', () => {
  const html = '<m:fragment ref=a>x</m:fragment><p title=":menu ">\ufeff</p>'
  assert.equal(rewriteSiteTags(html, site), html)
})

test('nearly no HTML is looked at', () => {
  for (const html of ['<m:menu name=a>', '<a X:LINK\nhref>', '<a m:link>']) assert.ok(mayHoldSiteTags(html))
  for (const html of ['<menu>', '<a href="http://x">', '<a m:links>', '<link rel=a>']) {
    assert.ok(!mayHoldSiteTags(html), html)
  }
})

test('menus nobody has, each in another, cost no more than one', () => {
  const links = '<a m:link>'.repeat(150_000)
  const depth = 1000
  const began = performance.now()
  const within = (element: string) =>
    `${`<${element} name="none">`.repeat(depth)}${links}${`</${element}>`.repeat(depth)}`
  assert.equal(rewriteSiteTags(within('m:menu'), site), within('hydra-menu'))
  assert.ok(performance.now() - began < 3000)
})
