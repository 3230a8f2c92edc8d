import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { type TestContext, test } from 'node:test'
import { serve } from '@hono/node-server'
import type { HydraService } from '@hydra-gateway/sdk'
import { hydra as hydraExpress, hydraRouter } from '@hydra-gateway/sdk/express'
import { hydra as hydraFastify } from '@hydra-gateway/sdk/fastify'
import { hydra as hydraHono } from '@hydra-gateway/sdk/hono'
import { hydra as hydraNode } from '@hydra-gateway/sdk/node'
import express, { type Express } from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

/** Options of a service of `gateway`, and what it says. */
function quiet({ url, publicKey, privateKey }: TestGateway) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const options = {
    gateway: url,
    publicKey,
    privateKey,
    signals: false,
    graceMs: 2000,
    log: { info: say, warn: say, error: say },
  }
  return { said, options }
}

async function ready(t: TestContext, service: HydraService): Promise<void> {
  t.after(() => service.close())
  await eventually(() => assert.equal(service.state, 'connected'))
  await service.ready
}

/** `METHOD path` → status and text, through the gateway. */
async function asked(gateway: TestGateway, requests: readonly string[]): Promise<Record<string, string>> {
  const answers: Record<string, string> = {}
  for (const request of requests) {
    const [method = '', path = ''] = request.split(' ')
    const response = await fetch(gateway.url + path, { method, headers: { accept: 'text/plain' } })
    answers[request] = response.ok ? await response.text() : String(response.status)
  }
  return answers
}

test('an Express app is served with its own and its mounted routes', async (t) => {
  const gateway = await startGateway(t)
  const { said, options } = quiet(gateway)
  const app = express()
  const service = await hydraExpress(app, { name: 'shop', ...options, include: ['/assets/**'] })
  app.use(express.json())
  app.use('/assets', (request, response) => void response.send(`asset ${request.path}`))
  app.get('/', (_request, response) => void response.send('home'))
  app.get('/items/:id', (request, response) => void response.send(`item ${request.params.id}`))
  app.get('/health', (_request, response) => void response.send('fine'))
  const lines = express.Router()
  lines.delete('/:line', (request, response) => void response.send(`deleted ${request.params.line}`))
  const api = express.Router()
  api.use('/lines', lines)
  api.get('/', (_request, response) => void response.send('api'))
  app.use('/api', api)
  const admin = express()
  admin.get('/users', (_request, response) => void response.send('users'))
  app.use('/admin', admin)
  app.listen(0, '127.0.0.1')
  await ready(t, service)

  const expected = {
    'GET /': 'home',
    'GET /items/7': 'item 7',
    'GET /items/7/': 'item 7',
    'DELETE /api/lines/3': 'deleted 3',
    'GET /api': 'api',
    'GET /admin/users': 'users',
    'GET /assets/a.css': 'asset /a.css',
    'OPTIONS /items/7': 'GET, HEAD',
    'POST /items/7': '405',
    'GET /nothing': '404',
  }
  assert.deepEqual(await asked(gateway, Object.keys(expected)), expected)
  assert.notEqual(await (await fetch(`${gateway.url}/health`)).text(), 'fine')
  assert.ok(
    said.some((text) => text.includes('GET     /items/{id}') && text.includes('stays inside: /health')),
    said.join('\n'),
  )
})

test('a router that was mounted before anybody looked is named with the line to add', async (t) => {
  const gateway = await startGateway(t)
  const { said, options } = quiet(gateway)
  const build = (record: boolean) => {
    const app = express()
    const outer = express.Router()
    if (record) {
      hydraRouter(app)
      hydraRouter(outer)
    }
    const inner = express.Router()
    inner.get('/x', (_request, response) => void response.send('x'))
    outer.use('/inner', inner)
    app.use('/outer', outer)
    // Express 5 before router 2.3 keeps no path with the layer.
    for (const router of [app.router, outer])
      for (const layer of router.stack) Reflect.deleteProperty(layer, 'rawPath')
    return app
  }
  const unread = build(false)
  const first = await hydraExpress(unread, { name: 'unread', ...options })
  unread.listen(0, '127.0.0.1')
  await ready(t, first)
  const line = said.find((text) => text.includes('Add this line'))
  assert.match(
    line ?? '',
    /a router with 1 route is mounted .* Add this line before the first app\.use: hydraRouter\(app\)/,
  )
  assert.equal((await fetch(`${gateway.url}/outer/inner/x`)).status, 404)

  const recorded = build(true)
  const second = await hydraExpress(recorded, { name: 'recorded', ...options })
  recorded.listen(0, '127.0.0.1')
  await ready(t, second)
  assert.equal(await (await fetch(`${gateway.url}/outer/inner/x`)).text(), 'x')
})

