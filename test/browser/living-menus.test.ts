/**
 * The shop with pages that stay open, in a real browser: what services do is in all of them at once, nobody is told of
 * what is not for them, and whoever is in the middle of something is left alone.
 */
import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { movedIn, openLivingShop, signInAt, turned, watchMenus } from '../support/living-shop.ts'

const KILLS = 8
/** The promise is half a second; a machine that does all tests at once may need a moment more. */
const WITHIN_MS = 2000

const shop = await openLivingShop({ after })
const browser: Browser = await launchChromium()
after(() => browser.close())
afterEach(() => shop.reviveAll())

/** A visitor with a browser of their own, who leaves in the end. */
async function visit(options: BrowserContextOptions, look: (open: () => Promise<Page>) => Promise<void>) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options })
  try {
    await look(async () => {
      const page = await context.newPage()
      page.setDefaultTimeout(10_000)
      await watchMenus(page)
      return page
    })
  } finally {
    await context.close()
  }
}

const item = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Shop' }).getByRole('link', { name })
const labels = (page: Page) => page.locator('hydra-menu a').allTextContents()
test('a service that is killed is off in three open tabs at once, and on again when it is back', async (t) => {
  await visit({}, async (open) => {
    const tabs = [await open(), await open(), await open()]
    const paths = ['/', '/catalog', '/catalog/marsh-lamp']
    for (const [index, tab] of tabs.entries()) await tab.goto(shop.url + paths[index])
    const off: number[] = []
    for (let turn = 0; turn < KILLS; turn++) {
      const killedAt = await shop.kill('orders')
      for (const tab of tabs) off.push((await turned(tab, '/orders', false)) - killedAt)
      await shop.revive('orders')
      for (const tab of tabs) await turned(tab, '/orders', true)
    }
    const sorted = off.toSorted((a, b) => a - b)
    const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]
    t.diagnostic(
      `kill -9 to disabled link, ${KILLS} kills, 3 tabs: p50 ${rank(0.5)} ms, p99 ${rank(0.99)} ms`,
    )
    assert.ok(rank(1)! < WITHIN_MS, `the last tab took ${rank(1)} ms`)
    for (const tab of tabs) assert.equal(await item(tab, 'Orders').getAttribute('href'), '/orders')
  })
})

test('without scripts the next page is right', async () => {
  await visit({ javaScriptEnabled: false }, async (open) => {
    const page = await open()
    await page.goto(`${shop.url}/catalog`)
    assert.equal(await item(page, 'Orders').getAttribute('href'), '/orders')
    await shop.kill('orders')
    for (const path of ['/', '/catalog', '/catalog/marsh-lamp']) {
      await eventually(async () => {
        await page.goto(shop.url + path)
        const orders = page.locator('hydra-menu [data-hydra-link="/orders"]')
        assert.equal(await orders.getAttribute('aria-disabled'), 'true')
        assert.equal(await orders.getAttribute('href'), null)
        assert.equal(await orders.getAttribute('title'), 'Orders is away for a moment')
      })
    }
    await page.getByText('Ordering is away for a moment').waitFor()
    await shop.revive('orders')
    await eventually(async () => {
      await page.reload()
      assert.equal(await item(page, 'Orders').getAttribute('href'), '/orders')
      assert.equal(await page.getByRole('link', { name: 'Order one' }).count(), 1)
    })
  })
})

test('who is in the middle of something is left alone', async () => {
  for (const viewport of [
    { width: 1000, height: 700 },
    { width: 360, height: 500 },
  ]) {
    await visit({ viewport }, async (open) => {
      const page = await open()
      await page.goto(`${shop.url}/orders/new?good=marsh-lamp`)
      const note = page.getByLabel('A word for those who pack')
      const field = `[document.activeElement.id, note.value, note.selectionStart, note.selectionEnd].join(' ')`
      await note.fill('by the river')
      await page.evaluate(`note.focus(), note.setSelectionRange(3, 6)`)
      await movedIn(page)

      await shop.kill('orders')
      await turned(page, '/orders', false)
      assert.equal(await page.evaluate(field), 'note by the river 3 6')

      // What has the focus keeps it, off and on.
      await item(page, 'Orders').focus()
      await shop.revive('orders')
      await turned(page, '/orders', true)
      await shop.kill('orders')
      await turned(page, '/orders', false)
      const focused = `document.activeElement.dataset.hydraLink`
      assert.equal(await page.evaluate(focused), '/orders')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      assert.notEqual(await page.evaluate(focused), '/orders')
      await page.keyboard.press('Shift+Tab')
      assert.equal(await page.evaluate(focused), '/orders', 'the keyboard reaches what is off')
      assert.equal(new URL(page.url()).pathname, '/orders/new')
      await shop.revive('orders')
      await turned(page, '/orders', true)
      assert.equal(await page.evaluate(focused), '/orders')

      assert.equal(await movedIn(page), 0, 'nothing moved')
      assert.equal(await note.inputValue(), 'by the river')
      await page.getByRole('button', { name: 'Send the order' }).click()
      await page.getByRole('heading', { name: 'Thank you' }).waitFor()
      await page.getByText('by the river').waitFor()
    })
  }
})

