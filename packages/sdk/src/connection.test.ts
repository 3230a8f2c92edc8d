import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import {
  createFrameReader,
  createPeer,
  ERROR_CODES,
  type Link,
  MAX_FRAME_BYTES,
  type Peer,
  type RouteHandlers,
  RSocketError,
  type Sink,
  withLength,
} from '@hydra-gateway/protocol/rsocket'
import { WebSocketServer } from 'ws'
import { until } from '../../../test/support/eventually.ts'
import { type ConnectionError, type ConnectionOptions, type Line, openConnection } from './connection.ts'

const instanceId = 'a'.repeat(32)
const registration = { name: 'orders', host: '127.0.0.1', port: 8080, instanceId }
const overview = (hash: string): Overview => ({
  type: 'ACTIVE_SERVERS_UPDATE',
  hash,
  services: [],
  menus: {},
  publicKey: null,
  roleMappings: {},
})

const timers = {
  monotonic: () => performance.now(),
  every: (ms: number, run: () => void) => {
    const timer = setInterval(run, ms).unref()
    return () => clearInterval(timer)
  },
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** A gateway's end of the channel, as small as it can be. */
async function openGateway(
  t: TestContext,
  { refuse, silent, deaf }: { refuse?: RSocketError; silent?: boolean; deaf?: boolean } = {},
) {
  const said: string[] = []
  const paths: string[] = []
  const cuts: (() => void)[] = []
  let sink: Sink | undefined
  const routes: RouteHandlers = {
    requests: {
      'hydra.registration': (data) => {
        said.push(
          `registration ${(data as { port: number; instanceId: string }).port} ${(data as { instanceId: string }).instanceId.length}`,
        )
        if ((data as { port: number }).port === 0)
          throw Object.assign(new Error('port: must be 1 to 65535'), { code: 'HYDRA_BAD_REGISTRATION' })
        return { publicKey: null, services: [], roleMappings: {}, refused: [] }
      },
      'hydra.deregister': (data) => said.push(`deregister ${JSON.stringify(data)}`) > 0,
      'hydra.keys': () => ({ keys: [], publicKey: null }),
      'hydra.ping': () => (deaf ? new Promise(() => {}) : true),
    },
    streams: {
      'hydra.fragments.request': (data, given) => {
        said.push(`fragments ${JSON.stringify(data)}`)
        return {
          request: (count) => {
            for (let left = count; left > 0; left--) given.next({ fragments: [] })
          },
          cancel: () => said.push('fragments cancelled'),
        }
      },
      'hydra.overview': (_data, given) => {
        sink = given
        if (!silent) given.next(overview('1'))
        return { request: (count) => said.push(`demand ${count}`), cancel() {} }
      },
    },
    signals: { 'hydra.alive': (data) => said.push(`alive ${JSON.stringify(data)}`) },
  }
  const peers: Peer[] = []
  const serve = (link: Link) => {
    const linked = createPeer({
      link,
      timers,
      routes,
      maxDataBytes: 1_000_000,
      onSetup: async (setup) => {
        said.push(`setup ${JSON.stringify(setup.credentials)} ${(setup.readData() as { name: string }).name}`)
        if (refuse) throw refuse
      },
      onEnd: ({ by }) => said.push(`end by ${by}`),
      onFault: (error) => assert.fail(String(error)),
    })
    peers.push(linked.peer)
    return linked
  }
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    sockets.add(socket)
    const { receive, lost } = serve({
      send: (frame) => socket.write(withLength(frame)),
      end: () => socket.end(),
      pendingBytes: () => 0,
    })
    const reader = createFrameReader({ maxFrameBytes: MAX_FRAME_BYTES, onFrame: receive, isOpen: () => true })
    socket
      .on('data', (chunk) => reader.push(chunk))
      .on('close', () => lost('closed'))
      .on('error', () => {})
    cuts.push(() => socket.destroy())
  })
  const http = createHttp((_request, response) => response.writeHead(404).end())
  const webSockets = new WebSocketServer({ server: http, maxPayload: 200_000 })
  webSockets.on('connection', (webSocket, { url = '' }) => {
    paths.push(url)
    const { receive, lost } = serve({
      send: (frame) => webSocket.send(frame),
      end: () => webSocket.close(),
      pendingBytes: () => 0,
    })
    webSocket
      .on('message', (data: Buffer) => receive(data))
      .on('close', () => lost('closed'))
      .on('error', () => {})
    cuts.push(() => webSocket.terminate())
  })
  const listen = async (server: typeof tcp | typeof http): Promise<number> => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const [tcpPort, httpPort] = [await listen(tcp), await listen(http)]
  t.after(() => {
    for (const cut of cuts) cut()
    tcp.close()
    webSockets.close()
    http.close()
    http.closeAllConnections()
  })
  return {
    said,
    paths,
    ask: (route: string, data: unknown) => peers.at(-1)?.request(route, data, 2000),
    urls: { tcp: `tcp://127.0.0.1:${tcpPort}`, http: `http://127.0.0.1:${httpPort}` },
    change: (hash: string) => sink?.next(overview(hash)),
    cut: () => cuts.at(-1)?.(),
  }
}

