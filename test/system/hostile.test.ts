/**
 * A caller who means harm: what may be tried from outside, and what everybody else must not notice of it.
 */

import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { medusaBean } from '../support/medusa-client.ts'
import { startUpstream } from '../support/upstream.ts'

const MiB = 1024 * 1024
const HOST = 'Host: localhost\r\n'
const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

async function register(gateway: TestGateway, body: Record<string, unknown> | string) {
  const response = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

/** Sends bytes on a connection of their own; resolves with all that comes back until it closes or `waitMs` pass. */
function ask(gateway: TestGateway, bytes: string, waitMs = 2000): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(gateway.port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
    const timer = setTimeout(() => socket.destroy(), waitMs)
    socket.on('data', (chunk) => (text += chunk.toString('latin1'))).on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(text)
    })
  })
}

/** One request that closes its connection. */
const get = (gateway: TestGateway, target: string, headers = '') =>
  ask(gateway, `GET ${target} HTTP/1.1\r\n${HOST}Connection: close\r\n${headers}\r\n`)

const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])

/** A registered service on a raw socket that answers however it likes. */
async function startLiar(
  t: TestContext,
  gateway: TestGateway,
  name: string,
  answer: (socket: Socket, request: string) => void,
): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}).on('end', () => socket.end())
    socket.on('data', (chunk) => answer(socket, chunk.toString('latin1')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  const bean = medusaBean(name, port, { endpoints: [`/${name}`, `/${name}/**`], sockets: [`/${name}/ws`] })
  assert.equal((await register(gateway, bean)).status, 200)
}

/** A list in JSON that fills about `bytes` with one entry. */
function listOf(entry: string, bytes: number): string {
  return `[${Array(Math.floor(bytes / (entry.length + 1)))
    .fill(entry)
    .join(',')}]`
}

test('a registration that is nothing but faults is refused before the faults are looked for', async (t) => {
  const gateway = await startGateway(t)
  for (const [list, entry] of [
    ['endpoints', '1'],
    ['staticResources', '{}'],
    ['routes', '{}'],
    ['sockets', '""'],
  ] as const) {
    const body = `{"name":"one","host":"127.0.0.1","port":9,"${list}":${listOf(entry, 2 * MiB)}}`
    assert.equal((await register(gateway, body)).status, 413, list)
  }
  const menus = `{${Array.from({ length: 50_000 }, (_, i) => `"m${i}":1`)}}`
  const refused = await register(gateway, `{"name":"one","host":"127.0.0.1","port":9,"menuItems":${menus}}`)
  assert.equal(refused.status, 413)
  assert.deepEqual((await gateway.admin('services')).services, [])
})

test('JSON nested a million deep is refused at once', async (t) => {
  const gateway = await startGateway(t)
  const deep = `${'['.repeat(3_900_000)}${']'.repeat(3_900_000)}`
  const refused = await register(gateway, `{"name":"one","host":"127.0.0.1","port":9,"zz":${deep}}`)
  assert.equal(refused.status, 400)
  assert.match(refused.text, /64 deep/)
})

test('a fault quotes little of what it was found in, in the answer and in the log', async (t) => {
  const gateway = await startGateway(t)
  const bean = medusaBean('one', 9, { menuItems: { ['k'.repeat(4 * MiB)]: 1 } })
  const { status, text } = await register(gateway, bean)
  assert.equal(status, 400)
  assert.ok(text.length < 2000, `${text.length} bytes`)
  for (const line of gateway.lines) assert.ok(JSON.stringify(line).length < 2000)
})

test('what a path stands for is counted even when it is left out, and counting stops at the limit', async (t) => {
  const gateway = await startGateway(t)
  const tail = 'q/'.repeat(48)
  for (const path of [`/h/{a?}/x/{b?}/y/{c?}/z/{d?}/${tail}`, `/o/{a?}/x/{b?}/y/{c?}/z/{d?}/${tail}`]) {
    const routes = Array.from({ length: 15_000 }, () => ({ path }))
    assert.equal((await register(gateway, medusaBean('one', 9, { routes }))).status, 413, path)
  }
  assert.deepEqual((await gateway.admin('services')).services, [])
})

test('routes of many segments count as several, so that no registration stops the gateway for seconds', async (t) => {
  const gateway = await startGateway(t)
  const deep = Array.from({ length: 6000 }, (_, i) => `${'/*'.repeat(60)}/${i}`)
  assert.equal((await register(gateway, medusaBean('one', 9, { endpoints: deep }))).status, 413)
  const usual = deep.map((_, i) => `${'/*'.repeat(14)}/${i}`)
  assert.equal((await register(gateway, medusaBean('one', 9, { endpoints: usual }))).status, 200)
})

test('a lossy translation of thousands of routes is one line of the log', async (t) => {
  const gateway = await startGateway(t)
  const endpoints = Array.from({ length: 5000 }, (_, i) => `/${i}/{x:(a+)+}`)
  assert.equal((await register(gateway, medusaBean('one', 9, { endpoints }))).status, 200)
  const said = gateway.lines.filter(({ level }) => level === 'warn' || level === 40)
  assert.ok(said.length < 5, `${said.length} lines`)
})

test('with a control port no spelling of a path opens its doors on the public one', async (t) => {
  const gateway = await startGateway(t, { controlPort: 0 })
  for (const path of [
    '/_hydra/%6detrics',
    '/_hydra/%6Detrics',
    '/_hydra/%61pi/v1/services',
    '/_hydra/a%70i/v1/routes',
    '/_hydra/./metrics',
    '/x/../_hydra/metrics',
    '/_h/%73ervices',
  ]) {
    assert.equal(statusOf(await get(gateway, path)), 404, path)
  }
})

test('the public key is masked in the log however it is written', async (t) => {
  const gateway = await startGateway(t)
  const { publicKey } = gateway
  const first = publicKey.charCodeAt(0).toString(16)
  for (const key of [publicKey, `%${first}${publicKey.slice(1)}`]) {
    await ask(
      gateway,
      `POST /h/discovery/${key}/alive?${key} HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: 1\r\n\r\nx`,
    )
    await get(gateway, `/h/discovery/${key}/%zz`)
    await get(gateway, `/nowhere/${key}`, 'Cookie: sid=kept-secret\r\nAuthorization: Bearer kept-secret\r\n')
  }
  await eventually(() => assert.ok(gateway.lines.filter(({ msg }) => msg === 'exchange').length >= 6))
  const log = JSON.stringify(gateway.lines)
  assert.ok(!log.includes(publicKey.slice(6)))
  assert.ok(!log.includes('kept-secret'))
})

test('nobody is taken for a proxy, for the gateway or for another visitor by a header, in any spelling', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  await register(gateway, medusaBean('one', one.port))
  const forged = [
    'X-Forwarded-For: 6.6.6.6',
    'X_Forwarded_For: 6.6.6.6',
    'X-Forwarded_Host: 6.6.6.6',
    'Forwarded: for=6.6.6.6',
    'X-Real-IP: 6.6.6.6',
    'X_Real_IP: 6.6.6.6',
    'X-Request-Id: 6.6.6.6',
    'X_Request_Id: 6.6.6.6',
    'hydra-path: 6.6.6.6',
    'Hydra_Path: 6.6.6.6',
    'Content_Length: 6666',
    'Transfer_Encoding: chunked',
    'Connection: hydra-path, x-forwarded-for, x-request-id, host',
    'Cookie: HYDRA-ROUTE=6.6.6.6; mine=1; __Host-HYDRA-ROUTE=6.6.6.6; HYDRA-DEBUG =6.6.6.6',
  ]
  const text = await get(gateway, '/one', `${forged.join('\r\n')}\r\n`)
  const { headers } = JSON.parse(text.split('\r\n\r\n')[1]!)
  assert.ok(!JSON.stringify(headers).includes('6.6.6.6'), JSON.stringify(headers))
  assert.equal(headers['x-forwarded-for'], '127.0.0.1')
  assert.equal(headers['hydra-path'], 'one')
  assert.equal(headers.cookie, 'mine=1')
  assert.equal(headers.host, 'localhost')
  assert.equal(headers.transfer_encoding, undefined)
  assert.equal(headers.content_length, undefined)
})

