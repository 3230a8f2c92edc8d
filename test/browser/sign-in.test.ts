/**
 * Signing in once, in a real browser: the way there and back, what every service sees, and that an end is an end.
 */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { type TestContext, test } from 'node:test'
import { hydra } from '@hydra-gateway/sdk/node'
import type { BrowserContext, Page } from 'playwright-core'
import { WebSocketServer } from 'ws'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

const USERS = [
  { id: 7, username: 'mira', password: 'pond-boots', roles: ['USER'] },
  { id: 8, username: 'ada', password: 'marsh-lamp', roles: ['USER', 'BOSS'] },
]

/** Two services behind one door: `shop` has pages for all and for some, `desk` one for its admins. */
async function openSite(
  t: TestContext,
  identity: Record<string, unknown> = {},
): Promise<{ gateway: TestGateway; sockets: WebSocketServer }> {
  const gateway = await startGateway(t, {
    siteTitle: 'Lerna Outfitters',
    identity: {
      users: USERS,
      roles: { BOSS: { mappedTo: 'ADMIN', service: 'des.' } },
      ...identity,
    },
  })
  const keys = { gateway: gateway.url, publicKey: gateway.publicKey, privateKey: gateway.privateKey }
  const words = (name: string, who: string, request: IncomingMessage) =>
    `<!doctype html><html lang="en"><title>${name}</title><main><h1>${name}</h1><p id="who">${who}</p><p id="url">${request.url?.replaceAll('&', '&amp;')}</p></main>`

  const server = createServer(async (request, response) => {
    const caller = await shop.verify(request)
    if (request.url === '/account/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${caller?.user.username}\n\n`)
      return
    }
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(words('shop', caller?.user.username ?? 'nobody', request))
  })
  const sockets = new WebSocketServer({ server })
  const shop = await hydra(server, {
    ...keys,
    name: 'shop',
    routes: ['GET /', { path: '/account', auth: 'required' }, { path: '/account/{part}', auth: 'required' }],
    sockets: [{ path: '/live', auth: 'required' }],
    log: false,
  })
  const deskServer = createServer(async (request, response) => {
    const caller = await desk.verify(request)
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(words('desk', `${caller?.user.username} ${caller?.roles.join(' ')}`, request))
  })
  const desk = await hydra(deskServer, {
    ...keys,
    name: 'desk',
    routes: [{ path: '/desk', roles: ['ADMIN'] }],
    log: false,
  })
  for (const each of [server, deskServer]) each.listen(0, '127.0.0.1')
  t.after(() => Promise.all([shop.close(), desk.close()]))
  await Promise.all([shop.ready, desk.ready])
  return { gateway, sockets }
}

async function openBrowser(
  t: TestContext,
  options: { javaScriptEnabled?: boolean } = {},
): Promise<BrowserContext> {
  const browser = await launchChromium()
  t.after(() => browser.close())
  const context = await browser.newContext(options)
  context.setDefaultTimeout(10_000)
  return context
}

async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

const who = (page: Page) => page.locator('#who').textContent()

