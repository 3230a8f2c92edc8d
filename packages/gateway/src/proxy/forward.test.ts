import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { TLS_CERT, TLS_KEY } from './testing/certificate.ts'
import { deadPort, httpService, onHead, rawClient, rawServer, until } from './testing/raw.ts'
import { instanceAt, startRig } from './testing/rig.ts'

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('a POST to a dead and a living instance is delivered exactly once', async (t) => {
  const bodies: string[] = []
  const service = await httpService(t, (request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      bodies.push(body)
      response.end('done')
    })
  })
  const dead = instanceAt(await deadPort())
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [dead, instanceAt(service.port)] }] })
  const answer = await fetch(`${rig.url}/a`, { method: 'POST', body: 'x'.repeat(100_000) })
  assert.equal(await answer.text(), 'done')
  assert.deepEqual(
    bodies.map((body) => body.length),
    [100_000],
  )
  assert.ok(rig.vitals.of(dead.id).resting)
  await until('the log', () => rig.lines.some((line) => line.msg === 'exchange'))
  assert.equal(rig.lines.find((line) => line.msg === 'exchange')!.attempts, 2)
})

test('a POST whose service breaks after reading it is not sent to another', async (t) => {
  const broken = await rawServer(t, (end) => onHead(end, () => end.socket.destroy()))
  let isAsked = false
  const other = await httpService(t, (_request, response) => {
    isAsked = true
    response.end()
  })
  const rig = await startRig(t, {
    routes: [{ path: '/a', instances: [instanceAt(broken.port), instanceAt(other.port)] }],
  })
  const answer = await fetch(`${rig.url}/a`, { method: 'POST', body: 'order' })
  assert.equal(answer.status, 502)
  assert.match(await answer.text(), /HYDRA_UPSTREAM_BROKEN/)
  assert.equal(isAsked, false)
  // The same without a body: the service may have acted on the head.
  assert.equal((await fetch(`${rig.url}/a`, { method: 'POST' })).status, 502)
  assert.equal(isAsked, false)
  // A GET may be asked again.
  assert.equal((await fetch(`${rig.url}/a`)).status, 200)
  assert.ok(isAsked)
})

test('when every instance refuses, the answer is that nobody is there', async (t) => {
  const instances = [instanceAt(await deadPort()), instanceAt(await deadPort())]
  const rig = await startRig(t, { routes: [{ path: '/a', instances }] })
  const answer = await fetch(`${rig.url}/a`)
  assert.equal(answer.status, 503)
  assert.equal(await answer.text(), 'UNAVAILABLE')
  assert.ok(instances.every(({ id }) => rig.vitals.of(id).resting && rig.vitals.of(id).inFlight === 0))
})

test('an instance whose machine does not take the connection is given up after the connect timeout', async (t) => {
  // A stopped process with a full backlog: the kernel drops what would open another connection.
  const script =
    "require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log(this.address().port)})"
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const port = Number(String(await new Promise((resolve) => child.stdout.once('data', resolve))))
  child.kill('SIGSTOP')
  for (let i = 0; i < 8; i++) rawClient(t, port)
  const instance = instanceAt(port)
  const other = await httpService(t, (_request, response) => response.end('other'))
  const rig = await startRig(t, {
    settings: { connectTimeoutMs: 120 },
    routes: [{ path: '/a', instances: [instance, instanceAt(other.port)] }],
  })
  const answer = await fetch(`${rig.url}/a`, { method: 'POST', body: 'x' })
  assert.equal(await answer.text(), 'other')
  assert.ok(rig.vitals.of(instance.id).resting)
})

