/**
 * Open pages at a real gateway: a service that is gone is a disabled link in every tab at once, a link again when it is
 * back, and its fragment stands in its place again.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { test } from 'node:test'
import { fragment } from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/node'
import { launchChromium } from '../support/chromium.ts'
import { startGateway } from '../support/gateway.ts'

const PAGE = `<!doctype html><html lang="en" xmlns:m="https://hydra.example/m"><head><title>Shop</title>
<script src="/_hydra/live.js" async></script></head><body><nav aria-label="Main"><m:menu name="main"/></nav>
<main><h1>Shop</h1><p><a m:link href="/orders?open#last">Your orders</a></p><input name="note">
<m:fragment service="orders" ref="last" live><p>No orders to show.</p></m:fragment></main></body></html>`

test('three tabs follow a service that goes and comes back, with its link, its menu item and its fragment', async (t) => {
  const gateway = await startGateway(t)
  const { url, publicKey, privateKey } = gateway
  const serve = async (options: Parameters<typeof hydra>[1], listener: RequestListener) => {
    const server = createServer(listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const service = await hydra(server, {
      gateway: url,
      publicKey,
      privateKey,
      log: false,
      signals: false,
      host: '127.0.0.1',
      ...options,
    })
    await service.ready
    return service
  }
  const shop = await serve(
    { name: 'shop', routes: ['GET /'], menu: [{ endpoint: '/', label: 'Shop' }] },
    (_, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.setHeader('hydra-compose', '1')
      response.end(PAGE)
    },
  )
  t.after(() => shop.close())
  const openOrders = () =>
    serve(
      {
        name: 'orders',
        title: 'Orders',
        routes: ['GET /orders'],
        menu: [{ endpoint: '/orders', label: 'Orders' }],
        fragments: [fragment('last', () => '<p>Order 7 is on its way.</p>')],
      },
      (_, response) => response.end('orders'),
    )
  const first = await openOrders()
  await first.close()

  const browser = await launchChromium()
  t.after(() => browser.close())
  const context = await browser.newContext()
  context.setDefaultTimeout(10_000)
  const tabs = await Promise.all([1, 2, 3].map(() => context.newPage()))
  const inAll = (check: (page: (typeof tabs)[number]) => Promise<unknown>) => Promise.all(tabs.map(check))
  await inAll((page) => page.goto(`${url}/`))
  await inAll((page) => page.getByRole('link', { name: 'Orders', exact: true, disabled: true }).waitFor())
  await inAll((page) => page.getByText('No orders to show.').waitFor())
  await tabs[0]!.locator('input').fill('half a thought')

  const second = await openOrders()
  t.after(() => second.close())
  await inAll((page) => page.locator('hydra-menu a[href="/orders"]').waitFor())
  await inAll((page) => page.locator('p a[href^="/orders"]').waitFor())
  await inAll((page) => page.getByText('Order 7 is on its way.').waitFor())
  assert.equal(await tabs[0]!.locator('input').inputValue(), 'half a thought')

  const from = performance.now()
  await second.close()
  await inAll((page) => page.getByRole('link', { name: 'Your orders', disabled: true }).waitFor())
  await inAll((page) =>
    page.locator('hydra-menu a[aria-disabled=true][title="Orders is away for a moment"]').waitFor(),
  )
  t.diagnostic(`in three tabs after ${Math.round(performance.now() - from)} ms`)
})
