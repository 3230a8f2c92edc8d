import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { RenderRequest } from '@hydra-gateway/protocol'
import { type Limits, ROUTES, type RouteHandlers, type Sink } from '@hydra-gateway/protocol/rsocket'
import { bean, idOf, openGateway, openService } from '../channels/rsocket/test-support.ts'
import { until } from '../proxy/testing/raw.ts'
import { instanceAt } from '../proxy/testing/rig.ts'
import { type ChannelRendererSettings, createChannelRenderer } from './channel-renderer.ts'
import { item, openRequests, request, type Told, told } from './testing/renders.ts'

const FRAGMENT = { id: 'f1', renderedHTML: '<b>käse</b>' }

async function open(
  t: TestContext,
  routes: RouteHandlers,
  {
    over = 'tcp',
    limits,
    settings,
  }: { over?: 'tcp' | 'url'; limits?: Partial<Limits>; settings?: ChannelRendererSettings } = {},
) {
  const gateway = await openGateway(t)
  const service = await openService(gateway[over], bean(1), { routes, ...(limits && { limits }) })
  await service.peer.request(ROUTES.ping, {}, 1000)
  const engine = openRequests(t, { connectTimeoutMs: 100 })
  const renderer = createChannelRenderer({
    lineOf: (id) => gateway.channel.lineOf(id),
    requests: engine.requests,
    ...(settings && { settings }),
  })
  const instance = instanceAt(1, { id: idOf(1), isOurs: true })
  const ask = (more: Partial<RenderRequest> = {}, timeoutMs = 10_000): Told & { cancel: () => void } => {
    const receiver = told()
    const cancel = renderer.render(instance, request(more), timeoutMs, receiver)
    return Object.assign(receiver, { cancel })
  }
  const vital = () => engine.vitals.of(instance.id)
  return { gateway, service, renderer, instance, ask, vital }
}

/** A service that streams, told of each call. */
function streams(
  onCall: (data: RenderRequest, sink: Sink, isCancelled: () => boolean) => void,
): RouteHandlers {
  return {
    streams: {
      [ROUTES.render]: (data, sink) => {
        let cancelled = false
        setImmediate(() => onCall(data as RenderRequest, sink, () => cancelled))
        return {
          request() {},
          cancel() {
            cancelled = true
          },
        }
      },
    },
  }
}

for (const over of ['tcp', 'url'] as const) {
  test(`each fragment is told as it comes, over ${over === 'tcp' ? 'TCP' : 'WebSocket'}`, async (t) => {
    let sent: RenderRequest | undefined
    let sink: Sink | undefined
    const { ask, vital } = await open(
      t,
      streams((data, into) => {
        sent = data
        sink = into
        into.next({ fragments: [FRAGMENT] })
      }),
      { over },
    )
    const asked = {
      requests: [item('f1', { values: { a: 1 } }), item('f2')],
      session: { n: 0 },
      context: { depth: 1, traceparent: 'trace', token: 't' },
      maxBytes: 1000,
    }
    const got = ask(asked)
    await until('the first fragment', () => got.fragments.length === 1)
    assert.deepEqual(sent, { attributes: {}, ...asked })
    assert.equal(vital().inFlight, 1)
    sink!.next({ fragments: [{ id: 'f2', renderedHTML: null, reason: 'declined' }], session: { n: 1 } })
    sink!.end()
    assert.equal(await got.ended(), undefined)
    assert.deepEqual(got.fragments, [FRAGMENT, { id: 'f2', renderedHTML: null, reason: 'declined' }])
    assert.deepEqual(got.sessions, [{ n: 1 }])
    assert.deepEqual([vital().inFlight, vital().requests], [0, 1])
  })

  test(`an answer as large as any may be costs no channel, over ${over === 'tcp' ? 'TCP' : 'WebSocket'}`, async (t) => {
    const renderedHTML = '"'.repeat(4 * 2 ** 20)
    const { ask, gateway } = await open(
      t,
      streams((_data, sink) => {
        for (const id of ['f1', 'f2', 'f3']) sink.next({ fragments: [{ id, renderedHTML }] })
        sink.end()
      }),
      { over },
    )
    const got = ask({ requests: ['f1', 'f2', 'f3'].map((id) => item(id)), maxBytes: 4 * 2 ** 20 })
    assert.equal(await got.ended(), undefined)
    assert.deepEqual(
      got.fragments.map(({ renderedHTML: html }) => html?.length),
      [4 * 2 ** 20, 4 * 2 ** 20, 4 * 2 ** 20],
    )
    assert.deepEqual(gateway.refused, [])
  })
}