test('an idle connection that died is noticed: what may be repeated is repeated, a POST is not', async (t) => {
  let requests = 0
  // Closes each connection when its second request arrives, without a byte.
  const service = await rawServer(t, (end) =>
    onHead(end, (_head, index) => {
      requests++
      if (index === 0) end.send(OK)
      else end.socket.resetAndDestroy()
    }),
  )
  const instance = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instance] }] })
  assert.equal((await fetch(`${rig.url}/a`)).status, 200)
  assert.equal((await fetch(`${rig.url}/a`)).status, 200)
  assert.equal(requests, 3)
  assert.equal(service.ends.length, 2)
  const post = await fetch(`${rig.url}/a`, { method: 'POST', body: 'x' })
  assert.equal(post.status, 502)
  assert.equal(requests, 4)
  assert.equal(rig.vitals.of(instance.id).resting, false)
})

test('idle connections are closed before the service closes them', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, () => end.send('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n')),
  )
  const other = await rawServer(t, (end) => onHead(end, () => end.send(OK)))
  const rig = await startRig(t, {
    settings: { upstreamKeepAliveMs: 60, connectTimeoutMs: 100 },
    routes: [
      { path: '/a', instances: [instanceAt(service.port)] },
      { path: '/b', instances: [instanceAt(other.port)] },
    ],
  })
  await (await fetch(`${rig.url}/a`)).text()
  await until('a connection that is not kept', () => service.ends[0]!.isClosed)
  await (await fetch(`${rig.url}/b`)).text()
  assert.equal(other.ends[0]!.isClosed, false)
  await (await fetch(`${rig.url}/b`)).text()
  assert.equal(other.ends.length, 1)
  await until('the kept connection to close', () => other.ends[0]!.isClosed)
})

for (const [kind, bytes] of [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this'],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n'],
] as const) {
  test(`an answer cut short, sent with ${kind}, is seen as cut`, async (t) => {
    const service = await rawServer(t, (end) =>
      onHead(end, () => {
        end.send(bytes)
        setTimeout(() => end.socket.end(), 30)
      }),
    )
    const instance = instanceAt(service.port)
    const rig = await startRig(t, { routes: [{ path: '/a', instances: [instance] }] })
    const client = rawClient(t, rig.port, GET)
    await client.closed()
    assert.match(client.text, /only this/)
    assert.equal(client.isEnded, false)
    assert.equal(client.error?.code, 'ECONNRESET')
    assert.doesNotMatch(client.text, /\r\n0\r\n/)
    await assert.rejects(async () => (await fetch(`${rig.url}/a`)).text())
    assert.equal(rig.vitals.of(instance.id).inFlight, 0)
    assert.equal(rig.vitals.of(instance.id).failures, 2)
  })
}

test('an answer that ends with its connection is passed on whole, and seen as cut when that breaks', async (t) => {
  let isBreaking = false
  const service = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send('HTTP/1.1 200 OK\r\n\r\nuntil close')
      setTimeout(() => (isBreaking ? end.socket.resetAndDestroy() : end.socket.end()), 30)
    }),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  assert.equal(await (await fetch(`${rig.url}/a`)).text(), 'until close')
  const old = rawClient(t, rig.port, 'GET /a HTTP/1.0\r\nHost: a\r\n\r\n')
  assert.match(await old.closed(), /\r\n\r\nuntil close$/)
  assert.equal(old.isEnded, true)
  assert.doesNotMatch(old.text, /chunked/)
  isBreaking = true
  await assert.rejects(async () => (await fetch(`${rig.url}/a`)).text())
  const cut = rawClient(t, rig.port, 'GET /a HTTP/1.0\r\nHost: a\r\n\r\n')
  await cut.closed()
  assert.equal(cut.isEnded, false)
})

test('chunks that break their framing cut the answer', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
      setTimeout(() => end.send('nonsense\r\n'), 20)
    }),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  await assert.rejects(async () => (await fetch(`${rig.url}/a`)).text())
})

