/**
 * Runs the examples of docs/guides/menus.md that use the SDK, as they stand there.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { readGuide } from '../support/guide.ts'

const { run } = await readGuide('docs/guides/menus.md')

const get = async (gateway: TestGateway, path: string) => (await fetch(gateway.url + path)).text()
const menuIn = (html: string) =>
  /<nav aria-label="Site">(<hydra-menu.*<\/hydra-menu>)<\/nav>/.exec(html)?.[1] ?? html
const item = (path: string, label: string, current = false) =>
  `<li data-state="available"><a data-hydra-link="${path}" href="${path}"${current ? ' aria-current="page"' : ''}>${label}</a></li>`
const menu = (...items: readonly string[]) =>
  `<hydra-menu name="main"><ul>${items.join('')}</ul></hydra-menu>`
const OFF = (path: string, title: string) =>
  `data-hydra-link="${path}" role="link" aria-disabled="true" tabindex="0" title="${title} is away for a moment"`

test('Express, Fastify, Hono and plain Node render one menu, and links that follow', async (t) => {
  const gateway = await startGateway(t)
  const files = ['orders.mjs', 'parcels.mjs', 'help.mjs', 'news.mjs']
  const [orders] = await Promise.all(files.map((file) => run(t, gateway, file)))
  const pages = [
    ['/orders', 'Orders'],
    ['/parcels', 'Parcels'],
    ['/help', 'Help'],
    ['/news', 'News'],
  ] as const
  await eventually(async () => {
    for (const [at] of pages)
      assert.equal(
        menuIn(await get(gateway, at)),
        menu(...pages.map(([path, label]) => item(path, label, path === at))),
      )
  })
  // Nobody has it in this test.
  assert.match(
    await get(gateway, '/orders'),
    /<a data-hydra-link="\/cellar" href="\/cellar">What is left<\/a>/,
  )
  assert.match(
    await get(gateway, '/parcels'),
    /<a data-hydra-link="\/orders" href="\/orders">Orders<\/a><\/p>/,
  )
  assert.match(
    await get(gateway, '/help'),
    /<a class="button" data-hydra-link="\/orders" href="\/orders">Your orders<\/a>/,
  )
  await orders?.kill('SIGKILL')
  await eventually(async () => {
    const off = OFF('/orders', 'Orders')
    assert.ok((await get(gateway, '/parcels')).includes(`<p><a ${off}>Orders</a></p>`))
    assert.ok((await get(gateway, '/help')).includes(`<a class="button" ${off}>Your orders</a>`))
    assert.ok((await get(gateway, '/news')).includes(`<li data-state="down"><a ${off}>Orders</a></li>`))
  })
})

test('a page of the SDK has its menu and its links by tags', async (t) => {
  const gateway = await startGateway(t)
  const orders = await run(t, gateway, 'orders.mjs')
  await run(t, gateway, 'shop.mjs')
  const shown = menu(item('/shop', 'Shop', true), item('/orders', 'Orders')).replace(
    '"main"',
    '"main" class="wide"',
  )
  const link = (attributes: string) => `<p><a ${attributes}>Your orders</a></p>`
  await eventually(async () => {
    const page = await get(gateway, '/shop')
    assert.equal(menuIn(page), shown)
    assert.ok(page.includes(link('data-hydra-link="/orders" href="/orders"')), page)
  })
  await orders.kill('SIGKILL')
  await eventually(async () => {
    const page = await get(gateway, '/shop')
    assert.match(page, /<li data-state="down"><a data-hydra-link="\/orders" role="link"/)
    assert.match(page, /<p><a [^>]*aria-disabled="true"[^>]*>Your orders<\/a><\/p>/)
    assert.doesNotMatch(page, /href="\/orders"/)
  })
})
