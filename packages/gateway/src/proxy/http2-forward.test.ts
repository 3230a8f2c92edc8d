import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { get as getHttps } from 'node:https'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../observe/clock.ts'
import { createLog } from '../observe/log.ts'
import { createCertificates } from '../tls/certificates.ts'
import { TLS_CERT, TLS_KEY } from './testing/certificate.ts'
import { siteTable } from './testing/flywheel-site.ts'
import { httpService, onHead, rawClient, rawServer, until } from './testing/raw.ts'
import { instanceAt, type RigOptions, startRig } from './testing/rig.ts'

/** A data plane that speaks TLS, in front of services at these ports. */
async function startSecure(t: TestContext, options: RigOptions) {
  const log = createLog('silent')
  const certificates = createCertificates({
    sources: [{ cert: TLS_CERT, key: TLS_KEY }],
    log,
    clock: systemClock,
  })
  t.after(certificates.close)
  const rig = await startRig(t, { ...options, certificates })
  return { ...rig, url: `https://localhost:${rig.port}` }
}

async function visit(t: TestContext, url: string): Promise<ClientHttp2Session> {
  // The client refuses answers while more than that of its own waits to leave.
  const session = connect(url, { rejectUnauthorized: false, maxSessionMemory: 100 })
  session.on('error', () => {})
  t.after(() => session.destroy())
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject))
  return session
}

function ask(session: ClientHttp2Session, headers: Record<string, string>, body?: Buffer) {
  const stream = session.request(headers, { endStream: body === undefined })
  if (body) stream.end(body)
  let got: IncomingHttpHeaders & { ':status'?: number } = {}
  const interim: IncomingHttpHeaders[] = []
  const chunks: Buffer[] = []
  stream.on('response', (response) => {
    got = response
  })
  stream.on('headers', (response) => void interim.push(response))
  stream.on('data', (chunk) => void chunks.push(chunk))
  stream.on('error', () => {})
  return new Promise<{ headers: typeof got; body: Buffer; code: number; interim: typeof interim }>(
    (resolve) =>
      stream.once('close', () =>
        resolve({ headers: got, body: Buffer.concat(chunks), code: stream.rstCode, interim }),
      ),
  )
}

const route = (port: number, channel: 'http' | 'rsocket' = 'rsocket') => [
  { path: '/**', instances: [instanceAt(port, { channel })] },
]

test('a request of HTTP/2 reaches a service as one of HTTP/1.1, and its answer comes back', async (t) => {
  const { port } = await httpService(t, (request, response) => {
    response.setHeader('Set-Cookie', ['a=1', 'b=2'])
    response.setHeader('X-Private', 'hop')
    response.setHeader('Connection', 'X-Private, keep-alive')
    response.end(JSON.stringify({ version: request.httpVersion, url: request.url, headers: request.headers }))
  })
  const rig = await startSecure(t, { routes: route(port, 'http') })
  const session = await visit(t, rig.url)
  const { headers, body } = await ask(session, {
    ':path': '/a/../b?c',
    'x-forwarded-for': '6.6.6.6',
    'hydra-path': 'x',
  })
  const seen = JSON.parse(body.toString())
  assert.equal(seen.version, '1.1')
  assert.equal(seen.url, '/b?c')
  assert.equal(seen.headers.host, `localhost:${rig.port}`)
  assert.equal(seen.headers['x-forwarded-proto'], 'https')
  assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1')
  assert.notEqual(seen.headers['hydra-path'], 'x')
  assert.equal(seen.headers['x-request-id'], headers['x-request-id'])
  assert.equal(headers[':status'], 200)
  assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
  assert.equal(headers['x-private'], undefined)
  assert.equal(headers['x-frame-options'], 'SAMEORIGIN')
  assert.match(String(headers['server-timing']), /^hydra;dur=[0-9.]+, upstream;dur=[0-9.]+$/)
  await until('the line of the log', () => rig.lines.some(({ msg }) => msg === 'exchange'))
})

