import assert from 'node:assert/strict'
import { test } from 'node:test'
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
