import assert from 'node:assert/strict'
import { test } from 'node:test'
import { literalPattern, parsePattern } from '@hydra-gateway/protocol'
import type { RouteSpec } from './route.ts'
import { emptyTable, type RoutingTable, type ServiceChange } from './table.ts'
import type { Instance } from './upstream.ts'

type Declared = string | (Omit<Partial<RouteSpec>, 'pattern'> & { path: string })

interface Known {
  rank?: number
  group?: string
  manifests: Record<string, readonly Declared[]>
  /** Manifest of each instance that serves. */
  up?: readonly string[]
}

function specs(declared: readonly Declared[]): RouteSpec[] {
  return declared.flatMap((one) => {
    const { path, ...rest } = typeof one === 'string' ? { path: one } : one
    return parsePattern(path).patterns.map((pattern): RouteSpec => ({ kind: 'page', ...rest, pattern }))
  })
}

function instance(service: string, manifest: string, n: number): Instance {
  return {
    id: `${service}-${n}`,
    service,
    manifest,
    channel: 'rsocket',
    address: { protocol: 'http', host: '127.0.0.1', port: 8000 + n },
    version: 1,
    weight: 10,
    awakening: 'NEWEST_VERSION_WINS',
    affinity: false,
  }
}

function change(
  name: string,
  { rank = 0, group, manifests, up = Object.keys(manifests) }: Known,
): ServiceChange {
  return {
    service: { name, title: name, channel: 'rsocket' },
    rank,
    ...(group === undefined ? {} : { group }),
    manifests: Object.entries(manifests).map(([hash, routes]) => ({ hash, routes: specs(routes) })),
    instances: up.map((manifest, n) => instance(name, manifest, n)),
  }
}

function tableOf(services: Record<string, Known>): RoutingTable {
  let table = emptyTable()
  for (const [name, known] of Object.entries(services)) table = table.withService(change(name, known))
  return table
}

const get = (table: RoutingTable, path: string, method = 'GET') =>
  table.match('shop.example', path, method, false)
const served = (table: RoutingTable, path: string, method?: string) => get(table, path, method)?.pattern.text
const ids = (table: RoutingTable, path: string, method?: string) => {
  const route = get(table, path, method)
  return route && table.candidates(route).map(({ id }) => id)
}

test('an empty table knows nothing, whatever it is asked', () => {
  const table = emptyTable()
  assert.equal(table.revision, 0)
  assert.equal(table.size, 0)
  for (const path of ['/', '', '*', '/a/b', '/%', '/\0', 'x'.repeat(10_000), '/a'.repeat(10_000)]) {
    assert.equal(get(table, path), undefined)
    assert.deepEqual(table.allowed('', path), [])
  }
  assert.equal(table.service('shop'), undefined)
  assert.deepEqual([...table.services()], [])
  assert.deepEqual([...table.routes()], [])
  assert.deepEqual(table.conflicts(), [])
  assert.equal(table.withoutService('shop'), table)
})

test('of several patterns that fit, the most specific is served', () => {
  const all = [
    '/a/b/c',
    '/a/{x}.html/c',
    '/a/{x:digits}/c',
    '/a/{x}/c',
    '/a/{x}/c/**',
    '/a/*/c',
    '/a/{x+}',
    '/a/**',
    '/{x}/b/c',
    '/**',
  ]
  for (let from = 0; from < all.length; from++) {
    const table = tableOf({ shop: { manifests: { one: all.slice(from).reverse() } } })
    for (const path of [
      '/a/b/c',
      '/a/1.html/c',
      '/a/12/c',
      '/a/x/c',
      '/a/x/c/',
      '/a/',
      '/a',
      '/b/b/c',
      '/',
    ]) {
      const fitting = all
        .slice(from)
        .filter((one) => served(tableOf({ shop: { manifests: { one: [one] } } }), path))
      assert.equal(served(table, path), fitting[0], `${path} among ${all.slice(from)}`)
    }
  }
})

test('a path with a slash at the end is another path', () => {
  const table = tableOf({ shop: { manifests: { one: ['/orders', '/items/', '/x/{id}'] } } })
  assert.equal(served(table, '/orders'), '/orders')
  assert.equal(served(table, '/orders/'), undefined)
  assert.equal(served(table, '/items'), undefined)
  assert.equal(served(table, '/items/'), '/items/')
  assert.equal(served(table, '/x/'), undefined)
  assert.equal(served(table, '/x/7/'), undefined)
})

