import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findClashes, type Visit } from './clashes.ts'

const visit = (service: string, cookies: string[], headers: Visit['headers'] = {}): Visit => {
  return { service, path: `/${service}`, cookies, headers }
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
