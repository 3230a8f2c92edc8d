import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLog, openStore, parseConfig, systemClock } from '@hydra-gateway/gateway'
import { connect } from '@hydra-gateway/sdk'
import { violations } from '../support/axe.ts'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { startHydraService } from '../support/hydra-express.ts'
import { startRedis } from '../support/redis.ts'
import { startUpstream } from '../support/upstream.ts'

const TOKEN = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'

/** What stands in `result` of an answer of the router API. */
async function ask<Result = any>(url: string, path: string): Promise<Result> {
  const response = await fetch(`${url}/v1/router/${path}`)
  assert.equal(response.status, 200, path)
  assert.equal(response.headers.get('content-type'), 'application/json')
  return ((await response.json()) as { result: Result }).result
}

async function post(url: string, path: string, message: object): Promise<{ status: number; body: any }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/router/${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(message),
  })
  return { status: response.status, body: await response.json() }
}

test('hydra services in Redis and services of every other kind stand in one list, and are sent messages by one address', async (t) => {
  const redis = await startRedis(t)
  const redisUrl = `redis://127.0.0.1:${redis.port}/15`
  const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }
  const config = { flywheel: { enabled: true }, redis: { url: redisUrl }, keys }
  const store = await openStore(parseConfig(config), {
    privateKeys: [keys.privateKey],
    clock: systemClock,
    log: createLog('silent'),
  })
  t.after(() => store.close())
  const gateway = await startGateway(t, config, { store })
  const { url } = gateway
  const [hello] = await Promise.all([
    startHydraService(t, { redisUrl, name: 'hello', routes: ['[get]/v1/hello/:id', '[post]/v1/hello'] }),
    startSdkService(t, gateway),
  ])

  const services = await eventually(async () => {
    const listed = await ask(url, 'list/services')
    assert.deepEqual(
      listed.map((one: any) => one.serviceName),
      ['hello', 'hydra-router', 'orders'],
    )
    return listed
  })
  assert.equal(services[0].instanceID, hello.instanceId)
  assert.equal(Number(services[0].port), hello.port)
  assert.ok(services.every((one: any) => Number.isInteger(one.updatedOnTS) && Array.isArray(one.log)))
  assert.match(services[1].instanceID, /^[0-9a-f]{32}$/)
  assert.equal(typeof services[1].uptimeSeconds, 'number')

  const routes = Object.fromEntries(
    (await ask(url, 'list/routes')).map((one: any) => [one.serviceName, one.routes]),
  )
  assert.ok(routes.hello.includes('/v1/hello/:id'))
  assert.ok(routes.orders.includes('/orders/:id'))
  assert.ok(routes['hydra-router'].includes('/v1/router/version'))
  // As the original listed itself, and as it stands in Redis.
  for (const path of ['/', '/index.css', '/index.js', '/hydra-router', '/hydra-router/:rest'])
    assert.ok(routes['hydra-router'].includes(path), path)
  assert.equal(routes['hydra-router'].filter((path: string) => path.startsWith('/fonts/')).length, 3)

  const called = await post(url, 'message', {
    to: 'hydra-router:/',
    fwd: 'hello:[post]/v1/hello?x=1',
    frm: 'test:/',
    bdy: { name: 'Ada' },
  })
  assert.equal(called.status, 200)
  assert.deepEqual(called.body.result.body, { name: 'Ada' })
  assert.equal(called.body.result.url, '/v1/hello?x=1')

  const sent = await post(url, 'send', { to: 'hello:/', frm: 'test:/', mid: 'm-1', bdy: { a: 1 } })
  assert.deepEqual(sent.body.result, { mid: 'm-1' })
  assert.deepEqual((await hello.message(({ mid }) => mid === 'm-1')).bdy, { a: 1 })
  assert.ok((await ask(url, 'stats')).wsStats.hello.some((count: number) => count === 1))

  const queued = await post(url, 'queue', { to: 'hello:/', frm: 'test:/', mid: 'm-2', bdy: { b: 2 } })
  assert.deepEqual(queued.body.result, { mid: 'm-2' })
  assert.deepEqual((await hello.call('getQueuedMessage', 'hello')).bdy, { b: 2 })

  const { body } = await post(url, 'stream/audit', { to: 'hello:/', frm: 'test:/', bdy: { c: 3 } })
  assert.match(body.result.id, /^\d+-\d+$/)

  const stats = await eventually(async () => {
    const now = await ask(url, 'stats')
    assert.ok(now.httpStats.hello?.some((count: number) => count > 0))
    return now
  })
  assert.equal(stats.httpStats.hello.length, 3600)

  await hello.kill()
  await eventually(async () => {
    const left = (await ask(url, 'list/services')).map((one: any) => one.serviceName)
    assert.deepEqual(left, ['hydra-router', 'orders'])
  })
  const nodes = await ask(url, 'list/nodes')
  assert.ok(nodes.some((one: any) => one.instanceID === hello.instanceId && Number.isInteger(one.elapsed)))
})

