import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, type ConfigInput, parseConfig } from '../config.ts'

type ServiceInput = NonNullable<ConfigInput['services']>[string]

const users = [{ username: 'ann', password: 'secret' }]

function problemsOf(service: Partial<ServiceInput>, identity?: ConfigInput['identity']) {
  try {
    const shop = { url: 'http://localhost:3002', routes: ['/shop'], ...service }
    parseConfig({ services: { shop }, ...(identity && { identity }) })
    return {}
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return Object.fromEntries(error.problems.map(({ at, write }) => [at, write]))
  }
}

test('menus of the configuration are written as routes are, and what means nothing in them is said', () => {
  const menu = [{ label: 'Orders', path: '/orders' }]
  const { services } = parseConfig({
    services: { shop: { url: 'http://localhost:3002', routes: ['/shop'], menu } },
  })
  assert.deepEqual(services[0]?.menu, { main: [{ label: 'Orders', endpoint: '/orders' }] })
  assert.deepEqual(problemsOf({ menu: [{ ...menu[0]!, role: ['STAFF'] } as never] }), {
    'services.shop.menu.main[0].role': 'roles, or remove the line',
  })
})

test('a service of the configuration says for whom it is, as one that registers does', () => {
  const { services } = parseConfig({
    services: {
      shop: {
        url: 'http://localhost:3002',
        roles: ['STAFF'],
        login: 'header',
        cookies: 'own',
        routes: [{ path: '/shop', auth: 'optional' }, '/stock'],
        fragments: ['price', { ref: 'margin', roles: ['ADMIN'] }],
      },
    },
  })
  const [shop] = services
  assert.deepEqual([shop?.roles, shop?.login, shop?.cookies], [['STAFF'], 'header', 'own'])
  assert.deepEqual(
    shop?.routes.map(({ auth }) => auth),
    ['optional', undefined],
  )
  assert.deepEqual(shop?.fragments[1]?.roles, ['ADMIN'])
})

test('what contradicts itself is told with its place', () => {
  for (const [place, service] of Object.entries({
    'services.shop.auth': { auth: 'optional', roles: ['A'] },
    'services.shop.routes[0].auth': { routes: [{ path: '/a', auth: 'optional', providers: ['local'] }] },
    'services.shop.fragments[0].auth': { fragments: [{ ref: 'a', auth: 'optional', roles: ['A'] }] },
    'services.shop.routes[0].methods': { routes: [{ path: '/a', socket: true, methods: ['POST'] }] },
  } satisfies Record<string, Partial<ServiceInput>>))
    assert.deepEqual(Object.keys(problemsOf(service)), [place])
})

test('the paths of sign-in are the gateway’s own while somebody can sign in', () => {
  const service: Partial<ServiceInput> = { routes: ['/login', { path: '/logout' }, '/login/help'] }
  assert.deepEqual(problemsOf(service), {})
  assert.deepEqual(Object.keys(problemsOf(service, { users })), [
    'services.shop.routes[0]',
    'services.shop.routes[1].path',
  ])
})

test('a provider nobody knows would let nobody in', () => {
  assert.deepEqual(problemsOf({ providers: ['local'] }), {})
  assert.deepEqual(problemsOf({ routes: [{ path: '/a', providers: ['corp'] }] }), {
    'services.shop.routes[0].providers[0]': 'one of: local',
  })
})
