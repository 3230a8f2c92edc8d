/**
 * Medusa's HTTP channel as unmodified Java clients use it: registration, beats, pages, static files, sockets.
 * The rules are numbered as in docs/reference/protocols/medusa.md.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { medusaBean, medusaClient } from '../support/medusa-client.ts'
import { navigate } from '../support/navigate.ts'
import { startUpstream } from '../support/upstream.ts'

test('a registration is answered with services and role mappings, and its pages work at once', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  const client = medusaClient(t, gateway.discovery)
  const answer = await client.register(medusaBean('one', one.port))
  assert.equal(answer.status, 200)
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  const body = JSON.parse(answer.body)
  assert.deepEqual(body.roleMappings, {})
  assert.equal(body.publicKey, null)
  assert.equal(body.services[0].serviceName, 'one')
  const [bean] = body.services[0].activeServices
  assert.deepEqual(bean, { ...medusaBean('one', one.port), staticResources: [] })
  const page = await fetch(`${gateway.url}/one/counters?a=1&a=%20`)
  assert.equal(page.status, 200)
  const seen = (await page.json()) as any
  assert.equal(seen.url, '/one/counters?a=1&a=%20')
  assert.equal(seen.headers['hydra-path'], 'one')
})

test('a wrong public key looks like a path that does not exist: 404 without a body', async (t) => {
  const gateway = await startGateway(t)
  const wrong = medusaClient(t, gateway.discovery.replace(/discovery\/.*/, 'discovery/nope'))
  for (const [path, type, body] of [
    ['/registration', 'application/json', JSON.stringify(medusaBean('one', 80))],
    ['/alive', 'text/plain', 'one'],
  ] as const) {
    const answer = await wrong.post(path, type, body)
    assert.equal(answer.status, 404)
    assert.equal(answer.body, '')
  }
  assert.ok(gateway.lines.some((line) => line.reason === 'wrong-key'))
  assert.ok(
    !JSON.stringify(gateway.lines).includes(gateway.publicKey),
    'the public key stands in no log line',
  )
})

test('a beat of an unknown name is answered 410 false, so that the client registers again', async (t) => {
  const gateway = await startGateway(t)
  const client = medusaClient(t, gateway.discovery)
  const unknown = await client.alive('one')
  assert.deepEqual([unknown.status, unknown.body], [410, 'false'])
  const one = await startUpstream(t, 'one')
  await client.register(medusaBean('one', one.port))
  const known = await client.alive('one')
  assert.deepEqual([known.status, known.body], [200, 'true'])
})

test('an instance is gone between 5.0 and 5.5 s after its last beat, and its page is 503 then', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  const client = medusaClient(t, gateway.discovery)
  await client.register(medusaBean('one', one.port))
  await client.alive('one')
  const lastBeat = performance.now()
  const goneAfterMs = await eventually(async () => {
    const { status } = await fetch(`${gateway.url}/one`)
    assert.equal(status, 503)
    return performance.now() - lastBeat
  }, 7000)
  assert.ok(goneAfterMs >= 4950 && goneAfterMs <= 5600, `gone after ${Math.round(goneAfterMs)} ms`)
  assert.equal((await client.alive('one')).status, 410)
  assert.deepEqual(await (await fetch(`${gateway.url}/_h/services`)).json(), {})
})

test('of two instances with one name, the one that dies silently leaves although its sibling beats', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '1s', check: '50ms' } })
  const [a, b] = [await startUpstream(t, 'a'), await startUpstream(t, 'b')]
  const [first, second] = [medusaClient(t, gateway.discovery), medusaClient(t, gateway.discovery)]
  await first.register(medusaBean('one', a.port))
  await second.register(medusaBean('one', b.port))
  second.keepBeating('one')
  await first.alive('one')
  assert.equal((await gateway.admin('services')).services[0].instances.length, 2)
  await eventually(async () => {
    const [{ instances }] = (await gateway.admin('services')).services
    assert.deepEqual(
      instances.map((instance: any) => instance.address),
      [`http://127.0.0.1:${b.port}`],
    )
  })
})

test('beats over other connections keep both alive, but one that refuses connections is dropped', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '1s', check: '50ms', resume: '500ms' } })
  const [a, b] = [await startUpstream(t, 'a'), await startUpstream(t, 'b')]
  await medusaClient(t, gateway.discovery).register(medusaBean('one', a.port))
  await medusaClient(t, gateway.discovery).register(medusaBean('one', b.port))
  // A third connection: the beat may be of either.
  medusaClient(t, gateway.discovery).keepBeating('one')
  await a.close()
  await eventually(async () => {
    const [{ instances }] = (await gateway.admin('services')).services
    assert.deepEqual(
      instances.map((instance: any) => instance.address),
      [`http://127.0.0.1:${b.port}`],
    )
  }, 8000)
})

