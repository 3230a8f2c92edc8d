/**
 * What the script of open pages does in a real browser, at a small site that says what it is told to: menus and links
 * stay true under the visitor's hands, whatever the page allows.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { LIVE_FRAGMENTS_SCRIPT, LIVE_SCRIPT } from '@hydra-gateway/gateway/live'
import { type MenuViewItem, menuMarkup } from '@hydra-gateway/protocol'
import type { BrowserContext, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { type LiveSite, openLiveSite } from '../support/live-site.ts'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const SCRIPT = '<script src="/_hydra/live.js" async></script>'

const item = (path: string, label: string, more: Partial<MenuViewItem> = {}): MenuViewItem => ({
  path,
  label,
  state: 'available',
  ...more,
})
const away = (name: string) => ({ state: 'down', reason: `${name} is away for a moment` }) as const

const CATALOG = item('/catalog', 'Catalog', { icon: 'book' })
const ORDERS = item('/orders', 'Orders')
const STOCK = item('/stock', 'Stock')
const MENU = [CATALOG, ORDERS, STOCK]

/** A page as a service renders it, with its menu in it. */
function shopPage(menu: string, body = '', head = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>${SCRIPT}${head}</head>
<body><main><nav aria-label="Main">${menu}</nav><h1>Shop</h1>
<form><label>Name <input name="name"></label><label>Words <textarea name="words"></textarea></label></form>
${body}</main></body></html>`
}

const RENDERED = menuMarkup({ name: 'main', items: MENU }, { current: '/catalog' })

async function openBrowser(t: TestContext): Promise<BrowserContext> {
  const browser = await launchChromium()
  t.after(() => browser.close())
  const context = await browser.newContext()
  context.setDefaultTimeout(10_000)
  return context
}

/** Opens a page and collects what goes wrong in it. */
async function openPage(context: BrowserContext, url: string): Promise<{ page: Page; faults: string[] }> {
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.goto(url)
  return { page, faults }
}

const menuOf = (page: Page): Promise<string> =>
  page.locator('hydra-menu').evaluate((menu: any) => menu.outerHTML)

/** Markup with attributes in one order. */
const normal = (html: string) =>
  html.replace(/<([\w-]+)((?: [\w-]+="[^"]*")*)>/g, (_, name, attributes: string) =>
    [`<${name}`, ...(attributes.match(/[\w-]+="[^"]*"/g) ?? []).sort()].join(' ').concat('>'),
  )

async function isTold(site: LiveSite, streams = 1): Promise<void> {
  await eventually(() => assert.equal(site.streams.length, streams))
}

test('the script costs a page 4 KB; what replaces fragments is loaded by pages that need it', () => {
  assert.ok(gzipSync(LIVE_SCRIPT, { level: 9 }).length <= 4096)
  assert.ok(gzipSync(LIVE_FRAGMENTS_SCRIPT, { level: 9 }).length <= 2048)
})

test('a link of the menu that goes down keeps the focus, nothing moves, and what was typed stays', async (t) => {
  const site = await openLiveSite(t, () => shopPage(RENDERED))
  site.menu('main', MENU)
  const { page, faults } = await openPage(await openBrowser(t), `${site.url}/catalog`)
  await isTold(site)
  await page.evaluate(`window.shifts = 0
    new PerformanceObserver((list) => { for (const { value } of list.getEntries()) shifts += value })
      .observe({ type: 'layout-shift', buffered: true })`)
  await page.locator('input').fill('Mira')
  await page.locator('textarea').fill('two\nlines')
  const orders = page.locator('a', { hasText: 'Orders' })
  await orders.evaluate((link: any) => {
    ;(globalThis as any).link = link
    link.focus()
  })

  site.menu('main', [CATALOG, { ...ORDERS, ...away('Orders') }, STOCK])
  await page.getByRole('link', { name: 'Orders', disabled: true }).waitFor()
  assert.equal(await orders.getAttribute('href'), null)
  assert.equal(await orders.getAttribute('title'), 'Orders is away for a moment')
  assert.equal(await page.evaluate('document.activeElement === link'), true)
  // Neither the mouse nor the keyboard, nor a script of the page, gets anywhere.
  await page.evaluate('link.onclick = () => { window.clicked = true }')
  await orders.click({ force: true })
  await page.keyboard.press('Enter')
  assert.equal(page.url(), `${site.url}/catalog`)
  assert.equal(await page.evaluate('window.clicked'), undefined)
  await page.getByRole('status').getByText('Orders is away for a moment', { exact: true }).waitFor()

  site.menu('main', MENU)
  await page.getByRole('status').getByText('Orders is back', { exact: true }).waitFor()
  assert.equal(normal(await menuOf(page)), normal(RENDERED))
  assert.equal(await page.evaluate('document.activeElement === link && link.isConnected'), true)
  assert.equal(await page.locator('input').inputValue(), 'Mira')
  assert.equal(await page.locator('textarea').inputValue(), 'two\nlines')
  assert.equal(await page.evaluate('shifts'), 0)
  await page.addScriptTag({ content: AXE })
  const violations = await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))')
  assert.deepEqual(violations, [])
  await orders.click()
  assert.equal(page.url(), `${site.url}/orders`)
  assert.deepEqual(faults, [])
})

test('an empty menu of a plain page is filled with the same markup, and follows whatever happens', async (t) => {
  const site = await openLiveSite(t, () => shopPage('<hydra-menu name="main"></hydra-menu>'))
  const menus: MenuViewItem[][] = [
    MENU,
    [],
    [
      item('/a', 'A', { group: 'Shop' }),
      item('/a/x', 'X', { parent: '/a' }),
      item('/b', 'B'),
      item('/c', 'C', { group: 'Shop' }),
    ],
    [
      item('/b', 'B'),
      item('/a/x', 'X'),
      item('/a', 'A now', { ...away('A') }),
      item('/c', 'C', { group: 'Other' }),
    ],
    [item('/<b>"', '<img src=x onerror="window.hacked=1">', { group: '<script>window.hacked=1</script>' })],
    [item('//evil.example/', 'Evil'), item('/\\evil', 'Evil'), item('/\t/evil.example', 'Evil'), ORDERS],
    Array.from({ length: 40 }, (_, at) => item(`/${at}`, `${at}`, at > 0 ? { parent: `/${at - 1}` } : {})),
    MENU,
  ]
  site.menu('main', menus[0]!)
  const { page, faults } = await openPage(await openBrowser(t), `${site.url}/catalog`)
  for (const items of menus) {
    site.menu('main', items)
    const wanted = await page.evaluate(
      `(() => { const t = document.createElement('div'); t.innerHTML = ${JSON.stringify(
        menuMarkup({ name: 'main', items }, { current: '/catalog' }),
      )}; return t.innerHTML })()`,
    )
    await eventually(async () => assert.equal(normal(await menuOf(page)), normal(wanted as string)))
  }
  assert.equal(await page.evaluate('window.hacked'), undefined)
  assert.deepEqual(faults, [])
})

test('what nobody has yet stays as its author wrote it, and follows as soon as somebody has it', async (t) => {
  const link = '<a data-hydra-link="/orders" href="/orders">Orders</a>'
  const fallback = `Menu: <ul class="x"><li>${link}</li></ul>${link}`
  const site = await openLiveSite(t, () =>
    shopPage(
      `<hydra-menu name="main" class="top">${fallback}</hydra-menu>`,
      '<p><a id="later" data-hydra-link="/later?x=1" href="later?x=1">Later</a></p>',
    ),
  )
  site.link('/stock', { state: 'available' })
  const { page, faults } = await openPage(await openBrowser(t), `${site.url}/`)
  await isTold(site)
  assert.equal(await menuOf(page), `<hydra-menu name="main" class="top">${fallback}</hydra-menu>`)
  site.link('/orders', away('Orders'))
  site.link('/later?x=1', away('Later'))
  await page.locator('#later[aria-disabled=true]').waitFor()
  assert.equal(await page.locator('hydra-menu [aria-disabled=true]').count(), 2, 'links of the fallback too')
  site.link('/later?x=1', { state: 'available' })
  await page.locator('#later[href="later?x=1"]').waitFor()
  await page.locator('hydra-menu a').last().focus()
  site.menu('main', MENU)
  const wanted = menuMarkup({ name: 'main', items: MENU }, { class: 'top' })
  await eventually(async () => assert.equal(normal(await menuOf(page)), normal(wanted)))
  site.menu('main', [CATALOG])
  await eventually(async () => assert.equal(await page.locator('hydra-menu a').count(), 1))
  assert.deepEqual(faults, [])
})

test('when the item with the focus is gone, the next one has it', async (t) => {
  const site = await openLiveSite(t, () => shopPage(RENDERED))
  site.menu('main', MENU)
  const { page } = await openPage(await openBrowser(t), `${site.url}/`)
  await isTold(site)
  const focused = () =>
    page.evaluate('document.activeElement.textContent || document.activeElement.localName')
  await page.locator('a', { hasText: 'Orders' }).focus()
  site.menu('main', [STOCK, ORDERS, CATALOG])
  await eventually(async () => assert.match(await menuOf(page), /Stock.*Orders.*Catalog/))
  assert.equal(await focused(), 'Orders')
  site.menu('main', [STOCK, CATALOG])
  await eventually(async () => assert.equal(await focused(), 'Catalog'))
  site.menu('main', [])
  await eventually(async () => assert.equal(await focused(), 'hydra-menu'))
})

test('marked links anywhere follow, those that come later too, and what their author wrote comes back', async (t) => {
  const body = `<p><a id="plain" data-hydra-link="/orders/7" href="/orders/7?tab=2#top" title="Order 7" role="menuitem" tabindex="-1">Order 7</a>
    <a id="away" data-hydra-link="/stock" role="link" aria-disabled="true" tabindex="0" title="Stock is away for a moment">Stock</a>
    <a id="evil" data-hydra-link="//evil.example/">Evil</a></p>`
  const site = await openLiveSite(t, () => shopPage('', body))
  site.link('/orders/7', { state: 'available' })
  site.link('/stock', away('Stock'))
  site.link('/later', { state: 'closed' })
  const { page, faults } = await openPage(await openBrowser(t), `${site.url}/`)
  await isTold(site)
  const markup = (id: string): Promise<string> =>
    page.locator(`#${id}`).evaluate((link: any) => link.outerHTML)
  const [plain, evil] = [await markup('plain'), await markup('evil')]
  site.link('/stock', { state: 'available' })
  await eventually(async () =>
    assert.equal(
      normal(await markup('away')),
      normal('<a id="away" data-hydra-link="/stock" href="/stock">Stock</a>'),
    ),
  )
  for (let round = 0; round < 3; round++) {
    site.link('/orders/7', away('Orders'))
    await page.locator('#plain[aria-disabled=true][role=link][tabindex="0"]:not([href])').waitFor()
    site.link('/orders/7', { state: 'degraded', reason: 'Orders is slower than usual' })
    await page.locator('#plain[href][title="Orders is slower than usual"]').waitFor()
    site.link('/orders/7', { state: 'available' })
    await eventually(async () => assert.equal(normal(await markup('plain')), normal(plain)))
  }
  assert.equal(await markup('evil'), evil)
  await page.evaluate(`document.querySelector('p').insertAdjacentHTML('beforeend',
    '<a id="later" data-hydra-link="/later" href="/later">Later</a>')`)
  await page.locator('#later[aria-disabled=true]:not([href])').waitFor()
  await isTold(site)
  assert.equal(site.opened.length, 2)
  assert.deepEqual(faults, [])
})