test('an Express app on a server of its own is given with that server', async (t) => {
  const gateway = await startGateway(t)
  const app = express()
  app.get('/own', (_request, response) => void response.send('own'))
  const server = createServer(app)
  const service = await hydraExpress(app, { name: 'own', ...quiet(gateway).options, server })
  assert.equal(service.state, 'waiting')
  server.listen(0, '127.0.0.1')
  await ready(t, service)
  assert.equal(await (await fetch(`${gateway.url}/own`)).text(), 'own')
  await service.close()
  assert.equal(server.listening, false)
})

test('an Express app that listens already is served all the same, whoever made its server', async (t) => {
  const gateway = await startGateway(t)
  const { options } = quiet(gateway)
  const build = (name: string) => express().get(`/${name}`, (_request, response) => void response.send(name))
  const listens = {
    'since long': async (app: Express) => void (await once(app.listen(0, '127.0.0.1'), 'listening')),
    'since now': async (app: Express) => void app.listen(0, '127.0.0.1'),
    'by hand': async (app: Express) =>
      void (await once(createServer(app).listen(0, '127.0.0.1'), 'listening')),
  }
  for (const [index, [how, listen]] of Object.entries(listens).entries()) {
    const name = `early${index}`
    const app = build(name)
    await listen(app)
    await ready(t, await hydraExpress(app, { name, ...options }))
    assert.equal(await (await fetch(`${gateway.url}/${name}`)).text(), name, how)
  }
  const late = build('late')
  const service = await hydraExpress(late, { name: 'late', ...options })
  const server = createServer(late).listen(0, '127.0.0.1')
  await ready(t, service)
  assert.equal(await (await fetch(`${gateway.url}/late`)).text(), 'late')
  await service.close()
  assert.equal(server.listening, false)
})

test('an app that is started again after its server was closed is served again', async (t) => {
  const gateway = await startGateway(t)
  const { options } = quiet(gateway)
  const app = express().get('/again', (_request, response) => void response.send('again'))
  app.listen(0, '127.0.0.1')
  const first = await hydraExpress(app, { name: 'again', ...options })
  await ready(t, first)
  await first.close()
  const second = await hydraExpress(app, { name: 'again', ...options })
  assert.equal(second.state, 'waiting')
  app.listen(0, '127.0.0.1')
  await ready(t, second)
  assert.equal(await (await fetch(`${gateway.url}/again`)).text(), 'again')
})

test('a service that waits for long says once what for', async (t) => {
  const gateway = await startGateway(t)
  const after = quiet(gateway)
  const clock = quiet(gateway)
  const shop = quiet(gateway)
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  const services = [
    await hydraExpress(express(), { name: 'after', ...after.options }),
    await hydraNode(createServer(), { name: 'clock', ...clock.options }),
    await hydraNode(server, { name: 'shop', ...shop.options, when: new Promise(() => {}) }),
  ]
  t.after(() => Promise.all(services.map((service) => service.close())))
  await eventually(() => assert.equal(after.said.length + clock.said.length + shop.said.length, 3))
  assert.deepEqual(after.said, [
    'hydra: after waits for app.listen(). If the app listens already, call hydra(app, …) before it, or pass its ' +
      'server: hydra(app, { name, server }).',
  ])
  assert.deepEqual(clock.said, ['hydra: clock waits for its server to listen'])
  assert.deepEqual(shop.said, ['hydra: shop waits for what it was given as the option when'])
})

test('an app in which no routes are found is told what to do', async (t) => {
  const gateway = await startGateway(t)
  const advised = async (start: (options: ReturnType<typeof quiet>['options']) => Promise<HydraService>) => {
    const { said, options } = quiet(gateway)
    await ready(t, await start(options))
    return said.filter((text) => text.includes('no routes were found'))
  }
  assert.deepEqual(
    await advised(async (options) => {
      const app = express()
      app.listen(0, '127.0.0.1')
      return hydraExpress(app, { name: 'none', ...options })
    }),
    ['hydra: no routes were found: declare them before app.listen(), or name them in the option routes'],
  )
  assert.deepEqual(
    await advised(async (options) => {
      const app = Fastify()
      app.get('/too-early', async () => 'too early')
      const service = await hydraFastify(app, { name: 'none', ...options })
      await app.listen({ port: 0, host: '127.0.0.1' })
      return service
    }),
    [
      'hydra: no routes were found: call hydra(app, …) before the routes are declared, or name them in the option routes',
    ],
  )
  assert.deepEqual(
    await advised(async (options) => {
      const app = new Hono()
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
      return hydraHono(app, { name: 'none', ...options, server })
    }),
    ['hydra: no routes were found: declare them before hydra(app, …), or name them in the option routes'],
  )
})

