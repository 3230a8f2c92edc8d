/**
 * Services when nodes come and go: two gateways in this process that share what they know.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createLog, openStore, parseConfig, type Store, systemClock } from '@hydra-gateway/gateway'
import { connect, type HydraService, openConnection, type ServiceOptions } from '@hydra-gateway/sdk'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { medusaBean, medusaClient } from '../support/medusa-client.ts'

const keys = { publicKey: `pub${'e'.repeat(24)}`, privateKey: 'f'.repeat(48) }

/** Two nodes, one store. */
async function startNodes(t: TestContext, spread = 2000): Promise<[TestGateway, TestGateway]> {
  const config = parseConfig({ keys })
  const log = createLog('silent')
  const opened = await openStore(config, { privateKeys: [keys.privateKey], clock: systemClock, log })
  const store: Store = { ...opened, isShared: true }
  const start = () => startGateway(t, { keys, cluster: { spread } }, { store })
  const nodes = [await start(), await start()] as [TestGateway, TestGateway]
  // Added last: the nodes are closed before what they share.
  t.after(() => opened.close())
  return nodes
}

async function startService(
  t: TestContext,
  gateway: ServiceOptions['gateway'],
  more: Partial<ServiceOptions> = {},
  answer: RequestListener = (_request, response) => void response.end('here'),
): Promise<HydraService> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const options = {
    name: 'orders',
    routes: ['/orders'],
    ...keys,
    gateway: gateway!,
    log: false,
    signals: false,
  }
  const service = await connect({ ...options, ...more, server } as never)
  t.after(() => service.close())
  return service
}

/** Asks again and again until `end`; resolves with the answers that were not 200. */
function load(t: TestContext, url: string): { answered(): number; end(): Promise<readonly string[]> } {
  const failed: string[] = []
  let answered = 0
  let stop = false
  t.after(() => {
    stop = true
  })
  const visitors = Array.from({ length: 4 }, async () => {
    while (!stop) {
      const status = await fetch(url).then(
        async (response) => {
          await response.arrayBuffer()
          return response.status
        },
        (error: Error) => error.message,
      )
      answered++
      if (status !== 200) failed.push(String(status))
    }
  })
  return {
    answered: () => answered,
    async end() {
      stop = true
      await Promise.all(visitors)
      return failed
    },
  }
}

const served = (url: string) => eventually(async () => assert.equal((await fetch(url)).status, 200))

test('a service goes to another node when its own stops, and no request at the other one fails', async (t) => {
  const [a, b] = await startNodes(t)
  // It knows b, and is at a first.
  const heard: string[] = []
  const orders = await startService(t, [b.url, a.url])
  const [here, there] = orders.gateway === a.url ? [a, b] : [b, a]
  for (const name of ['connected', 'disconnected'] as const) orders.on(name, () => heard.push(name))
  await served(`${there.url}/orders`)
  const visitors = load(t, `${there.url}/orders`)
  await here.close()
  assert.equal(orders.gateway, there.url)
  assert.equal(orders.state, 'connected')
  // The old node is gone meanwhile.
  const settledAt = Date.now()
  await eventually(() => assert.ok(Date.now() - settledAt > 1500 && visitors.answered() > 300), 10_000)
  assert.deepEqual(await visitors.end(), [])
  assert.deepEqual(heard, ['connected'], 'it was never without a line')
  const { services } = await there.admin('services')
  assert.deepEqual(
    services[0].instances.map(({ id }: { id: string }) => id),
    [orders.instanceId],
  )
})

