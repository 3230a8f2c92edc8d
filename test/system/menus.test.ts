/**
 * Menus of a real gateway: who sees what of them, what services and operators are told, and how they follow the services.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type MenuInfo, menusAnswer, menuView } from '@hydra-gateway/protocol'
import { type CookieBrowser, createCookieBrowser } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startUpstream } from '../support/upstream.ts'
import { openService } from './fragments/channel-service.ts'

const PEOPLE = {
  mira: { roles: ['USER'] },
  bo: { roles: ['CLERK'] },
  ada: { roles: ['USER', 'ADMIN'] },
}

/** A site where people sign in; at the orders a CLERK is called STAFF, and the operator has a rule of his own. */
async function openSite(t: TestContext) {
  const users = Object.entries(PEOPLE).map(([username, more]) => ({ username, password: 'secret', ...more }))
  const gateway = await startGateway(t, {
    rsocketPort: 0,
    lease: { ttl: '60s' },
    identity: {
      ...{ users, database: false },
      roles: { CLERK: { mappedTo: 'STAFF', service: 'orders' } },
      rules: [{ service: 'orders', path: '/orders/audit', roles: ['ADMIN'] }],
    },
  })
  const register = async (name: string, bean: object) => {
    const { port } = await startUpstream(t, name)
    const response = await fetch(`${gateway.discovery}/registration`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, host: '127.0.0.1', port, protocol: 1, ...bean }),
    })
    assert.equal(response.status, 200)
    return (await response.json()) as { warnings?: string[] }
  }
  return { gateway, register }
}

async function signIn({ url }: TestGateway, username: string): Promise<CookieBrowser> {
  const browser = createCookieBrowser()
  assert.equal((await browser.signIn(url, { username, password: 'secret' })).status, 303)
  return browser
}

const ORDERS = {
  routes: [
    { path: '/orders' },
    { path: '/orders/mine', auth: 'required' },
    { path: '/orders/audit' },
    { path: '/orders/desk', roles: ['STAFF'] },
  ],
  menuItems: {
    main: [
      { endpoint: '/orders', label: 'Orders', order: 1 },
      { endpoint: '/orders/mine', label: 'Mine', parent: '/orders', signedOut: 'show' },
      { endpoint: '/orders/desk', label: 'Desk', parent: '/orders' },
      { endpoint: '/orders/audit', label: 'Audit', parent: '/orders' },
      { endpoint: '/orders?old', label: 'Archive', roles: ['USER'] },
    ],
    account: [{ endpoint: '/login', label: 'Sign in' }],
  },
}

test('everybody sees the items they may use, and is never sent another one', async (t) => {
  const { gateway, register } = await openSite(t)
  await register('orders', ORDERS)
  const seenBy = async (username?: string) => {
    const browser = username === undefined ? createCookieBrowser() : await signIn(gateway, username)
    const { body } = await browser.get(`${gateway.url}/_hydra/menus/main`, { accept: 'application/json' })
    assert.ok(!body.includes('ADMIN') && !body.includes('STAFF'), body)
    return JSON.parse(body).items.map(({ label }: { label: string }) => label)
  }
  assert.deepEqual(await seenBy(), ['Orders', 'Mine'])
  assert.deepEqual(await seenBy('mira'), ['Orders', 'Mine', 'Archive'])
  assert.deepEqual(await seenBy('bo'), ['Orders', 'Desk', 'Mine'])
  assert.deepEqual(await seenBy('ada'), ['Orders', 'Audit', 'Mine', 'Archive'])
  const account = menuView.parse(await (await fetch(`${gateway.url}/_hydra/menus/account`)).json())
  assert.deepEqual(account.items, [{ path: '/login', label: 'Sign in', state: 'available' }])
})

test('who may see an item may open what is behind it, and who may not is kept out there too', async (t) => {
  const { gateway, register } = await openSite(t)
  await register('orders', ORDERS)
  for (const username of Object.keys(PEOPLE)) {
    const browser = await signIn(gateway, username)
    const { body } = await browser.get(`${gateway.url}/_hydra/menus/main`, { accept: 'application/json' })
    const shown = JSON.parse(body).items.map(({ path }: { path: string }) => path)
    for (const { path } of ORDERS.routes) {
      const { status } = await browser.get(`${gateway.url}${path}`)
      assert.equal(status, shown.includes(path) ? 200 : 403, `${username} ${path}`)
    }
  }
})

