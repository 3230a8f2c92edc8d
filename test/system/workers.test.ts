/**
 * A gateway with workers, as a process with processes of its own: it serves as one without, and what becomes of one of
 * them is felt by nobody else.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { connect, fragment, type HydraService, type ServiceOptions } from '@hydra-gateway/sdk'
import { createCookieBrowser, hiddenFields } from '../support/cookie-browser.ts'
import { openEventStream } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts'
import { openPage } from '../support/live-page.ts'
import { startLoad } from '../support/load.ts'
import { startUpstream } from '../support/upstream.ts'

const GOOD = { username: 'mira', password: 'secret' }

/** Processes whose parent this is. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number)
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1])
  } catch {
    return undefined
  }
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** One request on a connection of its own, so that either worker may get it. */
function ask(url: string, options: object = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...options }, (response: IncomingMessage) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode!, body: text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const times = <T>(count: number, run: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, run))

/** A service of the SDK whose channel comes in by the public port. */
async function startService(
  t: Pick<TestContext, 'after'>,
  { url, publicKey, privateKey }: GatewayProcess,
  options: Omit<ServiceOptions, 'port'>,
  html = 'served',
): Promise<HydraService> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'hydra-compose': '1' }).end(html)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const reached = { gateway: url, publicKey, privateKey, signals: false, log: false } as const
  const service = await connect({ ...reached, graceMs: 500, ...options, port: server })
  t.after(() => service.close())
  return service
}

test('two workers serve all that one process serves: sign-in, composed pages, open pages, sockets, operators', async (t) => {
  const { port } = await startUpstream(t, 'desk')
  const url = `http://127.0.0.1:${port}`
  const gateway = await startGatewayProcess(t, {
    workers: 2,
    identity: { users: [{ ...GOOD, id: 7, roles: ['USER'] }], database: false },
    services: {
      shop: { url, routes: ['/open/**'] },
      desk: { url, routes: ['/members/**'], login: 'cookie', auth: 'required' },
    },
  })
  const workers = childrenOf(gateway.pid)
  assert.equal(workers.length, 2)

  await t.test('a service sees the address its visitor really has', async () => {
    const seen = await times(6, () => ask(`${gateway.url}/open/x`, { localAddress: '127.0.0.7' }))
    for (const { body } of seen) assert.equal(JSON.parse(body).headers['x-forwarded-for'], '127.0.0.7')
  })

  await t.test('who signed in is known to each worker, and who signed out to none', async () => {
    const browser = createCookieBrowser()
    const [first, page] = await browser.open(`${gateway.url}/members/1`)
    assert.equal(first!.status, 303)
    const fields = { ...hiddenFields(page!), ...GOOD }
    assert.equal((await browser.post(`${gateway.url}/login`, fields)).status, 303)
    const cookie = [...browser.jar.get('127.0.0.1')!]
      .filter(([name]) => name === 'HYDRA-SSO')
      .map(([name, { value }]) => `${name}=${value}`)
      .join()
    const members = () => ask(`${gateway.url}/members/1`, { headers: { cookie } })
    for (const { status } of await times(8, members)) assert.equal(status, 200)
    const sessions = await eventually(async () => {
      const { sessions } = await gateway.admin('sessions')
      assert.equal(sessions.length, 1)
      return sessions
    })
    assert.equal(sessions[0].username, GOOD.username)
    await browser.post(`${gateway.url}/logout`)
    for (const { status } of await times(8, members)) assert.equal(status, 401)
  })

  await t.test('a service is served by all workers as soon as it has registered', async (t) => {
    await startService(t, gateway, { name: 'quick', routes: ['/quick'] })
    for (const { status } of await times(12, () => ask(`${gateway.url}/quick`))) assert.equal(status, 200)
  })

  await t.test(
    'pages are put together with menus, and with fragments asked for over a channel',
    async (t) => {
      await startService(t, gateway, {
        name: 'parts',
        fragments: [fragment('hello', () => '<b>hello</b>')],
      })
      const tag = '<m:fragment xmlns:m="https://getmedusa.io" service="parts" ref="hello">none</m:fragment>'
      const html = `<html xmlns:m="https://getmedusa.io"><head></head><body><m:menu name="main">no menu</m:menu>${tag}</body></html>`
      await startService(
        t,
        gateway,
        { name: 'pages', routes: ['/page'], menu: [{ path: '/page', label: 'The page' }] },
        html,
      )
      await eventually(async () => {
        for (const { body } of await times(6, () => ask(`${gateway.url}/page`))) {
          assert.match(body, /<b>hello<\/b>/)
          assert.match(body, /The page/)
        }
      })
    },
  )

  await t.test('open pages hear of a service from whichever worker has them', async (t) => {
    const pages = await times(4, () => openPage(t, gateway.url, 'link=/later'))
    const later = await startService(t, gateway, { name: 'later', routes: ['/later'] })
    for (const page of pages)
      await eventually(() => assert.equal(page.state.links['/later']?.state, 'available'))
    await later.close()
    for (const page of pages) await eventually(() => assert.equal(page.state.links['/later'].state, 'down'))
  })

  await t.test("events and the admin API are the primary's, by way of any worker", async (t) => {
    const events = await openEventStream(t, gateway)
    await startService(t, gateway, { name: 'told', routes: ['/told'] })
    await eventually(() =>
      assert.ok(events.events.some(({ event }) => JSON.stringify(event).includes('told'))),
    )
    const { services } = await gateway.admin('services')
    assert.ok(services.some(({ name }: { name: string }) => name === 'told'))
    const wrong = await ask(`${gateway.url}/_hydra/api/v1/services`, {
      headers: { authorization: 'Basic eDp5' },
    })
    assert.equal(wrong.status, 401)
  })

  await t.test('what workers count is added up, and health and operators know of it', async () => {
    const before = await gateway.metric('hydra_exchange_seconds_count')
    await times(20, () => ask(`${gateway.url}/open/count`))
    assert.ok((await gateway.metric('hydra_exchange_seconds_count')) - before >= 20)
    await eventually(async () => {
      const { services } = await gateway.admin('services')
      const shop = services.find(({ name }: { name: string }) => name === 'shop')
      assert.ok(shop.instances[0].requests >= 26, JSON.stringify(shop.instances))
    })
  })
})

