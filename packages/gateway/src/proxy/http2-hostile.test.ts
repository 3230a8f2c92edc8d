import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from './exchange.ts'
import {
  ACK,
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  GOAWAY,
  HEADERS,
  PING,
  type RawHttp2,
  RST_STREAM,
  rawHttp2,
  SETTINGS,
  startHttp2,
  uint32,
  WINDOW_UPDATE,
} from './testing/http2.ts'
import { until } from './testing/raw.ts'
import { SENT } from './wire.ts'
import type { WireExchange } from './wire-exchange.ts'

const CANCEL = 8
const ENHANCE_YOUR_CALM = 11
const PROTOCOL_ERROR = 1
const INTERNAL_ERROR = 2
const REFUSED_STREAM = 7

const ok = (exchange: Exchange) => exchange.answer(200, {}, 'served')

const get = (stream: number, lines = GET) => frame(HEADERS, END_STREAM | END_HEADERS, stream, lines)

/** Another visitor is served as if nothing had happened. */
async function served(other: RawHttp2, stream: number): Promise<void> {
  other.send(get(stream))
  const data = await other.sees('an answer', (got) => got.type === DATA && got.stream === stream)
  assert.equal(data.payload.toString(), 'served')
}

test('requests that are asked for and left at once, over and over, end their connection', async (t) => {
  let running = 0
  const rig = await startHttp2(t, (exchange) => {
    if (exchange.path === '/') return ok(exchange)
    running += 1
    exchange.onEnd(() => {
      running -= 1
    })
  })
  const other = await rawHttp2(t, rig.port)
  await served(other, 1)
  const hostile = await rawHttp2(t, rig.port)
  const before = process.memoryUsage().rss
  const never = block(
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', '/never'],
  )
  let stream = 1
  for (let round = 0; round < 100 && !hostile.isClosed; round++) {
    const frames: Buffer[] = []
    for (let i = 0; i < 200; i++, stream += 2) {
      frames.push(get(stream, never), frame(RST_STREAM, 0, stream, uint32(CANCEL)))
    }
    hostile.send(...frames)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await hostile.closed()
  // What he still sends may destroy our last word on its way.
  assert.ok([ENHANCE_YOUR_CALM, undefined].includes(hostile.goaway))
  assert.ok(rig.refused.includes('h2-resets'))
  assert.ok(rig.begun.length <= 1 + 200 + 100, `${rig.begun.length} of them were begun`)
  await until('all of them to end', () => running === 0)
  assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20)
  await served(other, 3)
})

test('as many resets as a page that is left may have are no offence', async (t) => {
  const rig = await startHttp2(t, (exchange) => (exchange.path === '/' ? ok(exchange) : undefined))
  const visitor = await rawHttp2(t, rig.port)
  const never = block(
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', '/never'],
  )
  for (let stream = 1; stream < 200; stream += 2) visitor.send(get(stream, never))
  await until('all to arrive', () => rig.begun.length === 100)
  for (let stream = 1; stream < 200; stream += 2) {
    visitor.send(frame(RST_STREAM, 0, stream, uint32(CANCEL)))
  }
  await until('all to end', () => rig.outcomes.length === 100)
  await served(visitor, 301)
})

test('a head in endless pieces ends its connection', async (t) => {
  const rig = await startHttp2(t, ok)
  const other = await rawHttp2(t, rig.port)
  const hostile = await rawHttp2(t, rig.port)
  const before = process.memoryUsage().rss
  hostile.send(frame(HEADERS, END_STREAM, 1, GET))
  const piece = block(['x-filler', 'a'.repeat(8000)])
  for (let round = 0; round < 2000 && !hostile.isClosed; round++) {
    hostile.send(frame(CONTINUATION, 0, 1, piece))
    if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await hostile.closed()
  await until('it to be counted', () => rig.refused.includes('h2-protocol'))
  assert.equal(rig.begun.length, 0)
  assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20)
  await served(other, 1)
})