test('a fragment that is too large costs itself, and those beside it come', async (t) => {
  const { ask } = await open(
    t,
    streams((_data, sink) => {
      sink.next({ fragments: [{ id: 'f1', renderedHTML: 'x'.repeat(300_000) }] })
      sink.next({ fragments: [{ id: 'f2', renderedHTML: 'fine' }] })
      sink.end()
    }),
  )
  const got = ask({ requests: [item('f1'), item('f2')], maxBytes: 1000 })
  const failure = await got.ended()
  assert.equal(failure?.reason, 'too-large')
  assert.deepEqual(got.fragments, [{ id: 'f2', renderedHTML: 'fine' }])
})

test('a service that sends without end is stopped', async (t) => {
  let isStopped = () => false
  const { ask, gateway } = await open(
    t,
    streams((_data, sink, isCancelled) => {
      isStopped = isCancelled
      const more = (): void => {
        if (isCancelled()) return
        sink.next({ fragments: [{ id: 'f1', renderedHTML: 'x'.repeat(10_000) }] })
        setImmediate(more)
      }
      more()
    }),
  )
  const failure = await ask({ maxBytes: 10_000 }).ended()
  assert.equal(failure?.reason, 'too-large')
  await until('the stop', isStopped)
  assert.deepEqual(gateway.refused, [])
})

test('items that are not as agreed cost their fragments only', async (t) => {
  const { ask } = await open(
    t,
    streams((_data, sink) => {
      sink.next({ fragments: [{ id: 'f1', renderedHTML: 7 }] })
      sink.next('text')
      sink.next({ fragments: [{ id: 'f2', renderedHTML: 'fine' }], session: { ['__proto__']: 1, n: 1 } })
      sink.next({ fragments: [], session: null })
      sink.end()
    }),
  )
  const got = ask({ requests: [item('f1'), item('f2')] })
  const failure = await got.ended()
  assert.deepEqual([failure?.reason, failure?.detail], ['unreadable', '1 of 1 fragments are not as agreed'])
  assert.deepEqual(got.fragments, [{ id: 'f2', renderedHTML: 'fine' }])
  assert.deepEqual(got.sessions.at(-1), null)
})

test('a service that knows no streams is asked for one answer, and from then on at once', async (t) => {
  const kinds: string[] = []
  const { ask, gateway } = await open(t, {
    requests: {
      [ROUTES.render]: (data) => {
        kinds.push('answer')
        const { requests } = data as RenderRequest
        return { fragments: requests.map(({ id }) => ({ id, renderedHTML: id })), session: 1 }
      },
    },
  })
  const together = [ask(), ask({ requests: [item('f2')] })]
  for (const got of together) assert.equal(await got.ended(), undefined)
  const third = ask()
  assert.equal(await third.ended(), undefined)
  assert.deepEqual(
    [...together, third].map(({ fragments }) => fragments[0]?.renderedHTML),
    ['f1', 'f2', 'f1'],
  )
  assert.deepEqual(third.sessions, [1])
  assert.deepEqual(kinds, ['answer', 'answer', 'answer'])
  assert.deepEqual(gateway.refused, [])
})

test('a service that renders nothing over its channel is asked another way from then on', async (t) => {
  const { ask, renderer, instance } = await open(t, {})
  assert.equal(renderer.reaches(instance), true)
  const together = [ask(), ask(), ask()]
  for (const got of together) {
    const failure = await got.ended()
    assert.deepEqual([failure?.reason, failure?.nothingSent], ['failed', true])
  }
  assert.equal(renderer.reaches(instance), false)
})

test('an error is told as what it is', async (t) => {
  const errors: Record<string, Error> = {
    overloaded: Object.assign(new Error('busy'), { code: 'HYDRA_OVERLOADED' }),
    large: Object.assign(new Error('much'), { code: 'HYDRA_TOO_LARGE' }),
    bug: new TypeError('secret'),
  }
  const { ask } = await open(
    t,
    streams(({ requests }, sink) => sink.fail(errors[requests[0]!.ref]!)),
  )
  const failureOf = async (ref: string) => {
    const failure = await ask({ requests: [item('f1', { ref })] }).ended()
    return [failure?.reason, failure?.nothingSent, failure?.isRefusal, failure?.detail]
  }
  assert.deepEqual(await failureOf('overloaded'), ['overloaded', true, false, 'busy'])
  assert.deepEqual(await failureOf('large'), ['too-large', false, true, 'much'])
  assert.deepEqual(await failureOf('bug'), ['failed', false, true, 'internal error'])
})

