/**
 * The rules of hydra-router over HTTP, in whole gateways: with unmodified services from npm, and with routes elsewhere.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLog, openStore, parseConfig, systemClock } from '@hydra-gateway/gateway'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startHydraService } from '../support/hydra-express.ts'
import { startRedis } from '../support/redis.ts'
import { startUpstream } from '../support/upstream.ts'

/** A gateway that stands in for hydra-router at this Redis. */
async function startRouter(t: TestContext, url: string): Promise<TestGateway> {
  const keys = { publicKey: 'public-key-of-a-test', privateKey: 'private-key-of-a-test' }
  const config = { keys, redis: { url }, flywheel: { enabled: true } }
  const store = await openStore(parseConfig(config), {
    privateKeys: [keys.privateKey],
    clock: systemClock,
    log: createLog('silent'),
  })
  t.after(() => store.close())
  return startGateway(t, config, { store })
}

test('unmodified services are reached by their routes, as sites and from their pages, with whatever is sent to them', async (t) => {
  const redis = await startRedis(t)
  const options = {
    redisUrl: redis.url,
    name: 'shop',
    routes: ['[get]/v1/shop/:id', '[post]/v1/shop/echo', '[patch]/v1/shop/echo', '[get]/deep/page'],
  }
  const starting = [startHydraService(t, options), startHydraService(t, options)]
  const gateway = await startRouter(t, redis.url)
  const [one, two] = await Promise.all(starting)
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${gateway.url}${path}`, init)
    const text = await response.text()
    const { result } = response.headers.get('content-type')?.startsWith('application/json')
      ? JSON.parse(text)
      : {}
    return { status: response.status, headers: response.headers, text, result }
  }
  const routed = await eventually(async () => {
    const answer = await ask('/v1/shop/7?a=1')
    assert.equal(answer.status, 200, answer.text)
    return answer
  })
  const { url, params, headers } = routed.result
  assert.deepEqual([url, params], ['/v1/shop/7?a=1', { id: '7' }])
  assert.equal(headers.host, new URL(gateway.url).host)
  assert.match(headers['x-hydra-tracer'], /^[0-9a-z]{10,11}$/)
  assert.equal(routed.headers.get('x-hydra-tracer'), headers['x-hydra-tracer'])
  assert.ok(routed.headers.get('x-process-id'))

  const form = {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  }
  assert.deepEqual((await ask('/v1/shop/echo', { ...form, body: 'a=1&b=2' })).result.body, { a: '1', b: '2' })
  const json = { method: 'PATCH', headers: { 'content-type': 'application/json' } }
  assert.deepEqual((await ask('/v1/shop/echo', { ...json, body: '[1]' })).result.body, [1])
  // The service itself says that it has no such verb.
  assert.equal((await ask('/v1/shop/echo', { method: 'DELETE', body: 'x' })).status, 404)

  assert.equal((await ask('/shop/deep/page')).result.url, '/deep/page')
  const other = '/not/of/any'
  const fromPage = await ask(other, { headers: { referer: `${gateway.url}/shop/` } })
  assert.ok(fromPage.headers.get('x-hydra-tracer'))
  assert.equal((await ask(other)).headers.get('x-hydra-tracer'), null)
  assert.equal((await ask('/v1/shop/7', { method: 'OPTIONS' })).status, 204)
  assert.equal(JSON.parse((await ask(other)).text).statusMessage, 'Not Found')

  // A polite stop leaves its presence behind: every request meanwhile goes to the other one.
  await eventually(async () =>
    assert.equal((await gateway.admin('services')).services[0].instances.length, 2),
  )
  await one!.kill('SIGTERM')
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask('/v1/shop/7')))
  assert.ok(answers.every(({ status }) => status === 200))
  await two!.kill('SIGKILL')
  const gone = await ask('/v1/shop/7')
  assert.equal(gone.status, 503)
  assert.match(JSON.parse(gone.text).result.reason, /shop/)
})

for (const workers of [1, 2]) {
  test(`routes elsewhere are served with ${workers === 1 ? 'one process' : 'workers'}`, async (t) => {
    const first = await startUpstream(t, 'first')
    const address = ({ port }: { readonly port: number }) => `http://127.0.0.1:${port}`
    const gateway = await startGateway(t, {
      workers,
      flywheel: {
        enabled: true,
        cors: { 'access-control-allow-origin': 'https://app.example' },
        externalRoutes: { [address(first)]: ['[get]/api/:id', '[post]/api/:id'] },
      },
    })
    const response = await fetch(`${gateway.url}/api/7?a=1`, { method: 'POST', body: 'x' })
    const told = (await response.json()) as any
    assert.deepEqual([told.name, told.method, told.url], ['first', 'POST', '/api/7?a=1'])
    assert.equal(told.headers.host, `127.0.0.1:${first.port}`)
    assert.equal(told.headers['x-hydra-tracer'], response.headers.get('x-hydra-tracer'))
    assert.equal(response.headers.get('access-control-allow-origin'), 'https://app.example')
    const preflight = await fetch(`${gateway.url}/api/7`, { method: 'OPTIONS' })
    assert.equal(preflight.status, 204)
    const missing = await fetch(`${gateway.url}/nowhere`)
    assert.equal(missing.status, 404)
    assert.equal(missing.headers.get('content-type'), 'application/json')
    assert.equal(missing.headers.get('access-control-allow-origin'), 'https://app.example')
    const { services } = await gateway.admin('services')
    assert.deepEqual(
      services.map(({ name }: { name: string }) => name),
      [address(first)],
    )
    await first.close()
    const refused = await fetch(`${gateway.url}/api/7`)
    assert.equal(refused.status, 503)
    const body = (await refused.json()) as any
    assert.deepEqual(body.result, { reason: `An instance of ${address(first)} is unavailable` })
  })
}

test('a service whose address is the gateway itself is asked nothing, whoever says so: requests would go round', async (t) => {
  const redis = await startRedis(t)
  const gateway = await startRouter(t, redis.url)
  const port = Number(new URL(gateway.url).port)
  await startHydraService(t, {
    redisUrl: redis.url,
    name: 'round',
    kind: 'core',
    port,
    routes: ['[get]/v1/round'],
  })
  const served = await eventually(async () => {
    const answer = await fetch(`${gateway.url}/v1/round`)
    assert.notEqual(answer.status, 404)
    return answer
  })
  assert.equal(served.status, 503)
  const asked = await fetch(`${gateway.url}/h/discovery/public-key-of-a-test/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer private-key-of-a-test' },
    body: JSON.stringify({ name: 'ring', host: 'localhost', port, routes: [{ path: '/ring' }] }),
  })
  assert.equal(asked.status, 403)
  assert.match(await asked.text(), /127\.0\.0\.1 at port \d+ is this gateway itself|::1 at port/)
})