test('paths are compared decoded, segment by segment', () => {
  const table = tableOf({
    shop: { manifests: { one: ['/café/{id}', '/café', '/100%', '/a\\/b', '/p/{x}', '/p/{x}/y'] } },
  })
  assert.equal(served(table, '/caf%C3%A9'), '/café')
  assert.equal(served(table, '/caf%c3%a9/7'), '/café/{id}')
  assert.equal(served(table, '/100%25'), '/100%')
  assert.equal(served(table, '/a%2fb'), '/a\\/b')
  assert.equal(served(table, '/a/b'), undefined)
  assert.equal(served(table, '/p/a%2Fy'), '/p/{x}')
  assert.equal(served(table, '/p/a/y'), '/p/{x}/y')
})

test('a static file is found by its name only, whatever characters it has', () => {
  const names = [
    '{id}',
    '*',
    '**',
    'a b',
    '100%',
    'Cl$1.class',
    '\\',
    '__proto__',
    'constructor',
    'é',
    '{x',
    'a\\{',
  ]
  const routes = names.map((name): RouteSpec => ({ pattern: literalPattern(`/one/${name}`), kind: 'static' }))
  const table = emptyTable().withService({
    ...change('one', { manifests: {} }),
    manifests: [{ hash: 'm', routes }],
  })
  for (const name of names) {
    assert.equal(get(table, `/one/${encodeURIComponent(name)}`)?.pattern, literalPatternOf(routes, name))
  }
  assert.equal(served(table, '/one/7'), undefined)
  assert.equal(served(table, '/one/a/b'), undefined)
})

function literalPatternOf(routes: readonly RouteSpec[], name: string) {
  return routes.find(
    ({ pattern }) =>
      pattern.segments.at(-1)?.kind === 'literal' &&
      (pattern.segments.at(-1) as { text: string }).text === name,
  )?.pattern
}

test('a route with GET answers HEAD, and other methods go to the next pattern that has them', () => {
  const table = tableOf({
    shop: {
      manifests: {
        one: [
          { path: '/orders/{id}', methods: ['GET'] },
          { path: '/orders/**', methods: ['POST'] },
        ],
      },
    },
  })
  assert.equal(served(table, '/orders/7'), '/orders/{id}')
  assert.equal(served(table, '/orders/7', 'HEAD'), '/orders/{id}')
  assert.equal(served(table, '/orders/7', 'POST'), '/orders/**')
  assert.equal(served(table, '/orders/7', 'PUT'), undefined)
  assert.deepEqual(table.allowed('', '/orders/7'), ['GET', 'HEAD', 'POST'])
  assert.deepEqual(table.allowed('', '/orders'), ['POST'])
  assert.deepEqual(table.allowed('', '/nothing'), [])
})

test('sockets are found by upgrades, and upgrades find only sockets', () => {
  const table = tableOf({
    chat: { manifests: { one: [{ path: '/chat', kind: 'socket' }, '/chat', '/rooms'] } },
  })
  assert.equal(table.match('', '/chat', 'GET', true)?.kind, 'socket')
  assert.equal(table.match('', '/chat', 'GET', false)?.kind, 'page')
  assert.equal(table.match('', '/rooms', 'GET', true), undefined)
  assert.deepEqual(table.conflicts(), [])
  assert.equal(table.size, 3)
})

test('routes for a host come before routes for any host', () => {
  const table = tableOf({
    any: { manifests: { one: ['/orders', '/about'] } },
    admin: { manifests: { one: [{ path: '/**', host: 'admin.example', methods: ['GET'] }] } },
  })
  assert.equal(table.match('admin.example', '/orders', 'GET', false)?.service, 'admin')
  assert.equal(table.match('admin.example', '/orders', 'POST', false)?.service, 'any')
  assert.equal(table.match('shop.example', '/orders', 'GET', false)?.service, 'any')
  assert.equal(table.match('__proto__', '/x', 'GET', false), undefined)
  assert.equal(table.size, 3)
  assert.equal(table.withoutService('admin').match('admin.example', '/x', 'GET', false), undefined)
})

test('a service that is known but down keeps its routes, and nobody less specific gets them', () => {
  const table = tableOf({
    shop: { manifests: { one: ['/orders'] }, up: [] },
    catchall: { manifests: { one: ['/**'] } },
  })
  assert.equal(get(table, '/orders')?.service, 'shop')
  assert.deepEqual(ids(table, '/orders'), [])
})

