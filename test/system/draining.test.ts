/**
 * Instances that drain, behind a real gateway: they finish what was begun and take nobody new.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { drainAnswer, problem, servicesAnswer } from '@hydra-gateway/protocol'
import { hydra } from '@hydra-gateway/sdk/node'
import { openEventStream } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startLoad } from '../support/load.ts'
import { startUpstream } from '../support/upstream.ts'

/** An instance of `orders` in this process. What asks for `/orders/slow` waits until it is let go. */
async function startOrders(
  t: TestContext,
  { url: gateway, publicKey, privateKey }: TestGateway,
  fallback?: string,
) {
  const waiting: ServerResponse[] = []
  let served = 0
  const server = createServer((request, response) => {
    served++
    const url = request.url!
    if (url === '/orders/slow') waiting.push(response)
    else if (url === '/orders/stream') {
      response.setHeader('content-type', 'text/event-stream')
      response.write('data: hello\n\n')
      waiting.push(response)
    } else response.end(port())
  })
  const port = () => String((server.address() as AddressInfo).port)
  const service = await hydra(server, {
    name: 'orders',
    routes: ['/orders', '/orders/**'],
    menu: [{ label: 'Orders', path: '/orders' }],
    ...(fallback === undefined ? {} : { fallback }),
    ...{ gateway, publicKey, privateKey },
    signals: false,
    log: false,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    await service.close()
    server.closeAllConnections()
    server.close()
  }
  t.after(close)
  await service.ready
  return {
    close,
    waiting,
    get name() {
      return port()
    },
    get served() {
      return served
    },
  }
}

const instancesOf = async (gateway: TestGateway, name = 'orders') => {
  const answer = await gateway.admin('services')
  // No member that the schema leaves out.
  assert.deepEqual(servicesAnswer.parse(answer), answer)
  return servicesAnswer.parse(answer).services.find((service) => service.name === name)!
}
const idOf = async (gateway: TestGateway, port: string) =>
  (await instancesOf(gateway)).instances.find(({ address }) => address.endsWith(`:${port}`))!.id

async function post({ url, publicKey, privateKey }: TestGateway, path: string, body?: unknown) {
  const response = await fetch(`${url}/_hydra/api/v1/services/${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${publicKey}:${privateKey}`)}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as any }
}

test('of two under load one drains: nothing is lost, it gets nothing new, and comes back', async (t) => {
  const gateway = await startGateway(t)
  const [a, b] = [await startOrders(t, gateway), await startOrders(t, gateway)]
  const id = await idOf(gateway, a.name)
  const load = startLoad(t, async () => {
    const response = await fetch(`${gateway.url}/orders`)
    await response.text()
    return String(response.status)
  })
  await load.more('200', 100)
  assert.ok(a.served > 0 && b.served > 0)

  const drained = await post(gateway, 'orders/drain', { instance: id })
  assert.equal(drained.status, 200)
  assert.deepEqual(drainAnswer.parse(drained.body), drained.body)
  assert.equal(drained.body.state, 'available')
  assert.deepEqual(
    drained.body.instances.map((one: any) => [one.id, one.state]),
    [[id, 'draining']],
  )
  // What was begun before is not new.
  await eventually(async () => {
    const one = (await instancesOf(gateway)).instances.find((each) => each.id === id)
    assert.equal(one?.inFlight, 0)
    assert.equal(one?.reason, 'an operator drains it; nothing left')
  })
  const before = a.served
  await load.more('200', 200)
  assert.equal(a.served, before)

  const resumed = await post(gateway, 'orders/resume', { instance: id })
  assert.deepEqual(
    resumed.body.instances.map((one: any) => [one.id, one.state]),
    [[id, 'available']],
  )
  await load.more('200', 100)
  await load.stop()
  assert.ok(a.served > before)
  assert.deepEqual([...load.outcomes.keys()], ['200'], JSON.stringify([...load.outcomes]))
})

test('what was begun is finished, streams and all, and who drains may be stopped then', async (t) => {
  const gateway = await startGateway(t)
  const [a, b] = [await startOrders(t, gateway), await startOrders(t, gateway)]
  const requests = Array.from({ length: 12 }, () => fetch(`${gateway.url}/orders/slow`))
  await eventually(() => assert.equal(a.waiting.length + b.waiting.length, 12))
  const streams = Array.from({ length: 6 }, () => fetch(`${gateway.url}/orders/stream`))
  const opened = await Promise.all(streams)
  const begun = a.waiting.length
  const id = await idOf(gateway, a.name)
  await post(gateway, 'orders/drain', { instance: id })
  const reason = async () => (await instancesOf(gateway)).instances.find((one) => one.id === id)?.reason
  assert.equal(
    await reason(),
    `an operator drains it; ${begun === 1 ? '1 request' : `${begun} requests`} left`,
  )

  const late = fetch(`${gateway.url}/orders/slow`)
  await eventually(() => assert.equal(b.waiting.length, 18 - begun + 1))
  for (const response of [...a.waiting, ...b.waiting]) response.end('done')
  for (const response of await Promise.all([...requests, late])) {
    assert.equal(response.status, 200)
    assert.equal(await response.text(), 'done')
  }
  for (const stream of opened) assert.equal(await stream.text(), 'data: hello\n\ndone')
  await eventually(async () => assert.match((await reason())!, /nothing left$/))

  await a.close()
  await eventually(async () => assert.equal((await instancesOf(gateway)).instances.length, 1))
  assert.equal((await fetch(`${gateway.url}/orders`)).status, 200)
})

