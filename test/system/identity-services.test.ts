import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RegistrationResponse, RoutesAnswer } from '@hydra-gateway/protocol'
import { fragment, page, type ServiceOptions } from '@hydra-gateway/sdk'
import { hydra, sendPage } from '@hydra-gateway/sdk/node'
import { type CookieBrowser, createCookieBrowser } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { medusaBean, medusaClient } from '../support/medusa-client.ts'
import { startUpstream } from '../support/upstream.ts'

interface Site {
  readonly url: string
  readonly publicKey: string
  readonly privateKey: string
}

const USERS = [
  { username: 'ann', password: 'secret', roles: ['Clerk'] },
  { username: 'bob', password: 'secret', roles: ['Chef'] },
]
const CONFIG = {
  // What is called Chef at the gateway is ADMIN in the services below, and nothing elsewhere.
  identity: { users: USERS, roles: { Chef: { mappedTo: 'ADMIN', service: 'account|orders' } } },
}

const gatewayOf = (t: TestContext, config: object = {}) => startGatewayProcess(t, { ...CONFIG, ...config })

async function startService(
  t: TestContext,
  { url: gateway, publicKey, privateKey }: Site,
  name: string,
  options: Partial<ServiceOptions>,
  listener: RequestListener = (_, response) => response.end(name),
) {
  const server = createServer(listener)
  const say = () => {}
  const log = { info: say, warn: say, error: say }
  const service = await hydra(server, {
    ...{ name, gateway, publicKey, privateKey, signals: false, graceMs: 200, log },
    ...options,
  })
  t.after(() => service.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await service.ready
  return { service, port: (server.address() as AddressInfo).port }
}

async function signedIn(url: string, username: string): Promise<CookieBrowser> {
  const browser = createCookieBrowser()
  const { body } = await browser.get(`${url}/login`)
  const [, csrf = ''] = /name="_csrf" value="([^"]+)"/.exec(body) ?? []
  const { status } = await browser.post(`${url}/login`, { username, password: 'secret', _csrf: csrf })
  assert.equal(status, 303)
  return browser
}

const FRAGMENTS = ['hello', 'own', 'staff', 'boss']
const TAGS = FRAGMENTS.map((ref) => `<m:fragment service="account" ref="${ref}">no ${ref}</m:fragment>`).join(
  ' ',
)

/** What a page shows in place of each fragment. */
const shown = (body: string): string[] =>
  /<p>(.*)<\/p>/
    .exec(body)![1]!
    .replaceAll(/<!--.*?-->/g, '')
    .split(' | ')

for (const login of ['cookie', 'header', 'none'] as const) {
  test(`fragments of a service that is told by ${login} are for whom they say, in composed pages and in its own`, async (t) => {
    const gateway = await gatewayOf(t)
    const says = (ref: string) => fragment(ref, {}, ({ user }) => `${ref} of ${user?.username ?? 'nobody'}`)
    const { service: account } = await startService(t, gateway, 'account', {
      login,
      auth: 'required',
      fragments: [
        fragment('hello', { auth: 'optional' }, ({ user }) => `hello ${user?.username ?? 'stranger'}`),
        says('own'),
        fragment('staff', { roles: ['CLERK', 'ADMIN'] }, ({ user }) => `staff ${user?.username}`),
        fragment('boss', { roles: ['ADMIN'] }, ({ user }) => `boss ${user?.roles.join()}`),
      ],
    })
    assert.ok(account)
    const tags = TAGS.replaceAll('> <', '> | <')
    for (const asks of ['cookie', 'header'] as const) {
      const shop = page(`<p>${tags}</p>`, { name: 'shop.html' })
      await startService(
        t,
        gateway,
        `shop-${asks}`,
        {
          login: asks,
          pages: [shop],
          routes: [
            { path: `/${asks}/composed`, compose: true },
            { path: `/${asks}/kept`, compose: true, composedCache: 'keep' },
            `/${asks}/own`,
          ],
        },
        async (request, response) => {
          response.setHeader('content-type', 'text/html')
          response.setHeader('cache-control', 'public, max-age=60')
          if (request.url?.endsWith('/own')) {
            await sendPage(response, shop.render({}, request))
          } else response.end(`<p>${tags}</p>`)
        },
      )
    }
    const nobody = ['hello stranger', 'no own', 'no staff', 'no boss']
    // Told of nobody, it renders what the gateway asks it for.
    const told = login !== 'none'
    const ann = told
      ? ['hello ann', 'own of ann', 'staff ann', 'no boss']
      : ['hello stranger', 'own of nobody', 'staff undefined', 'no boss']
    const bob = told
      ? ['hello bob', 'own of bob', 'staff bob', 'boss ADMIN']
      : ['hello stranger', 'own of nobody', 'staff undefined', 'boss undefined']
    const browsers = {
      nobody: createCookieBrowser(),
      ann: await signedIn(gateway.url, 'ann'),
      bob: await signedIn(gateway.url, 'bob'),
    }
    for (const path of ['/cookie/composed', '/cookie/own', '/header/composed', '/header/own']) {
      const see = async (browser: CookieBrowser) => shown((await browser.get(`${gateway.url}${path}`)).body)
      assert.deepEqual(await see(browsers.nobody), nobody, path)
      assert.deepEqual(await see(browsers.ann), ann, path)
      assert.deepEqual(await see(browsers.bob), bob, path)
    }
    for (const asks of ['cookie', 'header']) {
      const kept = await browsers.bob.get(`${gateway.url}/${asks}/kept`)
      assert.deepEqual(shown(kept.body), nobody)
      assert.equal(kept.headers.get('cache-control'), 'public, max-age=60')
      const composed = await browsers.bob.get(`${gateway.url}/${asks}/composed`)
      assert.match(composed.headers.get('cache-control')!, /private/)
    }
    assert.deepEqual(gateway.errors, [])
  })
}

