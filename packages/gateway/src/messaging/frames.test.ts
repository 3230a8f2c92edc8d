import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { readUmf, type UmfMessage } from '@hydra-gateway/protocol/umf'
import { eventually } from '../../../../test/support/eventually.ts'
import { openClient } from '../../../../test/support/message-client.ts'
import type { Caller } from '../identity/port.ts'
import { systemClock } from '../observe/clock.ts'
import { type SiteService, siteTable } from '../proxy/testing/flywheel-site.ts'
import { deadPort } from '../proxy/testing/raw.ts'
import type { ClientSending } from './client-sending.ts'
import type { ClientSession } from './client-session.ts'
import { createFrames } from './frames.ts'
import type { MessagingIdentity, MessagingNetwork } from './messaging.ts'
import { MessageProblem, type Permit } from './port.ts'
import type { RouterDesk } from './router-desk.ts'
import { createRouterWords } from './router-words.ts'
import { createSignatures } from './signature.ts'
import { type MessagingRigOptions, startMessaging } from './testing/rig.ts'

const ORDERS = { orders: { routes: ['[get]/v1/orders'], ports: [1, 2] } }

async function start(t: TestContext, options: MessagingRigOptions = {}) {
  const rig = await startMessaging(t, { services: ORDERS, ...options })
  return { ...rig, client: await openClient(t, rig.socketUrl) }
}

const emptyNetwork: MessagingNetwork = {
  peers: { here() {}, gone() {}, whereIs: () => undefined, deliver: async () => {}, directory: () => ({}) },
  mail: { put: async () => {}, give: async () => 0, remove: async () => {} },
  look: async () => false,
  queue: async () => {},
  onMessage: () => () => {},
}

