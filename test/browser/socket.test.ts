/**
 * Messages in a real browser: the client as the gateway serves it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { connect } from '@hydra-gateway/sdk'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'

const PAGE = `<!doctype html><title>Chat</title><ol></ol><p></p>
<script type="module">import { openSocket } from '/_hydra/socket.js'
  const socket = openSocket('/_hydra/socket', { storage: sessionStorage, firstRetryMs: 50 })
  const write = (text) => document.querySelector('ol').append(Object.assign(document.createElement('li'), { textContent: text }))
  socket.onMessage('chat', ({ body }) => write(body.text))
  for (const name of ['recovered', 'lost', 'ended']) socket.on(name, (value) => write(name + ' ' + value))
  socket.on('state', (state) => { document.querySelector('p').textContent = state + ' ' + socket.id })
  window.socket = socket
</script>`

let browser: Browser
before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

test('a page that is loaded again goes on where it was; the copy of a tab is another client', async (t) => {
  const gateway = await startGateway(t)
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end(PAGE),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { url, publicKey, privateKey } = gateway
  const service = await connect({
    ...{
      name: 'chat',
      server,
      routes: ['/chat'],
      gateway: url,
      publicKey,
      privateKey,
      signals: false,
      log: false,
    },
    messages: { double: ({ body }) => ({ twice: (body as { n: number }).n * 2 }) },
  })
  t.after(() => service.close())
  await service.ready
  const context = await browser.newContext()
  t.after(() => context.close())
  const page = await context.newPage()
  const lines = (of: Page) => of.locator('li').allTextContents()
  const idOf = async (of: Page) => {
    const text = await eventually(async () => {
      const said = await of.locator('p').textContent()
      assert.match(said ?? '', /^open /)
      return said!
    })
    return text.slice('open '.length)
  }
  await page.goto(`${url}/chat`)
  const id = await idOf(page)
  assert.deepEqual(
    await page.evaluate(() => (globalThis as any).socket.call('chat:/', { n: 4 }, { type: 'double' })),
    { twice: 8 },
  )
  await service.push(id, { text: 'one' }, { type: 'chat' })
  await eventually(async () => assert.deepEqual(await lines(page), ['one']))

  await page.goto('about:blank')
  await eventually(async () =>
    assert.equal(await service.push(id, { text: 'two' }, { type: 'chat' }), 'later'),
  )
  await page.goto(`${url}/chat`)
  assert.equal(await idOf(page), id)
  await eventually(async () => assert.deepEqual(await lines(page), ['recovered true', 'two']))

  // what a tab that is doubled starts with
  const kept = await page.evaluate(() => ({ ...sessionStorage }))
  const other = await context.newPage()
  await other.addInitScript((all) => Object.assign(sessionStorage, all), kept)
  await other.goto(`${url}/chat`)
  assert.notEqual(await idOf(other), id)
  assert.equal(await idOf(page), id)
})
