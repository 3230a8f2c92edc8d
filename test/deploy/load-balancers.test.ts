/**
 * The configurations of nginx and HAProxy in `deploy/`, with the real programs in front of two real gateways.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts'
import { startProcess } from '../support/process.ts'
import { isExecutable } from '../support/programs.ts'
import { startUpstream } from '../support/upstream.ts'
import { openWebSocket } from '../support/websockets.ts'

const deploy = resolve(import.meta.dirname, '../../deploy')

interface Balancer {
  readonly name: string
  readonly file: string
  /** How long it takes to notice that a gateway stops. */
  readonly stopDelay: string
  /** What stands in the file → what the test needs. */
  adapt(text: string, folder: string): string
  args(file: string): readonly string[]
}

const BALANCERS: readonly Balancer[] = [
  {
    name: 'nginx',
    file: 'nginx/hydra.conf',
    // It asks nobody how he is.
    stopDelay: '0s',
    adapt: (
      text,
      folder,
    ) => `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  ${text}
}`,
    args: (file) => ['-c', file],
  },
  {
    name: 'haproxy',
    file: 'haproxy/hydra.cfg',
    stopDelay: '3s',
    adapt: (text) => text,
    args: (file) => ['-db', '-f', file],
  },
]

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

for (const balancer of BALANCERS) {
  test(`visitors of ${balancer.name} reach two gateways, and notice nothing when one of them stops`, async (t) => {
    const program = await findServer(balancer.name)
    if (program === undefined) return t.skip(`${balancer.name} is not installed`)
    const shop = await startShop(t)
    const gateways = await Promise.all([0, 1].map(() => startGateway(t, shop, balancer.stopDelay)))
    const port = await startBalancer(t, balancer, program, gateways)
    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    t.after(() => agent.destroy())
    const ask = (path: string, headers: Readonly<Record<string, string>> = {}) =>
      send(agent, port, path, headers)

    const first = await eventually(async () => {
      const answer = await ask('/facts', { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' })
      assert.equal(answer.status, 200)
      return JSON.parse(answer.body) as { headers: Record<string, string> }
    })
    assert.equal(first.headers['x-forwarded-for']?.split(', ')[0], '127.0.0.1', 'not what the visitor claims')
    assert.equal(first.headers['x-forwarded-proto'], 'http')
    assert.equal(first.headers.host, 'shop.example')

    for (let i = 0; i < 40; i++) assert.equal((await ask('/facts')).status, 200)
    for (const gateway of gateways) {
      assert.ok((await gateway.metric('hydra_exchanges_total')) > 5, 'both gateways are asked')
      const opened = await gateway.metric('hydra_connections_total')
      assert.ok(opened < 20, `connections to the gateways are kept: ${opened} were opened`)
    }
    const notForVisitors = ['/_hydra/api/v1/services', '/_hydra/metrics', '/h/discovery/x/registration']
    const detours = ['/facts/../_hydra/metrics', '/./_hydra/metrics', '/_hydra/./api/v1/services']
    for (const path of [...notForVisitors, ...detours]) assert.equal((await ask(path)).status, 404, path)

    const socket = await openWebSocket(port, '/live')
    t.after(() => socket.destroy())
    assert.equal(await socket.ask('hello'), 'hello')
    assert.equal(await firstOfStream(port), 'data: one\n\n', 'an event goes on before the stream ends')

    // One of them stops, while visitors come.
    const seen = new Map<number | string, number>()
    let isOver = false
    const visitors = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const status = await ask('/facts').then(
          (answer) => answer.status,
          (error: Error) => error.message,
        )
        seen.set(status, (seen.get(status) ?? 0) + 1)
      }
    })
    assert.equal(await gateways[0]!.stop(), 0)
    const before = seen.get(200) ?? 0
    await eventually(() => assert.ok((seen.get(200) ?? 0) > before + 200, 'the other one serves'))
    isOver = true
    await Promise.all(visitors)
    assert.deepEqual([...seen.keys()], [200], `answers: ${JSON.stringify([...seen])}`)
  })
}

async function findServer(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'])
    if (await isExecutable(join(folder, name))) return join(folder, name)
  return undefined
}

/** A service that says what it was asked, sends events, and echoes WebSockets. */
async function startShop(t: TestContext): Promise<number> {
  const sockets = new WebSocketServer({ noServer: true })
  // Before the server is closed, which waits for them.
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate()
  })
  const shop = await startUpstream(t, 'shop', (incoming, outgoing) => {
    if (incoming.url === '/events') {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' })
      outgoing.write('data: one\n\n')
      return
    }
    outgoing.end(JSON.stringify({ headers: incoming.headers }))
  })
  shop.server.on('upgrade', (incoming, stream, head) =>
    sockets.handleUpgrade(incoming, stream, head, (socket) => {
      socket.on('error', () => {})
      socket.on('message', (text) => socket.send(String(text)))
    }),
  )
  return shop.port
}

function startGateway(t: TestContext, shop: number, stopDelay: string): Promise<GatewayProcess> {
  return startGatewayProcess(t, {
    trustedProxies: ['loopback'],
    http: { stopDelay },
    services: {
      shop: {
        url: `http://127.0.0.1:${shop}`,
        routes: ['/facts', '/events', { path: '/live', socket: true }],
      },
    },
  })
}

async function startBalancer(
  t: TestContext,
  balancer: Balancer,
  program: string,
  gateways: readonly GatewayProcess[],
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'hydra-balancer-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'logs'))
  const port = await freePort()
  const file = join(folder, 'config')
  const text = (await readFile(join(deploy, balancer.file), 'utf8'))
    .replace('127.0.0.1:8080', `127.0.0.1:${gateways[0]!.port}`)
    .replace('127.0.0.1:8081', `127.0.0.1:${gateways[1]!.port}`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('bind :80', `bind 127.0.0.1:${port}`)
  await writeFile(file, balancer.adapt(text, folder))
  const running = startProcess(t, { command: program, args: balancer.args(file), cwd: folder })
  await eventually(async () => {
    assert.equal(running.child.exitCode, null, running.output())
    await new Promise<void>((done, fail) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        done()
      })
      socket.on('error', fail)
    })
  })
  return port
}

function send(
  agent: Agent,
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((done, fail) => {
    const call = request({
      agent,
      port,
      path,
      host: '127.0.0.1',
      headers: { host: 'shop.example', ...headers },
    })
    call.on('error', fail)
    call.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.on('error', fail)
      response.on('end', () => done({ status: response.statusCode!, headers: response.headers, body }))
    })
    call.end()
  })
}

function firstOfStream(port: number): Promise<string> {
  return new Promise((done, fail) => {
    const call = request({ port, path: '/events', host: '127.0.0.1', headers: { host: 'shop.example' } })
    call.on('error', fail)
    call.on('response', (response) => {
      response.setEncoding('utf8').once('data', (chunk: string) => {
        call.off('error', fail).on('error', () => {})
        call.destroy()
        done(chunk)
      })
    })
    call.end()
  })
}