function open(gateway: string | URL, more: Partial<ConnectionOptions> = {}) {
  const overviews: string[] = []
  const losses: string[] = []
  const opening = openConnection({
    gateway,
    publicKey: 'public',
    privateKey: 'private',
    registration,
    onOverview: ({ hash }) => overviews.push(hash),
    onLost: (reason) => losses.push(reason),
    timeoutMs: 2000,
    ...more,
  })
  return { opening, overviews, losses }
}

for (const kind of ['tcp', 'http'] as const) {
  test(`a service connects over ${kind}, is heard and hears of changes`, async (t) => {
    const gateway = await openGateway(t)
    const { opening, overviews, losses } = open(gateway.urls[kind])
    const connection = await opening
    assert.deepEqual(overviews, ['1'])
    await until(() => gateway.said.length >= 4)
    assert.deepEqual(gateway.said.slice(0, 2), [
      'setup {"publicKey":"public","privateKey":"private"} orders',
      'demand 1',
    ])
    assert.ok(gateway.said.includes(`alive {"instanceId":"${instanceId}","seq":0}`))
    assert.ok(gateway.said.includes('demand 1'))
    gateway.change('2')
    await until(() => overviews.length === 2)
    assert.deepEqual(await connection.register({ ...registration, instanceId: undefined, port: 81 }), {
      publicKey: null,
      services: [],
      roleMappings: {},
      refused: [],
    })
    assert.ok(gateway.said.includes('registration 81 32'))
    assert.deepEqual(await connection.keys(), { keys: [], publicKey: null })
    assert.ok((await connection.ping()) > 0)
    assert.equal(await connection.deregister({ forget: true }), true)
    assert.equal(gateway.said.at(-1), `deregister {"instanceId":"${instanceId}","forget":true}`)
    connection.close()
    await until(() => gateway.said.includes('end by peer'))
    await assert.rejects(connection.ping(), { kind: 'lost' })
    assert.deepEqual(losses, [])
  })

  test(`a service hears once when its ${kind} connection is lost`, async (t) => {
    const gateway = await openGateway(t)
    const { opening, losses } = open(gateway.urls[kind])
    const connection = await opening
    const asking = connection.ping()
    gateway.cut()
    await assert.rejects(asking, { kind: 'lost' })
    await until(() => losses.length > 0)
    connection.close()
    assert.equal(losses.length, 1)
    assert.match(losses[0]!, /^the (gateway closed the connection|connection broke)/)
  })

  test(`why there is no ${kind} connection is told apart`, async (t) => {
    const { REJECTED_SETUP, INVALID_SETUP } = ERROR_CODES
    const cases: [RSocketError, ConnectionError['kind']][] = [
      [new RSocketError(REJECTED_SETUP, 'the keys are wrong', 'HYDRA_UNAUTHORIZED'), 'wrong-keys'],
      [new RSocketError(REJECTED_SETUP, 'not from here', 'HYDRA_FORBIDDEN_ADDRESS'), 'not-allowed'],
      [new RSocketError(INVALID_SETUP, 'port is missing', 'HYDRA_BAD_REGISTRATION'), 'bad-registration'],
      [new RSocketError(INVALID_SETUP, 'no'), 'bad-registration'],
      [new RSocketError(REJECTED_SETUP, 'no'), 'wrong-keys'],
      [new RSocketError(ERROR_CODES.CONNECTION_CLOSE, 'stopping', 'HYDRA_STOPPING'), 'not-reachable'],
      [new RSocketError(ERROR_CODES.CONNECTION_ERROR, 'that was not RSocket'), 'refused'],
    ]
    for (const [refuse, expected] of cases) {
      const gateway = await openGateway(t, { refuse })
      const { opening, losses } = open(gateway.urls[kind])
      await assert.rejects(opening, {
        name: 'ConnectionError',
        kind: expected,
        message: refuse.message,
        problem: refuse.problem,
      })
      assert.deepEqual(losses, [])
    }
  })
}

