/** Services with a channel ask for fragments of each other (`medusa.md` 7.3). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RESOLVED_FRAGMENTS_MIME } from '@hydra-gateway/protocol'
import { ROUTES } from '@hydra-gateway/protocol/rsocket'
import { eventually } from '../../support/eventually.ts'
import { startGateway } from '../../support/gateway.ts'
import { bodyOf, openService } from './channel-service.ts'

const config = { rsocketPort: 0 }

test('a stream brings each fragment when it is there, with exports and sessions, and ends when all are', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  const orders = await openService(t, gateway, 'orders')
  const geo = await openService(t, gateway, 'geo')
  const items: any[] = []
  let hasEnded = false
  shop.peer.stream(
    ROUTES.fragments,
    bodyOf(
      {
        slow: 'orders#a',
        fast: { key: 'orders#b', exports: ['zip', 'total as sum'] },
        next: { key: 'geo#a', imports: ['zip as code', 'locale'] },
      },
      {
        attributes: { locale: 'nl', secret: 1 },
        session: { orders: { n: 1 }, other: 'x' },
        context: { token: 'jwt' },
      },
    ),
    { demand: 10, onItem: (item) => items.push(item), onEnd: (error) => (hasEnded = error === undefined) },
  )
  await eventually(() => assert.equal(orders.calls.length, 1))
  const [call] = orders.calls
  assert.deepEqual(call?.data.session, { n: 1 })
  assert.deepEqual(call?.data.attributes, {})
  assert.deepEqual(call?.data.context, { token: 'jwt', depth: 1, chain: [] })
  call!.sink.next({
    fragments: [
      { id: call!.data.requests[1].id, renderedHTML: 'b', exports: { zip: '9000', total: 3, own: 1 } },
    ],
    session: { n: 2 },
  })
  await eventually(() => assert.equal(geo.calls.length, 1))
  assert.deepEqual(geo.calls[0]?.data.requests[0].values, { code: '9000', locale: 'nl' })
  assert.deepEqual(items, [
    {
      type: 'RESOLVED_FRAGMENT',
      fragments: [
        { id: 'fast', renderedHTML: 'b', exports: { zip: '9000', total: 3 }, service: 'orders', version: 0 },
      ],
      attributes: { zip: '9000', sum: 3 },
      sessions: { orders: { n: 2 } },
    },
  ])
  geo.calls[0]!.send('a', null)
  geo.calls[0]!.sink.end()
  await eventually(() => assert.equal(items.length, 2))
  assert.deepEqual(items[1]!.fragments, [{ id: 'next', renderedHTML: null, reason: 'declined' }])
  assert.deepEqual(items[1]!.sessions, {}, 'only what is new')
  assert.equal(hasEnded, false)
  call!.send('a', 'a')
  call!.sink.end()
  await eventually(() => assert.ok(hasEnded))
  assert.equal(items[2]!.fragments[0]?.renderedHTML, 'a')
})

test('items wait for demand and come together then', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  const orders = await openService(t, gateway, 'orders')
  const items: any[] = []
  let hasEnded = false
  const source = shop.peer.stream(
    ROUTES.fragments,
    bodyOf({ '1': 'orders#a', '2': 'orders#b', '3': 'orders#c' }),
    {
      demand: 1,
      onItem: (item) => items.push(item),
      onEnd: () => (hasEnded = true),
    },
  )
  await eventually(() => assert.equal(orders.calls.length, 1))
  const [call] = orders.calls
  call!.send('a', 'a')
  await eventually(() => assert.equal(items.length, 1))
  call!.send('b', 'b')
  call!.send('c', 'c')
  call!.sink.end()
  // What the gateway has settled it counts.
  await eventually(async () => {
    const text = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
    assert.match(text, /hydra_fragments_total\{service="orders",outcome="rendered"\} 3/)
  })
  assert.equal(items.length, 1)
  assert.equal(hasEnded, false)
  source.request(5)
  await eventually(() => assert.ok(hasEnded))
  assert.deepEqual(
    items.map(({ fragments }) => fragments.map(({ id }: any) => id)),
    [['1'], ['2', '3']],
  )
})

test('one answer has everything, when it is asked for that way', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  await openService(t, gateway, 'orders', {
    onCall(call) {
      call.send('a', 'a', { exports: { x: 1 } })
      call.sink.end()
    },
  })
  const answer: any = await shop.peer.request(
    ROUTES.fragments,
    bodyOf({ '1': { key: 'orders#a', exports: ['x'] }, '2': 'nobody#a' }),
    3000,
  )
  assert.deepEqual(answer, {
    type: 'RESOLVED_FRAGMENT',
    fragments: [
      { id: '2', renderedHTML: null, reason: 'unknown-service' },
      { id: '1', renderedHTML: 'a', exports: { x: 1 }, service: 'orders', version: 0 },
    ],
    attributes: { x: 1 },
    sessions: {},
  })
})

test('cancelling the stream, or losing the channel, cancels the calls of the page', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  const orders = await openService(t, gateway, 'orders')
  const source = shop.peer.stream(ROUTES.fragments, bodyOf({ '1': 'orders#a' }), { onItem() {}, onEnd() {} })
  await eventually(() => assert.equal(orders.calls.length, 1))
  source.cancel()
  await eventually(() => assert.ok(orders.calls[0]?.isCancelled))

  shop.peer.stream(ROUTES.fragments, bodyOf({ '1': 'orders#a' }), { onItem() {}, onEnd() {} })
  shop.peer.request(ROUTES.fragments, bodyOf({ '1': 'orders#b' }), 5000).catch(() => {})
  await eventually(() => assert.equal(orders.calls.length, 3))
  shop.cut()
  await eventually(() => assert.ok(orders.calls.every(({ isCancelled }) => isCancelled)))
})

test('a service that dies in the middle costs what it had not sent', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  const orders = await openService(t, gateway, 'orders', {
    onCall(call) {
      call.send('a', 'a')
      setImmediate(() => orders.cut())
    },
  })
  const { fragments }: any = await shop.peer.request(
    ROUTES.fragments,
    bodyOf({ '1': 'orders#a', '2': 'orders#b' }),
    3000,
  )
  assert.deepEqual(
    fragments.map(({ id, renderedHTML, reason }: any) => [id, renderedHTML, reason]),
    [
      ['1', 'a', undefined],
      ['2', null, 'closed'],
    ],
  )
})

test('what can not be read is refused with what is wrong, and the channel goes on', async (t) => {
  const gateway = await startGateway(t, { ...config, fragments: { maxCallBytes: 2048 } })
  const shop = await openService(t, gateway, 'shop')
  const ask = (body: unknown) => shop.peer.request(ROUTES.fragments, body, 2000)
  await assert.rejects(ask({ requests: { orders: [{ ref: 'a' }] } }), /requests\.orders\.0\.id/)
  await assert.rejects(ask(bodyOf({ '1': { key: 'orders#a', imports: ['a as'] } })), /imports of a/)
  await assert.rejects(
    ask(bodyOf({ '1': 'orders#a' }, { attributes: { long: 'x'.repeat(4000) } })),
    /too many/,
  )
  const answer: any = await ask(bodyOf({}))
  assert.deepEqual(answer.fragments, [])
})

test('over HTTP an SDK gets the same object, and is known by its media type', async (t) => {
  const gateway = await startGateway(t, config)
  const orders = await openService(t, gateway, 'orders', {
    onCall(call) {
      call.send('a', 'a', { exports: { x: 1 } })
      call.sink.end()
    },
  })
  const response = await fetch(`${gateway.discovery}/requestFragment`, {
    method: 'POST',
    headers: { accept: RESOLVED_FRAGMENTS_MIME, 'content-type': 'application/json', 'hydra-depth': '3' },
    body: JSON.stringify(
      bodyOf({ '1': { key: 'orders#a', exports: ['x as y'] } }, { context: { chain: ['shop#p'] } }),
    ),
  })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), RESOLVED_FRAGMENTS_MIME)
  const answer: any = await response.json()
  assert.deepEqual(answer.attributes, { y: 1 })
  assert.equal(answer.fragments[0].renderedHTML, 'a')
  assert.deepEqual(orders.calls[0]?.data.context, { depth: 4, chain: ['shop#p'] })

  const tooDeep = await fetch(`${gateway.discovery}/requestFragment`, {
    method: 'POST',
    headers: { accept: RESOLVED_FRAGMENTS_MIME, 'hydra-depth': '16' },
    body: JSON.stringify(bodyOf({ '1': 'orders#a' })),
  })
  assert.deepEqual(((await tooDeep.json()) as any).fragments, [
    { id: '1', renderedHTML: null, reason: 'depth' },
  ])
})

test('fragments of two services that hold each other end where the circle closes', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  const other = (service: string, ref: string) => ({
    onCall(call: any) {
      call.send('a', `(<m:fragment service="${service}" ref="${ref}">end</m:fragment>)`)
      call.sink.end()
    },
  })
  await openService(t, gateway, 'ping', other('pong', 'a'))
  await openService(t, gateway, 'pong', other('ping', 'a'))
  const { fragments }: any = await shop.peer.request(ROUTES.fragments, bodyOf({ '1': 'ping#a' }), 3000)
  assert.equal(fragments[0].renderedHTML, '((end))')
})

test('nobody gets a report by asking for it: that takes a signed context', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  const { fragments }: any = await shop.peer.request(
    ROUTES.fragments,
    bodyOf({ '1': 'nobody#a' }, { context: { xray: true, route: 'v1.made.up.x' } }),
    3000,
  )
  assert.equal(fragments[0].report, undefined)
})

test('a page may ask for a thousand fragments, and each is answered', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  const orders = await openService(t, gateway, 'orders', {
    refs: Array.from({ length: 1001 }, (_, n) => `r${n}`),
    onCall(call) {
      for (const { ref } of call.data.requests) call.send(ref, ref)
      call.sink.end()
    },
  })
  const wanted = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`i${n}`, `orders#r${n}`]))
  const { fragments }: any = await shop.peer.request(ROUTES.fragments, bodyOf(wanted), 5000)
  assert.equal(fragments.length, 1001)
  assert.equal(fragments.filter(({ renderedHTML }: any) => renderedHTML !== null).length, 1000)
  assert.equal(orders.calls.length, 1)
})

test('a page of more than a frame can carry comes in several items; one answer leaves out the largest', async (t) => {
  const gateway = await startGateway(t, { ...config, fragments: { maxPageBytes: '64MiB' } })
  const shop = await openService(t, gateway, 'shop')
  const refs = Array.from({ length: 18 }, (_, n) => `r${n}`)
  await openService(t, gateway, 'orders', {
    refs,
    onCall(call) {
      for (const { ref } of call.data.requests) call.send(ref, 'x'.repeat(ref === 'r0' ? 500_000 : 1_000_000))
      call.sink.end()
    },
  })
  const wanted = Object.fromEntries(refs.map((ref) => [ref, `orders#${ref}`]))
  const items: any[] = []
  let hasEnded = false
  shop.peer.stream(ROUTES.fragments, bodyOf(wanted), {
    demand: 100,
    onItem: (item) => items.push(item),
    onEnd: (error) => (hasEnded = error === undefined),
  })
  await eventually(() => assert.ok(hasEnded))
  const sent = items.flatMap(({ fragments }) => fragments)
  assert.equal(sent.length, 18)
  assert.ok(sent.every(({ renderedHTML }) => renderedHTML !== null))

  const { fragments }: any = await shop.peer.request(ROUTES.fragments, bodyOf(wanted), 5000)
  const left = fragments.filter(({ renderedHTML }: any) => renderedHTML === null)
  assert.equal(fragments.length, 18)
  assert.ok(left.length >= 1 && left.length <= 3, `${left.length} were left out`)
  assert.ok(left.every(({ id, reason }: any) => id !== 'r0' && reason === 'too-large'))
  const metrics = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  assert.ok(metrics.includes(`hydra_fragment_dropped_total{what="answer-too-large"} ${left.length}`), metrics)
})

test('what fragments export goes into as many items as it needs', async (t) => {
  const gateway = await startGateway(t, config)
  const shop = await openService(t, gateway, 'shop')
  const refs = Array.from({ length: 12 }, (_, n) => `r${n}`)
  await openService(t, gateway, 'orders', {
    refs,
    onCall(call) {
      for (const { ref } of call.data.requests) call.send(ref, ref, { exports: { x: 'x'.repeat(900_000) } })
      call.sink.end()
    },
  })
  const requests = { orders: refs.map((ref) => ({ id: ref, ref, exports: [`x as ${ref}`] })) }
  const items: any[] = []
  const ends: unknown[] = []
  const source = shop.peer.stream(
    ROUTES.fragments,
    { requests },
    { demand: 1, onItem: (item) => items.push(item), onEnd: (error) => ends.push(error) },
  )
  await eventually(async () => {
    const metrics = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
    assert.match(metrics, /hydra_fragments_total\{[^}]*outcome="rendered"[^}]*\} 12$/m)
  })
  source.request(100)
  await eventually(() => assert.deepEqual(ends, [undefined]))
  const shown = items.flatMap(({ fragments }) => fragments.map(({ renderedHTML }: any) => renderedHTML))
  assert.deepEqual(shown.sort(), [...refs].sort())
  assert.deepEqual(items.flatMap(({ attributes }) => Object.keys(attributes)).sort(), [...refs].sort())
})
