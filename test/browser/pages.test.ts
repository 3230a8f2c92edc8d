/**
 * The gateway's own pages in a real browser: they can be read by everyone, break no policy of their own, fit a
 * phone, and the waiting page brings its visitor back exactly once.
 *
 * With HYDRA_SHOTS set to a folder, pictures of all pages are put there.
 */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { CODES, createLocalPages, type ErrorCode, errorPage } from '@hydra-gateway/gateway/pages'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { violations } from '../support/axe.ts'
import { servePages } from '../support/page-server.ts'

const SHOTS = process.env.HYDRA_SHOTS
const PHONE = { viewport: { width: 360, height: 740 } }

const MENU = ['Home', 'Catalog', 'Orders', 'Account'].map((label) => ({
  label,
  path: label === 'Home' ? '/' : `/${label.toLowerCase()}`,
}))
const LONG_PATH = `/${'ordres-that-nobody-knows'.repeat(8)}`
const SERVED = '<!doctype html><html lang="en"><title>Served</title><h1>Served by a service</h1>'
const pages = createLocalPages({ siteTitle: 'Hydra gateway' })
const downSince = Date.now() - 42_000

/** Method and path of everything that reached the server. */
const seen: string[] = []
/** Whether a service is up at `/orders` (and whether it answers GET), and at `/`. */
const up = { orders: false, ordersGet: true, home: false }

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url: path = '/' } = request
  seen.push(`${method} ${path}`)
  const local = (found: Response | undefined) =>
    found
      ? send(found.status, Object.fromEntries(found.headers), found.body && found.text())
      : fail('HYDRA_NO_ROUTE')
  const send = async (
    status: number,
    headers: Record<string, string>,
    body: string | Promise<string> | null,
  ) => {
    response.writeHead(status, headers).end(method === 'HEAD' ? undefined : ((await body) ?? undefined))
  }
  const fail = (code: ErrorCode) => {
    const page = errorPage({
      siteTitle: 'Lerna Outfitters',
      code,
      exchange: '01KAG7Z3-9F2C',
      method,
      path,
      service: 'Orders',
      openPages: MENU,
      detail: 'an encoded slash in a path',
      downSince,
      now: Date.now(),
      timeoutMs: 30_000,
      retryAfterSeconds: 5,
      nearest: path === '/ordres/2291' ? '/orders/2291' : undefined,
      person: code === 'HYDRA_FORBIDDEN' ? 'mira' : undefined,
      signIn: ['HYDRA_FORBIDDEN', 'HYDRA_LOGIN_REQUIRED'].includes(code) ? '/login?ref=%2Forders' : undefined,
    })
    return send(CODES[code][0], page.headers, page.html)
  }
  const asked = new Request(`http://shop.example${path}`, { method })
  const isUp = path === '/' ? up.home : path === '/orders' && up.orders && (up.ordersGet || method === 'HEAD')
  if (isUp) return send(200, { 'content-type': 'text/html; charset=utf-8' }, SERVED)
  // No stream here: the waiting page asks by itself.
  if (path === '/_hydra/live.js') return send(404, {}, null)
  if (path === '/') return local(pages.welcome(asked, { revision: 0, services: 0 }))
  if (path === '/orders') return fail('HYDRA_NO_INSTANCE')
  if (path.startsWith('/_hydra/errors')) return local(pages.errors(asked))
  return fail((path.startsWith('/code/') ? path.slice(6) : 'HYDRA_NO_ROUTE') as ErrorCode)
}

const site = servePages(serve)

interface Visit {
  readonly page: Page
  /** What the browser complained about, violations of a policy included. */
  readonly complaints: string[]
}

/** Opens a page as a visitor with these preferences, hands it over, and closes it. */
async function visit(
  path: string,
  options: BrowserContextOptions,
  look: (visit: Visit) => Promise<void>,
): Promise<void> {
  const context = await site.browser.newContext({
    baseURL: site.url,
    ...options,
  })
  try {
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      // Chromium reports the status of the page itself as an error.
      if (message.type() === 'error' && !/status of [45]\d\d/.test(message.text()))
        complaints.push(message.text())
    })
    await page.goto(path)
    await look({ page, complaints })
  } finally {
    await context.close()
  }
}