test('the application says it is alive every 3 s', async (t) => {
  const gateway = await openGateway(t)
  const connection = await open(gateway.urls.tcp).opening
  await until(() => gateway.said.includes(`alive {"instanceId":"${instanceId}","seq":1}`))
  connection.close()
})

test("the path of the gateway's URL is kept", async (t) => {
  const gateway = await openGateway(t)
  const connection = await open(new URL(`${gateway.urls.http}/base/?x=1#y`)).opening
  assert.deepEqual(gateway.paths, ['/base/h/rsocket'])
  connection.close()
})

test('whoever hangs up on plain HTTP may be a gateway with TLS, and it is said', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await assert.rejects(
    open(`http://127.0.0.1:${port}`).opening,
    /hang up; a gateway with TLS is reached by https:/,
  )
})

test('a gateway that is not there, not a gateway, or silent is not reachable', async (t) => {
  const { urls } = await openGateway(t, { silent: true })
  const notReachable = async (gateway: string, message: RegExp) => {
    await assert.rejects(open(gateway, { timeoutMs: 200 }).opening, (error: ConnectionError) => {
      assert.equal(error.kind, 'not-reachable')
      assert.match(error.message, message)
      return true
    })
  }
  await notReachable(
    'tcp://127.0.0.1:1',
    /no connection to 127\.0\.0\.1:1: .*ECONNREFUSED.*; start a gateway there, or .* HYDRA_GATEWAY$/,
  )
  await notReachable(
    'http://127.0.0.1:1',
    /no connection to 127\.0\.0\.1:1: .*ECONNREFUSED.*; start a gateway there, or .* HYDRA_GATEWAY$/,
  )
  await notReachable('http://nowhere.invalid', /no connection to nowhere\.invalid/)
  await notReachable(urls.tcp, /did not answer within 200 ms/)
  await notReachable(urls.http, /did not answer within 200 ms/)
  await notReachable('tcp://127.0.0.1', /names no port/)
  await notReachable('ftp://127.0.0.1', /reached by http/)
  await notReachable('localhost', /not a URL/)
  const answering = async (status: number, type: string) => {
    const website = createHttp((_request, response) =>
      response.writeHead(status, { 'content-type': type }).end('hello'),
    ).listen(0, '127.0.0.1')
    t.after(() => website.close())
    await once(website, 'listening')
    return `http://127.0.0.1:${(website.address() as AddressInfo).port}`
  }
  const answers = (rest: string) => new RegExp(`^127\\.0\\.0\\.1:\\d+ answers ${rest}$`)
  await notReachable(await answering(200, 'text/plain'), answers('200, not as a Hydra gateway would'))
  await notReachable(await answering(404, 'text/html'), answers('404, not as a Hydra gateway would'))
  await notReachable(
    await answering(404, 'application/problem+json'),
    answers('404; a gateway with a control port \\(controlPort\\) takes services there only'),
  )
  // What stands in front of a gateway that is away says so as well, and it passes.
  await notReachable(await answering(503, 'text/plain'), answers('503'))
})