test('an instance that joins or leaves changes who may serve and no route', () => {
  const known: Known = { manifests: { one: ['/orders', '/orders/{id}'] }, up: ['one'] }
  const before = tableOf({ shop: known })
  const after = before.withService(change('shop', { ...known, up: ['one', 'one'] }))
  assert.equal(get(after, '/orders'), get(before, '/orders'))
  assert.deepEqual(ids(before, '/orders'), ['shop-0'])
  assert.deepEqual(ids(after, '/orders'), ['shop-0', 'shop-1'])
  const route = get(after, '/orders')!
  assert.equal(after.candidates(route), after.candidates(route), 'nothing is made for a request')
})

test('versions of one service share the routes both have', () => {
  const table = tableOf({
    shop: {
      manifests: {
        v1: [{ path: '/orders', methods: ['GET'] }],
        v2: [{ path: '/orders', methods: ['GET', 'POST'] }, '/new'],
      },
      up: ['v1', 'v2', 'v2'],
    },
  })
  assert.deepEqual(ids(table, '/orders')?.sort(), ['shop-0', 'shop-1', 'shop-2'])
  assert.deepEqual(ids(table, '/orders', 'HEAD')?.sort(), ['shop-0', 'shop-1', 'shop-2'])
  const shared = get(table, '/orders')!
  assert.equal(table.candidates(shared), table.candidates(shared), 'nothing is made for a request')
  assert.deepEqual(ids(table, '/orders', 'POST'), ['shop-1', 'shop-2'])
  assert.deepEqual(ids(table, '/new'), ['shop-1', 'shop-2'])
  assert.deepEqual(table.conflicts(), [])
})

test('of two services that claim a route the first keeps it, and the other is listed until it is its turn', () => {
  const both = tableOf({
    late: { rank: 2, manifests: { one: ['/orders/{id}', '/late'] } },
    first: { rank: 1, manifests: { one: ['/orders/{number}'] } },
  })
  assert.equal(get(both, '/orders/7')?.service, 'first')
  assert.equal(both.size, 2)
  assert.deepEqual(both.conflicts(), [
    {
      pattern: '/orders/{id}',
      incumbent: 'first',
      newcomer: 'late',
      reason: '"first" was first and keeps serving it; "late" (every method) follows when it is gone',
    },
  ])

  const gone = both.withoutService('first')
  assert.equal(get(gone, '/orders/7')?.service, 'late')
  assert.deepEqual(gone.conflicts(), [])

  const down = both.withService(
    change('first', { rank: 1, manifests: { one: ['/orders/{number}'] }, up: [] }),
  )
  assert.equal(get(down, '/orders/7')?.service, 'first', 'an incumbent that is down is still the incumbent')

  const older = both.withService(change('first', { rank: 3, manifests: { one: ['/orders/{number}'] } }))
  assert.equal(get(older, '/orders/7')?.service, 'late')
  assert.equal(older.conflicts()[0]?.newcomer, 'first')
})

test('two services share a path when their methods, hosts or kinds differ', () => {
  const table = tableOf({
    reads: { rank: 1, manifests: { one: [{ path: '/orders', methods: ['GET'] }] } },
    writes: { rank: 2, manifests: { one: [{ path: '/orders', methods: ['POST'] }] } },
    heads: { rank: 3, manifests: { one: [{ path: '/orders', methods: ['HEAD'] }] } },
    sockets: { rank: 4, manifests: { one: [{ path: '/orders', kind: 'socket' }] } },
    admin: { rank: 5, manifests: { one: [{ path: '/orders', host: 'admin.example' }] } },
  })
  assert.equal(get(table, '/orders')?.service, 'reads')
  assert.equal(get(table, '/orders', 'HEAD')?.service, 'reads')
  assert.equal(get(table, '/orders', 'POST')?.service, 'writes')
  assert.equal(table.match('', '/orders', 'GET', true)?.service, 'sockets')
  assert.deepEqual(
    table.conflicts().map(({ newcomer }) => newcomer),
    ['heads'],
    'GET brings HEAD',
  )
})

test('a claim that lost does not stand in the way of others', () => {
  const table = tableOf({
    a: { rank: 1, manifests: { one: [{ path: '/x', methods: ['GET'] }] } },
    b: { rank: 2, manifests: { one: [{ path: '/x', methods: ['GET', 'POST'] }] } },
    c: { rank: 3, manifests: { one: [{ path: '/x', methods: ['POST'] }] } },
  })
  assert.equal(get(table, '/x', 'POST')?.service, 'c')
  assert.deepEqual(
    table.conflicts().map(({ newcomer }) => newcomer),
    ['b'],
  )
})