test('hosts that only look like addresses are a bad request, and no failure of the gateway', async (t) => {
  const gateway = await startGateway(t)
  for (const host of ['1.2.3.4.5', '999.1.1.1', '0x7f.1', '99999999999', 'a.1', '127.0.0.1.1', '127.1']) {
    const answer = await ask(
      gateway,
      `GET /_hydra/ready HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    )
    assert.equal(statusOf(answer), 400, host)
  }
  assert.ok(!gateway.lines.some(({ level }) => level === 'error' || level === 50))
})

test('other versions of HTTP are refused, and none but HTTP/1.1 opens a WebSocket', async (t) => {
  const gateway = await startGateway(t)
  let upgrades = 0
  await startLiar(t, gateway, 'one', (socket, request) => {
    if (/^upgrade:/im.test(request)) upgrades++
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  for (const version of ['0.9', '2.0', '1.2', '3.0']) {
    const answer = await ask(gateway, `GET /one HTTP/${version}\r\n${HOST}Connection: close\r\n\r\n`)
    assert.equal(statusOf(answer), 505, version)
  }
  await ask(gateway, `GET /one/ws HTTP/1.0\r\n${HOST}${HANDSHAKE}\r\n`)
  const twoOrigins = 'Origin: http://localhost\r\nOrigin: http://evil.example\r\n'
  await ask(gateway, `GET /one/ws HTTP/1.1\r\n${HOST}${twoOrigins}${HANDSHAKE}\r\n`, 500)
  assert.equal(upgrades, 0)
})

test('a switch of protocols nobody asked for never reaches a visitor', async (t) => {
  const gateway = await startGateway(t)
  const heads = [
    '',
    'Content-Length: 2\r\n',
    'Upgrade: websocket\r\n',
    'Connection: Upgrade\r\nUpgrade: x\r\n',
  ]
  for (const [i, head] of heads.entries()) {
    await startLiar(t, gateway, `one${i}`, (socket) =>
      socket.write(`HTTP/1.1 101 Switching\r\n${head}\r\nok`),
    )
    assert.equal(statusOf(await get(gateway, `/one${i}`)), 502, head)
    const upgraded = await ask(gateway, `GET /one${i}/ws HTTP/1.1\r\n${HOST}${HANDSHAKE}\r\n`)
    assert.equal(statusOf(upgraded), 502, head)
  }
})

test('a service that says "wait" for ever fills no memory', async (t) => {
  const gateway = await startGateway(t)
  const interim = `HTTP/1.1 103 Early Hints\r\nLink: </${'x'.repeat(4000)}>\r\n\r\n`.repeat(50)
  let sent = 0
  await startLiar(t, gateway, 'one', (socket) => {
    const pump = () => {
      while (!socket.destroyed && sent < 200 * MiB && socket.write(interim)) sent += interim.length
    }
    socket.on('drain', pump)
    pump()
  })
  const answer = await ask(gateway, `GET /one HTTP/1.1\r\n${HOST}\r\n`, 1000)
  assert.ok(sent < 20 * MiB, `${sent} bytes were taken`)
  assert.match(answer, /HTTP\/1\.1 502/)
})

test('an answer with another coding than chunked is an error, in one header or in two', async (t) => {
  const gateway = await startGateway(t)
  const body = '2\r\nok\r\n0\r\n\r\n'
  for (const [i, codings] of [
    ['chunked', 'identity'],
    ['gzip, chunked'],
    ['identity'],
    ['chunked', 'gzip'],
  ].entries()) {
    const lines = codings.map((coding) => `Transfer-Encoding: ${coding}\r\n`).join('')
    await startLiar(t, gateway, `one${i}`, (socket) => socket.end(`HTTP/1.1 200 OK\r\n${lines}\r\n${body}`))
    assert.equal(statusOf(await get(gateway, `/one${i}`)), 502, codings.join(' and '))
  }
})

test('a route to a path that can not be asked for is left out with its reason', async (t) => {
  const gateway = await startGateway(t)
  const bad = ['/a b', '/a\r\nX: y', '/é', '/a#b', '/\u0000', '/\ud800']
  const routes = bad.map((to, i) => ({ path: `/to${i}`, to }))
  const { status, text } = await register(gateway, medusaBean('one', 9, { routes }))
  assert.equal(status, 200)
  assert.deepEqual(
    JSON.parse(text).refused.map(({ path }: { path: string }) => path),
    routes.map(({ path }) => path),
  )
})

test('who leaves in the middle of a registration is refused, and is no failure of the gateway', async (t) => {
  const gateway = await startGateway(t)
  const path = `/h/discovery/${gateway.publicKey}/registration`
  await ask(gateway, `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\n{"name":`, 200)
  await eventually(() => assert.ok(gateway.lines.some(({ msg }) => msg === 'registration refused')))
  assert.ok(!gateway.lines.some(({ level }) => level === 'error' || level === 50))
})

test('what two servers could read as different requests is refused, and nothing of it reaches a service', async (t) => {
  const gateway = await startGateway(t)
  const seen: string[] = []
  await startLiar(t, gateway, 'one', (socket, request) => {
    seen.push(request)
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const post = (headers: string, body: string) => `POST /one HTTP/1.1\r\n${HOST}${headers}\r\n\r\n${body}`
  const chunked = (body: string) => post('Transfer-Encoding: chunked', body)
  const smuggled = `GET /one/smuggled HTTP/1.1\r\n${HOST}\r\n`
  const requests = {
    'length and chunks': post('Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${smuggled}`),
    'two lengths': post('Content-Length: 2\r\nContent-Length: 40', `xx${smuggled}`),
    'a list of lengths': post('Content-Length: 2, 2', 'xx'),
    'a signed length': post('Content-Length: +2', 'xx'),
    'a length beyond numbers': post('Content-Length: 99999999999999999999999', 'xx'),
    'an unknown coding': post('Transfer-Encoding: xchunked', '0\r\n\r\n'),
    'chunked twice': post('Transfer-Encoding: chunked, chunked', '0\r\n\r\n'),
    'two codings in two lines': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x', '0\r\n\r\n'),
    'a coding with a vertical tab': post('Transfer-Encoding: \u000bchunked', '0\r\n\r\n'),
    'a space before the colon': post('Transfer-Encoding : chunked', '0\r\n\r\n'),
    'chunks in HTTP/1.0': chunked('0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
    'a chunk size in C': chunked('0x2\r\nxx\r\n0\r\n\r\n'),
    'a chunk size with a space': chunked('2 \r\nxx\r\n0\r\n\r\n'),
    'a bare LF in an extension': chunked('2;a\nxx\r\n0\r\n\r\n'),
    'a bare CR in an extension': chunked('2;a\rxx\r\n0\r\n\r\n'),
    'chunks with bare LFs': chunked('2\nxx\n0\n\n'),
    'a chunk longer than it says': chunked('2\r\nxxyy0\r\n\r\n'),
    'a chunk size that overflows': chunked('10000000000000002\r\nxx\r\n0\r\n\r\n'),
    'a folded line': `GET /one HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`,
    'a folded coding': post('Transfer-Encoding:\r\n chunked', '0\r\n\r\n'),
    'a folded first line': `GET /one HTTP/1.1\r\n X: y\r\n${HOST}\r\n`,
    'bare LFs': 'GET /one HTTP/1.1\nHost: localhost\n\n',
    'a bare CR in a value': `GET /one HTTP/1.1\r\n${HOST}X: a\rY: b\r\n\r\n`,
    'NUL in a value': `GET /one HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`,
    'a name with a space': `GET /one HTTP/1.1\r\n${HOST}X Y: b\r\n\r\n`,
    'two hosts': `GET /one HTTP/1.1\r\n${HOST}Host: evil.example\r\n\r\n`,
    'no host': 'GET /one HTTP/1.1\r\n\r\n',
    'a host with a user': 'GET /one HTTP/1.1\r\nHost: a@localhost\r\n\r\n',
    'another host in the target': `GET http://evil.example/one HTTP/1.1\r\n${HOST}\r\n`,
    'a user in the target': `GET http://a@localhost/one HTTP/1.1\r\n${HOST}\r\n`,
    'another expectation': post('Expect: 200-ok\r\nContent-Length: 2', 'xx'),
    'a TLS hello': '\u0016\u0003\u0001\u0002\u0000\u0001\u0000',
    'HTTP/2 without asking': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  }
  const answers = await Promise.all(
    Object.entries(requests).map(async ([title, bytes]) => [title, await ask(gateway, bytes, 400)] as const),
  )
  for (const [title, answer] of answers) {
    // Its sender may be honest and learns that the coding is what is in the way (RFC 9112, 6.1).
    assert.equal(statusOf(answer), title === 'an unknown coding' ? 501 : 400, title)
    assert.equal(answer.match(/HTTP\/1\.1 \d{3}/g)?.length, 1, title)
    assert.doesNotMatch(answer, /127\.0\.0\.1|\.ts:|at \w+ \(/, title)
  }
  assert.ok(!seen.join('').includes('smuggled'))
  assert.equal(statusOf(await get(gateway, '/one')), 200)
})

test('an answer that lies about its length, its form or its number never gets on to another visitor', async (t) => {
  const gateway = await startGateway(t)
  const ok = 'HTTP/1.1 200 OK\r\n'
  const leftover = `${ok}Content-Length: 9\r\n\r\nLEFTOVER!`
  const answers: Record<string, [answer: string, status: number | undefined]> = {
    'two answers': [`${ok}Content-Length: 2\r\n\r\nok${leftover}`, 200],
    'two chunked answers': [`${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${leftover}`, 200],
    'bytes after the end': [`${ok}Content-Length: 2\r\n\r\nokLEFTOVER!`, undefined],
    'no content with content': [`HTTP/1.1 204 No Content\r\n\r\n${leftover}`, 204],
    'not modified with content': [`HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n${leftover}`, 304],
    'length and chunks': [
      `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      502,
    ],
    'chunks and length': [
      `${ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      502,
    ],
    'two lengths': [`${ok}Content-Length: 2\r\nContent-Length: 9\r\n\r\nLEFTOVER!`, 502],
    'a negative length': [`${ok}Content-Length: -1\r\n\r\nok`, 502],
    'a broken chunk': [`${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n`, undefined],
    'a folded line': [`${ok}X: a\r\n b\r\nContent-Length: 2\r\n\r\nok`, 502],
    'a bare CR': [`${ok}X: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok`, 502],
    NUL: [`${ok}X: a\0b\r\nContent-Length: 2\r\n\r\nok`, 502],
    'status 0': ['HTTP/1.1 000 Zero\r\nContent-Length: 2\r\n\r\nok', 502],
    'another version': ['HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 502],
  }
  let lie = ''
  await startLiar(t, gateway, 'one', (socket, request) => {
    if (request.includes('/one/honest')) socket.write(`${ok}Content-Length: 6\r\n\r\nhonest`)
    else socket.write(lie, 'latin1')
  })
  for (const [title, [answer, status]] of Object.entries(answers)) {
    lie = answer
    const [lied, honest] = await Promise.all([get(gateway, '/one/lie'), get(gateway, '/one/honest')])
    const shown = statusOf(lied)
    assert.equal(Number.isNaN(shown) ? undefined : shown, status, title)
    assert.doesNotMatch(lied, /LEFTOVER/, title)
    for (const other of [honest, await get(gateway, '/one/honest')])
      assert.match(other, /\r\n\r\nhonest$/, title)
  }
  await eventually(async () => {
    const [{ instances }] = (await gateway.admin('services')).services
    assert.deepEqual(
      instances.map(({ inFlight }: { inFlight: number }) => inFlight),
      [0],
    )
  })
})

test('no spelling of a path reaches what belongs to the gateway through a route, nor a route through it', async (t) => {
  const gateway = await startGateway(t)
  const all = await startUpstream(t, 'all')
  await register(gateway, medusaBean('all', all.port, { endpoints: ['/**'], sockets: ['/**'] }))
  for (const path of ['/x/../health', '/./health', '/health?x']) {
    assert.match(await get(gateway, path), /\{"status":"ok"\}/, path)
  }
  for (const path of [
    '/%5fhydra/api/v1/services',
    '//_hydra/metrics',
    '/_hydra;/metrics',
    '/%68/discovery/x',
  ]) {
    assert.match(await get(gateway, path), /"name":"all"/, path)
  }
  for (const path of [
    '/a/..;/b',
    '/a/.%2e/b',
    '/a/%2e',
    '/a%2f..%2fb',
    '/a%00',
    '/a%5c..',
    '/a\\..\\b',
    '/..',
    '/a/../../b',
    '/a//../b',
    '/%c0%ae%c0%ae/',
    '/%u002e',
    '/%',
    '/a#b',
    '/\u00e9',
  ]) {
    assert.equal(statusOf(await get(gateway, path)), 400, path)
  }
})

test('who is not at this machine sees no metrics and no services, whatever name it calls the gateway by', async (t) => {
  const gateway = await startGateway(t)
  for (const path of ['/_hydra/metrics', '/_h/services']) {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', '[::ffff:1.2.3.4]']) {
      const answer = await ask(gateway, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      assert.equal(statusOf(answer), 401, host)
    }
    for (const header of [
      'X-Forwarded-For: 1.2.3.4',
      'Forwarded: for=1.2.3.4',
      'Via: 1.1 x',
      'X-Real-IP: 1.2.3.4',
    ])
      assert.equal(statusOf(await get(gateway, path, `${header}\r\n`)), 401, header)
  }
  // A service can't say that it lives where the gateway does; one an operator configured there opens nothing either.
  assert.equal((await register(gateway, medusaBean('back', gateway.port))).status, 403)
  const routes = ['/_h/services', '/_hydra/metrics'].map((to, i) => ({ path: `/back${i}`, to }))
  const port = await freePort()
  const round = await startGateway(t, {
    port,
    services: { back: { url: `http://127.0.0.1:${port}`, routes } },
  })
  const nominated = 'Connection: close, x-forwarded-for, forwarded, x-real-ip\r\n'
  for (const { path } of routes)
    await eventually(async () => assert.equal(statusOf(await get(round, path, nominated)), 401))
})

test('nothing a service or a visitor writes becomes markup on a page of the gateway', async (t) => {
  const gateway = await startGateway(t)
  const hostile = '"\'><svg onload=alert(1)><script>alert(2)</script>'
  const menuItems = {
    main: [
      { endpoint: 'javascript:alert(1)', label: hostile },
      { endpoint: '//evil.example', label: 'elsewhere' },
      { endpoint: `/one${hostile}`, label: hostile },
    ],
  }
  await register(gateway, medusaBean('one', 9, { endpoints: ['/one/**'], title: hostile, menuItems }))
  for (const path of ['/one/x', '/nowhere/"><script>alert(3)</script>', "/'onload=x", '/']) {
    const page = await get(gateway, path, 'Accept: text/html\r\n')
    assert.match(page, /content-security-policy/i, path)
    assert.doesNotMatch(page, /<svg onload|<script>alert|javascript:alert|href="\/\/evil/, path)
    assert.doesNotMatch(page, /127\.0\.0\.1/, path)
  }
})

test('forged, doubled and oversized route cookies are worth nothing and cost nothing', async (t) => {
  const gateway = await startGateway(t)
  const one = await startUpstream(t, 'one')
  for (const port of [one.port, (await startUpstream(t, 'one')).port]) {
    assert.equal((await register(gateway, medusaBean('one', port))).status, 200)
  }
  for (const cookie of [
    `1.${'a'.repeat(16)}..${'b'.repeat(22)}`,
    'x'.repeat(7000),
    'a; HYDRA-ROUTE=b',
    '',
    '1.\u00ff',
    `1.${'a'.repeat(16)}.i:one:${'%'.repeat(50)}.${'b'.repeat(22)}`,
  ]) {
    assert.equal(statusOf(await get(gateway, '/one', `Cookie: HYDRA-ROUTE=${cookie}\r\n`)), 200, cookie)
  }
})

test('visitors who open connections and say nothing, half, or leave, keep nobody else waiting', async (t) => {
  const gateway = await startGateway(t, { http: { clientHeadTimeout: '400ms', idleTimeout: '400ms' } })
  const one = await startUpstream(t, 'one', (request, response) => {
    request.resume().on('end', () => response.end('one'))
  })
  await register(gateway, medusaBean('one', one.port))
  const openings = [
    '',
    'GET /one HTTP/1.1\r\nHos',
    `POST /one HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\nabc`,
    `POST /one HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nab`,
  ]
  const sockets = openings.flatMap((bytes) =>
    Array.from({ length: 100 }, () => {
      const socket = connect(gateway.port, '127.0.0.1')
      socket.on('error', () => {}).resume()
      socket.write(bytes)
      t.after(() => socket.destroy())
      return socket
    }),
  )
  for (let i = 0; i < 200; i++) {
    const socket = connect(gateway.port, '127.0.0.1', () => {
      socket.write(openings[2 + (i % 2)]!)
      setTimeout(() => socket.resetAndDestroy(), i % 5)
    })
    socket.on('error', () => {})
  }
  assert.equal(statusOf(await get(gateway, '/one')), 200)
  await eventually(() => assert.ok(sockets.every(({ destroyed }) => destroyed)), 10_000)
  assert.equal(statusOf(await get(gateway, '/one')), 200)
  const [{ instances }] = (await gateway.admin('services')).services
  assert.equal(instances[0].inFlight, 0)
})

test('a visitor who never reads holds back the service, not the memory', async (t) => {
  const gateway = await startGateway(t, { http: { idleTimeout: '500ms' } })
  let sent = 0
  let isCut = false
  const piece = Buffer.alloc(MiB)
  await startLiar(t, gateway, 'one', (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1024 * MiB}\r\n\r\n`)
    const pump = () => {
      while (!socket.destroyed && sent < 512 * MiB && socket.write(piece)) sent += MiB
    }
    socket.on('drain', pump).on('close', () => (isCut = true))
    pump()
  })
  const visitor = connect(gateway.port, '127.0.0.1', () => visitor.write(`GET /one HTTP/1.1\r\n${HOST}\r\n`))
  visitor.on('error', () => {}).pause()
  t.after(() => visitor.destroy())
  await eventually(() => assert.ok(isCut))
  assert.ok(sent < 64 * MiB, `${sent} bytes were taken`)
})