test('many requests at once on one connection, bodies both ways, none mixed up', async (t) => {
  const { port } = await httpService(t, (request, response) => {
    const hash = createHash('sha256')
    const chunks: Buffer[] = []
    request.on('data', (chunk) => {
      hash.update(chunk)
      chunks.push(chunk)
    })
    request.on('end', () => {
      response.setHeader('X-Sum', hash.digest('hex'))
      if (request.url === '/chunked') response.write(Buffer.concat(chunks))
      response.end(request.url === '/chunked' ? '' : Buffer.concat(chunks))
    })
  })
  const instance = instanceAt(port)
  const rig = await startSecure(t, { routes: [{ path: '/**', instances: [instance] }] })
  const session = await visit(t, rig.url)
  await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const sent = randomBytes(i * 9973)
      const headers: Record<string, string> = {
        ':method': 'POST',
        ':path': i % 2 ? '/chunked' : '/length',
        ...(i % 3 ? { 'content-length': String(sent.length) } : {}),
      }
      const { headers: got, body } = await ask(session, headers, sent)
      assert.equal(got['x-sum'], createHash('sha256').update(sent).digest('hex'))
      assert.ok(body.equals(sent), `${i}`)
    }),
  )
  const { inFlight } = rig.vitals.of(instance.id)
  assert.equal(inFlight, 0)
})

test('16 MB go to a slow reader at his pace, and whole', async (t) => {
  const piece = randomBytes(64 * 1024)
  let written = 0
  const { port } = await httpService(t, (_request, response) => {
    let left = 256
    const push = () => {
      while (left > 0) {
        left--
        written += piece.length
        if (!response.write(piece)) return void response.once('drain', push)
      }
      response.end()
    }
    push()
  })
  const rig = await startSecure(t, { routes: route(port) })
  const session = await visit(t, rig.url)
  const stream = session.request({})
  const hash = createHash('sha256')
  let got = 0
  let before = -1
  while (written !== before) {
    before = written
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(written < 12 * 2 ** 20, `${written} bytes for somebody who reads nothing`)
  stream.on('data', (chunk: Buffer) => {
    got += chunk.length
    hash.update(chunk)
  })
  await new Promise((resolve) => stream.once('close', resolve))
  const expected = createHash('sha256')
  for (let i = 0; i < 256; i++) expected.update(piece)
  assert.equal(got, 256 * piece.length)
  assert.equal(hash.digest('hex'), expected.digest('hex'))
})

test('a service that breaks off its answer is seen to have broken off', async (t) => {
  const { port } = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      setTimeout(() => end.socket.destroy(), 30)
    }),
  )
  const rig = await startSecure(t, { routes: route(port) })
  const session = await visit(t, rig.url)
  const { headers, code } = await ask(session, {})
  assert.equal(headers[':status'], 200)
  assert.equal(code, constants.NGHTTP2_INTERNAL_ERROR)
})

test('interim answers are passed on, and one body until the close is whole', async (t) => {
  const { port } = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send(
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.css>; rel=preload\r\n\r\n',
      )
      end.send('HTTP/1.0 200 OK\r\n\r\nall of it')
      end.socket.end()
    }),
  )
  const rig = await startSecure(t, { routes: route(port) })
  const session = await visit(t, rig.url)
  const { headers, body, interim, code } = await ask(session, {})
  assert.equal(headers[':status'], 200)
  assert.equal(body.toString(), 'all of it')
  assert.equal(code, 0)
  assert.equal(interim.length, 1)
  assert.equal(interim[0]!.link, '</a.css>; rel=preload, </b.css>; rel=preload')
})

test('a status HTTP/2 has no words for is a broken service', async (t) => {
  const { port } = await rawServer(t, (end) =>
    onHead(end, () => end.send('HTTP/1.1 700 What\r\nContent-Length: 2\r\n\r\nhi')),
  )
  const rig = await startSecure(t, { routes: route(port) })
  const session = await visit(t, rig.url)
  assert.equal((await ask(session, {})).headers[':status'], 502)
})

test('a visitor who leaves lets the service go as well', async (t) => {
  const { port, ends } = await rawServer(t, (end) => onHead(end, () => {}))
  const rig = await startSecure(t, { routes: route(port) })
  const session = await visit(t, rig.url)
  const stream = session.request({})
  stream.on('error', () => {})
  await until('the service to be asked', () => ends.length === 1 && ends[0]!.text.includes('\r\n\r\n'))
  stream.close(constants.NGHTTP2_CANCEL)
  await until('the service to be let go', () => ends[0]!.isClosed)
})

