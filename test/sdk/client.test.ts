import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type TestContext, test } from 'node:test'
import { connect, type HydraService, type ServiceOptions } from '@hydra-gateway/sdk'
import { hydra as hydraFastify } from '@hydra-gateway/sdk/fastify'
import Fastify from 'fastify'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

async function listening(t: TestContext, answer: RequestListener, port = 0): Promise<Server> {
  const server = createServer(answer).listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return server
}

const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }
const atGateway = ({ url, publicKey, privateKey }: TestGateway) => ({ gateway: url, publicKey, privateKey })

function service(t: TestContext, server: Server, options: ServiceOptions): Promise<HydraService> {
  return connect({ log: false, signals: false, graceMs: 2000, ...options, port: server }).then((service) => {
    t.after(() => service.close())
    return service
  })
}

test('a service is served under its routes as soon as connect has resolved', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (request, response) => response.end(`${request.method} ${request.url}`))
  const orders = await service(t, server, {
    name: 'orders',
    ...atGateway(gateway),
    routes: ['/orders', 'POST /orders/{id}'],
  })
  assert.equal(orders.state, 'connected')
  await orders.ready
  assert.match(orders.instanceId, /^[0-9a-f]{32}$/)
  assert.equal(await (await fetch(`${gateway.url}/orders?x=1`)).text(), 'GET /orders?x=1')
  assert.equal(await (await fetch(`${gateway.url}/orders/7`, { method: 'POST' })).text(), 'POST /orders/7')
  assert.equal((await fetch(`${gateway.url}/orders/7`)).status, 405)
})

test('a service that is started before its gateway is served once the gateway is there', async (t) => {
  const port = await freePort()
  const server = await listening(t, (_request, response) => response.end('early'))
  const early = await service(t, server, {
    name: 'early',
    gateway: `http://127.0.0.1:${port}`,
    ...keys,
    routes: ['/early'],
  })
  assert.equal(early.state, 'connecting')
  const gateway = await startGateway(t, { port, keys } as never)
  await early.connected()
  assert.equal(await (await fetch(`${gateway.url}/early`)).text(), 'early')
})

test('a service is back by itself after its gateway was restarted', async (t) => {
  const port = await freePort()
  const config = { port, keys } as never
  const first = await startGateway(t, config)
  const server = await listening(t, (_request, response) => response.end('still here'))
  const steady = await service(t, server, {
    name: 'steady',
    gateway: first.url,
    ...keys,
    routes: ['/steady'],
  })
  const heard: string[] = []
  steady.on('disconnected', () => heard.push('disconnected'))
  steady.on('registered', () => heard.push('registered'))
  await first.close()
  await eventually(() => assert.equal(steady.state, 'connecting'))
  const second = await startGateway(t, config)
  await steady.connected()
  assert.equal(await (await fetch(`${second.url}/steady`)).text(), 'still here')
  assert.deepEqual(heard, ['disconnected', 'registered'])
})

test('closing under load loses no request', async (t) => {
  const gateway = await startGateway(t)
  const slow: RequestListener = (_request, response) => void setTimeout(() => response.end('done'), 20)
  const options = { name: 'busy', ...atGateway(gateway), routes: ['/busy', 'POST /busy'] }
  const stays = await service(t, await listening(t, slow), options)
  const server = await listening(t, slow)
  const leaves = await service(t, server, options)

  let stop = false
  const failures: string[] = []
  let answered = 0
  const visitors = Array.from({ length: 8 }, async (_, index) => {
    while (!stop) {
      // A POST is never sent twice: the gateway can't hide a service that drops it.
      const response = await fetch(`${gateway.url}/busy`, {
        method: index % 2 ? 'POST' : 'GET',
        body: index % 2 ? 'x' : null,
      })
      if (response.status !== 200 || (await response.text()) !== 'done') failures.push(`${response.status}`)
      answered++
    }
  })
  await eventually(() => assert.ok(answered > 50))
  await leaves.close()
  assert.equal(server.listening, false)
  const atClose = answered
  await eventually(() => assert.ok(answered > atClose + 50))
  stop = true
  await Promise.all(visitors)
  assert.deepEqual(failures, [])
  assert.equal(stays.state, 'connected')
  assert.equal(leaves.state, 'closed')
})

