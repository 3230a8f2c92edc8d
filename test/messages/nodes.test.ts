/**
 * Messages of two nodes that share a Redis, as processes: one is killed, stops, or somebody signs out at it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, type TestContext, test } from 'node:test'
import { hashPassword } from '@hydra-gateway/gateway/identity'
import { connect, type HydraService, type MessageError } from '@hydra-gateway/sdk'
import { type HydraSocket, openSocket, type SocketOptions } from '@hydra-gateway/sdk/socket'
import { WebSocket } from 'ws'
import { type ClusterSite, openClusterSite, type SiteNode } from '../support/cluster-site.ts'
import { createCookieBrowser } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const MIRA = { username: 'mira', password: 'correct horse' }
/** With it ids of clients are told whole. */
const TOKEN = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
/** A machine that does much else. */
const SOON_MS = 15_000

const ends: (() => unknown)[] = []
const all = { after: (end: () => unknown) => void ends.push(end) } as unknown as Pick<TestContext, 'after'>
let site: ClusterSite
let a: SiteNode
let b: SiteNode
/** A service at each node. */
let atA: HydraService
let atB: HydraService

before(async () => {
  const redis: TestRedis = await startRedis(all)
  const { password, ...mira } = MIRA
  site = await openClusterSite(all, {
    redisUrl: () => redis.url,
    config: {
      flywheel: { enabled: true, address: '127.0.0.1', routerToken: TOKEN },
      identity: { users: [{ ...mira, passwordHash: await hashPassword(password), roles: ['USER'] }] },
      http: { stopGrace: '3s' },
    },
  })
  ;[a, b] = site.nodes as [SiteNode, SiteNode]
  ;[atA, atB] = await Promise.all([startService('orders', a), startService('feed', b)])
})
after(async () => {
  for (const end of ends.reverse()) await end()
})

async function startService(name: string, { url }: SiteNode): Promise<HydraService> {
  const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const service = await connect({
    ...{ name, server, routes: [`/${name}`], gateway: url, signals: false, log: false },
    ...{ publicKey: site.publicKey, privateKey: site.privateKey },
    messages: { total: ({ body }) => ({ total: body.n * 2 }) },
  })
  all.after(() => service.close())
  await service.ready
  return service
}

interface Client {
  readonly socket: HydraSocket
  /** Numbers it was handed, and the word that some are missing. */
  readonly got: (number | 'lost')[]
  readonly recovered: (boolean | 'unknown')[]
  readonly ended: string[]
  readonly closes: number[]
  /** Its next line goes there. */
  goTo(node: SiteNode): void
  cut(): void
}

/** A client that resumes; resolves once it is open. */
async function openClient(
  t: Pick<TestContext, 'after'>,
  node: SiteNode,
  headers: Record<string, string> = {},
): Promise<Client> {
  let at = node
  let line: WebSocket | undefined
  const closes: number[] = []
  const Socket = class extends WebSocket {
    constructor(_url: string) {
      super(socketOf(at), { headers })
      this.on('error', () => {})
      this.on('close', (code) => void closes.push(code))
      line = this
    }
  }
  const socket = openSocket('ws://127.0.0.1/', {
    WebSocket: Socket as unknown as NonNullable<SocketOptions['WebSocket']>,
    firstRetryMs: 20,
    maxRetryMs: 200,
  })
  t.after(() => socket.close())
  const got: Client['got'] = []
  const recovered: Client['recovered'] = []
  const ended: string[] = []
  socket.onMessage('numbered', ({ body }) => void got.push(body.n))
  socket.on('lost', () => void got.push('lost'))
  socket.on('recovered', (is) => void recovered.push(is))
  socket.on('ended', (reason) => void ended.push(reason))
  await eventually(() => assert.equal(socket.state, 'open'), SOON_MS)
  return {
    ...{ socket, got, recovered, ended, closes },
    goTo(next) {
      at = next
    },
    cut: () => line!.terminate(),
  }
}

const socketOf = ({ url }: SiteNode): string => `${url.replace('http', 'ws')}/_hydra/socket`
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const push = (service: HydraService, { socket }: Client, n: number) =>
  service.push(socket.id!, { n }, { type: 'numbered' })
const within = <T>(check: () => T | Promise<T>) => eventually(check, SOON_MS)

