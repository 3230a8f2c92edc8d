import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import {
  type ConnectOptions,
  connect,
  type Message,
  MessageError,
  type MessageSender,
} from '@hydra-gateway/sdk'
import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { signIn, startSite } from './identity-support.ts'

type Options = Partial<Omit<ConnectOptions, 'server' | 'port'>>

async function startService(t: TestContext, name: string, gateway: TestGateway, options: Options = {}) {
  const server = createServer((request, response) => {
    response.statusCode = request.url?.includes('missing') ? 404 : 200
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ asked: request.url }))
  }).listen(0, '127.0.0.1')
  const { url, publicKey, privateKey } = gateway
  const service = await connect({
    name,
    server,
    routes: [`/${name}`, `/${name}/missing`],
    gateway: url,
    publicKey,
    privateKey,
    signals: false,
    log: false,
    ...options,
  })
  t.after(() => service.close())
  await service.ready
  return service
}

/** A client: its id, what it got, and how it sends. */
async function openClient(t: TestContext, gateway: TestGateway, cookie?: string) {
  const address = `${gateway.url.replace('http', 'ws')}/_hydra/socket`
  const socket = new WebSocket(address, cookie === undefined ? {} : { headers: { cookie } })
  const got: Record<string, any>[] = []
  socket.on('message', (data) => got.push(JSON.parse(String(data))))
  t.after(() => socket.terminate())
  await eventually(() => assert.ok(got.length > 0))
  const { id } = got.shift()!.bdy as { id: string }
  return {
    id,
    got,
    send: (message: object) => socket.send(JSON.stringify({ frm: 'client:/', bdy: {}, ...message })),
  }
}

const faultOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (value) => `came to ${JSON.stringify(value)}`,
    (error) => (error instanceof MessageError ? error.fault : String(error)),
  )

test('a message to a service is with its handler, and says who really sent it', async (t) => {
  const gateway = await startGateway(t)
  const got: [Message, MessageSender][] = []
  const orders = await startService(t, 'orders', gateway, {
    messages: { '*': (message, { sender }) => void got.push([message, sender]) },
  })
  const shop = await startService(t, 'shop', gateway)
  const { mid, when } = await shop.send('orders:/', { n: 1 }, { type: 'paid' })
  await shop.send('orders', { n: 2 })
  await shop.send(`${orders.instanceId}@orders:/`, { n: 3 })
  await eventually(() => assert.equal(got.length, 3))
  const [message, sender] = got[0]!
  assert.equal(when, 'now')
  assert.deepEqual(
    [message.body, message.type, message.mid, message.from],
    [{ n: 1 }, 'paid', mid, `${shop.instanceId}@shop:/`],
  )
  assert.deepEqual(sender, { kind: 'service', service: 'shop', instance: shop.instanceId })
  assert.deepEqual(
    got.map(([{ body }]) => body),
    [{ n: 1 }, { n: 2 }, { n: 3 }],
  )
})

test('a call is answered by what the handler returns, replies with, or says of its failure', async (t) => {
  const gateway = await startGateway(t)
  await startService(t, 'orders', gateway, {
    messages: {
      total: async ({ body }) => ({ total: body.n * 2 }),
      reply: async (_message, { reply }) => void (await reply(['one'])),
      broken() {
        throw new Error('the password of the database is hunter2')
      },
      gone() {
        throw new MessageError('invalid', 'there is no such order')
      },
      silent() {},
    },
  })
  const shop = await startService(t, 'shop', gateway)
  assert.deepEqual(await shop.call('orders:/', { n: 21 }, { type: 'total' }), { total: 42 })
  assert.deepEqual(await shop.call('orders', {}, { type: 'reply' }), ['one'])
  await assert.rejects(shop.call('orders', {}, { type: 'broken' }), {
    fault: 'broken',
    message: 'the handler failed',
  })
  await assert.rejects(shop.call('orders', {}, { type: 'gone' }), { message: 'there is no such order' })
  assert.equal(await faultOf(shop.call('orders', {}, { type: 'silent', timeoutMs: 50 })), 'timeout')
  const many = Array.from({ length: 50 }, (_, n) => shop.call('orders', { n }, { type: 'total' }))
  assert.deepEqual(
    (await Promise.all(many)).map(({ total }) => total),
    many.map((_, n) => n * 2),
  )
})