for (const [what, made] of [
  ['SETTINGS', () => frame(SETTINGS, 0, 0)],
  ['PING', () => frame(PING, 0, 0, Buffer.alloc(8))],
] as const) {
  test(`a flood of ${what} ends its connection`, async (t) => {
    const rig = await startHttp2(t, ok)
    const other = await rawHttp2(t, rig.port)
    const hostile = await rawHttp2(t, rig.port)
    const flood = Buffer.concat(Array.from({ length: 500 }, made))
    for (let round = 0; round < 200 && !hostile.isClosed; round++) {
      hostile.send(flood)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await hostile.closed()
    await until('it to be counted', () => rig.refused.includes('h2-control'))
    assert.ok([ENHANCE_YOUR_CALM, undefined].includes(hostile.goaway))
    await served(other, 1)
  })
}

test('a flood of pings whose answers nobody reads takes no memory', async (t) => {
  const rig = await startHttp2(t, ok, { limits: { controlBurst: 1e9 } })
  const other = await rawHttp2(t, rig.port)
  const hostile = await rawHttp2(t, rig.port)
  hostile.socket.pause()
  const before = process.memoryUsage().rss
  const flood = Buffer.concat(Array.from({ length: 4000 }, () => frame(PING, 0, 0, Buffer.alloc(8))))
  for (let round = 0; round < 300 && rig.connections.size > 1; round++) {
    if (hostile.socket.writableLength < 1e6) hostile.send(flood)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20)
  await served(other, 1)
})

test('who agrees on HTTP/2 and says nothing is sent away', async (t) => {
  const rig = await startHttp2(t, ok, { settings: { clientHeadTimeoutMs: 100 } })
  const silent = await rawHttp2(t, rig.port, { preface: false })
  await silent.closed()
  assert.deepEqual(rig.refused, ['h2-preface'])
})

test('more requests at once than allowed are not served', async (t) => {
  const held: Exchange[] = []
  const rig = await startHttp2(t, (exchange) => void held.push(exchange), { limits: { maxStreams: 5 } })
  const other = await rawHttp2(t, rig.port)
  const hasty = await rawHttp2(t, rig.port)
  // He has not read yet how many he may have: those above are given back, to be asked for again.
  for (let stream = 1; stream <= 13; stream += 2) hasty.send(get(stream))
  const refusal = await hasty.sees('a refusal', ({ type, stream }) => type === RST_STREAM && stream === 13)
  assert.equal(refusal.payload.readUInt32BE(0), REFUSED_STREAM)
  assert.equal(rig.begun.length, 5)
  for (const exchange of held.splice(0)) ok(exchange)
  await hasty.sees('an answer', ({ type, stream }) => type === DATA && stream === 9)

  const visitor = await rawHttp2(t, rig.port)
  await visitor.sees('our settings', ({ type, flags }) => type === SETTINGS && flags === 0)
  visitor.send(frame(SETTINGS, ACK, 0))
  for (let stream = 1; stream <= 13; stream += 2) visitor.send(get(stream))
  await visitor.closed()
  assert.equal(visitor.goaway, PROTOCOL_ERROR, 'he has read it, and asks for more all the same')
  assert.ok(rig.begun.length <= 10)
  held.length = 0
  other.send(get(1))
  await until('another visitor to be heard', () => held.length > 0)
})

test('a head above the limits is refused and its connection serves on', async (t) => {
  const rig = await startHttp2(t, ok, { settings: { maxHeaderLines: 50, maxHeadBytes: 4096 } })
  const visitor = await rawHttp2(t, rig.port)
  const lines = Array.from({ length: 60 }, (_, i) => [`x-${i}`, 'y'] as const)
  visitor.send(get(1, Buffer.concat([GET, block(...lines)])))
  await visitor.sees('the end of it', ({ stream }) => stream === 1)
  visitor.send(get(3, Buffer.concat([GET, block(['x', 'y'.repeat(4090)])])))
  await visitor.sees('the end of it', ({ stream }) => stream === 3)
  assert.equal(rig.begun.length, 0)
  await served(visitor, 5)
})

test('a body of another length than was said is broken off', async (t) => {
  const got: string[] = []
  const rig = await startHttp2(t, async (exchange) => {
    await exchange
      .toRequest()
      .text()
      .then(
        () => got.push('whole'),
        () => got.push('cut'),
      )
  })
  const post = (length: string) =>
    block(
      ...([
        [':method', 'POST'],
        [':scheme', 'https'],
        [':authority', 'localhost'],
        [':path', '/'],
        ['content-length', length],
      ] as const),
    )
  for (const frames of [
    [frame(HEADERS, END_HEADERS, 1, post('5')), frame(DATA, END_STREAM, 1, 'four')],
    [frame(HEADERS, END_HEADERS, 1, post('3')), frame(DATA, END_STREAM, 1, 'four')],
    [frame(HEADERS, END_HEADERS | END_STREAM, 1, post('3'))],
  ]) {
    const visitor = await rawHttp2(t, rig.port)
    visitor.send(...frames)
    await visitor.sees('an end', ({ type }) => type === RST_STREAM || type === GOAWAY)
  }
  await until('all to end', () => rig.outcomes.length === rig.begun.length)
  assert.ok(!got.includes('whole'), String(got))
})

test('a body that is cut is never taken for a whole one', async (t) => {
  const ends: string[] = []
  const rig = await startHttp2(t, (exchange) =>
    exchange
      .toRequest()
      .bytes()
      .then(
        () => void ends.push('whole'),
        () => void ends.push('cut'),
      ),
  )
  const post = block([':method', 'POST'], [':scheme', 'https'], [':authority', 'localhost'], [':path', '/'])
  for (const leave of [
    (visitor: RawHttp2) => visitor.send(frame(RST_STREAM, 0, 1, uint32(CANCEL))),
    (visitor: RawHttp2) => visitor.send(frame(RST_STREAM, 0, 1, uint32(0))),
    (visitor: RawHttp2) =>
      visitor.send(frame(GOAWAY, 0, 0, Buffer.alloc(8)), frame(RST_STREAM, 0, 1, uint32(0))),
    (visitor: RawHttp2) => visitor.send(frame(GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(2)]))),
    (visitor: RawHttp2) => visitor.socket.end(),
    (visitor: RawHttp2) => visitor.socket.destroy(),
  ]) {
    const count = ends.length
    const visitor = await rawHttp2(t, rig.port)
    visitor.send(frame(HEADERS, END_HEADERS, 1, post), frame(DATA, 0, 1, 'half of it'))
    await until('the request', () => rig.begun.length === count + 1)
    leave(visitor)
    await until('the reader to hear of it', () => ends.length === count + 1)
    await until('the exchange to end', () => rig.outcomes.length === count + 1)
  }
  assert.deepEqual(ends, Array(6).fill('cut'))
  assert.ok(rig.outcomes.every(({ outcome }) => outcome === 'aborted'))
})

