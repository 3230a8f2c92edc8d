import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromFastify, fromHono } from './framework-path.ts'

test('paths of Fastify keep their meaning', () => {
  const same: Record<string, string> = {
    '/': '/',
    '/orders': '/orders',
    '/orders/': '/orders/',
    '/orders/:id': '/orders/{id}',
    '/orders/:id?': '/orders/{id?}',
    '/orders/:id(^\\d+$)': '/orders/{id:digits}',
    '/orders/:id(\\d+)/lines': '/orders/{id:digits}/lines',
    '/img/:file(^[a-f0-9]+).png': '/img/{file:hex}.png',
    '/img/:file.png': '/img/{file}.png',
    '/files/*': '/files/{rest+}',
    '*': '{rest+}',
    '/name::verb': '/name:verb',
  }
  for (const [theirs, ours] of Object.entries(same))
    assert.deepEqual(fromFastify(theirs), { path: ours }, theirs)
})

test('what Fastify can say and we cannot is said in a warning', () => {
  const several = fromFastify('/at/:hour(^\\d{2})h:minute(^\\d{2})m')
  assert.equal(several.path, '/at/{hour_minute}')
  assert.match(several.warning ?? '', /several parameters/)
  const constraint = fromFastify('/orders/:id(^(a|b)/?$)')
  assert.equal(constraint.path, '/orders/{id}')
  assert.match(constraint.warning ?? '', /constraint/)
})

test('paths of Hono keep their meaning', () => {
  const same: Record<string, string> = {
    '/': '/',
    '/orders/:id': '/orders/{id}',
    '/orders/:id?': '/orders/{id?}',
    '/orders/:id{[0-9]+}': '/orders/{id:digits}',
    '/orders/:id{\\d+}/lines': '/orders/{id:digits}/lines',
    '/files/*': '/files/**',
    '/wild/*/card': '/wild/*/card',
    '/*': '/**',
    '/files/:path{.+}': '/files/{path+}',
    '/by-name/:first-name': '/by-name/{first_name}',
  }
  for (const [theirs, ours] of Object.entries(same))
    assert.deepEqual(fromHono(theirs), { path: ours }, theirs)
})

test('a constraint of Hono without a class of ours is left to the service', () => {
  const { path, warning } = fromHono('/posts/:date{[0-9]{4}/[a-z]+}')
  assert.equal(path, '/posts/{date}')
  assert.match(warning ?? '', /left to the service/)
})