test('a visitor signs in once, without a script, and comes back to exactly where they wanted to go', {
  timeout: 60_000,
}, async (t) => {
  const { gateway } = await openSite(t)
  const context = await openBrowser(t, { javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(`${gateway.url}/`)
  assert.equal(await who(page), 'nobody')

  const deep = '/account?tab=orders&page=2&q=a%2Fb%20c'
  await page.goto(`${gateway.url}${deep}`)
  assert.equal(new URL(page.url()).pathname, '/login')
  await signIn(page, 'mira', 'wrong')
  await page.getByText('That user name and password don’t belong together').waitFor()
  assert.equal(await page.getByLabel('User name').inputValue(), 'mira')
  await signIn(page, 'mira', 'pond-boots')
  assert.equal(page.url(), `${gateway.url}${deep}`)
  assert.equal(await page.locator('#url').textContent(), deep)
  assert.equal(await who(page), 'mira')

  // Everywhere else they are known as well; what is for others is told apart from what is for nobody.
  await page.goto(`${gateway.url}/`)
  assert.equal(await who(page), 'mira')
  const refused = await page.goto(`${gateway.url}/desk`)
  assert.equal(refused?.status(), 403)
  await page.getByRole('heading', { name: 'This page is not open to you' }).waitFor()
})

test('a role is what the service calls it, and one sign-in opens the pages of all services', {
  timeout: 60_000,
}, async (t) => {
  const { gateway } = await openSite(t)
  const page = await (await openBrowser(t)).newPage()
  await page.goto(`${gateway.url}/desk`)
  await signIn(page, 'ada', 'marsh-lamp')
  assert.equal(page.url(), `${gateway.url}/desk`)
  assert.equal(await who(page), 'ada USER ADMIN')
  await page.goto(`${gateway.url}/account`)
  assert.equal(await who(page), 'ada')
})

test('two tabs that ask for a sign-in at once both get where they were going', {
  timeout: 60_000,
}, async (t) => {
  const { gateway } = await openSite(t)
  const context = await openBrowser(t)
  const [first, second] = [await context.newPage(), await context.newPage()]
  await Promise.all([first.goto(`${gateway.url}/account?tab=1`), second.goto(`${gateway.url}/account?tab=2`)])
  await signIn(first, 'mira', 'pond-boots')
  assert.equal(first.url(), `${gateway.url}/account?tab=1`)
  // Its form is older than the session by now.
  await signIn(second, 'mira', 'pond-boots')
  assert.equal(second.url(), `${gateway.url}/account?tab=2`)
  for (const page of [first, second]) {
    await page.reload()
    assert.equal(await who(page), 'mira')
  }
})

test('signing out in one tab ends the socket and the events of another, and fetch gets 401 instead of a page', {
  timeout: 60_000,
}, async (t) => {
  const { gateway, sockets } = await openSite(t)
  const context = await openBrowser(t)
  const page = await context.newPage()
  await page.goto(`${gateway.url}/account`)
  await signIn(page, 'mira', 'pond-boots')
  await page.evaluate(() => {
    const socket = new WebSocket(`ws://${(globalThis as any).location.host}/live`)
    const state = globalThis as any
    state.opened = new Promise((resolve) => (socket.onopen = () => resolve(true)))
    socket.onclose = ({ code }) => (state.closedWith = { code, at: Date.now() })
    const events = new (globalThis as any).EventSource('/account/events')
    state.heard = new Promise((resolve) => (events.onmessage = ({ data }: any) => resolve(data)))
    events.onerror = () => (state.cutAt ??= Date.now())
  })
  assert.equal(await page.evaluate(() => (globalThis as any).heard), 'mira')
  assert.equal(await page.evaluate(() => (globalThis as any).opened), true)
  assert.equal(sockets.clients.size, 1)

  const other = await context.newPage()
  await other.goto(`${gateway.url}/logout`)
  const outAt = Date.now()
  await other.getByRole('button', { name: 'Sign out' }).click()
  await other.waitForURL(/\/login\?logout/)
  const closedWith = await eventually(async () => {
    const state = await page.evaluate(() => (globalThis as any).closedWith)
    assert.ok(state)
    return state
  })
  const cutAt = await eventually(async () => {
    const at = await page.evaluate(() => (globalThis as any).cutAt)
    assert.ok(at)
    return at
  })
  assert.ok(cutAt - outAt < 1000, `events went on for ${cutAt - outAt} ms after the click`)
  assert.equal(closedWith.code, 4401)
  assert.ok(closedWith.at - outAt < 1000, `closed ${closedWith.at - outAt} ms after the click`)

  const answer = await page.evaluate(async () => {
    const response = await fetch('/account/data', { headers: { accept: 'application/json' } })
    return { status: response.status, redirected: response.redirected, body: (await response.json()) as any }
  })
  assert.equal(answer.status, 401)
  assert.equal(answer.redirected, false)
  assert.equal(answer.body.code, 'HYDRA_LOGIN_REQUIRED')
  await page.goto(`${gateway.url}/account`)
  assert.equal(new URL(page.url()).pathname, '/login')
})

test('an old token is renewed on the way, and the visitor sees nothing of it', {
  timeout: 60_000,
}, async (t) => {
  const { gateway } = await openSite(t, { token: { life: '2s', renewAfter: '1s' } })
  const context = await openBrowser(t)
  const page = await context.newPage()
  await page.goto(`${gateway.url}/account`)
  await signIn(page, 'mira', 'pond-boots')
  const tokenNow = async () => (await context.cookies()).find(({ name }) => name === 'HYDRA-SSO')?.value
  const before = await tokenNow()
  await eventually(async () => assert.equal(await tokenNow(), undefined))
  await page.goto(`${gateway.url}/account?again=1`)
  assert.equal(page.url(), `${gateway.url}/account?again=1`)
  assert.equal(await who(page), 'mira')
  assert.notEqual(await tokenNow(), before)
  // A page for everybody knows them too.
  await eventually(async () => assert.equal(await tokenNow(), undefined))
  await page.goto(`${gateway.url}/`)
  assert.equal(await who(page), 'mira')
})
