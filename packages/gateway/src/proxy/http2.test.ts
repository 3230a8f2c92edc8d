import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import type { Exchange } from './exchange.ts'
import { startHttp2 } from './testing/http2.ts'
import { until } from './testing/raw.ts'
import { type BodySink, SENT } from './wire.ts'
import type { WireExchange } from './wire-exchange.ts'

async function visit(t: TestContext, url: string): Promise<ClientHttp2Session> {
  const session = connect(url, { rejectUnauthorized: false })
  session.on('error', () => {})
  t.after(() => session.destroy())
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject))
  return session
}

interface Answer {
  readonly headers: IncomingHttpHeaders & { ':status'?: number }
  readonly body: Buffer
  /** Code of the reset, 0 for an end as it should be. */
  readonly code: number
  readonly interim: readonly IncomingHttpHeaders[]
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: Answer['headers'] = {}
  const interim: IncomingHttpHeaders[] = []
  const chunks: Buffer[] = []
  stream.on('response', (got) => {
    headers = got
  })
  stream.on('headers', (got) => void interim.push(got))
  stream.on('data', (chunk) => void chunks.push(chunk))
  stream.on('error', () => {})
  return new Promise((resolve) =>
    stream.once('close', () =>
      resolve({ headers, body: Buffer.concat(chunks), code: stream.rstCode, interim }),
    ),
  )
}

function ask(
  session: ClientHttp2Session,
  headers: Record<string, string | string[]>,
  body?: string | Buffer,
) {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  return answerOf(stream)
}

const echo = async (exchange: Exchange) => {
  const request = exchange.toRequest()
  const body = request.body ? await request.bytes() : new Uint8Array()
  exchange.answer(200, { 'Content-Type': 'text/plain' }, body)
}

test('a request is answered with head and body', async (t) => {
  const rig = await startHttp2(t, (exchange) => {
    exchange.addHeader('Set-Cookie', 'a=1')
    exchange.addHeader('Set-Cookie', 'b=2')
    exchange.answer(
      200,
      { 'Content-Type': 'text/plain' },
      `${exchange.method} ${exchange.path}${exchange.query}`,
    )
  })
  const session = await visit(t, rig.url)
  const { headers, body, code } = await ask(session, { ':path': '/a/./b?c=d', cookie: ['x=1', 'y=2'] })
  assert.equal(headers[':status'], 200)
  assert.equal(headers['content-type'], 'text/plain')
  assert.equal(headers['content-length'], '12')
  assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
  assert.equal(body.toString(), 'GET /a/b?c=d')
  assert.equal(code, 0)
  const [exchange] = rig.begun
  assert.equal(headers['x-request-id'], exchange!.id)
  assert.equal(exchange!.headers.get('cookie'), 'x=1; y=2')
  assert.equal(exchange!.authority, new URL(rig.url).host)
  assert.equal(exchange!.secure, true)
  assert.equal(exchange!.isUpgrade, false)
  await until('the exchange to end', () => rig.outcomes.length === 1)
  assert.equal(rig.outcomes[0]!.outcome, 'finished')
})

test('HEAD, 204 and 304 have no body, and the connection goes on', async (t) => {
  const rig = await startHttp2(t, (exchange) =>
    exchange.answer(Number(exchange.path.slice(1)), {}, exchange.method === 'HEAD' ? 'four' : ''),
  )
  const session = await visit(t, rig.url)
  const head = await ask(session, { ':path': '/200', ':method': 'HEAD' })
  assert.deepEqual([head.headers['content-length'], head.body.length, head.code], ['4', 0, 0])
  for (const status of [204, 304]) {
    const { headers, body, code } = await ask(session, { ':path': `/${status}` })
    assert.deepEqual(
      [headers[':status'], headers['content-length'], body.length, code],
      [status, undefined, 0, 0],
    )
  }
  await until('all to end', () => rig.outcomes.length === 3)
  assert.ok(rig.outcomes.every(({ outcome }) => outcome === 'finished'))
})

test('bodies of any size go both ways', async (t) => {
  const rig = await startHttp2(t, echo)
  const session = await visit(t, rig.url)
  const sizes = [0, 1, 16_384, 65_535, 65_536, 3_000_000]
  await Promise.all(
    sizes.map(async (size) => {
      const sent = randomBytes(size)
      const plain = await ask(session, { ':method': 'POST' }, sent)
      assert.ok(plain.body.equals(sent), `${size} without a length`)
      const lengthy = await ask(session, { ':method': 'POST', 'content-length': String(size) }, sent)
      assert.ok(lengthy.body.equals(sent), `${size} with its length`)
    }),
  )
  assert.ok(
    rig.begun.some(({ head }) => head.isChunked) && rig.begun.some(({ head }) => head.contentLength > 0),
  )
})

test('a stream of our own goes out at the pace of the visitor, and is whole', async (t) => {
  const piece = randomBytes(50_000)
  let given = 0
  const rig = await startHttp2(t, (exchange) =>
    exchange.respond(
      new Response(
        new ReadableStream({
          pull(controller) {
            given += 1
            if (given > 100) controller.close()
            else controller.enqueue(new Uint8Array(piece))
          },
        }),
      ),
    ),
  )
  const session = await visit(t, rig.url)
  const stream = session.request({})
  let got = 0
  await until('the stream to be held', () => given > 2)
  const held = given
  assert.ok(held < 60, `${held} pieces for a visitor who reads nothing`)
  stream.on('data', (bytes: Buffer) => {
    got += bytes.length
  })
  await new Promise((resolve) => stream.once('close', resolve))
  assert.equal(got, 100 * piece.length)
  assert.equal(stream.rstCode, 0)
})

