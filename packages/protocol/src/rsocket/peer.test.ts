import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../../../test/support/eventually.ts'
import { type Ended, type Link, RSocketError, type Timers } from './index.ts'
import { createPeer, type LinkedPeer, type PeerDeps, type RouteHandlers, type Setup } from './peer.ts'
import { ERROR_CODES } from './words.ts'

const timers: Timers = {
  monotonic: () => performance.now(),
  every(ms, run) {
    const timer = setInterval(run, ms)
    return () => clearInterval(timer)
  },
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

/** Two peers whose frames reach the other in a later tick, as over a socket. */
function pair(given: {
  gateway?: RouteHandlers
  service?: RouteHandlers
  onSetup?: (setup: Setup) => Promise<void>
  limits?: PeerDeps['limits']
}) {
  const ends: { gateway?: Ended; service?: Ended } = {}
  const faults: unknown[] = []
  const refusals: string[] = []
  let gateway: LinkedPeer | undefined
  let service: LinkedPeer | undefined
  const linkTo = (other: () => LinkedPeer | undefined): Link => ({
    send: (frame) => setImmediate(() => other()?.receive(frame)),
    end: () => setImmediate(() => other()?.lost('link closed')),
    pendingBytes: () => 0,
  })
  const common = {
    timers,
    maxDataBytes: 1000,
    larger: { large: 5000 },
    onFault: (error: unknown) => faults.push(error),
  }
  gateway = createPeer({
    ...common,
    link: linkTo(() => service),
    routes: given.gateway ?? {},
    limits: given.limits,
    onSetup: given.onSetup ?? (async () => {}),
    onEnd: (ended) => {
      ends.gateway = ended
    },
    onRefused: (reason) => refusals.push(reason),
  })
  service = createPeer({
    ...common,
    link: linkTo(() => gateway),
    routes: given.service ?? {},
    setup: { credentials: { publicKey: 'public', privateKey: 'private' }, data: { name: 'orders' } },
    onEnd: (ended) => {
      ends.service = ended
    },
  })
  return {
    gateway: gateway.peer,
    service: service.peer,
    ends,
    faults,
    refusals,
    raw: service,
    gatewayEnd: gateway,
  }
}

test('a service is let in with its keys and its registration, and both ends may ask', async (t) => {
  let seen: Setup | undefined
  const { gateway, service } = pair({
    onSetup: async (setup) => {
      seen = setup
      assert.deepEqual(setup.readData(), { name: 'orders' })
    },
    gateway: { requests: { double: (data) => (data as number) * 2, nothing: () => undefined } },
    service: { requests: { who: async () => 'orders' } },
  })
  t.after(() => service.close())
  assert.equal(await service.request('double', 21, 1000), 42)
  assert.equal(await service.request('nothing', {}, 1000), null)
  assert.equal(await gateway.request('who', {}, 1000), 'orders')
  assert.deepEqual(seen?.credentials, { publicKey: 'public', privateKey: 'private' })
  assert.deepEqual([seen?.route, seen?.keepAliveMs, seen?.lifetimeMs], ['hydra.setup.v1', 3000, 5000])
})

test('frames sent before the gateway decided are served afterwards, in order', async (t) => {
  const order: unknown[] = []
  const { service } = pair({
    onSetup: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      order.push('let in')
    },
    gateway: { signals: { say: (data) => order.push(data) }, requests: { done: () => true } },
  })
  t.after(() => service.close())
  service.send('say', 1)
  service.send('say', 2)
  await service.request('done', {}, 1000)
  assert.deepEqual(order, ['let in', 1, 2])
})

