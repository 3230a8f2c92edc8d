import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LinkState, Overview } from '@hydra-gateway/protocol'
import { compileKnownRoutes } from './known-routes.ts'

type Endpoint = Overview['services'][number]['endpoints'][number]

const service = (serviceName: string, endpoints: readonly Endpoint[], title?: string) => ({
  serviceName,
  state: 'available' as const,
  available: true,
  instances: [],
  endpoints: [...endpoints],
  ...(title !== undefined && { title }),
})
const endpoint = ([path, state]: readonly [string, LinkState]): Endpoint => ({
  path,
  state,
  available: state !== 'down',
})
const routesOf = (endpoints: Readonly<Record<string, LinkState>>) =>
  compileKnownRoutes({ services: [service('x', Object.entries(endpoints).map(endpoint))] })

test('a path is as the most specific endpoint that fits it', () => {
  const routeAt = routesOf({
    '/orders/{id}': 'available',
    '/orders/new': 'down',
    '/': 'available',
    '/files/**': 'degraded',
    '/{any}/special': 'degraded',
    unread: 'available',
  })
  const states: Record<string, LinkState | undefined> = {
    '/orders/7': 'available',
    '/orders/7?x=1#y': 'available',
    '/orders/caf%C3%A9': 'available',
    '/orders/café': 'available',
    '/': 'available',
    '/orders/new': 'down',
    '/orders/x/../new': 'down',
    '/orders/special': 'available',
    '/else/special': 'degraded',
    '/files': 'degraded',
    '/files/a/b': 'degraded',
    '/orders': undefined,
    '/orders/': undefined,
    '/orders/%': undefined,
    '': undefined,
    'orders/7': undefined,
    '//': undefined,
    '//orders/7': undefined,
    'http://elsewhere/orders/7': undefined,
  }
  for (const [path, state] of Object.entries(states)) {
    assert.equal(routeAt(path)?.state, state, path)
    assert.equal(routeAt(path)?.state, state, `${path}, asked again`)
  }
})

test('an address of another site is nobody’s, also where one route takes every path', () => {
  const routeAt = routesOf({ '/**': 'available' })
  assert.ok(routeAt('/anything'))
  for (const path of ['//evil.example', '/\\evil.example', 'javascript:x'])
    assert.equal(routeAt(path), undefined)
})

test('where services share an endpoint, the one that serves best counts', () => {
  const routeAt = compileKnownRoutes({
    services: [
      service('a', [{ path: '/x', available: false }], 'First'),
      service('b', [{ path: '/x', available: true, state: 'degraded' }]),
    ],
  })
  assert.deepEqual({ ...routeAt('/x') }, { state: 'degraded', title: 'b', demands: undefined })
})

test('an older gateway says less: what is available there is available', () => {
  const routeAt = compileKnownRoutes({
    services: [
      service('a', [
        { path: '/x', available: true },
        { path: '/y', available: false },
      ]),
    ],
  })
  assert.equal(routeAt('/x')?.state, 'available')
  assert.equal(routeAt('/y')?.state, 'down')
})

test('a thousand links of a site with ten thousand routes are looked up in no time, and few are kept', () => {
  const routeAt = compileKnownRoutes({
    services: [
      service(
        'many',
        Array.from({ length: 10_000 }, (_, at) => endpoint([`/s${at}/{id}`, 'available'])),
      ),
    ],
  })
  const begun = performance.now()
  for (let at = 0; at < 3000; at++) assert.ok(routeAt(`/s${at}/7`))
  assert.ok(performance.now() - begun < 1500)
})
