import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { requestOf } from './fetch-request.ts'
import { FakeExchange } from './testing/fake-exchange.ts'

test('a request reads as the visitor sent it', () => {
  const exchange = new FakeExchange('PATCH /a/b?q=1 HTTP/1.1', 'X-One: 1', 'X-One: 2', 'Accept: */*')
  const request = requestOf(exchange)
  assert.equal(request.method, 'PATCH')
  assert.equal(request.url, 'http://shop.example/a/b?q=1')
  assert.equal(request.headers.get('x-one'), '1, 2')
  assert.equal(request.redirect, 'manual')
  assert.equal(request.body, null)
})

test('nothing of a body is asked for or read before its reader wants it', async () => {
  const exchange = new FakeExchange('POST /a HTTP/1.1', 'Content-Length: 6', 'Expect: 100-continue')
  const request = requestOf(exchange)
  await turn()
  assert.deepEqual(exchange.done, [])
  assert.equal(exchange.sink, undefined)
  const text = request.text()
  await turn()
  assert.deepEqual(exchange.done, ['inform 100'])
  exchange.sink!.onBody(Buffer.from('abc'))
  await turn()
  exchange.sink!.onBody(Buffer.from('def'))
  await turn()
  exchange.sink!.onBodyEnd()
  assert.equal(await text, 'abcdef')
  assert.deepEqual(exchange.done, ['inform 100'])
})

test('a body is held while its reader rests', async () => {
  const exchange = new FakeExchange('POST /a HTTP/1.1', 'Transfer-Encoding: chunked')
  const reader = requestOf(exchange).body!.getReader()
  const first = reader.read()
  await turn()
  exchange.sink!.onBody(Buffer.from('one'))
  assert.equal(exchange.sink, undefined)
  assert.equal(String(Buffer.from((await first).value!)), 'one')
  await turn()
  assert.equal(exchange.sink, undefined)
  const second = reader.read()
  await turn()
  exchange.sink!.onBody(Buffer.from('two'))
  assert.equal(String(Buffer.from((await second).value!)), 'two')
})

test("a body without a reader is nobody's business, and one given up is held for the exchange to discard", async () => {
  const exchange = new FakeExchange('POST /a HTTP/1.1', 'Content-Length: 6')
  const { body } = requestOf(exchange)
  const reader = body!.getReader()
  const read = reader.read()
  await turn()
  const sink = exchange.sink!
  await reader.cancel()
  assert.equal(exchange.sink, undefined)
  await read
  sink.onBody(Buffer.from('late'))
  sink.onBodyEnd()
  exchange.leave()
})

test('a visitor who leaves aborts the request and breaks its body', async () => {
  const exchange = new FakeExchange('POST /a HTTP/1.1', 'Content-Length: 6')
  const request = requestOf(exchange)
  const text = request.text()
  await turn()
  exchange.sink!.onBody(Buffer.from('abc'))
  exchange.leave()
  await assert.rejects(text, /ended before/)
  assert.ok(request.signal.aborted)
})

test('an answer does not abort the request it answers', async () => {
  const exchange = new FakeExchange()
  const request = requestOf(exchange)
  exchange.answer(200, {}, 'ok')
  await turn()
  assert.ok(exchange.ended && !request.signal.aborted)
})

test('a body of a GET is not given', () => {
  assert.equal(requestOf(new FakeExchange('GET /a HTTP/1.1', 'Content-Length: 6')).body, null)
})