test('a refused service learns why, by code and by sentence', async () => {
  const { service, ends } = pair({
    onSetup: async () => {
      throw new RSocketError(ERROR_CODES.REJECTED_SETUP, 'the keys are wrong', 'HYDRA_UNAUTHORIZED')
    },
  })
  await assert.rejects(service.request('anything', {}, 1000), { message: 'the keys are wrong' })
  assert.equal(ends.service?.by, 'peer')
  assert.equal(ends.service?.error.code, 0x003)
  assert.equal(ends.service?.error.problem, 'HYDRA_UNAUTHORIZED')
  assert.equal(ends.gateway?.by, 'refused')
})

test('what goes wrong in a handler is an answer, and only a known failure is told', async (t) => {
  const { service, faults, refusals } = pair({
    gateway: {
      requests: {
        known: () =>
          Promise.reject(Object.assign(new Error('port is missing'), { code: 'HYDRA_BAD_REGISTRATION' })),
        bug: () => {
          throw new TypeError('secret internals')
        },
        circular: () => {
          const loop: { self?: unknown } = {}
          loop.self = loop
          return loop
        },
        echo: (data) => data,
      },
      streams: {
        broken: () => {
          throw new TypeError('secret internals')
        },
      },
    },
  })
  t.after(() => service.close())
  const code = ERROR_CODES.APPLICATION_ERROR
  await assert.rejects(service.request('known', {}, 1000), {
    code,
    problem: 'HYDRA_BAD_REGISTRATION',
    message: 'port is missing',
  })
  await assert.rejects(service.request('bug', {}, 1000), {
    code,
    problem: 'HYDRA_INTERNAL',
    message: 'internal error',
  })
  await assert.rejects(service.request('circular', {}, 1000), { code, problem: 'HYDRA_INTERNAL' })
  await assert.rejects(service.request('constructor', {}, 1000), {
    code,
    message: /there is no route "constructor"/,
  })
  await assert.rejects(service.request('echo', 'x'.repeat(2000), 1000), { code, problem: 'HYDRA_TOO_LARGE' })
  await assert.rejects(service.request('echo', Buffer.from('{not json'), 1000), { code: ERROR_CODES.INVALID })
  const failure = await new Promise((onEnd) => service.stream('broken', {}, { onItem() {}, onEnd }))
  assert.equal((failure as RSocketError).problem, 'HYDRA_INTERNAL')
  assert.equal(faults.length, 3)
  assert.deepEqual(refusals, ['unknown-route', 'data-too-large', 'malformed-data'])
  assert.equal(await service.request('echo', 'still here', 1000), 'still here')
})

test('a stream gives what was asked for and no more, and stops when cancelled', async (t) => {
  let cancelled = false
  let asked = 0
  const { service } = pair({
    gateway: {
      streams: {
        count: (data, sink) => {
          let next = data as number
          return {
            request(count) {
              asked += count
              for (let i = 0; i < count; i++) sink.next(next++)
              if (next > 13) sink.end()
            },
            cancel() {
              cancelled = true
            },
          }
        },
      },
    },
  })
  t.after(() => service.close())
  const items: unknown[] = []
  let end: unknown = 'open'
  const source = service.stream('count', 10, {
    onItem: (item) => items.push(item),
    onEnd: (error) => {
      end = error
    },
  })
  await until(() => items.length === 1)
  source.request(2)
  await until(() => items.length === 3)
  assert.equal(asked, 3)
  source.request(1)
  await until(() => end !== 'open')
  assert.equal(end, undefined)
  assert.deepEqual(items, [10, 11, 12, 13])

  const second = service.stream('count', 0, {
    onItem() {},
    onEnd: () => assert.fail('a cancelled stream does not end'),
  })
  second.cancel()
  await until(() => cancelled)
})

test('a request that is not answered in time fails alone', async (t) => {
  const { service } = pair({
    gateway: { requests: { never: () => new Promise(() => {}), echo: (data) => data } },
  })
  t.after(() => service.close())
  await assert.rejects(service.request('never', {}, 20), {
    code: ERROR_CODES.CANCELED,
    message: /not answered within 20 ms/,
  })
  assert.equal(await service.request('echo', 1, 1000), 1)
})