test('an answer that breaks off is seen as broken off, never as the whole', async (t) => {
  const rig = await startHttp2(t, (exchange) =>
    exchange
      .respond(
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(new TextEncoder().encode('the beginning'))
              setTimeout(() => controller.error(new Error('broken')), 30)
            },
          }),
        ),
      )
      .catch(() => {}),
  )
  const session = await visit(t, rig.url)
  const { body, code, headers } = await ask(session, {})
  assert.equal(headers[':status'], 200)
  assert.equal(body.toString(), 'the beginning')
  assert.equal(code, constants.NGHTTP2_INTERNAL_ERROR)
  assert.equal(rig.outcomes[0]!.outcome, 'aborted')
  const after = await ask(session, { ':method': 'HEAD' })
  assert.equal(after.code, 0, 'its neighbours are not concerned')
})

test('a visitor who leaves ends his exchange and no other', async (t) => {
  const rig = await startHttp2(t, (exchange) => {
    if (exchange.path === '/now') exchange.answer(200, {}, 'now')
  })
  const session = await visit(t, rig.url)
  const stream = session.request({ ':path': '/never' })
  const left = answerOf(stream)
  await until('the request to arrive', () => rig.begun.length === 1)
  stream.close(constants.NGHTTP2_CANCEL)
  await left
  await until('the exchange to end', () => rig.outcomes.length === 1)
  assert.equal(rig.outcomes[0]!.outcome, 'aborted')
  assert.equal((await ask(session, { ':path': '/now' })).body.toString(), 'now')
  session.destroy()
  await until('the connection to be forgotten', () => rig.connections.size === 0)
})

test('an answer before the end of a body is whole, and the rest is not asked for', async (t) => {
  const rig = await startHttp2(t, (exchange) => exchange.answer(413, {}, 'too much'))
  const session = await visit(t, rig.url)
  const stream = session.request({ ':method': 'POST' })
  const answer = answerOf(stream)
  stream.write(randomBytes(1_000_000))
  const { headers, body, code } = await answer
  assert.deepEqual([headers[':status'], body.toString(), code], [413, 'too much', 0])
  assert.equal(rig.outcomes[0]!.outcome, 'finished')
  assert.equal((await ask(session, {})).headers[':status'], 413, 'the connection serves on')
})

test('a body that is held back again and again arrives whole', async (t) => {
  const rig = await startHttp2(t, (exchange) => {
    const wire = exchange as WireExchange
    const got: Buffer[] = []
    const sink: BodySink = {
      onBody(bytes) {
        got.push(bytes)
        return SENT
      },
      onBodyEnd: () => exchange.answer(200, {}, Buffer.concat(got)),
      onBodyPause() {
        wire.holdBody()
        setImmediate(() => wire.isBodyWhole || wire.readBody(sink))
      },
    }
    wire.readBody(sink)
  })
  const session = await visit(t, rig.url)
  for (const size of [0, 1, 300_000]) {
    const sent = randomBytes(size)
    const { body } = await ask(session, { ':method': 'POST' }, sent)
    assert.ok(body.equals(sent), String(size))
  }
})

test('100-continue is said once the body is asked for', async (t) => {
  const rig = await startHttp2(t, echo)
  const session = await visit(t, rig.url)
  const stream = session.request({ ':method': 'POST', expect: '100-continue' })
  const answer = answerOf(stream)
  stream.once('continue', () => stream.end('the body'))
  assert.equal((await answer).body.toString(), 'the body')
})

test('a body that drips in is given up', async (t) => {
  const rig = await startHttp2(t, echo, { settings: { minBodyRate: 1_000_000 }, speed: 50 })
  const session = await visit(t, rig.url)
  const stream = session.request({ ':method': 'POST' })
  const answer = answerOf(stream)
  stream.write('a')
  assert.equal((await answer).headers[':status'], 408)
})

test('who never takes his answer is not waited for', async (t) => {
  const rig = await startHttp2(t, (exchange) => exchange.answer(200, {}, Buffer.alloc(1_000_000)), {
    settings: { idleTimeoutMs: 100 },
  })
  const session = await visit(t, rig.url)
  session.request({}).on('error', () => {})
  await until('the exchange to end', () => rig.outcomes.length === 1)
  assert.equal(rig.outcomes[0]!.outcome, 'aborted')
})

test('a connection with nothing to say is closed in order', async (t) => {
  const rig = await startHttp2(t, (exchange) => exchange.answer(200, {}, 'x'), {
    settings: { keepAliveTimeoutMs: 100 },
  })
  const session = await visit(t, rig.url)
  let goaway: number | undefined
  session.on('goaway', (code) => {
    goaway = code
  })
  await ask(session, {})
  await until('its end', () => session.closed && rig.connections.size === 0)
  assert.equal(goaway, 0)
})

test('at a stop running requests are answered, and no new ones are taken', async (t) => {
  let finish = () => {}
  const rig = await startHttp2(t, (exchange) => {
    finish = () => exchange.answer(200, {}, 'late but whole')
  })
  const session = await visit(t, rig.url)
  const running = ask(session, {})
  await until('the request', () => rig.begun.length === 1)
  for (const connection of rig.connections) connection.drain()
  await until('the goodbye', () => session.closed)
  finish()
  assert.equal((await running).body.toString(), 'late but whole')
  await until('the connection to close', () => rig.connections.size === 0)
  assert.deepEqual(rig.refused, [])
})

test('curl speaks HTTP/2 to us', async (t) => {
  const rig = await startHttp2(t, echo)
  const { stdout } = await promisify(execFile)('curl', [
    ...['--http2', '-sk', '-w', '%{http_version} %{http_code}', '-d', 'from curl', rig.url],
  ])
  assert.equal(stdout, 'from curl2 200')
})