test('who leaves without a word is noticed, whatever is done with his body', async (t) => {
  const rig = await startHttp2(t, () => {})
  for (const method of ['POST', 'HEAD']) {
    const visitor = await rawHttp2(t, rig.port)
    const lines = block(
      [':method', method],
      [':scheme', 'https'],
      [':authority', 'localhost'],
      [':path', '/'],
    )
    const count = rig.begun.length
    visitor.send(frame(HEADERS, END_HEADERS, 1, lines), frame(DATA, 0, 1, 'half of it'))
    await until('the request', () => rig.begun.length === count + 1)
    visitor.send(frame(RST_STREAM, 0, 1, uint32(0)), frame(PING, 0, 0, Buffer.alloc(8)))
    await visitor.sees('a pong', ({ type }) => type === PING)
    // Whoever serves him finds out as soon as he answers.
    if (method === 'HEAD') rig.begun.at(-1)!.answer(200, {}, 'x')
    await until('the exchange to end', () => rig.outcomes.length === count + 1)
    assert.equal(rig.outcomes.at(-1)!.outcome, 'aborted')
  }
})

test('a cut answer never ends its stream', async (t) => {
  const rig = await startHttp2(t, (exchange) => {
    const wire = exchange as WireExchange
    wire.ownHead(200, [], exchange.path === '/long' ? 100 : -1)
    wire.write(Buffer.from('the beginning'))
    wire.flush()
    if (exchange.path === '/later') setTimeout(() => exchange.abort(), 20)
    else exchange.abort()
  })
  const visitor = await rawHttp2(t, rig.port)
  let stream = -1
  for (const path of ['/now', '/later', '/long']) {
    stream += 2
    const id = stream
    visitor.send(
      get(id, block([':method', 'GET'], [':scheme', 'https'], [':authority', 'localhost'], [':path', path])),
    )
    const reset = await visitor.sees('a reset', (each) => each.type === RST_STREAM && each.stream === id)
    assert.equal(reset.payload.readUInt32BE(0), INTERNAL_ERROR)
  }
  const ended = visitor.frames.filter(({ type, flags }) => type <= HEADERS && (flags & END_STREAM) !== 0)
  assert.deepEqual(ended, [])
})

