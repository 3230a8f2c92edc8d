import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { deadPort, httpService, onHead, type RawClient, rawClient, rawServer, until } from './testing/raw.ts'
import { instanceAt, type RigOptions, startRig } from './testing/rig.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const HANDSHAKE = [
  'GET /ws?x=1 HTTP/1.1',
  'Host: shop.example',
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  'Sec-WebSocket-Protocol: a, b',
  'Cookie: session=1; HYDRA-ROUTE=x',
].join('\r\n')

function agree(end: RawClient, more = ''): void {
  const accept = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  end.send(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: b\r\n\r\n${more}`,
  )
}

const socketAt = (port: number, options: RigOptions = {}): RigOptions => ({
  ...options,
  routes: [{ path: '/ws', kind: 'socket', instances: [instanceAt(port)] }],
})

test('a handshake is copied, and bytes that come with either head are not lost', async (t) => {
  let head = ''
  const service = await rawServer(t, (end) =>
    onHead(end, (text) => {
      head = text
      agree(end, 'WELCOME')
    }),
  )
  const rig = await startRig(
    t,
    socketAt(service.port, { onHead: (exchange, status) => exchange.addHeader('Set-Cookie', `s=${status}`) }),
  )
  const client = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\nFIRST`)
  await client.sees('WELCOME')
  await service.ends[0]!.sees('FIRST')
  assert.match(client.text, /^HTTP\/1.1 101 Switching Protocols\r\n/)
  assert.match(client.text, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/)
  assert.match(client.text, /Sec-WebSocket-Protocol: b\r\n/)
  assert.match(client.text, /Set-Cookie: s=101\r\n/)
  assert.match(client.text, /X-Request-Id: /)
  assert.match(head, /^GET \/ws\?x=1 HTTP\/1.1\r\nHost: shop.example\r\n/)
  assert.match(head, /Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n/)
  assert.match(head, /Sec-WebSocket-Protocol: a, b\r\n/)
  assert.match(head, /Cookie: session=1\r\n/)
  assert.match(head, /Connection: Upgrade\r\nUpgrade: websocket\r\n/)
  service.ends[0]!.send('more')
  await client.sees('WELCOMEmore')
})

