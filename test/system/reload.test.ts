import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { type Config, ConfigError, type ConfigInput, parseConfig } from '@hydra-gateway/gateway'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

async function answering(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Reloadable {
  readonly gateway: TestGateway
  /** Reloads with what is left out as it is by default. */
  reload(config: ConfigInput): Promise<readonly string[]>
}

/** The keys stay as they are, as they would in a file. */
const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }

async function startReloadable(t: TestContext, config: ConfigInput = {}): Promise<Reloadable> {
  const base = { port: 0, host: '127.0.0.1', keys }
  const http = { stopGrace: 500, stopIdle: 0 }
  let next: Config = parseConfig({})
  const readConfig = async () => ({ config: next, warnings: [] })
  const gateway = await startGateway(t, { ...base, ...config }, { readConfig })
  return {
    gateway,
    async reload(more) {
      next = parseConfig({ ...base, ...more, http: { ...http, ...more.http } })
      return (await gateway.reload()).changed
    },
  }
}

test('services of the configuration come, change and go with a reload', async (t) => {
  const a = await answering(t, (_request, response) => response.end('a'))
  const b = await answering(t, (_request, response) => response.end('b'))
  const { gateway, reload } = await startReloadable(t, {
    services: { first: { url: a, routes: ['/first'] }, second: { url: a, routes: ['/second'] } },
  })
  const read = async (path: string) => {
    const response = await fetch(gateway.url + path)
    const body = await response.text()
    return response.ok ? body : response.status
  }
  assert.deepEqual([await read('/first'), await read('/second'), await read('/third')], ['a', 'a', 404])
  const changed = await reload({
    services: { first: { url: b, routes: ['/first', '/more'] }, third: { url: a, routes: ['/third'] } },
  })
  assert.deepEqual(changed, ['services'])
  assert.deepEqual([await read('/first'), await read('/more'), await read('/third')], ['b', 'b', 'a'])
  assert.equal(await read('/second'), 404)
})

test('limits, trust and answers are those of the configuration from the next request on', async (t) => {
  const url = await answering(t, (request, response) => {
    request.resume()
    request.on('end', () => response.end(String(request.headers['x-forwarded-for'])))
  })
  const services = { echo: { url, routes: ['/echo'] } }
  const { gateway, reload } = await startReloadable(t, { services })
  const post = () => fetch(`${gateway.url}/echo`, { method: 'POST', body: 'x'.repeat(2000) })
  // Whom a connection is believed to be from is decided once.
  const forwarded = async () => {
    const headers = { 'x-forwarded-for': '192.0.2.7' }
    const [response] = await once(get(`${gateway.url}/echo`, { headers, agent: false }), 'response')
    return text(response)
  }
  assert.equal((await post()).status, 200)
  assert.ok((await fetch(`${gateway.url}/echo`)).headers.has('server-timing'))
  assert.equal(await forwarded(), '127.0.0.1')

  const http = { maxBodyBytes: 1000, serverTiming: false }
  const changed = await reload({
    services,
    http,
    trustedProxies: ['loopback'],
    routing: { balance: 'round-robin' },
  })
  assert.deepEqual([...changed].sort(), [
    'http.maxBodyBytes',
    'http.serverTiming',
    'routing.balance',
    'trustedProxies',
  ])
  assert.equal((await post()).status, 413)
  assert.ok(!(await fetch(`${gateway.url}/echo`)).headers.has('server-timing'))
  assert.match(await forwarded(), /^192\.0\.2\.7/)
})

test('who may register, and what, is decided by the configuration as it is now', async (t) => {
  const { gateway, reload } = await startReloadable(t)
  const register = async (basic = false) => {
    const authorization = `Basic ${Buffer.from(`${keys.publicKey}:${keys.privateKey}`).toString('base64')}`
    const response = await fetch(`${gateway.discovery}/registration`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(basic ? { authorization } : {}) },
      body: JSON.stringify({ name: 'app', host: '127.0.0.1', port: 9, webProtocol: 'http' }),
    })
    await response.arrayBuffer()
    return response.status
  }
  assert.equal(await register(), 200)
  await reload({ registration: { requirePrivateKey: true } })
  assert.deepEqual([await register(), await register(true)], [401, 200])
  await reload({ upstreams: { allow: ['192.0.2.0/24'] } })
  assert.equal(await register(), 403)
  await reload({ registration: { from: ['192.0.2.0/24'] } })
  assert.equal(await register(), 403)
  await reload({})
  assert.equal(await register(), 200)
})

test('a service is judged by the configuration as it is now, and the log follows it', async (t) => {
  const url = await answering(t, (_request, response) => response.writeHead(500).end())
  const services = { ill: { url, routes: ['/ill'] } }
  const health = { window: '1s', leastAnswers: 1000 }
  const { gateway, reload } = await startReloadable(t, { services, health })
  const stateAfterFailures = async () => {
    for (let at = 0; at < 10; at++) await (await fetch(`${gateway.url}/ill`)).arrayBuffer()
    const end = performance.now() + 2500
    for (;;) {
      const { services: all } = await gateway.admin('services')
      if (all[0].state === 'degraded' || performance.now() > end) return all[0].state
    }
  }
  assert.deepEqual(await reload({ services, health: { ...health, leastAnswers: 5 } }), [
    'health.leastAnswers',
  ])
  assert.equal(await stateAfterFailures(), 'degraded')
  await reload({ services, health: { ...health, leastAnswers: 5 }, logLevel: 'silent' })
  await fetch(`${gateway.url}/ill`)
  await fetch(`${gateway.url}/unseen`)
  await reload({ services, health: { ...health, leastAnswers: 5 }, logLevel: 'info' })
  await fetch(`${gateway.url}/seen`)
  const paths = () => gateway.lines.map(({ path }) => path)
  await eventually(() => assert.ok(paths().includes('/seen')))
  assert.ok(!paths().includes('/unseen'))
})

test('a configuration that needs a restart is refused as a whole, and names what does', async (t) => {
  const url = await answering(t, (_request, response) => response.end('still'))
  const services = { kept: { url, routes: ['/kept'] } }
  const { gateway, reload } = await startReloadable(t, { services })
  await assert.rejects(reload({ siteTitle: 'Lerna', lease: { ttl: '9s' } }), {
    code: 'HYDRA_CONFLICT',
    message: /not taken: siteTitle, lease\.ttl need a restart; hydra start --takeover/,
  })
  assert.equal(await (await fetch(`${gateway.url}/kept`)).text(), 'still')
})

test('a configuration with faults is refused with all of them over the admin API, which asks for the keys', async (t) => {
  const faults = [
    { at: 'port', is: '99999', write: 'a port' },
    { at: 'http.keepAlive', line: 3, is: '"soon"', write: 'a duration' },
  ]
  const readConfig = async () => {
    throw new ConfigError(faults, 'hydra.config.yaml')
  }
  const gateway = await startGateway(t, { keys }, { readConfig })
  const ask = (authorization: string) =>
    fetch(`${gateway.url}/_hydra/api/v1/reload`, { method: 'POST', headers: { authorization } })
  assert.equal((await ask('Basic bm9ib2R5Om5v')).status, 401)
  const response = await ask(
    `Basic ${Buffer.from(`${keys.publicKey}:${keys.privateKey}`).toString('base64')}`,
  )
  assert.equal(response.status, 409)
  const { detail } = (await response.json()) as { detail: string }
  assert.match(
    detail,
    /hydra\.config\.yaml has 2 problems: port is 99999, write a port; http\.keepAlive \(line 3\)/,
  )
})
