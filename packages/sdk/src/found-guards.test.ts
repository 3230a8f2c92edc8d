import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectRoutes } from './exported.ts'
import type { FoundRoute } from './found.ts'
import { guarded } from './found-guards.ts'

const route = (path: string, ...methods: string[]): FoundRoute => ({
  path,
  dialect: 'express',
  kind: 'route',
  ...(methods.length > 0 && { methods }),
})
const guard = (path: string, more: Partial<FoundRoute> = {}): FoundRoute => ({
  path,
  dialect: 'express',
  kind: 'guard',
  access: { auth: 'required' },
  ...more,
})
const below = { isForAllBelow: true }

/** `METHODS path`, with a `!` for those who are signed in, and roles. */
function told(...routes: FoundRoute[]): string[] {
  return guarded(routes).map(({ methods, path, access }) => {
    const who = access ? ` !${access.roles?.join() ?? ''}` : ''
    return `${methods?.join() ?? 'any'} ${path}${who}`
  })
}

test('a guard is for what comes after it, at its path and below', () => {
  assert.deepEqual(
    told(
      route('/admin/login', 'GET'),
      guard('/admin', below),
      route('/admin', 'GET'),
      route('/admin/:id/edit', 'GET'),
      route('/administrators', 'GET'),
      route('/:page', 'GET'),
    ),
    ['GET /admin/login', 'GET /admin !', 'GET /admin/:id/edit !', 'GET /administrators', 'GET /:page'],
  )
  assert.deepEqual(told(guard('/', below), route('/', 'GET'), route('/any/*rest')), [
    'GET / !',
    'any /any/*rest !',
  ])
})

test('a guard of some methods is for those alone', () => {
  assert.deepEqual(
    told(
      guard('/orders', { methods: ['POST'] }),
      route('/orders', 'GET'),
      route('/orders', 'POST'),
      route('/orders'),
      route('/orders/:id', 'POST'),
    ),
    ['GET /orders', 'POST /orders !', 'any /orders', 'POST /orders/:id'],
  )
  assert.deepEqual(told(guard('/x', { methods: ['GET'] }), route('/x', 'GET', 'HEAD')), ['GET,HEAD /x !'])
  assert.deepEqual(told(guard('/x', { methods: ['POST'] }), route('/x', 'GET', 'POST', 'PUT')), [
    'GET,PUT /x',
    'POST /x !',
  ])
})

test('OPTIONS that a framework answers by itself stays open, as browsers ask it without cookies', () => {
  assert.deepEqual(told(guard('/x', { methods: ['GET'] }), route('/x', 'GET', 'OPTIONS')), [
    'GET /x !',
    'OPTIONS /x',
  ])
  assert.deepEqual(told(guard('/x', below), route('/x', 'GET', 'OPTIONS')), ['GET,OPTIONS /x !'])
})

test('of two guards the inner one says which roles', () => {
  const admin = { access: { auth: 'required', roles: ['ADMIN'] } } as const
  assert.deepEqual(told(guard('/', below), guard('/a', { ...below, ...admin }), route('/a/b', 'GET')), [
    'GET /a/b !ADMIN',
  ])
})

test('a guard at a path nobody can read closes nothing by mistake', () => {
  assert.deepEqual(told(guard('/(', below), route('/(', 'GET'), route('/x', 'GET')), ['GET /(', 'GET /x'])
})

/** What goes to the gateway, and what people read of it. */
function offered(...routes: FoundRoute[]) {
  return selectRoutes({ routes, warnings: [] }, { exclude: [] }).exported.map(
    ({ declaration: { methods, path, auth, roles }, patterns }) =>
      `${methods?.join() ?? 'any'} ${path}${auth ? ` ${auth}` : ''}${roles ? ` ${roles}` : ''}${patterns.length === 0 ? ' (unsaid)' : ''}`,
  )
}

test('routes of one path for different people stay apart, and the first of them answers', () => {
  const admin = { access: { auth: 'required', roles: ['ADMIN'] } } as const
  assert.deepEqual(
    offered(
      guard('/orders', { methods: ['POST'], ...admin }),
      route('/orders', 'GET', 'OPTIONS'),
      route('/orders', 'POST', 'OPTIONS'),
      route('/orders', 'DELETE', 'OPTIONS'),
    ),
    ['GET,OPTIONS,DELETE /orders', 'POST /orders required ADMIN'],
  )
  assert.deepEqual(
    offered(route('/x', 'GET'), guard('/x', { ...admin }), route('/x', 'GET', 'PUT'), route('/x')),
    ['GET /x', 'PUT /x required ADMIN'].map((line) => line.replace('PUT', 'any')),
    'a later one for any method takes what is left',
  )
  assert.deepEqual(
    offered(guard('/y', { methods: ['GET'] }), { ...route('/y', 'GET', 'OPTIONS'), looseSlash: true }),
    ['GET /y required', 'GET /y/ required (unsaid)', 'OPTIONS /y (unsaid)', 'OPTIONS /y/ (unsaid)'],
  )
})