test('services of one rollout group share a route', () => {
  const table = tableOf({
    old: { rank: 1, group: 'checkout', manifests: { one: ['/pay'] } },
    new: { rank: 2, group: 'checkout', manifests: { one: ['/pay'] } },
    stranger: { rank: 3, manifests: { one: ['/pay'] } },
  })
  assert.equal(get(table, '/pay')?.service, 'old')
  assert.deepEqual(ids(table, '/pay'), ['old-0', 'new-0'])
  assert.deepEqual(
    table.conflicts().map(({ newcomer }) => newcomer),
    ['stranger'],
  )
  const apart = table.withService(change('new', { rank: 2, manifests: { one: ['/pay'] } }))
  assert.deepEqual(ids(apart, '/pay'), ['old-0'])
  assert.deepEqual(
    apart
      .conflicts()
      .map(({ newcomer }) => newcomer)
      .sort(),
    ['new', 'stranger'],
  )
})

test('names that mean something to JavaScript are just names', () => {
  const table = tableOf({
    toString: {
      manifests: { proto: ['/__proto__', '/constructor/{prototype}', '/hasOwnProperty/**'] },
    },
  })
  for (const path of ['/__proto__', '/constructor/x', '/hasOwnProperty'])
    assert.equal(get(table, path)?.service, 'toString')
  assert.equal(get(table, '/toString'), undefined)
  assert.equal(table.service('valueOf'), undefined)
})

test('every change makes the next revision and leaves the table before it alone', () => {
  const one = tableOf({ shop: { manifests: { v1: ['/a', '/b/{x}'] } } })
  const two = one.withService(change('shop', { manifests: { v2: ['/a', '/c'] } }))
  const three = two.withoutService('shop')
  assert.deepEqual([one.revision, two.revision, three.revision], [1, 2, 3])
  assert.deepEqual([one.size, two.size, three.size], [2, 2, 0])
  assert.equal(served(one, '/b/1'), '/b/{x}')
  assert.equal(served(two, '/b/1'), undefined)
  assert.equal(served(two, '/c'), '/c')
  assert.equal(served(three, '/c'), undefined)
  assert.deepEqual([...one.routes()].map(({ pattern }) => pattern.text).sort(), ['/a', '/b/{x}'])
  assert.deepEqual(
    [...two.services()].map(({ name }) => name),
    ['shop'],
  )
})

test('what one manifest says of a method counts before what it says of all', () => {
  const table = tableOf({
    shop: {
      manifests: {
        one: [
          { path: '/orders', to: '/all' },
          { path: '/orders', methods: ['POST'], to: '/create' },
        ],
      },
    },
  })
  assert.equal(get(table, '/orders')?.to, '/all')
  assert.equal(get(table, '/orders', 'POST')?.to, '/create')
  assert.equal(table.size, 2)
})

test('what is shared is for whom all allow it, and never for more', () => {
  const admins = { auth: 'required', roles: ['ADMIN'] } as const
  const table = tableOf({
    shop: {
      manifests: {
        one: ['/', { path: '/admin', ...admins, roles: ['ADMIN', 'OWNER'] }, '/open'],
        two: ['/', { path: '/admin', ...admins }, { path: '/open', auth: 'required' }],
      },
    },
  })
  assert.equal(get(table, '/')?.auth, undefined)
  const admin = get(table, '/admin')
  assert.deepEqual([admin?.auth, admin?.roles, admin?.claims.length], ['required', ['ADMIN'], 2])
  assert.equal(get(table, '/open')?.auth, 'required')
  const alone = table.withService(change('shop', { manifests: { one: ['/open'] } }))
  assert.equal(get(alone, '/open')?.auth, undefined)
})

test('who asks for other roles than the one before waits until it is gone', () => {
  const manifests = {
    one: [{ path: '/admin', auth: 'required', roles: ['ADMIN'] } as const],
    two: [{ path: '/admin', auth: 'required', roles: ['MANAGER'] } as const, '/new'],
  }
  const both = tableOf({ shop: { manifests } })
  assert.deepEqual(get(both, '/admin')?.claims, ['shop\0one'])
  assert.deepEqual(get(both, '/admin')?.roles, ['ADMIN'])
  const [conflict] = both.conflicts()
  assert.deepEqual([conflict?.pattern, conflict?.incumbent, conflict?.newcomer], ['/admin', 'shop', 'shop'])
  const later = both.withService(change('shop', { manifests: { two: manifests.two } }))
  assert.deepEqual(get(later, '/admin')?.roles, ['MANAGER'])
  assert.equal(later.conflicts().length, 0)
})

