import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRouter, recordMounts } from './express-router.ts'

// Stacks as Express 4.22 leaves them; real Express 5 apps are served in test/sdk.
const route = (path: unknown, ...methods: string[]) => ({
  name: 'bound dispatch',
  route: { path, methods: Object.fromEntries(methods.map((method) => [method, true])) },
})
const mount = (regexp: RegExp, stack: object[], keys: { name: string }[] = []) => ({
  name: 'router',
  handle: { stack },
  regexp,
  keys,
})
const express4 = (...stack: object[]) => ({ mountpath: '/', lazyrouter() {}, _router: { stack } })

const read = (app: object) => readRouter(app).routes.map(({ path, methods }) => `${methods ?? 'any'} ${path}`)

test('routers of Express 4 are read at the path their expression stands for', () => {
  const app = express4(
    route('/', 'get'),
    mount(/^\/api-v1\.0\/?(?=\/|$)/i, [route('/users/:id', 'get', 'put'), route('/', 'get')]),
    mount(/^\/shop\/(?:([^/]+?))\/?(?=\/|$)/i, [route('/cart', 'post')], [{ name: 'shop' }]),
    mount(Object.assign(/^\/?(?=\/|$)/i, { fast_slash: true }), [route('/root', 'get')]),
  )
  assert.deepEqual(read(app), [
    'GET,OPTIONS /',
    'GET,PUT,OPTIONS /api-v1.0/users/:id',
    'GET,OPTIONS /api-v1.0',
    'POST,OPTIONS /shop/:shop/cart',
    'GET,OPTIONS /root',
  ])
})

test('a mount that is more than a path is named, with what to do', () => {
  const app = express4(
    mount(/^(?:\/a\/?(?=\/|$)|\/b\/?(?=\/|$))/i, [route('/x', 'get'), route('/y', 'get')]),
    route(/^\/re/, 'get'),
  )
  const { routes, warnings } = readRouter(app)
  assert.deepEqual(routes, [])
  assert.match(warnings[0] ?? '', /a router with 2 routes .* hydraRouter\(app\)/)
  assert.match(warnings[1] ?? '', /regular expression/)
})

test('app.all is one route for any method', () => {
  const all = Array.from({ length: 34 }, (_, index) => `m${index}`)
  assert.deepEqual(read(express4(route('/all', ...all), route('/all5', '_all'))), ['any /all', 'any /all5'])
})

test('what is mounted while watched is read, even where nothing is kept of it', () => {
  const stack: object[] = []
  const app = {
    stack,
    use: (..._args: unknown[]): unknown => {
      stack.push({ name: 'router', handle: { stack: [route('/x', 'get')] } })
      return app
    },
  }
  recordMounts(recordMounts(app))
  const router = () => {}
  assert.equal(app.use(['/a', '/b'], router), app)
  app.use(router)
  assert.deepEqual(read(app), ['GET,OPTIONS /a/x', 'GET,OPTIONS /b/x', 'GET,OPTIONS /x'])
})

test('a router mounted in itself ends', () => {
  const router: { stack: object[] } = { stack: [route('/x', 'get')] }
  router.stack.push({ name: 'router', handle: router, rawPath: '/again' })
  assert.deepEqual(read(router), ['GET,OPTIONS /x'])
})