test('the way to an order goes off with its service; a fallback gives way in place', async () => {
  for (const viewport of [
    { width: 1000, height: 500 },
    { width: 360, height: 500 },
  ]) {
    await visit({ viewport }, async (open) => {
      const page = await open()
      const order = page.getByRole('link', { name: 'Order one' })
      await page.goto(`${shop.url}/catalog/marsh-lamp`)
      await movedIn(page)
      await shop.kill('orders')
      await turned(page, '/orders', false)
      await page.getByRole('link', { name: 'Order one', disabled: true }).waitFor()
      assert.equal(await order.getAttribute('href'), null)
      assert.equal(await movedIn(page), 0, 'nothing moved when it went')

      // Opened meanwhile: a fallback, in the same place.
      await page.reload()
      await page.getByText('Ordering is away for a moment').waitFor()
      await page.evaluate('window.isSame = true')
      await page.evaluate('scrollTo(0, 120)')
      const button = `document.querySelector('form[action$=list] button')`
      await page.evaluate(`${button}.focus({ preventScroll: true })`)
      const scrolled = await page.evaluate('scrollY')
      await movedIn(page)
      await shop.revive('orders')
      await order.waitFor()
      assert.equal(await order.getAttribute('href'), '/orders/new?good=marsh-lamp')
      assert.equal(await page.getByText('Ordering is away for a moment').count(), 0)
      assert.equal(await page.evaluate('window.isSame'), true, 'the page was not loaded again')
      assert.equal(await page.evaluate('scrollY'), scrolled)
      assert.ok(await page.evaluate(`${button} === document.activeElement`))
      assert.equal(await movedIn(page), 0, 'nothing moved when it came back')
      await turned(page, '/orders', true)
      await page.evaluate('scrollTo(0, 0)')
      await movedIn(page)
      await page.evaluate(`document.querySelector('main').insertAdjacentHTML('beforebegin', '<p>New</p>')`)
      assert.notEqual(await movedIn(page), 0, 'what moves is seen')
    })
  }
})

test('everybody has the menu that is for them, and hears of nothing else', async () => {
  await visit({}, async (openAsAda) => {
    await visit({}, async (openAsMira) => {
      const [ada, mira] = [await openAsAda(), await openAsMira()]
      const heard: string[] = []
      mira.on('response', async (response) => {
        // A stream has no end, and what leads elsewhere no body.
        if (new URL(response.url()).pathname === '/_hydra/live' || response.status() >= 300) return
        heard.push(await response.text().catch(() => ''))
      })
      await signInAt(ada, shop.url, 'ada', 'marsh-lamp')
      await signInAt(mira, shop.url, 'mira', 'pond-boots')
      assert.deepEqual(await labels(ada), ['Home', 'Catalog', 'Orders', 'Desk', 'Account', 'Sign out'])
      assert.deepEqual(await labels(mira), ['Home', 'Catalog', 'Orders', 'Account', 'Sign out'])

      for (const path of ['/', '/catalog', '/catalog/marsh-lamp', '/orders', '/account'])
        await mira.goto(shop.url + path)
      for (const path of ['/_hydra/menus', '/_hydra/menus/main', '/_hydra/menus/main?format=html'])
        heard.push(await mira.evaluate(`fetch(${JSON.stringify(path)}).then((answer) => answer.text())`))
      // All that a stream tells while the service with the desk goes and comes back.
      await mira.evaluate(`(async () => {
        window.told = ''
        const { body } = await fetch('/_hydra/live?menu=main&menu=account&link=/orders')
        for await (const chunk of body.pipeThrough(new TextDecoderStream())) told += chunk
      })(), undefined`)
      await mira.waitForFunction(`told.includes('"state":"available"')`)
      await shop.kill('orders')
      await turned(ada, '/orders/desk', false)
      await turned(mira, '/orders', false)
      await shop.revive('orders')
      await turned(ada, '/orders/desk', true)
      await turned(mira, '/orders', true)
      heard.push(await mira.evaluate('told'), await mira.content())
      assert.ok(
        heard.length >= 8 && heard.every((text) => !/desk/i.test(text)),
        'mira never hears of the desk',
      )
      assert.match(await mira.evaluate<string>('told'), /"state":"down"/)

      // Signed out in one tab, it is out of the menu of all.
      const second = await openAsAda()
      await second.goto(`${shop.url}/catalog`)
      assert.ok((await labels(second)).includes('Desk'))
      await ada.getByRole('navigation', { name: 'You' }).getByRole('link', { name: 'Sign out' }).click()
      await ada.getByRole('button', { name: 'Sign out' }).click()
      await ada.getByText('You are signed out').waitFor()
      await eventually(async () =>
        assert.deepEqual(await labels(second), ['Home', 'Catalog', 'Orders', 'Account']),
      )
      assert.ok(!/desk/i.test(await second.locator('header').innerHTML()))
    })
  })
})
