/**
 * Direct hits, in a real browser: the address of a service that is away shows a page that turns into the real one when it
 * returns: by itself, once, for one who waits and for many, with a script and without.
 */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { hydra } from '@hydra-gateway/sdk/node'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

const BACK =
  '<!doctype html><html lang="en"><title>Orders</title><link rel="icon" href="data:,"><main><h1>The real orders</h1></main>'
const SORRY =
  '<!doctype html><html lang="en"><title>Closed</title><body><h1>Orders is closed for a moment</h1></body></html>'

const USERS = [{ id: 7, username: 'mira', password: 'pond-boots', roles: ['USER'] }]

/** A service that comes and goes. */
interface Orders {
  /** GETs of its page that reached it. */
  opened: number
  come(): Promise<void>
  go(): Promise<void>
}

/** A gateway with a shop that stays and orders that are known and away. */
async function openSite(
  t: TestContext,
  { orders: more = {}, diesWhenLookedAt = false }: { orders?: object; diesWhenLookedAt?: boolean } = {},
): Promise<{ gateway: TestGateway; orders: Orders }> {
  const gateway = await startGateway(t, { siteTitle: 'Lerna Outfitters', identity: { users: USERS } })
  const { url, publicKey, privateKey } = gateway
  const register = async (name: string, options: object, listener: RequestListener) => {
    const server = createServer(listener)
    const service = await hydra(server, {
      gateway: url,
      publicKey,
      privateKey,
      name,
      log: false,
      ...options,
    })
    server.listen(0, '127.0.0.1')
    await service.ready
    return service
  }
  const answer = (html: string): RequestListener => {
    return ({ method }, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(method === 'HEAD' ? undefined : html)
    }
  }
  const shop = await register(
    'shop',
    { routes: ['/catalog'], menus: { main: [{ path: '/catalog', label: 'Catalog' }] } },
    answer('<!doctype html><html lang="en"><title>Shop</title><h1>The catalog</h1>'),
  )
  let service: Awaited<ReturnType<typeof register>> | undefined
  const orders: Orders = {
    opened: 0,
    async come() {
      service = await register(
        'orders',
        { title: 'Orders', routes: [{ path: '/orders', ...more }] },
        (request, response) => {
          if (request.method === 'GET' && request.url?.startsWith('/orders')) orders.opened++
          if (request.method === 'HEAD' && diesWhenLookedAt) response.once('close', () => service?.close())
          answer(BACK)(request, response)
        },
      )
      await eventually(async () => assert.equal(await stateOf(gateway), 'up'))
    },
    async go() {
      await service?.close()
      await eventually(async () => assert.equal(await stateOf(gateway), 'down'))
    },
  }
  t.after(() => Promise.all([shop.close(), service?.close()]))
  await orders.come()
  await orders.go()
  return { gateway, orders }
}

/** Whether the gateway has somebody for the orders. */
async function stateOf(gateway: TestGateway): Promise<'up' | 'down'> {
  const { services } = await gateway.admin('services')
  const { instances } = services.find(({ name }: { name: string }) => name === 'orders')
  return instances.length > 0 ? 'up' : 'down'
}

async function openBrowser(
  t: TestContext,
  gateway: TestGateway,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const browser = await launchChromium()
  t.after(() => browser.close())
  const context = await browser.newContext({ baseURL: gateway.url, ...options })
  context.setDefaultTimeout(10_000)
  return context
}