test('a line that is cut ends its calls at once, and the next one knows that nothing was sent', async (t) => {
  const { ask, service, renderer, instance, vital } = await open(
    t,
    streams((_data, sink) => sink.next({ fragments: [FRAGMENT] })),
  )
  const got = ask()
  await until('the first fragment', () => got.fragments.length === 1)
  service.cut()
  const failure = await got.ended()
  assert.deepEqual([failure?.reason, failure?.nothingSent], ['closed', false])
  assert.equal(renderer.reaches(instance), false)
  const next = ask()
  assert.deepEqual([next.failure?.reason, next.failure?.nothingSent], ['closed', true])
  assert.equal(vital().inFlight, 0)
})

test('a call that is given up is seen by the service, and nothing is told any more', async (t) => {
  let isStopped = () => false
  let sink: Sink | undefined
  const { ask, vital } = await open(
    t,
    streams((_data, into, isCancelled) => {
      isStopped = isCancelled
      sink = into
      into.next({ fragments: [FRAGMENT, { ...FRAGMENT, id: 'f2' }], session: 1 })
    }),
  )
  const got = ask()
  got.onEach = () => got.cancel()
  await until('the cancel at the service', () => isStopped())
  sink!.next({ fragments: [FRAGMENT] })
  got.cancel()
  const other = ask()
  other.cancel()
  assert.deepEqual([got.fragments.length, got.isEnded, got.sessions, vital().inFlight], [1, false, [1], 0])
})

test('a service that never answers ends in time, not before, and sees that nobody waits', async (t) => {
  let isStopped = () => false
  const { ask } = await open(
    t,
    streams((_data, _sink, isCancelled) => {
      isStopped = isCancelled
    }),
  )
  const from = performance.now()
  const failure = await ask({}, 100).ended()
  assert.ok(performance.now() - from >= 100)
  assert.deepEqual([failure?.reason, failure?.nothingSent], ['timeout', false])
  await until('the cancel at the service', () => isStopped())
})

test('500 calls at once are served, and those above the limit are told at once', async (t) => {
  let busy = 0
  let most = 0
  const waiting: (() => void)[] = []
  const { ask, gateway } = await open(
    t,
    streams(({ requests }, sink) => {
      most = Math.max(most, ++busy)
      waiting.push(() => {
        busy--
        sink.next({ fragments: [{ id: requests[0]!.id, renderedHTML: requests[0]!.id }] })
        sink.end()
      })
    }),
    { settings: { maxInFlight: 500 } },
  )
  const calls = Array.from({ length: 500 }, (_, n) => ask({ requests: [item(`n${n}`)] }))
  const late = ask()
  assert.deepEqual([late.failure?.reason, late.failure?.nothingSent], ['overloaded', true])
  await until('all at the service', () => busy === 500)
  for (const answer of waiting.reverse()) answer()
  for (const [n, call] of calls.entries()) {
    assert.equal(await call.ended(), undefined)
    assert.equal(call.fragments[0]?.renderedHTML, `n${n}`)
  }
  assert.equal(most, 500)
  assert.deepEqual(gateway.refused, [])
})

test('what a service refuses, as it has too much to do, may be asked of another; its channel stays', async (t) => {
  const waiting: Sink[] = []
  const { ask, service } = await open(
    t,
    streams((_data, sink) => void waiting.push(sink)),
    { limits: { maxStreams: 4 } },
  )
  const calls = Array.from({ length: 6 }, () => ask())
  for (const call of calls.slice(4)) {
    const failure = await call.ended()
    assert.deepEqual([failure?.reason, failure?.nothingSent], ['overloaded', true])
  }
  for (const sink of waiting) sink.end()
  for (const call of calls.slice(0, 4)) assert.equal(await call.ended(), undefined)
  assert.equal(service.peer.isOpen(), true)
})

test('a request that is larger than a frame is told so, and nothing was sent', async (t) => {
  const { ask, gateway, vital } = await open(
    t,
    streams(() => {}),
  )
  const got = ask({ attributes: { text: 'x'.repeat(17 * 2 ** 20) } })
  assert.deepEqual([got.failure?.reason, got.failure?.nothingSent], ['too-large', true])
  assert.equal(vital().inFlight, 0)
  assert.deepEqual(gateway.refused, [])
})