test('an item follows the page it leads to, also one of another service', async (t) => {
  const { gateway, register } = await openSite(t)
  const item = { endpoint: '/stock', label: 'Stock' }
  const state = async () => {
    const { items } = menuView.parse(await (await fetch(`${gateway.url}/_hydra/menus/main`)).json())
    return items.map(({ label, state, reason = '' }) => `${label} ${state} ${reason}`)
  }
  const { warnings } = await register('home', { menuItems: { main: [item] } })
  assert.match(warnings![0]!, /"\/stock" of menu "main" leads nowhere/)
  assert.deepEqual(await state(), ['Stock down There is nothing at this address yet'])

  const stock = await openService(t, gateway, 'stock-service', { more: { endpoints: ['/stock'] } })
  await eventually(async () => assert.deepEqual(await state(), ['Stock available ']))
  const again = await register('home', { menuItems: { main: [item] } })
  assert.match(again.warnings![0]!, /leads to stock-service/)

  stock.cut()
  await eventually(async () => assert.deepEqual(await state(), ['Stock down Stock is away for a moment']))
})

test('operators are told of every item and of what is wrong with some, services of their own', async (t) => {
  const { gateway, register } = await openSite(t)
  const { warnings: none } = await register('orders', ORDERS)
  assert.equal(none, undefined)
  const label = '<script>alert(1)</script>'
  const { warnings } = await register('evil', {
    routes: [{ path: '/evil' }],
    menuItems: {
      main: [
        { endpoint: 'javascript:alert(1)', label },
        { endpoint: '//evil.example', label },
        { endpoint: '/orders', label },
        { endpoint: '/evil', label, parent: '/nobody' },
      ],
      toString: [{ endpoint: '/evil', label: 'Own' }],
    },
  })
  assert.equal(warnings!.length, 4)
  const answer = await gateway.admin('menus')
  assert.deepEqual(menusAnswer.parse(answer), answer)
  assert.deepEqual(
    answer.menus.map(({ name, items }: MenuInfo) => [name, items.length]),
    [
      ['account', 1],
      ['main', 6],
      ['toString', 1],
    ],
  )
  assert.deepEqual(
    answer.faults.map(({ fault, service, isShown }: Record<string, unknown>) => [fault, service, isShown]),
    [
      ['path', 'evil', false],
      ['path', 'evil', false],
      ['duplicate', 'evil', false],
      ['unknown-parent', 'evil', true],
    ],
  )
  const audit = answer.menus[1].items.find(({ label }: { label: string }) => label === 'Audit')
  assert.deepEqual(audit.demands, [{ service: 'orders', auth: 'required', roles: ['ADMIN'] }])
  const said = gateway.lines.filter(({ msg }) => msg === 'menu items are not as they were meant')
  assert.deepEqual(
    said.map(({ service, items }) => [service, (items as string[]).length]),
    [['evil', 4]],
  )
  const shown = await fetch(`${gateway.url}/_hydra/menus/main?format=html`)
  const html = await shown.text()
  assert.ok(html.includes('&lt;script&gt;') && !html.includes('<script'), html)
  assert.equal((await fetch(`${gateway.url}/_hydra/menus/valueOf`)).status, 404)
})

test('whoever misspells for whom something is, is told; nobody sees it', async (t) => {
  const { gateway, register } = await openSite(t)
  const { warnings } = await register('desk', {
    routes: [{ path: '/desk' }],
    menu: [
      { path: '/desk', label: 'Desk' },
      { path: '/desk?staff', label: 'Staff', role: ['STAFF'] },
    ],
  })
  assert.match(warnings!.join(), /"\/desk\?staff" of menu "main" is left out: "role" .* did you mean roles\?/)
  const { items } = menuView.parse(await (await fetch(`${gateway.url}/_hydra/menus/main`)).json())
  assert.deepEqual(
    items.map(({ path }) => path),
    ['/desk'],
  )
  assert.ok(gateway.lines.some((line) => String(line.msg).includes('did you mean roles?')))
  const response = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ name: 'stock', host: '127.0.0.1', port: 1, protocol: 1 },
      routes: [{ path: '/stock', role: ['STAFF'] }],
    }),
  })
  assert.equal(response.status, 400)
  assert.match(await response.text(), /routes\.0\.role: .* did you mean roles\?/)
})
