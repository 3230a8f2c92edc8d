import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import { ERROR_CODES, ROUTES, type RSocketError } from '@hydra-gateway/protocol/rsocket'
import {
  encodeCompositeMetadata,
  encodeRoute,
  encodeSimpleAuthMetadata,
  WellKnownMimeType,
} from 'rsocket-composite-metadata'
import { type ClientTransport, type Payload, RSocketConnector } from 'rsocket-core'
import { TcpClientTransport } from 'rsocket-tcp-client'
import { WebsocketClientTransport } from 'rsocket-websocket-client'
import { WebSocket } from 'ws'
import { until } from '../../../../../test/support/eventually.ts'
import { bean, idOf, KEYS, openGateway, openService } from './test-support.ts'

const { INVALID_SETUP, REJECTED_SETUP } = ERROR_CODES

for (const transport of ['tcp', 'url'] as const) {
  const name = transport === 'tcp' ? 'TCP' : 'WebSocket'

  test(`a service that opens a channel over ${name} is registered and told what there is`, async (t) => {
    const gateway = await openGateway(t)
    const { peer } = await openService(gateway[transport], bean(1))
    assert.equal(await peer.request(ROUTES.ping, {}, 1000), true)
    assert.deepEqual(gateway.diary, ['register 1 by rsocket from 127.0.0.1'])
    assert.deepEqual(gateway.gauges, [1])
    assert.deepEqual(await peer.request(ROUTES.keys, {}, 1000), { keys: [], publicKey: null })
    assert.deepEqual(await peer.request(ROUTES.registration, bean(1), 1000), {
      publicKey: null,
      services: [],
      roleMappings: {},
      hash: '1',
      refused: [{ path: '/h/x', reason: 'reserved' }],
    })
    assert.ok((await gateway.channel.ping(idOf(1)))! > 0)
    assert.equal(await gateway.channel.ping(idOf(2)), undefined)
  })

  test(`an instance whose ${name} channel closes is out of rotation, and back with a new one`, async (t) => {
    const gateway = await openGateway(t)
    const first = await openService(gateway[transport], bean(1))
    await first.peer.request(ROUTES.ping, {}, 1000)
    first.cut()
    await until(() => gateway.states.get(idOf(1)) === 'out')
    assert.deepEqual(gateway.diary.slice(1), ['suspend 1: connection closed'])
    const second = await openService(gateway[transport], bean(1))
    await second.peer.request(ROUTES.ping, {}, 1000)
    assert.equal(gateway.states.get(idOf(1)), 'up')
    assert.deepEqual(gateway.gauges, [1, 0, 1])
  })
}

test('another RSocket library is understood, over TCP and WebSocket', async (t) => {
  const gateway = await openGateway(t)
  const port = Number(new URL(gateway.tcp).port)
  const wsCreator = (url: string) => new WebSocket(url) as unknown as globalThis.WebSocket
  await speaks(t, new TcpClientTransport({ connectionOptions: { host: '127.0.0.1', port } }), 1)
  await speaks(t, new WebsocketClientTransport({ url: gateway.url, wsCreator }), 2)
  assert.deepEqual(gateway.diary, [
    'register 1 by rsocket from 127.0.0.1',
    'beat 1',
    'register 2 by rsocket from 127.0.0.1',
    'beat 2',
  ])
})

async function speaks(t: TestContext, transport: ClientTransport, n: number): Promise<void> {
  const routing = (route: string): [WellKnownMimeType, Buffer] => [
    WellKnownMimeType.MESSAGE_RSOCKET_ROUTING,
    encodeRoute(route),
  ]
  const authentication: [WellKnownMimeType, Buffer] = [
    WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION,
    encodeSimpleAuthMetadata(KEYS.publicKey, KEYS.privateKey),
  ]
  const rsocket = await new RSocketConnector({
    transport,
    setup: {
      keepAlive: 3000,
      lifetime: 5000,
      dataMimeType: 'application/json',
      metadataMimeType: 'message/x.rsocket.composite-metadata.v0',
      payload: {
        data: Buffer.from(JSON.stringify(bean(n))),
        metadata: encodeCompositeMetadata([routing('hydra.setup.v1'), authentication]),
      },
    },
  }).connect()
  t.after(() => rsocket.close())
  const payload = (route: string, data: unknown): Payload => ({
    data: Buffer.from(JSON.stringify(data)),
    metadata: encodeCompositeMetadata([routing(route)]),
  })
  const ask = (route: string) =>
    new Promise<string>((resolve, reject) => {
      rsocket.requestResponse(payload(route, {}), {
        onNext: ({ data }) => resolve(String(data)),
        onError: reject,
        onComplete: () => resolve('nothing'),
        onExtension() {},
      })
    })
  rsocket.fireAndForget(payload('hydra.alive', { instanceId: idOf(n), seq: 0 }), {
    onComplete() {},
    onError() {},
  })
  assert.equal(await ask('hydra.ping'), 'true')
  await assert.rejects(ask('hydra.nothing'), { code: 0x201, message: /there is no route/ })
  const overview = await new Promise<string>((resolve, reject) => {
    const onNext = ({ data }: Payload) => resolve(String(data))
    rsocket.requestStream(payload('hydra.overview', { hash: null }), 1, {
      onNext,
      onError: reject,
      onComplete() {},
      onExtension() {},
    })
  })
  assert.equal(JSON.parse(overview).type, 'ACTIVE_SERVERS_UPDATE')
}

