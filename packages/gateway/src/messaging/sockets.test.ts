import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { eventually } from '../../../../test/support/eventually.ts'
import { openClient } from '../../../../test/support/message-client.ts'
import { startMessaging } from './testing/rig.ts'

const ORDERS = { orders: { routes: ['[get]/v1/orders'], ports: [1] } }

test('who connects is told its id, its address, and that it may resume', async (t) => {
  const { socketUrl, routerId, messaging } = await startMessaging(t)
  const { hellos, id } = await openClient(t, socketUrl)
  const [hello] = hellos
  assert.equal(hello!.to, `${id}@client:/`)
  assert.equal(hello!.frm, `${routerId}@hydra-router:/`)
  assert.equal(hello!.typ, 'connection')
  assert.deepEqual(hello!.bdy, { id, ip: '127.0.0.1' })
  assert.deepEqual(Object.keys(hello!), ['to', 'frm', 'mid', 'ts', 'typ', 'ver', 'bdy'])
  assert.equal(messaging.size, 1)
})

test('nobody can guess the id of a session: the original took it from Math.random (B12)', async (t) => {
  const { socketUrl } = await startMessaging(t)
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await openClient(t, socketUrl)).id))
  assert.equal(new Set(ids).size, 20)
  for (const id of ids) assert.match(id, /^c[0-9a-z]{34}$/)
})