const CASES: Readonly<Record<string, string>> = {
  welcome: '/',
  'not-found': '/ordres/2291',
  'not-found-long': LONG_PATH,
  unavailable: '/orders',
  broken: '/code/HYDRA_UPSTREAM_BROKEN',
  slow: '/code/HYDRA_UPSTREAM_TIMEOUT',
  'bad-path': '/code/HYDRA_BAD_PATH',
  internal: '/code/HYDRA_INTERNAL',
  errors: '/_hydra/errors/',
  'errors-code': '/_hydra/errors/HYDRA_NO_INSTANCE',
}
const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { colorScheme: 'light', ...PHONE },
  'phone without scripts': { colorScheme: 'dark', javaScriptEnabled: false, ...PHONE },
  'forced colours': { forcedColors: 'active' },
}

for (const [look, options] of Object.entries(LOOKS)) {
  test(`every page can be read and fits the screen: ${look}`, async () => {
    await visit('/', { reducedMotion: 'reduce', ...options }, async ({ page, complaints }) => {
      for (const [name, path] of Object.entries(CASES)) {
        await page.goto(path)
        if (SHOTS) {
          await page.screenshot({
            path: join(SHOTS, `${name}-${look.replaceAll(' ', '-')}.png`),
            fullPage: true,
          })
        }
        const overhang = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        assert.equal(overhang, 0, `${name} is too wide`)
        // With forced colours the contrast is the visitor's own choice, and axe reads the colours of ours.
        if (options.colorScheme && options.javaScriptEnabled !== false && !options.viewport) {
          assert.deepEqual(await violations(page), [], name)
        }
      }
      assert.deepEqual(complaints, [])
    })
  })
}

test('the keyboard reaches every link, and what has the focus can be seen', async () => {
  await visit('/ordres/2291', {}, async ({ page }) => {
    const links = await page.locator('a').count()
    for (let n = 0; n < links; n += 1) {
      await page.keyboard.press('Tab')
      const outline = await page.evaluate(
        'getComputedStyle(document.activeElement).outlineWidth + document.activeElement.tagName',
      )
      assert.equal(outline, '3pxA')
    }
  })
})

/** The title the page has as it turns to back. */
const WHEN_BACK = `new Promise((done) => {
  const look = () => document.querySelector('[data-phase="back"]') && done(document.title)
  new MutationObserver(look).observe(document.documentElement, { subtree: true, attributes: true })
  look()
})`

test('the waiting page turns to back and opens itself once', async () => {
  up.orders = false
  await visit('/orders', {}, async ({ page, complaints }) => {
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Orders is away for a moment')
    await page.waitForFunction('!document.querySelector("time").textContent.includes("UTC")')
    seen.length = 0
    await page.waitForRequest((request) => request.method() === 'HEAD')
    // Seen by the page itself: it opens the real one a second later, which a busy browser may not notice from outside.
    const titleWhenBack = page.evaluate<string>(WHEN_BACK)
    up.orders = true
    assert.equal(await titleWhenBack, 'Orders is back')
    if (SHOTS) await page.screenshot({ path: join(SHOTS, 'unavailable-back.png') })
    await page.getByText('Served by a service').waitFor()
    // Longer than the page waits before it opens itself.
    await page.waitForTimeout(1200)
    assert.equal(seen.filter((line) => line === 'GET /orders').length, 1)
    assert.deepEqual(complaints, [])
  })
  up.orders = false
})

test('a service that answers HEAD and not GET does not make the page go round and round', async () => {
  Object.assign(up, { orders: true, ordersGet: false })
  await visit('/orders', {}, async ({ page }) => {
    await page.locator('[data-phase="back"]').waitFor()
    seen.length = 0
    await page.waitForEvent('load')
    // Longer than a first look and an opening take; the second look is a good deal later.
    await page.waitForTimeout(2500)
    assert.deepEqual(
      seen.filter((line) => line.endsWith(' /orders')),
      ['GET /orders'],
    )
  })
  Object.assign(up, { orders: false, ordersGet: true })
})

test('the welcome page gives way to the first service', async () => {
  await visit('/', {}, async ({ page }) => {
    assert.match((await page.getByRole('heading', { level: 1 }).textContent()) ?? '', /The door is open/)
    up.home = true
    await page.getByText('Served by a service').waitFor()
  })
  up.home = false
})