test('a request that is being answered when the service closes is answered to its end', async (t) => {
  const gateway = await startGateway(t)
  let finish = () => {}
  const server = await listening(t, (_request, response) => {
    response.write('first ')
    finish = () => response.end('last')
  })
  const one = await service(t, server, { name: 'one', ...atGateway(gateway), routes: ['/one'] })
  const answer = await fetch(`${gateway.url}/one`)
  const closed = one.close()
  await eventually(async () =>
    assert.equal((await fetch(`${gateway.url}/one`, { headers: { accept: 'text/plain' } })).status, 503),
  )
  finish()
  assert.equal(await answer.text(), 'first last')
  await closed
})

test('a request that never ends is cut when the grace is over', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (_request, response) => response.write('for ever'))
  const stuck = await service(t, server, {
    name: 'stuck',
    ...atGateway(gateway),
    routes: ['/stuck'],
    graceMs: 300,
  })
  const answer = await fetch(`${gateway.url}/stuck`)
  const began = performance.now()
  await stuck.close()
  assert.ok(performance.now() - began < 2000)
  await assert.rejects(answer.text())
})

test('a server that the app closes by itself leaves the gateway', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (_request, response) => response.end())
  const gone = await service(t, server, { name: 'gone', ...atGateway(gateway), routes: ['/gone'] })
  server.close()
  await eventually(() => assert.equal(gone.state, 'closed'))
  await eventually(async () => assert.equal((await fetch(`${gateway.url}/gone`)).status, 503))
})

test('a service that says it is not coming back leaves nothing behind with its last instance', async (t) => {
  const gateway = await startGateway(t)
  const [first, last] = await Promise.all(
    [1, 2].map(async () =>
      service(t, await listening(t, (_request, response) => response.end()), {
        name: 'retired',
        ...atGateway(gateway),
        routes: ['/retired'],
      }),
    ),
  )
  const status = async () => (await fetch(`${gateway.url}/retired`)).status
  await first?.close({ forget: true })
  assert.equal(await status(), 200, 'a sibling still serves')
  await last?.close({ forget: true })
  assert.equal(await status(), 404)
})

test('a stream of events does not hold a closing service up', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  })
  const events = await service(t, server, {
    name: 'events',
    ...atGateway(gateway),
    routes: ['/events'],
    graceMs: 10_000,
  })
  const answer = await fetch(`${gateway.url}/events`)
  const began = performance.now()
  await events.close()
  assert.ok(performance.now() - began < 2000)
  await assert.rejects(answer.text())
})

test('overview and menus follow a second service', async (t) => {
  const gateway = await startGateway(t)
  const answer: RequestListener = (_request, response) => response.end()
  const first = await service(t, await listening(t, answer), {
    name: 'first',
    ...atGateway(gateway),
    routes: ['/first'],
    menu: [{ path: '/first', label: 'First', order: 1 }],
  })
  assert.deepEqual(
    first.menu().map(({ label }) => label),
    ['First'],
  )
  assert.equal(first.isAvailable('/second/7'), false)

  const second = await service(t, await listening(t, answer), {
    name: 'second',
    ...atGateway(gateway),
    routes: ['/second/{id}'],
    menu: { main: [{ endpoint: '/second/1', label: 'Second', order: 2 }] },
  })
  await eventually(() => {
    assert.deepEqual(
      first.menu().map(({ label, available }) => [label, available]),
      [
        ['First', true],
        ['Second', true],
      ],
    )
    assert.ok(first.isAvailable('/second/7'))
  })
  await second.close()
  await eventually(() => assert.equal(first.isAvailable('/second/7'), false))
  await eventually(() =>
    assert.ok(!first.menu().some(({ label, available }) => label === 'Second' && available)),
  )
  assert.deepEqual(first.menu('none'), [])
  assert.deepEqual(first.menu('__proto__'), [])
})

