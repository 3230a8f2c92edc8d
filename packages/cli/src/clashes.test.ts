import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { PROBLEM_HEADER, type RouteInfo } from '@hydra-gateway/protocol'
import { askPages, findClashes, type Visit } from './clashes.ts'

const visit = (service: string, cookies: string[], headers: Visit['headers'] = {}): Visit => {
  return { service, path: `/${service}`, status: 200, cookies, headers }
}

test('two services that set a cookie of the same name are named', () => {
  const [sentence, ...others] = findClashes([
    visit('orders', ['sid=1; Path=/; HttpOnly', 'own=1']),
    visit('shop', ['sid=2']),
    visit('home', ['other=2']),
  ])
  assert.match(sentence!, /^orders and shop set a cookie of the same name, sid:/)
  assert.deepEqual(others, [])
})

test('cookies at paths that never meet, of one service, or of the gateway do not clash', () => {
  assert.deepEqual(
    findClashes([visit('orders', ['sid=1; Path=/orders']), visit('shop', ['sid=2; path=/shop'])]),
    [],
  )
  assert.deepEqual(findClashes([visit('orders', ['sid=1', 'sid=2; Path=/orders'])]), [])
  assert.deepEqual(findClashes([visit('a', ['HYDRA-ROUTE=x']), visit('b', ['__Host-HYDRA-ROUTE=y'])]), [])
  assert.equal(
    findClashes([visit('a', ['sid=1; Path=/shop']), visit('b', ['sid=2; Path=/shop/cart'])]).length,
    1,
  )
  assert.deepEqual(
    findClashes([visit('a', ['sid=1; Path=/shop']), visit('b', ['sid=2; Path=/shopping'])]),
    [],
  )
})

test('a header that speaks for the whole site is named with its service and its page', () => {
  const sentences = findClashes([
    visit('orders', [], { 'strict-transport-security': 'max-age=1', 'content-type': 'text/html' }),
    visit('shop', [], { 'content-security-policy': "default-src 'self'" }),
  ])
  assert.equal(sentences.length, 2)
  assert.match(sentences[0]!, /^orders sends strict-transport-security at \/orders:/)
  assert.match(sentences[1]!, /^shop sends content-security-policy/)
})

test('pages for people who are signed in are not asked for, and a page for everybody is asked instead', async (t) => {
  const asked: string[] = []
  const gateway = createServer((request, response) => {
    asked.push(request.url!)
    if (request.url === '/ruled') response.setHeader(PROBLEM_HEADER, 'HYDRA_LOGIN_REQUIRED')
    response.end()
  }).listen(0, '127.0.0.1')
  t.after(() => gateway.close())
  await once(gateway, 'listening')
  const page = (service: string, pattern: string, more: Partial<RouteInfo> = {}): RouteInfo => ({
    ...{ service, pattern, kind: 'page', state: 'available' },
    ...more,
  })
  const { port } = gateway.address() as AddressInfo
  const { visits, notAsked } = await askPages(`http://127.0.0.1:${port}`, [
    page('bench', '/bench/mine', { auth: 'required' }),
    page('desk', '/desk', { auth: 'required', roles: ['ADMIN'] }),
    page('desk', '/desk/about/us'),
    page('wiki', '/ruled'),
  ])
  assert.deepEqual(asked, ['/desk/about/us', '/ruled'])
  assert.deepEqual(
    visits.map(({ path }) => path),
    ['/desk/about/us'],
  )
  assert.deepEqual(notAsked, [
    'bench: /bench/mine is for people signed in, so it was not asked.',
    'wiki: /ruled is for people signed in, so it was not asked.',
  ])
})