test('what goes wrong with messages is one sentence in the log of a service', async (t) => {
  const gateway = await startGateway(t)
  const lines: string[] = []
  const say = (line: string): void => void lines.push(line)
  const orders = await startService(t, 'orders', gateway, {
    log: { info() {}, warn: say, error: say },
    messages: {
      odd: { schema: { type: 'number', minimum: 'x' } as never, handler() {} },
      '*'() {
        throw new Error('no disk')
      },
    },
  })
  await eventually(() => assert.equal(lines.length, 1))
  assert.match(lines[0]!, /^hydra: the gateway refuses messages of the type odd: /)
  const shop = await startService(t, 'shop', gateway)
  await shop.send('orders:/', {})
  await shop.send('orders:/', {}, { type: 'paid' })
  await eventually(() => assert.equal(lines.length, 3))
  assert.deepEqual(lines.slice(1).sort(), [
    'hydra: the handler of a message failed: no disk',
    'hydra: the handler of a message of the type paid failed: no disk',
  ])
  await orders.close()
})

test('a call of an address with a method is an HTTP request, and has a status', async (t) => {
  const gateway = await startGateway(t)
  await startService(t, 'orders', gateway)
  const shop = await startService(t, 'shop', gateway)
  const found = await shop.call('orders:[get]/orders?n=1')
  assert.deepEqual([found.status, found.body], [200, { asked: '/orders?n=1' }])
  const missing = await shop.call('orders:[get]/orders/missing')
  assert.deepEqual([missing.status, missing.body], [404, { asked: '/orders/missing' }])
})

test('a client and a service talk to each other, and the service comes back to the client later', async (t) => {
  const gateway = await startGateway(t)
  const senders: MessageSender[] = []
  const chat = await startService(t, 'chat', gateway, {
    messages: {
      hello({ body }, { sender }) {
        senders.push(sender)
        return { welcome: body.name }
      },
    },
  })
  const client = await openClient(t, gateway)
  client.send({ to: 'chat:/', typ: 'hello', mid: 'm1', bdy: { name: 'Mira' } })
  await eventually(() => assert.equal(client.got.length, 1))
  const { bdy, rmid, to } = client.got[0]!
  assert.deepEqual([bdy, rmid], [{ welcome: 'Mira' }, 'm1'], to)
  assert.deepEqual(senders, [{ kind: 'client', id: client.id }])
  assert.equal(await chat.push(client.id, { text: 'later' }, { type: 'news' }), 'now')
  await eventually(() => assert.equal(client.got.length, 2))
  assert.deepEqual([client.got[1]!.bdy, client.got[1]!.typ], [{ text: 'later' }, 'news'])
  assert.equal(await faultOf(chat.push('c0123456789abcdef', { text: 'x' })), 'unknown-client')
  assert.equal(await faultOf(chat.push('Not-an-id', { text: 'x' })), 'unknown-client')
})

test('what can not be sent is told by a word', async (t) => {
  const gateway = await startGateway(t, { messages: { maxBytes: '64KiB' } })
  await startService(t, 'orders', gateway, {
    messages: {
      order: { schema: { type: 'object', required: ['id'] }, handler: () => ({}) },
      inside: { from: 'clients', handler: () => ({}) },
    },
  })
  const shop = await startService(t, 'shop', gateway)
  const faults = await Promise.all([
    faultOf(shop.send('nobody:/', { n: 1 })),
    faultOf(shop.send('orders:/', { n: 1 }, { type: 'unheard' })),
    faultOf(shop.send(`${'0'.repeat(32)}@orders:/`, { n: 1 })),
    faultOf(shop.send('orders:/', { n: 1 }, { type: 'order' })),
    faultOf(shop.send('orders:/', { n: 1 }, { type: 'inside' })),
    faultOf(shop.send('orders:/', { text: 'x'.repeat(100_000) })),
    faultOf(shop.send('orders:/', '')),
    faultOf(shop.send('orders:[get]/x', { n: 1 })),
    faultOf(shop.send('orders:[get', { n: 1 })),
    faultOf(shop.call('orders:[get]/nowhere')),
  ])
  assert.deepEqual(faults.slice(0, 9), [
    'unknown-service',
    'no-instance',
    'no-instance',
    'schema',
    'not-allowed',
    'too-large',
    'invalid',
    'invalid',
    'invalid',
  ])
  // A request to a path nobody serves is answered as any other, or refused: never left waiting.
  assert.ok(faults[9])
})

test('types for people who are signed in are closed to a client that is not', async (t) => {
  const gateway = await startGateway(t)
  const got: unknown[] = []
  await startService(t, 'chat', gateway, {
    messages: {
      staff: { auth: 'required', handler: ({ body }) => void got.push(body) },
      open: ({ body }) => ({ body }),
    },
  })
  const client = await openClient(t, gateway)
  client.send({ to: 'chat:/', typ: 'staff', mid: 'm1' })
  client.send({ to: 'chat:/', typ: 'open', mid: 'm2', bdy: { n: 2 } })
  await eventually(() => assert.equal(client.got.length, 2))
  const [refused] = client.got.filter(({ rmid }) => rmid === 'm1')
  assert.match(JSON.stringify(refused!.bdy), /signed in/)
  assert.deepEqual(got, [])
})