test('what has no place in HTTP/2 reaches nobody', async (t) => {
  const rig = await startHttp2(t, ok)
  const other = await rawHttp2(t, rig.port)
  for (const [lines, isLeftOut] of [
    [[['connection', 'close']]],
    [[['transfer-encoding', 'chunked']]],
    [[['upgrade', 'websocket']]],
    [[['keep-alive', 'timeout=5']]],
    [[['proxy-connection', 'close']]],
    [[['te', 'gzip']]],
    [[['host', 'other.example']]],
    [[[':status', '200']]],
    [[[':path', '/again']]],
    [[['content-length', '+5']]],
    [
      [
        ['content-length', '5'],
        ['content-length', '6'],
      ],
    ],
    [[['X-Upper', 'case']]],
    // nghttp2 leaves such a line out, and says nothing.
    [[['x:y', 'colon']], true],
  ] as [[string, string][], true?][]) {
    const begun = rig.begun.length
    const visitor = await rawHttp2(t, rig.port)
    visitor.send(get(1, Buffer.concat([GET, block(...lines)])))
    await visitor.sees(`an end of ${lines}`, ({ stream, type }) => stream === 1 || type === GOAWAY)
    const served = rig.begun.slice(begun).map(({ headers }) => headers.flat)
    assert.deepEqual(served, isLeftOut ? [['host', 'localhost']] : [], String(lines))
  }
  await served(other, 1)
})

test('a value that would break out of its line reaches nobody', async (t) => {
  const rig = await startHttp2(t, ok)
  for (const value of ['a\r\nx-evil: b', 'a\nb', 'a\rb', 'a\0b', 'a\r\n\r\nGET /evil HTTP/1.1']) {
    const visitor = await rawHttp2(t, rig.port)
    visitor.send(get(1, Buffer.concat([GET, block(['x', value])])))
    await visitor.sees('an end', ({ stream, type }) => stream === 1 || type === GOAWAY)
  }
  for (const exchange of rig.begun) {
    assert.deepEqual(exchange.headers.flat, ['host', 'localhost'], 'at most without the line')
  }
})

test('CONNECT is refused, whichever way', async (t) => {
  const rig = await startHttp2(t, ok)
  const visitor = await rawHttp2(t, rig.port)
  visitor.send(get(1, block([':method', 'CONNECT'], [':authority', 'localhost:22'])))
  await visitor.sees('an end', ({ stream }) => stream === 1)
  visitor.send(
    get(3, Buffer.concat([block([':method', 'CONNECT'], [':protocol', 'websocket']), GET.subarray(14)])),
  )
  await visitor.sees('an end', ({ stream, type }) => stream === 3 || type === GOAWAY)
  assert.equal(rig.begun.length, 0)
})

test('a window that overflows ends the stream and not the gateway', async (t) => {
  const rig = await startHttp2(t, () => {})
  const visitor = await rawHttp2(t, rig.port)
  visitor.send(get(1), frame(WINDOW_UPDATE, 0, 1, uint32(0x7fffffff)))
  await visitor.sees('an end', ({ type }) => type === RST_STREAM || type === GOAWAY)
  await until('the end of it', () => rig.outcomes.length === 1)
  assert.equal(rig.outcomes[0]!.outcome, 'aborted')
})