test('a message is larger than it may be: 1009, where the original had no limit (B12)', async (t) => {
  const { socketUrl, counted } = await startMessaging(t, { settings: { maxBytes: 10_000 } })
  const client = await openClient(t, socketUrl)
  const other = await openClient(t, socketUrl)
  client.send({ to: 'hydra-router:/', typ: 'ping', bdy: { text: 'x'.repeat(10 * 2 ** 20) } })
  assert.equal(await client.closed(), 1009)
  assert.equal((await other.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
  await eventually(async () =>
    assert.equal(await counted('hydra_message_clients_closed_total{code="1009"}'), 1),
  )
})

test('binary frames are refused with 1003', async (t) => {
  const { socketUrl } = await startMessaging(t)
  const client = await openClient(t, socketUrl)
  client.send(Buffer.from([1, 2, 3]))
  assert.equal(await client.closed(), 1003)
})

test('text that is no UTF-8 is refused with 1007', async (t) => {
  const { socketUrl } = await startMessaging(t)
  const client = await openClient(t, socketUrl)
  client.webSocket.send(Buffer.from([0x7b, 0xc3, 0x28]), { binary: false })
  assert.equal(await client.closed(), 1007)
})

test('a flood is refused, each message by its id, and cut with 4429 when it goes on', async (t) => {
  const { socketUrl, delivered } = await startMessaging(t, {
    services: ORDERS,
    settings: { burst: 20, perSecond: 1 },
  })
  const client = await openClient(t, socketUrl)
  const calm = await openClient(t, socketUrl)
  for (let i = 0; i < 30; i++) client.send({ to: 'orders:/', mid: `flood-${i}` })
  const refused = await client.next(({ rmid }) => rmid === 'flood-25')
  assert.equal(refused.bdy.error, 'too many messages')
  assert.equal(delivered.length, 20)
  for (let i = 0; i < 30; i++) client.send({ to: 'orders:/' })
  assert.equal(await client.closed(), 4429)
  assert.equal(delivered.length, 20)
  assert.equal((await calm.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
})

test('while one client sends all it may in one go, others are answered in between', async (t) => {
  let onFirst = (): void => {}
  const { socketUrl, delivered } = await startMessaging(t, {
    services: ORDERS,
    take() {
      onFirst()
      onFirst = () => {}
      const until = performance.now() + 1
      while (performance.now() < until);
      return true
    },
  })
  const flood = await openClient(t, socketUrl)
  const calm = await openClient(t, socketUrl)
  const answered = new Promise<number>((resolve) => {
    onFirst = () => {
      void calm.ask({ to: 'hydra-router:/', typ: 'ping' }).then(() => resolve(delivered.length))
    }
  })
  const line = (flood.webSocket as unknown as { _socket: Socket })._socket
  line.cork()
  for (let i = 0; i < 190; i++) flood.send({ to: 'orders:/', mid: `flood-${i}` })
  line.uncork()
  const before = await answered
  assert.ok(before < 100, `${before} of the flood came first`)
  await eventually(() => assert.equal(delivered.length, 190))
  assert.deepEqual(
    delivered.map(({ message }) => message.mid),
    Array.from({ length: 190 }, (_, i) => `flood-${i}`),
  )
})

test('what a client says right before it leaves is said, also where it waits for its turn', async (t) => {
  const { socketUrl, messaging, delivered } = await startMessaging(t, {
    services: ORDERS,
    take() {
      const until = performance.now() + 1
      while (performance.now() < until);
      return true
    },
  })
  const { webSocket, send } = await openClient(t, socketUrl)
  for (let i = 0; i < 100; i++) send({ to: 'orders:/', mid: `last-${i}` })
  webSocket.close()
  await eventually(() => assert.equal(delivered.length, 100))
  await eventually(() => assert.equal(messaging.size, 0))
})

test('what a client says right behind its reconnect it says under its former id', async (t) => {
  const rig = await startMessaging(t, { services: ORDERS })
  const { socketUrl, messaging, delivered } = rig
  const ids = await Promise.all(
    Array.from({ length: 2 }, async () => {
      const before = await openClient(t, socketUrl)
      await before.close()
      return before.id
    }),
  )
  await eventually(() => assert.equal(messaging.size, 0))
  const again = await openClient(t, socketUrl)
  // In one piece, as a client sends that has waited for its line.
  const line = (again.webSocket as unknown as { _socket: Socket })._socket
  line.cork()
  // As the documents have it, and by what the connection message said of who sent it.
  const routers = ['hydra-router:/', again.hellos[0]!.frm]
  for (const [at, id] of ids.entries()) {
    again.send({ to: routers[at], typ: 'reconnect', bdy: { id } })
    again.send({ to: 'orders:/', bdy: { id } })
  }
  line.uncork()
  await eventually(() => assert.equal(delivered.length, 2))
  assert.deepEqual(
    delivered.map(({ message: { via } }) => via),
    ids.map((id) => `${rig.routerId}-${id}@hydra-router:/`),
  )
  assert.equal(again.id, ids[1])
  assert.deepEqual(
    [...messaging.locals.all()].map(({ id }) => id),
    [again.id],
  )
})

test('between the pieces of a message nobody sends more than may be sent in whole messages', async (t) => {
  const { socketUrl } = await startMessaging(t, { settings: { burst: 20, perSecond: 1 } })
  const client = await openClient(t, socketUrl)
  const calm = await openClient(t, socketUrl)
  for (let i = 0; i < 60; i++) {
    client.webSocket.send('x', { fin: false })
    client.webSocket.pong(Buffer.alloc(125))
  }
  assert.equal(await client.closed(), 4429)
  assert.equal((await calm.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
})

test('a client that reads nothing is cut with 4408 and nobody waits for it', async (t) => {
  const { socketUrl, messaging, counted } = await startMessaging(t, {
    settings: { maxBehindBytes: 100_000, maxBytes: 2 ** 20 },
  })
  const slow = await openClient(t, socketUrl)
  slow.webSocket.pause()
  const quick = await openClient(t, socketUrl)
  const text = 'x'.repeat(200_000)
  await eventually(async () => {
    for (let i = 0; i < 20; i++)
      messaging.locals
        .get(slow.id)
        ?.deliver(pushed(slow.id, text))
        .catch(() => {})
    assert.equal(messaging.locals.get(slow.id)?.line.isOpen ?? false, false)
  })
  assert.equal((await quick.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
  await eventually(() => assert.equal(messaging.size, 1), 10_000)
  await eventually(async () =>
    assert.equal(await counted('hydra_message_clients_closed_total{code="4408"}'), 1),
  )
})

test('where too much waits for all clients together the slowest are cut with 4408, and nobody else', async (t) => {
  const most = 8 * 2 ** 20
  const { socketUrl, messaging, counted } = await startMessaging(t, {
    settings: { maxBehindBytes: 2 ** 30, maxBehindTotalBytes: most },
  })
  const quick = await openClient(t, socketUrl)
  const slow = await Promise.all(Array.from({ length: 4 }, () => openClient(t, socketUrl)))
  for (const { webSocket } of slow) webSocket.pause()
  const text = 'x'.repeat(500_000)
  const waits = () => {
    let bytes = 0
    for (const { line } of messaging.locals.all()) if (line.isOpen) bytes += line.behindBytes
    return bytes
  }
  let reached = 0
  await eventually(async () => {
    for (const { id } of [...slow, quick])
      await messaging.locals
        .get(id)
        ?.deliver(pushed(id, text))
        .catch(() => {})
    reached = Math.max(reached, waits())
    assert.ok(messaging.size < 5)
  }, 10_000)
  // what is sent between two looks may be on top
  assert.ok(reached < most * 1.5, `${reached}`)
  assert.equal((await quick.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
  await eventually(async () =>
    assert.equal(await counted('hydra_message_clients_closed_total{code="4408"}'), 5 - messaging.size),
  )
  assert.ok(messaging.locals.get(quick.id))
})

test('messages that never end are taken up to a bound for all clients together, and nobody else is cut', async (t) => {
  const most = 2 ** 20
  const { socketUrl, messaging } = await startMessaging(t, {
    settings: { burst: 10_000, maxBytes: 2 ** 20, maxUnfinishedTotalBytes: most },
  })
  const calm = await openClient(t, socketUrl)
  const half = await openClient(t, socketUrl)
  half.webSocket.send('{"to":"hydra-router:/",', { fin: false })
  const endless = await Promise.all(Array.from({ length: 10 }, () => openClient(t, socketUrl)))
  for (const client of endless) {
    client.webSocket.on('error', () => {})
    for (let i = 0; i < 3; i++) client.webSocket.send('x'.repeat(100_000), { fin: false })
  }
  // 3 MB have come, and 300 kB each is what those that are left have.
  await eventually(() => assert.ok(messaging.size <= 2 + 3, `${messaging.size} are left`))
  assert.ok(messaging.size > 2)
  // What is whole, or was nothing but pings, is none of it.
  for (let i = 0; i < 30; i++) {
    calm.webSocket.ping('x'.repeat(100))
    calm.send({ to: 'hydra-router:/', typ: 'log', bdy: { text: 'x'.repeat(200_000) } })
    calm.webSocket.ping('x'.repeat(100))
    await calm.ask({ to: 'hydra-router:/', typ: 'ping' })
  }
  half.webSocket.send('"frm":"x:/","typ":"ping","mid":"half","bdy":{}}')
  assert.equal((await half.next(({ rmid }) => rmid === 'half')).typ, 'pong')
  assert.ok(messaging.locals.get(calm.id))
})

const pushed = (id: string, body: unknown) => ({
  to: `${id}@client:/`,
  from: 'orders:/',
  mid: 'p',
  timestamp: '',
  version: 'UMF/1.4.6',
  body,
})

test('a client that vanished without a word is found out: the original sent no pings (B12)', async (t) => {
  const { socketUrl, messaging } = await startMessaging(t, { settings: { heartbeatMs: 100 } })
  const silent = await openClient(t, socketUrl)
  const awake = await openClient(t, socketUrl)
  // Its answers to pings stay in its own buffers: as good as a cut cable.
  silent.webSocket.pause()
  await eventually(() => assert.equal(messaging.size, 1))
  assert.ok(messaging.locals.get(awake.id))
})

test('more clients than may be are told to come back, before anything is upgraded', async (t) => {
  const { socketUrl } = await startMessaging(t, { settings: { maxClients: 2 } })
  const first = await openClient(t, socketUrl)
  await openClient(t, socketUrl)
  const refused = await refusalOf(socketUrl)
  assert.equal(refused.status, 503)
  assert.match(refused.retryAfter ?? '', /^\d+$/)
  await first.close()
  await eventually(async () => assert.equal((await refusalOf(socketUrl)).status, 101))
})

test('one address has no more sockets than it may', async (t) => {
  const { socketUrl } = await startMessaging(t, { settings: { maxClientsPerAddress: 1 } })
  await openClient(t, socketUrl)
  assert.equal((await refusalOf(socketUrl)).status, 503)
})

test('a page of another site may open none; where the CORS setting allows it, it is nobody', async (t) => {
  const identity = testIdentity()
  const { socketUrl } = await startMessaging(t, { identity })
  assert.equal((await refusalOf(socketUrl, 'https://evil.test')).status, 403)
  const open = await startMessaging(t, {
    identity,
    router: { enabled: true, cors: { 'Access-Control-Allow-Origin': '*' } },
  })
  await openClient(t, open.socketUrl, { origin: 'https://evil.test' })
  assert.equal(identity.asked, 0)
  await openClient(t, open.socketUrl, { origin: open.url })
  assert.equal(identity.asked, 1)
})

test('a handshake that is none gets 400, and its place back', async (t) => {
  const { socketUrl, port, messaging } = await startMessaging(t, { settings: { maxClients: 1 } })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  let answer = ''
  socket.on('data', (bytes) => {
    answer += bytes
  })
  socket.write(
    `GET /_hydra/socket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: none\r\n\r\n`,
  )
  await eventually(() => assert.match(answer, /^HTTP\/1\.1 4\d\d /))
  await eventually(async () => assert.equal((await refusalOf(socketUrl)).status, 101))
  assert.equal(messaging.size, 1)
})

test('as the gateway stops, sockets are told one after the other', async (t) => {
  const { socketUrl, messaging } = await startMessaging(t)
  const clients = await Promise.all(Array.from({ length: 10 }, () => openClient(t, socketUrl)))
  const began = performance.now()
  const ended = messaging.endAll(1012, 'the gateway restarts', 300)
  const times = await Promise.all(
    clients.map(async (client) => {
      assert.equal(await client.closed(), 1012)
      return performance.now() - began
    }),
  )
  await ended
  assert.ok(Math.max(...times) > 200, `spread over 300 ms, told within ${Math.max(...times)} ms`)
  const late = await openClient(t, socketUrl)
  assert.equal(await late.closed(), 1012)
})

test('without the rules of hydra-router, sockets are for messages at their own paths only', async (t) => {
  const { url, messaging } = await startMessaging(t)
  assert.equal(messaging.takes('/'), true)
  assert.equal((await refusalOf(`${url.replace('http', 'ws')}/elsewhere`)).status, 404)
  const { url: any } = await startMessaging(t, { router: { enabled: true } })
  await openClient(t, `${any.replace('http', 'ws')}/any/path?token=1`)
})

function testIdentity() {
  const identity = {
    asked: 0,
    guard: {
      identify: () => {
        identity.asked++
      },
    },
    book: { opened: () => () => {} },
    serviceTokens: { tokenFor: () => undefined },
    isOver: () => false,
    hasEnded: async () => false,
    onEnds: () => {},
    refusalOf: () => undefined,
  }
  return identity
}

/** The status a handshake is answered with. */
function refusalOf(
  url: string,
  origin?: string,
): Promise<{ status: number; retryAfter?: string | undefined }> {
  return new Promise((resolve) => {
    const webSocket = new WebSocket(url, origin === undefined ? {} : { origin })
    webSocket.on('unexpected-response', (request, response) => {
      resolve({ status: response.statusCode!, retryAfter: response.headers['retry-after'] })
      request.destroy()
    })
    webSocket.on('open', () => {
      resolve({ status: 101 })
      webSocket.close()
    })
    webSocket.on('error', () => {})
  })
}
