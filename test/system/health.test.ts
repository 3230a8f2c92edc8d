/**
 * Services that serve, but so that visitors feel it, behind a real gateway.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { servicesAnswer } from '@hydra-gateway/protocol'
import { fragment } from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/node'
import { openEventStream } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startUpstream } from '../support/upstream.ts'

/** Short, so that tests are. */
const HEALTH = { window: '1s', leastAnswers: 10, failures: 20, slow: '100ms' } as const

async function startShop(t: TestContext, listener: RequestListener) {
  const { port } = await startUpstream(t, 'orders', listener)
  const gateway = await startGateway(t, {
    health: HEALTH,
    services: {
      orders: {
        url: `http://127.0.0.1:${port}`,
        routes: ['/orders/**', { path: '/orders/patient', timeoutMs: 60_000 }],
        menu: { main: [{ label: 'Orders', endpoint: '/orders/list' }] },
      },
    },
  })
  return gateway
}

const ask = async ({ url }: TestGateway, path: string, init?: RequestInit) => {
  const response = await fetch(url + path, init)
  await response.arrayBuffer()
  return response.status
}
const many = (gateway: TestGateway, count: number, path: string, init?: RequestInit) =>
  Promise.all(Array.from({ length: count }, () => ask(gateway, path, init)))

const ordersOf = async (gateway: TestGateway) => {
  const answer = await gateway.admin('services')
  assert.deepEqual(servicesAnswer.parse(answer), answer)
  return servicesAnswer.parse(answer).services[0]!
}
const itemOf = async ({ url }: TestGateway) =>
  ((await (await fetch(`${url}/_hydra/menus/main`)).json()) as any).items[0]
/** At least one look at the counts passes: what is counted now is judged by then. */
const nextLooks = async (gateway: TestGateway) => {
  const before = performance.now()
  await eventually(
    async () => {
      await ordersOf(gateway)
      assert.ok(performance.now() - before > 1500)
    },
    10_000,
    100,
  )
}

test('a service that answers with errors is degraded, is told of everywhere, and recovers', async (t) => {
  let status = 200
  const gateway = await startShop(t, (_, response) => response.writeHead(status).end('x'))
  const stream = await openEventStream(t, gateway, { query: '?kinds=service' })
  await many(gateway, 20, '/orders/list')
  assert.equal((await ordersOf(gateway)).state, 'available')

  status = 500
  await eventually(async () => {
    await many(gateway, 5, '/orders/list')
    assert.equal((await ordersOf(gateway)).state, 'degraded')
  })
  const told = await ordersOf(gateway)
  assert.match(told.reason!, /^of the \d+ answers of the last 1 s \d+ failed$/)
  assert.equal(told.instances[0]!.state, 'available')
  await eventually(async () => {
    const item = await itemOf(gateway)
    assert.deepEqual([item.state, item.reason], ['degraded', 'Orders has trouble at the moment'])
  })
  // It serves all the same.
  assert.equal(await ask(gateway, '/orders/list'), 500)
  const metrics = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  assert.match(metrics, /^hydra_services\{state="degraded"\} 1$/m)
  assert.match(metrics, /^hydra_degraded_total\{service="orders"\} 1$/m)

  status = 200
  await eventually(async () => {
    await many(gateway, 5, '/orders/list')
    assert.equal((await ordersOf(gateway)).state, 'available')
  })
  assert.equal((await ordersOf(gateway)).reason, undefined)
  await eventually(async () => assert.equal((await itemOf(gateway)).state, 'available'))
  await eventually(() => assert.equal(stream.events.length, 2))
  const [turned, back] = stream.events.map(({ event }) => event as any)
  assert.deepEqual([turned.state, turned.before], ['degraded', 'available'])
  assert.match(turned.reason, /failed$/)
  assert.deepEqual([back.state, back.before], ['available', 'degraded'])
  const said = gateway.lines.filter(({ msg }) => msg === 'service degraded')
  assert.equal(said.length, 1)
})

test('a service whose answers are slow to begin is degraded; streams and patient routes are not slow', async (t) => {
  const waiting = new Set<ServerResponse>()
  const gateway = await startShop(t, (request, response) => {
    const type = request.url === '/orders/events' ? 'text/event-stream' : 'text/plain'
    waiting.add(response.setHeader('content-type', type))
    setTimeout(() => response.end('x'), 150)
  })
  await many(gateway, 15, '/orders/events')
  await many(gateway, 15, '/orders/patient')
  await nextLooks(gateway)
  assert.equal((await ordersOf(gateway)).state, 'available')
  await eventually(async () => {
    await many(gateway, 15, '/orders/list')
    const { state, reason } = await ordersOf(gateway)
    assert.equal(state, 'degraded')
    assert.match(reason!, /took more than 0\.1 s$/)
  })
})