test("a registration that is refused or too large is the registration's fault", async (t) => {
  const gateway = await openGateway(t)
  const connection = await open(gateway.urls.http).opening
  await assert.rejects(connection.register({ ...registration, port: 0 }), {
    kind: 'bad-registration',
    message: 'port: must be 1 to 65535',
  })
  connection.close()
  const large = (size: number) => ({ registration: { ...registration, title: 'x'.repeat(size) } })
  await assert.rejects(open(gateway.urls.http, large(300_000)).opening, { kind: 'bad-registration' })
  await assert.rejects(open(gateway.urls.tcp, large(MAX_FRAME_BYTES)).opening, { kind: 'bad-registration' })
})

test('a request the gateway does not answer fails alone', async (t) => {
  const gateway = await openGateway(t, { deaf: true })
  const { opening, losses } = open(gateway.urls.tcp, { timeoutMs: 150 })
  const connection = await opening
  await assert.rejects(connection.ping(), {
    kind: 'timeout',
    message: 'hydra.ping was not answered within 150 ms',
  })
  assert.deepEqual(await connection.keys(), { keys: [], publicKey: null })
  assert.deepEqual(losses, [])
  connection.close()
})

test('a process that closed its connection ends by itself', async (t) => {
  const gateway = await openGateway(t)
  for (const url of [gateway.urls.tcp, gateway.urls.http]) {
    const script = `
      const { openConnection } = await import(${JSON.stringify(new URL('./connection.ts', import.meta.url).href)})
      const options = { gateway: ${JSON.stringify(url)}, publicKey: 'a', privateKey: 'b', registration: ${JSON.stringify(registration)} }
      const connection = await openConnection({ ...options, onOverview() {}, onLost() {}, timeoutMs: 3000 })
      console.log('open')
      setTimeout(() => connection.close(), 50)`
    const child = spawn(
      process.execPath,
      ['--conditions=hydra-source', '--input-type=module', '-e', script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    t.after(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    const openedAt = performance.now()
    assert.deepEqual(await exited, [0, null])
    assert.ok(performance.now() - openedAt < 2000)
  }
})

test('fragments of others are asked for as a stream, which ends with the line', async (t) => {
  const gateway = await openGateway(t)
  const { opening } = open(gateway.urls.tcp)
  const connection = await opening
  const items: unknown[] = []
  const ends: unknown[] = []
  const receiver = {
    demand: 2,
    onItem: (item: unknown) => items.push(item),
    onEnd: (error: unknown) => ends.push(error),
  }
  const first = connection.fragments({ requests: {} }, receiver)
  await until(() => items.length === 2)
  first.request(1)
  await until(() => items.length === 3)
  first.cancel()
  await until(() => gateway.said.includes('fragments cancelled'))
  assert.ok(gateway.said.includes('fragments {"requests":{}}'))
  connection.fragments({ requests: {} }, receiver)
  gateway.cut()
  await until(() => ends.length === 1)
  connection.fragments({ requests: {} }, receiver)
  assert.equal(ends.length, 2)
})

test('what a service serves beside pings is limited, and ends with the line', async (t) => {
  const gateway = await openGateway(t)
  let line: Line | undefined
  const { opening } = open(gateway.urls.http, {
    maxDataBytes: 100,
    serve: (given) => {
      line = given
      return { requests: { echo: (data) => data } }
    },
  })
  const connection = await opening
  assert.equal(await gateway.ask('echo', 'hello'), 'hello')
  assert.equal(await gateway.ask('hydra.ping', {}), true)
  await assert.rejects(async () => gateway.ask('echo', 'x'.repeat(200)), { problem: 'HYDRA_TOO_LARGE' })
  assert.equal(line?.ended.aborted, false)
  assert.equal(typeof line?.pendingBytes(), 'number')
  connection.close()
  assert.equal(line?.ended.aborted, true)
})