test('pages hear events of what changed, and of whether they are told', async (t) => {
  const site = await openLiveSite(t, () =>
    shopPage(RENDERED, '<a data-hydra-link="/stock" href="/stock">S</a>'),
  )
  site.menu('main', MENU)
  site.link('/stock', { state: 'available' })
  const context = await openBrowser(t)
  await context.addInitScript(`window.heard = []
    for (const name of ['menu', 'link', 'fragment', 'connected', 'disconnected'])
      document.addEventListener('hydra:' + name, ({ type, detail }) => heard.push([type.slice(6), detail]))`)
  const { page } = await openPage(context, `${site.url}/`)
  const heard = async (...events: unknown[]) => {
    await eventually(async () => assert.deepEqual(await page.evaluate('heard'), events))
    await page.evaluate('heard.length = 0')
  }
  await heard(
    ['connected', null],
    ['menu', { name: 'main', items: MENU }],
    ['link', { path: '/stock', state: 'available' }],
  )
  site.link('/stock', away('Stock'))
  await heard(['link', { path: '/stock', ...away('Stock') }])
  site.streams[0]!.cut()
  await heard(['disconnected', null], ['connected', null])
})

test('a thousand changes in a moment end in the last of them, and a screen reader hears of none that did not last', async (t) => {
  const site = await openLiveSite(t, () => shopPage(RENDERED))
  site.menu('main', MENU)
  const { page, faults } = await openPage(await openBrowser(t), `${site.url}/catalog`)
  await isTold(site)
  await eventually(async () => assert.equal(await page.getByRole('status').count(), 1))
  await page.evaluate(`window.said = []
    new MutationObserver(() => said.push(document.querySelector('[role=status]').textContent))
      .observe(document.querySelector('[role=status]'), { childList: true })`)
  for (let at = 1; at <= 1000; at++) {
    site.menu('main', [
      CATALOG,
      { ...ORDERS, ...(at % 2 === 1 && away('Orders')) },
      { ...STOCK, label: `Stock ${at}` },
    ])
  }
  await page.getByRole('link', { name: 'Stock 1000' }).waitFor()
  assert.equal(await page.getByRole('link', { name: 'Orders' }).getAttribute('href'), '/orders')
  // Whatever was to be said has been by the time the next thing is.
  site.menu('main', [{ ...CATALOG, ...away('Catalog') }, ORDERS, STOCK])
  await page.getByRole('status').getByText('Catalog is away for a moment').waitFor()
  assert.deepEqual(await page.evaluate('said'), ['Catalog is away for a moment'])
  assert.deepEqual(faults, [])
})

