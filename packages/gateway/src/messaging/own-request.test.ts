import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Got, ok, openRequests, rawService } from '../fragments/testing/renders.ts'
import type { OwnFailure } from '../proxy/own-exchange.ts'
import type { ProxySettings } from '../proxy/settings.ts'
import { deadPort, until } from '../proxy/testing/raw.ts'
import { instanceAt } from '../proxy/testing/rig.ts'
import type { Address, Instance } from '../routing/upstream.ts'
import { type OwnAnswer, type OwnRequestParts, sendOwnRequest } from './own-request.ts'

const NO_BYTES = Buffer.alloc(0)

function partsOf(method: string, timeoutMs: number, body: Buffer | undefined): OwnRequestParts {
  const length = body ? `Content-Length: ${body.length}\r\n` : ''
  const head = Buffer.from(`${method} /a HTTP/1.1\r\nHost: a\r\n${length}\r\n`)
  return { method, head, body: body ?? NO_BYTES, mostBytes: 1000, timeoutMs, id: 'exchange-1' }
}

/** What everybody else hears of an instance. */
function openAt(t: TestContext, instance: Instance, settings: Partial<ProxySettings> = {}) {
  const { requests, vitals, lines, metrics } = openRequests(t, { connectTimeoutMs: 300, ...settings })
  return {
    metrics,
    ask: (method = 'GET', timeoutMs = 5000, body?: Buffer): Promise<OwnAnswer | OwnFailure> =>
      sendOwnRequest(requests, instance, partsOf(method, timeoutMs, body)),
    seen() {
      const { inFlight, requests: asked, failures, answers, faults, resting } = vitals.of(instance.id)
      assert.equal(inFlight, 0)
      const logged = lines.filter(({ msg }) => msg === 'upstream failed')
      for (const { exchange } of logged) assert.equal(exchange, 'exchange-1')
      const said = logged.map(({ code, reason }) => `${code} ${reason}`)
      return { asked, failures, answers, faults, resting, said }
    },
  }
}

async function open(t: TestContext, answer: (got: Got) => void, settings: Partial<ProxySettings> = {}) {
  const service = await rawService(t, answer)
  return { service, ...openAt(t, instanceAt(service.port), settings) }
}

const FINE = { failures: 0, answers: 1, faults: 0, resting: false, said: [] }

test('a service is asked in one piece, and its answer is gathered', async (t) => {
  const got: string[] = []
  const { ask, seen, service } = await open(t, ({ end, head, body }) => {
    got.push(head + body)
    end.send('HTTP/1.1 103 Early\r\n\r\n')
    end.send(`HTTP/1.1 201 Made\r\nX-A: 1\r\nx-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`)
    end.send('2\r\nde\r\n0\r\n\r\n')
  })
  const answer = await ask('POST', 5000, Buffer.from('{}'))
  assert.deepEqual(answer, {
    status: 201,
    headers: { 'x-a': '1', 'transfer-encoding': 'chunked' },
    body: Buffer.from('abcde'),
  })
  assert.deepEqual(got, ['POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}'])
  const large = Buffer.alloc(200_000, 'x')
  await ask('PUT', 5000, large)
  assert.ok(got[1]!.endsWith(`\r\n\r\n${large}`))
  assert.equal(service.ends.length, 1)
  assert.deepEqual(seen(), { asked: 2, ...FINE, answers: 2 })
})

test('an answer without a body is one, and what HEAD asks for has none', async (t) => {
  const { ask, service } = await open(t, ({ end, index }) =>
    end.send(index === 0 ? 'HTTP/1.1 204 None\r\n\r\n' : 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'),
  )
  assert.deepEqual(await ask(), { status: 204, headers: {}, body: NO_BYTES })
  assert.deepEqual(await ask('HEAD'), { status: 200, headers: { 'content-length': '5' }, body: NO_BYTES })
  assert.equal(service.ends.length, 1)
})

test('errors of a service are answers', async (t) => {
  const { ask, seen } = await open(t, ({ end }) => end.send('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'))
  assert.equal(((await ask()) as OwnAnswer).status, 503)
  assert.deepEqual(seen(), { asked: 1, ...FINE, faults: 1 })
})

const TOO_LARGE = { kind: 'too-large', reason: 'answer-too-large', nothingSent: false, isTimeout: false }

test('an answer that is too large is not taken, announced or not, and its connection ends', async (t) => {
  const { ask, seen, service } = await open(t, ({ end, index }) =>
    end.send(
      index === 0
        ? 'HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\nabc'
        : `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1001)}`,
    ),
  )
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await ask(), TOO_LARGE)
    await service.ends[i]!.closed()
  }
  assert.deepEqual(seen(), { asked: 2, ...FINE, answers: 2 })
})

const broken = (kind: string, reason: string) => ({ kind, reason, nothingSent: false, isTimeout: false })
const blamed = (reason: string) => ({
  asked: 1,
  failures: 1,
  faults: 1,
  resting: false,
  said: [`HYDRA_UPSTREAM_BROKEN ${reason}`],
})

