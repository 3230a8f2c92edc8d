import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MenuEntry, type MenuItem, parsePattern } from '@hydra-gateway/protocol'
import type { Access, RouteSpec } from '../routing/route.ts'
import { emptyTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import { createVitals } from '../routing/vitals.ts'
import { compileMenus, type MenuSource, type MenuSources } from './menu.ts'

interface Stated {
  readonly paths?: Readonly<Record<string, Access & Partial<RouteSpec>>> | readonly string[]
  readonly menuItems?: Readonly<Record<string, readonly MenuItem[]>>
  readonly main?: readonly MenuItem[]
  readonly instances?: number
  readonly group?: string
}

/** Services in the order they came, each with one version. */
function site(services: Readonly<Record<string, Stated>>, more: Partial<MenuSources> = {}) {
  const vitals = createVitals()
  let table = emptyTable()
  const entries = Object.entries(services).map(([name, stated], index): MenuSource => {
    const { paths = [], instances = 1, group, main, menuItems = main ? { main } : {} } = stated
    const named = Array.isArray(paths) ? Object.fromEntries(paths.map((path) => [path, {}])) : paths
    const routes = Object.entries(named as Record<string, object>).flatMap(([path, access]) =>
      parsePattern(path).patterns.map((pattern): RouteSpec => ({ pattern, kind: 'page', ...access })),
    )
    table = table.withService({
      service: { name, title: name.toUpperCase(), channel: 'rsocket' },
      rank: index,
      ...(group && { group }),
      manifests: [{ hash: name, routes }],
      instances: Array.from(
        { length: instances },
        (_, at) => ({ id: `${name}-${at}`, service: name, manifest: name }) as unknown as Instance,
      ),
    })
    return { name, rank: index, declared: { menuItems: menuItems as never } }
  })
  const compile = () => compileMenus({ entries, table, vitals, maxItems: 500, ...more })
  return { vitals, entries, compile, table }
}

const item = (endpoint: string, more: Partial<MenuItem> = {}): MenuItem => ({
  endpoint,
  label: endpoint,
  ...more,
})
const brief = (entries: readonly MenuEntry[] = []) =>
  entries.map(({ endpoint, state, reason }) => [endpoint, state, ...(reason ? [reason] : [])].join(' '))
const endpoints = (entries: readonly MenuEntry[] = []) => entries.map(({ endpoint }) => endpoint)

test('an item is as the page it leads to, whoever declares it', () => {
  const { vitals, compile } = site({
    home: {
      paths: ['/'],
      main: [item('/'), item('/orders/7?tab=1'), item('/stock'), item('/away'), item('/nobody')],
    },
    orders: { paths: ['/orders/{id}'], instances: 2 },
    stock: { paths: ['/stock'] },
    away: { paths: ['/away'], instances: 0 },
  })
  vitals.rest('orders-0')
  vitals.rest('stock-0')
  const { menus, faults } = compile()
  assert.deepEqual(brief(menus.main), [
    '/ available',
    '/away down AWAY is away for a moment',
    '/nobody down There is nothing at this address yet',
    '/orders/7?tab=1 available',
    '/stock down STOCK is away for a moment',
  ])
  assert.deepEqual(
    menus.main!.map(({ leadsTo }) => leadsTo),
    [undefined, 'away', '', 'orders', 'stock'],
  )
  assert.deepEqual(
    faults.listed.map(({ fault, endpoint, isShown }) => [fault, endpoint, isShown]),
    [
      ['other-service', '/away', true],
      ['unknown-route', '/nobody', true],
      ['other-service', '/orders/7?tab=1', true],
      ['other-service', '/stock', true],
    ],
  )
  assert.deepEqual(faults.of('orders'), { listed: [], more: 0 })
})

test('a service that serves badly has degraded items, and a group shares its routes', () => {
  const { compile } = site(
    {
      a: { paths: ['/a', '/both'], group: 'x', main: [item('/a'), item('/both')] },
      b: { paths: ['/both'], group: 'x', main: [item('/both', { label: 'Again' })] },
    },
    { healthOf: (service) => (service === 'b' ? 'degraded' : 'available') },
  )
  const { menus, faults } = compile()
  assert.deepEqual(brief(menus.main), ['/a available', '/both degraded A is slower than usual'])
  assert.deepEqual(
    faults.listed.map(({ fault, service }) => [fault, service]),
    [['duplicate', 'b']],
  )
})

test('of two items with one address the one of the page stays, else the one that was here first', () => {
  const { compile } = site({
    first: { paths: ['/x'], main: [item('/x?'), item('/orders', { label: 'Mine' }), item('/nobody')] },
    second: { main: [item('/./orders'), item('/nobody', { label: 'Later' })] },
    orders: {
      paths: ['/orders'],
      main: [item('/orders', { label: 'Orders' }), item('/orders', { label: 'Twice' }), item('/orders?a')],
    },
  })
  const { menus, faults } = compile()
  assert.deepEqual(
    menus.main!.map(({ endpoint, label, service }) => [endpoint, label, service]),
    [
      ['/nobody', '/nobody', 'first'],
      ['/orders?a', '/orders?a', 'orders'],
      ['/x?', '/x?', 'first'],
      ['/orders', 'Orders', 'orders'],
    ].sort(([, a], [, b]) => (a! < b! ? -1 : 1)),
  )
  assert.deepEqual(
    faults.listed
      .filter(({ fault }) => fault === 'duplicate')
      .map(({ service, endpoint, reason }) => [
        service,
        endpoint,
        /^.* is (?:left out|there twice)/.test(reason),
      ]),
    [
      ['first', '/orders', true],
      ['orders', '/orders', true],
      ['second', '/orders', true],
      ['second', '/nobody', true],
    ],
  )
})

test('items stand by order, then label, then address; groups together, children behind their parents', () => {
  const { compile } = site({
    one: {
      paths: ['/{any*}'],
      main: [
        item('/z', { label: 'Zebra', order: 1 }),
        item('/b', { label: 'Same' }),
        item('/a', { label: 'Same' }),
        item('/g2', { label: 'Yak', group: 'G' }),
        item('/g1', { label: 'Ant', group: 'G' }),
        item('/child', { label: 'Aardvark', parent: '/b' }),
        item('/grandchild', { parent: '/child', group: 'H' }),
        item('/late', { label: 'Bee', order: 2 }),
        item('/early', { label: 'éa', order: -1 }),
      ],
    },
  })
  assert.deepEqual(endpoints(compile().menus.main), [
    ...['/early', '/z', '/late', '/g1', '/g2'],
    ...['/a', '/b', '/child', '/grandchild'],
  ])
})

test('an item whose parent is not there, or stands below itself, is at the top, and its service is told', () => {
  const { compile } = site({
    one: {
      paths: ['/{any*}'],
      main: [
        item('/a', { parent: '/b' }),
        item('/b', { parent: '/c' }),
        item('/c', { parent: '/a' }),
        item('/tail', { parent: '/b' }),
        item('/self', { parent: '/self' }),
        item('/lost', { parent: 'javascript:alert(1)' }),
        item('/top'),
        item('/below', { parent: '/x/../top' }),
      ],
    },
  })
  const { menus, faults } = compile()
  assert.deepEqual(
    menus.main!.map(({ endpoint, parent }) => `${endpoint} ${parent ?? ''}`),
    ['/a ', '/b ', '/tail /b', '/c ', '/lost ', '/self ', '/top ', '/below /top'],
  )
  assert.deepEqual(
    faults.listed.map(({ fault, endpoint }) => `${fault} ${endpoint}`),
    ['/a', '/b', '/c', '/lost', '/self'].map((endpoint) => `unknown-parent ${endpoint}`),
  )
})

test('an item is for who may have its page and has one of its own roles', () => {
  const { compile } = site({
    home: { main: [item('/desk', { roles: ['BOSS'], signedOut: 'show' })] },
    desk: {
      paths: { '/desk': { auth: 'required', roles: ['STAFF'] }, '/open': {} },
      main: [item('/open'), item('/open?mine', { roles: ['STAFF'] })],
    },
  })
  const staff = { service: 'desk', auth: 'required', roles: ['STAFF'] }
  const boss = { service: 'home', auth: 'required', roles: ['BOSS'] }
  const [desk, open, mine] = compile().menus.main!
  assert.deepEqual(desk?.demands, [staff, boss])
  assert.equal(desk?.signedOut, 'show')
  assert.equal(open?.demands, undefined)
  assert.deepEqual(mine?.demands, [staff])
})

test('items may lead to the sign-in where there is one, and never to other paths of the gateway', () => {
  const services = { all: { paths: ['/{any*}'], main: [item('/login'), item('/_hydra/menus/main')] } }
  assert.deepEqual(brief(site(services, { hasLogin: true }).compile().menus.main), [
    '/_hydra/menus/main down There is nothing at this address yet',
    '/login available',
  ])
  const [, login] = site(services).compile().menus.main!
  assert.equal(login?.leadsTo, undefined, 'a service has it')
})

test('hostile items are left out or kept as text, and each is reported', () => {
  const label = '<img src=x onerror=alert(1)>"\'&\u202e'
  const { compile } = site({
    evil: {
      paths: ['/a', '/constructor'],
      menuItems: {
        main: [
          item('/a', { label, icon: '"><script>', group: '</span>' }),
          ...[
            'javascript:alert(1)',
            '//evil.example',
            '/\\evil.example',
            '/a\u0000',
            '/{id}',
            'https://x/',
          ].map((endpoint) => item(endpoint)),
        ],
        constructor: [item('/constructor')],
        toString: [item('http://x')],
      },
    },
    proto: { menuItems: JSON.parse('{"__proto__":[{"endpoint":"/a","label":"x"}]}') },
  })
  const { menus, faults } = compile()
  assert.deepEqual(endpoints(menus.main), ['/a'])
  assert.equal(menus.main![0]?.label, label)
  assert.deepEqual(Object.keys(menus), ['__proto__', 'constructor', 'main', 'toString'])
  assert.deepEqual(menus.toString as unknown, [], 'a menu of which all was left out is there, and empty')
  assert.equal(Object.getPrototypeOf(menus), Object.prototype)
  assert.equal(({} as Record<string, unknown>).endpoint, undefined)
  const left = faults.of('evil').listed
  assert.equal(left.filter(({ fault }) => fault === 'path').length, 7)
  assert.ok(left.every(({ isShown, reason }) => !isShown && reason.includes('/orders')))
  const [longest] = site({ x: { main: [item(`x${'/'.repeat(2000)}`)] } }).compile().faults.listed
  assert.ok(longest!.endpoint.length < 250 && longest!.reason.length < 500)
})

test('a menu ends at its most items; those beyond are counted, and no child is left without its parent', () => {
  const items = Array.from({ length: 10_000 }, (_, at) =>
    item(`/p/${at}`, at > 0 && at < 5000 ? { parent: `/p/${at - 1}` } : {}),
  )
  const one = site({ one: { paths: ['/p/{n}'], main: items } })
  const { menus, faults } = one.compile()
  assert.equal(menus.main!.length, 500)
  assert.equal(menus.main![0]?.endpoint, '/p/0')
  assert.equal(menus.main![499]?.parent, '/p/498')
  const { listed, more } = faults.of('one')
  assert.equal(listed.length + more, 9500)
  assert.equal(faults.more, more)
  assert.match(listed[0]!.reason, /at most 500 items\..*menus\.maxItems/)
})

test('forty thousand items of four services are put together within a moment', () => {
  const services = Object.fromEntries(
    ['a', 'b', 'c', 'd'].map((name) => [
      name,
      {
        paths: [`/${name}/{id}`],
        main: Array.from({ length: 10_000 }, (_, at) =>
          item(`/${name}/${at}?x=${at % 7}`, { group: `g${at % 20}`, order: at % 11, roles: ['A'] }),
        ),
      },
    ]),
  )
  const { compile } = site(services, { maxItems: 10_000 })
  compile()
  // What this process computed: others may have the machine meanwhile.
  const before = process.cpuUsage()
  assert.equal(compile().menus.main!.length, 10_000)
  const { user, system } = process.cpuUsage(before)
  const tookMs = (user + system) / 1000
  assert.ok(tookMs < 2000, `${tookMs} ms`)
})
