/**
 * Pages of fragments in a real browser: one page has one DOM wherever it is composed, and a developer sees in X-ray
 * what nobody else does.
 *
 * With HYDRA_SHOTS set to a folder, a picture of the X-ray is put there.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fragment, page as pageOf } from '@hydra-gateway/sdk'
import { hydra, sendPage } from '@hydra-gateway/sdk/node'
import type { BrowserContext } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const SHOTS = process.env.HYDRA_SHOTS

/** Fragments with everything that may tell two composers apart: order, nesting, assets, fallbacks, odd text. */
const TEMPLATE = `<!doctype html>
<html lang="en" xmlns:m="https://hydra.example/m">
<head><meta charset="utf-8"><title>One page</title>
<script type="application/json" m:attributes>{"name":"Mira","list":[1,2]}</script>
</head>
<body>
<main>
<h1>One page</h1>
<m:fragment service="parts" ref="price" imports="name" exports="total as sum, currency"><p>no price</p></m:fragment>
<table><tbody><tr><td><m:fragment service="parts" ref="cell" imports="sum, list as items"/></td></tr></tbody></table>
<m:fragment service="nobody" ref="at-all"><p>Nobody is there, <m:fragment service="parts" ref="spare"><i>nor here</i></m:fragment></p></m:fragment>
<m:fragment service="parts" ref="broken"><p>It broke.</p></m:fragment>
<m:fragment ref="own" imports="currency"><p>not even our own</p></m:fragment>
<m:fragment service="parts" ref="nested" imports="sum as amount"></m:fragment>
<!-- <m:fragment service="parts" ref="commented"></m:fragment> -->
<script>const tag = '<m:fragment service="parts" ref="in-a-script">no</m:fragment>'</script>
<textarea><m:fragment ref="in-text"></m:fragment></textarea>
</main>
</body>
</html>
`

const parts = [
  fragment(
    'price',
    { imports: ['name'], exports: ['total', 'currency'], assets: { styles: ['price.css'] } },
    ({ imports }) => ({
      html: `<p class="price">Dear ${imports.name}, € 38 &amp; more: $& $1 $\` é 水</p>`,
      exports: { total: 38, currency: 'EUR', secret: 'never crosses' },
    }),
  ),
  fragment(
    'cell',
    { imports: ['sum', 'items'], assets: { styles: ['price.css'], scripts: ['cell.js'] } },
    ({ imports }) => `<b>${imports.sum} for ${JSON.stringify(imports.items)}, ${String(imports.secret)}</b>`,
  ),
  fragment('spare', () => '<em>but this is</em>'),
  fragment('broken', () => {
    throw new Error('on purpose')
  }),
  fragment('nested', { imports: ['amount'] }, ({ imports }) => ({
    html: '<section><m:fragment service="parts" ref="inner" imports="twice"><p>no inner</p></m:fragment></section>',
    attributes: { twice: Number(imports.amount) * 2 },
  })),
  fragment('inner', { imports: ['twice'] }, ({ imports }) => `<p>twice is ${imports.twice}</p>`),
]

async function startServices(t: TestContext, gateway: TestGateway): Promise<void> {
  const common = {
    gateway: gateway.url,
    publicKey: gateway.publicKey,
    privateKey: gateway.privateKey,
    log: false,
  } as const
  const open = async (
    serve: (request: IncomingMessage, response: ServerResponse) => void,
    options: Omit<Parameters<typeof hydra>[1], keyof typeof common>,
  ) => {
    const server = createServer(serve)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const service = await hydra(server, { ...common, signals: false, host: '127.0.0.1', ...options })
    t.after(() => service.close())
    await service.ready
  }
  await open(
    (request, response) => {
      const isScript = request.url?.includes('.js')
      response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/css' })
      response.end(isScript ? 'document.body.dataset.cell = "ran"' : '.price { color: rgb(1, 2, 3) }')
    },
    { name: 'parts', version: '1.2.3', statics: ['price.css', 'cell.js'], fragments: parts },
  )
  const inSdk = pageOf(TEMPLATE, { name: 'one.html' })
  const own = fragment(
    'own',
    { imports: ['currency'] },
    ({ imports }) => `<p>our own, in ${imports.currency}</p>`,
  )
  await open(
    (request, response) => {
      if (request.url === '/sdk') {
        void sendPage(response, inSdk.render({}, request))
        return
      }
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'hydra-compose': '1' })
        .end(TEMPLATE)
    },
    {
      name: 'pages',
      version: '2.0.0',
      routes: ['GET /sdk', 'GET /gateway'],
      pages: [inSdk],
      fragments: [own],
    },
  )
}