for (const workers of [1, 2])
  test(`without Redis the router API serves what this gateway knows, and says what it can not do, in ${workers} processes`, async (t) => {
    const gateway = await startGateway(t, { flywheel: { enabled: true }, workers, logLevel: 'error' })
    const { url } = gateway
    await startSdkService(t, gateway)
    await eventually(async () =>
      assert.deepEqual(
        (await ask(url, 'list/services')).map((one: any) => one.serviceName),
        ['hydra-router', 'orders'],
      ),
    )
    assert.equal((await ask(url, 'health')).serviceName, 'hydra-router')
    const called = await post(url, 'message', { to: 'orders:[get]/orders/7', frm: 'test:/', bdy: {} })
    assert.equal(called.status, 200)
    assert.deepEqual(called.body.result, { order: '/orders/7' })
    const queued = await post(url, 'queue', { to: 'orders:/', frm: 'test:/', bdy: {} })
    assert.equal(queued.status, 503)
    assert.match(queued.body.result.reason, /Redis/)
    const nobody = await post(url, 'message', { to: 'nobody:[get]/x', frm: 'test:/', bdy: {} })
    assert.equal(nobody.status, 503)
    assert.match(nobody.body.result.reason, /nobody/)
    // Whichever process served it.
    await (await fetch(`${url}/orders/8`)).text()
    await eventually(async () => {
      const { httpStats } = await ask(url, 'stats')
      assert.equal(sum(httpStats.orders ?? []), 2)
    })
    assert.equal((await post(url, 'message', { to: 'x:/', fwd: { a: 1 }, frm: 'y:/', bdy: {} })).status, 400)
  })

test('while the gateway stands in for no router, the paths of its API are those of any service', async (t) => {
  const upstream = await startUpstream(t, 'upstream', (request, response) =>
    response.end(`theirs: ${request.url}`),
  )
  const services = {
    old: { url: `http://127.0.0.1:${upstream.port}`, routes: ['/v1/router/version', '/v1/**'] },
  }
  const off = await startGateway(t, { services })
  assert.equal(await (await fetch(`${off.url}/v1/router/version`)).text(), 'theirs: /v1/router/version')
  const on = await startGateway(t, { services, flywheel: { enabled: true } })
  assert.deepEqual(await ask(on.url, 'version'), { version: (await ask(on.url, 'version')).version })
  assert.equal((await fetch(`${on.url}/v1/router/none`)).status, 404)
  assert.equal(await (await fetch(`${on.url}/v1/other`)).text(), 'theirs: /v1/other')
  const { refused } = await on.admin('routes')
  assert.deepEqual(
    refused.map(({ service, path }: any) => [service, path]),
    [['old', '/v1/router/version']],
  )
})

test('a token closes API and page, whatever the Host says, and is in no log (B2: Host: localhost opened both)', async (t) => {
  const { url, lines } = await startGateway(t, { flywheel: { enabled: true, routerToken: TOKEN } })
  assert.equal((await fetch(`${url}/v1/router/version`)).status, 404)
  const page = await fetch(`${url}/`)
  assert.equal(page.status, 404)
  assert.equal(page.headers.get('content-type'), 'application/json')
  const { statusCode, statusMessage, result } = (await page.json()) as Record<string, unknown>
  assert.deepEqual(
    { statusCode, statusMessage, result },
    { statusCode: 404, statusMessage: 'Not Found', result: {} },
  )
  assert.equal((await fetch(`${url}/v1/router/version?token=${TOKEN}`)).status, 200)
  assert.equal((await fetch(`${url}/?token=${TOKEN}`)).status, 200)
  await eventually(() => assert.equal(lines.filter(({ msg }) => msg === 'exchange').length, 4))
  assert.ok(!JSON.stringify(lines).includes(TOKEN))
})

test('with a control port the public one takes messages and tells nothing', async (t) => {
  const gateway = await startGateway(t, { flywheel: { enabled: true }, controlPort: await freePort() })
  assert.equal((await fetch(`${gateway.url}/v1/router/version`)).status, 404)
  const message = { to: 'nobody:/', frm: 'me:/', bdy: {} }
  assert.equal((await post(gateway.url, 'send', message)).status, 200)
  assert.ok((await ask(gateway.controlUrl!, 'version')).version)
  const page = await (await fetch(`${gateway.url}/`, { headers: { accept: 'text/html' } })).text()
  assert.ok(!page.includes('hydra-router'), 'instances and addresses are for operators')
  assert.match(await (await fetch(`${gateway.controlUrl}/`)).text(), /hydra-router/)
})

test('the router page is there without a script, on a phone and in the dark, for whoever reads it how', async (t) => {
  const gateway = await startGateway(t, { flywheel: { enabled: true } })
  await startSdkService(t, gateway)
  const browser = await launchChromium()
  t.after(() => browser.close())
  for (const { width, colorScheme } of [
    { width: 1280, colorScheme: 'light' },
    { width: 390, colorScheme: 'dark' },
  ] as const) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme })
    const page = await context.newPage()
    const errors: string[] = []
    page.on('console', (line) => line.type() === 'error' && errors.push(line.text()))
    await page.goto(gateway.url)
    assert.equal(await page.locator('h1').textContent(), 'The one service serves.')
    assert.equal(await page.locator('th', { hasText: 'orders' }).count(), 2)
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
    assert.deepEqual(await violations(page), [])
    assert.deepEqual(errors, [])
    await page.getByText('Follow every 5 seconds').press('Enter')
    await page.getByText('Stop following').waitFor()
    await context.close()
  }
})

const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0)

/** `orders`, with our SDK. */
async function startSdkService(
  t: TestContext,
  { url, publicKey, privateKey }: { url: string; publicKey: string; privateKey: string },
): Promise<void> {
  const { server } = await startUpstream(t, 'orders', (request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ result: { order: request.url } }))
  })
  const service = await connect({
    name: 'orders',
    server,
    routes: ['/orders/{id}'],
    gateway: url,
    publicKey,
    privateKey,
    signals: false,
    log: false,
  })
  t.after(() => service.close())
  await service.ready
}
