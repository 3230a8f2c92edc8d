import assert from 'node:assert/strict'
import { test } from 'node:test'
import { translate } from '@hydra-gateway/protocol'
import { announce } from './announce.ts'
import { type Exported, selectRoutes } from './exported.ts'
import { fragment } from './fragments/fragment.ts'
import type { AccessOptions } from './identity/access.ts'

test('the list at start names what is offered and what stays inside', () => {
  const selection = selectRoutes(
    {
      routes: [
        { path: '/orders', dialect: 'express', kind: 'route', methods: ['GET', 'OPTIONS'], looseSlash: true },
        { path: '/orders/:id', dialect: 'express', kind: 'route', methods: ['GET', 'PUT', 'OPTIONS'] },
        { path: '/metrics', dialect: 'express', kind: 'route', methods: ['GET'] },
      ],
      warnings: [],
    },
    {},
  )
  assert.equal(
    announce({ name: 'orders', port: 3001, selection, sockets: ['/orders/live'], statics: 2 }),
    [
      'orders offers 4 routes from port 3001',
      '  GET        /orders',
      '  GET PUT    /orders/{id}',
      '  WebSocket  /orders/live',
      '  static     /orders/… (2 files)',
      '  stays inside: /metrics (for operators; name it in include to offer it)',
    ].join('\n'),
  )
})

test('a long list is cut, and says so', () => {
  const routes = Array.from({ length: 100 }, (_, index) => `/r${index}`)
  const text = announce({
    name: 'x',
    port: 1,
    selection: selectRoutes({ routes: [], warnings: [] }, { routes }),
    sockets: [],
    statics: 0,
  })
  assert.equal(text.split('\n').length, 41)
  assert.match(text, /… and 61 more$/)
})

test('fragments stand in the list with what crosses, and pages with what they ask for', () => {
  const html = () => ''
  const fragments = [
    fragment('checkout', { imports: ['sku'], exports: ['total', 'tax'] }, html),
    fragment('closed', { imports: [] }, html),
    fragment('open', html),
  ]
  const nothing = { selection: selectRoutes({ routes: [], warnings: [] }, {}), sockets: [], statics: 0 }
  const uses = [{ service: 'stock', ref: 'left', place: 'product.html:12:5' }]
  assert.equal(
    announce({ ...nothing, name: 'orders', port: 3001, sockets: ['/live'], fragments, uses }),
    [
      'orders offers 1 route and 3 fragments from port 3001',
      '  WebSocket  /live',
      '  fragment   checkout (imports sku; exports total, tax)',
      '  fragment   closed',
      '  fragment   open (imports anything)',
      '  asks for   left of stock (product.html:12:5)',
    ].join('\n'),
  )
  assert.match(
    announce({ ...nothing, name: 'orders', port: 3001, fragments: fragments.slice(0, 1) }),
    /^orders offers 1 fragment from port 3001\n/,
  )
})

test('what is asked of the whole service stands beside all it offers, and `everybody` where a part is open', () => {
  const declared = (declaration: Exported['declaration']): Exported => ({
    declaration,
    patterns: translate('hydra', declaration.path).patterns,
  })
  const exported = [
    declared({ path: '/ledger' }),
    declared({ path: '/ledger/close', roles: ['ACCOUNTANT'] }),
    declared({ path: '/ledger/about', auth: 'optional' }),
  ]
  const fragments = [fragment('tasks', { imports: [], roles: ['STAFF'] }, () => '')]
  const selection = { exported, leftOut: [], warnings: [] }
  const said = (access: AccessOptions) =>
    announce({ name: 'x', port: 1, selection, access, sockets: ['/live'], statics: 1, fragments })
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replace(/^\S+ +/, ''))
  assert.deepEqual(said({ auth: 'required' }), [
    '/ledger (signed in)',
    '/ledger/close (ACCOUNTANT)',
    '/ledger/about (everybody)',
    '/live (signed in)',
    '/x/… (1 file; signed in)',
    'tasks (STAFF)',
  ])
  assert.deepEqual(said({ providers: ['corp'] }), [
    '/ledger (signed in, by corp)',
    '/ledger/close (ACCOUNTANT, by corp)',
    '/ledger/about (everybody)',
    '/live (signed in, by corp)',
    '/x/… (1 file; signed in, by corp)',
    'tasks (STAFF, by corp)',
  ])
})

test('whom something is for stands beside it', () => {
  const declared = (declaration: Exported['declaration']): Exported => ({
    declaration,
    patterns: translate('hydra', declaration.path).patterns,
  })
  const exported = [
    declared({ path: '/orders', auth: 'required' }),
    declared({ path: '/admin', roles: ['ADMIN', 'ROOT'], providers: ['corp'] }),
    declared({ path: '/live', socket: true }),
    declared({ path: '/open', auth: 'optional' }),
  ]
  const sockets = ['/chat', { path: '/staff', roles: ['STAFF'] }]
  const fragments = [fragment('tasks', { imports: [], roles: ['STAFF'] }, () => '')]
  const selection = { exported, leftOut: [], warnings: [] }
  assert.deepEqual(
    announce({ name: 'x', port: 1, selection, sockets, statics: 0, fragments }).split('\n').slice(1),
    [
      '  any        /orders (signed in)',
      '  any        /admin (ADMIN or ROOT, by corp)',
      '  WebSocket  /live',
      '  any        /open',
      '  WebSocket  /chat',
      '  WebSocket  /staff (STAFF)',
      '  fragment   tasks (STAFF)',
    ],
  )
})

test('menus stand in the list with whom their items are for', () => {
  const nothing = { selection: selectRoutes({ routes: [], warnings: [] }, {}), sockets: [], statics: 0 }
  const items = Array.from({ length: 10 }, (_, at) => ({ path: `/${at}`, label: `Item ${at}` }))
  const menu = {
    main: [
      { path: '/orders', label: 'Orders' },
      { path: '/returns', label: 'Returns', roles: ['STAFF', 'ADMIN'] },
    ],
    foot: items,
    none: [],
  }
  assert.equal(
    announce({ ...nothing, name: 'orders', port: 3001, sockets: ['/live'], menu }),
    [
      'orders offers 1 route from port 3001',
      '  WebSocket  /live',
      '  menu       main: Orders, Returns (STAFF or ADMIN)',
      '  menu       foot: Item 0, Item 1, Item 2, Item 3, Item 4, Item 5, Item 6, Item 7 … and 2 more',
    ].join('\n'),
  )
})