test('an application that knows nothing of moving is found at the other node, without a failed request', async (t) => {
  const [a, b] = await startNodes(t)
  const server = createServer((_request, response) => void response.end('here')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  const bean = medusaBean('counter', (server.address() as AddressInfo).port)
  const first = medusaClient(t, a.discovery)
  await first.register(bean)
  const stopBeating = first.keepBeating('counter')
  await served(`${b.url}/counter`)
  const visitors = load(t, `${b.url}/counter`)
  await a.close()
  stopBeating()
  // What stands in front of both nodes leads its next call to the other one.
  const second = medusaClient(t, b.discovery)
  if ((await second.alive('counter')).status !== 200) assert.equal((await second.register(bean)).status, 200)
  second.keepBeating('counter')
  const before = visitors.answered()
  await eventually(() => assert.ok(visitors.answered() > before + 300), 10_000)
  assert.deepEqual(await visitors.end(), [])
})

test('a line that can not be asked to move is closed, and its instance serves on until it is back', async (t) => {
  const [a, b] = await startNodes(t, 200)
  const server = createServer((_request, response) => void response.end('here')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => void server.close())
  const { port } = server.address() as AddressInfo
  const { promise: lost, resolve: onLost } = Promise.withResolvers<string>()
  const open = (gateway: string) =>
    openConnection({
      ...{ gateway, ...keys, timeoutMs: 2000, onOverview() {}, onLost },
      registration: {
        ...{
          protocol: 1,
          name: 'plain',
          host: '127.0.0.1',
          port,
          activeSince: 1,
          instanceId: 'a'.repeat(32),
        },
        routes: [{ path: '/plain' }],
      },
    })
  await open(a.url)
  await served(`${b.url}/plain`)
  const visitors = load(t, `${b.url}/plain`)
  const closing = a.close()
  assert.match(await lost, /stopping/)
  // As such clients do: a second later.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const back = await open(b.url)
  t.after(() => back.close())
  await closing
  await eventually(() => assert.ok(visitors.answered() > 300), 10_000)
  assert.deepEqual(await visitors.end(), [])
})

test('a service that knows two nodes is at the other one at once when its own is killed', async (t) => {
  const pair = await Promise.all([1, 2].map(() => startGatewayProcess(t, {}, keys)))
  const said: string[] = []
  const log = { info: (text: string) => said.push(text), warn: (text: string) => said.push(text), error() {} }
  const orders = await startService(t, pair.map(({ url }) => url).join(','), { log })
  const here = pair.find(({ url }) => url === orders.gateway)!
  const there = pair.find(({ url }) => url !== orders.gateway)!
  process.kill(here.pid, 'SIGKILL')
  const killedAt = performance.now()
  await eventually(() => assert.equal(orders.gateway, there.url))
  await orders.connected()
  assert.ok(performance.now() - killedAt < 1000)
  assert.equal(await (await fetch(`${there.url}/orders`)).text(), 'here')
  assert.equal(said.filter((text) => text.includes('is lost')).length, 1)
  assert.equal(said.filter((text) => text.includes('is behind')).length, 2)
})

test('a service that drains takes no new visitors, says what runs, drains on after a lost line, and can come back', async (t) => {
  const port = await freePort()
  const gateway = await startGateway(t, { port, keys })
  let finish = () => {}
  const slow: RequestListener = (request, response) => {
    if (request.headers['x-slow']) finish = () => void response.end('slow')
    else response.end('fast')
  }
  const [stays, drains] = [await startService(t, gateway.url), await startService(t, gateway.url, {}, slow)]
  let running: Promise<Response> | undefined
  await eventually(async () => {
    running ??= fetch(`${gateway.url}/orders`, { headers: { 'x-slow': '1' } })
    const isHere = await Promise.race([
      running.then(() => false),
      new Promise((r) => setTimeout(r, 50, true)),
    ])
    if (!isHere) running = undefined
    assert.ok(isHere, 'the other instance answered')
  })
  assert.deepEqual(await drains.drain({ reason: 'a new version' }), { running: 1 })
  const state = async () => {
    const { services } = await gateway.admin('services')
    return services[0].instances.find(({ id }: { id: string }) => id === drains.instanceId)?.state
  }
  assert.equal(await state(), 'draining')
  for (let i = 0; i < 10; i++)
    assert.equal(await (await fetch(`${gateway.url}/orders`)).text(), 'here', 'the one that stays answers')
  finish()
  assert.equal(await (await running!).text(), 'slow')

  await gateway.close()
  const again = await startGateway(t, { port, keys })
  const states = async (): Promise<string[]> => {
    const [service] = (await again.admin('services')).services
    return (service?.instances ?? []).map(({ state }: { state: string }) => state).toSorted()
  }
  await eventually(async () => assert.deepEqual(await states(), ['available', 'draining']))
  await Promise.all([stays.connected(), drains.connected()])
  assert.deepEqual(await states(), ['available', 'draining'])
  await drains.resume()
  assert.deepEqual(await states(), ['available', 'available'])
})