test('a newer session of an instance takes over, and the end of the old one means nothing', async (t) => {
  const gateway = await openGateway(t)
  const old = await openService(gateway.tcp, bean(1))
  await old.peer.request(ROUTES.ping, {}, 1000)
  const fresh = await openService(gateway.url, bean(1))
  await fresh.peer.request(ROUTES.ping, {}, 1000)
  assert.match((await old.ended).error.message, /newer session/)
  fresh.peer.send(ROUTES.alive, { instanceId: idOf(1), seq: 1 })
  await fresh.peer.request(ROUTES.ping, {}, 1000)
  const from = 'by rsocket from 127.0.0.1'
  assert.deepEqual(gateway.diary, [`register 1 ${from}`, `register 1 ${from}`, 'beat 1'])
  assert.equal(gateway.states.get(idOf(1)), 'up')
  fresh.cut()
  await until(() => gateway.states.get(idOf(1)) === 'out')
})

test('a channel that closes while its registration is decided leaves nothing in rotation', async (t) => {
  const gateway = await openGateway(t)
  const service = await openService(gateway.tcp, bean(1, { port: 9999 }))
  // Registering takes 50 ms at this port.
  await new Promise((resolve) => setTimeout(resolve, 20))
  service.cut()
  await until(() => gateway.states.get(idOf(1)) === 'out')
  assert.equal(gateway.diary.at(-1), 'suspend 1: connection closed')
  assert.equal(await gateway.channel.ping(idOf(1)), undefined)
})

test('a service hears of changes as fast as it asks, and only of the latest', async (t) => {
  const gateway = await openGateway(t)
  const { peer } = await openService(gateway.tcp, bean(1))
  const heard: string[] = []
  const stream = peer.stream(
    ROUTES.overview,
    { hash: null },
    { onItem: (item) => heard.push((item as Overview).hash), onEnd() {} },
  )
  await until(() => heard.length === 1, 'the snapshot')
  for (let i = 0; i < 5; i++) gateway.change()
  await peer.request(ROUTES.ping, {}, 1000)
  assert.deepEqual(heard, ['1'])
  stream.request(2)
  await until(() => heard.length === 2)
  gateway.change()
  await until(() => heard.length === 3)
  assert.deepEqual(heard, ['1', '6', '7'])
  stream.cancel()

  const known = peer.stream(
    ROUTES.overview,
    { hash: '7' },
    { onItem: (item) => heard.push((item as Overview).hash), onEnd() {} },
  )
  await peer.request(ROUTES.ping, {}, 1000)
  assert.equal(heard.length, 3)
  gateway.change()
  await until(() => heard.at(-1) === '8')
  known.cancel()
  await until(() => gateway.listeners.size === 1, 'the end of listening')
})

test('a channel speaks for its own instance only', async (t) => {
  const gateway = await openGateway(t)
  const { peer } = await openService(gateway.tcp, bean(1))
  await assert.rejects(peer.request(ROUTES.deregister, { instanceId: idOf(2) }, 1000), {
    problem: 'HYDRA_UNAUTHORIZED',
  })
  await assert.rejects(peer.request(ROUTES.registration, bean(2), 1000), { problem: 'HYDRA_UNAUTHORIZED' })
  peer.send(ROUTES.alive, { instanceId: idOf(2), seq: 1 })
  peer.send(ROUTES.alive, { instanceId: idOf(1), seq: 1 })
  await peer.request(ROUTES.ping, {}, 1000)
  assert.deepEqual(gateway.diary.slice(1), ['beat 1'])
  assert.deepEqual(gateway.refused, [
    'channel foreign-instance',
    'channel foreign-instance',
    'beat foreign-instance',
  ])
})

test('a service without an id gets one, and need not know it', async (t) => {
  const gateway = await openGateway(t)
  const { peer } = await openService(gateway.tcp, bean(1, { instanceId: undefined }))
  peer.send(ROUTES.alive, { seq: 1 })
  assert.equal(await peer.request(ROUTES.deregister, {}, 1000), true)
  const [id] = [...gateway.diary[0]!.matchAll(/register (\d+)/g)].map((match) => match[1])
  assert.deepEqual(gateway.diary.slice(1), [`beat ${id}`, `deregister ${id} {"forget":false}`])
})

test('a service that said goodbye is not expected back', async (t) => {
  const gateway = await openGateway(t)
  const { peer, ended } = await openService(gateway.tcp, bean(1))
  assert.equal(await peer.request(ROUTES.deregister, { instanceId: idOf(1), forget: true }, 1000), true)
  peer.send(ROUTES.alive, { instanceId: idOf(1), seq: 1 })
  assert.equal(await peer.request(ROUTES.ping, {}, 1000), true)
  peer.close()
  await ended
  await until(() => gateway.gauges.at(-1) === 0)
  assert.deepEqual(gateway.diary.slice(1), ['deregister 1 {"forget":true}', 'beat 1'])
})