/** Clients by router, as a node says it: with the beginning of their ids, as there is no token. */
async function directoryAt({ url }: SiteNode): Promise<Readonly<Record<string, readonly string[]>>> {
  const { result } = (await (await fetch(`${url}/v1/router/list/wsdir?token=${TOKEN}`)).json()) as {
    result: Record<string, Record<string, 1>>
  }
  return Object.fromEntries(Object.entries(result).map(([router, ids]) => [router, Object.keys(ids)]))
}
const routerOf = async (node: SiteNode, client: string): Promise<string | undefined> =>
  Object.entries(await directoryAt(node)).find(([, ids]) =>
    ids.some((id) => client.startsWith(id.slice(0, -1))),
  )?.[0]

/** A classic client: its id, and what it got. */
async function openClassic(t: Pick<TestContext, 'after'>, node: SiteNode, headers = {}) {
  const webSocket = new WebSocket(socketOf(node), { headers })
  const got: Record<string, any>[] = []
  let code: number | undefined
  webSocket.on('message', (data) => void got.push(JSON.parse(String(data))))
  webSocket.on('error', () => {})
  webSocket.on('close', (with_) => {
    code = with_
  })
  t.after(() => webSocket.terminate())
  await within(() => assert.ok(got.length > 0))
  return {
    id: got.shift()!.bdy.id as string,
    got,
    code: () => code,
    send: (message: object) => webSocket.send(JSON.stringify({ frm: 'client:/', bdy: {}, ...message })),
    terminate: () => webSocket.terminate(),
  }
}

test('a client asks a service of the other node, and the answer comes to it and to nobody else', async (t) => {
  const [one, other] = await Promise.all([openClient(t, a), openClient(t, b)])
  const heard: unknown[] = []
  other.socket.onMessage('*', (message) => void heard.push(message))
  const asked = numbers(1, 30).map((n) => one.socket.call('feed:/', { n }, { type: 'total' }))
  assert.deepEqual(
    (await Promise.all(asked)).map(({ total }) => total),
    numbers(1, 30).map((n) => n * 2),
  )
  assert.deepEqual(await other.socket.call('orders:/', { n: 4 }, { type: 'total' }), { total: 8 })
  assert.deepEqual(heard, [])
})

test('clients of two nodes write to each other, whether they resume or not', async (t) => {
  const [one, other, classic] = [await openClient(t, a), await openClient(t, b), await openClassic(t, b)]
  await one.socket.send(`${other.socket.id}@client:/`, { n: 1 }, { type: 'numbered' })
  await within(() => assert.deepEqual(other.got, [1]))
  await within(async () => assert.ok(await routerOf(a, classic.id)))
  await one.socket.send(`${classic.id}@client:/`, { n: 2 }, { type: 'numbered' })
  await within(() => assert.deepEqual(classic.got[0]?.bdy, { n: 2 }))
  classic.send({ to: `${one.socket.id}@client:/`, typ: 'numbered', bdy: { n: 3 } })
  await within(() => assert.deepEqual(one.got, [3]))
})

test('services of both nodes push to a client that moves between them: each in its order, none twice', async (t) => {
  const client = await openClient(t, a)
  const pushAll = async (service: HydraService, first: number): Promise<void> => {
    for (const n of numbers(first, first + 99)) await push(service, client, n)
  }
  const both = Promise.all([pushAll(atA, 1), pushAll(atB, 1001)])
  for (let i = 0; i < 5; i++) {
    client.goTo(i % 2 === 0 ? b : a)
    client.cut()
    await within(() => assert.equal(client.recovered.length, i + 1))
  }
  await both
  await within(() => assert.equal(client.got.length, 200))
  const order = client.got as number[]
  assert.deepEqual(
    order.filter((n) => n < 1000),
    numbers(1, 100),
  )
  assert.deepEqual(
    order.filter((n) => n > 1000),
    numbers(1001, 1100),
  )
  assert.deepEqual(new Set(client.recovered), new Set([true]))
})

test('mail of a client without a session waits, and comes at the other node, the oldest first', async (t) => {
  const first = await openClassic(t, a)
  await within(async () => assert.ok(await routerOf(b, first.id)))
  first.terminate()
  await within(async () => assert.equal(await routerOf(b, first.id), undefined))
  for (const n of numbers(1, 20))
    assert.equal(await (n % 2 ? atA : atB).push(first.id, { n }, { type: 'numbered' }), 'later')
  const again = await openClassic(t, b)
  again.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: first.id } })
  await within(() => assert.equal(again.got.length, 21))
  assert.deepEqual(
    again.got.slice(1).map(({ bdy }) => bdy.n),
    numbers(1, 20),
  )
})

