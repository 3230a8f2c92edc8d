/**
 * What comes from outside and is wrong: each kind gets its documented answer, a log line with a reason and a
 * counter, and afterwards everybody else is served as before.
 */
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { medusaBean, medusaClient } from '../support/medusa-client.ts'
import { startUpstream } from '../support/upstream.ts'

const MiB = 1024 * 1024

async function counter(gateway: TestGateway, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#') && pattern.test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

test('faulty registrations are refused with every fault named, logged and counted, and register nothing', async (t) => {
  const gateway = await startGateway(t)
  const client = medusaClient(t, gateway.discovery)
  const good = medusaBean('one', 9000)
  const cases: [title: string, body: unknown, status: number][] = [
    ['null name', { ...good, name: null }, 400],
    ['blank name', { ...good, name: '  ' }, 400],
    ['no name', { ...good, name: undefined }, 400],
    ['port 0', { ...good, port: 0 }, 400],
    ['port 65536', { ...good, port: 65_536 }, 400],
    ['port as text', { ...good, port: '80' }, 400],
    ['fractional port', { ...good, port: 80.5 }, 400],
    ['name with a slash', { ...good, name: '../h/discovery' }, 400],
    ['name of the gateway', { ...good, name: 'Hydra-Router' }, 400],
    ['name __proto__', { ...good, name: '__proto__' }, 400],
    ['name ..', { ...good, name: '..' }, 400],
    ['endpoints no list', { ...good, endpoints: '/one' }, 400],
    ['unknown awakening', { ...good, awakening: 'RANDOM' }, 400],
    ['negative weight', { ...good, weight: -1 }, 400],
    ['a fallback that leads elsewhere', { ...good, fallback: '//evil.example' }, 400],
    ['javascript fallback', { ...good, fallback: 'javascript:alert(1)' }, 400],
    ['metadata address', { ...good, host: '169.254.169.254' }, 403],
    ['link-local address', { ...good, host: 'fe80::1' }, 403],
    ['public address', { ...good, host: '8.8.8.8' }, 403],
    ['address in disguise', { ...good, host: '0xa9fea9fe' }, 403],
    ['a name that resolves to nothing', { ...good, host: 'nowhere.invalid' }, 403],
    ['an array', [good], 400],
    ['a string', 'one', 400],
    ['null', null, 400],
  ]
  for (const [title, body, status] of cases) {
    const answer = await client.register(body as Record<string, unknown>)
    assert.equal(answer.status, status, title)
    const problem = JSON.parse(answer.body)
    assert.match(problem.code, /^HYDRA_/, title)
    assert.ok(problem.detail, title)
  }
  const raw: [title: string, body: string | Buffer, status: number][] = [
    ['no JSON', '{"name":', 400],
    ['nothing', '', 400],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400],
    ['a prototype', `{"__proto__":{"admin":true},${JSON.stringify(good).slice(1)}`, 400],
    [
      'a hidden prototype',
      JSON.stringify(good).replace('"menuItems":{}', '"menuItems":{"\\u005f_proto__":[]}'),
      400,
    ],
    ['100 000 brackets', '['.repeat(100_000), 400],
    ['deep but whole', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
  ]
  for (const [title, body, status] of raw) {
    assert.equal((await client.post('/registration', 'application/json', body)).status, status, title)
  }
  assert.deepEqual((await gateway.admin('services')).services, [])
  assert.equal(({} as any).admin, undefined)
  const refused = gateway.lines.filter((line) => line.msg === 'registration refused')
  assert.ok(refused.length >= cases.length + raw.length)
  assert.ok((await counter(gateway, /hydra_refused_total\{what="registration"/)) >= cases.length + raw.length)
})

test('more than 8 MiB, or more than 20 000 routes, are 413 and nothing is registered', async (t) => {
  const gateway = await startGateway(t)
  const client = medusaClient(t, gateway.discovery)
  const before = gateway.admin
  const large = JSON.stringify(medusaBean('one', 9000, { staticResources: ['x'.repeat(4000)] })).padEnd(
    8 * MiB + 1,
    ' ',
  )
  assert.equal((await client.post('/registration', 'application/json', large)).status, 413)
  const many = medusaBean('one', 9000, { endpoints: Array.from({ length: 20_001 }, (_, i) => `/one/${i}`) })
  assert.equal((await medusaClient(t, gateway.discovery).register(many)).status, 413)
  assert.deepEqual((await before('services')).services, [])
  const most = medusaBean('one', 9000, {
    endpoints: Array.from({ length: 19_999 }, (_, i) => `/one/${i}`),
    staticResources: [],
  })
  assert.equal((await medusaClient(t, gateway.discovery).register(most)).status, 200)
})

test('10 000 routes of one service are taken, and another service is served meanwhile', async (t) => {
  const gateway = await startGateway(t)
  const small = await startUpstream(t, 'small')
  await medusaClient(t, gateway.discovery).register(medusaBean('small', small.port))
  const busy = medusaClient(t, gateway.discovery).register(
    medusaBean('big', 9000, { endpoints: Array.from({ length: 10_000 }, (_, i) => `/big/${i}/{id}/edit`) }),
  )
  for (let i = 0; i < 20; i++) assert.equal((await fetch(`${gateway.url}/small`)).status, 200)
  assert.equal((await busy).status, 200)
  assert.equal(
    (await gateway.admin('routes')).routes.filter(({ service }: any) => service === 'big').length,
    10_002,
    'with its socket and its script',
  )
})

test('reserved and unreadable paths are left out with a reason, the rest is served', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  const endpoints = [
    '/one',
    '/h/discovery/x',
    '/_hydra/api/v1/services',
    '/_h/**',
    '/health',
    '/bad/{',
    '/{page}',
  ]
  const answer = await medusaClient(t, gateway.discovery).register(medusaBean('one', one.port, { endpoints }))
  assert.equal(answer.status, 200)
  const { refused } = JSON.parse(answer.body)
  assert.deepEqual(refused.map(({ path }: any) => path).sort(), [
    '/_h/**',
    '/_hydra/api/v1/services',
    '/bad/{',
    '/h/discovery/x',
    '/health',
  ])
  assert.equal((await fetch(`${gateway.url}/one`)).status, 200)
  assert.equal((await fetch(`${gateway.url}/other`)).status, 200, '/{page} is served')
  assert.deepEqual(
    await (await fetch(`${gateway.url}/health`)).json(),
    { status: 'ok' },
    'but never the health of the gateway',
  )
  assert.equal((await gateway.admin('routes')).refused.length, 5)
})

test("a stranger does not get another service's route, and is told who has it", async (t) => {
  const gateway = await startGateway(t)
  const [mine, theirs] = [await startUpstream(t, 'mine'), await startUpstream(t, 'theirs')]
  await medusaClient(t, gateway.discovery).register(
    medusaBean('mine', mine.port, { endpoints: ['/shop', '/cart/{id}'] }),
  )
  const answer = await medusaClient(t, gateway.discovery).register(
    medusaBean('theirs', theirs.port, { endpoints: ['/shop', '/cart/{number}', '/own'] }),
  )
  assert.deepEqual(
    JSON.parse(answer.body)
      .refused.map(({ path }: any) => path)
      .sort(),
    ['/cart/{number}', '/shop'],
  )
  for (const path of ['/shop', '/cart/7'])
    assert.equal(((await (await fetch(gateway.url + path)).json()) as any).name, 'mine')
  assert.equal(((await (await fetch(`${gateway.url}/own`)).json()) as any).name, 'theirs')
  const { conflicts } = await gateway.admin('routes')
  assert.deepEqual(
    conflicts.map(({ incumbent, newcomer }: any) => [incumbent, newcomer]),
    [
      ['mine', 'theirs'],
      ['mine', 'theirs'],
    ],
  )
})

test('a service that registers and never beats is gone after its lease', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '300ms', check: '20ms' } })
  const one = await startUpstream(t, 'one')
  await medusaClient(t, gateway.discovery).register(medusaBean('one', one.port))
  assert.equal((await fetch(`${gateway.url}/one`)).status, 200)
  await eventually(async () => assert.equal((await fetch(`${gateway.url}/one`)).status, 503))
  assert.ok(
    gateway.lines.some(
      (line) => line.msg === 'instance left' && /^lease ran out after /.test(String(line.reason)),
    ),
  )
})

