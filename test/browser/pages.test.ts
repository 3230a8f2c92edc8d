/**
 * The gateway's own pages in a real browser: they can be read by everyone, break no policy of their own, fit a
 * phone, and the waiting page brings its visitor back exactly once.
 *
 * With HYDRA_SHOTS set to a folder, pictures of all pages are put there.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { literalPattern } from '@hydra-gateway/protocol'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { ErrorCode } from '../../packages/gateway/src/errors.ts'
import { createLog } from '../../packages/gateway/src/observe/log.ts'
import { createMetrics } from '../../packages/gateway/src/observe/metrics.ts'
import { createLocalPages } from '../../packages/gateway/src/pages/local-pages.ts'
import { createAnswers } from '../../packages/gateway/src/proxy/answers.ts'
import type { Exchange } from '../../packages/gateway/src/proxy/exchange.ts'
import { type Listener, listen } from '../../packages/gateway/src/proxy/listener.ts'
import { proxyDefaults } from '../../packages/gateway/src/proxy/settings.ts'
import type { Route } from '../../packages/gateway/src/routing/route.ts'
import { findProgram } from '../support/programs.ts'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const SHOTS = process.env.HYDRA_SHOTS
const PHONE = { viewport: { width: 360, height: 740 } }

const ROUTE: Route = {
  service: 'orders',
  claims: [],
  kind: 'page',
  pattern: literalPattern('/orders'),
  timeoutMs: 30_000,
}
const MENU = ['Home', 'Catalog', 'Orders', 'Account'].map((label) => ({
  label,
  path: label === 'Home' ? '/' : `/${label.toLowerCase()}`,
}))
const log = createLog('silent')
const metrics = createMetrics()
const pages = createLocalPages({ siteTitle: 'Hydra gateway' })
const answers = createAnswers({
  settings: { siteTitle: 'Lerna Outfitters' },
  serviceOf: (name) => ({ name, title: 'Orders', channel: 'rsocket', downSince }),
  isServing: (path) => path.startsWith('/orders/') || MENU.some((item) => item.path === path),
  openPages: () => MENU,
  clock: { now: () => Date.now() },
  log,
  metrics,
})

const downSince = Date.now() - 42_000
const LONG_PATH = `/${'ordres-that-nobody-knows'.repeat(8)}`
/** Method and path of everything that reached the server. */
const seen: string[] = []
/** Whether a service is up at `/orders` (and whether it answers GET), and at `/`. */
const up = { orders: false, ordersGet: true, home: false }

function serve(exchange: Exchange): void | Promise<void> {
  const { path, method } = exchange
  seen.push(`${method} ${path}`)
  const html = { 'content-type': 'text/html; charset=utf-8' }
  const served = '<!doctype html><html lang="en"><title>Served</title><h1>Served by a service</h1>'
  if (path.startsWith('/_hydra/errors')) {
    const response = pages.errors(exchange.toRequest())
    return response ? exchange.respond(response) : answers.problem(exchange, 'HYDRA_NO_ROUTE')
  }
  if (path === '/') {
    if (up.home) return exchange.answer(200, html, served)
    return exchange.respond(pages.welcome(exchange.toRequest(), { revision: 0, services: 0 }))
  }
  if (path === '/orders') {
    if (up.orders && (up.ordersGet || method === 'HEAD')) return exchange.answer(200, html, served)
    return answers.unavailable(exchange, ROUTE)
  }
  const code = /^\/code\/(HYDRA_\w+)$/.exec(path)?.[1] as ErrorCode | undefined
  if (code === undefined) return answers.problem(exchange, 'HYDRA_NO_ROUTE')
  exchange.route = ROUTE
  answers.problem(exchange, code, code === 'HYDRA_BAD_PATH' ? 'an encoded slash in a path' : undefined)
}

let listener: Listener
let browser: Browser
before(async () => {
  listener = await listen({
    port: 0,
    host: '127.0.0.1',
    settings: proxyDefaults,
    handler: serve,
    log,
    metrics,
  })
  browser = await chromium.launch({
    executablePath:
      process.env.HYDRA_CHROMIUM ?? (await findProgram('chromium', 'chromium-browser', 'google-chrome')),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
  })
})
after(async () => {
  await browser?.close()
  await listener?.close(0)
})

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
  const context = await browser.newContext({ baseURL: `http://127.0.0.1:${listener.port}`, ...options })
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

/** Rules of accessibility that the page breaks, as axe-core names them. */
async function violations(page: Page): Promise<string[]> {
  // Through the debugger, which the policy of the page does not bind; the page itself stays as strict as it is.
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: AXE })
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target).join(', ')))`,
    awaitPromise: true,
    returnByValue: true,
  })
  return result.value
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

test('the waiting page turns to back and opens itself once', async () => {
  up.orders = false
  await visit('/orders', {}, async ({ page, complaints }) => {
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Orders is away for a moment')
    await page.waitForFunction('!document.querySelector("time").textContent.includes("UTC")')
    seen.length = 0
    await page.waitForRequest((request) => request.method() === 'HEAD')
    up.orders = true
    await page.locator('[data-phase="back"]').waitFor()
    if (SHOTS) await page.screenshot({ path: join(SHOTS, 'unavailable-back.png') })
    assert.equal(await page.title(), 'Orders is back')
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