test('who signs out at one node loses the socket and all that waits at the other', async (t) => {
  const browser = createCookieBrowser()
  assert.equal((await browser.signIn(a.url, MIRA)).status, 303)
  const cookie = browser.cookie()

  const [here, away] = [await openClient(t, b, { cookie }), await openClient(t, b, { cookie })]
  const classic = await openClassic(t, b, { cookie })
  const nowhere = { ...b, url: 'http://127.0.0.1:1' }
  away.goTo(nowhere)
  away.cut()
  assert.equal(await push(atA, here, 1), 'now')
  await within(async () => assert.equal(await push(atA, away, 1), 'later'))
  await within(() => assert.deepEqual(here.got, [1]))

  assert.ok((await browser.post(`${a.url}/logout`)).status < 400)
  await within(() => assert.deepEqual([here.ended, here.closes.at(-1)], [['session'], 4401]))
  await within(() => assert.equal(classic.code(), 4401))
  for (const client of [here, away])
    for (const service of [atA, atB])
      await within(() =>
        assert.rejects(push(service, client, 2), (error: MessageError) => error.fault === 'unknown-client'),
      )
  away.goTo(a)
  await within(() => assert.equal(away.socket.state, 'ended'))
  assert.deepEqual(away.got, [])
})

test('kill -9 of a node: its clients go on at the other with everything that was sent meanwhile', async (t) => {
  const clients = await Promise.all(numbers(1, 12).map(() => openClient(t, b)))
  const routerOfB = await within(async () => {
    const router = await routerOf(a, clients[0]!.socket.id!)
    assert.ok(router)
    return router
  })
  let n = 0
  const pushed: number[] = []
  const pushAll = async (): Promise<void> => {
    n++
    await Promise.all(clients.map((client) => push(atA, client, n)))
    pushed.push(n)
  }
  for (let i = 0; i < 5; i++) await pushAll()
  for (const client of clients) client.goTo(a)
  await b.kill()
  for (let i = 0; i < 20; i++) await pushAll()
  await within(() => {
    for (const { got } of clients) assert.deepEqual(got, pushed)
  })
  for (const { recovered, socket } of clients) {
    assert.deepEqual(recovered, [true])
    assert.equal(socket.state, 'open')
  }
  // The directory forgets who was at the node that died, and has them where they are.
  const routersOfA = await within(async () => {
    const found = new Set(await Promise.all(clients.map(({ socket }) => routerOf(a, socket.id!))))
    // A list may have been written a moment ago.
    assert.deepEqual([found.size, found.has(routerOfB)], [1, false])
    return found
  })
  await within(async () => assert.deepEqual(Object.keys(await directoryAt(a)), [...routersOfA]))
  await b.start()
  await within(async () => assert.equal(await routerOf(b, clients[0]!.socket.id!), [...routersOfA][0]))
  await within(async () => assert.equal((await atA.find('feed')).length, 1))
})

test('SIGTERM of a node: its clients leave one after the other before it ends, and nothing is lost', async (t) => {
  const clients = await Promise.all(numbers(1, 20).map(() => openClient(t, b)))
  for (const client of clients) client.goTo(a)
  let isStopping = true
  const left = new Set<number>()
  const began = performance.now()
  for (const { socket } of clients)
    socket.on('state', (state) => {
      if (state === 'away') left.add(Math.floor((performance.now() - began) / 50))
    })
  const stopped = b.stop().then((status) => {
    isStopping = false
    return status
  })
  const pushed: number[] = []
  for (let n = 1; isStopping || n < 20; n++) {
    await Promise.all(clients.map((client) => push(atA, client, n)))
    pushed.push(n)
  }
  assert.equal(await stopped, 0)
  await within(() => {
    for (const { got } of clients) assert.deepEqual(got, pushed)
  })
  // Not all at a time: a node alone has to take them.
  assert.ok(left.size >= 5, `clients left within ${left.size} times 50 ms`)
  for (const { recovered } of clients) assert.ok(!recovered.includes(false))
  await b.start()
})
