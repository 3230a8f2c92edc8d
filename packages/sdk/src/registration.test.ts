import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RefDeclaration } from '@hydra-gateway/protocol'
import { fragment } from './fragments/fragment.ts'
import { checkOptions, compileRegistration } from './registration.ts'

const facts = {
  instanceId: 'a'.repeat(32),
  activeSince: 1,
  host: '127.0.0.1',
  port: 3001,
  protocol: 'http',
  exported: [],
  statics: ['logo.svg'],
} as const

test('menu items may say path or endpoint, and a list is the main menu', () => {
  const items = [
    { path: '/orders', label: 'Orders', order: 1 },
    { endpoint: '/cart', label: 'Cart', icon: 'cart' },
  ]
  const menu = [
    { endpoint: '/orders', label: 'Orders', order: 1 },
    { endpoint: '/cart', label: 'Cart', icon: 'cart' },
  ]
  assert.deepEqual(compileRegistration({ name: 'orders', menu: items }, facts).menuItems, { main: menu })
  const whole = {
    label: 'A',
    group: 'G',
    parent: '/b',
    roles: ['STAFF'],
    signedOut: 'show',
    order: 2,
  } as const
  assert.deepEqual(
    compileRegistration({ name: 'orders', menu: [{ path: '/a', ...whole }] }, facts).menuItems,
    { main: [{ endpoint: '/a', ...whole }] },
  )
  assert.deepEqual(compileRegistration({ name: 'orders', menu: { foot: items } }, facts).menuItems, {
    foot: menu,
  })
})

test('what was not said is not sent', () => {
  const sent = compileRegistration({ name: 'orders', weight: undefined as never, title: 'Orders' }, facts)
  assert.ok(!('weight' in sent) && !('version' in sent))
  assert.equal(sent.title, 'Orders')
})

test('sockets with an optional end are two paths', () => {
  const sent = compileRegistration({ name: 'orders', sockets: ['/live/{room?}'] }, facts)
  assert.deepEqual(sent.sockets, ['/live', '/live/{room}'])
})

test('options no gateway would accept are refused at once, all faults together', () => {
  assert.throws(() => checkOptions({ name: '' }), /name: a service needs a name/)
  assert.throws(() => checkOptions({ name: 'a/b' }), /may not contain/)
  assert.throws(() => checkOptions({} as never), /a service needs a name/)
  assert.throws(
    () => checkOptions({ name: 'x', weight: -1, menu: [{ path: '/x', label: '' }] }),
    /label: .*; weight: /,
  )
  assert.throws(() => checkOptions({ name: 'x', include: ['/a/{'] }), /include: /)
  assert.throws(
    () => checkOptions({ name: 'x', routes: [{ path: '/x', methods: ['NOT A METHOD'] }] }),
    /not an HTTP method/,
  )
  assert.throws(() => checkOptions({ name: 'x', sockets: ['no-slash'] }), /sockets/)
})

test('whom a service, its routes, sockets and fragments are for goes to the gateway', () => {
  const staff = fragment('tasks', { roles: ['STAFF'] }, () => '<p>')
  const open = fragment('clock', { auth: 'optional' }, () => '<p>')
  const sent = compileRegistration(
    {
      name: 'orders',
      auth: 'required',
      login: 'header',
      cookies: 'own',
      fragments: [staff, open],
      sockets: ['/live', { path: '/staff/{room}', roles: ['STAFF'], providers: ['corp'] }],
    },
    { ...facts, exported: [{ declaration: { path: '/orders', roles: ['ADMIN'] }, patterns: [] }] },
  )
  assert.deepEqual(
    [sent.auth, sent.login, sent.cookies, sent.sockets],
    ['required', 'header', 'own', ['/live']],
  )
  assert.deepEqual(sent.routes, [
    { path: '/orders', roles: ['ADMIN'] },
    { path: '/staff/{room}', socket: true, roles: ['STAFF'], providers: ['corp'] },
  ])
  assert.deepEqual(
    (sent.refs as RefDeclaration[]).map(({ auth, roles }) => [auth, roles]),
    [
      [undefined, ['STAFF']],
      ['optional', undefined],
    ],
  )
  assert.throws(() => checkOptions({ name: 'x', sockets: [{ path: 'live' }] }), /sockets/)
  assert.throws(() => checkOptions({ name: 'x', role: ['A'] } as never), /did you mean "roles"/)
})
