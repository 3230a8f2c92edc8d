import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { RENDERED_FRAGMENTS_MIME } from '@hydra-gateway/protocol'
import type { ProxySettings } from '../proxy/settings.ts'
import { deadPort, httpService, until } from '../proxy/testing/raw.ts'
import { instanceAt } from '../proxy/testing/rig.ts'
import type { Instance } from '../routing/upstream.ts'
import { createHttpRenderer } from './http-renderer.ts'
import type { RenderFailure } from './port.ts'
import { type Got, item, ok, openRequests, rawService, request, type Told, told } from './testing/renders.ts'

const FRAGMENT = { id: 'f1', renderedHTML: '<b>käse</b>' }

async function open(
  t: TestContext,
  answer: (got: Got) => void,
  { settings, ...fields }: Partial<Instance> & { settings?: Partial<ProxySettings> } = {},
) {
  const service = await rawService(t, answer)
  const engine = openRequests(t, { connectTimeoutMs: 400, ...settings })
  const renderer = createHttpRenderer({ requests: engine.requests, keys: { publicKey: 'pub' } })
  const instance = instanceAt(service.port, { isOurs: true, ...fields })
  const ask = (more = {}, timeoutMs = 5000): Told & { cancel: () => void } => {
    const receiver = told('exchange-1')
    const cancel = renderer.render(instance, request(more), timeoutMs, receiver)
    return Object.assign(receiver, { cancel })
  }
  const vital = () => engine.vitals.of(instance.id)
  return { service, ...engine, renderer, instance, ask, vital }
}