test('the time a visitor takes to send is not the service’s', async (t) => {
  const gateway = await startShop(t, (request, response) => {
    request.resume().on('end', () => response.end('x'))
  })
  const upload = () =>
    ask(gateway, '/orders/list', {
      method: 'POST',
      duplex: 'half',
      body: new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode('a'))
          await new Promise((resolve) => setTimeout(resolve, 300))
          controller.enqueue(new TextEncoder().encode('b'))
          controller.close()
        },
      }),
    } as RequestInit)
  assert.deepEqual(new Set(await Promise.all(Array.from({ length: 15 }, upload))), new Set([200]))
  await nextLooks(gateway)
  assert.equal((await ordersOf(gateway)).state, 'available')
})

test('what visitors did wrong, and visitors who leave, make no service degraded', async (t) => {
  const gateway = await startShop(t, (request, response) => {
    if (request.url === '/orders/never') return
    const status = Number(request.url!.split('/').at(-1)) || 200
    response.writeHead(status).end()
  })
  for (const status of [400, 401, 403, 404, 409, 422, 429, 501])
    await many(gateway, 5, `/orders/${status}`, { method: status === 501 ? 'HEAD' : 'GET' })
  const leave = async () => {
    const leaving = new AbortController()
    const asked = fetch(`${gateway.url}/orders/never`, { signal: leaving.signal })
    await eventually(async () => assert.ok((await ordersOf(gateway)).instances[0]!.inFlight > 0))
    leaving.abort()
    await asked.catch(() => {})
  }
  await Promise.all(Array.from({ length: 15 }, leave))
  await nextLooks(gateway)
  assert.equal((await ordersOf(gateway)).state, 'available')
})

test('answers that break off count; event streams that do, do not', async (t) => {
  const gateway = await startShop(t, (request, response) => {
    const type = request.url === '/orders/events' ? 'text/event-stream' : 'text/plain'
    response.setHeader('content-type', type).write('data: hello\n\n', () => response.destroy())
  })
  const cut = (path: string) => Promise.allSettled(Array.from({ length: 15 }, () => ask(gateway, path)))
  await cut('/orders/events')
  await nextLooks(gateway)
  assert.equal((await ordersOf(gateway)).state, 'available')
  await eventually(async () => {
    await cut('/orders/list')
    assert.equal((await ordersOf(gateway)).state, 'degraded')
  })
})

test('a service that is gone is down, not degraded, and returns without a mark', async (t) => {
  const upstream = await startUpstream(t, 'orders')
  const gateway = await startGateway(t, {
    health: HEALTH,
    services: { orders: { url: `http://127.0.0.1:${upstream.port}`, routes: ['/orders'] } },
  })
  await many(gateway, 20, '/orders')
  await upstream.close()
  await eventually(async () => {
    await many(gateway, 20, '/orders')
    assert.equal((await ordersOf(gateway)).state, 'down')
  })
  await startUpstream(t, 'orders', undefined, upstream.port)
  await eventually(async () => assert.equal((await ordersOf(gateway)).state, 'available'))
  await many(gateway, 5, '/orders')
  await nextLooks(gateway)
  assert.equal((await ordersOf(gateway)).state, 'available')
  assert.equal(gateway.lines.filter(({ msg }) => msg === 'service degraded').length, 0)
})

test('fragments that fail, or are waited for in vain, make their service degraded, and no other', async (t) => {
  const { port } = await startUpstream(t, 'home', (request, response) => {
    const [, ref] = /^\/home\/(\w+)/.exec(request.url!)!
    const timeout = ref === 'hangs' ? ' timeout="1000"' : ''
    response.setHeader('content-type', 'text/html').setHeader('hydra-compose', '1')
    response.end(`<!doctype html><m:fragment service="parts" ref="${ref}"${timeout}>later</m:fragment>`)
  })
  const gateway = await startGateway(t, {
    health: { ...HEALTH, slow: '5s' },
    services: { home: { url: `http://127.0.0.1:${port}`, routes: ['/home/**'] } },
  })
  const { url, publicKey, privateKey } = gateway
  const server = createServer((_, response) => response.end('parts'))
  const parts = await hydra(server, {
    name: 'parts',
    fragments: [
      fragment('fine', () => '<b>fine</b>'),
      fragment('fails', () => {
        throw new Error('as it was told to')
      }),
      fragment('hangs', () => new Promise<string>(() => {})),
    ],
    ...{ gateway: url, publicKey, privateKey },
    signals: false,
    log: false,
  })
  t.after(() => parts.close().finally(() => server.close()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await parts.ready
  const states = async () =>
    Object.fromEntries(
      servicesAnswer.parse(await gateway.admin('services')).services.map(({ name, state }) => [name, state]),
    )
  for (const ref of ['fails', 'hangs']) {
    await eventually(async () => {
      await many(gateway, 15, `/home/${ref}`)
      assert.deepEqual(await states(), { home: 'available', parts: 'degraded' })
    }, 10_000)
    await eventually(async () => {
      await many(gateway, 15, '/home/fine')
      assert.deepEqual(await states(), { home: 'available', parts: 'available' })
    }, 10_000)
  }
})