test('a service that sends somebody else’s token for its page gets the fragments of nobody', async (t) => {
  const gateway = await gatewayOf(t)
  const tokens: (string | undefined)[] = []
  await startService(t, gateway, 'account', {
    fragments: [fragment('hello', {}, ({ user }) => `hello ${user?.username ?? 'stranger'}`)],
  })
  const keep: RequestListener = (request, response) => {
    tokens.push(request.headers['hydra-token'] as string | undefined)
    response.end('ok')
  }
  await startService(t, gateway, 'orders', { login: 'header', routes: ['/orders'] }, keep)
  const bob = await signedIn(gateway.url, 'bob')
  await bob.get(`${gateway.url}/orders`)
  const ask = async (service: string, token: string | undefined) => {
    const answer = await fetch(`${gateway.url}/h/discovery/${gateway.publicKey}/requestFragment`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/vnd.hydra.resolved-fragments+json',
      },
      body: JSON.stringify({
        service,
        requests: { account: [{ id: 'a', ref: 'hello' }] },
        context: { token },
      }),
    })
    const said = await answer.text()
    assert.equal(answer.status, 200, `${said} ${gateway.errors}`)
    return (JSON.parse(said) as { fragments: { renderedHTML: string }[] }).fragments[0]?.renderedHTML
  }
  const [own] = tokens
  assert.ok(own)
  assert.equal(await ask('orders', own), 'hello bob')
  assert.equal(await ask('shop', own), 'hello stranger')
  assert.equal(await ask('orders', `${own.slice(0, -4)}AAAA`), 'hello stranger')
  assert.equal(await ask('orders', undefined), 'hello stranger')
  assert.ok((await gateway.metric('hydra_refused_total')) >= 2)
})

test('what a registration says of everybody holds for its pages, and operators see it', async (t) => {
  const gateway = await gatewayOf(t)
  const upstream = await startUpstream(t, 'orders')
  const { register, alive } = medusaClient(t, `${gateway.url}/h/discovery/${gateway.publicKey}`)
  const answer = await register(
    medusaBean('orders', upstream.port, {
      auth: 'required',
      endpoints: ['/orders', '/login'],
      staticResources: ['app.js'],
      routes: [
        { path: '/orders/open', auth: 'optional' },
        { path: '/orders/admin', roles: ['ADMIN'] },
        { path: '/orders/torn', auth: 'optional', roles: ['ADMIN'] },
        { path: '/orders/live', socket: true },
      ],
    }),
  )
  const { publicKey, roleMappings, refused } = JSON.parse(answer.body) as RegistrationResponse
  assert.deepEqual(roleMappings, { Chef: 'ADMIN' })
  assert.match(publicKey!, /^MII/)
  assert.deepEqual(
    refused?.map(({ path }) => path),
    ['/login', '/orders/torn'],
  )
  assert.equal((await alive('orders')).status, 200)

  const { routes } = await gateway.admin<RoutesAnswer>('routes')
  const said = Object.fromEntries(routes.map(({ pattern, auth, roles }) => [pattern, roles ?? auth]))
  assert.deepEqual(said, {
    '/orders': 'required',
    '/orders/open': undefined,
    '/orders/admin': ['ADMIN'],
    '/orders/torn': ['ADMIN'],
    '/orders/live': 'required',
    '/orders/socket': 'required',
    '/orders/app.js': 'required',
  })
  const statuses = async (browser: CookieBrowser) => {
    const paths = ['/orders', '/orders/open', '/orders/admin', '/orders/torn', '/orders/app.js']
    return Promise.all(paths.map(async (path) => (await browser.get(`${gateway.url}${path}`)).status))
  }
  assert.deepEqual(await statuses(createCookieBrowser()), [303, 200, 303, 303, 303])
  assert.deepEqual(await statuses(await signedIn(gateway.url, 'ann')), [200, 200, 403, 403, 200])
  assert.deepEqual(await statuses(await signedIn(gateway.url, 'bob')), [200, 200, 200, 200, 200])
})

