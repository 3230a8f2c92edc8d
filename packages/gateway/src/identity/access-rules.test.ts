import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileAccessRules } from './access-rules.ts'
import { otherReading } from './other-reading.ts'

test('without rules nobody asks', () => {
  assert.equal(compileAccessRules([]), undefined)
})

test('the last rule that fits service and path counts', () => {
  const ruleFor = compileAccessRules([
    { path: '/admin/**', roles: ['ADMIN'] },
    { service: 'shop-.*', auth: 'required' },
    { service: 'shop-eu', path: '/admin/help', auth: 'optional' },
    { path: '/files/{name}.pdf', providers: ['corp'] },
  ])!
  const admin = { roles: ['ADMIN'] }
  assert.deepEqual(ruleFor('orders', '/admin/a/b'), admin)
  assert.deepEqual(ruleFor('orders', '/admin'), admin)
  assert.deepEqual(ruleFor('orders', '/admin/'), admin)
  assert.equal(ruleFor('orders', '/administer'), undefined)
  assert.equal(ruleFor('orders', '/'), undefined)
  assert.deepEqual(ruleFor('shop-eu', '/admin/a'), { auth: 'required' })
  assert.deepEqual(ruleFor('shop-eu', '/admin/help'), { auth: 'optional' })
  assert.deepEqual(ruleFor('shop-us', '/admin/help'), { auth: 'required' })
  assert.deepEqual(ruleFor('orders', '/files/a.pdf'), { providers: ['corp'] })
  assert.equal(ruleFor('orders', '/files/a/b.pdf'), undefined)
})

test('what is not asked for by a path has only the rules without one', () => {
  const ruleFor = compileAccessRules([
    { service: 'shop', auth: 'required' },
    { path: '/**', roles: ['ADMIN'] },
  ])!
  assert.deepEqual(ruleFor('shop'), { auth: 'required' })
  assert.equal(ruleFor('orders'), undefined)
})

test('a path is compared decoded, and what closes it holds however a service reads it', () => {
  const ruleFor = compileAccessRules([
    { path: '/admin/**', auth: 'required' },
    { path: '/admin/öffentlich/**', auth: 'optional' },
  ])!
  const closed = { auth: 'required' }
  for (const path of [
    '/%61dmin/x',
    '/admin/%6cogin',
    '/ADMIN/x',
    '/%41DMIN/x',
    '/admin;jsessionid=1/x',
    '//admin/x',
    '/admin//x',
    '/admin%2fx/../y',
  ])
    assert.deepEqual(ruleFor('s', path), path.includes('%2f') ? undefined : closed, path)
  assert.deepEqual(ruleFor('s', '/admin/%C3%B6ffentlich/a'), { auth: 'optional' })
  assert.deepEqual(compileAccessRules([{ path: '/Admin/**', auth: 'required' }])!('s', '/admin/x'), closed)
  assert.deepEqual(compileAccessRules([{ path: '/Admin/**', auth: 'required' }])!('s', '/aDMIN/x'), closed)
  // What opens something opens exactly that.
  assert.deepEqual(ruleFor('s', '/ADMIN/%C3%B6ffentlich/a'), closed)
  assert.deepEqual(ruleFor('s', '/admin;/%C3%B6ffentlich/a'), closed)
})

test('the other reading of a path is the most generous one', () => {
  for (const [path, expected] of [
    ['/a/b', undefined],
    ['/', undefined],
    ['/a%20b', undefined],
    ['/a%C3%B6', undefined],
    ['/a%c3%b6', undefined],
    ['/a%C3%96', '/a%c3%b6'],
    ['/a%E2%82%AC/', '/a%e2%82%ac'],
    ['/A', '/a'],
    ['/a/', '/a'],
    ['/a;b=1;c/d', '/a/d'],
    ['//a///b', '/a/b'],
    ['/%41', '/a'],
    ['/%7a', '/z'],
    ['/;/', '/'],
  ] as const)
    assert.equal(otherReading(path), expected, path)
})

test('reading a path in another way takes linear time', () => {
  const startedAt = performance.now()
  for (const part of [';', '//', '/;', '%41', 'A/', '/%']) otherReading(`/${part.repeat(4000)}`)
  assert.ok(performance.now() - startedAt < 200)
})