test('what is no answer costs the request, and the instance is blamed', async (t) => {
  const garbage = await open(t, ({ end }) => end.send('SSH-2.0\r\n\r\n'))
  assert.deepEqual(await garbage.ask(), broken('unreadable', 'version'))
  assert.deepEqual(garbage.seen(), { ...blamed('version'), answers: 1 })
  const interim = await open(t, ({ end }) => end.send('HTTP/1.1 100 Continue\r\n\r\n'.repeat(101)))
  assert.deepEqual(await interim.ask(), broken('unreadable', 'too-many-interim'))
  assert.deepEqual(interim.seen(), { ...blamed('too-many-interim'), answers: 1 })
  const half = await open(t, ({ end }) => {
    end.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab')
    end.socket.end()
  })
  assert.deepEqual(await half.ask(), broken('closed', 'reset'))
  // It answered, and failed.
  assert.deepEqual(half.seen(), { ...blamed('reset'), answers: 2 })
})

test('a kept connection that died is replaced once for what may be repeated, and never for what may not', async (t) => {
  const { ask, seen, service, metrics } = await open(t, ({ end, index }) => {
    if (index === 1 || index === 3) end.socket.destroy()
    else end.send(ok('{}'))
  })
  for (const method of ['GET', 'GET']) assert.equal(((await ask(method)) as OwnAnswer).status, 200)
  assert.equal(service.count(), 3)
  assert.match((await metrics.text()).body, /hydra_retries_total\{service="shop"\} 1/)
  assert.deepEqual(await ask('POST', 5000, Buffer.from('{}')), broken('closed', 'stale'))
  assert.equal(service.count(), 4)
  assert.deepEqual(seen(), { ...blamed('stale'), asked: 3, answers: 3 })
})

test('nobody at the address: nothing was sent, and the instance rests', async (t) => {
  const { ask, seen } = openAt(t, instanceAt(await deadPort()))
  assert.deepEqual(await ask('POST'), {
    kind: 'closed',
    reason: 'refused',
    nothingSent: true,
    isTimeout: false,
  })
  assert.deepEqual(seen(), { ...blamed('refused'), answers: 0, faults: 0, resting: true })
})

/** Takes connections, and says nothing on them: who speaks TLS waits for it. */
async function mute(t: TestContext): Promise<Instance> {
  const { port } = await rawService(t, () => {})
  const address: Address = { protocol: 'https', host: '127.0.0.1', port }
  return instanceAt(port, { address })
}

test('who does not take the connection in time rests as well', async (t) => {
  const { ask, seen } = openAt(t, await mute(t))
  assert.deepEqual(await ask('POST'), {
    kind: 'closed',
    reason: 'connect-timeout',
    nothingSent: true,
    isTimeout: true,
  })
  const said = ['HYDRA_UPSTREAM_TIMEOUT connect-timeout']
  assert.deepEqual(seen(), { ...blamed(''), answers: 0, faults: 0, resting: true, said })
})

test('a message with less time than connecting may take says nothing about who does not take its connection', async (t) => {
  const { ask, seen } = openAt(t, await mute(t))
  assert.deepEqual(await ask('GET', 100), {
    kind: 'timeout',
    reason: 'connect-timeout',
    nothingSent: true,
    isTimeout: true,
  })
  assert.deepEqual(seen(), { asked: 1, ...FINE, answers: 0 })
})

test('who does not answer in time is blamed, and sees that nobody waits', async (t) => {
  const cases: [begin: string, reason: string, answers: number][] = [
    ['', 'head-timeout', 1],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'answer-idle', 2],
  ]
  for (const [begin, reason, answers] of cases) {
    const { ask, seen, service } = await open(t, ({ end }) => end.send(begin))
    const from = performance.now()
    assert.deepEqual(await ask('GET', 200), { kind: 'timeout', reason, nothingSent: false, isTimeout: true })
    assert.ok(performance.now() - from >= 200)
    await service.ends[0]!.closed()
    assert.deepEqual(seen(), { ...blamed(''), answers, said: [`HYDRA_UPSTREAM_TIMEOUT ${reason}`] })
  }
})

test('who finds no connection free is told that nothing was sent, at once or in time, and nobody is blamed', async (t) => {
  const busy: Got[] = []
  const { ask, seen, service } = await open(t, (got) => void busy.push(got), {
    maxConnectionsPerInstance: 1,
    maxQueuedPerInstance: 1,
  })
  const first = ask()
  await until('the first', () => service.count() === 1)
  const second = ask('POST', 50)
  const overloaded = { kind: 'overloaded', nothingSent: true }
  assert.deepEqual(await ask(), { ...overloaded, reason: 'queue-full', isTimeout: false })
  assert.deepEqual(await second, { ...overloaded, reason: 'queue-timeout', isTimeout: true })
  busy[0]!.end.send(ok('{}'))
  assert.equal(((await first) as OwnAnswer).status, 200)
  assert.equal(service.count(), 1)
  assert.deepEqual(seen(), { asked: 3, ...FINE })
})