test('while all drain visitors get the fallback, menus and events say so, and it all turns back', async (t) => {
  const gateway = await startGateway(t)
  const fallback = '<h1>Orders rests</h1>'
  await startOrders(t, gateway, fallback)
  const stream = await openEventStream(t, gateway, { query: '?kinds=service,instance' })
  const page = () => fetch(`${gateway.url}/orders`, { headers: { accept: 'text/html' } })
  const item = async () => {
    const { items } = (await (await fetch(`${gateway.url}/_hydra/menus/main`)).json()) as any
    return items[0]
  }
  assert.equal((await page()).status, 200)

  const drained = await post(gateway, 'orders/drain')
  assert.deepEqual([drained.status, drained.body.state], [200, 'draining'])
  const away = await page()
  assert.deepEqual([away.status, away.headers.get('retry-after')], [503, '5'])
  assert.ok((await away.text()).startsWith(fallback))
  await eventually(async () => assert.equal((await item()).state, 'down'))
  assert.equal((await instancesOf(gateway)).state, 'draining')
  const metrics = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  assert.match(metrics, /^hydra_services\{state="draining"\} 1$/m)
  assert.match(metrics, /^hydra_services\{state="available"\} 0$/m)
  // One that is there is not forgotten.
  const refused = await fetch(`${gateway.url}/_hydra/api/v1/services/orders`, {
    method: 'DELETE',
    headers: { authorization: `Basic ${btoa(`${gateway.publicKey}:${gateway.privateKey}`)}` },
  })
  assert.equal(refused.status, 409)

  const resumed = await post(gateway, 'orders/resume', {})
  assert.deepEqual([resumed.status, resumed.body.state], [200, 'available'])
  assert.equal((await page()).status, 200)
  await eventually(async () => assert.equal((await item()).state, 'available'))
  await eventually(() => assert.ok(stream.events.length >= 4))
  assert.deepEqual(
    stream.events.map(({ event }) => ('state' in event ? [event.kind, event.state, event.reason] : [])),
    [
      ['service', 'draining', 'an operator drains it'],
      ['instance', 'draining', 'an operator drains it'],
      ['service', 'available', 'an operator put it back'],
      ['instance', 'available', 'an operator put it back'],
    ],
  )
})

test('configured instances drain as well, and are not forgotten over it', async (t) => {
  const { port } = await startUpstream(t, 'desk')
  const gateway = await startGateway(t, {
    services: { desk: { url: `http://127.0.0.1:${port}`, routes: ['/desk'] } },
    forgetAfter: '1s',
    lease: { check: '20ms' },
  })
  assert.equal((await post(gateway, 'desk/drain')).body.state, 'draining')
  assert.equal((await fetch(`${gateway.url}/desk`)).status, 503)
  const since = (await instancesOf(gateway, 'desk')).downSince!
  await eventually(async () => assert.ok(Date.now() - since > 1500))
  assert.equal((await post(gateway, 'desk/resume')).body.state, 'available')
  assert.equal((await fetch(`${gateway.url}/desk`)).status, 200)
})

test('what can not be drained gets a clear answer, and changes nothing', async (t) => {
  const gateway = await startGateway(t)
  const orders = await startOrders(t, gateway)
  for (const [path, body, status, detail] of [
    ['nobody/drain', undefined, 404, /no service is called nobody/],
    ['orders/drain', { instance: 'x' }, 404, /orders has no instance x/],
    ['orders/resume', { instance: 'x' }, 404, /orders has no instance x/],
    ['orders/drain', { instance: '' }, 400, /instance/],
    ['orders/drain', { instance: 'x'.repeat(1000) }, 400, /instance/],
    ['orders/drain', { instance: 7 }, 400, /instance/],
    ['orders/drain', { instnace: 'x' }, 400, /instnace/],
    ['orders/drain', '[]', 400, /./],
    ['orders/drain', '{', 400, /JSON/],
    ['orders/drain', '"orders"', 400, /./],
    ['orders/drain', '{"__proto__":{}}', 400, /__proto__/],
    ['orders/drain', 'x'.repeat(20_000), 413, /./],
    ['__proto__/drain', undefined, 404, /./],
  ] as const) {
    const answer = await post(gateway, path, body)
    assert.equal(answer.status, status, JSON.stringify(answer))
    assert.match(problem.parse(answer.body).detail!, detail)
  }
  const stranger = await fetch(`${gateway.url}/_hydra/api/v1/services/orders/drain`, { method: 'POST' })
  assert.equal(stranger.status, 401)
  assert.equal((await instancesOf(gateway)).state, 'available')
  await orders.close()
  await eventually(async () => assert.equal((await instancesOf(gateway)).instances.length, 0))
  assert.equal((await post(gateway, 'orders/drain')).status, 409)
})