async function openBrowser(t: TestContext): Promise<BrowserContext> {
  const browser = await launchChromium()
  t.after(() => browser.close())
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  context.setDefaultTimeout(10_000)
  return context
}

test('one page has one DOM, composed in the gateway or in its service', { timeout: 60_000 }, async (t) => {
  const gateway = await startGateway(t)
  await startServices(t, gateway)
  const context = await openBrowser(t)
  const doms: Record<string, string> = {}
  for (const where of ['gateway', 'sdk']) {
    const page = await context.newPage()
    await page.goto(`${gateway.url}/${where}`)
    await page.getByText('twice is 76').waitFor()
    await page.getByText('38 for [1,2], undefined').waitFor()
    await page.getByText('Nobody is there, but this is').waitFor()
    await page.getByText('It broke.').waitFor()
    await page.getByText('our own, in EUR').waitFor()
    assert.equal(await page.locator('.price').textContent(), 'Dear Mira, € 38 & more: $& $1 $` é 水')
    assert.equal(
      await page.evaluate<string>("getComputedStyle(document.querySelector('.price')).color"),
      'rgb(1, 2, 3)',
    )
    assert.equal(await page.locator('textarea').inputValue(), '<m:fragment ref="in-text"></m:fragment>')
    assert.equal(await page.locator('link[href*="price.css"]').count(), 1)
    await page.locator('body[data-cell=ran]').waitFor()
    const dom = await page.evaluate<string>('document.documentElement.outerHTML')
    doms[where] = dom
    assert.doesNotMatch(dom, /hydra-xray|hydra:fragment|m:attributes/)
  }
  assert.equal(doms.sdk, doms.gateway)
})

test('a developer sees in X-ray where each part of a page comes from, and nobody else does', {
  timeout: 60_000,
}, async (t) => {
  const gateway = await startGateway(t)
  await startServices(t, gateway)
  const context = await openBrowser(t)
  const credentials = Buffer.from(`${gateway.publicKey}:${gateway.privateKey}`).toString('base64')
  for (const where of ['gateway', 'sdk']) {
    const answer = await fetch(`${gateway.url}/_hydra/api/v1/xray`, {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
      body: JSON.stringify({ to: `/${where}` }),
    })
    const { path } = (await answer.json()) as { path: string }
    const page = await context.newPage()
    const faults: string[] = []
    page.on('pageerror', (fault) => faults.push(fault.message))
    await page.goto(gateway.url + path)
    assert.equal(page.url(), `${gateway.url}/${where}`)
    const panel = page.getByRole('complementary', { name: 'X-ray' })
    await panel.waitFor()
    const row = (ref: string) =>
      panel.getByRole('row').filter({ has: page.locator('code', { hasText: new RegExp(`^${ref}$`) }) })
    await row('price').getByText('parts 1.2.3').waitFor()
    await row('price').getByText('takes name; gives total, currency').waitFor()
    await row('cell').getByText('wave 2').waitFor()
    await row('at-all').getByText('fallback').first().waitFor()
    assert.notEqual(await row('broken').locator('.why').textContent(), '')
    // A label leads to its row, Escape closes the panel, and it stays closed on the next page.
    await page.getByRole('button', { name: /\d+ price/ }).click()
    assert.match((await row('price').getAttribute('class')) ?? '', /chosen/)
    await page.addScriptTag({ content: AXE })
    const violations = await page.evaluate(() =>
      (globalThis as never as { axe: { run(at: unknown): Promise<{ violations: { id: string }[] }> } }).axe
        .run({ include: ['hydra-xray'] })
        .then(({ violations }) => violations.map(({ id }) => id)),
    )
    assert.deepEqual(violations, [])
    if (SHOTS) await page.screenshot({ path: join(SHOTS, `xray-${where}.png`) })
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'X-ray', exact: true }).waitFor()
    assert.equal(await panel.isVisible(), false)
    await page.getByRole('button', { name: 'X-ray', exact: true }).click()
    await panel.getByRole('link', { name: 'Turn off' }).click()
    await page.getByText('twice is 76').waitFor()
    assert.doesNotMatch(await page.content(), /hydra-xray|hydra:fragment/)
    assert.deepEqual(faults, [])
  }
})