test('faults that make us reset streams are counted as the visitor’s own', async (t) => {
  const rig = await startHttp2(t, () => {})
  const hostile = await rawHttp2(t, rig.port)
  let stream = 1
  for (let round = 0; round < 400 && !hostile.isClosed; round++) {
    for (let i = 0; i < 10; i++, stream += 2) {
      hostile.send(get(stream), frame(WINDOW_UPDATE, 0, stream, uint32(0x7fffffff)))
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await hostile.closed()
  assert.ok(
    rig.refused.some((reason) => reason === 'h2-resets' || reason === 'h2-protocol'),
    String(rig.refused),
  )
})

test('who opens no window for the answer that refuses him is not waited for', async (t) => {
  const rig = await startHttp2(t, ok, { settings: { idleTimeoutMs: 100, keepAliveTimeoutMs: 100 } })
  const hostile = await rawHttp2(t, rig.port)
  const noWindow = Buffer.from([0, 4, 0, 0, 0, 0])
  hostile.send(frame(SETTINGS, 0, 0, noWindow))
  hostile.send(
    get(
      1,
      block(
        [':method', 'GET'],
        [':scheme', 'https'],
        [':authority', 'localhost'],
        [':path', '/'],
        ['host', 'elsewhere'],
      ),
    ),
  )
  await hostile.sees('the head of a refusal', ({ type, stream }) => type === HEADERS && stream === 1)
  await hostile.closed()
  assert.deepEqual(rig.refused, ['authority'])
})

test('a visitor who waits for 100 Continue is not slow while his body is not asked for', async (t) => {
  let goOn = () => {}
  const rig = await startHttp2(
    t,
    (exchange) => {
      const wire = exchange as WireExchange
      wire.readBody({ onBody: () => SENT, onBodyEnd: () => ok(exchange), onBodyPause() {} })
      goOn = () => wire.inform(100, undefined)
    },
    { settings: { minBodyRate: 1_000_000, headTimeoutMs: 1e6, idleTimeoutMs: 1e6 }, speed: 50 },
  )
  const visitor = await rawHttp2(t, rig.port)
  const expecting = block(
    [':method', 'POST'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', '/'],
    ['expect', '100-continue'],
  )
  visitor.send(frame(HEADERS, END_HEADERS, 1, expecting))
  await until('the request', () => rig.begun.length === 1)
  const { deadline } = rig.begun[0] as WireExchange & { deadline: number }
  const again = () => (rig.begun[0] as WireExchange & { deadline: number }).deadline
  await until(
    'his rate to be looked at three times',
    () => rig.refused.length > 0 || again() > deadline + 12_000,
  )
  assert.deepEqual(rig.refused, [])
  goOn()
  await visitor.sees('100 Continue', ({ type }) => type === HEADERS)
  visitor.send(frame(DATA, END_STREAM, 1, 'the body'))
  const data = await visitor.sees('an answer', ({ type }) => type === DATA)
  assert.equal(data.payload.toString(), 'served')
})

test('who resets the stream of a refusal he never took, and says goodbye, leaves nothing behind', async (t) => {
  const rig = await startHttp2(t, ok, { settings: { idleTimeoutMs: 100, keepAliveTimeoutMs: 100 } })
  const hostile = await rawHttp2(t, rig.port)
  const noWindow = Buffer.from([0, 4, 0, 0, 0, 0])
  const lines = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', '/'],
    ['host', 'elsewhere'],
  ] as const
  hostile.send(frame(SETTINGS, 0, 0, noWindow), get(1, block(...lines)))
  await hostile.sees('the head of a refusal', ({ type, stream }) => type === HEADERS && stream === 1)
  const noError = uint32(0)
  hostile.send(frame(RST_STREAM, 0, 1, noError), frame(GOAWAY, 0, 0, Buffer.alloc(8)))
  hostile.socket.destroySoon()
  await until('the connection to be forgotten', () => rig.connections.size === 0)
})

test('who does not close his side after our goodbye is not waited for', async (t) => {
  const rig = await startHttp2(t, ok, { settings: { keepAliveTimeoutMs: 100 } })
  const hostile = await rawHttp2(t, rig.port)
  await served(hostile, 1)
  hostile.socket.pause()
  await until('the connection to be forgotten', () => rig.connections.size === 0)
})