test('routes another service has are refused by name, the rest is served', async (t) => {
  const gateway = await startGateway(t)
  const name =
    (text: string): RequestListener =>
    (_request, response) =>
      response.end(text)
  await service(t, await listening(t, name('first')), {
    name: 'first',
    ...atGateway(gateway),
    routes: ['/shared'],
  })
  const server = await listening(t, name('second'))
  const refused: unknown[] = []
  const controller = new AbortController()
  const second = await service(t, server, {
    name: 'second',
    ...atGateway(gateway),
    routes: ['/shared', '/own'],
    signal: controller.signal,
    log: { info() {}, error() {}, warn: (text) => refused.push(text) },
  })
  assert.ok(
    refused.some((text) => String(text).includes('/shared')),
    String(refused),
  )
  assert.equal(await (await fetch(`${gateway.url}/shared`)).text(), 'first')
  assert.equal(await (await fetch(`${gateway.url}/own`)).text(), 'second')
  controller.abort()
  await eventually(() => assert.equal(second.state, 'closed'))
})

test('wrong keys are said once, in a sentence, and tried again', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (_request, response) => response.end())
  const said: string[] = []
  const log = { info() {}, error() {}, warn: (text: string) => said.push(text) }
  const wrong = await service(t, server, {
    name: 'wrong',
    gateway: gateway.url,
    ...keys,
    routes: ['/x'],
    log,
  })
  assert.equal(wrong.state, 'connecting')
  let errors = 0
  wrong.on('error', () => errors++)
  await eventually(() => assert.ok(errors >= 1))
  assert.deepEqual(said, [
    `hydra: wrong is not behind ${gateway.url} yet: the gateway does not know these keys (from the options); ` +
      'see its own with: hydra config --show-keys',
  ])
  const waiting = wrong.connected()
  await wrong.close()
  await assert.rejects(waiting, /closed/)
  await assert.rejects(wrong.ready, /closed/)
})

test('a service that can never be registered says so, to whoever waits for it too', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (_request, response) => response.end())
  const said: string[] = []
  const log = { info() {}, warn() {}, error: (text: string) => said.push(text) }
  const lost = await service(t, server, {
    name: 'lost',
    ...atGateway(gateway),
    statics: '/nowhere/at/all',
    log,
  })
  const sentence =
    "lost is not registered, because the folder /nowhere/at/all (statics) can't be read: ENOENT: no such file " +
    "or directory, scandir '/nowhere/at/all'"
  await assert.rejects(lost.ready, { message: sentence })
  assert.deepEqual(said, [`hydra: ${sentence}`])
})

test('a mistyped option, and a service without routes, are said with what to do', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (_request, response) => response.end())
  const advice = async (options: object) => {
    const said: string[] = []
    const log = { info() {}, error() {}, warn: (text: string) => said.push(text) }
    await service(t, server, { name: 'bare', ...atGateway(gateway), log, ...options })
    return said
  }
  const name =
    "hydra: name the routes visitors may see in the option routes, such as ['GET /orders', '/orders/{id}']"
  assert.deepEqual(await advice({}), [name])
  assert.deepEqual(await advice({ sokets: ['/live'] }), [
    'hydra: "sokets" is no option; did you mean "sockets"?',
    name,
  ])
  assert.deepEqual(await advice({ routes: ['/metrics'] }), [
    'hydra: name the routes visitors may see in the option include',
  ])
  assert.deepEqual(await advice({ sockets: ['/live'] }), [])
})

test('a service is registered once what it waits for is done, not as soon as it listens', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (_request, response) => response.end('with its templates'))
  let compiled = () => {}
  const templates = new Promise<void>((resolve) => {
    compiled = resolve
  })
  const options = {
    name: 'shop',
    ...atGateway(gateway),
    routes: ['/shop'],
    log: false,
    signals: false,
  } as const
  const shop = await connect({ ...options, server, when: templates })
  t.after(() => shop.close())
  // One that waits for nothing gets through meanwhile.
  const other = await service(t, server, { ...options, name: 'other', routes: ['/other'] })
  await other.ready
  assert.equal(shop.state, 'waiting')
  assert.equal((await fetch(`${gateway.url}/shop`)).status, 404)
  compiled()
  await shop.ready
  assert.equal(await (await fetch(`${gateway.url}/shop`)).text(), 'with its templates')
})

