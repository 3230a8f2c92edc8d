import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { SiteEvent } from '@hydra-gateway/protocol'
import { type EventStream, openEventStream } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startProcess } from '../support/process.ts'

const program = fileURLToPath(new URL('../support/services/plain.ts', import.meta.url))

/** A service in a process of its own, with an item in the menu. */
async function startService(t: TestContext, gateway: TestGateway, name: string, version: string) {
  const service = startProcess(t, {
    args: [program],
    env: {
      HYDRA_GATEWAY: gateway.url,
      HYDRA_PUBLIC_KEY: gateway.publicKey,
      HYDRA_PRIVATE_KEY: gateway.privateKey,
      SERVICE: name,
      VERSION: version,
      ROUTES: `/${name}`,
      MENU: JSON.stringify([{ label: name, path: `/${name}` }]),
    },
  })
  await service.printed(/port \d+/)
  return service
}

/** A service that does not beat: a gateway of its tests has a long lease. */
async function register({ discovery }: TestGateway, name: string, paths: readonly string[]): Promise<void> {
  const bean = { name, host: '127.0.0.1', port: 9, version: '1', endpoints: paths, staticResources: [] }
  const response = await fetch(`${discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(bean),
  })
  assert.equal(response.status, 200)
}

const kinds = ({ events }: EventStream) => events.map(({ event }) => event.kind)

test('a service that is killed is told of in order, at once, to who reads along', async (t) => {
  const gateway = await startGateway(t, { lease: { resume: '500ms' } })
  const stream = await openEventStream(t, gateway)
  assert.deepEqual(stream.hello.services, [])
  const orders = await startService(t, gateway, 'orders', '3.1.2')
  await eventually(() => assert.deepEqual(kinds(stream), ['service', 'instance', 'routes', 'menu']))

  const killedAt = performance.now()
  orders.child.kill('SIGKILL')
  await eventually(() => assert.equal(stream.events.length, 8))
  const [down, lost, menu, gone] = stream.events.slice(4).map(({ event }) => ({ ...event, at: 0 }))
  const came = stream.events[1]!.event as SiteEvent & { kind: 'instance' }
  const about = { service: 'orders', instance: came.instance, version: '3.1.2' }
  const reason = 'connection closed'
  const [state, before] = ['down', 'available']
  assert.deepEqual(down, { id: 5, at: 0, kind: 'service', state, before, reason, ...about })
  assert.deepEqual(lost, { id: 6, at: 0, kind: 'instance', state: 'recovering', reason, ...about })
  assert.deepEqual(menu, { id: 7, at: 0, kind: 'menu', menu: 'main', changed: ['/orders'] })
  assert.equal((gone as { reason: string }).reason, 'its channel did not return')
  const tookMs = stream.events[6]!.at - killedAt
  assert.ok(tookMs < 100, `down after ${tookMs} ms`)
})

test('who comes back hears what happened meanwhile, or how much of it is gone', async (t) => {
  const gateway = await startGateway(t, { events: { kept: 4 }, lease: { ttl: '60s' } })
  const first = await openEventStream(t, gateway)
  await register(gateway, 'one', ['/one'])
  await eventually(() => assert.equal(first.events.length, 3))
  first.close()
  await register(gateway, 'two', ['/two'])
  const again = await openEventStream(t, gateway, { lastId: first.lastId })
  await eventually(() => assert.deepEqual(kinds(again), ['service', 'instance', 'routes']))
  again.close()
  await register(gateway, 'three', ['/three'])
  await register(gateway, 'four', ['/four'])
  const late = await openEventStream(t, gateway, { lastId: again.lastId })
  await eventually(() => assert.deepEqual(kinds(late), ['missed', 'routes', 'service', 'instance', 'routes']))
  assert.equal((late.events[0]!.event as SiteEvent & { kind: 'missed' }).count, 2)

  // Of another start of a gateway, nothing is known: everything since this one is news.
  const foreign = await openEventStream(t, gateway, { lastId: 'another:11' })
  await eventually(() => assert.equal(foreign.events.length, 5))
  const some = await openEventStream(t, gateway, { query: '?after=0&kinds=routes' })
  await eventually(() => assert.deepEqual(kinds(some), ['missed', 'routes', 'routes']))
})

test('nobody without the keys reads events, and too many readers are turned away', async (t) => {
  const gateway = await startGateway(t, { events: { maxReaders: 2 } })
  await assert.rejects(openEventStream(t, { ...gateway, privateKey: 'wrong' }), /401/)
  await assert.rejects(openEventStream(t, gateway, { query: '?kinds=weather' }), /400/)
  await assert.rejects(openEventStream(t, gateway, { query: '?after=-1' }), /400/)
  const one = await openEventStream(t, gateway)
  await openEventStream(t, gateway)
  await assert.rejects(openEventStream(t, gateway), /503/)
  one.close()
  await eventually(() => openEventStream(t, gateway))
})

test('a gateway that stops ends the streams, and waits for none', async (t) => {
  const gateway = await startGateway(t, { http: { stopGrace: '20s' } })
  const stream = await openEventStream(t, gateway)
  const began = performance.now()
  await gateway.close()
  assert.ok(performance.now() - began < 5000)
  await eventually(() => assert.ok(stream.isOver))
})

/** A reader that reads the head of the stream, and nothing after that. */
async function openStuck(t: TestContext, gateway: TestGateway): Promise<Socket> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1' })
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  const auth = Buffer.from(`${gateway.publicKey}:${gateway.privateKey}`).toString('base64')
  socket.write(`GET /_hydra/api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Basic ${auth}\r\n\r\n`)
  await once(socket, 'data')
  socket.pause()
  socket.on('error', () => {})
  return socket
}

test('a reader that takes nothing is cut once it is too far behind, and costs the others nothing', async (t) => {
  const gateway = await startGateway(t, { events: { kept: 100 }, lease: { ttl: '60s' } })
  const stuck = await openStuck(t, gateway)
  const reading = await openEventStream(t, gateway)
  // As many bytes as the sockets between them take, and more: patterns are long.
  const long = 'x'.repeat(1500)
  const isCut = () => gateway.lines.some(({ msg }) => msg === 'reader of site events cut')
  for (let round = 0; round < 400 && !isCut(); round++) {
    const paths = Array.from({ length: 60 }, (_, index) => `/${round}-${index}-${long}`)
    await register(gateway, 'large', paths)
  }
  assert.ok(isCut())
  await eventually(() => assert.equal(reading.events.at(-1)!.event.id, lastOf(reading)))
  const ids = reading.events.map(({ event }) => event.id)
  assert.deepEqual(
    ids,
    ids.map((_, index) => index + 1),
    'who reads misses nothing',
  )
  const closed = new Promise((resolve) => stuck.on('close', resolve))
  stuck.resume()
  await closed
})

const lastOf = ({ lastId }: EventStream): number => Number(lastId.split(':')[1])

/** Bytes in use, once what nobody holds is gone. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

test('a thousand readers that come and go leave nothing behind', async (t) => {
  const gateway = await startGateway(t, { events: { maxReaders: 20 }, lease: { ttl: '60s' } })
  const untidy = { after: () => {} }
  const comeAndGo = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 10) {
      const open = () => eventually(() => openEventStream(untidy, gateway, { query: '?after=0' }))
      const some = await Promise.all(Array.from({ length: 10 }, open))
      for (const stream of some) stream.close()
    }
  }
  await comeAndGo(100)
  const before = heapUsed()
  await comeAndGo(1000)
  // All places are free again.
  await eventually(async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => openEventStream(t, gateway)))
    for (const stream of all) stream.close()
  })
  const grownMiB = (heapUsed() - before) / 1024 / 1024
  assert.ok(grownMiB < 10, `${grownMiB} MiB more`)
})
