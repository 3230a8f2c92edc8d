import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePattern } from './pattern/index.ts'
import {
  isLoginPath,
  isLoginPattern,
  isReservedPath,
  isReservedPattern,
  isRouterPath,
  isRouterPattern,
  RESERVED_PATHS,
  ROUTER_ROUTES,
} from './reserved.ts'

test('what the gateway answers itself is reserved, and nothing that looks like it', () => {
  for (const path of ['/h/', '/h/rsocket', '/_h/services', '/_hydra/', '/health', '/.well-known/jwks.json'])
    assert.ok(isReservedPath(path), path)
  for (const path of [
    '/',
    '/h',
    '/_h',
    '/_hydra',
    '/home',
    '/health/',
    '/healthz',
    '/a/h/b',
    '/.well-known/',
  ])
    assert.ok(!isReservedPath(path), path)
})

test('a pattern is reserved when each of its paths is', () => {
  const reserved = (text: string) => parsePattern(text).patterns.every(isReservedPattern)
  for (const text of [
    '/h/**',
    '/h/{rest+}',
    '/_h/{what}/x',
    '/_hydra/*',
    '/health',
    '/.well-known/jwks.json',
  ])
    assert.ok(reserved(text), text)
  for (const text of ['/**', '/h', '/{page}', '/{h}/x', '/health/**', '/home/**', '/.well-known/{name}'])
    assert.ok(!reserved(text), text)
})

test('the shortcut for ordinary paths overlooks no entry of the list', () => {
  const tail = fc.constantFrom('', '/', 'x', 'x/y', '/x')
  fc.assert(
    fc.property(fc.constantFrom(...RESERVED_PATHS), tail, (entry, rest) => {
      assert.equal(isReservedPath(entry + rest), entry.endsWith('/') || rest === '')
    }),
  )
})

test('the paths of sign-in are those two, and nothing below them', () => {
  for (const path of ['/login', '/logout']) {
    assert.ok(isLoginPath(path), path)
    assert.ok(parsePattern(path).patterns.every(isLoginPattern), path)
    assert.ok(!isReservedPath(path), path)
  }
  for (const path of ['/', '/login/', '/login/x', '/logins', '/Login', '/a/login'])
    assert.ok(!isLoginPath(path), path)
  for (const text of ['/login/**', '/{page}', '/login/x', '/**'])
    assert.ok(!parsePattern(text).patterns.some(isLoginPattern), text)
})

test('the router API is everything below its prefix, and is nobody’s by itself', () => {
  for (const path of ['/v1/router/', '/v1/router/version', '/v1/router/list/routes']) {
    assert.ok(isRouterPath(path), path)
    assert.ok(parsePattern(path).patterns.every(isRouterPattern), path)
    assert.ok(!isReservedPath(path), path)
  }
  for (const path of ['/', '/v1', '/v1/router', '/v1/routers/x', '/V1/router/x', '/a/v1/router/x'])
    assert.ok(!isRouterPath(path), path)
  for (const text of ['/v1/router/**', '/v1/router/{thing}', '/v1/router/refresh/{service}'])
    assert.ok(parsePattern(text).patterns.every(isRouterPattern), text)
  for (const text of ['/**', '/v1/**', '/v1/{name}/version', '/v1/router', '/v1/routers/**'])
    assert.ok(!parsePattern(text).patterns.some(isRouterPattern), text)
})

test('what a router says of itself lies below its prefix, but for its page', () => {
  for (const member of ROUTER_ROUTES) {
    const [, path] = /^\[(?:get|post)\](.*)$/.exec(member) ?? []
    assert.ok(path === '/' || isRouterPath(path ?? ''), member)
  }
})
