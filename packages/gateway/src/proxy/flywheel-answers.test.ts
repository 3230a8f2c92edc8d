import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type FlywheelSettings, flywheelDefaults } from './flywheel-settings.ts'
import { changeOf, realAnswers, siteTable } from './testing/flywheel-site.ts'
import { deadPort, httpService, onHead, rawClient, rawServer, until } from './testing/raw.ts'
import { type Rig, startRig } from './testing/rig.ts'

const ON: FlywheelSettings = { ...flywheelDefaults, enabled: true }
const CORS = {
  'access-control-allow-origin': 'https://app.example',
  'access-control-allow-methods': 'GET, POST',
  'access-control-Max-Age': '10',
}

const rigOf = (t: TestContext, ports: readonly number[], flywheel: FlywheelSettings = ON): Promise<Rig> =>
  startRig(t, {
    table: siteTable({
      shop: { routes: ['[get]/v1/a', '[get]/v1/a/:id', '[post]/v1/a'], ports },
      plain: { channel: 'rsocket', routes: ['/plain'], ports },
    }),
    flywheel,
    answers: realAnswers,
    settings: { connectTimeoutMs: 200 },
  })

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
}

async function ask({ port }: Rig, path: string, { method = 'GET', headers = {}, body }: Asked = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request({ host: '127.0.0.1', port, path, method, headers, agent: false }, resolve)
      .on('error', reject)
      .end(body),
  )
  const bytes = await buffer(response)
  return { status: response.statusCode!, headers: response.headers, bytes, text: bytes.toString() }
}

/** A raw service that answers each request with these bytes. */
const saying = (t: TestContext, answer: string) => rawServer(t, (end) => onHead(end, () => end.send(answer)))

