import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RegistrationInput, registration } from '@hydra-gateway/protocol'
import { compileDeclaration, manifestHash } from './declaration.ts'

const bean = (more: Partial<RegistrationInput>) =>
  registration.parse({ name: 'shop', host: '127.0.0.1', port: 3000, ...more })

function compile(
  more: Partial<RegistrationInput>,
  { channel = 'rsocket' as 'rsocket' | 'http', hasLogin = true, hasRouterApi = false } = {},
) {
  const { manifest, refused } = compileDeclaration(bean(more), channel, {
    maxRoutes: 100,
    hasLogin,
    hasRouterApi,
  })
  const routes = Object.fromEntries(
    manifest.routes.map(({ pattern, kind, auth, roles, providers }) => [
      `${kind} ${pattern.text}`,
      { ...(auth && { auth }), ...(roles && { roles }), ...(providers && { providers }) },
    ]),
  )
  return { routes, refused }
}

test('what a registration says of everybody holds for each of its routes, unless the route says its own', () => {
  const { routes, refused } = compile(
    {
      auth: 'required',
      endpoints: ['/a'],
      sockets: ['/live'],
      staticResources: ['app.js'],
      routes: [
        { path: '/open', auth: 'optional' },
        { path: '/admin', roles: ['ADMIN'] },
        { path: '/corp', providers: ['corp'] },
        { path: '/b' },
      ],
    },
    { channel: 'http' },
  )
  const required = { auth: 'required' }
  assert.deepEqual(routes, {
    'page /a': required,
    'socket /live': required,
    'page /open': {},
    'page /admin': { auth: 'required', roles: ['ADMIN'] },
    'page /corp': { auth: 'required', providers: ['corp'] },
    'page /b': required,
    'socket /shop/socket': required,
    'static /shop/app.js': required,
  })
  assert.deepEqual(refused, [])
})

test('roles or providers ask for a sign-in, wherever they stand', () => {
  assert.deepEqual(compile({ roles: ['USER'], routes: [{ path: '/a' }] }).routes['page /a'], {
    auth: 'required',
    roles: ['USER'],
  })
  assert.deepEqual(compile({ routes: [{ path: '/a', roles: ['USER'] }] }).routes['page /a'], {
    auth: 'required',
    roles: ['USER'],
  })
  assert.deepEqual(compile({ routes: [{ path: '/a' }] }).routes['page /a'], {})
})

test('a route may be a WebSocket', () => {
  const { routes, refused } = compile({
    routes: [
      { path: '/live', socket: true, roles: ['USER'] },
      { path: '/never', socket: true, methods: ['POST'] },
    ],
  })
  assert.deepEqual(routes, { 'socket /live': { auth: 'required', roles: ['USER'] } })
  assert.deepEqual(refused, [
    { path: '/never', reason: 'a WebSocket begins with GET, which is not among its methods' },
  ])
})

test('what contradicts itself is told, and nobody gets in by it', () => {
  const { routes, refused } = compile({
    routes: [
      { path: '/**' },
      { path: '/admin', auth: 'optional', roles: ['ADMIN'] },
      { path: '/pay', auth: 'required', fallback: 'ftp://x' },
    ],
  })
  assert.deepEqual(
    refused.map(({ path }) => path),
    ['/admin', '/pay'],
  )
  assert.match(refused[0]!.reason, /'optional' beside roles/)
  // Otherwise the route for everything would be theirs.
  assert.deepEqual(routes['page /admin'], { auth: 'required', roles: ['ADMIN'] })
  assert.deepEqual(routes['page /pay'], { auth: 'required' })
  assert.throws(() => compile({ auth: 'optional', providers: ['corp'], endpoints: ['/a'] }), {
    code: 'HYDRA_BAD_REGISTRATION',
  })
})

test('sign-in has its paths to itself while there is one', () => {
  const declared: Partial<RegistrationInput> = {
    endpoints: ['/login', '/login/help'],
    routes: [{ path: '/logout' }],
  }
  const { routes, refused } = compile(declared)
  assert.deepEqual(Object.keys(routes), ['page /login/help'])
  assert.deepEqual(
    refused.map(({ path }) => path),
    ['/login', '/logout'],
  )
  assert.equal(Object.keys(compile(declared, { hasLogin: false }).routes).length, 3)
})

test('the router API has its paths to itself while there is one', () => {
  const declared: Partial<RegistrationInput> = {
    endpoints: ['/v1/router/version', '/v1/routers'],
    routes: [{ path: '/v1/router/**' }, { path: '/v1/**' }],
  }
  const { routes, refused } = compile(declared, { hasRouterApi: true })
  assert.deepEqual(Object.keys(routes), ['page /v1/routers', 'page /v1/**'])
  assert.deepEqual(
    refused.map(({ path }) => path),
    ['/v1/router/version', '/v1/router/**'],
  )
  assert.equal(Object.keys(compile(declared).routes).length, 4)
})

test('instances that say another thing of who may come are no siblings', () => {
  const hashes = [
    {},
    { auth: 'required' },
    { roles: ['A'] },
    { roles: ['B'] },
    { providers: ['A'] },
    { routes: [{ path: '/a', auth: 'required' }] },
  ] as const
  assert.equal(
    new Set(
      hashes.map((more) =>
        manifestHash(bean({ routes: [{ path: '/a' }], ...more } as Partial<RegistrationInput>), 'rsocket'),
      ),
    ).size,
    hashes.length,
  )
})