/** Requests of a page, such as `HEAD /orders`, from here on. */
function follow(page: Page): string[] {
  const asked: string[] = []
  page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`))
  return asked
}

/** Has a page note that it is told how the orders are: from its very beginning, so that no word of it is missed. */
const noteTold = (page: Page) =>
  page.addInitScript(`document.addEventListener('hydra:link', () => { globalThis.wasTold = true })`)
const isTold = (page: Page) => page.waitForFunction('globalThis.wasTold')

test('the page of a service that is away is told of its return, and opens the real one once', async (t) => {
  const { gateway, orders } = await openSite(t)
  const context = await openBrowser(t, gateway)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 503/.test(message.text())) complaints.push(message.text())
  })
  await noteTold(page)
  assert.equal((await page.goto('/orders?open=1'))?.status(), 503)
  assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Orders is away for a moment')
  await isTold(page)
  const asked = follow(page)
  // Longer than a page that is told nothing waits before it asks.
  await page.waitForTimeout(4000)
  assert.deepEqual(asked, [], 'it asks nothing while it is told')

  await orders.come()
  const since = performance.now()
  await page.getByText('The real orders').waitFor()
  const ms = Math.round(performance.now() - since)
  t.diagnostic(`back after ${ms} ms`)
  assert.ok(ms < 3000, `back after ${ms} ms`)
  assert.equal(page.url(), `${gateway.url}/orders?open=1`)
  // Longer than any page waits before it opens itself.
  await page.waitForTimeout(1500)
  assert.equal(orders.opened, 1)
  assert.deepEqual(complaints, [])
})

test('without the stream the page asks by itself, and opens the real one once', async (t) => {
  const { gateway, orders } = await openSite(t)
  const context = await openBrowser(t, gateway)
  await context.route('**/_hydra/live.js', (route) => route.abort())
  const page = await context.newPage()
  const asked = follow(page)
  await page.goto('/orders')
  await eventually(() => assert.ok(asked.includes('HEAD /orders')))
  await orders.come()
  await page.getByText('The real orders').waitFor()
  await page.waitForTimeout(1500)
  assert.equal(orders.opened, 1)
})

test('without a script the page asks again by itself', async (t) => {
  const { gateway, orders } = await openSite(t)
  const context = await openBrowser(t, gateway, { javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto('/orders')
  await orders.come()
  await page.getByText('The real orders').waitFor()
})

test('a fallback turns back as well, and one that says no stays', async (t) => {
  const { gateway, orders } = await openSite(t, { orders: { fallback: SORRY } })
  const context = await openBrowser(t, gateway)
  const page = await context.newPage()
  await noteTold(page)
  assert.equal((await page.goto('/orders'))?.status(), 503)
  await page.getByRole('heading', { name: 'Orders is closed for a moment' }).waitFor()
  await isTold(page)
  await orders.come()
  const since = performance.now()
  await page.getByText('The real orders').waitFor()
  t.diagnostic(`back after ${Math.round(performance.now() - since)} ms`)
  await page.waitForTimeout(1500)
  assert.equal(orders.opened, 1)

  const quiet = SORRY.replace('<body>', '<meta name="hydra-live" content="off"><body>')
  const other = await openSite(t, { orders: { fallback: quiet } })
  const asked = follow(page)
  await page.goto(`${other.gateway.url}/orders`)
  await other.orders.come()
  await page.waitForTimeout(1500)
  assert.deepEqual(asked, ['GET /orders'])
  assert.equal(await page.getByRole('heading').textContent(), 'Orders is closed for a moment')
})

test('a fallback that forbids scripts is shown as it was written', async (t) => {
  const strict = `<meta http-equiv="content-security-policy" content="default-src 'none'">${SORRY}`
  const { gateway } = await openSite(t, { orders: { fallback: strict } })
  const page = await (await openBrowser(t, gateway)).newPage()
  const failures: string[] = []
  page.on('pageerror', ({ message }) => failures.push(message))
  await page.goto('/orders')
  assert.equal(await page.getByRole('heading').textContent(), 'Orders is closed for a moment')
  assert.deepEqual(failures, [])
})

for (const fallback of [undefined, SORRY]) {
  const which = fallback ? 'a fallback' : 'the page'
  test(`a service that comes and dies at once does not make ${which} go round and round`, async (t) => {
    const { gateway, orders } = await openSite(t, { orders: fallback ? { fallback } : {} })
    const page = await (await openBrowser(t, gateway)).newPage()
    await page.goto('/orders')
    const asked = follow(page)
    // Each time the page could open it, and finds it gone again.
    for (let n = 0; n < 4; n += 1) {
      const opened = asked.filter((line) => line === 'GET /orders').length
      await orders.come()
      if (n === 0)
        await eventually(() => assert.ok(asked.filter((line) => line === 'GET /orders').length > opened))
      else await page.waitForTimeout(1200)
      await orders.go()
      await page.goto('about:blank')
      await page.goto('/orders')
    }
    const own = asked.filter((line) => line === 'GET /orders').length - 4
    assert.ok(own >= 1 && own <= 2, `opened ${own} times by itself`)
  })
}

test('a service that dies whenever it is looked at is opened once, and then left in peace', async (t) => {
  const { gateway, orders } = await openSite(t, { diesWhenLookedAt: true })
  const page = await (await openBrowser(t, gateway)).newPage()
  await page.goto('/orders')
  const asked = follow(page)
  const own = () => asked.filter((line) => line === 'GET /orders').length
  await orders.come()
  await eventually(() => assert.equal(own(), 1))
  await page.getByRole('heading', { name: 'Orders is away for a moment' }).waitFor()
  for (let n = 0; n < 4; n += 1) {
    await orders.come()
    // Longer than a page that was not opened before would wait.
    await page.waitForTimeout(1500)
    await orders.go()
  }
  assert.deepEqual([own(), orders.opened], [1, 0])
})

test('ten tabs that wait leave the site open, and all turn back', async (t) => {
  const { gateway, orders } = await openSite(t)
  const context = await openBrowser(t, gateway)
  const pages = await Promise.all(Array.from({ length: 10 }, () => context.newPage()))
  for (const page of pages) await page.goto('/orders')
  // Browsers open six connections to a host: ten streams would be too many.
  const visitor = await context.newPage()
  await visitor.goto('/catalog')
  assert.equal(await visitor.getByRole('heading').textContent(), 'The catalog')

  await orders.come()
  const since = performance.now()
  await Promise.all(pages.map((page) => page.getByText('The real orders').waitFor()))
  t.diagnostic(`ten back after ${Math.round(performance.now() - since)} ms`)
  await visitor.waitForTimeout(1500)
  assert.equal(orders.opened, 10)
})

test('who has to sign in is asked to, first and while the page waits, and never in circles', async (t) => {
  const { gateway, orders } = await openSite(t, { orders: { auth: 'required' } })
  const context = await openBrowser(t, gateway)
  const page = await context.newPage()
  await page.goto('/orders')
  assert.match(page.url(), /\/login\?ref=/, 'nothing is said of what is not for everybody')
  await page.getByLabel('User name').fill('mira')
  await page.getByLabel('Password').fill('pond-boots')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByText('Orders is away for a moment').first().waitFor()

  const other = await context.newPage()
  const asked = follow(page)
  await other.goto('/logout')
  await other.getByRole('button').first().click()
  await page.waitForURL(/\/login\?ref=/)
  await page.waitForTimeout(2000)
  assert.equal(asked.filter((line) => line === 'GET /orders').length, 1)
  assert.equal(orders.opened, 0)
})