test('garbage, half a head and nothing each end in 502, and nothing hangs', async (t) => {
  const answers = [
    'garbage\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Le',
    '',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`,
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    'HTTP/1.1 200 OK\n\n',
  ]
  let next = 0
  const service = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send(answers[next]!)
      end.socket.end()
    }),
  )
  const instance = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instance] }] })
  for (next = 0; next < answers.length; next++) {
    const answer = await fetch(`${rig.url}/a`, { method: 'POST', body: 'x' })
    assert.equal(answer.status, 502, JSON.stringify(answers[next]!.slice(0, 60)))
    await answer.text()
  }
  assert.equal(rig.vitals.of(instance.id).inFlight, 0)
  assert.equal(rig.vitals.of(instance.id).failures, answers.length)
})

test('a second answer in the same packet is never served', async (t) => {
  const service = await rawServer(t, (end, connection) =>
    onHead(end, () => {
      if (connection === 0) end.send(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged`)
      else end.send(OK)
    }),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  for (let i = 0; i < 3; i++) assert.equal(await (await fetch(`${rig.url}/a`)).text(), 'ok')
})

test('bytes on an idle connection end it instead of answering the next visitor', async (t) => {
  const service = await rawServer(t, (end, connection) =>
    onHead(end, () => {
      end.send(OK)
      if (connection === 0)
        setTimeout(() => end.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'), 20)
    }),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  assert.equal(await (await fetch(`${rig.url}/a`)).text(), 'ok')
  await until('the connection to end', () => service.ends[0]!.isClosed)
  assert.equal(await (await fetch(`${rig.url}/a`)).text(), 'ok')
})

test('answers without a body leave the connection usable', async (t) => {
  const service = await httpService(t, (request, response) => {
    if (request.url === '/204') response.writeHead(204).end()
    else if (request.url === '/304') response.writeHead(304, { etag: '"x"', 'content-length': '99' }).end()
    else response.writeHead(200, { 'content-length': '5' }).end('12345')
  })
  const rig = await startRig(t, { routes: [{ path: '/**', instances: [instanceAt(service.port)] }] })
  const client = rawClient(t, rig.port)
  for (const line of ['HEAD /x', 'GET /204', 'GET /304', 'GET /x']) {
    client.send(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`)
  }
  await client.sees('12345')
  const statuses = [...client.text.matchAll(/HTTP\/1.1 (\d+)/g)].map((match) => match[1])
  assert.deepEqual(statuses, ['200', '204', '304', '200'])
  assert.match(client.text, /^HTTP\/1.1 200 OK\r\n[^<]*?content-length: 5\r\n/)
  assert.doesNotMatch(client.text, /chunked/)
})

test('a visitor who leaves takes the request with him, before the head and in the body', async (t) => {
  let left = 0
  let began = 0
  const service = await httpService(t, (request, response) => {
    began++
    if (request.url === '/body') response.write('first')
    response.once('close', () => left++)
  })
  const instance = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/**', instances: [instance] }] })
  const early = rawClient(t, rig.port, 'GET /head HTTP/1.1\r\nHost: a\r\n\r\n')
  const late = rawClient(t, rig.port, 'GET /body HTTP/1.1\r\nHost: a\r\n\r\n')
  const upload = rawClient(t, rig.port, 'POST /head HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf')
  await late.sees('first')
  await until('all requests', () => began === 3)
  assert.equal(rig.vitals.of(instance.id).inFlight, 3)
  for (const client of [early, late, upload]) client.socket.destroy()
  await until('all to be left', () => left === 3)
  await until('the counts to fall', () => rig.vitals.of(instance.id).inFlight === 0)
  assert.equal(rig.vitals.of(instance.id).failures, 0)
  await until('three lines', () => rig.lines.filter((line) => line.aborted === true).length === 3)
})

test('events arrive one by one, and an event stream may be silent for as long as it likes', async (t) => {
  let send: ((event: string) => void) | undefined
  const service = await httpService(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.flushHeaders()
    send = (event) => response.write(`data: ${event}\n\n`)
  })
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 80 },
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
  })
  const client = rawClient(t, rig.port, GET)
  // The head alone tells the browser that the stream is open.
  await client.sees('text/event-stream')
  for (const event of ['one', 'two']) {
    send!(event)
    await client.sees(`data: ${event}`)
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  send!('three')
  await client.sees('data: three')
})

test('a body that stands still is given up: the service’s answer is cut, the visitor’s upload gets 408', async (t) => {
  const service = await httpService(t, (request, response) => {
    if (request.method === 'GET') response.write('and then')
  })
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 80 },
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
  })
  const reader = rawClient(t, rig.port, GET)
  await reader.closed()
  assert.match(reader.text, /and then/)
  assert.equal(reader.isEnded, false)
  const writer = rawClient(t, rig.port, 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf')
  await writer.sees('HYDRA_REQUEST_TIMEOUT')
  assert.match(writer.text, /^HTTP\/1.1 408 /)
  await writer.closed()
})

test('a service that does not answer in time gets 504, in the time of its route', async (t) => {
  let asked = 0
  const service = await httpService(t, () => void asked++)
  const instances = [instanceAt(service.port), instanceAt(service.port)]
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 400 },
    routes: [{ path: '/a', instances, timeoutMs: 50 }],
  })
  const answer = await fetch(`${rig.url}/a`)
  assert.equal(answer.status, 504)
  assert.equal(asked, 1)
  assert.equal(rig.vitals.of(instances[0]!.id).inFlight, 0)
})

test('too large a body gets 413: before anything is sent when its length is known, else when it is exceeded', async (t) => {
  let arrived = 0
  let broken = 0
  const service = await httpService(t, (request) => {
    arrived++
    request.resume()
    request.once('error', () => broken++)
  })
  const rig = await startRig(t, {
    routes: [{ path: '/a', instances: [instanceAt(service.port)], maxBodyBytes: 1000 }],
  })
  const known = await fetch(`${rig.url}/a`, { method: 'POST', body: 'x'.repeat(1001) })
  assert.equal(known.status, 413)
  assert.equal(arrived, 0)
  const client = rawClient(t, rig.port, 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`
  client.send(chunk)
  await until('the first chunk to be passed on', () => arrived === 1)
  client.send(chunk)
  client.send(chunk)
  await client.sees('HYDRA_TOO_LARGE')
  assert.match(client.text, /^HTTP\/1.1 413 /)
  await until('the service to see that it was broken off', () => broken === 1)
})

test('what is left of an upload that was answered early does not stand in the way', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => {
      if (head.startsWith('GET')) end.send(OK)
      else end.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nearly')
    }),
  )
  const rig = await startRig(t, {
    routes: [{ path: '/a', instances: [instanceAt(service.port)], maxBodyBytes: 2_000_000 }],
  })
  const client = rawClient(t, rig.port, 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nstart')
  await client.sees('early')
  client.send('x'.repeat(59_995))
  client.send(GET)
  await client.sees('\r\n\r\nok')

  const large = rawClient(t, rig.port, 'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (let i = 0; i < 100; i++) large.send(`10000\r\n${'x'.repeat(65_536)}\r\n`)
  await large.sees(/early|HYDRA_TOO_LARGE/)
  await large.closed()
  assert.equal(large.error, undefined)
})

test('100-continue is the service’s to say', async (t) => {
  let isAllowed = false
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => {
      assert.match(head, /Expect: 100-continue/i)
      setTimeout(() => {
        isAllowed = true
        end.send('HTTP/1.1 100 Continue\r\n\r\n')
      }, 40)
      end.socket.on('data', () => {
        if (end.text.endsWith('hello')) end.send(OK)
      })
    }),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const client = rawClient(
    t,
    rig.port,
    'POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
  )
  await client.sees('100 Continue')
  assert.ok(isAllowed)
  client.send('hello')
  await client.sees('\r\n\r\nok')
})

test('early hints are passed on, to those who understand them', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x\r\n\r\n')
      end.send(OK)
    }),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const client = rawClient(t, rig.port, GET)
  await client.sees('\r\n\r\nok')
  assert.match(client.text, /^HTTP\/1.1 103 Early Hints\r\nLink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1.1 200/)
  const old = rawClient(t, rig.port, 'GET /a HTTP/1.0\r\nHost: a\r\n\r\n')
  assert.match(await old.closed(), /^HTTP\/1.1 200/)
})