test('upstreams that answer garbage, half an answer or nothing cost their own requests only', async (t) => {
  const gateway = await startGateway(t, { http: { headTimeout: '400ms', idleTimeout: '400ms' } })
  const behaviours: Record<string, (socket: import('node:net').Socket) => void> = {
    garbage: (socket) => socket.end('\u0000\u0001 this is not HTTP\r\n\r\n'),
    half: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf'),
    cut: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le'),
    nothing: () => {},
    closes: (socket) => socket.destroy(),
    giant: (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}\r\n\r\n`),
  }
  const expected: Record<string, number | 'aborted'> = {
    garbage: 502,
    half: 'aborted',
    cut: 502,
    nothing: 504,
    closes: 502,
    giant: 502,
  }
  const healthy = await startUpstream(t, 'healthy')
  await medusaClient(t, gateway.discovery).register(medusaBean('healthy', healthy.port))
  for (const [name, behave] of Object.entries(behaviours)) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => behave(socket))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    await medusaClient(t, gateway.discovery).register(medusaBean(name, (server.address() as any).port))
    const outcome = await fetch(`${gateway.url}/${name}`, { signal: AbortSignal.timeout(5000) })
      .then(async (response) => {
        await response.text()
        return response.status
      })
      .catch(() => 'aborted' as const)
    assert.equal(outcome, expected[name], name)
    assert.equal((await fetch(`${gateway.url}/healthy`)).status, 200)
  }
  assert.ok((await counter(gateway, /hydra_upstream_failures_total/)) >= Object.keys(behaviours).length)
  const services = (await gateway.admin('services')).services
  for (const { instances } of services) for (const { inFlight } of instances) assert.equal(inFlight, 0)
})

test('paths that can be read in two ways never reach a service', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  await medusaClient(t, gateway.discovery).register(medusaBean('one', one.port, { endpoints: ['/one/**'] }))
  const get = (target: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(gateway.port, '127.0.0.1', () =>
        socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      )
      let text = ''
      socket
        .on('data', (chunk) => (text += chunk))
        .on('error', reject)
        .on('close', () => resolve(text.split('\r\n')[0]!))
    })
  for (const bad of [
    '/one/%2e%2e/x',
    '/one/a%00b',
    '/one/a%2fb',
    '/one/a%5cb',
    '/one/a\\b',
    '/one/%zz',
    '/one/%c3%28',
    '/one/..;/x',
  ]) {
    assert.match(await get(bad), / 400 /, bad)
  }
  assert.match(await get('/one/./a'), / 200 /)
  assert.match(await get('/one/x/../../health'), / 200 /)
})

test('a registration that stalls is given up, and a stalled one keeps nobody else waiting', async (t) => {
  const gateway = await startGateway(t, { http: { idleTimeout: '300ms' } })
  const stalled = connect(gateway.port, '127.0.0.1', () =>
    stalled.write(
      `POST /h/discovery/${gateway.publicKey}/registration HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"name":`,
    ),
  )
  t.after(() => stalled.destroy())
  let text = ''
  stalled.on('data', (chunk) => (text += chunk)).on('error', () => {})
  assert.equal((await medusaClient(t, gateway.discovery).register(medusaBean('one', 9000))).status, 200)
  await eventually(() => assert.match(text, /^HTTP\/1\.1 408 /))
})

test('registrations come from allowed addresses only', async (t) => {
  const gateway = await startGateway(t, { registration: { from: ['10.0.0.0/8'] } })
  const answer = await medusaClient(t, gateway.discovery).register(medusaBean('one', 9000))
  assert.equal(answer.status, 403)
  assert.ok((await counter(gateway, /hydra_refused_total\{what="registration",reason="address"/)) === 1)
})

test('with a control port the public one has no registration, no admin API and no metrics', async (t) => {
  const gateway = await startGateway(t, { controlPort: 0 })
  assert.ok(gateway.controlUrl)
  const one = await startUpstream(t, 'one')
  assert.equal((await medusaClient(t, gateway.discovery).register(medusaBean('one', one.port))).status, 200)
  const publicDiscovery = gateway.discovery.replace(gateway.controlUrl, gateway.url)
  for (const path of [
    `${publicDiscovery}/alive`,
    `${gateway.url}/_h/services`,
    `${gateway.url}/_hydra/api/v1/services`,
    `${gateway.url}/_hydra/metrics`,
  ]) {
    assert.equal((await fetch(path, { method: path.endsWith('alive') ? 'POST' : 'GET' })).status, 404, path)
  }
  assert.equal((await fetch(`${gateway.url}/one`)).status, 200)
  assert.equal((await fetch(`${gateway.controlUrl}/one`)).status, 404)
  assert.equal((await fetch(`${gateway.url}/_hydra/errors/HYDRA_NO_ROUTE`)).status, 200)
})