for (const [name, head] of Object.entries({
  'that allows next to nothing': `default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'; style-src 'none'`,
  'of nonces': `default-src 'none'; script-src 'nonce-once'; connect-src 'self'; base-uri 'none'`,
  'of trusted types': `default-src 'self'; require-trusted-types-for 'script'; trusted-types hydra-live`,
  'of trusted types that names none': `default-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'`,
})) {
  test(`it works under a policy ${name}`, async (t) => {
    const site = await openLiveSite(t, (_, response) => {
      response.setHeader('content-security-policy', head)
      return shopPage(RENDERED).replace('<script', '<script nonce="once"')
    })
    site.menu('main', MENU)
    const context = await openBrowser(t)
    const { page, faults } = await openPage(context, `${site.url}/`)
    await isTold(site)
    site.menu('main', [CATALOG, { ...ORDERS, ...away('Orders') }])
    await page.getByRole('link', { name: 'Orders', disabled: true }).waitFor()
    if (name === 'that allows next to nothing' || name === 'of trusted types') assert.deepEqual(faults, [])
    const { page: second } = await openPage(context, `${site.url}/`)
    await eventually(() => assert.ok(site.opened.length >= 2))
    await second.getByRole('link', { name: 'Orders', disabled: true }).waitFor()
    await isTold(site)
  })
}

test('a page that stands in for another opens it when it is back, and does not go round for ever', async (t) => {
  const site = await openLiveSite(t, () =>
    shopPage('', '<p>Orders is away</p>').replace(' async', ' data-wait async'),
  )
  site.link('/orders?open', away('Orders'))
  const { page } = await openPage(await openBrowser(t), `${site.url}/orders?open`)
  await isTold(site)
  assert.equal(site.asked.length, 1)
  site.link('/orders?open', { state: 'available' })
  await eventually(() => assert.equal(site.asked.length, 2))
  // What is there says that it is away: the next time waits ten seconds, and after the fifth there is none.
  await page.waitForFunction(`sessionStorage.getItem('hydra-back /orders')?.startsWith('[1,')`)
  await page.evaluate(`sessionStorage.setItem('hydra-back /orders', JSON.stringify([5, Date.now()]))`)
  await page.clock.install()
  await page.goto(`${site.url}/orders?open`)
  await isTold(site)
  await page.clock.fastForward(200_000)
  assert.equal(site.asked.length, 3)
})