interface Got {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** A real HTTP service; keeps what it was asked. */
async function service(
  t: TestContext,
  answer: (got: Got) => { status?: number; type?: string; body: string } = () => ({ body: '{}' }),
) {
  const got: Got[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => {
      body += bytes
    })
    request.on('end', () => {
      const one = { method: request.method!, url: request.url!, headers: request.headers, body }
      got.push(one)
      const { status = 200, type = 'application/json', body: text } = answer(one)
      response.writeHead(status, { 'content-type': type }).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { got, port: (server.address() as { port: number }).port }
}

// ---- 5.2, steps 1 and 2

for (const [what, frame] of [
  ['no JSON', 'hello'],
  ['falsy JSON', 'null'],
  ['without a body', '{"to":"orders:/","frm":"client:/","mid":"m1"}'],
] as const)
  test(`a frame that is ${what} is answered with an error, and the line closed`, async (t) => {
    const { client, routerId } = await start(t)
    client.send(frame)
    const error = await client.next()
    assert.equal(error.to, 'client:/')
    assert.equal(error.frm, `${routerId}@hydra-router:/`)
    assert.equal(error.bdy.error, `HR: Invalid UMF message: ${frame} closing connection`)
    assert.equal(error.rmid, frame.includes('m1') ? 'm1' : undefined)
    assert.equal(await client.closed(), 1008)
  })

test('an address that is no text is refused: the original’s process ended (B10)', async (t) => {
  const { socketUrl } = await start(t)
  for (const field of ['to', 'frm', 'fwd', 'via'])
    for (const value of [{ a: 1 }, ['x'], 7, true]) {
      const client = await openClient(t, socketUrl)
      client.send({ to: 'orders:/', mid: 'bent', [field]: value })
      const error = await client.next()
      assert.match(error.bdy.error, /^HR: Invalid UMF message: /)
      assert.equal(error.rmid, 'bent')
      assert.equal(await client.closed(), 1008)
    }
})

for (const [to, reason] of [
  ['orders', 'route field has invalid number of routable segments'],
  ['orders:[get/v1', 'route field has ill-formed HTTP method verb in segment'],
] as const)
  test(`the ill-formed address ${to} is answered with its reason and the message's id`, async (t) => {
    const { client } = await start(t)
    const error = await client.ask({ to })
    assert.equal(error.bdy.error, reason)
    assert.equal((await client.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
  })

// ---- step 3

test('where signatures are asked for, messages without, with a wrong one, or sent again are refused', async (t) => {
  const signatures = createSignatures({
    secret: 's3cret',
    settings: { mostRemembered: 100, rememberMs: 60_000 },
    clock: systemClock,
  })
  const options = { router: { forceMessageSignature: true }, more: { signatures } }
  const message: UmfMessage = {
    to: 'orders:/',
    from: 'client:/',
    mid: 'signed-1',
    timestamp: '2026-01-01T00:00:00.000Z',
    version: 'UMF/1.4.6',
    body: { n: 1 },
  }
  const signed = { ...message, signature: signatures.sign(message) }
  const { client, socketUrl, delivered } = await start(t, options)
  client.send(signed as never)
  await eventually(() => assert.equal(delivered.length, 1))
  for (const [frame, error] of [
    [message, 'Not a signed UMF message'],
    [{ ...signed, body: { n: 2 } }, 'Invalid signed UMF message'],
    [signed, 'Replayed UMF message'],
  ] as const) {
    const other = await openClient(t, socketUrl)
    other.send(frame as never)
    const said = await other.next()
    assert.equal(said.bdy.error, error)
    assert.equal(said.rmid, 'signed-1')
    assert.equal(await other.closed(), 1008)
  }
  assert.equal(delivered.length, 1)
})

// ---- step 4

test('a message with a method is a request to the service, and its result the answer', async (t) => {
  const { got, port } = await service(t, () => ({
    status: 201,
    body: JSON.stringify({ statusCode: 201, result: { n: 7 } }),
  }))
  const { client } = await start(t, {
    services: { orders: { routes: ['[post]/v1/orders/:id'], ports: [port] } },
  })
  const answer = await client.ask({
    to: 'orders:[post]/v1/orders/7?x=1',
    frm: 'me@client:/',
    bdy: { a: 'ä' },
    hdr: { 'x-tag': 'yes', host: 'evil', 'content-length': '1', 'hydra-token': 'forged' },
    aut: 'Bearer abc',
  })
  assert.deepEqual(answer.bdy, { n: 7 })
  assert.equal(answer.to, 'me@client:/')
  assert.equal(answer.frm, 'orders:[post]/v1/orders/7?x=1')
  assert.equal(answer.via, undefined)
  const [asked] = got
  assert.equal(asked!.method, 'POST')
  assert.equal(asked!.url, '/v1/orders/7?x=1')
  assert.equal(asked!.body, '{"a":"ä"}')
  assert.equal(asked!.headers.authorization, 'Bearer abc')
  assert.equal(asked!.headers['x-tag'], 'yes')
  assert.equal(asked!.headers.host, `127.0.0.1:${port}`)
  assert.equal(asked!.headers['hydra-token'], undefined)
  assert.equal(asked!.headers['x-forwarded-for'], '127.0.0.1')
  assert.equal(asked!.headers['content-type'], 'application/json')
})

test('an answer over a WebSocket is the result alone, without a status (B19), of JSON without one the whole', async (t) => {
  const answers: Record<string, { type?: string; status?: number; body: string }> = {
    '/v1/result': { body: '{"statusCode":200,"result":[1,2]}' },
    '/v1/array': { body: '[1,2]' },
    '/v1/bare': { body: '{"total":3}' },
    '/v1/text': { type: 'text/plain', body: 'plain' },
    '/v1/empty': { status: 204, body: '' },
    '/v1/failed': { status: 500, body: '{"statusCode":500,"result":{"reason":"no"}}' },
  }
  const { port } = await service(t, ({ url }) => answers[url]!)
  const { client } = await start(t, { services: { orders: { routes: [], ports: [port] } } })
  const ask = async (path: string) => (await client.ask({ to: `orders:[get]${path}` })).bdy
  assert.deepEqual(await ask('/v1/result'), [1, 2])
  assert.deepEqual(await ask('/v1/array'), [1, 2])
  assert.deepEqual(await ask('/v1/bare'), { total: 3 })
  assert.deepEqual(await ask('/v1/text'), 'plain')
  assert.deepEqual(await ask('/v1/empty'), {})
  assert.deepEqual(await ask('/v1/failed'), { reason: 'no' })
})

test('an answer that is nested too deep to be written again comes as the text it was', async (t) => {
  const body = `{"result":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  const { port } = await service(t, () => ({ body }))
  const { client } = await start(t, { services: { orders: { routes: [], ports: [port] } } })
  assert.equal((await client.ask({ to: 'orders:[get]/v1/deep' })).bdy, body)
})

test('a call to a service that is not there, or fails, says so and names the message', async (t) => {
  const { client } = await start(t, {
    services: { orders: { routes: ['[get]/v1/orders'], ports: [await deadPort()] } },
  })
  assert.deepEqual((await client.ask({ to: 'nobody:[get]/v1' })).bdy, {
    reason: 'Unavailable nobody instances',
  })
  assert.deepEqual((await client.ask({ to: 'orders:[get]/v1/orders' })).bdy, {
    error: true,
    result: 'An instance of orders is unavailable',
  })
})

test('a refused connection fails over to the next instance, also for POST', async (t) => {
  const { port, got } = await service(t, () => ({ body: '{"result":{"ok":1}}' }))
  const ports = [await deadPort(), await deadPort(), port]
  const { client } = await start(t, { services: { orders: { routes: ['[post]/v1/orders'], ports } } })
  for (let i = 0; i < 5; i++)
    assert.deepEqual((await client.ask({ to: 'orders:[post]/v1/orders' })).bdy, { ok: 1 })
  assert.equal(got.length, 5)
})

test('a service that is no hydra service is only asked for what it offers visitors', async (t) => {
  const { port, got } = await service(t)
  const shop: SiteService = { routes: ['[get]/shop/items'], ports: [port], channel: 'rsocket' }
  const { client } = await start(t, { services: { shop } })
  const ask = async (to: string) => (await client.ask({ to })).bdy
  assert.deepEqual(await ask('shop:[get]/internal/admin'), {
    error: true,
    result: 'shop offers no GET /internal/admin',
  })
  assert.deepEqual(await ask('shop:[get]/h/discovery'), {
    error: true,
    result: 'shop offers no GET /h/discovery',
  })
  assert.deepEqual(await ask('shop:[get]/shop/../shop/items?q=1'), {})
  assert.deepEqual(
    got.map(({ url }) => url),
    ['/shop/items?q=1'],
  )
})

test('a call is made as whoever is signed in, and only where they may', async (t) => {
  const { port, got } = await service(t)
  const ann = { sid: 'ann' } as unknown as Caller
  const identity: MessagingIdentity = {
    guard: {
      identify: (exchange) => {
        exchange.caller = ann
      },
    },
    book: { opened: () => () => {} },
    serviceTokens: { tokenFor: (caller) => `token of ${caller.sid}` },
    isOver: () => false,
    hasEnded: async () => false,
    onEnds: () => {},
    refusalOf: (caller, { path }) => (path === '/staff' ? 'forbidden' : caller === ann ? undefined : 'login'),
  }
  const shop: SiteService = { routes: ['[get]/mine', '[get]/staff'], ports: [port], channel: 'rsocket' }
  const { client } = await start(t, { services: { shop }, identity })
  const hdr = { cookie: 'a=1; HYDRA-SSO=forged; __Host-HYDRA-RENEW=x', 'Hydra-Token': 'forged' }
  assert.deepEqual((await client.ask({ to: 'shop:[get]/mine', hdr })).bdy, {})
  assert.equal(got[0]!.headers.cookie, 'a=1; HYDRA-SSO=token of ann')
  assert.equal(got[0]!.headers['hydra-token'], undefined)
  assert.deepEqual((await client.ask({ to: 'shop:[get]/staff' })).bdy, {
    error: true,
    result: 'this is not open to you',
  })
  assert.equal(got.length, 1)
})

test('a message with more headers than may be is refused with a reason, and never parsed for long', async (t) => {
  const { socketUrl, delivered } = await startMessaging(t, {
    services: { orders: { routes: [], ports: [1] } },
    settings: { maxHeaders: 10, maxHeaderBytes: 1000 },
  })
  const send = async (hdr: Record<string, string>) => {
    const client = await openClient(t, socketUrl)
    const sent = { to: 'orders:/', hdr }
    client.send(sent)
    return client
  }
  await send(Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`n${i}`, 'x'])))
  await eventually(() => assert.equal(delivered.length, 1))
  const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`n${i}`, '']))
  for (const [hdr, reason] of [
    [many, /"headers" has more than 10 members/],
    [{ a: 'x'.repeat(1001) }, /"headers" is longer than 1000 characters/],
  ] as const) {
    const client = await send(hdr)
    assert.match((await client.next()).bdy.error, reason)
    assert.equal(await client.closed(), 1008)
  }
  assert.equal(delivered.length, 1)
})

test('headers and cookies that only the gateway says are nobody’s to send with a call, however they are spelled', async (t) => {
  const { port, got } = await service(t)
  const { client } = await start(t, { services: { orders: { routes: [], ports: [port] } } })
  const hdr = {
    'X-Tag': 'stays',
    'Hydra-Anything': 'forged',
    hydra_token: 'forged',
    'X-Forwarded-User': 'admin',
    x_forwarded_for: '10.0.0.1',
    'Http2-Settings': 'AAMAAABkAAQ',
    Cookie: 'a=1; __Secure-HYDRA-SSO=forged; b="x, HYDRA-SSO=forged"; c=3',
    COOKIE: 'd=4; HYDRA-shop.sid=forged',
  }
  assert.deepEqual((await client.ask({ to: 'orders:[get]/v1', hdr })).bdy, {})
  const { cookie, ...headers } = got[0]!.headers
  assert.doesNotMatch(JSON.stringify([cookie, headers]), /forged|admin|10\.0\.0\.1|AAMAAABkAAQ/)
  assert.equal(headers['x-tag'], 'stays')
  assert.match(String(cookie), /a=1.*c=3.*d=4/)
})

test('nothing can be smuggled into a call', async (t) => {
  const { port, got } = await service(t)
  const { client } = await start(t, { services: { orders: { routes: [], ports: [port] } } })
  for (const more of [
    { hdr: { 'a\r\nb': 'x' } },
    { hdr: { a: 'x\r\nevil: 1' } },
    { aut: 'x\r\nevil: 1' },
    { to: 'orders:[get]/v1\r\nevil: 1' },
    { to: 'orders:[get]/v1?a b' },
    { to: 'orders:[get x]/v1' },
    { to: 'orders:[connect]/v1' },
    { to: 'orders:[get]/v1/..%2fadmin' },
  ]) {
    const { bdy } = await client.ask({ to: 'orders:[get]/v1', ...more })
    assert.ok(bdy.error, JSON.stringify(more))
  }
  assert.equal(got.length, 0)
})

test('a service that never answers costs one timeout, whatever the number of its instances', async (t) => {
  const servers = await Promise.all(
    [1, 2, 3].map(async () => {
      const server = createServer(() => {})
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      t.after(() => {
        server.closeAllConnections()
        server.close()
      })
      return (server.address() as { port: number }).port
    }),
  )
  const { client } = await start(t, {
    services: { orders: { routes: ['[get]/v1/orders'], ports: servers } },
    router: { requestTimeoutMs: 300 },
  })
  const began = performance.now()
  const { bdy } = await client.ask({ to: 'orders:[get]/v1/orders' })
  assert.deepEqual(bdy, { error: true, result: 'An instance of orders is unavailable' })
  assert.ok(performance.now() - began < 2000)
})

// ---- step 5

test('a ping is answered as the original does', async (t) => {
  const { client } = await start(t)
  const pong = await client.ask({ to: 'hydra-router:/', frm: `${client.id}@client:/`, typ: 'ping' })
  const { mid, rmid, ts, ...rest } = pong
  assert.ok(mid && rmid && ts)
  assert.deepEqual(rest, { to: `${client.id}@client:/`, typ: 'pong', ver: 'UMF/1.4.6', bdy: { typ: 'pong' } })
})

test('long names are understood, and answered with short ones', async (t) => {
  const { client } = await start(t)
  client.send('{"to":"hydra-router:/","from":"client:/","mid":"long","type":"ping","body":{}}')
  assert.equal((await client.next()).typ, 'pong')
})

test('a message of type log goes into the log of the router, without an answer', async (t) => {
  const logged: UmfMessage[] = []
  const { client } = await start(t, { more: { onLog: (message) => void logged.push(message) } })
  client.send({ to: 'hydra-router:/', typ: 'log', bdy: { text: 'hello' } })
  await eventually(() => assert.deepEqual(logged[0]?.body, { text: 'hello' }))
  assert.equal((await client.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
  assert.equal(client.got.length, 1)
})

test('where a client is can be asked', async (t) => {
  const { client, routerId } = await start(t)
  const ask = async (clientID: string) =>
    (await client.ask({ to: 'hydra-router:/', typ: 'wsdir.loc', bdy: { clientID } })).bdy
  assert.deepEqual(await ask(client.id), { routerID: routerId, clientID: client.id })
  assert.deepEqual(await ask('nobody'), { routerID: '', clientID: 'nobody' })
})

test('what the router does not know is an error and a close', async (t) => {
  const { client } = await start(t)
  const error = await client.ask({ to: 'hydra-router:/', typ: 'nonsense' })
  assert.equal(error.bdy.error, 'Unrecognized Hydra Router request')
  assert.equal(await client.closed(), 1008)
})

test('a message to /queue with a service in fwd is queued for it: the original queued nothing (B26)', async (t) => {
  const queued: [string, UmfMessage][] = []
  const network = {
    ...emptyNetwork,
    queue: async (service: string, message: UmfMessage) => void queued.push([service, message]),
  }
  const { client, routerId } = await start(t, { more: { network } })
  client.send({ to: 'hydra-router:/queue', fwd: 'orders:/jobs', bdy: { n: 1 } })
  await eventually(() => assert.equal(queued.length, 1))
  const [service, message] = queued[0]!
  assert.equal(service, 'orders')
  assert.equal(message.to, 'orders:/jobs')
  assert.equal(message.via, `${routerId}-${client.id}@hydra-router:/`)
  assert.deepEqual(message.body, { n: 1 })
})

test('nobody can have a queue made for a service that does not exist, or may not be sent to', async (t) => {
  let queued = 0
  const network = {
    ...emptyNetwork,
    queue: async () => {
      queued++
    },
  }
  const permit: Permit = (_, { path }) =>
    path === '/closed' ? { fault: 'login', reason: 'sign in first' } : undefined
  const { client } = await start(t, { more: { network, permit } })
  const ask = async (fwd: string) => (await client.ask({ to: 'hydra-router:/queue', fwd })).bdy.error
  assert.equal(await ask('invented:/'), 'No invented instances available')
  assert.equal(await ask('orders:/closed'), 'sign in first')
  assert.equal(queued, 0)
})

test('without a Redis of services a message for a queue is refused, with its id', async (t) => {
  const { client } = await start(t)
  const { bdy } = await client.ask({ to: 'hydra-router:/queue', fwd: 'orders:/jobs' })
  assert.match(bdy.error, /^messages of services are queued/)
})

test('calls of the router API are answered to the address of the client', async (t) => {
  const { client } = await start(t, {
    more: { routerCall: async (_, { path }) => JSON.stringify({ path }) },
  })
  const answer = await client.ask({ to: 'hydra-router:[get]/v1/router/version', frm: 'somebody:/' })
  assert.equal(answer.to, `${client.id}@client:/`)
  assert.deepEqual(answer.bdy, { path: '/v1/router/version' })
})

// ---- step 6

test('a message goes to an instance of the service with the way back, and the answer comes with its id', async (t) => {
  const { client, delivered, routerId, reply } = await start(t)
  const mid = client.send({ to: 'orders:/hello', frm: `${client.id}@client:/`, typ: 'greet', bdy: { n: 1 } })
  await eventually(() => assert.equal(delivered.length, 1))
  const { message, instance, sender } = delivered[0]!
  assert.equal(message.to, `${instance.id}@orders:/hello`)
  assert.equal(message.from, `${client.id}@client:/`)
  assert.equal(message.via, `${routerId}-${client.id}@hydra-router:/`)
  assert.equal(message.type, 'greet')
  assert.deepEqual(message.body, { n: 1 })
  assert.deepEqual(sender, { kind: 'client', id: client.id, caller: undefined, address: '127.0.0.1' })
  assert.deepEqual(await reply(delivered[0]!, { m: 2 }), { ok: true, when: 'now', mid: `reply-${mid}` })
  const answer = await client.next()
  assert.equal(answer.rmid, mid)
  assert.deepEqual(answer.bdy, { m: 2 })
  assert.equal(answer.via, undefined)
})

test('the way back and the final address are not a client’s to say', async (t) => {
  const { client, delivered, routerId, socketUrl } = await start(t)
  const victim = await openClient(t, socketUrl)
  client.send({
    to: 'orders:/',
    via: `${routerId}-${victim.id}@hydra-router:/`,
    fwd: `${victim.id}@client:/`,
  })
  await eventually(() => assert.equal(delivered.length, 1))
  assert.equal(delivered[0]!.message.via, `${routerId}-${client.id}@hydra-router:/`)
  assert.equal(delivered[0]!.message.forward, undefined)
})

test('a message that names an instance goes there', async (t) => {
  const { client, delivered, live } = await start(t)
  const [, second] = live.table.instances('orders')
  for (let i = 0; i < 5; i++) client.send({ to: `${second!.id}@orders:/` })
  await eventually(() => assert.equal(delivered.length, 5))
  assert.deepEqual(new Set(delivered.map(({ instance }) => instance.id)), new Set([second!.id]))
})

test('a message to an instance that is gone is an error with its id: the original dropped it (B16, B20)', async (t) => {
  const { client } = await start(t)
  const { bdy } = await client.ask({ to: 'nobody1@orders:/' })
  assert.equal(bdy.error, 'Instance nobody1 of orders is not available')
})

test('no instance at all is an error with its id, and the line stays open (B20)', async (t) => {
  const { client } = await start(t)
  assert.equal((await client.ask({ to: 'unknown:/' })).bdy.error, 'No unknown instances available')
  assert.equal((await client.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
})

test('before nobody is said to be there somebody looks, once for all who wait, and their order stays', async (t) => {
  let looks = 0
  const network: MessagingNetwork = {
    ...emptyNetwork,
    async look() {
      looks++
      await delay(50)
      rig.live.table = siteTable(ORDERS)
      return true
    },
  }
  const rig = await start(t, { services: {}, more: { network } })
  for (let n = 0; n < 20; n++) rig.client.send({ to: 'orders:/', bdy: { n } })
  await eventually(() => assert.equal(rig.delivered.length, 20))
  assert.deepEqual(
    rig.delivered.map(({ message }) => (message.body as { n: number }).n),
    Array.from({ length: 20 }, (_, n) => n),
  )
  assert.equal(looks, 1)
  assert.equal((await rig.client.ask({ to: 'unknown:/' })).bdy.error, 'No unknown instances available')
  assert.equal(looks, 2)
})

test('an instance that nobody listens at any more is passed over', async (t) => {
  let gone: string | undefined
  const { client, delivered } = await start(t, {
    take: ({ instance }) => instance.id !== (gone ??= instance.id),
  })
  for (let i = 0; i < 10; i++) client.send({ to: 'orders:/' })
  await eventually(() => assert.equal(delivered.length, 10))
})

test('messages of one client reach a service in the order they were sent', async (t) => {
  const { client, delivered } = await start(t)
  for (let n = 0; n < 100; n++) client.send({ to: 'orders:/', bdy: { n } })
  await eventually(() => assert.equal(delivered.length, 100))
  assert.deepEqual(
    delivered.map(({ message }) => (message.body as { n: number }).n),
    Array.from({ length: 100 }, (_, n) => n),
  )
})

test('a service that takes nothing holds back the client that writes to it, and nobody else', async (t) => {
  let release = (): void => {}
  const stuck = new Promise<void>((resolve) => {
    release = resolve
  })
  let begun = 0
  const { client, socketUrl } = await start(t, {
    settings: { burst: 100_000 },
    take: async () => {
      begun++
      await stuck
      return true
    },
  })
  const text = 'x'.repeat(1000)
  for (let n = 0; n < 2000; n++) client.send({ to: 'orders:/', bdy: { text } })
  await eventually(() => assert.ok(begun >= 64))
  const other = await openClient(t, socketUrl)
  assert.equal((await other.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
  assert.ok(begun < 300, `${begun} messages are held in memory`)
  release()
  await eventually(() => assert.equal(begun, 2000), 10_000)
})

// ---- 5.8

test('with requireWebsocketAuth a service is asked about everybody, and its answer is part of all they say', async (t) => {
  const { got, port } = await service(t, ({ body }) =>
    body.includes('good') ? { body: '{"result":{"user":"ann"}}' } : { status: 401, body: '{}' },
  )
  const { url, delivered } = await startMessaging(t, {
    services: { ...ORDERS, auth: { routes: ['[post]/v1/auth'], ports: [port] } },
    router: {
      enabled: true,
      requireWebsocketAuth: true,
      websocketAuthService: 'auth',
      websocketAuthServiceAPI: '/v1/auth',
    },
  })
  const at = url.replace('http', 'ws')
  const client = await openClient(t, `${at}/?token=good`)
  assert.deepEqual(client.hellos[0]!.bdy.authResponse, { user: 'ann' })
  client.send({ to: 'orders:/', bdy: { n: 1 } })
  await eventually(() =>
    assert.deepEqual(delivered[0]?.message.body, { n: 1, authResponse: { user: 'ann' } }),
  )
  const basic = await openClient(t, at, { headers: { authorization: `Basic ${btoa('someone:good')}` } })
  assert.equal(basic.hellos.length, 1)
  assert.deepEqual(
    got.map(({ body }) => JSON.parse(body)),
    [{ key: '/?token=good' }, { key: 'someone:good' }],
  )
  const bad = await openClient(t, `${at}/?token=evil`)
  assert.equal(await bad.closed(), 1008)
  assert.equal(bad.hellos.length + bad.got.length, 0)
})

test('an answer that is larger than may be kept for its client is told, not lost', async () => {
  const delivered: UmfMessage[] = []
  const session = {
    id: 'r1',
    async deliver(message: UmfMessage) {
      if (JSON.stringify(message.body).length > 1000) throw new MessageProblem('too-large', 'it is too large')
      delivered.push(message)
      return 'now'
    },
  } as unknown as ClientSession
  const sending = {
    call: async () => ({ status: 200, headers: {}, body: 'x'.repeat(5000), isJson: false }),
  } as unknown as ClientSending
  const source = { now: () => 0, newId: () => 'id' }
  const words = createRouterWords({ routerId: 'a', ...source })
  const frames = createFrames({ sending, desk: {} as RouterDesk, words, source, signatures: () => undefined })
  const to = 'shop:[get]/large'
  await frames.handle(session, readUmf({ to, frm: 'client:/', mid: 'm1', bdy: {} }, source))
  assert.deepEqual(
    delivered.map(({ rmid, body }) => [rmid, body]),
    [['m1', { error: true, result: 'it is too large' }]],
  )
})