test('what a route asks instead is asked when the first place has nothing', async (t) => {
  const asked: string[] = []
  const service = await httpService(t, (request, response) => {
    asked.push(request.url!)
    if (request.url!.startsWith('/webjars/')) response.writeHead(404).end('x'.repeat(100))
    else response.end('found')
  })
  const instance = instanceAt(service.port)
  const rig = await startRig(t, {
    routes: [{ path: '/a', instances: [instance], to: '/webjars/a.js', otherwise: '/static/webjars/a.js' }],
  })
  assert.equal(await (await fetch(`${rig.url}/a?v=1`)).text(), 'found')
  assert.deepEqual(asked, ['/webjars/a.js?v=1', '/static/webjars/a.js?v=1'])
  assert.equal((await fetch(`${rig.url}/a`, { method: 'POST' })).status, 404)
  assert.equal(rig.vitals.of(instance.id).inFlight, 0)
})

test('above what an instance may have in flight and waiting, visitors are told that it is busy', async (t) => {
  const answers: (() => void)[] = []
  const service = await httpService(t, (_request, response) => void answers.push(() => response.end('ok')))
  const rig = await startRig(t, {
    settings: { maxConnectionsPerInstance: 2, maxQueuedPerInstance: 1 },
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
  })
  const asked = [1, 2, 3].map(() => fetch(`${rig.url}/a`))
  await until('two requests there', () => answers.length === 2)
  const busy = await fetch(`${rig.url}/a`)
  assert.equal(busy.status, 503)
  assert.match(await busy.text(), /HYDRA_OVERLOADED/)
  for (const answer of answers) answer()
  await until('the third', () => answers.length === 3)
  answers[2]!()
  for (const answer of asked) assert.equal((await answer).status, 200)
})