const sized = (body: string, more = '') =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`

test('JSON goes on byte by byte: hydra-router made objects of arrays, took the status from a member of the body, and died of a member called headers', async (t) => {
  const bodies = [
    '[1, 2,  3]',
    '{"statusCode":500,"headers":{"x":1},"result":{}}',
    '{"headers":null}',
    ' {"a" : 1e3 } ',
    'no JSON',
  ]
  for (const body of bodies) {
    const { port } = await saying(
      t,
      sized(body, 'X-Process-Id: 7\r\nETag: "x"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n'),
    )
    const answer = await ask(await rigOf(t, [port]), '/v1/a')
    assert.equal(answer.status, 200)
    assert.equal(answer.text, body)
    assert.equal(answer.headers['x-process-id'], '7')
    assert.equal(answer.headers.etag, '"x"')
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
  }
})

test('an answer in chunks has one framing; hydra-router sent Content-Length and Transfer-Encoding both', async (t) => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
  const { port } = await saying(t, chunked)
  const rig = await rigOf(t, [port])
  const client = rawClient(t, rig.port, 'GET /v1/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const raw = await client.closed()
  assert.match(raw, /transfer-encoding: chunked/i)
  assert.doesNotMatch(raw, /content-length/i)
})

test('bodies of every verb arrive as they were sent: hydra-router lost those of PATCH, hung on those of DELETE, and made {} of what was no JSON', async (t) => {
  const got: { method: string; type: string | undefined; body: string }[] = []
  const { port } = await httpService(t, async (asked, answer) => {
    const body = (await buffer(asked)).toString('latin1')
    got.push({ method: asked.method!, type: asked.headers['content-type'], body })
    answer.end()
  })
  const rig = await rigOf(t, [port])
  const bodies = [
    ['application/x-www-form-urlencoded; charset=utf-8', 'a=1&b=2'],
    ['text/plain', 'just text'],
    ['application/json', '{ "a" : 1 }'],
    ['application/octet-stream', '\u0000\u0001ÿ'],
  ] as const
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const [type, body] of bodies) {
      const answer = await ask(rig, '/v1/a', {
        method,
        headers: { 'content-type': type, 'content-length': String(body.length) },
        body: Buffer.from(body, 'latin1'),
      })
      assert.equal(answer.status, 200)
      assert.deepEqual(got.at(-1), { method, type, body })
    }
  }
})

test('a body reaches the service while it is being sent; hydra-router kept it whole in memory first', async (t) => {
  const service = await rawServer(t, () => {})
  const rig = await rigOf(t, [service.port])
  const client = rawClient(t, rig.port, 'POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst')
  await until('the first half', () => service.ends[0]?.text.includes('first') === true)
  client.send('after')
  await until('the second half', () => service.ends[0]!.text.endsWith('firstafter'))
  service.ends[0]!.send(sized('{}'))
  await client.sees('200 OK')
})

test('a body that is no gzip, though it says so, never got an answer from hydra-router; it gets that of the service', async (t) => {
  const { port } = await httpService(t, async (asked, answer) => {
    const body = await buffer(asked)
    answer.statusCode = 400
    answer.end(`${asked.headers['content-encoding']} ${body.length} ${asked.headers['accept-encoding']}`)
  })
  const rig = await rigOf(t, [port])
  const headers = { 'content-encoding': 'gzip', 'accept-encoding': 'gzip, br' }
  const bad = await ask(rig, '/v1/a', { method: 'POST', headers, body: 'no gzip' })
  assert.deepEqual([bad.status, bad.text], [400, 'gzip 7 gzip, br'])
  const zipped = gzipSync('{}')
  const good = await ask(rig, '/v1/a', { method: 'POST', headers, body: zipped })
  assert.equal(good.text, `gzip ${zipped.length} gzip, br`)
})

test('the service gets a tracer nobody can guess, the visitor the same, whatever either had sent', async (t) => {
  const { port } = await httpService(t, (asked, answer) => {
    answer.setHeader('X-Hydra-Tracer', 'of the service')
    answer.end(
      JSON.stringify([asked.headers['x-hydra-tracer'], asked.headers['hydra-path'], asked.headers.host]),
    )
  })
  const rig = await rigOf(t, [port])
  const seen = new Set<string>()
  for (let i = 0; i < 50; i++) {
    const answer = await ask(rig, '/v1/a', { headers: { 'x-hydra-tracer': 'mine', host: 'shop.example' } })
    const [tracer, path, host] = JSON.parse(answer.text)
    assert.match(tracer, /^[0-9a-z]{10,11}$/)
    assert.equal(answer.headers['x-hydra-tracer'], tracer)
    assert.equal(path, null)
    assert.equal(host, 'shop.example')
    seen.add(tracer)
  }
  assert.equal(seen.size, 50)
  await until('the log', () => rig.lines.some(({ tracer }) => seen.has(String(tracer))))
  const plain = await ask(rig, '/plain')
  assert.equal(plain.headers['x-hydra-tracer'], 'of the service')
  assert.equal(JSON.parse(plain.text)[0], null)
})

test('OPTIONS is answered here and never asked of the service, where these rules hold; elsewhere it is a method', async (t) => {
  const asked: string[] = []
  const { port } = await httpService(t, (request, answer) => {
    asked.push(`${request.method} ${request.url}`)
    answer.end()
  })
  const rig = await rigOf(t, [port], { ...ON, cors: CORS })
  for (const path of ['/v1/a', '/v1/a/7', '/shop/deep/path']) {
    const answer = await ask(rig, path, { method: 'OPTIONS' })
    assert.equal(answer.status, 204)
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
    assert.equal(answer.headers['access-control-expose-headers'], 'Content-Length, Content-Range')
    assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example')
    assert.equal(answer.headers['access-control-max-age'], '10')
    assert.equal(answer.headers['content-length'], undefined)
  }
  assert.deepEqual(asked, [])
  assert.equal((await ask(rig, '/plain', { method: 'OPTIONS' })).status, 200)
  assert.deepEqual(asked, ['OPTIONS /plain'])
  assert.equal((await ask(rig, '/nowhere', { method: 'OPTIONS' })).status, 404)
})

test('the configured headers take the place of the service’s own, on answers and errors; without any it keeps its own', async (t) => {
  const own = 'Access-Control-Allow-Origin: *\r\naccess-control-max-age: 99\r\nX-Own: 1\r\n'
  const service = await saying(t, sized('{}', own))
  const rig = await rigOf(t, [service.port], { ...ON, cors: CORS })
  const client = rawClient(t, rig.port, 'GET /v1/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const raw = await client.closed()
  assert.deepEqual(raw.match(/access-control-[^\r]+/gi)!.sort(), [
    'access-control-Max-Age: 10',
    'access-control-allow-methods: GET, POST',
    'access-control-allow-origin: https://app.example',
  ])
  assert.match(raw, /X-Own: 1/)
  const missing = await ask(rig, '/nowhere')
  assert.equal(missing.status, 404)
  assert.equal(missing.headers['access-control-allow-origin'], 'https://app.example')
  assert.equal((await ask(rig, '/plain')).headers['access-control-max-age'], '99')

  const without = await rigOf(t, [service.port])
  const answer = await ask(without, '/v1/a')
  assert.equal(answer.headers['access-control-allow-origin'], '*')
  assert.equal(answer.headers['access-control-allow-methods'], undefined)
  const preflight = await ask(without, '/v1/a', { method: 'OPTIONS' })
  assert.equal(preflight.headers['access-control-allow-origin'], '*')
  const bare = await ask(await rigOf(t, [(await saying(t, sized('{}'))).port]), '/v1/a')
  assert.equal(bare.headers['access-control-allow-origin'], undefined)
})

test('instances that hang are 504 within one requestTimeout; hydra-router said 503 after as many of them as there were instances', async (t) => {
  const mute = await Promise.all([1, 2, 3].map(() => rawServer(t, () => {})))
  const rig = await rigOf(
    t,
    mute.map(({ port }) => port),
    { ...ON, requestTimeoutMs: 500 },
  )
  const began = performance.now()
  const answer = await ask(rig, '/v1/a')
  const tookMs = performance.now() - began
  assert.equal(answer.status, 504)
  assert.ok(tookMs >= 450 && tookMs < 1000, `${tookMs} ms`)
  const { result, tracer, statusMessage, code } = JSON.parse(answer.text)
  assert.deepEqual(result, { reason: 'An instance of shop is unavailable' })
  assert.equal(statusMessage, 'Gateway Timeout')
  assert.equal(code, 'HYDRA_UPSTREAM_TIMEOUT')
  assert.equal(tracer, answer.headers['x-hydra-tracer'])
  assert.equal(answer.headers['access-control-allow-origin'], '*')
})

test('a service may break and the next one hang: both together have one requestTimeout', async (t) => {
  const breaking = await rawServer(t, (end) => onHead(end, () => setTimeout(() => end.socket.destroy(), 300)))
  const mute = await rawServer(t, () => {})
  const rig = await rigOf(t, [breaking.port, mute.port], { ...ON, requestTimeoutMs: 600 })
  const began = performance.now()
  assert.equal((await ask(rig, '/v1/a')).status, 504)
  const tookMs = performance.now() - began
  assert.ok(tookMs < 1000, `${tookMs} ms`)
})

test('refused connections are 503 with the words of hydra-router, at once', async (t) => {
  const rig = await rigOf(t, [await deadPort(), await deadPort()], { ...ON, cors: CORS })
  const answer = await ask(rig, '/v1/a')
  assert.equal(answer.status, 503)
  assert.equal(answer.headers['retry-after'], '5')
  assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example')
  const body = JSON.parse(answer.text)
  assert.equal(body.statusMessage, 'Service Unavailable')
  assert.deepEqual(body.result, { reason: 'An instance of shop is unavailable' })
  assert.match(body.tracer, /^[0-9a-z]+$/)

  const none = await rigOf(t, [])
  assert.deepEqual(JSON.parse((await ask(none, '/v1/a')).text).result, {
    reason: 'Unavailable shop instances',
  })
})

test('an upload may take longer than requestTimeout; what the service takes after it may not', async (t) => {
  const service = await rawServer(t, () => {})
  const rig = await rigOf(t, [service.port], { ...ON, requestTimeoutMs: 300 })
  const client = rawClient(t, rig.port, 'POST /v1/a HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n')
  for (const letter of 'abcdef') {
    client.send(letter)
    await until(letter, () => service.ends[0]?.text.endsWith(letter) === true)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await client.sees('504')
  assert.match(client.text, /HYDRA_UPSTREAM_TIMEOUT/)
})

test('a POST that timed out is not sent to another instance; hydra-router did', async (t) => {
  const services = await Promise.all([1, 2].map(() => rawServer(t, () => {})))
  const rig = await rigOf(
    t,
    services.map(({ port }) => port),
    { ...ON, requestTimeoutMs: 300 },
  )
  const answer = await ask(rig, '/v1/a', { method: 'POST', body: 'order' })
  assert.equal(answer.status, 504)
  const got = services.flatMap(({ ends }) => ends).filter(({ text }) => text.includes('order'))
  assert.equal(got.length, 1)
})

test('an instance that fails is passed over and nobody else gets 503; hydra-router struck healthy ones from its list too', async (t) => {
  const { port } = await httpService(t, (_asked, answer) => answer.end('ok'))
  const dead = await deadPort()
  const rig = await rigOf(t, [dead, port])
  const answers = await Promise.all(Array.from({ length: 60 }, () => ask(rig, '/v1/a')))
  assert.ok(answers.every(({ status }) => status === 200))
  // One that breaks what it was sent does not take the others along either.
  const breaking = await rawServer(t, (end) => onHead(end, () => end.socket.destroy()))
  rig.live.table = rig.live.table.withService(
    changeOf('shop', { routes: ['[get]/v1/a'], ports: [breaking.port, port] }, 1),
  )
  const again = await Promise.all(Array.from({ length: 60 }, () => ask(rig, '/v1/a')))
  assert.ok(again.every(({ status }) => status === 200))
})

test('what is configured anew holds for the next request', async (t) => {
  const { port } = await saying(t, sized('{}'))
  const settings = { ...ON, cors: undefined as FlywheelSettings['cors'] }
  const rig = await rigOf(t, [port], settings)
  assert.equal((await ask(rig, '/v1/a')).headers['access-control-allow-methods'], undefined)
  settings.cors = CORS
  assert.equal((await ask(rig, '/v1/a')).headers['access-control-allow-methods'], 'GET, POST')
})