test('what a service waits for may be a function, called once when the app listens', async (t) => {
  const gateway = await startGateway(t)
  const server = createServer((_request, response) => response.end('warm'))
  const calls: boolean[] = []
  const when = async () => void calls.push(server.listening)
  const cache = await service(t, server, { name: 'cache', ...atGateway(gateway), routes: ['/cache'], when })
  assert.deepEqual(calls, [])
  server.listen(0, '127.0.0.1')
  await cache.ready
  assert.deepEqual(calls, [true])
  assert.equal(await (await fetch(`${gateway.url}/cache`)).text(), 'warm')
})

test('a service is never registered when what it waits for fails, and says so', async (t) => {
  const gateway = await startGateway(t)
  const server = await listening(t, (_request, response) => response.end('alive'))
  const sentence = 'broken is not registered, because what it waits for (when) failed: no template home'
  const fault = new Error('no template home')
  for (const when of [Promise.reject(fault), () => Promise.reject(fault)]) {
    const said: string[] = []
    const log = { info() {}, warn() {}, error: (text: string) => said.push(text) }
    const options = { name: 'broken', ...atGateway(gateway), routes: ['/broken'], log, when }
    const broken = await service(t, server, options)
    const heard: Error[] = []
    broken.on('error', (error) => heard.push(error))
    await assert.rejects(broken.ready, { message: sentence, cause: fault })
    assert.deepEqual(
      heard.map(({ cause }) => cause),
      [fault],
    )
    assert.deepEqual(said, [`hydra: ${sentence}`])
    assert.deepEqual((await gateway.admin('services')).services, [])
  }
  assert.ok(server.listening)
})

test('a service that is closed before it is ready is never registered, however the wait ends', async (t) => {
  const gateway = await startGateway(t)
  for (const end of ['resolve', 'reject'] as const) {
    const server = await listening(t, (_request, response) => response.end())
    let settle = () => {}
    const when = new Promise<void>((resolve, reject) => {
      settle = end === 'resolve' ? resolve : () => reject(new Error('too late'))
    })
    const left = await service(t, server, { name: 'left', ...atGateway(gateway), routes: ['/left'], when })
    const errors: Error[] = []
    left.on('error', (error) => errors.push(error))
    await left.close()
    settle()
    await assert.rejects(left.ready, /closed before it was registered/)
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    assert.deepEqual(errors, [])
    assert.deepEqual((await gateway.admin('services')).services, [])
  }
})

test('an app that fails while it closes has left the gateway, and its failure is told', async (t) => {
  const gateway = await startGateway(t)
  const app = Fastify()
  app.addHook('onClose', async () => {
    throw new Error('the database does not let go')
  })
  const failing = await hydraFastify(app, {
    name: 'failing',
    ...atGateway(gateway),
    log: false,
    signals: false,
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  await failing.ready
  await assert.rejects(app.close(), /does not let go/)
  assert.equal(failing.state, 'closed')
  assert.deepEqual((await gateway.admin('services')).services[0].instances, [])
})

test('options no gateway would accept are refused at once', async () => {
  await assert.rejects(connect({ name: 'a/b', port: 1 }), TypeError)
  await assert.rejects(connect({ name: 'a', port: 0 }), /port must be 1 to 65535/)
  await assert.rejects(connect({ name: 'a' } as never), /server must be a Node server, or port a number/)
  await assert.rejects(connect({ name: 'a', port: 1, when: 'soon' } as never), /when must be a promise/)
  await assert.rejects(connect({ name: 'a', port: 1, gateway: 'nowhere' }), /must be a URL/)
  await assert.rejects(connect({ name: 'a', port: 1, exclude: '/zz' } as never), {
    name: 'TypeError',
    message: "exclude must be a list such as ['/zz']",
  })
})
