/**
 * Gateways that are registered as a service: refused where a node of the cluster knows the address of another, and ended
 * where nobody could know.
 */
import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts'
import { medusaBean } from '../support/medusa-client.ts'
import { startRedis } from '../support/redis.ts'

const KEYS = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }
const LEASE = { lease: { ttl: '5m' } } as const

async function problemOf(response: Response) {
  const { code, status } = (await response.json()) as { code: string; status: number }
  return { code, status, sent: response.status }
}

/** Passes connections on to a gateway: an address of it that no node knows. */
async function startTunnel(t: TestContext, to: () => number): Promise<number> {
  const server = createTcpServer((socket) => {
    const onward = connect(to(), '127.0.0.1')
    socket.on('error', () => onward.destroy()).on('close', () => onward.destroy())
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    socket.pipe(onward).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as { port: number }).port
}

/** A service that keeps the headers it was asked with. */
async function startListener(t: TestContext) {
  const heard: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    heard.push(request.headers)
    response.end('here')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { heard, port: (server.address() as { port: number }).port }
}

test('the address of another node is no service’s, at whichever node somebody registers it', async (t) => {
  const { url } = await startRedis(t)
  const start = () => startGatewayProcess(t, { redis: { url }, ...LEASE }, KEYS)
  const [a, b] = await Promise.all([start(), start()])
  await eventually(async () => assert.equal((await a.admin('nodes')).nodes.length, 2))
  await eventually(() =>
    assert.rejects(a.register(medusaBean('shop', b.port)), /403.*another gateway of this cluster/),
  )
  await eventually(() =>
    assert.rejects(b.register(medusaBean('shop', a.port)), /403.*another gateway of this cluster/),
  )
  await assert.rejects(a.register(medusaBean('shop', a.port)), /403.*this gateway itself/)
  // Beside them everything is free, and once a node is gone, its address is.
  const { port } = await startListener(t)
  await a.register(medusaBean('shop', port))
  assert.equal(await (await fetch(`${b.url}/shop`)).text(), 'here')
  await b.stop()
  await eventually(() => a.register(medusaBean('former', b.port)))
})

test('a request that comes round is ended with 508 at once, and the log says where', async (t) => {
  const { url } = await startRedis(t)
  const start = () => startGatewayProcess(t, { redis: { url }, ...LEASE }, KEYS)
  const [a, b] = await Promise.all([start(), start()])
  const tunnel = await startTunnel(t, () => b.port)
  await a.register(medusaBean('round', tunnel))
  const ask = async ({ url: at }: GatewayProcess, init: RequestInit = {}) => {
    const begunAt = performance.now()
    const response = await fetch(`${at}/round`, { ...init, headers: { accept: 'application/json' } })
    assert.ok(performance.now() - begunAt < 5000, 'long before its time is over')
    return problemOf(response)
  }
  const wanted = { code: 'HYDRA_LOOP', status: 508, sent: 508 }
  await eventually(async () => assert.deepEqual(await ask(b), wanted))
  assert.deepEqual(await ask(a), wanted)
  assert.deepEqual(await ask(a, { method: 'POST', body: 'x'.repeat(10_000) }), wanted)
  assert.ok((await a.metric('hydra_refused_total')) + (await b.metric('hydra_refused_total')) >= 3)
})

test('two gateways that have each other for a service end the circle, though they share nothing', async (t) => {
  const [a, b] = await Promise.all([startGatewayProcess(t, LEASE), startGatewayProcess(t, LEASE)])
  await a.register(medusaBean('round', b.port))
  await b.register(medusaBean('round', a.port))
  const response = await fetch(`${a.url}/round`, { headers: { accept: 'application/json' } })
  assert.deepEqual(await problemOf(response), { code: 'HYDRA_LOOP', status: 508, sent: 508 })
})

test('how often a request may pass is a setting', async (t) => {
  const { port } = await startListener(t)
  const [strict, middle, outer] = (await Promise.all(
    [{ http: { maxPasses: 2 }, ...LEASE }, LEASE, LEASE].map((config) =>
      startGatewayProcess(t, config, KEYS),
    ),
  )) as [GatewayProcess, GatewayProcess, GatewayProcess]
  await strict.register(medusaBean('shop', port))
  await middle.register(medusaBean('shop', strict.port))
  await outer.register(medusaBean('shop', middle.port))
  assert.equal(await (await fetch(`${middle.url}/shop`)).text(), 'here')
  const response = await fetch(`${outer.url}/shop`, { headers: { accept: 'application/json' } })
  assert.deepEqual(await problemOf(response), { code: 'HYDRA_LOOP', status: 508, sent: 508 })
})

test('a gateway behind a gateway is served, and a visitor’s first request bears no mark', async (t) => {
  const { heard, port } = await startListener(t)
  const inner = await startGatewayProcess(t, LEASE)
  await inner.register(medusaBean('shop', port))
  const outer = await startGatewayProcess(t, LEASE)
  await outer.register(medusaBean('shop', inner.port))
  assert.equal(await (await fetch(`${inner.url}/shop`)).text(), 'here')
  assert.equal(await (await fetch(`${outer.url}/shop`)).text(), 'here')
  // What others wrote goes on, and counts for nothing.
  const others = Array.from({ length: 30 }, () => 'cdn.example; a=1').join(', ')
  const response = await fetch(`${outer.url}/shop`, { headers: { 'cdn-loop': others } })
  assert.equal(await response.text(), 'here')
  const [direct, behind, marked] = heard.map((headers) => headers['cdn-loop'] as string | undefined)
  assert.equal(direct, undefined)
  assert.match(behind!, /^hydra-[0-9a-f]{11}$/)
  assert.match(marked!, /^cdn\.example; a=1, .*, hydra-[0-9a-f]{11}, hydra-[0-9a-f]{11}$/)
})