test('a route that services share is for those who may have it of each', async (t) => {
  const gateway = await startGateway(t, { ...CONFIG, lease: { ttl: '1m' } })
  const upstream = await startUpstream(t, 'any')
  const { register } = medusaClient(t, gateway.discovery)
  const share = async (name: string, pay: object) => {
    const routes = [{ path: '/pay', ...pay }, { path: '/terms' }]
    const bean = { group: 'shop', endpoints: [], staticResources: [], routes }
    assert.equal((await register(medusaBean(name, upstream.port, bean))).status, 200)
  }
  const [ann, bob] = [await signedIn(gateway.url, 'ann'), await signedIn(gateway.url, 'bob')]
  const see = async (browser: CookieBrowser) => (await browser.get(`${gateway.url}/pay`)).status
  await share('orders', {})
  assert.deepEqual([await see(createCookieBrowser()), await see(ann), await see(bob)], [200, 200, 200])
  await share('account', { roles: ['ADMIN'] })
  assert.deepEqual([await see(createCookieBrowser()), await see(ann), await see(bob)], [303, 403, 200])
  // Here nobody is called ADMIN.
  await share('elsewhere', { auth: 'required' })
  assert.deepEqual([await see(createCookieBrowser()), await see(ann), await see(bob)], [303, 403, 403])
  assert.equal((await createCookieBrowser().get(`${gateway.url}/terms`)).status, 200)
})

test('a new key reaches services that keep a line open at once, and the others when they are told', async (t) => {
  // A twentieth of the half minute in which such services are told.
  const gateway = await startGateway(t, CONFIG, { random: () => 0.05 })
  const { discovery } = gateway
  const upstream = await startUpstream(t, 'old')
  const old = medusaClient(t, discovery)
  const bean = medusaBean('old', upstream.port, {
    auth: 'required',
    endpoints: ['/old'],
    staticResources: [],
  })
  const before = JSON.parse((await old.register(bean)).body) as RegistrationResponse
  const modern = medusaClient(t, discovery)
  await modern.register(
    medusaBean('modern', upstream.port, { protocol: 1, endpoints: [], staticResources: [] }),
  )
  const told: (string | null)[] = []
  const { service } = await startService(t, gateway, 'shop', { routes: ['/shop'] })
  service.on('overview', ({ publicKey }) => void told.push(publicKey))
  const bob = await signedIn(gateway.url, 'bob')
  const seen = async () => {
    const { status, body } = await bob.get(`${gateway.url}/old`)
    if (status !== 200) return status
    const { cookie } = (JSON.parse(body) as { headers: { cookie: string } }).headers
    const [, head = ''] = /HYDRA-SSO=([^.]+)\./.exec(cookie) ?? []
    return (JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }).kid
  }
  const first = await seen()
  const keys = async () =>
    (await (await fetch(`${discovery}/keys`)).json()) as { publicKey: string; keys: { kid: string }[] }
  assert.equal((await keys()).publicKey, before.publicKey)

  const authorization = `Basic ${Buffer.from(`${gateway.publicKey}:${gateway.privateKey}`).toString('base64')}`
  const rotated = await fetch(`${gateway.url}/_hydra/api/v1/keys/rotate`, {
    method: 'POST',
    headers: { authorization },
  })
  assert.equal(rotated.status, 200)
  const after = await keys()
  assert.notEqual(after.publicKey, before.publicKey)
  assert.equal(after.keys.length, 2)
  await eventually(() => assert.equal(told.at(-1), after.publicKey))

  // Until it knows the new key it is told by the one it knows, and stays where it is.
  assert.equal(await seen(), first)
  const statuses: number[] = []
  const since = Date.now()
  while (statuses.at(-1) !== 410 && Date.now() - since < 5000) {
    statuses.push((await old.alive('old')).status)
    assert.equal((await modern.alive('modern')).status, 200)
    assert.equal(await seen(), first)
    await delay(250)
  }
  assert.equal(statuses.at(-1), 410)
  assert.ok(statuses.length > 1)
  assert.equal((await old.alive('old')).status, 200)
  const again = JSON.parse((await old.register(bean)).body) as RegistrationResponse
  assert.equal(again.publicKey, after.publicKey)
  assert.equal((await old.alive('old')).status, 200)
  assert.equal(await seen(), after.keys[0]!.kid)
})
