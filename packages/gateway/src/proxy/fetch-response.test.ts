import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { sendResponse } from './fetch-response.ts'
import { FakeExchange } from './testing/fake-exchange.ts'
import { until } from './testing/raw.ts'

/** A stream whose chunks come when the test says so. */
function stream() {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const seen = { cancelled: undefined as unknown, pulls: 0 }
  const body = new ReadableStream<Uint8Array>(
    {
      start(own) {
        controller = own
      },
      pull() {
        seen.pulls++
      },
      cancel(reason) {
        seen.cancelled = reason
      },
    },
    { highWaterMark: 0 },
  )
  return { body, seen, controller, say: (text: string) => controller.enqueue(Buffer.from(text)) }
}

test('a whole body leaves with its head, and its length is said', async () => {
  for (const response of [new Response('hello'), new Response(Buffer.from('hello')), Response.json('hey')]) {
    const exchange = new FakeExchange()
    await sendResponse(exchange, response)
    assert.deepEqual(exchange.done, ['head 200 5', 'write 5', 'finish', 'flush'])
  }
})

test('no body is a length of 0, and what has none by its nature says none', async () => {
  const cases: [FakeExchange, Response, string][] = [
    [new FakeExchange(), new Response(null), 'head 200 0'],
    [new FakeExchange(), new Response(''), 'head 200 0'],
    [new FakeExchange(), new Response(null, { status: 204 }), 'head 204 0'],
    [new FakeExchange(), new Response(null, { status: 304, headers: { ETag: '"x"' } }), 'head 304 0'],
    [new FakeExchange('HEAD /a HTTP/1.1'), new Response('hello'), 'head 200 -1'],
    [
      new FakeExchange('HEAD /a HTTP/1.1'),
      new Response(null, { headers: { 'content-length': '7' } }),
      'head 200 7',
    ],
  ]
  for (const [exchange, response, head] of cases) {
    await sendResponse(exchange, response)
    assert.deepEqual(exchange.done, [head, 'finish', 'flush'])
  }
})

test("lines are passed on, cookies one by one, and framing is not a handler's to write", async () => {
  const exchange = new FakeExchange()
  const headers = new Headers({
    'X-A': '1',
    'Content-Type': 'image/png',
    Connection: 'close',
    'Transfer-Encoding': 'chunked',
  })
  headers.append('Set-Cookie', 'a=1')
  headers.append('Set-Cookie', 'b=2')
  await sendResponse(exchange, new Response('x', { status: 201, headers }))
  assert.deepEqual(exchange.lines, [
    'content-type',
    'image/png',
    'set-cookie',
    'a=1',
    'set-cookie',
    'b=2',
    'x-a',
    '1',
  ])
  assert.equal(exchange.status, 201)
})

test('a stream that has nothing to say yet does not keep the head back', async () => {
  const exchange = new FakeExchange()
  const { body, say, controller } = stream()
  const sent = sendResponse(exchange, new Response(body))
  await turn()
  await turn()
  assert.deepEqual(exchange.done, ['head 200 -1', 'flush'])
  say('one')
  await turn()
  say('two')
  controller.close()
  await sent
  assert.deepEqual(exchange.done.slice(2), ['write 3', 'flush', 'write 3', 'flush', 'finish', 'flush'])
})

test('head and first bytes of a stream leave together', async () => {
  const exchange = new FakeExchange()
  const { body, say, controller } = stream()
  say('one')
  const sent = sendResponse(exchange, new Response(body))
  await turn()
  await turn()
  assert.deepEqual(exchange.done, ['head 200 -1', 'write 3', 'flush'])
  controller.close()
  await sent
  assert.equal(exchange.body, 'one')
})

test('no more is taken from a stream than the visitor takes', async () => {
  const exchange = new FakeExchange()
  exchange.holdsWrites = true
  let pulls = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (++pulls > 5) controller.close()
        else controller.enqueue(Buffer.from(String(pulls)))
      },
    },
    { highWaterMark: 0 },
  )
  const sent = sendResponse(exchange, new Response(body))
  for (let written = 1; written <= 5; written++) {
    await until(`write ${written}`, () => exchange.body.length === written)
    await turn()
    assert.equal(exchange.body.length, written)
    assert.ok(pulls <= written + 1)
    exchange.drain()
  }
  await sent
  assert.equal(exchange.body, '12345')
})

test('a visitor who leaves ends the stream, held or waiting', async () => {
  for (const isHeld of [true, false]) {
    const exchange = new FakeExchange()
    exchange.holdsWrites = isHeld
    const { body, seen, say } = stream()
    say('one')
    const sent = sendResponse(exchange, new Response(body))
    await until('the first bytes', () => exchange.body === 'one')
    exchange.leave()
    await sent
    assert.equal(seen.cancelled, 'the visitor left')
    assert.ok(!exchange.done.includes('finish'))
  }
})

test('a stream that breaks is cut, and one that breaks before anything has left may still be answered', async () => {
  const late = new FakeExchange()
  const { body, say, controller } = stream()
  say('one')
  const sent = sendResponse(late, new Response(body))
  await until('the first bytes', () => late.body === 'one')
  controller.error(new Error('disk'))
  await assert.rejects(sent, /disk/)
  assert.equal(late.done.at(-1), 'abort')

  const early = new FakeExchange()
  const broken = new ReadableStream({ start: (own) => own.error(new Error('disk')) })
  await assert.rejects(sendResponse(early, new Response(broken)), /disk/)
  assert.deepEqual(early.done, [])
  assert.ok(!early.answered)
  await turn()
  await turn()
  assert.deepEqual(early.done, [])
})

test('an answer keeps to the length it said, or is cut', async () => {
  const headers = { 'content-length': '5' }
  const right = new FakeExchange()
  await sendResponse(right, new Response('hello', { headers }))
  assert.deepEqual(right.done, ['head 200 5', 'write 5', 'finish', 'flush'])
  for (const [text, words] of [
    ['hell', /shorter/],
    ['hello!', /longer/],
  ] as const) {
    const exchange = new FakeExchange()
    const { body, say, controller } = stream()
    const sent = sendResponse(exchange, new Response(body, { headers }))
    sent.catch(() => {})
    await turn()
    await turn()
    say(text)
    controller.close()
    await assert.rejects(sent, words)
    assert.equal(exchange.done.at(-1), 'abort')
    assert.ok(exchange.body.length <= 5)
  }
})

test('a stream of something else than bytes is a fault of its handler', async () => {
  const exchange = new FakeExchange()
  const body = new ReadableStream({ start: (own) => own.enqueue({}) })
  await assert.rejects(sendResponse(exchange, new Response(body)), TypeError)
  assert.ok(!exchange.answered)
})

test('who has an answer, or has left, gets no other, and the stream hears it', async () => {
  const left = new FakeExchange()
  left.leave()
  const first = stream()
  await sendResponse(left, new Response(first.body))
  assert.ok('cancelled' in first.seen && left.done.length === 0)

  const answered = new FakeExchange()
  const second = stream()
  const sent = sendResponse(answered, new Response(second.body))
  answered.answer(400, {}, 'unreadable')
  await sent
  assert.deepEqual(answered.done, ['head 400 10', 'write 10', 'finish', 'flush'])
  assert.notEqual(second.seen.cancelled, undefined)
})
