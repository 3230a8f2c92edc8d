/**
 * Who may go where changes with the configuration, while the gateway serves: with one process, and with workers.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Config, type ConfigInput, parseConfig } from '@hydra-gateway/gateway'
import { type CookieBrowser, createCookieBrowser } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { openPage } from '../support/live-page.ts'
import { startUpstream } from '../support/upstream.ts'

const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }
const MIRA = { username: 'mira', password: 'secret', roles: ['USER'] }
const ADA = { username: 'ada', password: 'secret', roles: ['ADMIN'] }

async function openSite(t: TestContext, more: ConfigInput = {}) {
  const { port } = await startUpstream(t, 'shop')
  const menu = { main: [{ endpoint: '/open/sale', label: 'Sale' }] }
  const configOf = (identity: ConfigInput['identity'], rest: ConfigInput = {}): ConfigInput => ({
    port: 0,
    host: '127.0.0.1',
    keys,
    logLevel: 'error',
    identity: { users: [MIRA, ADA], database: false, passwords: { memoryKiB: 8192, passes: 1 }, ...identity },
    services: {
      shop: { url: `http://127.0.0.1:${port}`, routes: ['/open/**', '/open/sale'], login: 'cookie', menu },
    } as ConfigInput['services'],
    ...more,
    ...rest,
    http: { stopGrace: 500, stopIdle: 0, ...rest.http },
  })
  let next: Config = parseConfig({})
  const readConfig = async () => ({ config: next, warnings: [] })
  const gateway = await startGateway(t, configOf({}), { readConfig })
  return {
    gateway,
    reload: (identity: ConfigInput['identity'], rest?: ConfigInput) => {
      next = parseConfig(configOf(identity, rest))
      return gateway.reload()
    },
  }
}

async function signIn(url: string, who: typeof MIRA, browser = createCookieBrowser()) {
  const { status } = await browser.signIn(url, who)
  return { browser, status }
}

const statusOf = async (browser: CookieBrowser, url: string) =>
  (await browser.get(url, { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' })).status

for (const workers of [1, 2] as const) {
  const how = workers === 1 ? '' : ', with workers'
  test(`rules and users are those of the configuration from the next request on${how}`, async (t) => {
    const { gateway, reload } = await openSite(t, { workers })
    const { url } = gateway
    const nobody = createCookieBrowser()
    const { browser: mira } = await signIn(url, MIRA)
    const { browser: ada } = await signIn(url, ADA)
    const page = await openPage(t, url, 'menu=main')
    const both = (path: string) =>
      Promise.all([nobody, mira, ada].map((browser) => statusOf(browser, url + path)))
    assert.deepEqual(await both('/open/a'), [200, 200, 200])
    await eventually(() => assert.equal(page.state.menus.main?.length, 1))

    const rules = [{ path: '/open/**', roles: ['boss'] }]
    const roles = { ADMIN: { mappedTo: 'boss', service: 'shop' } }
    const { changed } = await reload({ rules, roles })
    assert.deepEqual([...changed].sort(), ['identity.roles.ADMIN', 'identity.rules'])
    for (let at = 0; at < 4; at++) assert.deepEqual(await both('/open/a'), [401, 403, 200])
    await eventually(() => assert.equal(page.state.menus.main?.length, 0))

    await reload({ rules, roles: { USER: { mappedTo: 'boss', service: 'shop' } } })
    assert.deepEqual(await both('/open/a'), [401, 200, 403])
    await reload({ users: [ADA] })
    assert.deepEqual(await both('/open/a'), [200, 200, 200])
    await reload({ users: [ADA], rules: [{ auth: 'required' }] })
    assert.deepEqual(await both('/open/a'), [401, 401, 200], 'whoever was removed is signed out')
    assert.notEqual((await signIn(url, MIRA)).status, 303)
    await reload({ users: [ADA, { ...MIRA, password: 'another' }], rules: [{ auth: 'required' }] })
    assert.notEqual((await signIn(url, MIRA)).status, 303)
    assert.equal((await signIn(url, { ...MIRA, password: 'another' })).status, 303)
  })
}

test('what services are told of somebody follows the mappings of the configuration', async (t) => {
  const { gateway, reload } = await openSite(t)
  const { browser } = await signIn(gateway.url, MIRA)
  const told = async () => {
    const { headers } = JSON.parse((await browser.get(`${gateway.url}/open/x`)).body)
    const [, payload] = /HYDRA-SSO=[^.]+\.([^.]+)/.exec(headers.cookie)!
    return JSON.parse(Buffer.from(payload!, 'base64url').toString()).claims ?? payload
  }
  const before = JSON.stringify(await told())
  await reload({ mappings: [{ service: 'shop', claims: { nick: 'username' } }] })
  const one = JSON.stringify(await told())
  await reload({ mappings: [{ service: 'shop', claims: { other: 'username' } }] })
  const other = JSON.stringify(await told())
  assert.equal(new Set([before, one, other]).size, 3, [before, one, other].join('\n'))
  await reload({})
  assert.equal(JSON.stringify(await told()), before)
})

test('rules and users that come with something that can’t be leave everything as it was', async (t) => {
  const { gateway, reload } = await openSite(t)
  const refused = reload({ rules: [{ auth: 'required' }], users: [ADA], maxTokenBytes: 2000 })
  await assert.rejects(refused, /identity\.maxTokenBytes needs a restart/)
  assert.equal((await fetch(`${gateway.url}/open/a`)).status, 200)
  assert.equal((await signIn(gateway.url, MIRA)).status, 303)
})

test('where nobody signed in, the first user needs a restart', async (t) => {
  const base = { keys, port: 0, host: '127.0.0.1', http: { stopGrace: 500, stopIdle: 0 } }
  const config = parseConfig({ ...base, identity: { users: [MIRA] } })
  const gateway = await startGateway(t, base, {
    readConfig: async () => ({ config, warnings: [] }),
  })
  await assert.rejects(gateway.reload(), /identity\.users needs a restart/)
})
