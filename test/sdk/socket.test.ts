/**
 * `@hydra-gateway/sdk/socket` with whole gateways: sockets that go on where they were, at another node, after theirs was
 * killed.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ConnectOptions, connect, MessageError } from '@hydra-gateway/sdk'
import { CallError, type HydraSocket, openSocket, type SocketOptions } from '@hydra-gateway/sdk/socket'
import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { startRedis } from '../support/redis.ts'

const QUICK = { firstRetryMs: 50, maxRetryMs: 300 }

/** One address for several nodes, as a balancer in front of them: to the first that is there. */
async function openFront(t: Pick<TestContext, 'after'>, ports: readonly number[]) {
  const all = new Set<Socket>()
  let order = [...ports]
  let isShut = false
  const server = createServer((client) => {
    if (isShut) return void client.destroy()
    all.add(client)
    client.on('error', () => {}).on('close', () => all.delete(client))
    const reach = ([port, ...others]: readonly number[]): void => {
      if (port === undefined) return void client.destroy()
      const upstream = connectTo(port, '127.0.0.1')
      upstream
        .once('error', () => reach(others))
        .once('connect', () => {
          upstream.removeAllListeners('error').on('error', () => client.destroy())
          client.pipe(upstream).pipe(client)
          client.on('close', () => upstream.destroy())
          upstream.on('close', () => client.destroy())
        })
    }
    reach(order)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of all) socket.destroy()
    server.close()
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/_hydra/socket`,
    /** Nobody comes in for now. */
    shut(is: boolean) {
      isShut = is
    },
    /** From now on those who come go there first. */
    prefer(port: number) {
      order = [port, ...ports.filter((other) => other !== port)]
    },
    cutAll() {
      for (const socket of all) socket.destroy()
    },
  }
}

function open(t: Pick<TestContext, 'after'>, url: string, options: SocketOptions = {}) {
  const socket = openSocket(url, { WebSocket: WebSocket as never, ...QUICK, ...options })
  t.after(() => socket.close())
  const got: unknown[] = []
  const heard: unknown[] = []
  socket.onMessage('*', ({ body }) => got.push(body))
  for (const name of ['state', 'recovered', 'lost', 'ended'] as const)
    socket.on(name, (value) => heard.push(`${name} ${value}`))
  return { socket, got, heard }
}

const isOpen = (socket: HydraSocket) => eventually(() => assert.equal(socket.state, 'open'), 10_000)

interface Access {
  readonly url: string
  readonly publicKey: string
  readonly privateKey: string
}

async function startService(t: TestContext, name: string, at: Access, options: Partial<ConnectOptions> = {}) {
  const server = createHttpServer((_request, response) => response.end(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { url, publicKey, privateKey } = at
  const service = await connect({
    ...{
      name,
      server,
      routes: [`/${name}`],
      gateway: url,
      publicKey,
      privateKey,
      signals: false,
      log: false,
    },
    ...options,
  } as ConnectOptions)
  t.after(() => service.close())
  await service.ready
  return service
}

test('a client goes on at another node after its own was killed: nothing is missing, in order, once', async (t) => {
  const redis = await startRedis(t)
  const keys = { publicKey: `pub${'a'.repeat(24)}`, privateKey: 'b'.repeat(48) }
  const config = { redis: { url: redis.url } }
  const [one, two] = await Promise.all([
    startGatewayProcess(t, config, keys),
    startGatewayProcess(t, config, keys),
  ])
  const front = await openFront(t, [one.port, two.port])
  const { socket, got, heard } = open(t, front.url)
  await isOpen(socket)
  const id = socket.id!
  const service = await startService(t, 'news', two)
  const numbers = Array.from({ length: 60 }, (_, n) => n + 1)
  for (const n of numbers) {
    await service.push(id, { n }, { type: 'news' })
    if (n === 20) process.kill(one.pid, 'SIGKILL')
  }
  await eventually(
    () =>
      assert.deepEqual(
        got.map((body: any) => body.n),
        numbers,
      ),
    10_000,
  )
  assert.deepEqual(
    heard.filter((what) => what !== 'state open'),
    ['state away', 'recovered true'],
  )
  assert.equal(socket.id, id)
})

test('a client calls services; calls under way when the line breaks end with that nobody knows, others wait', async (t) => {
  const gateway = await startGateway(t)
  const front = await openFront(t, [Number(new URL(gateway.url).port)])
  let wasAsked = 0
  const finished = Promise.withResolvers<object>()
  await startService(t, 'sums', gateway, {
    messages: {
      double: ({ body }: any) => ({ twice: body.n * 2 }),
      broken() {
        throw new MessageError('invalid', 'there are no more numbers')
      },
      never() {
        wasAsked++
        return finished.promise
      },
    },
  })
  const { socket, heard } = open(t, front.url)
  const early = socket.call('sums:/', { n: 4 }, { type: 'double' })
  assert.deepEqual(await early, { twice: 8 })
  const unknown = { name: 'CallError', fault: 'unknown-service', isUnknown: false }
  await assert.rejects(socket.call('nobody:/', { n: 1 }), unknown)
  await assert.rejects(socket.call('nobody:[get]/x', {}), unknown)
  await assert.rejects(socket.call('sums:/', { n: 1 }, { type: 'broken' }), {
    fault: 'broken',
    message: 'there are no more numbers',
    body: { error: true, reason: 'there are no more numbers' },
  })
  await assert.rejects(
    socket.call('sums:/', { n: 1 }, { type: 'never', timeoutMs: 50 }),
    /no answer within 50 ms/,
  )
  const lost = socket.call('sums:/', { n: 1 }, { type: 'never' })
  const broke = assert.rejects(lost, (error: CallError) => error instanceof CallError && error.isUnknown)
  await eventually(() => assert.equal(wasAsked, 2))
  front.cutAll()
  await broke
  assert.equal(socket.state, 'away')
  // waits for the line
  assert.deepEqual(await socket.call('sums:/', { n: 5 }, { type: 'double' }), { twice: 10 })
  assert.ok(heard.includes('recovered true'))
  await assert.rejects(async () => socket.send('sums:/', null), TypeError)
  socket.close()
  await assert.rejects(socket.send('sums:/', { n: 1 }), /closed/)
  finished.resolve({})
})

test('what comes while a client is away waits for it; above the bound it is told how many are gone', async (t) => {
  const gateway = await startGateway(t, { messages: { keepMessages: 5 } })
  const front = await openFront(t, [Number(new URL(gateway.url).port)])
  const service = await startService(t, 'news', gateway)
  const { socket, got, heard } = open(t, front.url)
  await isOpen(socket)
  const id = socket.id!
  for (const many of [3, 8]) {
    front.shut(true)
    front.cutAll()
    await eventually(() => assert.equal(socket.state, 'away'))
    got.length = 0
    for (let n = 1; n <= many; n++) await service.push(id, { n }, { type: 'news' })
    front.shut(false)
    await isOpen(socket)
    const expected = Array.from({ length: Math.min(many, 5) }, (_, i) => many - Math.min(many, 5) + 1 + i)
    await eventually(() =>
      assert.deepEqual(
        got.map((body: any) => body.n),
        expected,
      ),
    )
  }
  assert.deepEqual(
    heard.filter((what) => !String(what).startsWith('state')),
    ['recovered true', 'recovered false', 'lost 3'],
  )
  socket.close()
  await eventually(() => assert.rejects(service.push(id, { n: 1 })))
})

test('clients send to each other by their ids, to those who are away too', async (t) => {
  const gateway = await startGateway(t)
  const front = await openFront(t, [Number(new URL(gateway.url).port)])
  const ada = open(t, front.url, { firstRetryMs: 1000 })
  const bob = open(t, `${gateway.url}/_hydra/socket`)
  await Promise.all([isOpen(ada.socket), isOpen(bob.socket)])
  await bob.socket.send(`${ada.socket.id}@client:/`, { text: 'one' })
  await eventually(() => assert.deepEqual(ada.got, [{ text: 'one' }]))
  front.cutAll()
  await eventually(() => assert.equal(ada.socket.state, 'away'))
  await bob.socket.send(`${ada.socket.id}@client:/`, { text: 'two' })
  await eventually(() => assert.deepEqual(ada.got, [{ text: 'one' }, { text: 'two' }]))
  const errors: string[] = []
  bob.socket.on('error', ({ message }) => errors.push(message))
  await bob.socket.send('r000@client:/', { text: 'nobody' })
  await eventually(() => assert.match(errors[0] ?? '', /no client is called/))
})

test('who opens the same session elsewhere takes it over, and the first is told and does not come back', async (t) => {
  const gateway = await startGateway(t)
  const url = `${gateway.url}/_hydra/socket`
  const kept = new Map<string, string>()
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => void kept.set(name, text),
    removeItem: (name: string) => void kept.delete(name),
  }
  const listeners = new Map<string, () => void>()
  // what a page has
  Object.assign(globalThis, {
    addEventListener: (name: string, run: () => void) => listeners.set(name, run),
    removeEventListener: (name: string) => listeners.delete(name),
  })
  t.after(() => {
    delete (globalThis as any).addEventListener
    delete (globalThis as any).removeEventListener
  })
  const first = open(t, url, { storage })
  await isOpen(first.socket)
  const { id } = first.socket
  assert.equal(kept.size, 0)
  listeners.get('pagehide')!()
  assert.equal(kept.size, 1)
  const second = open(t, url, { storage })
  await isOpen(second.socket)
  assert.equal(second.socket.id, id)
  assert.deepEqual(second.heard, ['state open', 'recovered true'])
  assert.equal(kept.size, 0)
  await eventually(() => assert.deepEqual(first.heard.slice(1), ['state ended', 'ended replaced']))
})

test('when a node stops its clients are asked to go, and go on elsewhere before it ends', async (t) => {
  const redis = await startRedis(t)
  const keys = { publicKey: `pub${'a'.repeat(24)}`, privateKey: 'b'.repeat(48) }
  const config = { redis: { url: redis.url } }
  const [one, two] = await Promise.all([
    startGatewayProcess(t, config, keys),
    startGatewayProcess(t, config, keys),
  ])
  const front = await openFront(t, [one.port, two.port])
  const clients = Array.from({ length: 20 }, () => open(t, front.url))
  await Promise.all(clients.map(({ socket }) => isOpen(socket)))
  const service = await startService(t, 'news', two)
  front.prefer(two.port)
  const stopped = one.stop()
  let n = 0
  let isStopped = false
  void stopped.then(() => {
    isStopped = true
  })
  while (!isStopped || n < 10) {
    n++
    await Promise.all(clients.map(({ socket }) => service.push(socket.id!, { n }, { type: 'news' })))
  }
  assert.equal(await stopped, 0)
  const all = Array.from({ length: n }, (_, i) => i + 1)
  for (const { got, heard } of clients) {
    await eventually(
      () =>
        assert.deepEqual(
          got.map((body: any) => body.n),
          all,
        ),
      10_000,
    )
    assert.ok(heard.includes('recovered true') && !heard.includes('recovered false'), String(heard))
  }
})
