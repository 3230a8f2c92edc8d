import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SelectOptions, selectRoutes } from './exported.ts'
import type { Found, FoundRoute } from './found.ts'

const route = (path: string, ...methods: string[]): FoundRoute => ({
  path,
  dialect: 'express',
  kind: 'route',
  ...(methods.length > 0 && { methods }),
})
const app = (...routes: FoundRoute[]): Found => ({ routes, warnings: [] })

/** What is offered, as `METHODS path` in the order it goes to the gateway. */
function offered(found: Found, options: SelectOptions = {}): string[] {
  return selectRoutes(found, options).exported.map(
    ({ declaration: { methods, path } }) => `${methods?.join(',') ?? 'any'} ${path}`,
  )
}
function inside(found: Found, options: SelectOptions = {}): string[] {
  return selectRoutes(found, options).leftOut.map(({ path }) => path)
}

test('the routes of an app are offered, those of one path as one', () => {
  const found = app(
    route('/orders', 'GET'),
    route('/orders', 'POST'),
    route('/orders/:id', 'GET'),
    route('/any'),
  )
  assert.deepEqual(offered(found), ['GET,POST /orders', 'GET /orders/:id', 'any /any'])
})

test('what is for operators never leaves by itself', () => {
  const operational = [
    '/health',
    '/healthz',
    '/ready',
    '/live',
    '/live/deep',
    '/metrics',
    '/debug/pprof',
    '/internal',
    '/internal/jobs/:id',
  ]
  const found = app(
    ...operational.map((path) => route(path, 'GET')),
    route('/internals', 'GET'),
    route('/shop/health', 'GET'),
  )
  assert.deepEqual(offered(found), ['GET /internals', 'GET /shop/health'])
  assert.deepEqual(inside(found), operational)
  assert.deepEqual(offered(app(), { routes: ['/health'] }), [])
})

test('include offers what would stay inside, as the app declared it where it did', () => {
  const found = app(route('/livestream', 'GET'), { ...route('/assets'), kind: 'middleware' })
  assert.deepEqual(offered(found, { include: ['/livestream', '/assets/**'] }), [
    'GET /livestream',
    'any /assets/**',
  ])
  assert.deepEqual(inside(found, { include: ['/livestream', '/assets/**'] }), [])
})

test('paths of the gateway are not offered, whoever names them', () => {
  const reserved = ['/h/rsocket', '/_h/{any}', '/_hydra/**', '/health', '/.well-known/jwks.json']
  const found = app(...reserved.map((path) => ({ ...route(path), dialect: 'hydra' as const })))
  assert.deepEqual(offered(found, { include: reserved }), [])
  assert.deepEqual(inside(found, { include: reserved }), reserved)
  assert.deepEqual(offered(app(route('/h'), route('/home'), route('/.well-known/security.txt'))), [
    'any /h',
    'any /home',
    'any /.well-known/security.txt',
  ])
})

test('a route for every path and middleware stay inside unless included', () => {
  const found = app(
    route('/{*splat}'),
    { ...route('/api'), kind: 'middleware' },
    route('/files/*path', 'GET'),
  )
  assert.deepEqual(offered(found), ['GET /files/*path'])
  assert.deepEqual(inside(found), ['/{*splat}', '/api'])
  assert.deepEqual(offered(found, { include: ['/**'] }), ['GET /files/*path', 'any /**'])
})

test('exclude keeps in what its patterns cover', () => {
  const found = app(
    route('/admin'),
    route('/admin/users/:id'),
    route('/administrators'),
    route('/a/:id'),
    route('/a/:id/b'),
  )
  assert.deepEqual(offered(found, { exclude: ['/admin/**', '/a/{x}'] }), [
    'any /administrators',
    'any /a/:id/b',
  ])
})

test('a route named by hand comes before the one that was found', () => {
  const found = app(route('/orders/:id', 'GET', 'DELETE'), route('/upload', 'POST'))
  const options = { routes: ['GET /orders/{key}', { path: '/upload', methods: ['POST'], maxBodyBytes: 9 }] }
  assert.deepEqual(offered(found, options), ['GET /orders/{key}', 'POST /upload', 'DELETE /orders/:id'])
  assert.deepEqual(offered(app(), { routes: ['get,post /x', 'DELETE /x', '/y'] }), [
    'get,post /x',
    'DELETE /x',
    'any /y',
  ])
})