test('a Fastify app is served with the routes of its plugins', async (t) => {
  const gateway = await startGateway(t)
  const app = Fastify()
  const service = await hydraFastify(app, { name: 'stock', ...quiet(gateway).options })
  app.get('/stock/:id(^\\d+$)', async (request) => `item ${(request.params as { id: string }).id}`)
  app.register(
    async (scope) => {
      scope.get('/', async () => 'list')
      scope.post('/:id?', async () => 'posted')
      scope.get('/files/*', async (request) => `file ${(request.params as { '*': string })['*']}`)
    },
    { prefix: '/api' },
  )
  app.get('/metrics', async () => 'metrics')
  app.get('/*', async () => 'anything')
  await app.listen({ port: 0, host: '127.0.0.1' })
  await ready(t, service)
  const expected = {
    'GET /stock/7': 'item 7',
    'HEAD /stock/7': '',
    'GET /stock/seven': '404',
    'GET /api': 'list',
    'GET /api/': 'list',
    'POST /api/7': 'posted',
    'GET /api/files/a/b': 'file a/b',
    'DELETE /api': '405',
    'GET /metrics': '404',
    'GET /else': '404',
  }
  assert.deepEqual(await asked(gateway, Object.keys(expected)), expected)
})

test('closing a Fastify app leaves the gateway first and runs its hooks', async (t) => {
  const gateway = await startGateway(t)
  const app = Fastify()
  let hooks = 0
  app.addHook('onClose', async () => void hooks++)
  // As a plugin, the other way to write it.
  await app.register(hydraFastify, { name: 'plugin', ...quiet(gateway).options })
  app.get('/slow', async () => {
    await new Promise((resolve) => setTimeout(resolve, 200))
    return 'slow'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  await eventually(async () => assert.equal(await (await fetch(`${gateway.url}/slow`)).text(), 'slow'))
  const begun = once(app.server, 'request')
  const running = fetch(`${gateway.url}/slow`)
  await begun
  await app.close()
  assert.equal(await (await running).text(), 'slow')
  assert.equal((await fetch(`${gateway.url}/slow`)).status, 503)
  assert.equal(hooks, 1)
})

test('a Hono app is served with its routes, without its middleware', async (t) => {
  const gateway = await startGateway(t)
  const app = new Hono()
  app.use('*', async (context, next) => {
    await next()
    context.header('x-middleware', 'seen')
  })
  app.get('/cart/:id{[0-9]+}', (context) => context.text(`cart ${context.req.param('id')}`))
  app.all('/any/*', (context) => context.text(`any ${context.req.method}`))
  const sub = new Hono()
  sub.post('/', (context) => context.text('checkout'))
  app.route('/checkout', sub)
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  t.after(() => server.close())
  const service = await hydraHono(app, { name: 'cart', ...quiet(gateway).options, port: server })
  await ready(t, service)
  await assert.rejects(hydraHono(app, { name: 'cart' } as never), /server must be what serve /)
  const expected = {
    'GET /cart/7': 'cart 7',
    'GET /cart/x': '404',
    'POST /checkout': 'checkout',
    'GET /any': 'any GET',
    'PUT /any/a/b': 'any PUT',
    'GET /none': '404',
  }
  assert.deepEqual(await asked(gateway, Object.keys(expected)), expected)
  assert.equal((await fetch(`${gateway.url}/cart/7`)).headers.get('x-middleware'), 'seen')
})

test('a plain server is served at the routes it names, with sockets and static files', async (t) => {
  const gateway = await startGateway(t)
  const server = createServer((request, response) => response.end(`${request.url}`))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (text) => socket.send(`echo ${text}`)))
  const service = await hydraNode(server, {
    name: 'plain',
    ...quiet(gateway).options,
    routes: ['GET /plain/{id?}'],
    sockets: ['/plain/live/{room}'],
    statics: ['css/site.css'],
  })
  server.listen(0, '127.0.0.1')
  await ready(t, service)
  const expected = {
    'GET /plain': '/plain',
    'GET /plain/7': '/plain/7',
    'GET /plain/css/site.css': '/static/css/site.css',
  }
  assert.deepEqual(await asked(gateway, Object.keys(expected)), expected)

  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/plain/live/red`)
  const echo = new Promise((resolve) => socket.once('message', (text) => resolve(String(text))))
  socket.on('open', () => socket.send('hello'))
  assert.equal(await echo, 'echo hello')
  const told = new Promise((resolve) => socket.once('close', resolve))
  const began = performance.now()
  await service.close()
  assert.equal(await told, 1012)
  assert.ok(performance.now() - began < 1500)
})

test('a server that takes no WebSockets still answers a request to upgrade', async (t) => {
  const server = createServer((_request, response) => response.end('plain'))
  const service = await hydraNode(server, {
    name: 'none',
    gateway: 'http://127.0.0.1:9',
    publicKey: 'a',
    privateKey: 'b',
    log: false,
    signals: false,
  })
  t.after(() => service.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const status = await new Promise((resolve) =>
    get({ port, host: '127.0.0.1', headers: { connection: 'upgrade', upgrade: 'websocket' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }),
  )
  assert.equal(status, 200)
})
