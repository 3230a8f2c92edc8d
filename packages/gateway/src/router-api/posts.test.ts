import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageProblem } from '../messaging/port.ts'
import { startApi } from './testing/api-rig.ts'

const MID = '4736ef3d-fcbb-46aa-80a0-f4f3493e1d74'
const message = (more: object) => ({ to: 'hello:/', frm: 'tester:/', mid: MID, bdy: { a: 1 }, ...more })

test('a message whose forward has a method is a call: status of the service, and the result of its answer', async (t) => {
  const { post, given, answers } = await startApi(t)
  answers.called = { status: 201, headers: {}, body: { statusCode: 200, result: { id: 7 } }, isJson: true }
  const response = await post('message', message({ to: 'hydra-router:/', fwd: 'hello:[post]/v1/x?y=1' }))
  assert.equal(response.status, 201)
  const body = (await response.json()) as any
  assert.deepEqual([body.statusCode, body.statusMessage, body.status], [201, 'Created', 201])
  assert.deepEqual(body.result, { id: 7 })
  assert.equal(given[0]!.kind, 'call')
  assert.equal(given[0]!.message.to, 'hello:[post]/v1/x?y=1')
  assert.equal(given[0]!.message.forward, undefined)
  assert.deepEqual(given[0]!.message.body, { a: 1 })
  assert.equal(given[0]!.sender.kind, 'door')
})

test('an address with a method in `to` is called as the README says, one without is sent', async (t) => {
  const { post, given, answers } = await startApi(t)
  answers.called = { status: 200, headers: {}, body: [1, 2], isJson: true }
  const called = (await (await post('message', message({ to: 'hello:[get]/v1/x' }))).json()) as any
  // An answer without a result is not lost.
  assert.deepEqual(called.result, [1, 2])
  const sent = (await (await post('message', message({}))).json()) as any
  assert.deepEqual(sent.result, { mid: MID })
  assert.deepEqual(
    given.map(({ kind }) => kind),
    ['call', 'send'],
  )
})

test('an answer of a service that has no body is one without a body', async (t) => {
  const { post, answers } = await startApi(t)
  answers.called = { status: 204, headers: {}, body: '', isJson: false }
  const response = await post('message', message({ fwd: 'hello:[delete]/v1/x' }))
  assert.equal(response.status, 204)
  assert.equal(await response.text(), '')
})

test('the router itself can be called', async (t) => {
  const { post, given } = await startApi(t)
  const body = (await (
    await post('message', message({ to: 'hydra-router:[get]/v1/router/version' }))
  ).json()) as any
  assert.deepEqual(body.result, { version: '0.1.0' })
  assert.equal((await post('message', message({ to: 'hydra-router:[get]/v1/router/none' }))).status, 400)
  assert.equal(given.length, 0)
})

test('what is no message is refused with the reason, and nothing dies of it (B10: a forward that was no text ended the router)', async (t) => {
  const { get, post, given, network } = await startApi(t)
  const incomplete = 'UMF message requires "to", "from" and "body" fields'
  const cases: [path: string, body: unknown, reason: RegExp | string][] = [
    ['message', '', /not JSON/],
    ['message', 'nonsense', /not JSON/],
    ['message', 'null', incomplete],
    ['message', '7', incomplete],
    ['message', {}, incomplete],
    ['message', { to: 'hello:/', bdy: {} }, incomplete],
    ['message', message({ bdy: '' }), incomplete],
    ['message', message({ fwd: { a: 1 } }), /forward/],
    ['message', message({ fwd: 7 }), /forward/],
    ['message', message({ fwd: ['hello:[get]/'] }), /forward/],
    ['message', message({ to: {} }), /"to"/],
    ['message', message({ via: [1] }), /via/],
    ['message', message({ fwd: 'hello:/v1' }), 'HTTP method not specified in `to` field'],
    ['message', message({ fwd: 'hello:[get]' }), 'message `to` field does not specify a valid route'],
    ['message', message({ fwd: 'hello' }), 'route field has invalid number of routable segments'],
    ['message', message({ fwd: 'hello:[get/x' }), 'route field has ill-formed HTTP method verb in segment'],
    ['message', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, /deep/],
    ['send', message({ to: 'hello' }), /segments/],
    ['send', message({ to: 7 }), /"to"/],
    ['queue', message({ to: '__proto__:/' }), /can't be used/],
    ['queue', message({ to: 'client:/' }), /belongs to the gateway/],
    ['stream/a%20b', message({}), /stream/],
  ]
  for (const [path, body, reason] of cases) {
    const response = await post(path, body)
    const answer = (await response.json()) as any
    assert.equal(response.status, 400, JSON.stringify(body).slice(0, 80))
    assert.equal(answer.statusMessage, 'Bad Request')
    if (typeof reason === 'string') assert.equal(answer.result.reason, reason)
    else assert.match(answer.result.reason, reason)
  }
  const broken = await get('/v1/router/send', { method: 'POST', body: Buffer.from([0x7b, 0xff, 0x7d]) })
  assert.equal(broken.status, 400)
  assert.match(((await broken.json()) as any).result.reason, /UTF-8/)
  assert.equal((await get('/v1/router/message')).status, 400)
  assert.equal(given.length + network.queued.length + network.streamed.length, 0)
  assert.equal((await get('/v1/router/version')).status, 200)
})

test('a message that is too large is refused before it is read', async (t) => {
  const { post, get, given } = await startApi(t, { maxBytes: 1024 })
  assert.equal((await post('send', message({ bdy: { text: 'x'.repeat(2000) } }))).status, 413)
  const chunked = await get('/v1/router/send', {
    method: 'POST',
    duplex: 'half',
    body: new ReadableStream({
      start(controller) {
        for (let i = 0; i < 40; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(100)))
        controller.close()
      },
    }),
  } as RequestInit)
  assert.equal(chunked.status, 413)
  assert.equal(((await chunked.json()) as any).statusMessage, 'Request Entity Too Large')
  assert.equal(given.length, 0)
})

