/**
 * Live fragments in a real browser: what showed its fallback is replaced in the open page when it is back, under the
 * hands of whoever is there.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { type LiveSite, openLiveSite } from '../support/live-site.ts'

const [PRICE, ROW] = ['shop.price.0.proof', 'shop.row.0.proof']

interface Shop {
  readonly site: LiveSite
  readonly page: Page
  readonly faults: string[]
  /** How the page is rendered from now on. */
  isBack: boolean
}

const fallback = (mark: string, html: string) => `<!--hydra:live ${mark}-->${html}<!--/hydra:live-->`
const shown = (mark: string, html: string) => `<!--hydra:shown ${mark}-->${html}<!--/hydra:live-->`

/** A page with two fragments, the one deep in a table, that are away at first. */
async function openShop(t: TestContext, policy = ''): Promise<Shop> {
  const site = await openLiveSite(t, ({ url }, response) => {
    if (url === '/price.css') {
      response.setHeader('content-type', 'text/css')
      return '.price { color: rgb(1, 2, 3) }'
    }
    if (url === '/price.js') {
      response.setHeader('content-type', 'text/javascript')
      return 'window.assets = (window.assets ?? 0) + 1'
    }
    const nonce = `n${site.asked.length}`
    if (policy) response.setHeader('content-security-policy', policy.replace('NONCE', `'nonce-${nonce}'`))
    const assets = shop.isBack
      ? '<link rel="stylesheet" href="/price.css"><script defer src="/price.js"></script>'
      : ''
    const price = shop.isBack
      ? shown(
          PRICE,
          `<form><input name="code"><input name="token" type="hidden" value="new"><input name="gift" type="checkbox">
           <select name="size"><option>S<option>M<option>L</select></form><p class="price">38 €</p>
           <script nonce="${nonce}">window.runs = (window.runs ?? 0) + 1</script>`,
        )
      : fallback(
          PRICE,
          `<form><input name="code"><input name="token" type="hidden" value="old"><input name="gift" type="checkbox">
           <select name="size"><option>S<option>M<option>L</select></form><p>No price. <a href="/">Try again</a></p>`,
        )
    const row = shop.isBack
      ? shown(ROW, '<tr><td>One</td></tr><tr><td style="height: 900px">Two</td></tr>')
      : fallback(ROW, '<tr><td>None</td></tr>')
    return `<!doctype html><html lang="en"><head><title>Shop</title>${assets}</head><body>
      <script nonce="${nonce}" src="/_hydra/live.js" async></script>${price}
      <table><tbody>${row}</tbody></table>
      <p style="height: 3000px">Long</p><label>Below <textarea name="below"></textarea></label></body></html>`
  })
  const browser = await launchChromium()
  t.after(() => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(10_000)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  const shop: Shop = { site, page, faults, isBack: false }
  site.fragment(PRICE, false)
  site.fragment(ROW, false)
  await page.goto(`${site.url}/shop`)
  await eventually(() => assert.deepEqual(site.streams[0]?.query.getAll('fragment').sort(), [PRICE, ROW]))
  return shop
}

const markup = (page: Page): Promise<string> => page.locator('body').evaluate((body: any) => body.innerHTML)

test('a fragment that is back stands in its place with its style and scripts; what was typed and has the focus stays', async (t) => {
  const shop = await openShop(t)
  const { site, page, faults } = shop
  await page.locator('[name=code]').fill('SUMMER')
  await page.locator('[name=gift]').check()
  await page.locator('[name=size]').selectOption('L')
  await page.locator('[name=code]').evaluate((input: any) => {
    input.focus()
    input.setSelectionRange(2, 4)
  })
  shop.isBack = true
  site.fragment(PRICE, true)
  await page.getByText('38 €').waitFor()
  assert.equal(
    await page.evaluate("getComputedStyle(document.querySelector('.price')).color"),
    'rgb(1, 2, 3)',
  )
  const focused =
    '[document.activeElement.name, document.activeElement.value, document.activeElement.selectionStart]'
  assert.deepEqual(await page.evaluate(focused), ['code', 'SUMMER', 2])
  assert.equal(await page.locator('[name=gift]').isChecked(), true)
  assert.equal(await page.locator('[name=size]').inputValue(), 'L')
  assert.equal(await page.locator('[name=token]').inputValue(), 'new')
  await eventually(async () => assert.deepEqual(await page.evaluate('[window.runs, window.assets]'), [1, 1]))
  // The other one is not back, whatever the new page says.
  await page.getByText('None').waitFor()
  assert.match(await markup(page), /hydra:shown shop\.price\.0\.proof/)
  assert.match(await markup(page), /hydra:live shop\.row\.0\.proof/)
  const asked = site.asked.filter(({ url }) => url === '/shop')
  assert.deepEqual(
    asked.map(({ headers }) => headers['hydra-live']),
    [undefined, 'fragment'],
  )
  assert.deepEqual(faults, [])
})

test('rows come back into their table, and whoever reads far below stays where they are', async (t) => {
  const shop = await openShop(t)
  const { site, page } = shop
  await page.locator('textarea').fill('half a sentence')
  await page.locator('textarea').scrollIntoViewIfNeeded()
  const top = () =>
    page.locator('textarea').evaluate((area: any) => Math.round(area.getBoundingClientRect().top))
  const before = await top()
  shop.isBack = true
  site.fragment(ROW, true)
  await page.locator('tbody > tr > td', { hasText: 'Two' }).waitFor({ state: 'attached' })
  assert.equal(await page.locator('tbody > tr').count(), 2)
  assert.equal(await top(), before)
  assert.equal(await page.evaluate('document.activeElement.value'), 'half a sentence')
})

test('a fragment whose page still falls back is tried again, and not for ever', async (t) => {
  const shop = await openShop(t)
  const { site, page } = shop
  await page.evaluate(
    "document.addEventListener('hydra:fragment', ({ detail }) => (window.heard ??= []).push(detail.state))",
  )
  site.fragment(PRICE, true)
  await eventually(() => assert.equal(site.asked.length, 2))
  shop.isBack = true
  await page.getByText('38 €').waitFor()
  // How it was before is told as the stream opens, which may be after somebody listens.
  assert.deepEqual(await page.evaluate("window.heard.filter((state) => state !== 'away')"), ['back', 'shown'])
})

for (const [name, policy] of Object.entries({
  'of nonces': `default-src 'self'; script-src 'self' NONCE`,
  'of trusted types': `default-src 'self'; script-src 'self' NONCE; require-trusted-types-for 'script'; trusted-types hydra-live`,
})) {
  test(`fragments are replaced under a policy ${name}, and only their scripts of the new page run`, async (t) => {
    const shop = await openShop(t, policy)
    shop.isBack = true
    shop.site.fragment(PRICE, true)
    await shop.page.getByText('38 €').waitFor()
    await eventually(async () =>
      assert.deepEqual(await shop.page.evaluate('[window.runs, window.assets]'), [1, 1]),
    )
    assert.deepEqual(shop.faults, [])
  })
}
