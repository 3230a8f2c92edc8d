import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ROUTES, withLength } from '@hydra-gateway/protocol/rsocket'
import {
  encodeCompositeMetadata,
  encodeRoute,
  encodeSimpleAuthMetadata,
  WellKnownMimeType,
} from 'rsocket-composite-metadata'
import { Flags, FrameTypes, serializeFrame } from 'rsocket-core'
import { WebSocket } from 'ws'
import { until } from '../../../../../test/support/eventually.ts'
import { NO_IDENTITY } from '../../identity/no-identity.ts'
import { bean, idOf, openGateway, openService } from './test-support.ts'

async function raw(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Sends bytes, and waits until the gateway has had enough. */
async function provoke(t: TestContext, port: number, bytes: Buffer): Promise<void> {
  const socket = await raw(t, port)
  socket.resume()
  socket.write(bytes)
  await once(socket, 'close')
}

const frameOf = (type: number, body: Buffer = Buffer.alloc(0), streamId = 1): Buffer => {
  const head = Buffer.alloc(6)
  head.writeUInt32BE(streamId, 0)
  head.writeUInt16BE(type << 10, 4)
  return Buffer.concat([head, body])
}

const setup = {
  type: FrameTypes.SETUP,
  streamId: 0,
  data: Buffer.from('{}'),
  metadata: undefined,
  majorVersion: 1,
  minorVersion: 0,
} as const
const mimes = {
  dataMimeType: 'application/json',
  metadataMimeType: 'message/x.rsocket.composite-metadata.v0',
}
const pace = { keepAlive: 3000, lifetime: 5000, resumeToken: undefined }

test('garbage instead of a SETUP costs the connection it came on, and nothing else', async (t) => {
  const gateway = await openGateway(t)
  const good = await openService(gateway.tcp, bean(1))
  await good.peer.request(ROUTES.ping, {}, 1000)
  const cases: [reason: string, bytes: Buffer][] = [
    ['frame-too-large', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
    ['frame-too-large', Buffer.from([0xff, 0xff, 0xff, 0])],
    ['malformed-frame', withLength(Buffer.alloc(0))],
    ['malformed-frame', withLength(frameOf(0x2a))],
    ['malformed-frame', withLength(frameOf(FrameTypes.SETUP, Buffer.from('short'), 0))],
    ['no-setup', withLength(frameOf(FrameTypes.REQUEST_RESPONSE))],
    ['no-setup', withLength(frameOf(FrameTypes.KEEPALIVE, Buffer.alloc(8), 0))],
    ['not-supported', withLength(serializeFrame({ ...setup, ...mimes, ...pace, flags: Flags.LEASE }))],
    [
      'not-supported',
      withLength(
        serializeFrame({
          ...setup,
          ...mimes,
          ...pace,
          flags: Flags.RESUME_ENABLE,
          resumeToken: Buffer.from('__proto__'),
        }),
      ),
    ],
    ['not-supported', withLength(serializeFrame({ ...setup, ...mimes, ...pace, majorVersion: 2, flags: 0 }))],
    ['wrong-keys', withLength(serializeFrame({ ...setup, ...mimes, ...pace, flags: 0 }))],
    ['not-supported', withLength(frameOf(FrameTypes.RESUME, Buffer.alloc(30), 0))],
  ]
  for (const [, bytes] of cases) await provoke(t, gateway.port, bytes)
  assert.deepEqual(
    gateway.refused,
    cases.map(([reason]) => `channel ${reason}`),
  )
  assert.equal(await good.peer.request(ROUTES.ping, {}, 1000), true)
  assert.equal(gateway.gauges.at(-1), 1)
})

test('a peer that was let in and then breaks the rules loses its channel, and its instance the rotation', async (t) => {
  const gateway = await openGateway(t)
  const { peer, ended, send } = await openService(gateway.tcp, bean(1))
  await peer.request(ROUTES.ping, {}, 1000)
  peer.stream(ROUTES.overview, { hash: null }, { onItem() {}, onEnd() {} })
  // The ping had the number 1 already.
  send(frameOf(FrameTypes.REQUEST_RESPONSE))
  const { error, by } = await ended
  assert.deepEqual([by, error.message], ['peer', 'a stream id was used twice or belongs to the other side'])
  assert.deepEqual(gateway.refused, ['channel malformed-frame'])
  assert.equal(gateway.diary.at(-1), 'suspend 1: connection closed')
  assert.equal(gateway.listeners.size, 1, 'the channel itself listens')
})

test('a peer that asks for more at a time than it may is answered so, and keeps its channel', async (t) => {
  const gateway = await openGateway(t)
  const { peer } = await openService(gateway.tcp, bean(1))
  await peer.request(ROUTES.ping, {}, 1000)
  const errors: unknown[] = []
  const sources = Array.from({ length: 2000 }, () =>
    peer.stream(
      ROUTES.overview,
      { hash: null },
      { onItem() {}, onEnd: (error) => void errors.push(error?.problem) },
    ),
  )
  await until(() => errors.length === 2000 - 1024)
  assert.deepEqual(new Set(errors), new Set(['HYDRA_OVERLOADED']))
  assert.equal(gateway.refused.length, 2000 - 1024)
  assert.equal(gateway.listeners.size, 1025)
  for (const source of sources) source.cancel()
  assert.equal(await peer.request(ROUTES.ping, {}, 1000), true)
  await until(() => gateway.listeners.size === 1)
  assert.equal(gateway.states.get(idOf(1)), 'up')
})

test('requests without sense are answered, and the channel lives on', async (t) => {
  const gateway = await openGateway(t)
  const { peer } = await openService(gateway.tcp, bean(1))
  const ask = (route: string, data: unknown) => peer.request(route, data, 1000)
  await assert.rejects(ask('__proto__', {}), { code: 0x201, message: /there is no route/ })
  await assert.rejects(ask(ROUTES.alive, {}), { message: /there is no route/ })
  await assert.rejects(ask(ROUTES.ping, Buffer.from('{')), { message: /not JSON/ })
  await assert.rejects(ask(ROUTES.ping, 'x'.repeat(20_000)), { problem: 'HYDRA_TOO_LARGE' })
  for (const data of [null, 7, 'text', [], { instanceId: 7 }, { instanceId: { toString: 1 } }]) {
    await ask(ROUTES.deregister, data).catch(() => {})
    peer.send(ROUTES.alive, data)
  }
  peer.send('nowhere', {})
  peer.send(ROUTES.alive, Buffer.from([0xff]))
  assert.equal(await ask(ROUTES.ping, undefined), true)
  assert.deepEqual(
    new Set(gateway.refused),
    new Set(
      ['unknown-route', 'malformed-data', 'data-too-large', 'foreign-instance']
        .map((word) => `channel ${word}`)
        .concat('beat foreign-instance'),
    ),
  )
})

test('a client with too slow a pulse is refused, since its death would be noticed too late', async (t) => {
  const gateway = await openGateway(t)
  const metadata = encodeCompositeMetadata([
    [WellKnownMimeType.MESSAGE_RSOCKET_ROUTING, encodeRoute('hydra.setup.v1')],
    [WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION, encodeSimpleAuthMetadata('public', 'private')],
  ])
  const data = Buffer.from(JSON.stringify(bean(1)))
  const rhythms = [
    [3001, 5000],
    [3000, 5001],
    [0, 5000],
    [3000, 0],
  ] as const
  for (const [keepAlive, lifetime] of rhythms) {
    const frame = {
      ...setup,
      ...mimes,
      keepAlive,
      lifetime,
      resumeToken: undefined,
      data,
      metadata,
      flags: Flags.METADATA,
    }
    await provoke(t, gateway.port, withLength(serializeFrame(frame)))
  }
  assert.deepEqual(
    gateway.refused,
    rhythms.map(() => 'channel keep-alive'),
  )
  assert.deepEqual(gateway.diary, [])
})

test('a flood of connections without a SETUP keeps nobody else out', async (t) => {
  const gateway = await openGateway(t)
  const flood = await Promise.all(Array.from({ length: 300 }, () => raw(t, gateway.port)))
  await until(() => gateway.refused.length === 44, 'the refusal of what is too much')
  assert.deepEqual(new Set(gateway.refused), new Set(['channel too-many-undecided']))
  const neighbour = await openService(gateway.tcp, bean(1), { from: '127.0.0.2' })
  assert.equal(await neighbour.peer.request(ROUTES.ping, {}, 1000), true)
  for (const socket of flood) socket.destroy()
  await until(() => gateway.gauges.length === 1)
  const { peer } = await openService(gateway.tcp, bean(2))
  assert.equal(await peer.request(ROUTES.ping, {}, 1000), true)
})

test('a peer that asks and never reads is let go before its answers fill the memory', async (t) => {
  const gateway = await openGateway(t, {
    identity: { ...NO_IDENTITY, keysAnswer: () => ({ publicKey: 'x'.repeat(4_000_000), keys: [] }) },
  })
  const { peer, ended } = await openService(gateway.tcp, bean(1))
  await peer.request(ROUTES.ping, {}, 1000)
  // Fifty answers of 4 MB in one go: more than the sockets and 32 MiB of patience take.
  for (let i = 0; i < 50; i++) peer.request(ROUTES.keys, {}, 5000).catch(() => {})
  await ended
  await until(() => gateway.refused.length > 0)
  assert.deepEqual(gateway.refused, ['channel slow-reader'])
})

test('a stranger has no room for large frames, and who is known costs itself its channel with a giant one', async (t) => {
  const gateway = await openGateway(t)
  const good = await openService(gateway.tcp, bean(1))
  const other = await openService(gateway.url, bean(2))
  // Above what a stranger may send, and of no use: answered, and the channel stays.
  const large = 'x'.repeat(4_000_000)
  for (const { peer } of [good, other])
    await assert.rejects(peer.request(ROUTES.ping, large, 5000), { problem: 'HYDRA_TOO_LARGE' })
  assert.deepEqual(gateway.refused, ['channel data-too-large', 'channel data-too-large'])

  const stranger = await raw(t, gateway.port)
  stranger.resume()
  stranger.write(Buffer.from([0x3d, 0x09, 0x00]))
  await once(stranger, 'close')
  const webSocket = new WebSocket(gateway.url)
  await once(webSocket, 'open')
  webSocket.send(Buffer.alloc(4_000_000))
  const [code] = await once(webSocket, 'close')
  assert.equal(code, 1009)
  assert.deepEqual(gateway.refused.slice(2), ['channel frame-too-large', 'channel frame-too-large'])

  other.send(Buffer.alloc(17 * 2 ** 20))
  await other.ended
  assert.equal(await good.peer.request(ROUTES.ping, {}, 1000), true)
  await until(() => gateway.states.get(idOf(2)) === 'out')
  assert.equal(gateway.states.get(idOf(1)), 'up')
  assert.equal(gateway.refused.at(-1), 'channel frame-too-large')
})

test("WebSockets that don't speak RSocket are closed with a reason", async (t) => {
  const gateway = await openGateway(t)
  const closeCode = async (message: string | Buffer): Promise<number> => {
    const webSocket = new WebSocket(gateway.url)
    await once(webSocket, 'open')
    webSocket.send(message)
    const [code] = await once(webSocket, 'close')
    return code
  }
  await closeCode('hello')
  await closeCode(Buffer.from('hello'))
  assert.equal(await closeCode(Buffer.alloc(200_000)), 1009)
  const handshake = await raw(t, Number(new URL(gateway.url).port))
  handshake.write('GET /h/rsocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  const [answer] = await once(handshake, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 400 Bad Request/)
  assert.deepEqual(
    gateway.refused,
    ['malformed-frame', 'malformed-frame', 'frame-too-large', 'bad-handshake'].map(
      (word) => `channel ${word}`,
    ),
  )
})
