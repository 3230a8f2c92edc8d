import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { registration } from '@hydra-gateway/protocol'
import { compileDeclaration } from '../registry/declaration.ts'
import { flywheelDefaults } from './flywheel-settings.ts'
import { realAnswers, siteTable, websiteRoutes } from './testing/flywheel-site.ts'
import { httpService } from './testing/raw.ts'
import { type Rig, type RigOptions, startRig } from './testing/rig.ts'

const ON = { ...flywheelDefaults, enabled: true }

/** Answers who it is and what it was asked. */
async function named(t: TestContext, name: string): Promise<number> {
  const { port } = await httpService(t, (asked, answer) => {
    answer.end(`${name} ${asked.method} ${asked.url}`)
  })
  return port
}

async function site(t: TestContext, more: Partial<RigOptions> = {}): Promise<Rig> {
  const [shop, orders, plain] = await Promise.all([named(t, 'shop'), named(t, 'orders'), named(t, 'plain')])
  const table = siteTable({
    plain: {
      channel: 'rsocket',
      routes: ['[get]/plain', '[get]/v1/plain', '[get]/shop/a/plain'],
      ports: [plain!],
    },
    shop: {
      routes: [...websiteRoutes('shop'), '[get]/v1/shop/:id', '[delete]/v1/shop/:id'],
      ports: [shop!],
    },
    orders: {
      routes: [...websiteRoutes('orders'), '[post]/v1/shop/:id', '[get]/v1/shop/top', '[get]/v1/*rest'],
      ports: [orders!],
    },
  })
  return startRig(t, { table, flywheel: ON, answers: realAnswers, ...more })
}

interface Asked {
  readonly method?: string
  readonly referer?: string
  readonly accept?: string
}

async function ask(
  { port }: Rig,
  path: string,
  { method = 'GET', referer, accept }: Asked = {},
): Promise<{ readonly status: number; readonly body: string; readonly headers: IncomingMessage['headers'] }> {
  const headers = { ...(referer && { referer }), ...(accept && { accept }) }
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request({ host: '127.0.0.1', port, path, method, headers, agent: false }, resolve)
      .on('error', reject)
      .end(),
  )
  return { status: response.statusCode!, body: await text(response), headers: response.headers }
}

test('the most specific route that has the verb wins; hydra-router took whichever Redis listed first, whatever its verb', async (t) => {
  const rig = await site(t)
  assert.equal((await ask(rig, '/v1/shop/7')).body, 'shop GET /v1/shop/7')
  assert.equal((await ask(rig, '/v1/shop/7', { method: 'POST' })).body, 'orders POST /v1/shop/7')
  assert.equal((await ask(rig, '/v1/shop/7', { method: 'DELETE' })).body, 'shop DELETE /v1/shop/7')
  assert.equal((await ask(rig, '/v1/shop/top')).body, 'orders GET /v1/shop/top')
  assert.equal((await ask(rig, '/v1/other/deep')).body, 'orders GET /v1/other/deep')
  assert.equal((await ask(rig, '/v1/shop/7', { method: 'HEAD' })).status, 200)
})

test('a verb nobody registered goes to the most specific route, as with hydra-router, and is refused elsewhere', async (t) => {
  const rig = await site(t)
  assert.equal((await ask(rig, '/v1/shop/top', { method: 'PUT' })).body, 'orders PUT /v1/shop/top')
  assert.match((await ask(rig, '/v1/shop/7', { method: 'PATCH' })).body, /PATCH \/v1\/shop\/7$/)
  const refused = await ask(rig, '/plain', { method: 'PUT' })
  assert.equal(refused.status, 405)
  assert.equal(refused.headers.allow, 'GET, HEAD')
})