test('services of a rollout group share a route for whom both allow it', () => {
  const table = tableOf({
    old: { rank: 1, group: 'shop', manifests: { one: [{ path: '/pay', auth: 'required' }, '/terms'] } },
    new: {
      rank: 2,
      group: 'shop',
      manifests: { two: [{ path: '/pay', auth: 'required', providers: ['corp'] }, '/terms'] },
    },
  })
  const pay = get(table, '/pay')
  assert.deepEqual([pay?.auth, pay?.providers, pay?.sharedWith], ['required', ['corp'], ['new']])
  assert.deepEqual([get(table, '/terms')?.auth, get(table, '/terms')?.sharedWith], [undefined, ['new']])
})

test('a manifest that says a route twice is served by the stricter word, method by method', () => {
  const table = tableOf({
    shop: {
      manifests: {
        one: [
          '/admin',
          { path: '/admin', auth: 'required', roles: ['ADMIN'] },
          { path: '/orders', auth: 'required' },
          { path: '/orders', methods: ['GET'] },
          { path: '/torn', auth: 'required', roles: ['A'] },
          { path: '/torn', auth: 'required', roles: ['B'] },
        ],
      },
    },
  })
  assert.deepEqual(get(table, '/admin')?.roles, ['ADMIN'])
  // Everybody may read, who is signed in may write.
  assert.equal(get(table, '/orders')?.auth, undefined)
  assert.equal(get(table, '/orders', 'POST')?.auth, 'required')
  assert.deepEqual(get(table, '/torn')?.roles, ['A'])
})

const FLOODS: Readonly<Record<string, (n: number) => Declared>> = {
  'one shape': (n) => `/x/{id${n}}`,
  'a method each': (n) => ({ path: '/x', methods: [`M${n}`] }),
  'parameters that differ in their text': (n) => `/x/{id}.v${n}`,
  'methods that are open and closed': (n) =>
    n % 2 === 0
      ? { path: '/x', methods: [`M${n}`] }
      : { path: '/x', auth: 'required', roles: [`R${n}`, 'A'] },
  'a host each': (n) => ({ path: '/x', host: `h${n}.example` }),
}
for (const [what, declare] of Object.entries(FLOODS)) {
  test(`20 000 routes with ${what} neither stop the gateway nor slow down a request`, () => {
    const declared = Array.from({ length: 20_000 }, (_, n) => declare(n))
    const flood = change('flood', { manifests: { one: declared } })
    const rival = change('rival', { rank: 1, manifests: { one: declared } })
    // Ten times what it takes; comparing each with each takes more than a hundred times that.
    const table = within(2000, () => emptyTable().withService(flood).withService(rival))
    assert.ok(table.conflicts().length > 0)
    within(500, () => {
      for (let n = 0; n < 1000; n++) get(table, '/x/7.nothing', 'PUT')
    })
    const left = within(2000, () => table.withoutService('flood'))
    assert.deepEqual(left.conflicts(), [])
    assert.ok([...left.routes()].every(({ service }) => service === 'rival'))
  })
}

function within<T>(milliseconds: number, work: () => T): T {
  const begin = performance.now()
  const result = work()
  const took = performance.now() - begin
  assert.ok(took < milliseconds, `took ${took.toFixed(0)} ms`)
  return result
}

test('by the rules of hydra-router the most specific route takes any method, and other routes are not passed over; sites are found by the name of their service', () => {
  const table = tableOf({
    plain: { manifests: { m: ['/a/{id}', '/b'] } },
    shop: {
      rank: 1,
      manifests: {
        m: [
          { path: '/a/**', methods: ['GET'], flywheel: 'route' },
          { path: '/a/b/{id}', methods: ['POST'], flywheel: 'route' },
          { path: '/shop/**', flywheel: 'site' },
        ],
      },
    },
    orders: { rank: 2, manifests: { m: [{ path: '/a/b/{id}', methods: ['GET'], flywheel: 'route' }] } },
  })
  assert.equal(table.leniently('', '/a/b/c/d')?.pattern.text, '/a/**')
  assert.equal(table.leniently('', '/a/b/7')?.pattern.text, '/a/b/{id}')
  assert.equal(table.leniently('', '/b')?.service, 'plain')
  assert.equal(table.leniently('', '/a/7')?.service, 'plain')
  assert.equal(table.leniently('', '/shop/x'), undefined)
  assert.equal(table.leniently('', '/%zz'), undefined)
  assert.equal(table.site('shop')?.pattern.text, '/shop/**')
  for (const name of ['plain', 'orders', 'a', '', '-', 'shop/', '__proto__'])
    assert.equal(table.site(name), undefined)
  assert.equal(emptyTable().site('shop'), undefined)
})