test('registrations are refused by the true address of who registers, whichever worker hears them', async (t) => {
  const gateway = await startGatewayProcess(t, { workers: 2, registration: { from: ['127.0.0.9/32'] } })
  const bean = JSON.stringify({ name: 'one', host: '127.0.0.1', port: 1, endpoints: ['/one'] })
  const register = (localAddress: string) => () =>
    ask(
      `${gateway.url}/h/discovery/${gateway.publicKey}/registration`,
      { method: 'POST', localAddress, headers: { 'content-type': 'application/json' } },
      bean,
    )
  for (const { status } of await times(4, register('127.0.0.1'))) assert.equal(status, 403)
  for (const { status } of await times(4, register('127.0.0.9'))) assert.equal(status, 200)
})

test('a worker that is killed takes only its own requests along, and is replaced', async (t) => {
  const { port } = await startUpstream(t, 'shop', (_request, response) =>
    setTimeout(() => response.end('ok'), 5),
  )
  const gateway = await startGatewayProcess(t, {
    workers: 2,
    services: { shop: { url: `http://127.0.0.1:${port}`, routes: ['/**'] } },
  })
  const load = startLoad(t, async () => String((await ask(`${gateway.url}/x`)).status), 8)
  await load.more('200', 50)
  const counted = await gateway.metric('hydra_exchanges_total')
  const [first, second] = childrenOf(gateway.pid) as [number, number]
  process.kill(first, 'SIGKILL')
  await eventually(() => {
    const now = childrenOf(gateway.pid)
    assert.ok(now.length === 2 && !now.includes(first) && now.includes(second))
  })
  await eventually(async () => assert.equal(await gateway.metric('hydra_workers'), 2))
  await load.more('200', 50)
  await load.stop()
  const failed = [...load.outcomes].filter(([outcome]) => outcome !== '200')
  const failures = failed.reduce((sum, [, count]) => sum + count, 0)
  assert.ok(failures <= 8, JSON.stringify([...load.outcomes]))
  assert.equal(await gateway.metric('hydra_worker_restarts_total'), 1)
  // Workers say so each second.
  await eventually(async () => assert.ok((await gateway.metric('hydra_worker_memory_bytes')) > 0))
  assert.ok((await gateway.metric('hydra_exchanges_total')) > counted, 'no counter falls')
})

test('a service whose channel went through a worker that is killed serves on', async (t) => {
  const gateway = await startGatewayProcess(t, { workers: 2 })
  const paths = ['orders', 'stock', 'catalog', 'basket']
  for (const name of paths) await startService(t, gateway, { name, routes: [`/${name}`] })
  let asked = 0
  const load = startLoad(t, async () => String((await ask(`${gateway.url}/${paths[asked++ % 4]}`)).status), 4)
  await load.more('200', 50)
  for (const worker of childrenOf(gateway.pid)) {
    process.kill(worker, 'SIGKILL')
    await eventually(async () => {
      assert.ok(!childrenOf(gateway.pid).includes(worker))
      assert.equal(await gateway.metric('hydra_workers'), 2)
    })
    await load.more('200', 50)
  }
  await eventually(async () => assert.equal(await gateway.metric('hydra_channels'), 4))
  await load.more('200', 50)
  await load.stop()
  assert.equal(load.outcomes.get('503') ?? 0, 0, JSON.stringify([...load.outcomes]))
})

test('workers end with their primary, however that ends', async (t) => {
  const gateway = await startGatewayProcess(t, { workers: 2, http: { stopGrace: '1s' } })
  const workers = childrenOf(gateway.pid)
  assert.equal(workers.length, 2)
  process.kill(gateway.pid, 'SIGKILL')
  await eventually(() => {
    for (const pid of workers) assert.equal(parentOf(String(pid)), undefined)
  })
})

test('a stop lets requests in workers finish, and leaves nobody behind', async (t) => {
  let begun = 0
  const { port } = await startUpstream(t, 'slow', (_request, response) => {
    begun++
    setTimeout(() => response.end('done'), 500)
  })
  const gateway = await startGatewayProcess(t, {
    workers: 2,
    services: { slow: { url: `http://127.0.0.1:${port}`, routes: ['/**'] } },
  })
  const workers = childrenOf(gateway.pid)
  const running = times(4, () => ask(`${gateway.url}/x`))
  await eventually(() => assert.equal(begun, 4))
  const stopped = gateway.stop()
  for (const { body } of await running) assert.equal(body, 'done')
  assert.equal(await stopped, 0)
  for (const pid of workers) assert.equal(parentOf(String(pid)), undefined)
})
