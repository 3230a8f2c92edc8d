/**
 * How many streams a browser opens for its pages, and when: one for all of them, however they come and go, with and
 * without a shared worker; again after it was lost, each browser at a time of its own.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { type LiveSite, openLiveSite } from '../support/live-site.ts'

const NO_WORKER = 'delete globalThis.SharedWorker'
const NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"

/** Each page shows the menu, and a link that leads where it is itself. */
const openSite = (t: TestContext): Promise<LiveSite> =>
  openLiveSite(
    t,
    ({ url }) =>
      `<!doctype html><title>${url}</title><script src="/_hydra/live.js" async></script><hydra-menu name="main"></hydra-menu><a data-hydra-link="${url}" href="${url}">here</a>`,
  )

async function openBrowser(t: TestContext, script = ''): Promise<BrowserContext> {
  const browser = await launchChromium()
  t.after(() => browser.close())
  const context = await browser.newContext()
  context.setDefaultTimeout(10_000)
  await context.addInitScript(script)
  return context
}

async function openPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  return page
}

async function links(site: LiveSite, ...paths: string[]): Promise<void> {
  await eventually(() => {
    const streams = site.streams.map(({ query }) => query.getAll('link').sort())
    assert.deepEqual(streams, paths.length > 0 ? [paths] : [])
  })
}

const show = async (site: LiveSite, label: string, ...pages: Page[]) => {
  site.menu('main', [{ path: '/x', label, state: 'available' }])
  await Promise.all(pages.map((page) => page.getByRole('link', { name: label }).waitFor()))
}

for (const [how, script] of Object.entries({
  'through the shared worker': '',
  'without a shared worker': NO_WORKER,
  'where the worker is refused':
    'globalThis.SharedWorker = class { constructor() { throw new Error("no") } }',
})) {
  test(`three tabs have one stream ${how}; it follows them as they come and go`, async (t) => {
    const site = await openSite(t)
    const context = await openBrowser(t, script)
    const first = await openPage(context, `${site.url}/1`)
    await links(site, '/1')
    const [second, third] = await Promise.all([
      openPage(context, `${site.url}/2`),
      openPage(context, `${site.url}/3`),
    ])
    await links(site, '/1', '/2', '/3')
    await show(site, 'For all', first, second, third)
    // The page that had the stream, where one of them has it.
    await first.close()
    await show(site, 'For two', second, third)
    await second.goto(`${site.url}/4`)
    await links(site, '/3', '/4')
    await show(site, 'For two others', second, third)
    await third.close()
    await show(site, 'For one', second)
    await second.goto('about:blank')
    await links(site)
    assert.ok(site.opened.length <= 8, `${site.opened.length} streams were opened`)
  })
}

test('a tab that goes without a word is not asked for any more', async (t) => {
  const site = await openSite(t)
  const context = await openBrowser(t)
  const first = await openPage(context, `${site.url}/1`)
  const doomed = await openPage(context, `${site.url}/2`)
  await links(site, '/1', '/2')
  // Only its lock is let go, as when it crashes.
  await doomed.evaluate("addEventListener('pagehide', (event) => event.stopImmediatePropagation(), true)")
  await doomed.close()
  const last = await openPage(context, `${site.url}/3`)
  await links(site, '/1', '/3')
  await show(site, 'Still', first, last)
})

test('where there are neither workers nor locks each page has a stream of its own', async (t) => {
  const site = await openSite(t)
  const context = await openBrowser(t, `${NO_WORKER};${NO_LOCKS}`)
  const pages = [await openPage(context, `${site.url}/1`), await openPage(context, `${site.url}/2`)]
  await eventually(() => assert.equal(site.streams.length, 2))
  await show(site, 'For both', ...pages)
  await pages[0]!.close()
  await links(site, '/2')
})

test('a stream that was lost is opened again, later each time, and not by all browsers at once', async (t) => {
  const site = await openSite(t)
  const contexts = await Promise.all([openBrowser(t), openBrowser(t), openBrowser(t)])
  await Promise.all(contexts.map((context) => openPage(context, `${site.url}/1`)))
  await eventually(() => assert.equal(site.streams.length, 3))
  site.status = 503
  for (const stream of [...site.streams]) stream.cut()
  await eventually(() => assert.ok(site.refused.length >= 6), 20_000)
  const last = site.refused.length
  const all = [...site.refused].sort()
  assert.ok(all.at(-1)! - all[0]! > 300, 'they come one by one')
  site.status = 200
  await eventually(() => assert.equal(site.streams.length, 3), 40_000)
  assert.ok(last < 40)
})

test('what the page knows is not sent twice, and what it is told to do it does', async (t) => {
  const site = await openSite(t)
  site.menu('main', [{ path: '/x', label: 'Known', state: 'available' }])
  const context = await openBrowser(t)
  const sessions: string[] = []
  context.on('request', (request) => {
    if (request.url().endsWith('/_hydra/session')) sessions.push(request.method())
  })
  const page = await openPage(context, `${site.url}/1`)
  await page.getByRole('link', { name: 'Known' }).waitFor()
  site.streams[0]!.cut()
  await eventually(() => assert.match(site.streams[0]?.query.get('have') ?? '', /./))
  assert.equal(await page.getByRole('link', { name: 'Known' }).count(), 1)
  await show(site, 'News', page)

  const asked = site.asked.length
  site.streams[0]!.send('renew', '')
  await eventually(() =>
    assert.ok(
      site.asked.slice(asked).some(({ method, url }) => method === 'POST' && url === '/_hydra/session'),
    ),
  )
  await eventually(() => assert.equal(site.streams.length, 1))
  const from = Date.now()
  site.streams[0]!.send('bye', '{"afterMs":700}')
  await eventually(() => assert.ok(site.opened.at(-1)!.at >= from + 700))
  await show(site, 'More news', page)
})

test('a stream that has gone silent is opened again', async (t) => {
  const site = await openSite(t)
  site.facts.beatMs = 100
  const page = await openPage(await openBrowser(t), `${site.url}/1`)
  await eventually(() => assert.ok(site.opened.length >= 2))
  const { length } = site.opened
  const beats = setInterval(() => {
    for (const stream of site.streams) stream.send('beat', '')
  }, 30)
  t.after(() => clearInterval(beats))
  await eventually(() => assert.equal(site.streams.length, 1))
  await show(site, 'Heard', page)
  assert.ok(site.opened.length <= length + 1)
})

for (const [how, script] of Object.entries({ 'with a shared worker': '', without: NO_WORKER })) {
  test(`a page is kept for the way back ${how}, and is true again then`, async (t) => {
    const site = await openSite(t)
    const browser = await launchChromium({ keepsPages: true })
    t.after(() => browser.close())
    const context = await browser.newContext()
    await context.addInitScript(script)
    const page = await openPage(context, `${site.url}/1`)
    await show(site, 'Before', page)
    await page.evaluate('window.isSame = true')
    await page.goto(`${site.url}/2`)
    await links(site, '/2')
    site.menu('main', [{ path: '/x', label: 'Meanwhile', state: 'available' }])
    await page.evaluate('history.back()')
    await page.getByRole('link', { name: 'Meanwhile' }).waitFor()
    const why = await page.evaluate(
      "JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)",
    )
    assert.equal(await page.evaluate('window.isSame'), true, String(why))
    await links(site, '/1')
  })
}
