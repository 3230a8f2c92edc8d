/**
 * The pages of the shop in a real browser, in all states of its menus: they can be read by everyone and fit a phone, and
 * nothing stands elsewhere when a service is away.
 *
 * With HYDRA_SHOTS set to a folder, pictures of all states are put there.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { violations } from '../support/axe.ts'
import { launchChromium } from '../support/chromium.ts'
import { openLivingShop, signInAt, turned, watchMenus } from '../support/living-shop.ts'

const SHOTS = process.env.HYDRA_SHOTS
const WIDE = { width: 1200, height: 800 }
const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light', viewport: WIDE },
  dark: { colorScheme: 'dark', viewport: WIDE },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
  'phone dark': { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
}
/** Pages of the shop by the service that makes them; those of one that is away are its fallback. */
const PAGES: Readonly<Record<string, string>> = {
  home: '/',
  catalog: '/catalog',
  good: '/catalog/marsh-lamp',
  orders: '/orders',
  order: '/orders/new?good=marsh-lamp',
}
const OF_ADA = { ...PAGES, account: '/account', desk: '/orders/desk' }

const shop = await openLivingShop({ after })
const browser: Browser = await launchChromium()
after(() => browser.close())
afterEach(() => shop.reviveAll())

async function lookAt(page: Page, name: string): Promise<void> {
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name.replaceAll(' ', '-')}.png`), fullPage: true })
  const overhang = await page.evaluate(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  assert.equal(overhang, 0, `${name} is too wide`)
  assert.deepEqual(await violations(page), [], name)
}

async function lookAtAll(page: Page, pages: Readonly<Record<string, string>>, state: string): Promise<void> {
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(shop.url + path)
    await lookAt(page, `${name} ${state}`)
  }
}

/** Where everything stands that a visitor may have in view. */
const places = (page: Page) =>
  page.evaluate(`[...document.querySelectorAll('header a, main h1, main h2, main button, main a:not(.order-box a)')].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect()
    return [element.textContent, x, y, width, height]
  })`)

for (const [look, options] of Object.entries(LOOKS)) {
  test(`the shop can be read by everyone, all up, signed in, and one down: ${look}`, async () => {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(10_000)
      await watchMenus(page)
      await lookAtAll(page, PAGES, `${look} all up`)
      await signInAt(page, shop.url, 'ada', 'marsh-lamp')
      await lookAtAll(page, OF_ADA, `${look} signed in`)
      await page.goto(`${shop.url}/catalog/marsh-lamp`)
      const up = await places(page)
      await shop.kill('orders')
      // In the page that is open, and in those that come.
      await turned(page, '/orders', false)
      await page.getByRole('link', { name: 'Order one', disabled: true }).waitFor()
      assert.deepEqual(await places(page), up, 'an open page')
      await lookAt(page, `open ${look} one down`)
      await page.reload()
      await page.getByText('Ordering is away for a moment').waitFor()
      assert.deepEqual(await places(page), up, 'a page with a fallback')
      await lookAtAll(page, OF_ADA, `${look} signed in one down`)
      await context.clearCookies()
      await lookAtAll(page, PAGES, `${look} one down`)
    } finally {
      await context.close()
    }
  })
}
