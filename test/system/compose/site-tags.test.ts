/**
 * Menus, links and live fragments in a page of any language, by a real gateway: the service knows nothing but a header.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { brotliCompressSync } from 'node:zlib'
import { createCookieBrowser } from '../../support/cookie-browser.ts'
import { eventually } from '../../support/eventually.ts'
import { startGateway, type TestGateway } from '../../support/gateway.ts'
import { openPage } from '../../support/live-page.ts'
import { openService } from '../fragments/channel-service.ts'
import { CHUNKED, chunk, pageBytes, startPages } from './site.ts'

const HTML = Buffer.from(
  '<!doctype html><html><head><title>é</title></head><body><nav><m:menu name="main"><a href="/">Home</a></m:menu></nav>' +
    '<p><a class="b" m:link href="../orders/7?x=1#top">Your order</a> <a m:link href="/nowhere">?</a></p>' +
    '<m:fragment service="orders" ref="a" live>Orders is away. <a m:link href="/orders">Orders</a></m:fragment></body></html>',
)

const MENU = [
  { endpoint: '/orders', label: 'Orders' },
  { endpoint: '/orders/admin', label: 'Returns', roles: ['ADMIN'] },
]

function openOrders(t: TestContext, gateway: TestGateway) {
  return openService(t, gateway, 'orders', {
    onCall: (call) => call.send('a', 'Order now'),
    more: { endpoints: ['/orders', '/orders/{id}'], menuItems: { main: MENU } },
  })
}

/** A page at `/` and below, as it is, cut where its query says, or compressed. */
async function startShop(t: TestContext, config: object = {}) {
  const { url: pages } = await startPages(t, ({ path, socket }) => {
    const cut = Number(/cut=(\d+)/.exec(path)?.[1] ?? -1)
    if (path.includes('br')) {
      const body = brotliCompressSync(HTML)
      const lines = ['Hydra-Compose: 1', 'Content-Encoding: br', 'Content-Type: text/html']
      socket.write(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n`),
          body,
        ]),
      )
    } else if (cut < 0) socket.write(pageBytes(HTML))
    else {
      socket.write(CHUNKED)
      for (const piece of [HTML.subarray(0, cut), HTML.subarray(cut)])
        if (piece.length > 0) socket.write(chunk(piece))
      socket.write('0\r\n\r\n')
    }
  })
  return startGateway(t, {
    rsocketPort: 0,
    services: { shop: { url: pages, routes: [{ path: '/shop/**' }] } },
    ...config,
  } as never)
}

const get = async (url: string) => (await fetch(url)).text()

/** The page once all of it is as it should be: what becomes of menus is told a moment after the routes. */
async function pageWith(url: string, ...expected: readonly RegExp[]): Promise<string> {
  let html = ''
  await eventually(async () => {
    html = await get(url)
    for (const each of expected) assert.match(html, each)
  })
  return html
}

test('a page of any language follows its services: menu, links and the fragment that went', async (t) => {
  const gateway = await startShop(t)
  const url = `${gateway.url}/shop/list`
  const before = await get(url)
  assert.match(
    before,
    /<nav><hydra-menu name="main"><a href="\/">Home<\/a><\/hydra-menu><\/nav>/,
    'there is no such menu yet',
  )
  assert.match(
    before,
    /<a data-hydra-link="\/orders\/7\?x=1#top" class="b" href="\.\.\/orders\/7\?x=1#top">/,
    'nor a route',
  )

  const wanted = async () => (await gateway.admin<{ wanted: unknown }>('menus')).wanted
  assert.deepEqual(await wanted(), [{ name: 'main', service: 'shop', path: '/shop/list' }])

  const orders = await openOrders(t, gateway)
  assert.deepEqual(await wanted(), [])
  const up = await pageWith(
    url,
    /<hydra-menu name="main"><ul><li data-state="available"><a data-hydra-link="\/orders" href="\/orders">Orders<\/a><\/li><\/ul><\/hydra-menu>/,
    /<a data-hydra-link="\/orders\/7\?x=1#top" class="b" href="\.\.\/orders\/7\?x=1#top">Your order/,
    /<a data-hydra-link="\/nowhere" href="\/nowhere">/,
    /-->Order now<!--\/hydra:live-->/,
  )
  const [, shown] = /<!--hydra:shown (\S+)-->/.exec(up) ?? []
  assert.ok(shown, up)

  orders.cut()
  const down = await pageWith(
    url,
    /<a data-hydra-link="\/orders" role="link" aria-disabled="true" tabindex="0" title="[^"]*away[^"]*">Orders<\/a><\/li>/,
    /Orders is away\. <a data-hydra-link="\/orders" role="link" aria-disabled="true"/,
  )
  assert.equal(/<!--hydra:live (\S+)-->/.exec(down)?.[1], shown, 'the same place')

  // What stands in the page is what an open page may ask about.
  const open = await openPage(t, gateway.url, `link=/orders&fragment=${encodeURIComponent(shown)}`)
  assert.deepEqual(open.state.fragments, { [shown]: false })
  await openOrders(t, gateway)
  await eventually(() => assert.deepEqual(open.state.fragments, { [shown]: true }))
})

test('however the page is cut, and whatever it is compressed with, it is the same', async (t) => {
  const gateway = await startShop(t)
  await openOrders(t, gateway)
  const expected = await pageWith(`${gateway.url}/shop/list?x`, /hydra-menu/, /Order now/)
  for (let at = 0; at < HTML.length; at += 5)
    assert.equal(await get(`${gateway.url}/shop/list?cut=${at}`), expected, `${at}`)
  assert.equal(await get(`${gateway.url}/shop/list?br`), expected)
  const head = await fetch(`${gateway.url}/shop/list`, { method: 'HEAD' })
  assert.match(head.headers.get('cache-control')!, /private/)
})

test('each visitor gets the items that are for them, and nobody else’s', async (t) => {
  const gateway = await startShop(t, {
    identity: { users: [{ username: 'mira', password: 'secret', roles: ['ADMIN'] }], database: false },
  })
  await openOrders(t, gateway)
  const mira = createCookieBrowser()
  await mira.signIn(gateway.url, { username: 'mira', password: 'secret' })
  assert.doesNotMatch(await pageWith(`${gateway.url}/shop/`, /hydra-menu/), /Returns|\/orders\/admin/)
  assert.match((await mira.get(`${gateway.url}/shop/`)).body, /href="\/orders\/admin">Returns/)
})