test('registering again, also twice at once, changes nothing and answers the same', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  const client = medusaClient(t, gateway.discovery)
  const other = medusaClient(t, gateway.discovery)
  const bean = medusaBean('one', one.port)
  const answers = await Promise.all([client.register(bean), other.register(bean), client.register(bean)])
  for (const { status } of answers) assert.equal(status, 200)
  assert.equal((await gateway.admin('services')).services[0].instances.length, 1)
})

test('hydra-path is set by the gateway alone, with everything but unreserved characters encoded', async (t) => {
  const gateway = await startGateway(t)
  const app = await startUpstream(t, 'my app')
  const client = medusaClient(t, gateway.discovery)
  await client.register(medusaBean('my app ü!', app.port, { endpoints: ['/app'] }))
  const seen = (await (
    await fetch(`${gateway.url}/app`, { headers: { 'hydra-path': 'evil', 'Hydra-Path': 'worse' } })
  ).json()) as any
  assert.equal(seen.headers['hydra-path'], 'my%20app%20%C3%BC%21')
})

test('static names are literals, found below the name of the service, webjars beside them', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one', (request, response) => {
    response.statusCode = request.url === '/webjars/x/y.js' ? 404 : 200
    response.end(request.url)
  })
  const client = medusaClient(t, gateway.discovery)
  const staticResources = [
    'css/a b.css',
    'io/Foo$Bar.class',
    'x/one/y.js',
    'webjars/x/y.js',
    'webjars/x/z.js',
    'dir/',
    '{id}',
    '**',
    '(a+)+$',
  ]
  const { status } = await client.register(medusaBean('one', one.port, { staticResources }))
  assert.equal(status, 200)
  const text = async (path: string) => {
    const response = await fetch(`${gateway.url}${path}`)
    return response.ok ? response.text() : response.status
  }
  assert.equal(await text('/one/css/a%20b.css'), '/static/css/a%20b.css')
  assert.equal(await text('/one/io/Foo$Bar.class'), '/static/io/Foo$Bar.class')
  assert.equal(await text('/one/x/one/y.js?v=1'), '/static/x/one/y.js?v=1')
  assert.equal(await text('/one/webjars/x/z.js'), '/webjars/x/z.js')
  assert.equal(await text('/one/webjars/x/y.js'), '/static/webjars/x/y.js')
  assert.equal(await text('/one/%7Bid%7D'), '/static/%7Bid%7D')
  assert.equal(await text('/one/anything'), 404)
  assert.equal(await text('/one/dir/'), 404)
})