test('a verb a service that registered does not take is refused there, whoever’s page asks and whatever wider route there is', async (t) => {
  const rig = await site(t)
  for (const [path, method] of [
    ['/plain', 'POST'],
    ['/plain', 'OPTIONS'],
    ['/v1/plain', 'PUT'],
    ['/v1/plain', 'OPTIONS'],
  ] as const)
    for (const referer of [undefined, 'http://evil.example/shop/']) {
      const refused = await ask(rig, path, { method, ...(referer && { referer }) })
      assert.equal(refused.status, 405, `${method} ${path} from ${referer}`)
      assert.equal(refused.headers['access-control-allow-origin'], undefined)
    }
  assert.equal((await ask(rig, '/v1/plain')).body, 'plain GET /v1/plain')
  assert.equal((await ask(rig, '/v1/plain/x', { method: 'PUT' })).body, 'orders PUT /v1/plain/x')
})

test('a website keeps its three shapes, and loses its first segment below them, with any verb and its query', async (t) => {
  const rig = await site(t)
  for (const path of ['/shop', '/shop/', '/shop/logo.png', '/shop/logo.png?v=2'])
    assert.equal((await ask(rig, path)).body, `shop GET ${path}`)
  assert.equal((await ask(rig, '/shop/logo.png', { method: 'POST' })).body, 'shop POST /shop/logo.png')
  assert.equal((await ask(rig, '/shop/a/b?c=1&d=%2F')).body, 'shop GET /a/b?c=1&d=%2F')
  assert.equal((await ask(rig, '/shop/a/', { method: 'PUT' })).body, 'shop PUT /a/')
  assert.equal((await ask(rig, '/shop/a%2Fb/c')).body, 'shop GET /a%2Fb/c')
  // A route another service registered there is the other's.
  assert.equal((await ask(rig, '/shop/a/plain')).body, 'plain GET /shop/a/plain')
  assert.equal((await ask(rig, '/shopping/a/b')).status, 404)
})

test('what a page asks for beside its path goes to the service of the page, its path unchanged', async (t) => {
  const rig = await site(t)
  const from = (path: string) => ({ referer: `http://elsewhere.example:81${path}` })
  assert.equal((await ask(rig, '/css/a.css?x=1', from('/shop/'))).body, 'shop GET /css/a.css?x=1')
  assert.equal((await ask(rig, '/css/a.css', from('/shop/deep/page'))).body, 'shop GET /css/a.css')
  assert.equal((await ask(rig, '/api', { method: 'POST', ...from('/orders') })).body, 'orders POST /api')
  // The start page is whoever's has it, wherever somebody came from.
  assert.equal((await ask(rig, '/', from('/shop/'))).status, 404)
  // The Referer goes before the first segment, a registered route before both.
  assert.equal((await ask(rig, '/orders/a/b', from('/shop/'))).body, 'shop GET /orders/a/b')
  assert.equal((await ask(rig, '/v1/shop/top', from('/shop/'))).body, 'orders GET /v1/shop/top')
  assert.equal((await ask(rig, '/plain', from('/shop/'))).body, 'plain GET /plain')
})

test('only the first segment of the Referer counts; hydra-router found a name anywhere in it', async (t) => {
  const rig = await site(t)
  const referers = [
    'http://a.example/page/shop/',
    'http://a.example/?from=/shop/',
    'http://a.example/shopping/',
    'http://a.example/Shop/',
    'http://shop/',
    'http://a.example/plain/',
    'http://a.example/shop%2Fx/',
    'http://a.example/%zz/',
    'javascript:/shop/',
    '/shop/',
    'nonsense',
  ]
  for (const referer of referers) assert.equal((await ask(rig, '/x', { referer })).status, 404, referer)
})

test('hydra-router never answered /hydra-router/a/b, nor what came from a page of its own; both are 404', async (t) => {
  const rig = await site(t)
  for (const asked of [
    await ask(rig, '/hydra-router/a/b'),
    await ask(rig, '/nowhere', { referer: 'http://a.example/hydra-router/page' }),
  ]) {
    assert.equal(asked.status, 404)
    assert.equal(JSON.parse(asked.body).statusCode, 404)
  }
})