test('send is answered with the id whether somebody is there or not, at once when nobody says anything', async (t) => {
  const { post, answers } = await startApi(
    t,
    { sendWaitMs: 50 },
    {
      messenger: {
        send: (sent) =>
          sent.to === 'slow:/'
            ? new Promise(() => {})
            : Promise.resolve(answers.sent ?? { ok: true, when: 'now', mid: sent.mid }),
        call: () => Promise.reject(new Error('no')),
      },
    },
  )
  const reason = 'No hello instances available'
  for (const sent of [undefined, { ok: false, fault: 'no-instance', reason, mid: MID }] as const) {
    answers.sent = sent
    const response = await post('send', message({}))
    assert.equal(response.status, 200)
    assert.deepEqual(((await response.json()) as any).result, { mid: MID })
  }
  assert.equal((await post('send', message({ to: 'slow:/' }))).status, 200)
  answers.sent = { ok: false, fault: 'not-allowed', reason: 'not for you', mid: MID }
  const refused = await post('send', message({}))
  assert.equal(refused.status, 403)
  assert.equal(((await refused.json()) as any).result.reason, 'not for you')
})

test('why a call failed is said in words of the original, or in ours', async (t) => {
  const { post, answers, get } = await startApi(t)
  for (const [fault, status] of [
    ['no-instance', 503],
    ['unknown-service', 503],
    ['timeout', 504],
    ['login', 401],
    ['not-allowed', 403],
    ['throttled', 429],
    ['schema', 400],
  ] as const) {
    answers.called = new MessageProblem(fault, 'Unavailable hello instances')
    const response = await post('message', message({ fwd: 'hello:[get]/x' }))
    assert.equal(response.status, status, fault)
    const body = (await response.json()) as any
    assert.equal(body.statusCode, status)
    assert.deepEqual(body.result, { reason: 'Unavailable hello instances' })
  }
  const { result } = (await (await get('/v1/router/log')).json()) as any
  assert.equal(result.logs[0].type, 'error')
})

test('queue and stream put messages into Redis, and say so when there is none', async (t) => {
  const { post, network } = await startApi(t)
  const queued = await post('queue', message({}))
  assert.deepEqual(((await queued.json()) as any).result, { mid: MID })
  assert.equal(network.queued[0]!.service, 'hello')
  const streamed = await post('stream/my.js', message({}))
  assert.deepEqual(((await streamed.json()) as any).result, { id: '1700000000000-0' })
  assert.equal(network.streamed[0]!.stream, 'my.js')
  assert.equal((await post('stream', message({}))).status, 404)
  assert.equal((await post('stream/', message({}))).status, 404)
  assert.equal((await post('queue/x', message({}))).status, 404)
  network.isReachable = false
  const without = await startApi(t, {}, { withoutRedis: true })
  for (const put of [post, without.post]) {
    for (const path of ['queue', 'stream/x']) {
      const response = await put(path, message({}))
      assert.equal(response.status, 503)
      assert.match(((await response.json()) as any).result.reason, /Redis/)
    }
  }
})

test('a page of another site can send, but in nobody’s name', async (t) => {
  const caller = { sid: 's' } as any
  const { post, given, url } = await startApi(
    t,
    { publicUrl: 'https://shop.example' },
    {
      identify: (exchange) => void (exchange.caller = caller),
    },
  )
  await post('send', message({}))
  await post('send', message({}), { origin: url })
  await post('send', message({}), { origin: 'https://shop.example' })
  await post('send', message({}), { origin: 'https://evil.example' })
  await post('send', message({}), { origin: 'null' })
  await post('send', message({}), { origin: url, 'sec-fetch-site': 'same-site' })
  assert.deepEqual(
    given.map(({ sender }) => sender.kind === 'door' && sender.caller),
    [caller, caller, caller, undefined, undefined, undefined],
  )
})

test('queues of services nobody knows, and streams, are made up to a bound; what is there already takes more', async (t) => {
  const { post, network } = await startApi(t, { maxUnknownQueues: 3, maxStreams: 2 })
  const codes = async (kind: string, names: readonly string[]): Promise<number[]> => {
    const statuses: number[] = []
    for (const name of names) {
      const path = kind === 'queue' ? 'queue' : `stream/${name}`
      statuses.push((await post(path, message({ to: `${kind === 'queue' ? name : 'hello'}:/` }))).status)
    }
    return statuses
  }
  assert.deepEqual(await codes('queue', ['a1', 'a2', 'a3', 'a4', 'a1']), [200, 200, 200, 503, 200])
  assert.deepEqual(await codes('stream', ['s1', 's2', 's3', 's2']), [200, 200, 503, 200])
  assert.equal(network.queued.length + network.streamed.length, 7)
  // from before this node was started, whoever came first since then
  network.streamed.push({ ...network.streamed[0]!, stream: 'before' })
  assert.deepEqual(await codes('stream', ['before', 's3']), [200, 503])
  network.routes.set('hello', [])
  assert.deepEqual(await codes('queue', ['hello', 'hello']), [200, 200])
})