test('a WebSocket is opened over HTTP/1.1 beside HTTP/2 on the same port', async (t) => {
  const { port, server } = await httpService(t, (_request, response) => response.end('page'))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  )
  const rig = await startSecure(t, {
    routes: [{ path: '/live', kind: 'socket', instances: [instanceAt(port)] }, ...route(port)],
  })
  const session = await visit(t, rig.url)
  assert.equal((await ask(session, {})).body.toString(), 'page')
  const socket = new WebSocket(`wss://localhost:${rig.port}/live`, { rejectUnauthorized: false })
  t.after(() => socket.terminate())
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  for (const size of [0, 1, 70_000, 2_000_000]) {
    const sent = randomBytes(size)
    const [got] = await Promise.all([
      new Promise<Buffer>((resolve) => socket.once('message', (data) => resolve(data as Buffer))),
      socket.send(sent),
    ])
    assert.ok(got.equals(sent), String(size))
  }
  assert.equal((await ask(session, {})).body.toString(), 'page')
})

test('HTTP/1.1 over TLS is served on the same port, keep-alive and without ALPN too', async (t) => {
  const { port } = await httpService(t, (request, response) =>
    response.end(request.headers['x-forwarded-proto']),
  )
  const rig = await startSecure(t, { routes: route(port) })
  const body = await new Promise<string>((resolve, reject) => {
    getHttps(rig.url, { rejectUnauthorized: false }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    }).once('error', reject)
  })
  assert.equal(body, 'https')
  const socket = connectTls({ port: rig.port, host: '127.0.0.1', rejectUnauthorized: false })
  t.after(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.write('GET /a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /b HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('two answers', () => text.split('HTTP/1.1 200 OK').length === 3)
})

test('a stop says goodbye, answers what runs, and takes nothing new', async (t) => {
  const held: (() => void)[] = []
  const { port } = await httpService(t, (_request, response) => void held.push(() => response.end('late')))
  const rig = await startSecure(t, { routes: route(port) })
  const session = await visit(t, rig.url)
  const idle = await visit(t, rig.url)
  const running = ask(session, {})
  await until('the service to be asked', () => held.length === 1)
  const closed = rig.listener.close(5000)
  await until('both to hear of it', () => session.closed && idle.closed)
  held[0]!()
  assert.equal((await running).body.toString(), 'late')
  await closed
})

test('curl uploads and downloads over HTTP/2', async (t) => {
  const { port } = await httpService(t, (request, response) => void request.pipe(response))
  const rig = await startSecure(t, { routes: route(port) })
  const { stdout } = await promisify(execFile)('curl', [
    ...['--http2', '-sk', '-w', ' %{http_version} %{http_code}', '-d', 'x'.repeat(100_000), rig.url],
  ])
  assert.equal(stdout, `${'x'.repeat(100_000)} 2 200`)
})

test('a stop does not wait for handshakes that stand still', async (t) => {
  const rig = await startSecure(t, {})
  const silent = rawClient(t, rig.port)
  const half = rawClient(t, rig.port, '\x16\x03\x01')
  const session = await visit(t, rig.url)
  await new Promise((resolve) => session.ping(resolve))
  const stopped = rig.listener.close(5000)
  await Promise.all([silent.closed(2000), half.closed(2000), stopped])
})

test('who takes a long answer slowly, over TLS, is not taken for one who takes nothing', async (t) => {
  const size = 12 * 2 ** 20
  const rig = await startSecure(t, {
    settings: { idleTimeoutMs: 1000 },
    local: (exchange) => exchange.answer(200, {}, Buffer.alloc(size)),
  })
  const socket = connectTls({ port: rig.port, host: '127.0.0.1', rejectUnauthorized: false })
  t.after(() => socket.destroy())
  let got = 0
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    got += bytes.length
    socket.pause()
    setTimeout(() => socket.resume(), 3)
  })
  socket.write('GET /_local/long HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('all of it, or an end', () => got > size || socket.closed, 20_000)
  assert.ok(got > size, `${got} of ${size} bytes`)
})

test('by the rules of hydra-router our lines take the place of the service’s over HTTP/2 too', async (t) => {
  const { port } = await httpService(t, (asked, answer) => {
    answer.setHeader('Access-Control-Allow-Origin', 'null')
    answer.setHeader('X-Hydra-Tracer', 'own')
    answer.end(asked.headers['x-hydra-tracer'])
  })
  const rig = await startSecure(t, {
    table: siteTable({ shop: { routes: ['[get]/a'], ports: [port] } }),
    flywheel: { enabled: true, requestTimeoutMs: 5000, cors: { 'Access-Control-Allow-Origin': '*' } },
  })
  const { headers, body } = await ask(await visit(t, rig.url), { ':path': '/a', 'x-hydra-tracer': 'mine' })
  assert.equal(headers['access-control-allow-origin'], '*')
  assert.equal(headers['x-hydra-tracer'], body.toString())
  assert.match(body.toString(), /^[0-9a-z]{10}$/)
})
