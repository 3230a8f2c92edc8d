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
