import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createAdaptorServer } from '@hono/node-server'
import { fragment, type HydraService, page, type ServiceOptions, type User } from '@hydra-gateway/sdk'
import {
  requireUser as expressUser,
  hydra as hydraExpress,
  hydraRouter,
  userOf,
} from '@hydra-gateway/sdk/express'
import { requireUser as fastifyUser, hydra as hydraFastify } from '@hydra-gateway/sdk/fastify'
import { requireUser as honoUser, hydra as hydraHono, type UserVariables } from '@hydra-gateway/sdk/hono'
import { hydra as hydraNode, sendPage } from '@hydra-gateway/sdk/node'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { asked, opened, signIn, startSite } from './identity-support.ts'

/** Options of a service of `gateway`, and what it says. */
function quiet({ url, publicKey, privateKey }: TestGateway) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const log = { info: say, warn: say, error: say }
  return { said, options: { gateway: url, publicKey, privateKey, signals: false, graceMs: 500, log } }
}

async function ready(t: TestContext, service: HydraService): Promise<void> {
  t.after(() => service.close())
  await service.ready
}

/** A service on plain Node that answers with who it sees. Resolves with its own address. */
async function teller(
  t: TestContext,
  gateway: TestGateway,
  options: Partial<ServiceOptions> & { readonly name: string },
): Promise<{ service: HydraService; url: string; said: string[] }> {
  const { said, options: usual } = quiet(gateway)
  const server = createServer(async (request, response) => {
    const verified = await service.verify(request).catch((fault) => ({ fault: fault.code }))
    const { cookie = '', 'hydra-token': token } = request.headers
    const told = `${cookie.includes('HYDRA-SSO=') ? 'cookie' : ''}${token ? 'header' : ''}`
    response.end(
      !verified
        ? `nobody ${told}`
        : 'fault' in verified
          ? verified.fault
          : `${verified.sub} ${verified.roles} ${told}`,
    )
  })
  const service = await hydraNode(server, { ...usual, ...options })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await ready(t, service)
  return { service, said, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('a service is told who calls, in the way it asked for, and verifies it by itself', async (t) => {
  const gateway = await startSite(t)
  const [desk] = await Promise.all([
    teller(t, gateway, { name: 'desk', routes: ['/desk'] }),
    teller(t, gateway, { name: 'deskh', login: 'header', routes: ['/deskh'] }),
    teller(t, gateway, { name: 'deskn', login: 'none', routes: ['/deskn'] }),
    teller(t, gateway, { name: 'shop', routes: ['/shop'] }),
  ])
  const mira = await signIn(gateway, 'mira')
  assert.equal(await asked(`${gateway.url}/desk`), '200 nobody ')
  assert.equal(await asked(`${gateway.url}/desk`, mira), '200 local:mira STAFF cookie')
  assert.equal(await asked(`${gateway.url}/deskh`, mira), '200 local:mira STAFF header')
  assert.equal(await asked(`${gateway.url}/deskn`, mira), '200 nobody ')
  assert.equal(await asked(`${gateway.url}/shop`, mira), '200 local:mira CLERK cookie', 'no mapping for it')
  assert.equal(await asked(`${desk!.url}/desk`, mira), '200 local:mira STAFF cookie', 'around the gateway')
  assert.equal(await asked(`${desk!.url}/desk`, `${mira}; ${mira}`), '200 nobody cookie')
  assert.equal(
    await asked(`${gateway.url}/deskh`, undefined, { headers: { 'hydra-token': 'x.y.z' } }),
    '200 nobody ',
  )
})

test('a service that asks for a provider nobody set up says so where it starts, once', async (t) => {
  const gateway = await startSite(t)
  const { said } = await teller(t, gateway, { name: 'vault', providers: ['lokal'] })
  const warning =
    'hydra: vault asks for sign-in providers that are not set up: "lokal"; did you mean "local"?'
  assert.deepEqual(
    said.filter((line) => line.includes('not set up')),
    [warning],
  )
})

test('new keys reach services by themselves, and nobody who is signed in notices', async (t) => {
  const gateway = await startSite(t)
  await teller(t, gateway, { name: 'desk', routes: ['/desk'] })
  const before = await signIn(gateway, 'mira')
  assert.equal(await asked(`${gateway.url}/desk`, before), '200 local:mira STAFF cookie')
  const authorization = `Basic ${Buffer.from(`${gateway.publicKey}:${gateway.privateKey}`).toString('base64')}`
  const rotated = await fetch(`${gateway.url}/_hydra/api/v1/keys/rotate`, {
    method: 'POST',
    headers: { authorization },
  })
  assert.equal(rotated.status, 200)
  const after = await signIn(gateway, 'mira')
  const kid = (cookie: string) =>
    JSON.parse(Buffer.from(cookie.split(/[=.]/)[1]!, 'base64url').toString()).kid
  assert.notEqual(kid(before), kid(after))
  assert.equal(await asked(`${gateway.url}/desk`, after), '200 local:mira STAFF cookie', 'at once')
  assert.equal(await asked(`${gateway.url}/desk`, before), '200 local:mira STAFF cookie')
})

test('a service finds the keys of a gateway that was started anew, and knows nobody before it found one', async (t) => {
  const keys = { publicKey: 'public-key-of-identity', privateKey: 'private-key-of-identity' }
  const first = await startSite(t)
  await first.close()
  const users = [{ username: 'mira', password: 'mira-secret' }]
  const again = () => startGateway(t, { port: first.port, keys, identity: { users } } as never)
  const gateway = { ...first, ...keys }
  const { said, options } = quiet(gateway)
  const server = createServer(async (request, response) => {
    const verified = await service.verify(request).catch((fault) => ({ sub: fault.code as string }))
    response.end(verified?.sub ?? 'nobody')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const service = await hydraNode(server, { ...options, name: 'desk', routes: ['/desk'] })
  t.after(() => service.close())
  const direct = `http://127.0.0.1:${(server.address() as AddressInfo).port}/desk`
  assert.equal(await asked(direct), '200 nobody')
  assert.equal(await asked(direct, 'HYDRA-SSO=a.b.c'), '200 nobody', 'that is no token')

  const second = await again()
  await service.ready
  assert.equal(await asked(`${second.url}/desk`, await signIn(second, 'mira')), '200 local:mira')
  await second.close()
  const third = await again()
  await eventually(() => assert.equal(said.filter((line) => line.includes('is behind')).length, 2))
  await service.connected()
  assert.equal(await asked(`${third.url}/desk`, await signIn(third, 'mira')), '200 local:mira')
})

test('a guarded route of Express that is named for its fallback is for nobody else by that', async (t) => {
  const gateway = await startSite(t)
  const { said, options } = quiet(gateway)
  const app = express()
  const service = await hydraExpress(app, {
    name: 'desk',
    routes: [{ path: '/desk/staff', fallback: '<!doctype html><h1>Staff only</h1>' }],
    menu: [
      { path: '/desk/staff', label: 'Staff' },
      { path: '/desk/door', label: 'Door' },
    ],
    ...options,
  })
  const seen = (_request: express.Request, response: express.Response) => void response.send('seen')
  app.get('/desk/staff', expressUser(service, { roles: ['STAFF'] }), seen)
  app.get('/desk/door', seen)
  const server = app.listen(0, '127.0.0.1')
  await ready(t, service)
  assert.match(said.join('\n'), /^ {2}GET {3}\/desk\/staff \(STAFF\)$/m)

  const at = `${gateway.url}/desk/staff`
  const mira = await signIn(gateway, 'mira')
  const labels = async (cookie?: string) => {
    const menu = await fetch(`${gateway.url}/_hydra/menus/main`, { headers: { ...(cookie && { cookie }) } })
    const { items } = (await menu.json()) as { items: { label: string }[] }
    return items.map(({ label }) => label)
  }
  assert.equal(await asked(at), '401 HYDRA_LOGIN_REQUIRED')
  assert.equal(await asked(at, mira), '200 seen')
  assert.deepEqual([await labels(), await labels(mira)], [['Door'], ['Door', 'Staff']])
  await service.close()
  server.close()
  assert.equal((await opened(at)).status, 303, 'its fallback is for nobody else, either')
  const away = await opened(at, mira)
  assert.deepEqual([away.status, /Staff only/.test(away.body)], [503, true])
})

test('guards of Express are told for what stands behind them, and refuse who comes around the gateway', async (t) => {
  const gateway = await startSite(t)
  const { said, options } = quiet(gateway)
  const app = hydraRouter(express())
  const service = await hydraExpress(app, { name: 'desk', ...options })
  const seen = (request: express.Request, response: express.Response) => {
    const user: User | undefined = userOf(request)
    response.send(`${request.path} ${user?.username ?? 'anybody'}`)
  }
  const staff = express.Router()
  staff.get('/tasks', seen)
  app.get('/desk/staff/door', seen)
  app.use('/desk/staff', expressUser(service, { roles: ['STAFF'] }), staff)
  app.get('/desk/staff/later', seen)
  app
    .route('/desk/orders')
    .get(seen)
    .post(expressUser(service, { roles: ['ADMIN'] }), seen)
  const inner = express.Router()
  inner.use(expressUser(service))
  inner.get('/:id', seen)
  app.use('/desk/mine', inner)
  const server = app.listen(0, '127.0.0.1')
  await ready(t, service)

  const told = said.join('\n')
  for (const line of [
    'GET   /desk/staff/door',
    'GET   /desk/staff/tasks (STAFF)',
    'GET   /desk/orders',
    'POST  /desk/orders (ADMIN)',
    'GET   /desk/mine/{id} (signed in)',
  ])
    assert.ok(told.includes(`  ${line}\n`), told)
  const mira = await signIn(gateway, 'mira')
  const direct = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const expected: [string, string, string | undefined, string][] = [
    ['GET', '/desk/staff/door', undefined, '200 /desk/staff/door anybody'],
    ['GET', '/desk/staff/tasks', undefined, '401 HYDRA_LOGIN_REQUIRED'],
    ['GET', '/desk/staff/tasks', mira, '200 /tasks mira'],
    ['GET', '/desk/staff/later', undefined, '401 HYDRA_LOGIN_REQUIRED'],
    ['GET', '/desk/orders', undefined, '200 /desk/orders anybody'],
    ['POST', '/desk/orders', undefined, '401 HYDRA_LOGIN_REQUIRED'],
    ['POST', '/desk/orders', mira, '403 HYDRA_FORBIDDEN'],
    ['OPTIONS', '/desk/orders', undefined, '200 GET, HEAD, POST'],
    ['GET', '/desk/mine/7', undefined, '401 HYDRA_LOGIN_REQUIRED'],
    ['GET', '/desk/mine/7', mira, '200 /7 mira'],
    ['GET', '/desk/mine/7/', undefined, '401 HYDRA_LOGIN_REQUIRED'],
  ]
  for (const [method, path, cookie, answer] of expected) {
    assert.equal(await asked(gateway.url + path, cookie, { method }), answer, `${method} ${path}`)
    assert.equal(
      await asked(direct + path, cookie, { method }),
      answer,
      `${method} ${path}, around the gateway`,
    )
  }
  assert.equal((await opened(`${gateway.url}/desk/staff/tasks`)).status, 303)
  assert.equal((await opened(`${direct}/desk/staff/tasks`)).status, 401)
})

test('hooks of Fastify are told for their routes; those of a plugin refuse by themselves, and still lead to the sign-in', async (t) => {
  const gateway = await startSite(t)
  const { options } = quiet(gateway)
  const app = Fastify()
  const service = await hydraFastify(app, { name: 'desk', ...options })
  // As a CORS plugin does.
  app.options('*', async (_request, reply) => reply.code(204).send())
  app.decorateRequest('user', null as never)
  const seen = async (request: unknown) => (request as { user?: User }).user?.username ?? 'anybody'
  app.get('/desk', seen)
  app.get('/desk/mine', { preHandler: [fastifyUser(service)] }, seen)
  await app.register(async (plugin) => {
    plugin.addHook('onRequest', fastifyUser(service, { roles: ['ADMIN'] }))
    plugin.get('/desk/admin', seen)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  await ready(t, service)
  const mira = await signIn(gateway, 'mira')
  const at = (path: string) => gateway.url + path
  assert.equal(await asked(at('/desk'), mira), '200 anybody', 'nothing looked')
  assert.equal(await asked(at('/desk/mine')), '401 HYDRA_LOGIN_REQUIRED')
  assert.equal(await asked(at('/desk/mine'), mira), '200 mira')
  assert.equal(await asked(at('/desk/mine'), undefined, { method: 'HEAD' }), '401 ')
  const preflight = { origin: 'http://other.test', 'access-control-request-method': 'GET' }
  const asking = await fetch(at('/desk/mine'), { method: 'OPTIONS', headers: preflight })
  assert.equal(asking.status, 204)
  assert.equal(await asked(at('/desk/admin')), '401 HYDRA_LOGIN_REQUIRED')
  assert.equal(await asked(at('/desk/admin'), mira), '403 HYDRA_FORBIDDEN')
  assert.equal(await asked(at('/desk/admin'), await signIn(gateway, 'root')), '200 root')
  const led = await opened(at('/desk/admin?x=1'))
  assert.deepEqual(
    [led.status, led.headers.location],
    [303, `/login?ref=${encodeURIComponent('/desk/admin?x=1')}`],
  )
})

test('guards of Hono are told for what they stand before, in mounted apps too', async (t) => {
  const gateway = await startSite(t)
  const { options } = quiet(gateway)
  const app = new Hono()
  const server = createAdaptorServer({ fetch: app.fetch })
  const service = await hydraHono(app, { name: 'desk', server: server as never, ...options })
  const admin = new Hono<{ Variables: UserVariables }>()
  admin.onError((_fault, context) => context.text('failed', 500))
  admin.get('/users', honoUser(service, { roles: ['ADMIN'] }), (context) =>
    context.text(context.get('user').name),
  )
  admin.get('/clock', (context) => context.text('12:00'))
  app.route('/desk/admin', admin)
  server.listen(0, '127.0.0.1')
  await ready(t, service)
  const at = (path: string) => gateway.url + path
  assert.equal(await asked(at('/desk/admin/clock')), '200 12:00')
  assert.equal(await asked(at('/desk/admin/users'), await signIn(gateway, 'mira')), '403 HYDRA_FORBIDDEN')
  assert.equal(await asked(at('/desk/admin/users'), await signIn(gateway, 'root')), '200 root')
  assert.equal((await opened(at('/desk/admin/users'))).status, 303, 'the gateway knows of it')
})

test('a guard that nobody called is named at the start, and lets nobody through', async (t) => {
  const gateway = await startSite(t)
  const uncalled = (guard: unknown) => guard as never
  const seen = (logged: readonly string[], name: string, path: string) =>
    assert.ok(
      logged.some((line) => line.includes(`${name} stands at ${path} without its service`)),
      logged.join('\n'),
    )

  const asExpress = quiet(gateway)
  const app = express()
  const service = await hydraExpress(app, { name: 'm2', ...asExpress.options })
  app.use('/m2', uncalled(expressUser))
  app.get('/m2/mine', (_request, response) => void response.send('seen'))
  app.get('/m2/too', uncalled(expressUser), (_request, response) => void response.send('seen'))
  app.use(
    ((_fault, _request, response, _next) => void response.status(500).end()) as express.ErrorRequestHandler,
  )
  const listening = app.listen(0, '127.0.0.1')
  t.after(() => listening.close())
  await ready(t, service)
  for (const path of ['/m2', '/m2/too']) seen(asExpress.said, 'requireUser', path)
  assert.equal((await fetch(`${gateway.url}/m2/mine`)).status, 500)

  const asFastify = quiet(gateway)
  const fast = Fastify()
  const second = await hydraFastify(fast, { name: 'm3', ...asFastify.options })
  fast.get('/m3', { onRequest: uncalled(fastifyUser) }, async () => 'seen')
  await fast.listen({ port: 0, host: '127.0.0.1' })
  await ready(t, second)
  seen(asFastify.said, 'requireUser', '/m3')
  assert.equal((await fetch(`${gateway.url}/m3`)).status, 500)

  const asHono = quiet(gateway)
  const hono = new Hono()
  hono.onError((_fault, context) => context.text('failed', 500))
  const server = createAdaptorServer({ fetch: hono.fetch })
  const third = await hydraHono(hono, { name: 'm4', server: server as never, ...asHono.options })
  hono.use('/m4/*', uncalled(honoUser))
  hono.get('/m4/mine', (context) => context.text('seen'))
  server.listen(0, '127.0.0.1')
  await ready(t, third)
  seen(asHono.said, 'requireUser', '/m4/*')
  assert.equal((await fetch(`${gateway.url}/m4/mine`)).status, 500)
})

test('fragments know the visitor of a page, their own as well as those of others, however each is told', async (t) => {
  const gateway = await startSite(t)
  const whose = (name: string) =>
    fragment(name, ({ user }) => `<b>${name}: ${user ? `${user.username} ${user.roles}` : 'nobody'}</b>`)
  const mine = fragment('mine', { auth: 'required' }, ({ user }) => `<b>mine: ${user?.username}</b>`)
  const staff = fragment('staff', { roles: ['STAFF'] }, () => '<b>staff</b>')
  const tag = (service: string, ref: string) =>
    `<m:fragment service="${service}" ref="${ref}"><i>none</i></m:fragment>`
  const html = [
    ['desk', 'own'],
    ['desk', 'mine'],
    ['deskh', 'other'],
    ['shop', 'third'],
    ['deskh', 'staff'],
    ['shop', 'closed'],
  ]
    .map(([service, ref]) => tag(service!, ref!))
    .join('')
  for (const login of ['cookie', 'header'] as const) {
    const front = page(html)
    const { options } = quiet(gateway)
    const server = createServer((request, response) => void sendPage(response, front.render({}, request)))
    const service = await hydraNode(server, {
      ...options,
      name: 'desk',
      login,
      routes: ['/desk'],
      pages: [front],
      fragments: [whose('own'), mine],
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await service.ready
    const others = await Promise.all([
      teller(t, gateway, { name: 'deskh', login: 'header', fragments: [whose('other'), staff] }),
      teller(t, gateway, {
        name: 'shop',
        fragments: [whose('third'), fragment('closed', { roles: ['STAFF'] }, () => '<b>closed</b>')],
      }),
    ])
    const mira = await signIn(gateway, 'mira')
    await eventually(async () =>
      assert.equal(
        await asked(`${gateway.url}/desk`, mira),
        '200 <b>own: mira STAFF</b><b>mine: mira</b><b>other: mira STAFF</b><b>third: mira CLERK</b><b>staff</b><i>none</i>',
        login,
      ),
    )
    assert.equal(
      await asked(`${gateway.url}/desk`),
      '200 <b>own: nobody</b><i>none</i><b>other: nobody</b><b>third: nobody</b><i>none</i><i>none</i>',
    )
    for (const one of [service, ...others.map(({ service }) => service)]) await one.close({ forget: true })
  }
})

test('a WebSocket is for whom it was declared, and the service knows who opened it', async (t) => {
  const gateway = await startSite(t)
  const { options } = quiet(gateway)
  const server = createServer((_request, response) => response.end())
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', async (request, socket, head) => {
    const verified = await service.verify(request)
    sockets.handleUpgrade(request, socket, head, (opened) => opened.send(verified?.user.username ?? 'nobody'))
  })
  t.after(() => sockets.close())
  const service = await hydraNode(server, {
    ...options,
    name: 'desk',
    sockets: ['/desk/open', { path: '/desk/staff', roles: ['STAFF'] }],
  })
  server.listen(0, '127.0.0.1')
  await ready(t, service)
  const told = (path: string, cookie?: string) =>
    new Promise<string>((resolve) => {
      const url = gateway.url.replace('http', 'ws') + path
      const socket = new WebSocket(url, { headers: cookie ? { cookie } : {} })
      socket.on('message', (data) => {
        resolve(String(data))
        socket.close()
      })
      socket.on('unexpected-response', (_request, response) => resolve(String(response.statusCode)))
      socket.on('error', () => {})
    })
  const mira = await signIn(gateway, 'mira')
  assert.equal(await told('/desk/open'), 'nobody')
  assert.equal(await told('/desk/open', mira), 'mira')
  assert.equal(await told('/desk/staff'), '401')
  assert.equal(await told('/desk/staff', mira), 'mira')
  const signature = mira.split('.').at(-1)!
  assert.ok(!JSON.stringify(gateway.lines).includes(signature), 'no token stands in the log')
})