test('an instance of ours is asked with everything, in one piece', async (t) => {
  let got: Got | undefined
  const { ask, instance } = await open(t, (each) => {
    got = each
    each.end.send(ok({ fragments: [FRAGMENT], session: { n: 1 } }))
  })
  const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`
  const body = { session: { n: 0 }, context: { depth: 3, traceparent, token: 't' }, maxBytes: 1000 }
  const answer = ask(body)
  assert.equal(await answer.ended(), undefined)
  assert.deepEqual(answer.fragments, [FRAGMENT])
  assert.deepEqual(answer.sessions, [{ n: 1 }])
  const sent = JSON.stringify(request(body))
  assert.equal(got?.body, sent)
  assert.deepEqual(got.head.trimEnd().split('\r\n'), [
    'POST /h/fragment/pub/requestFragment HTTP/1.1',
    `Host: 127.0.0.1:${instance.address.port}`,
    'Content-Type: application/json',
    `Accept: ${RENDERED_FRAGMENTS_MIME}`,
    'Accept-Encoding: identity',
    `Content-Length: ${sent.length}`,
    'hydra-depth: 3',
    `traceparent: ${traceparent}`,
    'X-Request-Id: exchange-1',
  ])
})

test('a Medusa application gets its protocol and nothing of ours', async (t) => {
  let got: Got | undefined
  const { ask } = await open(
    t,
    (each) => {
      got = each
      each.end.send(ok([FRAGMENT]))
    },
    { isOurs: false, hostHeader: 'two.test' },
  )
  const answer = ask({
    attributes: { a: 1 },
    requests: [item('f1', { values: { secret: 1 }, fallback: 'ä' })],
    session: 'secret',
    context: { token: 'secret', route: 'secret' },
  })
  assert.equal(await answer.ended(), undefined)
  assert.deepEqual(answer.fragments, [FRAGMENT])
  assert.deepEqual(answer.sessions, [])
  assert.match(got!.head, /\r\nHost: two\.test\r\n/)
  assert.match(got!.head, /\r\nAccept: application\/json\r\n/)
  assert.deepEqual(JSON.parse(got!.body), {
    attributes: { a: 1 },
    requests: [{ id: 'f1', service: 'shop', ref: 'cart', fallback: 'ä', imports: [], exports: [] }],
  })
})

test('what callers made up as trace, depth or id becomes no line of the request', async (t) => {
  let head = ''
  const { renderer, instance } = await open(t, (got) => {
    head = got.head
    got.end.send(ok([]))
  })
  const receiver = told('id\r\nHydra-Path: evil')
  const context = { depth: -1, traceparent: '00-x\r\nCookie: a=b' }
  renderer.render(instance, request({ context }), 5000, receiver)
  assert.equal(await receiver.ended(), undefined)
  assert.doesNotMatch(head, /evil|cookie|hydra-depth|traceparent|x-request-id/i)
})

test('a large request arrives whole', async (t) => {
  let body = ''
  const { ask } = await open(t, (got) => {
    body = got.body
    got.end.send(ok([]))
  })
  const attributes = { text: 'ä€'.repeat(300_000) }
  assert.equal(await ask({ attributes }).ended(), undefined)
  assert.deepEqual(JSON.parse(body).attributes, attributes)
})

const json = JSON.stringify({ fragments: [FRAGMENT] })
const bytes = Buffer.from(json).toString('latin1')
const chunks = (text: string): string =>
  `${Array.from(text, (letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`

const good: Record<string, string> = {
  'with its length': ok(json),
  'in chunks': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks(bytes)}`,
  'until the connection ends': `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${bytes}`,
  'after an interim answer': `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok(json)}`,
  'with a byte order mark': ok(`\uFEFF${json}`),
  'that says it is not encoded': ok(json, 'Content-Encoding: identity\r\n'),
}

for (const [how, answer] of Object.entries(good)) {
  test(`an answer ${how} is understood, in one piece and byte by byte`, async (t) => {
    const { ask, vital } = await open(t, async ({ end, index }) => {
      if (index === 0) end.send(answer)
      else {
        for (const byte of answer) {
          end.send(byte)
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      if (how.startsWith('until')) end.socket.end()
    })
    for (let i = 0; i < 2; i++) {
      const got = ask()
      assert.equal(await got.ended(), undefined)
      assert.deepEqual(got.fragments, [FRAGMENT])
    }
    assert.equal(vital().inFlight, 0)
    assert.equal(vital().requests, 2)
  })
}

test('an answer of a megabyte in many pieces is put together', async (t) => {
  const renderedHTML = 'ü€𝄞"\n'.repeat(100_000)
  const { ask } = await open(t, ({ end }) => end.send(ok([{ id: 'f1', renderedHTML }])))
  const got = ask()
  assert.equal(await got.ended(), undefined)
  assert.equal(got.fragments[0]?.renderedHTML, renderedHTML)
})

test('a refusal is told as one, and its connection serves the next call', async (t) => {
  const statuses = [500, 403, 404, 204, 302]
  const { ask, service, vital } = await open(t, ({ end, index }) => {
    const status = statuses[index]
    const length = status === 204 ? '' : 'Content-Length: 2\r\n'
    end.send(`HTTP/1.1 ${status} X\r\n${length}\r\n${status === 204 ? '' : '[]'}`)
  })
  for (const status of statuses) {
    assert.deepEqual(await ask().ended(), {
      reason: 'failed',
      nothingSent: false,
      isRefusal: true,
      detail: `answered ${status}`,
    })
  }
  assert.equal(service.ends.length, 1)
  assert.equal(vital().inFlight, 0)
  assert.equal(vital().resting, false)
})

const bad: Record<string, [answer: string | Buffer, reason: RenderFailure['reason'], detail: RegExp]> = {
  'that is no HTTP': ['SSH-2.0-OpenSSH\r\n\r\n', 'unreadable', /./],
  'with more than it announced': [`${ok('[]')}<p>`, 'unreadable', /surplus/],
  'with two lengths': [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n[]',
    'unreadable',
    /./,
  ],
  'with broken chunks': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 'unreadable', /./],
  'that is no JSON': [ok('<html>sign in</html>'), 'unreadable', /not JSON/],
  'that is empty': [ok(''), 'unreadable', /not JSON/],
  'that is no list': [ok('{"html":"x"}'), 'unreadable', /neither/],
  'that is null': [ok('null'), 'unreadable', /neither/],
  'that hides a list in a prototype': [ok('{"__proto__":{"fragments":[]}}'), 'unreadable', /neither/],
  'nested a million deep': [ok('['.repeat(1_000_000)), 'unreadable', /too deep/],
  'that is gzip': [
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${gzipSync(json).length}\r\n\r\n`,
      ),
      gzipSync(json),
    ]),
    'unreadable',
    /encoded/,
  ],
  'that is not UTF-8': [
    'HTTP/1.1 200 OK\r\nContent-Length: 37\r\n\r\n[{"id":"f1","renderedHTML":"\xff\xfe</b>"}]',
    'unreadable',
    /UTF-8/,
  ],
  'that announces 64 MB': [
    `HTTP/1.1 200 OK\r\nContent-Length: ${64 * 2 ** 20}\r\n\r\n[`,
    'too-large',
    /more than/,
  ],
  'with an endless train of interim answers': [
    'HTTP/1.1 100 Continue\r\n\r\n'.repeat(200),
    'unreadable',
    /too-many-interim/,
  ],
  'that ends in its head': ['HTTP/1.1 200 OK\r\nContent-', 'closed', /reset/],
  'that ends in the middle': ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"id":', 'closed', /reset/],
  'that ends in a chunk': [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n[{"i',
    'closed',
    /reset/,
  ],
}

for (const [how, [answer, reason, detail]] of Object.entries(bad)) {
  test(`an answer ${how} costs its call only`, async (t) => {
    const { ask, vital } = await open(t, ({ end, index }) => {
      if (index > 0) return end.send(ok(json))
      end.socket.write(answer as string, 'latin1')
      if (reason === 'closed') end.socket.end()
    })
    const failure = await ask().ended()
    assert.equal(failure?.reason, reason)
    assert.match(failure.detail, detail)
    assert.deepEqual([failure.nothingSent, failure.isRefusal], [false, false])
    const next = ask()
    assert.equal(await next.ended(), undefined)
    assert.deepEqual(next.fragments, [FRAGMENT])
    assert.equal(vital().inFlight, 0)
  })
}

test('64 MB that nobody announced are not read to their end, and not kept', async (t) => {
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  const { ask, service } = await open(t, ({ end }) => {
    end.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    let left = 1024
    const more = (): void => {
      while (left-- > 0 && !end.isClosed)
        if (!end.socket.write(chunk)) return void end.socket.once('drain', more)
    }
    more()
  })
  const failure = await ask({ maxBytes: 100_000 }).ended()
  assert.equal(failure?.reason, 'too-large')
  await service.ends[0]!.closed()
})

test('one fragment that is not as agreed costs only itself', async (t) => {
  const entries = [
    FRAGMENT,
    { id: 'f2', renderedHTML: 7 },
    'text',
    null,
    { renderedHTML: 'without an id' },
    { id: 'f3', renderedHTML: null, exports: null, assets: null, service: 'evil', report: { id: 1 } },
    { id: 'f4', renderedHTML: '', exports: [] },
    { id: 'f5', renderedHTML: '', assets: { scripts: [1] } },
    { id: 'f6', renderedHTML: '', exports: { n: 1 }, assets: { styles: ['a.css'], other: 1 } },
  ]
  const hostile = '{"id":"f7","renderedHTML":"","exports":{"__proto__":{"a":1}}}'
  const { ask } = await open(t, ({ end }) =>
    end.send(ok(`[${entries.map((each) => JSON.stringify(each)).join()},${hostile}]`)),
  )
  const got = ask()
  const failure = await got.ended()
  assert.deepEqual([failure?.reason, failure?.detail], ['unreadable', '7 of 10 fragments are not as agreed'])
  assert.deepEqual(got.fragments, [
    FRAGMENT,
    { id: 'f3', renderedHTML: null },
    { id: 'f6', renderedHTML: '', exports: { n: 1 }, assets: { styles: ['a.css'] } },
  ])
})

test('a service that never answers ends in time, not before, and sees that nobody waits', async (t) => {
  const { ask, service, vital } = await open(t, () => {})
  const from = performance.now()
  const failure = await ask({}, 200).ended()
  assert.ok(performance.now() - from >= 200)
  assert.deepEqual([failure?.reason, failure?.nothingSent], ['timeout', false])
  await service.ends[0]!.closed()
  assert.equal(vital().inFlight, 0)
})

test('a kept connection that died is replaced once, as nothing of the answer had come', async (t) => {
  const { ask, service, metrics } = await open(t, ({ end, index }) => {
    if (index === 1) end.socket.destroy()
    else end.send(ok(json))
  })
  assert.equal(await ask().ended(), undefined)
  const got = ask()
  assert.equal(await got.ended(), undefined)
  assert.deepEqual(got.fragments, [FRAGMENT])
  assert.equal(service.count(), 3)
  assert.equal(service.ends.length, 2)
  assert.match((await metrics.text()).body, /hydra_retries_total\{service="shop"\} 1/)
})

test('a fresh connection that dies, or one that began to answer, is not asked twice', async (t) => {
  const { ask, service } = await open(t, ({ end, index }) => {
    if (index === 0) return void end.socket.destroy()
    if (index === 1) return end.send(ok(json))
    end.send('HTTP/1.1 2')
    end.socket.end()
  })
  assert.equal((await ask().ended())?.reason, 'closed')
  assert.equal(await ask().ended(), undefined)
  const failure = await ask().ended()
  assert.deepEqual([failure?.reason, failure?.nothingSent], ['closed', false])
  assert.equal(service.count(), 3)
})

test('a call that is given up is seen by the service, and nothing is told any more', async (t) => {
  const { ask, service, vital } = await open(t, ({ end }) =>
    end.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n['),
  )
  const got = ask()
  await until('the request', () => service.count() === 1)
  got.cancel()
  await service.ends[0]!.closed()
  got.cancel()
  assert.deepEqual([got.isEnded, got.fragments, vital().inFlight], [false, [], 0])
})

test('who gives up at the first fragment is not told of the second, and the connection is kept', async (t) => {
  const { ask, service } = await open(t, ({ end }) =>
    end.send(ok({ fragments: [FRAGMENT, { ...FRAGMENT, id: 'f2' }], session: 1 })),
  )
  for (let i = 0; i < 3; i++) {
    const got = ask()
    got.onEach = () => got.cancel()
    await until('a fragment', () => got.fragments.length === 1)
    assert.deepEqual([got.isEnded, got.fragments.length], [false, 1])
  }
  assert.equal(service.ends.length, 1)
})

test('nobody at the address: another instance may be asked, and this one rests', async (t) => {
  const { requests, vitals } = openRequests(t)
  const renderer = createHttpRenderer({ requests, keys: { publicKey: 'pub' } })
  const instance = instanceAt(await deadPort())
  const receiver = told()
  renderer.render(instance, request(), 5000, receiver)
  const failure = await receiver.ended()
  assert.deepEqual([failure?.reason, failure?.nothingSent, failure?.detail], ['closed', true, 'refused'])
  assert.equal(vitals.of(instance.id).resting, true)
  assert.equal(vitals.of(instance.id).inFlight, 0)
})

test('a thousand calls at once share the connections of an instance, and one too many is told at once', async (t) => {
  let connected = 0
  let most = 0
  const { port, server } = await httpService(t, (message, response) => {
    let body = ''
    message.on('data', (chunk) => {
      body += chunk
    })
    message.on('end', () => {
      const [first] = JSON.parse(body).requests
      response.end(JSON.stringify([{ id: first.id, renderedHTML: first.id }]))
    })
  })
  server.on('connection', (socket) => {
    most = Math.max(most, ++connected)
    socket.on('close', () => connected--)
  })
  const { requests, vitals } = openRequests(t, { maxConnectionsPerInstance: 8, maxQueuedPerInstance: 992 })
  const renderer = createHttpRenderer({ requests, keys: { publicKey: 'pub' } })
  const instance = instanceAt(port)
  const calls = Array.from({ length: 1000 }, (_, n) => {
    const receiver = told()
    renderer.render(instance, request({ requests: [item(`n${n}`)] }), 20_000, receiver)
    return receiver
  })
  const late = told()
  renderer.render(instance, request(), 5000, late)
  assert.deepEqual([late.failure?.reason, late.failure?.nothingSent], ['overloaded', true])
  for (const [n, each] of calls.entries()) {
    assert.equal(await each.ended(), undefined)
    assert.equal(each.fragments[0]?.renderedHTML, `n${n}`)
  }
  assert.ok(most <= 8)
  assert.equal(vitals.of(instance.id).inFlight, 0)
})

test('who waits for a connection for too long is told that nothing was sent, and leaves the line', async (t) => {
  const { ask, service, vital } = await open(t, () => {}, { settings: { maxConnectionsPerInstance: 1 } })
  const first = ask()
  await until('the first', () => service.count() === 1)
  const failure = await ask({}, 50).ended()
  assert.deepEqual([failure?.reason, failure?.nothingSent], ['overloaded', true])
  const third = ask()
  third.cancel()
  first.cancel()
  assert.equal(vital().inFlight, 0)
  assert.equal(service.count(), 1)
})
