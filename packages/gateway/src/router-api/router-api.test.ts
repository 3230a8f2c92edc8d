import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { NodeEntry } from '../channels/flywheel/port.ts'
import { ROUTER_ID, startApi } from './testing/api-rig.ts'

const TOKEN = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
const json = async (response: Response): Promise<any> => {
  assert.equal(response.headers.get('content-type'), 'application/json')
  return response.json()
}

const node = (serviceName: string, instanceID: string, more: Partial<NodeEntry> = {}): NodeEntry => ({
  serviceName,
  serviceDescription: 'not specified',
  version: '1.2.0',
  instanceID: instanceID.padStart(32, '0'),
  updatedOn: new Date().toISOString(),
  processID: 7,
  ip: '10.0.0.7',
  port: '3000',
  hostName: 'seven',
  ...more,
})

test('an answer has the keys of every release and those of the README', async (t) => {
  const { get } = await startApi(t)
  assert.deepEqual(await json(await get('/v1/router/version')), {
    statusCode: 200,
    statusMessage: 'OK',
    statusDescription: 'Request succeeded without error',
    status: 200,
    statusText: 'Success',
    result: { version: '0.1.0' },
  })
  const head = await get('/v1/router/version', { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.ok(Number(head.headers.get('content-length')) > 0)
  // As in the original, only what takes a message looks at the method.
  assert.equal((await get('/v1/router/version', { method: 'POST' })).status, 200)
})

test('list/routes has services of every channel, without methods, and the router first', async (t) => {
  const { get, network, registry } = await startApi(
    t,
    {},
    {
      externalRoutes: () => ({ 'https://api.example:8443': ['[post]/api/v2/token/create', '/plain'] }),
    },
  )
  await registry.join('orders', ['/orders/{id}', '/orders/files/**', '/orders/*/x', '/'])
  network.routes.set('hello', ['[get]/v1/hello/:name', '[post]/v1/hello/:name', '[get,put]/v1/both', '/bare'])
  const { result } = await json(await get('/v1/router/list/routes'))
  assert.deepEqual(result.slice(1), [
    { serviceName: 'hello', routes: ['/v1/hello/:name', '/v1/both', '/bare'] },
    { serviceName: 'https://api.example:8443', routes: ['/api/v2/token/create', '/plain'] },
    {
      serviceName: 'orders',
      routes: result[3].routes,
    },
  ])
  assert.deepEqual(
    ['/orders/:id', '/orders/files(/*rest)', '/orders/:name/x', '/'].filter(
      (path) => !result[3].routes.includes(path),
    ),
    [],
  )
  assert.equal(result[0].serviceName, 'hydra-router')
  for (const path of ['/v1/router/version', '/v1/router/list/:thing', '/v1/router/message'])
    assert.ok(result[0].routes.includes(path), path)
})

test('a service whose routes vanished from Redis is not listed any more (B14: the original listed it for ever)', async (t) => {
  const { get, network } = await startApi(t)
  network.routes.set('hello', ['[get]/v1/hello'])
  const names = async () =>
    (await json(await get('/v1/router/list/routes'))).result.map((one: any) => one.serviceName)
  assert.deepEqual(await names(), ['hydra-router', 'hello'])
  network.routes.delete('hello')
  assert.deepEqual(await names(), ['hydra-router'])
})

test('list/services has live instances with health and log, and this router always with its health (B1: the original’s own came and went)', async (t) => {
  const { get, network, registry } = await startApi(t)
  const { instanceId } = await registry.join('orders', ['/orders'], { version: '2.0.0' })
  network.instances.push(
    {
      entry: node('hello', 'a1', { extra: 1 }),
      health: { uptimeSeconds: 9, nodeVersion: 'v20' },
      log: [{ msg: 'x' }],
    },
    // Health is away two seconds of five.
    { entry: node('hello', 'a2'), log: [] },
  )
  for (let i = 0; i < 3; i++) {
    const { result } = await json(await get('/v1/router/list/services'))
    assert.deepEqual(
      result.map((one: any) => [one.serviceName, one.instanceID]),
      [
        ['hello', 'a1'.padStart(32, '0')],
        ['hello', 'a2'.padStart(32, '0')],
        ['hydra-router', ROUTER_ID],
        ['orders', instanceId],
      ],
    )
    const [first, second, own, orders] = result
    assert.deepEqual([first.uptimeSeconds, first.extra, first.log], [9, 1, [{ msg: 'x' }]])
    assert.equal(first.updatedOnTS, Date.parse(first.updatedOn))
    assert.equal('uptimeSeconds' in second, false)
    assert.deepEqual([own.uptimeSeconds, own.hostName, own.processID], [3, 'gate', process.pid])
    for (const key of [
      'updatedOn',
      'updatedOnTS',
      'processID',
      'ip',
      'port',
      'hostName',
      'log',
      'serviceDescription',
    ])
      assert.ok(key in orders, key)
    assert.deepEqual([orders.version, orders.ip, orders.port], ['2.0.0', '127.0.0.1', 3001])
  }
})

test('list/nodes has every instance that was ever seen, and says who answers', async (t) => {
  const { get, network, registry } = await startApi(t)
  await registry.join('orders', ['/orders'])
  network.nodes.push(
    node('hello', 'dead', { updatedOn: new Date(Date.now() - 61_500).toISOString() }),
    node('hydra-router', ROUTER_ID, { version: 'older' }),
    node('hello', 'f0dd', { updatedOn: 'never' }),
  )
  for (const path of ['/v1/router/list/nodes', '/v1/router/nodes']) {
    const body = await json(await get(path))
    assert.deepEqual([body.instanceID, body.hostname, body.version], [ROUTER_ID, 'gate', '0.1.0'])
    assert.deepEqual(
      body.result.map((one: any) => one.serviceName),
      ['hello', 'hello', 'hydra-router', 'orders'],
    )
    assert.equal(body.result[0].elapsed, 61)
    assert.ok(Number.isInteger(body.result[1].elapsed))
    assert.equal(body.result[2].version, '0.1.0')
  }
})

test('without Redis, and while it is away, the lists tell what this gateway knows', async (t) => {
  for (const withoutRedis of [true, false]) {
    const { get, network, registry } = await startApi(t, {}, { withoutRedis })
    network.isReachable = false
    await registry.join('orders', ['/orders'])
    for (const path of ['list/services', 'list/nodes']) {
      const { result } = await json(await get(`/v1/router/${path}`))
      assert.deepEqual(
        result.map((one: any) => one.serviceName),
        ['hydra-router', 'orders'],
      )
    }
    const { result } = await json(await get('/v1/router/health'))
    assert.equal(result.instanceID, ROUTER_ID)
    assert.equal(typeof result.uptimeSeconds, 'number')
  }
})

test('list/wsdir says who is where, with ids that are whole for those who know the token', async (t) => {
  const token = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
  const open = await startApi(t)
  const guarded = await startApi(t, { routerToken: token })
  assert.deepEqual((await json(await open.get('/v1/router/list/wsdir'))).result, {
    [ROUTER_ID]: { 'c1…': 1, 'c2…': 1 },
  })
  assert.deepEqual((await json(await guarded.get(`/v1/router/list/wsdir?token=${token}`))).result, {
    [ROUTER_ID]: { c1: 1, c2: 1 },
  })
})

test('any other list is none', async (t) => {
  const { get } = await startApi(t)
  for (const path of [
    'list/other',
    'list',
    'list/',
    'list/routes/x',
    '',
    'version/',
    'version/x',
    'Version',
    'toString',
    'list/constructor',
    '__proto__',
    'list%2Froutes',
  ]) {
    const response = await get(`/v1/router/${path}`, { headers: { accept: 'text/html' } })
    assert.equal(response.status, 404, path)
    const body = await json(response)
    assert.equal(body.statusMessage, 'Not Found')
    assert.equal(body.statusDescription, 'The requested resource was not found on the server')
    assert.deepEqual(body.result, {})
    assert.equal(body.code, 'HYDRA_NO_ROUTE')
    assert.equal(body.status, 404)
  }
})

test('refresh is answered when the routes were read, and one read serves all who asked before it began', async (t) => {
  const { get, network } = await startApi(t)
  const reads: { service: string | undefined; done: () => void }[] = []
  network.refresh = (service) => new Promise((resolve) => reads.push({ service, done: resolve }))
  const settle = async (until: number) => {
    while (reads.length < until) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  let isAnswered = false
  const first = get('/v1/router/refresh/hello').then((response) => {
    isAnswered = true
    return response
  })
  await settle(1)
  const others = Array.from({ length: 20 }, () => get('/v1/router/refresh/hello'))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(isAnswered, false)
  assert.equal(reads.length, 1)
  reads[0]!.done()
  assert.deepEqual((await json(await first)).result, {})
  await settle(2)
  reads[1]!.done()
  for (const response of await Promise.all(others)) assert.equal(response.status, 200)
  assert.deepEqual(
    reads.map(({ service }) => service),
    ['hello', 'hello'],
  )
  network.refresh = async () => {}
  assert.deepEqual((await json(await get('/v1/router/refresh'))).result, {})
  network.isReachable = false
  const away = await get('/v1/router/refresh')
  assert.equal(away.status, 503)
  assert.equal(away.headers.get('retry-after'), '5')
  assert.match((await json(away)).result.reason, /Redis/)
})

test('clear removes who is gone, and leads to the page as ever (B21)', async (t) => {
  const { get, network } = await startApi(t)
  const response = await get('/v1/router/clear')
  assert.equal(response.status, 302)
  assert.equal(response.headers.get('location'), '/')
  assert.equal(network.cleared, 1)
})

test('the log keeps the newest hundred, of clients and, when it is wished, of requests', async (t) => {
  const { get, api, settings } = await startApi(t)
  for (let i = 0; i < 130; i++) api.note('log', { i })
  api.note('log', { text: 'x'.repeat(10_000) })
  let { logs } = (await json(await get('/v1/router/log'))).result
  assert.equal(logs.length, 100)
  assert.deepEqual(logs[0].entry, { i: 31 })
  assert.deepEqual(Object.keys(logs[0]), ['ts', 'type', 'entry'])
  assert.ok(logs[99].entry.length <= 4096)
  settings.debugLogging = true
  await get(`/v1/router/version?token=${TOKEN}`)
  logs = (await json(await get('/v1/router/log'))).result.logs
  assert.deepEqual(logs.at(-1).entry, { method: 'GET', path: '/v1/router/version', status: 200 })
})

test('stats are an hour of seconds for each service, the oldest first (B29)', async (t) => {
  const { get, registry } = await startApi(t, {}, {})
  await get('/v1/router/version')
  await registry.join('orders', ['/orders'])
  const { result, statusCode } = await json(await get('/v1/router/stats'))
  assert.equal(statusCode, 200)
  assert.deepEqual(Object.keys(result), ['httpStats', 'wsStats', 'errorStats'])
  const own = result.httpStats['hydra-router']
  assert.equal(own.length, 3600)
  assert.equal(
    own.slice(-3).reduce((all: number, one: number) => all + one, 0),
    2,
  )
})

test('other sites may use it: CORS as it is configured, or for everybody', async (t) => {
  const { get, settings } = await startApi(t)
  let preflight = await get('/v1/router/message', { method: 'OPTIONS' })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers.get('content-length'), null)
  assert.equal(preflight.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
  assert.equal((await get('/v1/router/none')).headers.get('access-control-allow-origin'), '*')
  settings.cors = { 'access-control-allow-origin': 'https://a.example', 'access-control-Max-Age': '10' }
  preflight = await get('/v1/router/message', { method: 'OPTIONS' })
  assert.equal(preflight.headers.get('access-control-expose-headers'), 'Content-Length, Content-Range')
  for (const response of [preflight, await get('/v1/router/version'), await get('/v1/router/none')]) {
    assert.equal(response.headers.get('access-control-allow-origin'), 'https://a.example')
    assert.equal(response.headers.get('access-control-max-age'), '10')
  }
})

test('those who ask for long lists and never read them cost the memory of one', async (t) => {
  const { url, network, get } = await startApi(t, { listForMs: 60_000 })
  for (let i = 0; i < 10_000; i++) {
    const instanceID = i.toString(16).padStart(32, '0')
    const entry = { serviceName: `s${i % 50}`, instanceID, ip: '127.0.0.1', port: 1, updatedOn: '' }
    network.nodes.push({ ...entry, hostName: 'h'.repeat(1000) })
  }
  assert.ok((await (await get('/v1/router/list/nodes')).text()).length > 10_000_000)
  const before = process.memoryUsage().arrayBuffers
  const { port, hostname } = new URL(url)
  const sockets = Array.from({ length: 12 }, () => connect(Number(port), hostname).on('error', () => {}))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) socket.pause().write('GET /v1/router/list/nodes HTTP/1.1\r\nhost: x\r\n\r\n')
  await Promise.all(sockets.map((socket) => once(socket, 'readable')))
  assert.ok(process.memoryUsage().arrayBuffers - before < 40_000_000, 'bytes are kept for each of them')
})
