import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unknownOptions, wrongAccess, wrongKinds } from './known-options.ts'

test('one text where several may stand is answered with that text in a list', () => {
  assert.deepEqual(wrongKinds({ exclude: '/zz', routes: '/x', sockets: '/live' }), [
    "exclude must be a list such as ['/zz']",
    "routes must be a list such as ['/x']",
    "sockets must be a list such as ['/live']",
  ])
})

test('an option of another kind is told what it must be', () => {
  const wrong = {
    include: [7],
    routes: [{ methods: ['GET'] }],
    statics: 7,
    menu: '/orders',
    weight: '10',
    affinity: 'yes',
    protocol: 'ftp',
    log: true,
    signal: {},
    graceMs: '10s',
    title: null,
    fragments: [() => '<p>'],
    pages: ['<p>'],
    sessions: { load() {} },
    identify: {},
    maxRenders: 0,
    maxRenderBytes: 1.5,
  }
  assert.deepEqual(wrongKinds(wrong), [
    "include must be a list such as ['/orders/**']",
    "routes must be a list such as ['/orders', 'POST /orders', { path: '/orders/{id}' }]",
    "statics must be a folder, or a list such as ['css/site.css']",
    "menu must be a list such as [{ path: '/orders', label: 'Orders' }], or lists by name of the menu",
    'weight must be a number',
    'affinity must be true or false',
    "protocol must be 'http' or 'https'",
    'log must be an object with info, warn and error, or false',
    'signal must be an AbortSignal',
    'graceMs must be a number',
    'title must be a text',
    "fragments must be a list such as [fragment('checkout', handler)]",
    "pages must be a list such as [page('<h1>…</h1>')]",
    'sessions must be an object with the functions load and save',
    'identify must be a function that takes a token',
    'maxRenders must be a whole number, 1 or more',
    'maxRenderBytes must be a whole number, 1 or more',
  ])
})

test('options as the guide has them are fine', () => {
  const options = {
    name: 'orders',
    port: 3001,
    routes: ['/orders', { path: '/upload' }],
    statics: 'public',
    menu: { main: [{ path: '/orders', label: 'Orders' }], footer: [] },
    version: '2.4.0',
    fallback: undefined,
    signal: new AbortController().signal,
    log: console,
  }
  assert.deepEqual(wrongKinds(options), [])
  assert.deepEqual(wrongKinds({ ...options, statics: ['a.css'], menu: [], log: false, version: 2 }), [])
  assert.deepEqual(unknownOptions(options), [])
})

test('a mistyped option is named with the one that was probably meant', () => {
  assert.deepEqual(unknownOptions({ sokets: [], fallBack: '/sorry', colour: 'red', constructor: 1 }), [
    '"sokets" is no option; did you mean "sockets"?',
    '"fallBack" is no option; did you mean "fallback"?',
    '"colour" is no option',
    '"constructor" is no option',
  ])
  assert.deepEqual(unknownOptions({ fragment: [], page: [], identity: 0, session: {} }), [
    '"fragment" is no option; did you mean "fragments"?',
    '"page" is no option; did you mean "pages"?',
    '"identity" is no option; did you mean "identify"?',
    '"session" is no option; did you mean "sessions"?',
  ])
})

test('a mistake in whom something is for is an error, as it would leave open what was meant to be closed', () => {
  const wrong = {
    role: ['ADMIN'],
    auth: 'yes',
    providers: 'corp',
    routes: ['/a', { path: '/b', rolles: ['ADMIN'] }, { path: '/c', roles: 'ADMIN' }, { path: '/d', max: 1 }],
    menu: {
      main: [{ path: '/m', label: 'M', role: ['ADMIN'] }],
      foot: [{ endpoint: '/n', label: 'N', roles: 'ADMIN' }],
    },
    sockets: ['/s', { path: '/t', methods: ['GET'] }, { path: '/u', auth: 'optional', roles: ['A'] }],
  }
  assert.deepEqual(wrongAccess(wrong), [
    '"role" is no option; did you mean "roles"?',
    "auth must be 'optional' or 'required'",
    "providers must be a list such as ['corp']",
    'routes: /b: "rolles" is no option of a route; did you mean "roles"?',
    "routes: /c: roles must be a list such as ['ADMIN']",
    'routes: /d: "max" is no option of a route',
    'sockets: /t: "methods" is no option of a socket',
    "sockets: /u: auth: 'optional' and roles don't go together: nobody has any before they signed in",
    'menu: /m: "role" is no option of a menu item; did you mean "roles"?',
    "menu: /n: roles must be a list such as ['ADMIN']",
  ])
  assert.deepEqual(
    wrongAccess({ name: 'x', auth: 'required', colour: 1, routes: [{ path: '/a', auth: 'optional' }] }),
    [],
  )
})

test('how a service is told who calls is one of three words', () => {
  assert.deepEqual(wrongKinds({ login: 'token', cookies: true, devUsers: ['mira'] }), [
    "login must be 'cookie', 'header' or 'none'",
    "cookies must be 'shared' or 'own'",
    "devUsers must be users by name, such as { mira: { roles: ['ADMIN'] } }",
  ])
})
