/**
 * What who asks for the address of a service that is away gets, when it is no browser, and what pages say of a site to
 * whom.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { PROBLEM_TYPE } from '@hydra-gateway/protocol'
import type { ServiceOptions } from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/node'
import { createCookieBrowser } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

/** A gateway whose orders were there and are gone. */
async function openSite(
  t: TestContext,
  routes: readonly object[],
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const gateway = await startGateway(t)
  const { url, publicKey, privateKey } = gateway
  const service = await hydra(createServer().listen(0, '127.0.0.1'), {
    gateway: url,
    publicKey,
    privateKey,
    name: 'orders',
    title: 'Orders',
    routes: routes as never,
    log: false,
  })
  t.after(() => service.close())
  await service.ready
  await service.close()
  const ask = (path: string, init: RequestInit = {}) => fetch(url + path, { redirect: 'manual', ...init })
  await eventually(async () => assert.equal((await ask('/orders')).status, 503))
  return ask
}

for (const fallback of [undefined, '<h1>Closed</h1>', 'https://status.example/']) {
  test(`programs get a problem with a time to come back, whatever the fallback is: ${fallback}`, async (t) => {
    const ask = await openSite(t, [
      { path: '/orders', methods: ['GET', 'POST'], ...(fallback && { fallback }) },
    ])
    const asked: RequestInit[] = [
      {},
      { headers: { accept: '*/*' } },
      { headers: { accept: 'application/json' } },
      { headers: { accept: 'application/json, text/plain, */*', 'x-requested-with': 'XMLHttpRequest' } },
      { method: 'POST', body: 'x', headers: { accept: 'application/json' } },
    ]
    for (const init of asked) {
      const answer = await ask('/orders', init)
      assert.equal(answer.status, 503)
      assert.equal(answer.headers.get('retry-after'), '5')
      assert.equal(answer.headers.get('content-type'), PROBLEM_TYPE)
      assert.equal(answer.headers.get('hydra-problem'), 'HYDRA_NO_INSTANCE')
      const said = (await answer.json()) as Record<string, unknown>
      assert.deepEqual([said.status, said.code], [503, 'HYDRA_NO_INSTANCE'])
    }
    const head = await ask('/orders', { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers.get('retry-after'), await head.text()], [503, '5', ''])
    for (const method of ['GET', 'POST', 'HEAD'])
      assert.equal((await ask('/ordres', { method })).status, 404, 'never known')
  })
}

test('people get the page, the fallback, or are led where it leads', async (t) => {
  const ask = await openSite(t, [
    '/orders' as never,
    { path: '/closed', fallback: '<h1>Closed</h1>' },
    { path: '/elsewhere', fallback: 'https://status.example/' },
  ])
  const page = await ask('/orders', { headers: BROWSER })
  assert.match(await page.text(), /Orders is away for a moment[\s\S]*<script src="\/_hydra\/live.js"/)
  const closed = await ask('/closed', { headers: BROWSER })
  assert.deepEqual([closed.status, closed.headers.get('retry-after')], [503, '5'])
  assert.equal(await closed.text(), '<h1>Closed</h1><script src="/_hydra/live.js" data-wait async></script>')
  const head = await ask('/closed', { headers: BROWSER, method: 'HEAD' })
  assert.deepEqual(
    [head.status, head.headers.get('content-length')],
    [503, closed.headers.get('content-length')],
  )
  const led = await ask('/elsewhere', { headers: BROWSER })
  assert.deepEqual([led.status, led.headers.get('location')], [302, 'https://status.example/'])
})

test('an error page names nothing that is not for its visitor, and nothing that is away', async (t) => {
  const users = [{ id: 7, username: 'mira', password: 'pond-boots', roles: ['USER'] }]
  const gateway = await startGateway(t, { identity: { users } })
  const { url, publicKey, privateKey } = gateway
  const start = async (options: Pick<ServiceOptions, 'name' | 'routes' | 'menu'>) => {
    const server = createServer((_, response) => void response.end('ok')).listen(0, '127.0.0.1')
    const service = await hydra(server, { gateway: url, publicKey, privateKey, log: false, ...options })
    t.after(() => service.close())
    await service.ready
    return service
  }
  await start({
    name: 'shop',
    routes: ['/catalog', { path: '/account', auth: 'required' }, { path: '/vault', roles: ['BOSS'] }],
    menu: [
      { path: '/catalog', label: 'Catalog' },
      { path: '/account', label: 'Account' },
      { path: '/vault', label: 'Vault' },
      { path: '/catalog?hidden=1', label: 'Bargains', roles: ['BOSS'] },
    ],
  })
  const orders = await start({
    name: 'orders',
    routes: ['/orders'],
    menu: [{ path: '/orders', label: 'Orders' }],
  })
  const linksOf = (html: string) =>
    [...html.matchAll(/<a (?!class="(?:brand|soft)")[^>]*href="([^"]*)"[^>]*>([^<]*)/g)].map(
      ([, href]) => href,
    )

  const visitor = createCookieBrowser()
  const openAt = async (path: string, browser = visitor) => (await browser.get(url + path)).body
  await eventually(async () => assert.deepEqual(linksOf(await openAt('/nothing')), ['/catalog', '/orders']))
  await orders.close()
  await eventually(async () => assert.deepEqual(linksOf(await openAt('/nothing')), ['/catalog']))
  // A slip of the hand finds what is open to everybody, and nothing else.
  assert.match(await openAt('/cataolg'), /Did you mean \/catalog\?/)
  for (const slip of ['/vualt', '/accuont', '/oders', '/_hydra/vualt'])
    assert.doesNotMatch(await openAt(slip), /Did you mean|Vault|"\/account|Bargains/, slip)

  const signedIn = async (username: string, password: string) => {
    const browser = createCookieBrowser()
    await browser.signIn(url, { username, password })
    return browser
  }
  const mira = await signedIn('mira', 'pond-boots')
  const closed = await mira.get(`${url}/vault`)
  assert.equal(closed.status, 403)
  assert.doesNotMatch(closed.body, /Vault|Bargains/)
  assert.doesNotMatch(await openAt('/vualt', mira), /Did you mean|Vault|Bargains/)
})
