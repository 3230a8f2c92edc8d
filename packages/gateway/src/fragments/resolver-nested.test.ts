/** Fragments in fragments, whatever language their service is written in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MOST_ASSETS } from '@hydra-gateway/protocol'
import { createManualClock } from '../observe/manual-clock.ts'
import { html, instanceOf, start, tag } from './testing/played-services.ts'

test('tags in a fragment’s HTML are resolved, and get of it what they import', async () => {
  const page = start({ services: [instanceOf('orders'), instanceOf('geo')], attributes: { page: 'p' } })
  page.add(tag('orders', 'cart', { imports: 'page as title', exports: 'total, zone' }))
  await page.go()
  page.calls[0]!.answers(
    html(
      'cart',
      '<p>[<m:fragment service="geo" ref="zip" imports="title, secret as x, page" exports="code as zone">?</m:fragment>]</p>',
      {
        total: 3,
        secret: 's',
      },
    ),
  )
  await page.turn()
  assert.equal(page.outcomes.size, 0, 'not there before what is in it')
  const inner = page.calls[1]!
  assert.deepEqual(inner.request.requests[0]?.values, { title: 'p', x: 's' }, 'the page itself is far away')
  assert.deepEqual(inner.request.context, { depth: 2, chain: ['orders#cart'], route: 'v1.x' })
  inner.answers(html('zip', '9000', { code: 'BE' }))
  await page.turn()
  assert.deepEqual(page.shown(), ['<p>[9000]</p>'])
  assert.deepEqual(page.outcomes.get(0)?.exports, { total: 3, zone: 'BE' }, 're-exported by its own tag')
  assert.equal(page.isDone, true)
})

test('what is late inside of a fragment shows its fallback; the fragment around it is shown', async () => {
  const clock = createManualClock()
  const page = start({ services: [instanceOf('orders'), instanceOf('geo')], clock, budgetMs: 1000 })
  page.add(tag('orders', 'cart', { timeoutMs: 500 }))
  await page.go()
  clock.advance(200)
  page.calls[0]!.answers(
    html(
      'cart',
      '<p><m:fragment service="geo" ref="zip">no <b><m:fragment service="" ref="own"/></b></m:fragment></p>',
    ),
  )
  await page.turn()
  assert.equal(Math.round(page.calls[1]!.timeoutMs), 300)
  clock.advance(300)
  await page.turn()
  assert.deepEqual(page.shown(), ['<p>no <b></b></p>'])
  assert.deepEqual(
    page.counted.map(([service, outcome]) => `${service} ${outcome}`),
    ['geo budget', 'orders budget', 'orders rendered'],
  )
})

test('a fragment that holds itself is cut where it begins again', async () => {
  const page = start({ services: [instanceOf('orders')] })
  page.add(tag('orders', 'cart'))
  await page.go()
  page.calls[0]!.answers(html('cart', '<i><m:fragment ref="cart">end</m:fragment></i>'))
  await page.turn()
  assert.deepEqual(page.shown(), ['<i>end</i>'])
  assert.equal(page.calls.length, 1)
  assert.equal(page.counted[0]?.[1], 'recursion')
  assert.equal(page.lines.filter(({ fields }) => fields.reason === 'recursion').length, 1)
})

test('tags that can not be read are taken out, what stands in them stays, and the log says where they are', async () => {
  const page = start({ services: [instanceOf('orders')] })
  page.add(tag('orders', 'cart'))
  await page.go()
  page.calls[0]!.answers(html('cart', '<p>a<m:fragment service="x">b</m:fragment>c</p>'))
  await page.turn()
  assert.deepEqual(page.shown(), ['<p>abc</p>'])
  assert.deepEqual(page.dropped, ['nested-tags'])
  assert.match(String(page.lines[0]?.fields.detail), /orders#cart/)
})

test('markup for machines inside of a fragment gives its scope more attributes', async () => {
  const page = start({ services: [instanceOf('py', { isOurs: false })], via: 'http', attributes: { all: 1 } })
  page.add(tag('py', 'cart'))
  await page.go()
  page.calls[0]!.answers(
    html(
      'cart',
      '<script type="application/json" m:attributes>{"sku":"s1"}</script><m:fragment ref="stock" imports="sku, all">?</m:fragment>',
    ),
  )
  await page.turn()
  assert.deepEqual(page.calls[1]?.request.attributes, { sku: 's1', all: 1 })
  page.calls[1]!.answers(html('stock', '3 left'))
  await page.turn()
  assert.deepEqual(page.shown(), ['3 left'])
})

test('a tag inside of a fragment is one in capital letters too', async () => {
  const page = start({ services: [instanceOf('orders'), instanceOf('geo')] })
  page.add(tag('orders', 'cart'))
  await page.go()
  page.calls[0]!.answers(html('cart', '<P>[<M:FRAGMENT SERVICE="geo" REF="zip">?</M:FRAGMENT>]</P>'))
  await page.turn()
  page.calls[1]?.answers(html('zip', '9000'))
  await page.turn()
  assert.deepEqual(page.shown(), ['<P>[9000]</P>'])
})

test('attributes nobody could send on cost a fragment nothing but themselves', async () => {
  const page = start({ services: [instanceOf('py', { isOurs: false })], via: 'http', attributes: { all: 1 } })
  page.add(tag('py', 'cart'))
  await page.go()
  const deep = `{"sku":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  page.calls[0]!.answers(
    html(
      'cart',
      `<script type="application/json" m:attributes>${deep}</script><m:fragment ref="stock">?</m:fragment>`,
    ),
  )
  await page.turn()
  assert.deepEqual(page.calls[1]?.request.attributes, { all: 1 })
  assert.deepEqual(page.dropped, ['attributes-unreadable'])
})

test('assets of fragments inside are addresses of their own services', async () => {
  const page = start({
    services: [
      instanceOf('orders', {
        refs: new Map([['cart', { ref: 'cart', attributes: [], assets: { styles: ['cart.css'] } }]]),
      }),
      instanceOf('geo', { version: '2.0' }),
    ],
  })
  page.add(tag('orders', 'cart'))
  await page.go()
  page.calls[0]!.answers({
    ...html('cart', '<m:fragment service="geo" ref="zip"/>'),
    assets: { scripts: ['cart.js'], styles: ['cart.css'] },
  })
  await page.turn()
  page.calls[1]!.answers({ ...html('zip', 'z'), assets: { scripts: ['zip.js'] } })
  await page.turn()
  assert.deepEqual(page.outcomes.get(0)?.assets, {
    styles: ['cart.css'],
    scripts: ['cart.js', '/geo/zip.js?v=2.0'],
  })
})

test('a fragment with those inside it has as many styles as whoever asks can take', async () => {
  const page = start({ services: [instanceOf('orders'), instanceOf('geo')] })
  page.add(tag('orders', 'cart'))
  await page.go()
  const styles = Array.from({ length: MOST_ASSETS }, (_, n) => `${n}.css`)
  const cart = html('cart', '<m:fragment service="geo" ref="zip">?</m:fragment>')
  page.calls[0]!.answers({ ...cart, assets: { styles } })
  await page.turn()
  page.calls[1]!.answers({ ...html('zip', '9000'), assets: { styles: ['zip.css'] } })
  await page.turn()
  assert.deepEqual(page.outcomes.get(0)?.assets, { styles, scripts: [] })
  assert.deepEqual(page.dropped, ['assets'])
})

test('the X-ray marks fragments inside of others; nobody else sees a mark', async () => {
  for (const isXray of [true, false]) {
    const page = start({ services: [instanceOf('orders'), instanceOf('geo')], context: { isXray } })
    page.add(tag('orders', 'cart'))
    await page.go()
    page.calls[0]!.answers(html('cart', '<m:fragment service="geo" ref="zip"/>'))
    await page.turn()
    page.calls[1]!.answers(html('zip', 'z'))
    await page.turn()
    const shown = isXray ? '<!--hydra:fragment 0.0-->z<!--/hydra:fragment 0.0-->' : 'z'
    assert.deepEqual(page.shown(), [shown])
  }
})

test('cancelling a page cancels what is asked for inside of its fragments', async () => {
  const page = start({ services: [instanceOf('orders'), instanceOf('geo')] })
  page.add(tag('orders', 'cart'))
  await page.go()
  page.calls[0]!.answers(html('cart', '<m:fragment service="geo" ref="zip"/>'))
  await page.turn()
  page.resolution.cancel()
  assert.equal(page.calls[1]?.isCancelled, true)
  page.calls[1]!.answers(html('zip', 'z'))
  await page.turn()
  assert.equal(page.outcomes.size, 0)
})

test('tags beyond the most of a page are said once for each fragment they stand in', async () => {
  const page = start({ services: [instanceOf('orders')], settings: { maxPerPage: 3 } })
  page.add(tag('orders', 'cart'))
  await page.go()
  page.calls[0]!.answers(html('cart', '<m:fragment service="orders" ref="row">-</m:fragment>'.repeat(1000)))
  await page.turn()
  page.calls[1]!.answers(html('row', 'row'))
  await page.turn()
  assert.equal(page.shown()[0]?.length, 'row'.length + 999)
  assert.deepEqual(
    page.counted.map(([, outcome]) => outcome),
    ['too-many', 'rendered', 'unreadable', 'rendered'],
  )
})