test('the connections of a forgotten instance are closed, its running requests end', async (t) => {
  let finish: (() => void) | undefined
  const service = await httpService(t, (request, response) => {
    if (request.url === '/slow') finish = () => response.end('slow')
    else response.end('quick')
  })
  const sockets: Socket[] = []
  service.server.on('connection', (socket) => sockets.push(socket))
  const instance = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/**', instances: [instance] }] })
  const slow = fetch(`${rig.url}/slow`)
  await until('the slow request', () => finish !== undefined)
  await (await fetch(`${rig.url}/quick`)).text()
  rig.forwarder.dropInstance(instance.id)
  await until('the idle connection to close', () => sockets.filter((socket) => socket.destroyed).length === 1)
  finish!()
  assert.equal(await (await slow).text(), 'slow')
  await until('the other to close', () => sockets.every((socket) => socket.destroyed))
})

test('what is added to an answer just before its head leaves is on it', async (t) => {
  const service = await httpService(t, (_request, response) => {
    response.writeHead(201, { 'Set-Cookie': ['a=1', 'b=2'] }).end()
  })
  const rig = await startRig(t, {
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
    onHead: (exchange, status, headers) => {
      exchange.addHeader('Set-Cookie', `c=${status}${headers.all('set-cookie').length}`)
    },
  })
  const answer = await fetch(`${rig.url}/a`)
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2', 'c=2012'])
})

test('an instance that speaks TLS is reached only when its certificate is trusted', async (t) => {
  const server = createTlsServer({ key: TLS_KEY, cert: TLS_CERT }, (_request, response) =>
    response.end('secret'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const at = (fields: object) =>
    instanceAt(port, { address: { protocol: 'https', host: '127.0.0.1', port, ...fields } })
  const wrong = at({ serverName: 'service.test' })
  const rig = await startRig(t, {
    routes: [
      { path: '/trusted', instances: [at({ serverName: 'service.test', ca: TLS_CERT })] },
      { path: '/wrong-name', instances: [at({ serverName: 'other.test', ca: TLS_CERT })] },
      { path: '/unknown', instances: [wrong] },
      { path: '/whatever', instances: [at({ verify: false })] },
    ],
  })
  for (const [path, status] of [
    ['/trusted', 200],
    ['/trusted', 200],
    ['/whatever', 200],
    ['/wrong-name', 502],
    ['/unknown', 502],
  ] as const) {
    const answer = await fetch(rig.url + path, { method: 'POST', body: 'x' })
    assert.equal(answer.status, status, path)
    await answer.text()
  }
  assert.equal(rig.vitals.of(wrong.id).resting, false)
})

test('methods and addresses without a route say so', async (t) => {
  const service = await httpService(t, (_request, response) => response.end())
  const instances = [instanceAt(service.port)]
  const rig = await startRig(t, {
    routes: [
      { path: '/a', instances, methods: ['GET', 'HEAD'] },
      { path: '/ws', instances, kind: 'socket' },
      { path: '/keep/**', instances, encodedSlash: 'keep' },
      { path: '/refuse/**', instances },
    ],
  })
  const wrong = await fetch(`${rig.url}/a`, { method: 'DELETE' })
  assert.equal(wrong.status, 405)
  assert.equal(wrong.headers.get('allow'), 'GET, HEAD')
  assert.equal((await fetch(`${rig.url}/nothing`)).status, 404)
  const socket = await fetch(`${rig.url}/ws`)
  assert.equal(socket.status, 426)
  // RFC 9110, 7.8: an offer is named in Connection as well.
  assert.match(socket.headers.get('connection') ?? '', /upgrade/i)
  assert.equal(socket.headers.get('upgrade'), 'websocket')
  assert.match(await socket.text(), /`sockets`/)
  assert.equal((await fetch(`${rig.url}/keep/a%2Fb`)).status, 200)
  assert.equal((await fetch(`${rig.url}/refuse/a%2Fb`)).status, 400)
})

test('64 MB pass to a slow reader without being kept here', async (t) => {
  const total = 64 * 1024 * 1024
  const chunk = Buffer.alloc(256 * 1024, 7)
  let sent = 0
  const service = await httpService(t, (_request, response) => {
    response.writeHead(200, { 'content-length': total })
    const more = () => {
      while (sent < total) {
        sent += chunk.length
        if (!response.write(chunk)) {
          response.once('drain', more)
          return
        }
      }
      response.end()
    }
    more()
  })
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const socket = connect(rig.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.pause()
  socket.write(GET)
  let before = -1
  await until(
    'the service to be held back',
    () => {
      const isStill = sent > 0 && sent === before
      before = sent
      return isStill
    },
    10_000,
  )
  // What is under way fills the kernel's buffers of two connections and one write here, and no more.
  assert.ok(sent < 24 * 1024 * 1024, `${sent} bytes under way`)
  let received = 0
  socket.on('data', (data) => {
    received += data.length
  })
  socket.resume()
  await until('everything', () => received > total, 20_000)
})

test('a large upload is passed on at the pace of the service', async (t) => {
  let received = 0
  const service = await httpService(t, (incoming, response) => {
    incoming.on('data', (data: Buffer) => {
      received += data.length
      incoming.pause()
      setImmediate(() => incoming.resume())
    })
    incoming.on('end', () => response.end(String(received)))
  })
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const answer = await new Promise<string>((resolve, reject) => {
    const upload = request(`${rig.url}/a`, { method: 'PUT', headers: { host: 'a' } }, (incoming) => {
      incoming.setEncoding('utf8').on('data', resolve)
    }).on('error', reject)
    let left = 160
    const more = () => {
      while (left-- > 0) {
        if (!upload.write(Buffer.alloc(100_000))) {
          upload.once('drain', more)
          return
        }
      }
      upload.end()
    }
    more()
  })
  assert.equal(answer, '16000000')
})