test('a handler knows who is signed in, and roles are those in its service', async (t) => {
  const gateway = await startSite(t)
  const seen: unknown[] = []
  await startService(t, 'desk', gateway, {
    messages: {
      staff: {
        roles: ['STAFF'],
        async handler(_message, { user }) {
          seen.push(await user())
          return { ok: true }
        },
      },
      admins: { roles: ['ADMIN'], handler: () => ({ ok: true }) },
      open: async (_message, { user }) => ({ user: (await user())?.username ?? 'nobody' }),
    },
  })
  const mira = await openClient(t, gateway, await signIn(gateway, 'mira'))
  const nobody = await openClient(t, gateway)
  const answer = async ({ got, send }: typeof mira, typ: string) => {
    const before = got.length
    send({ to: 'desk:/', typ })
    await eventually(() => assert.ok(got.length > before))
    return JSON.stringify(got.at(-1)!.bdy)
  }
  assert.equal(await answer(mira, 'staff'), '{"ok":true}')
  assert.match(await answer(mira, 'admins'), /others than you/)
  assert.match(await answer(nobody, 'staff'), /signed in/)
  assert.equal(await answer(mira, 'open'), '{"user":"mira"}')
  assert.equal(await answer(nobody, 'open'), '{"user":"nobody"}')
  const [{ username, roles }] = seen as [{ username: string; roles: string[] }]
  assert.deepEqual([username, roles], ['mira', ['STAFF']])
})

test('a handler added later takes messages once the gateway knows what it takes, and none after its end', async (t) => {
  const gateway = await startGateway(t)
  const orders = await startService(t, 'orders', gateway)
  const shop = await startService(t, 'shop', gateway)
  const got: unknown[] = []
  const off = orders.onMessage('late', { schema: { required: ['id'] } }, ({ body }) => void got.push(body))
  await eventually(async () =>
    assert.match(await faultOf(shop.send('orders', { id: 1 }, { type: 'late' })), /now/),
  )
  assert.equal(await faultOf(shop.send('orders', { no: 1 }, { type: 'late' })), 'schema')
  await eventually(() => assert.deepEqual(got, [{ id: 1 }]))
  off()
  assert.equal(await faultOf(shop.send('orders', { id: 1 }, { type: 'late' })), 'no-instance')
  assert.throws(
    () => orders.onMessage('x', { shema: {} } as never, () => {}),
    /"shema" is no option; did you mean "schema"/,
  )
})

test('a service that deals with as many messages as it may is told to nobody as broken', async (t) => {
  const gateway = await startGateway(t)
  const held: (() => void)[] = []
  await startService(t, 'orders', gateway, {
    maxMessages: 2,
    messages: { '*': () => new Promise<void>((resolve) => held.push(resolve)) },
  })
  const shop = await startService(t, 'shop', gateway)
  await shop.send('orders', { n: 1 })
  await shop.send('orders', { n: 2 })
  assert.equal(await faultOf(shop.send('orders', { n: 3 })), 'throttled')
  await eventually(() => assert.equal(held.length, 2))
  held[0]!()
  await eventually(async () => assert.match(await faultOf(shop.send('orders', { n: 4 })), /now/))
  await eventually(() => assert.equal(held.length, 3))
  for (const release of held) release()
})

test('a handler that never ends keeps its place for so long, then others get it and the log says so', async (t) => {
  const gateway = await startGateway(t)
  const got: number[] = []
  const said: string[] = []
  const orders = await startService(t, 'orders', gateway, {
    maxMessages: 1,
    messagePatienceMs: 100,
    graceMs: 200,
    log: { info() {}, error() {}, warn: (sentence: string) => said.push(sentence) },
    messages: {
      '*': ({ body }) => {
        got.push((body as { n: number }).n)
        return new Promise(() => {})
      },
    },
  })
  const shop = await startService(t, 'shop', gateway)
  await shop.send('orders', { n: 1 })
  await eventually(async () => assert.match(await faultOf(shop.send('orders', { n: 2 })), /now/))
  await eventually(() => assert.deepEqual(got, [1, 2]))
  assert.ok(
    said.some((sentence) => /dealt with for 0\.1 s \(messagePatienceMs\)/.test(sentence)),
    said.join(),
  )
  await orders.close()
})