test('the page socket at /{name}/socket reaches /socket of the instance, bytes and cookies untouched', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  const sockets = new WebSocketServer({ server: one.server })
  t.after(() => sockets.close())
  sockets.on('connection', (socket, request) => {
    socket.send(JSON.stringify({ url: request.url, cookie: request.headers.cookie }))
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  const client = medusaClient(t, gateway.discovery)
  await client.register(medusaBean('one', one.port))
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/one/socket`, {
    headers: { cookie: 'SESSION=abc' },
  })
  t.after(() => socket.terminate())
  const [hello] = await once(socket, 'message')
  assert.deepEqual(JSON.parse(String(hello)), { url: '/socket', cookie: 'SESSION=abc' })
  const frame = Buffer.alloc(1_000_000, 7)
  socket.send(frame)
  const [echo] = await once(socket, 'message')
  assert.ok(frame.equals(echo as Buffer))
})

test('a visitor stays on one instance by a signed cookie: page, static file and socket', async (t) => {
  const gateway = await startGateway(t)
  const names = ['a', 'b', 'c']
  const upstreams = await Promise.all(names.map((name) => startUpstream(t, name)))
  for (const { port } of upstreams) await medusaClient(t, gateway.discovery).register(medusaBean('one', port))
  const page = await navigate(`${gateway.url}/one`)
  const { name } = JSON.parse(page.body)
  const [cookie] = page.headers['set-cookie'] as string[]
  assert.match(cookie!, /^HYDRA-ROUTE=[^;]+; /, 'a navigation sets the cookie')
  for (const attribute of [/; HttpOnly/i, /; SameSite=Lax/i, /; Path=\/(;|$)/i])
    assert.match(cookie!, attribute)
  const kept = page.routeCookie!
  for (let i = 0; i < 12; i++) {
    const again = await fetch(`${gateway.url}/one/${i % 2 ? 'counters' : 'websocket.js'}`, {
      headers: { cookie: kept },
    })
    assert.equal(((await again.json()) as any).name, name)
  }
  const seen = (await (
    await fetch(`${gateway.url}/one`, { headers: { cookie: `${kept}; SESSION=1` } })
  ).json()) as any
  assert.equal(seen.headers.cookie, 'SESSION=1', 'the cookie of the gateway goes to no service')
})

test('the newest version takes all visitors, versions that share do so equally (2.5)', async (t) => {
  const gateway = await startGateway(t)
  const upstreams = await Promise.all(['old', 'new1', 'new2'].map((name) => startUpstream(t, name)))
  const register = async (awakening: string | null) => {
    for (const [i, { port }] of upstreams.entries()) {
      await medusaClient(t, gateway.discovery).register(
        medusaBean('one', port, { version: i === 0 ? 1 : 2, awakening }),
      )
    }
  }
  const counts = async () => {
    const seen: Record<string, number> = {}
    for (let i = 0; i < 300; i++) {
      const { name } = (await (await fetch(`${gateway.url}/one`)).json()) as any
      seen[name] = (seen[name] ?? 0) + 1
    }
    return seen
  }
  await register('NEWEST_VERSION_WINS')
  const newest = await counts()
  assert.equal(newest.old, undefined)
  assert.ok(newest.new1! > 80 && newest.new2! > 80, JSON.stringify(newest))
  await register('EQUAL_SHARE')
  const shared = await counts()
  assert.ok(shared.old! > 110 && shared.old! < 190, JSON.stringify(shared))
})

test('the answer stays below what the client can decode, however much is refused', async (t) => {
  const gateway = await startGateway(t)
  const many = Array.from({ length: 90 }, (_, i) => `/${i}/${'a'.repeat(1500)}`)
  await medusaClient(t, gateway.discovery).register(medusaBean('many', 20_001, { endpoints: many }))
  const endpoints = Array.from({ length: 200 }, (_, i) => `/${i}/${'長'.repeat(600)}/{`)
  const answer = await medusaClient(t, gateway.discovery).register(medusaBean('one', 20_000, { endpoints }))
  assert.equal(answer.status, 200)
  assert.ok(JSON.parse(answer.body).refused.length > 10)
  assert.ok(Buffer.byteLength(answer.body) < 200_000, `${Buffer.byteLength(answer.body)} bytes`)
})

test('the answer stays below what the client can decode, however many services there are', async (t) => {
  const gateway = await startGateway(t)
  const client = medusaClient(t, gateway.discovery)
  const endpoints = Array.from({ length: 500 }, (_, i) => `/deep/path/number/${i}/{id}`)
  for (let i = 0; i < 20; i++) {
    const answer = await client.register(
      medusaBean(`s${i}`, 20_000 + i, { endpoints: endpoints.map((path) => `/s${i}${path}`) }),
    )
    assert.equal(answer.status, 200)
    assert.ok(Buffer.byteLength(answer.body) < 200_000, `${answer.body.length} bytes`)
  }
})

test('/health is open; /_h/services is for this machine or for the holder of both keys', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  await medusaClient(t, gateway.discovery).register(medusaBean('one', one.port))
  assert.deepEqual(await (await fetch(`${gateway.url}/health`)).json(), { status: 'ok' })
  const services = `${gateway.url}/_h/services`
  const local = (await (await fetch(services)).json()) as any
  assert.deepEqual(local.one, [{ ...medusaBean('one', one.port), staticResources: [] }])
  // Through a proxy on this machine, or from a page whose host name was made to resolve here, loopback proves nothing.
  assert.equal((await fetch(services, { headers: { 'x-forwarded-for': '203.0.113.9' } })).status, 401)
  const basic = (user: string, password: string) => ({
    authorization: `Basic ${btoa(`${user}:${password}`)}`,
    'x-forwarded-for': '203.0.113.9',
  })
  assert.equal((await fetch(services, { headers: basic(gateway.publicKey, gateway.privateKey) })).status, 200)
  assert.equal((await fetch(services, { headers: basic(gateway.publicKey, 'wrong') })).status, 401)
})

test('a wrong private key in a Basic header is refused, and it can be required', async (t) => {
  const open = await startGateway(t)
  const strict = await startGateway(t, { registration: { requirePrivateKey: true } })
  const send = (gateway: typeof open, password?: string) =>
    fetch(`${gateway.discovery}/registration`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(password ? { authorization: `Basic ${btoa(`${gateway.publicKey}:${password}`)}` } : {}),
      },
      body: JSON.stringify(medusaBean('one', 9)),
    }).then(({ status }) => status)
  assert.equal(await send(open), 200)
  assert.equal(await send(open, 'wrong'), 401)
  assert.equal(await send(open, open.privateKey), 200)
  assert.equal(await send(strict), 401)
  assert.equal(await send(strict, strict.privateKey), 200)
})

test('keys can be asked for, and are empty until there is sign-in', async (t) => {
  const gateway = await startGateway(t)
  assert.deepEqual(await (await fetch(`${gateway.discovery}/keys`)).json(), { keys: [], publicKey: null })
})