test('an instance that was forgotten is sent to register again', async (t) => {
  const gateway = await openGateway(t)
  const { peer, ended } = await openService(gateway.tcp, bean(1))
  await peer.request(ROUTES.ping, {}, 1000)
  gateway.states.clear()
  peer.send(ROUTES.alive, { instanceId: idOf(1), seq: 1 })
  assert.equal((await ended).error.problem, 'HYDRA_CONFLICT')
})

test('what is wrong with a SETUP is said with the code of RSocket and of Hydra', async (t) => {
  const gateway = await openGateway(t)
  const refusal = async (
    address: string,
    registration: unknown,
    credentials = KEYS,
  ): Promise<RSocketError> => {
    const { ended } = await openService(address, registration, { credentials })
    return (await ended).error
  }
  const has = (error: RSocketError, code: number, problem: string, message: RegExp) => {
    assert.deepEqual([error.code, error.problem], [code, problem])
    assert.match(error.message, message)
  }
  for (const address of [gateway.tcp, gateway.url]) {
    has(
      await refusal(address, bean(1), { ...KEYS, privateKey: 'guess' }),
      REJECTED_SETUP,
      'HYDRA_UNAUTHORIZED',
      /keys are wrong/,
    )
  }
  const { tcp } = gateway
  has(
    await refusal(tcp, bean(1, { port: 0 })),
    INVALID_SETUP,
    'HYDRA_BAD_REGISTRATION',
    /port must be 1 to 65535/,
  )
  has(await refusal(tcp, bean(1, { name: null })), INVALID_SETUP, 'HYDRA_BAD_REGISTRATION', /name/)
  has(await refusal(tcp, Buffer.from('{"name":')), INVALID_SETUP, 'HYDRA_BAD_REGISTRATION', /not JSON/)
  has(
    await refusal(tcp, Buffer.from('{"__proto__":{"name":"x"}}')),
    INVALID_SETUP,
    'HYDRA_BAD_REGISTRATION',
    /__proto__/,
  )
  has(
    await refusal(tcp, bean(1, { host: '169.254.169.254' })),
    INVALID_SETUP,
    'HYDRA_FORBIDDEN_ADDRESS',
    /never served/,
  )
  has(
    await refusal(tcp, bean(1, { title: 'x'.repeat(100_000) })),
    INVALID_SETUP,
    'HYDRA_TOO_LARGE',
    /100000 bytes/,
  )
  assert.deepEqual(
    gateway.refused.map((line) => line.replace('channel ', '')),
    ['wrong-keys', 'wrong-keys', ...Array(5).fill('bad-registration'), 'data-too-large'],
  )
  assert.equal(gateway.states.size, 0)
  assert.deepEqual(gateway.gauges, [])
})

test('a channel that was refused takes nobody out of the rotation, whatever instance it names', async (t) => {
  const gateway = await openGateway(t)
  const { ended } = await openService(gateway.tcp, bean(1, { host: '169.254.169.254' }))
  await ended
  assert.deepEqual(gateway.diary, [])
})

test('a registration that is refused later changes nothing', async (t) => {
  const gateway = await openGateway(t)
  const { peer } = await openService(gateway.tcp, bean(1))
  await assert.rejects(peer.request(ROUTES.registration, bean(1, { port: 70_000 }), 1000), {
    problem: 'HYDRA_BAD_REGISTRATION',
  })
  await assert.rejects(peer.request(ROUTES.registration, bean(1, { host: '169.254.169.254' }), 1000), {
    problem: 'HYDRA_FORBIDDEN_ADDRESS',
  })
  assert.equal(gateway.states.get(idOf(1)), 'up')
  assert.deepEqual(gateway.refused, ['channel bad-registration', 'channel bad-registration'])
})

test('a peer that may not register from where it is learns that at once', async (t) => {
  const gateway = await openGateway(t, { mayRegister: () => false })
  for (const address of [gateway.tcp, gateway.url]) {
    const { ended } = await openService(address, bean(1))
    const { error } = await ended
    assert.deepEqual([error.code, error.problem], [REJECTED_SETUP, 'HYDRA_FORBIDDEN_ADDRESS'])
  }
  assert.deepEqual(gateway.refused, ['channel peer-not-allowed', 'channel peer-not-allowed'])
})

test('a gateway that stops says so, and does not call its services down', async (t) => {
  const gateway = await openGateway(t)
  const services = [await openService(gateway.tcp, bean(1)), await openService(gateway.url, bean(2))]
  for (const { peer } of services) await peer.request(ROUTES.ping, {}, 1000)
  await gateway.channel.close(1000)
  for (const { ended } of services) assert.equal((await ended).error.problem, 'HYDRA_STOPPING')
  assert.equal(gateway.states.get(idOf(1)), 'up')
  await assert.rejects(openService(gateway.tcp, bean(3)))
})
