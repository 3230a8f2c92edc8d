import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ProxySettings } from '../proxy/settings.ts'
import { deadPort, until } from '../proxy/testing/raw.ts'
import { instanceAt } from '../proxy/testing/rig.ts'
import type { Address, Instance } from '../routing/upstream.ts'
import { createHttpRenderer } from './http-renderer.ts'
import { type Got, ok, openRequests, rawService, request, type Told, told } from './testing/renders.ts'

function openAt(t: TestContext, instance: Instance, settings: Partial<ProxySettings> = {}) {
  const { requests, vitals, lines, metrics } = openRequests(t, { connectTimeoutMs: 300, ...settings })
  const renderer = createHttpRenderer({ requests, keys: { publicKey: 'pub' } })
  return {
    metrics,
    ask(timeoutMs = 5000): Told & { cancel: () => void } {
      const receiver = told('exchange-1')
      return Object.assign(receiver, { cancel: renderer.render(instance, request(), timeoutMs, receiver) })
    },
    /** What everybody else hears of the instance. */
    seen() {
      const { inFlight, failures, answers, faults, resting } = vitals.of(instance.id)
      assert.equal(inFlight, 0)
      const logged = lines.filter(({ msg }) => msg === 'upstream failed')
      for (const { exchange } of logged) assert.equal(exchange, 'exchange-1')
      return {
        failures,
        answers,
        faults,
        resting,
        said: logged.map(({ code, reason }) => `${code} ${reason}`),
      }
    },
  }
}

async function open(t: TestContext, answer: (got: Got) => void, settings: Partial<ProxySettings> = {}) {
  const service = await rawService(t, answer)
  return { service, ...openAt(t, instanceAt(service.port, { isOurs: true }), settings) }
}

const FINE = { failures: 0, answers: 1, faults: 0, resting: false, said: [] }
const blamed = (...said: string[]) => ({ failures: 1, answers: 1, faults: 1, resting: false, said })
const failure = (reason: string, nothingSent: boolean, detail: string) => ({
  reason,
  nothingSent,
  isRefusal: false,
  detail,
})

/** Takes connections, and says nothing on them: who speaks TLS waits for it. */
async function mute(t: TestContext): Promise<Instance> {
  const { port } = await rawService(t, () => {})
  const address: Address = { protocol: 'https', host: '127.0.0.1', port }
  return instanceAt(port, { isOurs: true, address })
}

test('who does not take the connection in the time all have rests', async (t) => {
  const { ask, seen } = openAt(t, await mute(t))
  assert.deepEqual(await ask().ended(), failure('closed', true, 'connect-timeout'))
  const said = ['HYDRA_UPSTREAM_TIMEOUT connect-timeout']
  assert.deepEqual(seen(), { failures: 1, answers: 0, faults: 0, resting: true, said })
})

test('a page that allows less time than that says nothing about who does not take its connection', async (t) => {
  const { ask, seen } = openAt(t, await mute(t))
  assert.deepEqual(await ask(100).ended(), failure('timeout', true, 'connect-timeout'))
  assert.deepEqual(seen(), { ...FINE, answers: 0 })
})

test('nobody at the address is no fault of how the instance serves', async (t) => {
  const { ask, seen } = openAt(t, instanceAt(await deadPort()))
  assert.deepEqual(await ask().ended(), failure('closed', true, 'refused'))
  const said = ['HYDRA_UPSTREAM_BROKEN refused']
  assert.deepEqual(seen(), { failures: 1, answers: 0, faults: 0, resting: true, said })
})

test('each failure on a connection that stood is one fault, and has its word in the log', async (t) => {
  const after = async (answer: (got: Got) => void, timeoutMs = 5000) => {
    const { ask, seen } = await open(t, answer)
    const ended = await ask(timeoutMs).ended()
    return [ended, seen()]
  }
  assert.deepEqual(await after(({ end }) => end.send('SSH-2.0\r\n\r\n')), [
    failure('unreadable', false, 'version'),
    blamed('HYDRA_UPSTREAM_BROKEN version'),
  ])
  assert.deepEqual(await after(({ end }) => void end.socket.destroy()), [
    failure('closed', false, 'reset'),
    blamed('HYDRA_UPSTREAM_BROKEN reset'),
  ])
  assert.deepEqual(await after(() => {}, 1000), [
    failure('timeout', false, 'head-timeout'),
    blamed('HYDRA_UPSTREAM_TIMEOUT head-timeout'),
  ])
  assert.deepEqual(
    await after(({ end }) => end.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n['), 1000),
    [failure('timeout', false, 'answer-idle'), blamed('HYDRA_UPSTREAM_TIMEOUT answer-idle')],
  )
})

test('an answer of no use costs its call; nobody is told of the instance, and a short one keeps its connection', async (t) => {
  const { ask, seen, service } = await open(t, ({ end, index }) =>
    end.send(
      index === 0
        ? 'HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n[]'
        : index === 1
          ? ok('[]', 'Content-Encoding: gzip\r\n')
          : 'HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n[',
    ),
  )
  assert.equal((await ask().ended())?.detail, 'answered 404')
  assert.equal((await ask().ended())?.reason, 'unreadable')
  assert.equal(service.ends.length, 1)
  assert.equal((await ask().ended())?.reason, 'too-large')
  await service.ends[0]!.closed()
  assert.deepEqual(seen(), { ...FINE, answers: 3, faults: 2 })
})

test('a kept connection that died is replaced once: a service that kills them all is not asked for ever', async (t) => {
  const { ask, seen, service, metrics } = await open(t, ({ end, index }) => {
    if (index === 0) end.send(ok('[]'))
    else end.socket.destroy()
  })
  assert.equal(await ask().ended(), undefined)
  assert.deepEqual(await ask().ended(), failure('closed', false, 'reset'))
  assert.equal(service.count(), 3)
  assert.match((await metrics.text()).body, /hydra_retries_total\{service="shop"\} 1/)
  assert.deepEqual(seen(), { ...blamed('HYDRA_UPSTREAM_BROKEN reset'), answers: 2 })
})

test('who finds no connection free is told why, at once or in time', async (t) => {
  const { ask, seen, service } = await open(t, () => {}, {
    maxConnectionsPerInstance: 1,
    maxQueuedPerInstance: 1,
  })
  const first = ask()
  await until('the first', () => service.count() === 1)
  const second = ask(50)
  const full = failure('overloaded', true, 'too many requests wait for this instance')
  assert.deepEqual(await ask().ended(), full)
  assert.deepEqual(await second.ended(), failure('overloaded', true, 'no connection became free in time'))
  first.cancel()
  assert.deepEqual(seen(), { ...FINE, answers: 2, faults: 2 })
})