test('who serves under a name is found, whatever way it came', async (t) => {
  const target = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
  t.after(() => target.close())
  await once(target, 'listening')
  const { port } = target.address() as { port: number }
  const gateway = await startGateway(t, {
    services: { old: { url: `http://127.0.0.1:${port}`, routes: ['/old'] } },
  })
  const one = await startService(t, 'orders', gateway, { version: '1.2.0', messages: { '*': () => {} } })
  const shop = await startService(t, 'shop', gateway)
  assert.deepEqual(await shop.find('orders'), [
    {
      instanceId: one.instanceId,
      service: 'orders',
      version: '1.2.0',
      channel: 'rsocket',
      takesMessages: true,
    },
  ])
  assert.deepEqual(
    (await shop.find('old')).map(({ channel, takesMessages }) => [channel, takesMessages]),
    [['static', false]],
  )
  assert.deepEqual(await shop.find('nobody'), [])
  assert.equal(await faultOf(shop.send('old:/', { n: 1 })), 'no-instance')
})

test('while the gateway is away messages wait for it, as long as they may', async (t) => {
  const port = await freePort()
  const keys = { publicKey: `pub${'a'.repeat(24)}`, privateKey: 'b'.repeat(48) }
  const first = await startGateway(t, { port, keys })
  const got: unknown[] = []
  const shop = await startService(t, 'shop', first, { messages: { '*': ({ body }) => void got.push(body) } })
  await first.close()
  await eventually(() => assert.equal(shop.state, 'connecting'))
  assert.equal(await faultOf(shop.send('shop', { n: 1 }, { timeoutMs: 50 })), 'timeout')
  const waiting = Array.from({ length: 1100 }, (_, n) => faultOf(shop.send('shop', { n: n + 2 })))
  await startGateway(t, { port, keys })
  const faults = await Promise.all(waiting)
  assert.equal(faults.filter((fault) => fault === 'throttled').length >= 100, true)
  assert.deepEqual([...new Set(faults.map((fault) => fault.replace(/^came.*/, 'came')))].sort(), [
    'came',
    'throttled',
  ])
  await eventually(() => assert.deepEqual(got[0], { n: 2 }))
})

test('an answer finds its way when the gateway was restarted meanwhile', async (t) => {
  const port = await freePort()
  const keys = { publicKey: `pub${'e'.repeat(24)}`, privateKey: 'f'.repeat(48) }
  const first = await startGateway(t, { port, keys })
  let release: (() => void) | undefined
  await startService(t, 'orders', first, {
    messages: {
      async slow() {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return { done: true }
      },
    },
  })
  const shop = await startService(t, 'shop', first)
  const answer = shop.call('orders', {}, { type: 'slow', timeoutMs: 20_000 })
  await eventually(() => assert.ok(release))
  await first.close()
  release!()
  await startGateway(t, { port, keys })
  assert.deepEqual(await answer, { done: true })
})

test('with workers messages of clients and services go their ways as without', async (t) => {
  const gateway = await startGateway(t, { workers: 2, logLevel: 'error' })
  await startService(t, 'chat', gateway, { messages: { hello: ({ body }) => ({ welcome: body.name }) } })
  const shop = await startService(t, 'shop', gateway)
  assert.deepEqual(await shop.call('chat', { name: 'shop' }, { type: 'hello' }), { welcome: 'shop' })
  const { status } = await shop.call('chat:[get]/chat')
  assert.equal(status, 200)
  for (const name of ['one', 'two', 'three']) {
    const client = await openClient(t, gateway)
    client.send({ to: 'chat:/', typ: 'hello', bdy: { name } })
    await eventually(() => assert.deepEqual(client.got[0]?.bdy, { welcome: name }))
    assert.equal(await shop.push(client.id, { n: 1 }), 'now')
  }
})

test('a service that closes deals with what it took, asks others meanwhile, and takes nothing new', async (t) => {
  const gateway = await startGateway(t)
  let release: (() => void) | undefined
  const orders = await startService(t, 'orders', gateway, {
    messages: {
      async slow() {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return { stock: await orders.call('stock', {}) }
      },
      other() {},
    },
  })
  await startService(t, 'stock', gateway, { messages: { '*': () => ({ left: 7 }) } })
  const shop = await startService(t, 'shop', gateway)
  const answer = shop.call('orders', {}, { type: 'slow' })
  await eventually(() => assert.ok(release))
  const closing = orders.close()
  await eventually(async () =>
    assert.equal(await faultOf(shop.send('orders', { n: 1 }, { type: 'other' })), 'no-instance'),
  )
  release!()
  assert.deepEqual(await answer, { stock: { left: 7 } })
  await closing
  assert.equal(await faultOf(orders.send('shop', { n: 1 })), 'closed')
})
