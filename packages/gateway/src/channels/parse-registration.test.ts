import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HydraError } from '../errors.ts'
import { parseRegistration } from './parse-registration.ts'

const BEAN = { name: 'orders', host: '127.0.0.1', port: 3001 }
const read = (more: object) => parseRegistration({ ...BEAN, ...more }, 10_000)
const refusalOf = (more: object): HydraError => {
  try {
    read(more)
  } catch (error) {
    assert.ok(error instanceof HydraError)
    return error
  }
  assert.fail('it was taken')
}

test('an item whose access is misspelled is shown to nobody, and whoever wrote it is told', () => {
  const kept = { label: 'Orders', endpoint: '/orders', order: 1 }
  for (const name of ['role', 'Roles', 'rolse', 'auth', 'requiredRoles', 'permissions', 'provider']) {
    const { registration, notes } = read({
      menuItems: { main: [{ label: 'Staff', endpoint: '/staff', [name]: ['STAFF'] }, kept] },
    })
    assert.deepEqual(registration.menuItems, { main: [kept] }, name)
    assert.match(notes.join(), /item "\/staff" of menu "main" is left out: .* did you mean roles\?/)
  }
  assert.deepEqual(
    read({ menu: [{ label: 'Staff', path: '/staff', role: 'STAFF' }] }).registration.menuItems,
    {
      main: [],
    },
  )
  assert.deepEqual(read({ menuItems: [{ ...kept, role: null }] }).registration.menuItems, { main: [kept] })
})

test('a route, a fragment or a service whose access is misspelled is not taken', () => {
  const route = { path: '/staff' }
  for (const [more, path, meant] of [
    [{ routes: [{ path: '/' }, { ...route, role: ['STAFF'] }] }, 'routes.1.role', 'roles'],
    [{ routes: [{ ...route, permissions: ['STAFF'] }] }, 'routes.0.permissions', 'roles'],
    [{ refs: [{ ref: 'a', Auth: 'required' }] }, 'refs.0.Auth', 'auth'],
    [{ rols: ['STAFF'] }, 'rols', 'roles'],
    [{ provider: ['oidc'] }, 'provider', 'providers'],
  ] as const) {
    const { code, options } = refusalOf(more) as HydraError & { options?: unknown }
    assert.equal(code, 'HYDRA_BAD_REGISTRATION', String(options))
    assert.match(refusalOf(more).message, new RegExp(`^${path}: .*did you mean ${meant}\\?$`))
  }
})

test('fields that look like others are told of, and all else is left alone', () => {
  const { notes, registration } = read({
    menuItem: [],
    roleMappings: {},
    medusaWords: 1,
    constructor: 1,
    routes: [{ path: '/a', method: ['GET'] }],
    menu: { main: [{ label: 'A', path: '/a', lable: 'x', icons: 'y', whatever: 1 }] },
  })
  assert.deepEqual(notes, [
    '"menuItem" means nothing here; did you mean menuItems?',
    'routes 0: "method" means nothing here; did you mean methods?',
    'item "/a" of menu "main": "lable" means nothing here; did you mean label?',
    'item "/a" of menu "main": "icons" means nothing here; did you mean icon?',
  ])
  assert.deepEqual(registration.menuItems, { main: [{ label: 'A', endpoint: '/a' }] })
  assert.match(read({ menu: [], menuItems: {} }).notes.join(), /"menu" is not read beside "menuItems"/)
})

test('what is to be told is bounded, and so is what is looked for', () => {
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x${i}`, 1]))
  const routes = Array.from({ length: 500 }, (_, i) => ({ path: `/${i}`, method: [] }))
  assert.equal(read({ routes }).notes.length, 20)
  read({ ...fields(900), ['long'.repeat(100_000)]: 1 })
  assert.equal(refusalOf(fields(2000)).code, 'HYDRA_TOO_LARGE')
})
