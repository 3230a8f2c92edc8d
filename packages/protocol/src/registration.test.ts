import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registration } from './registration.ts'

function faultsOf(bean: unknown): Record<string, string> {
  const { error } = registration.safeParse(bean)
  return Object.fromEntries(error?.issues.map(({ path, message }) => [path.join('.'), message]) ?? [])
}

test('a field that has to be there and is not, or is null, is said to be missing', () => {
  const missing = { name: 'name is missing', host: 'host is missing', port: 'port is missing' }
  assert.deepEqual(faultsOf({}), missing)
  assert.deepEqual(faultsOf({ name: null, host: null, port: null }), missing)
  const bean = { name: 'orders', host: '127.0.0.1', port: 3001 }
  assert.deepEqual(faultsOf(bean), {})
  assert.deepEqual(faultsOf({ ...bean, routes: [{}], menuItems: { main: [{}] } }), {
    'routes.0.path': 'path is missing',
    'menuItems.main.0.endpoint': 'endpoint is missing',
    'menuItems.main.0.label': 'label is missing',
  })
})

test('a list of menu items alone is the menu main, and the path of an item has two names', () => {
  const bean = { name: 'orders', host: '127.0.0.1', port: 3001 }
  const item = { label: 'Orders', endpoint: '/orders' }
  for (const menuItems of [{ main: [item] }, [item], [{ label: 'Orders', path: '/orders' }]])
    assert.deepEqual(registration.parse({ ...bean, menuItems }).menuItems, { main: [item] })
  assert.deepEqual(faultsOf({ ...bean, menuItems: [{ label: 'x', path: 7 }] }), {
    'menuItems.main.0.endpoint': 'Invalid input: expected string, received number',
  })
})

test('a field of another kind is told what was expected', () => {
  assert.match(faultsOf({ name: 'orders', host: 7, port: '3001' }).host ?? '', /expected string/)
  assert.match(faultsOf({ name: 'orders', host: 'a', port: '3001' }).port ?? '', /expected number/)
})