test('messages of all sizes pass both ways, compressed too, and both sides see the close', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  let closedWith = 0
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('close', (code) => {
      closedWith = code
    })
  })
  const rig = await startRig(t, socketAt((server.address() as { port: number }).port))
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/ws`, { perMessageDeflate: true })
  await new Promise((resolve) => socket.once('open', resolve))
  assert.match(socket.extensions, /permessage-deflate/)
  for (const size of [0, 1, 125, 126, 65_536, 4_000_000]) {
    const sent = Buffer.alloc(size, size % 251)
    socket.send(sent)
    const back = await new Promise<Buffer>((resolve) =>
      socket.once('message', (data) => resolve(data as Buffer)),
    )
    assert.ok(back.equals(sent), String(size))
  }
  socket.close(4123)
  await until('the service to see the close', () => closedWith === 4123)
  await until('the log', () => rig.lines.some((line) => line.msg === 'exchange' && line.status === 101))
})

test('a socket may be silent for longer than any body, and counts until it ends', async (t) => {
  const service = await rawServer(t, (end) => onHead(end, () => agree(end)))
  const instance = instanceAt(service.port)
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 40, headTimeoutMs: 60, connectTimeoutMs: 60, keepAliveTimeoutMs: 50 },
    routes: [{ path: '/ws', kind: 'socket', instances: [instance] }],
  })
  const client = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  await client.sees('101')
  assert.equal(rig.vitals.of(instance.id).inFlight, 1)
  rig.live.table = rig.live.table.withoutService('shop')
  await new Promise((resolve) => setTimeout(resolve, 250))
  service.ends[0]!.send('still here')
  await client.sees('still here')
  client.socket.destroy()
  await until('the service to see it', () => service.ends[0]!.isClosed)
  await until('the count to fall', () => rig.vitals.of(instance.id).inFlight === 0)
})

test('an end is passed on as an end, a break as a break', async (t) => {
  const service = await rawServer(t, (end) => onHead(end, () => agree(end)))
  const rig = await startRig(t, socketAt(service.port))
  const half = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  await half.sees('101')
  const first = service.ends[0]!
  first.socket.removeAllListeners('end')
  half.socket.end('bye')
  await first.sees('bye')
  await until('the end to arrive', () => first.socket.readableEnded)
  first.socket.end('bye too')
  assert.match(await half.closed(), /bye too$/)

  const broken = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  await broken.sees('101')
  service.ends[1]!.socket.resetAndDestroy()
  await broken.closed()
})

test('pages of other sites may not open sockets, those of allowed sites may', async (t) => {
  const service = await rawServer(t, (end) => onHead(end, () => agree(end)))
  const rig = await startRig(
    t,
    socketAt(service.port, { settings: { allowedOrigins: ['https://partner.example'] } }),
  )
  for (const [origin, status] of [
    ['http://evil.example', 403],
    ['null', 403],
    ['http://shop.example', 101],
    ['https://partner.example', 101],
  ] as const) {
    const client = rawClient(t, rig.port, `${HANDSHAKE}\r\nOrigin: ${origin}\r\n\r\n`)
    await client.sees(`HTTP/1.1 ${status} `)
    if (status === 403) {
      assert.match(await client.closed(), /HYDRA_FORBIDDEN_ORIGIN/)
    }
  }
  assert.equal(service.ends.length, 2)
  assert.match((await rig.metrics.text()).body, /what="upgrade",reason="origin"} 2/)
})

test('a service that refuses the handshake is heard, its body included', async (t) => {
  const service = await httpService(t, (_request, response) => {
    response.writeHead(401, { 'WWW-Authenticate': 'x', 'Content-Length': 5 }).end('no no')
  })
  service.server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: x\r\nContent-Length: 5\r\n\r\nno no')
  })
  const instance = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/ws', kind: 'socket', instances: [instance] }] })
  const client = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  const text = await client.closed()
  assert.match(text, /^HTTP\/1.1 401 [\s\S]*Connection: close[\s\S]*no no$/)
  await until('the count to fall', () => rig.vitals.of(instance.id).inFlight === 0)
})

test('a page where a socket was expected is passed on as it is, and nothing stays behind', async (t) => {
  const size = { '/ws': 0, '/large': 100_000 }
  const service = await httpService(t, (request, response) => {
    response.end('x'.repeat(size[request.url as '/ws']))
  })
  const instance = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/**', kind: 'socket', instances: [instance] }] })
  for (const path of ['/ws', '/large'] as const) {
    const client = rawClient(t, rig.port, `${HANDSHAKE.replace('/ws?x=1', path)}\r\n\r\n`)
    const text = await client.closed()
    assert.match(text, /^HTTP\/1.1 200 /)
    assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4).length, size[path])
    await until('the count to fall', () => rig.vitals.of(instance.id).inFlight === 0, 500)
  }
})

test('a dead instance is passed over, and when all are dead the visitor is told', async (t) => {
  const service = await rawServer(t, (end) => onHead(end, () => agree(end)))
  const dead = instanceAt(await deadPort())
  const live = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/ws', kind: 'socket', instances: [dead, live] }] })
  const client = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  await client.sees('101')
  assert.ok(rig.vitals.of(dead.id).resting)
  rig.vitals.rest(live.id)
  const none = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  assert.match(await none.closed(), /^HTTP\/1.1 503 /)
})

test('a service that answers nothing, garbage or another protocol ends in an error, not in a socket', async (t) => {
  const answers = ['', 'garbage\r\n\r\n', 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n']
  let next = 0
  const service = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send(answers[next]!)
      end.socket.end()
    }),
  )
  const instance = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/ws', kind: 'socket', instances: [instance] }] })
  for (next = 0; next < answers.length; next++) {
    const client = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
    assert.match(await client.closed(), /^HTTP\/1.1 502 /, JSON.stringify(answers[next]))
  }
  assert.equal(rig.vitals.of(instance.id).inFlight, 0)
})

test('a handshake where no socket is served is answered with the way to declare one', async (t) => {
  const service = await httpService(t, (_request, response) => response.end('page'))
  const rig = await startRig(t, { routes: [{ path: '/ws', instances: [instanceAt(service.port)] }] })
  const client = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  assert.match(await client.closed(), /^HTTP\/1.1 404 [\s\S]*`sockets`/)
})

test('a visitor who leaves during the handshake takes it with him', async (t) => {
  const service = await rawServer(t, () => {})
  const instance = instanceAt(service.port)
  const rig = await startRig(t, { routes: [{ path: '/ws', kind: 'socket', instances: [instance] }] })
  const client = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  await until('the handshake to arrive', () => service.ends.length === 1 && service.ends[0]!.text !== '')
  client.socket.resetAndDestroy()
  await until('the service to see it', () => service.ends[0]!.isClosed)
  await until('the count to fall', () => rig.vitals.of(instance.id).inFlight === 0)
})

test('a handshake sent right behind a request waits for its answer', async (t) => {
  const service = await rawServer(t, (end) => onHead(end, () => agree(end, 'HELLO')))
  const slow = await httpService(t, (_request, response) => {
    setTimeout(() => response.end('page'), 40)
  })
  const rig = await startRig(t, {
    routes: [
      { path: '/page', instances: [instanceAt(slow.port)] },
      { path: '/ws', kind: 'socket', instances: [instanceAt(service.port)] },
    ],
  })
  const client = rawClient(
    t,
    rig.port,
    `GET /page HTTP/1.1\r\nHost: shop.example\r\n\r\n${HANDSHAKE}\r\n\r\n`,
  )
  await client.sees('HELLO')
  assert.match(client.text, /^HTTP\/1.1 200 [\s\S]*pageHTTP\/1.1 101 /)
})

test('the gateway can take a socket over for itself', async (t) => {
  const server = new WebSocketServer({ noServer: true })
  t.after(() => server.close())
  const rig = await startRig(t, {
    local: (exchange) => {
      const { socket, head, method, url, headers } = exchange.takeOver()
      server.handleUpgrade({ method, url, headers } as never, socket, head, (peer) =>
        peer.send(`${method} ${url}`),
      )
    },
  })
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/_local/own`)
  const message = await new Promise((resolve) => socket.once('message', resolve))
  assert.equal(String(message), 'GET /_local/own')
  socket.close()
  await until('the log', () => rig.lines.some((line) => line.status === 101))
})

test('a gateway that stops does not wait for sockets', async (t) => {
  const service = await rawServer(t, (end) => onHead(end, () => agree(end)))
  const rig = await startRig(t, socketAt(service.port))
  const client = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  await client.sees('101')
  const began = performance.now()
  await rig.listener.close(10_000)
  assert.ok(performance.now() - began < 2000)
  await client.closed()
})

test('a WebSocket that is agreed to after the others were told goodbye hears it as well', async (t) => {
  let service: RawClient | undefined
  const { port } = await rawServer(t, (end) =>
    onHead(end, () => {
      service = end
    }),
  )
  const rig = await startRig(t, socketAt(port))
  const visitor = rawClient(t, rig.port, `${HANDSHAKE}\r\n\r\n`)
  await until('the handshake', () => service !== undefined)
  await rig.forwarder.endSockets(1012, 'restart')
  agree(service!)
  // A Close frame of the server: its length, 1012, the reason.
  await visitor.sees('\r\n\r\n\x88\x09\x03\xf4restart')
})