test('a request above what a peer may have open is refused alone, cancelled ones included', async (t) => {
  const { gateway, service, refusals } = pair({
    limits: { maxStreams: 4 },
    gateway: {
      requests: { never: () => new Promise(() => {}), echo: (data) => data },
      streams: { open: () => ({ request() {}, cancel() {} }) },
    },
  })
  t.after(() => service.close())
  for (let i = 0; i < 3; i++) service.request('never', {}, 1).catch(() => {})
  const stream = service.stream('open', {}, { onItem() {}, onEnd() {} })
  await assert.rejects(service.request('echo', 1, 1000), {
    code: ERROR_CODES.REJECTED,
    problem: 'HYDRA_OVERLOADED',
    message: 'a peer may have 4 requests open',
  })
  assert.deepEqual(refusals, ['too-many-streams'])
  stream.cancel()
  assert.equal(await service.request('echo', 1, 1000), 1)
  assert.equal(gateway.isOpen(), true)
})

test('when the link is lost everything that waits fails', async () => {
  const { service, gatewayEnd, raw, ends } = pair({
    gateway: { requests: { never: () => new Promise(() => {}) } },
  })
  const waiting = service.request('never', {}, 10_000)
  let streamEnd: unknown
  service.stream(
    'missing',
    {},
    {
      onItem() {},
      onEnd: (error) => {
        streamEnd = error
      },
    },
  )
  raw.lost('cable cut')
  await assert.rejects(waiting, { message: 'cable cut' })
  assert.equal((streamEnd as Error).message, 'cable cut')
  assert.equal(ends.service?.by, 'link')
  await assert.rejects(service.request('never', {}, 1000), { message: 'the connection is closed' })
  gatewayEnd.lost('test over')
})

test('one answer can be taken back before it comes, and is told once', async (t) => {
  let answer: (value: unknown) => void = () => {}
  const { service } = pair({
    gateway: {
      requests: {
        late: () =>
          new Promise((resolve) => {
            answer = resolve
          }),
        echo: (data) => data,
      },
    },
  })
  t.after(() => service.close())
  const told: unknown[] = []
  const receiver = {
    onItem: (item: unknown, sizeBytes: number) => void told.push(item, sizeBytes),
    onEnd: (error: unknown) => void told.push(error),
  }
  service.ask('late', {}, receiver).cancel()
  await service.request('echo', 1, 1000)
  answer('too late')
  await service.request('echo', 1, 1000)
  assert.deepEqual(told, [])
  service.ask('echo', 'now', receiver)
  await service.request('echo', 1, 1000)
  assert.deepEqual(told, ['now', 5, undefined])
})

test('an item that is larger than expected, no JSON or too deep ends its stream only, once', async (t) => {
  const deep = Buffer.from('['.repeat(20_000))
  const { service } = pair({
    gateway: {
      requests: { echo: (data) => data, junk: () => Buffer.from('{'), deep: () => deep },
      streams: {
        large: (_data, sink) => ({
          request() {
            sink.next('x'.repeat(100))
            sink.next('y')
            sink.end()
          },
          cancel() {},
        }),
      },
    },
  })
  t.after(() => service.close())
  const told: unknown[] = []
  const receiver = {
    onItem: (item: unknown) => void told.push(item),
    onEnd: (error: RSocketError | undefined) => void told.push(error?.problem ?? error?.message),
  }
  service.stream('large', {}, { ...receiver, demand: 2, maxItemBytes: 102 })
  service.stream('large', {}, { ...receiver, demand: 2, maxItemBytes: 101 })
  service.ask('junk', {}, receiver)
  service.ask('deep', {}, receiver)
  await service.request('echo', 1, 1000)
  assert.deepEqual(told, [
    'x'.repeat(100),
    'y',
    undefined,
    'HYDRA_TOO_LARGE',
    'the data is not JSON',
    'the data is nested too deep',
  ])
})