const guard = (path: string, roles: string[], more: Partial<FoundRoute> = {}): FoundRoute => ({
  path,
  dialect: 'express',
  kind: 'guard',
  access: { roles },
  ...more,
})
/** As above, with whom each is for and its fallback. */
function offeredTo(found: Found, routes: SelectOptions['routes']): string[] {
  return selectRoutes(found, { routes: routes ?? [] }).exported.map(
    ({ declaration: { methods, path, auth, roles, fallback } }) =>
      [methods?.join() ?? 'any', path, auth, roles?.join('|'), fallback].filter(Boolean).join(' '),
  )
}

test('a route named by hand is for whom the found one is, and has its methods, where it says neither', () => {
  const found = app(
    guard('/staff', ['STAFF'], { methods: ['GET'] }),
    route('/staff', 'GET', 'OPTIONS'),
    guard('/staff', ['ADMIN'], { methods: ['POST'] }),
    route('/staff', 'POST', 'OPTIONS'),
    route('/open/:id', 'GET'),
    guard('/all', ['STAFF']),
    route('/all'),
  )
  assert.deepEqual(offeredTo(found, [{ path: '/staff', fallback: '/closed' }]), [
    'GET /staff STAFF /closed',
    'OPTIONS /staff /closed',
    'POST /staff ADMIN /closed',
    'GET /open/:id',
    'any /all STAFF',
  ])
  assert.deepEqual(offeredTo(found, ['get,head /staff', '/open/{x}', 'PUT,GET /all']).slice(0, 3), [
    'GET,HEAD /staff STAFF',
    'GET /open/{x}',
    'PUT,GET /all STAFF',
  ])
  // What it says of people counts as it stands, and then for all methods.
  assert.deepEqual(
    offeredTo(found, [
      { path: '/staff', auth: 'optional' },
      { path: '/all', methods: ['GET'], roles: ['OWNER'] },
      { path: '/else', to: '/staff', methods: ['GET', 'DELETE'] },
    ]).slice(0, 4),
    ['any /staff optional', 'GET /all OWNER', 'GET /else STAFF', 'DELETE /else'],
  )
  assert.deepEqual(offeredTo(found, [{ path: '/staff', socket: true }])[0], 'any /staff STAFF')
  assert.deepEqual(offeredTo(found, [{ path: '/staff', host: 'a.example' }])[0], 'GET /staff STAFF')
})

test('a route nothing was found for is for whom the guards before it let pass', () => {
  const found = app(
    route('/desk/other', 'GET', 'OPTIONS'),
    guard('/desk', ['STAFF'], { isForAllBelow: true }),
    guard('/shop/:page', ['BUYER'], { methods: ['POST'] }),
    route('/shop/:page', 'POST', 'OPTIONS'),
  )
  assert.deepEqual(
    offeredTo(found, ['/desk/x', 'GET /desk/y', '/shop/new', 'GET /shop/old', '/free']).slice(0, 6),
    [
      'any /desk/x STAFF',
      'GET /desk/y STAFF',
      'POST /shop/new BUYER',
      'any /shop/new',
      'GET /shop/old',
      'any /free',
    ],
  )
  const { exported } = selectRoutes(found, { include: ['/desk/**', '/desk/other', '/livestream'] })
  assert.deepEqual(
    exported.map(({ declaration: { path, roles } }) => `${path} ${roles ?? ''}`),
    ['/desk/other ', '/shop/:page BUYER', '/shop/:page ', '/desk/** STAFF', '/livestream '],
  )
})

test('where the framework takes a slash at the end, the gateway does too', () => {
  const found = app(
    { ...route('/orders', 'GET'), looseSlash: true },
    { ...route('/', 'GET'), looseSlash: true },
  )
  assert.deepEqual(offered(found), ['GET /orders', 'GET /orders/', 'GET /'])
})

test('a route the gateway could not follow is left out with the reason, the rest is offered', () => {
  const { exported, leftOut } = selectRoutes(app(route('/a/!(b)', 'GET'), route('/c', 'GET')), {})
  assert.equal(exported.length, 1)
  assert.match(leftOut[0]?.reason ?? '', /can't be routed/)
})

test('a pattern that can not be read names its option', () => {
  assert.throws(() => selectRoutes(app(), { exclude: ['/a/{'] }), /^TypeError: exclude: /)
})