test('%zz under a parameter was never answered by hydra-router; it is refused', async (t) => {
  const rig = await site(t)
  assert.equal((await ask(rig, '/v1/shop/%zz')).status, 400)
  assert.equal((await ask(rig, '/shop/a/%zz')).status, 400)
})

test('one pattern nobody can read stopped hydra-router; it is left out and the others are served', async () => {
  const declared = registration.parse({
    name: 'shop',
    host: '127.0.0.1',
    port: 1,
    routes: ['/a/(', '/b'].map((path) => ({ path, dialect: 'route-parser' })),
  })
  const { manifest, refused } = compileDeclaration(declared, 'flywheel', { maxRoutes: 100 })
  assert.deepEqual(
    refused.map(({ path }) => path),
    ['/a/('],
  )
  assert.ok(manifest.routes.some(({ pattern }) => pattern.text === '/b'))
})

test('a service that registers by itself cannot ask for these rules', () => {
  const declared = registration.parse({
    name: 'shop',
    host: '127.0.0.1',
    port: 1,
    routes: [{ path: '/b', flywheel: 'route' }],
    flywheel: 'site',
  })
  for (const channel of ['rsocket', 'http', 'static'] as const) {
    const { manifest } = compileDeclaration(declared, channel, { maxRoutes: 100 })
    for (const route of manifest.routes) assert.equal(route.flywheel, undefined)
  }
  assert.throws(() => registration.parse({ name: 'http://shop', host: '127.0.0.1', port: 1 }))
})

test('errors have the members of hydra-router and those of the problem; browsers get the page', async (t) => {
  const rig = await site(t)
  const missing = await ask(rig, '/nowhere')
  assert.equal(missing.headers['content-type'], 'application/json')
  assert.equal(missing.headers['access-control-allow-origin'], '*')
  const { exchange, ...body } = JSON.parse(missing.body)
  assert.ok(exchange)
  assert.deepEqual(body, {
    statusCode: 404,
    statusMessage: 'Not Found',
    statusDescription: 'The requested resource was not found on the server',
    result: {},
    type: '/_hydra/errors/HYDRA_NO_ROUTE',
    status: 404,
    title: 'There is nothing at this address',
    code: 'HYDRA_NO_ROUTE',
  })
  const page = await ask(rig, '/nowhere', { accept: 'text/html' })
  assert.match(page.headers['content-type']!, /^text\/html/)
  assert.match(page.body, /<html/)
  // An address of another service is answered as everywhere.
  assert.equal(
    (await ask(rig, '/plain', { method: 'PUT' })).headers['content-type'],
    'application/problem+json',
  )
})

test('with these rules off nothing is matched or worded by them', async (t) => {
  const rig = await startRig(t, { flywheel: flywheelDefaults, answers: realAnswers })
  const answer = await ask(rig, '/nowhere', { referer: 'http://a.example/shop/' })
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  assert.equal(answer.headers['access-control-allow-origin'], undefined)
})

test('a WebSocket nobody declared is given to whoever takes it, and never to a service of these rules', async (t) => {
  const rig = await site(t, {
    sockets: {
      takes: (path) => path !== '/not-here',
      accept: (exchange) => exchange.answer(418, {}, `taken ${exchange.path}`),
    },
  })
  const upgrade = async (path: string): Promise<number> => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
      origin: 'https://elsewhere.example',
      referer: 'http://a.example/shop/',
    }
    return new Promise((resolve, reject) =>
      request({ host: '127.0.0.1', port: rig.port, path, headers, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode!)
      })
        .on('error', reject)
        .end(),
    )
  }
  for (const path of ['/', '/anything', '/shop/a/b', '/v1/shop/7', '/plain'])
    assert.equal(await upgrade(path), 418, path)
  assert.equal(await upgrade('/not-here'), 404)
})
