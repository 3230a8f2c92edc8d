/** Pages of Medusa applications get fragments of other services (`medusa.md` 1.3, 2.1). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { startGateway } from '../../support/gateway.ts'
import { medusaClient } from '../../support/medusa-client.ts'
import { answer, askAsMedusa, byRef, requestOf, startFragments } from './services.ts'

test('a page gets each fragment from its service, with all its attributes, in one call for each service', async (t) => {
  const gateway = await startGateway(t)
  const two = await startFragments(t, gateway, 'two', byRef({ a: '<b>a $& $1</b>', b: 'b' }))
  const three = await startFragments(t, gateway, 'three', byRef({ c: 'c€' }))
  const { html } = await askAsMedusa(
    t,
    gateway,
    { '1': 'two#a', '2': 'two#b', '3': 'three#c' },
    { message: 'Hello', items: [1, 2], when: [2026, 11] },
  )
  assert.deepEqual(html, { '1': '<b>a $& $1</b>', '2': 'b', '3': 'c€' })
  assert.equal(two.asked.length, 1)
  assert.equal(three.asked.length, 1)
  assert.deepEqual(two.asked[0]?.attributes, { message: 'Hello', items: [1, 2], when: [2026, 11] })
  assert.deepEqual(two.asked[0]?.requests[0], {
    id: '1',
    service: 'two',
    ref: 'a',
    fallback: '<p>down</p>',
    imports: [],
    exports: [],
  })
})

test('what nobody can render is null: unknown services and fragments, and services that are down', async (t) => {
  const gateway = await startGateway(t)
  const two = await startFragments(t, gateway, 'two', byRef({ a: 'a' }))
  const gone = await startFragments(t, gateway, 'gone', byRef({ a: 'a' }))
  await gone.close()
  const { html } = await askAsMedusa(t, gateway, {
    '1': 'two#a',
    '2': 'two#nothing',
    '3': 'nobody#x',
    '4': 'gone#a',
  })
  assert.deepEqual(html, { '1': 'a', '2': null, '3': null, '4': null })
  // The batch failed as a whole, and one by one only what is not there.
  assert.deepEqual(
    two.asked.map(({ requests }) => requests.length),
    [2, 1, 1],
  )
  const text = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  assert.match(text, /hydra_fragments_total\{service="two",outcome="rendered"\} 1/)
  assert.match(text, /hydra_fragments_total\{service="-",outcome="unknown-service"\} 1/)
})

test('a slow service delays nobody else’s answer beyond the budget, and the page is answered before it gives up', async (t) => {
  const gateway = await startGateway(t)
  const slow = await startFragments(t, gateway, 'slow', () => {})
  await startFragments(t, gateway, 'two', byRef({ a: 'a' }))
  const { html, tookMs } = await askAsMedusa(t, gateway, { '1': 'slow#x', '2': 'two#a', '3': 'slow#y' })
  assert.deepEqual(html, { '1': null, '2': 'a', '3': null })
  assert.ok(tookMs < 2000, `took ${tookMs} ms`)
  await eventually(() => assert.equal(slow.closed(), 1, 'the service was told that nobody waits'))
})

test('answers that are huge, broken off, no JSON or no UTF-8 cost their own fragments only', async (t) => {
  const gateway = await startGateway(t)
  await startFragments(t, gateway, 'two', byRef({ a: 'a' }))
  const huge = await startFragments(t, gateway, 'huge', (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.on('error', () => {})
    const piece = Buffer.alloc(2 ** 16, 'x')
    let left = 1024
    const more = (): void => {
      while (left-- > 0) if (!response.write(piece)) return void response.once('drain', more)
      response.end()
    }
    response.write('[{"id":"1","renderedHTML":"')
    more()
  })
  await startFragments(t, gateway, 'closing', (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
    response.write('[{"id":"2","rendered')
    setImmediate(() => response.destroy())
  })
  await startFragments(t, gateway, 'text', (_, response) => answer(response, '<html>'))
  await startFragments(t, gateway, 'latin', (_, response) =>
    answer(
      response,
      Buffer.concat([Buffer.from('[{"id":"4","renderedHTML":"'), Buffer.from([0xe9]), Buffer.from('"}]')]),
    ),
  )
  await startFragments(t, gateway, 'wrong', (_, response) =>
    answer(response, '[{"id":"5","renderedHTML":5}]'),
  )
  await startFragments(t, gateway, 'odd', ({ requests }, response) =>
    answer(
      response,
      JSON.stringify([
        { id: 'nobody asked', renderedHTML: 'x' },
        { id: requests[0]?.id, renderedHTML: 'one ' },
        { id: requests[0]?.id, renderedHTML: 'two', more: true },
      ]),
    ),
  )
  await startFragments(t, gateway, 'empty', (_, response) => answer(response, '[]'))
  const before = process.memoryUsage().rss
  const { html } = await askAsMedusa(t, gateway, {
    '1': 'huge#x',
    '2': 'closing#x',
    '3': 'text#x',
    '4': 'latin#x',
    '5': 'wrong#x',
    '6': 'two#a',
    '7': 'odd#x',
    '8': 'empty#x',
  })
  assert.deepEqual(html, {
    '1': null,
    '2': null,
    '3': null,
    '4': null,
    '5': null,
    '6': 'a',
    '7': 'one two',
    '8': null,
  })
  await eventually(() => assert.equal(huge.closed(), 1, 'nobody reads 64 MB'))
  assert.ok(process.memoryUsage().rss - before < 48 * 2 ** 20, 'nor keeps them')
  const reasons = new Map(
    gateway.lines
      .filter(({ msg }) => msg === 'fallback shown')
      .map(({ service, reason }) => [service, reason]),
  )
  assert.deepEqual(Object.fromEntries(reasons), {
    huge: 'too-large',
    closing: 'closed',
    text: 'unreadable',
    latin: 'unreadable',
    wrong: 'unreadable',
    empty: 'declined',
  })
})

test('the answer stays below what the client can read: the largest fragments show their fallbacks', async (t) => {
  const gateway = await startGateway(t)
  await startFragments(
    t,
    gateway,
    'two',
    byRef({ large: '"'.repeat(100_000), small: 'x'.repeat(1000), medium: 'y'.repeat(100_000) }),
  )
  const { html, bytes } = await askAsMedusa(t, gateway, {
    '1': 'two#large',
    '2': 'two#small',
    '3': 'two#medium',
  })
  assert.equal(html['1'], null)
  assert.equal(html['2']?.length, 1000)
  assert.equal(html['3']?.length, 100_000)
  assert.ok(bytes < 262_144)
})

test('equal ids, which pages send for equal refs, get an entry each', async (t) => {
  const gateway = await startGateway(t)
  await startFragments(t, gateway, 'two', byRef({ counter: 'two' }))
  await startFragments(t, gateway, 'three', byRef({ counter: 'three' }))
  const item = (service: string) => ({ id: '$#FRGM-x', service, ref: 'counter', fallback: '' })
  const { body } = await medusaClient(t, gateway.discovery).post(
    '/requestFragment',
    'application/json',
    JSON.stringify({ attributes: {}, requests: { two: [item('two'), item('two')], three: [item('three')] } }),
  )
  const entries = JSON.parse(body) as { id: string; renderedHTML: string }[]
  assert.deepEqual(entries.map(({ renderedHTML }) => renderedHTML).sort(), ['three', 'two', 'two'])
  assert.ok(entries.every(({ id }) => id === '$#FRGM-x'))
})

test('who may not ask, and what can not be read, is told so; a page without fragments gets an empty list', async (t) => {
  const gateway = await startGateway(t, { fragments: { maxCallBytes: 2048 } })
  const client = medusaClient(t, gateway.discovery)
  const ask = (body: string | Buffer) => client.post('/requestFragment', 'application/json', body)
  for (const body of [
    '{}',
    '{"requests":{}}',
    '{"attributes":null,"requests":null}',
    '{"requests":{"two":[]}}',
  ]) {
    const { status, body: text, headers } = await ask(body)
    assert.deepEqual([status, text], [200, '[]'], body)
    assert.equal(headers['content-type'], 'application/json')
  }
  for (const body of [
    '',
    'nothing',
    '[]',
    '{"requests":[]}',
    '{"requests":{"two":[{"ref":"a"}]}}',
    '{"requests":{"two":"a"}}',
    Buffer.from([0x7b, 0xff, 0x7d]),
    '{"attributes":'.concat('['.repeat(200)),
  ])
    assert.equal((await ask(body)).status, 400, String(body))
  assert.equal((await ask(requestOf({ '1': 'two#a' }, { long: 'x'.repeat(4096) }))).status, 413)

  const stranger = medusaClient(t, `${gateway.url}/h/discovery/wrong`)
  const { status, body } = await stranger.post('/requestFragment', 'application/json', '{}')
  assert.deepEqual([status, body], [404, ''])
  const basic = await fetch(`${gateway.discovery}/requestFragment`, {
    method: 'POST',
    body: '{}',
    headers: { authorization: `Basic ${Buffer.from(`${gateway.publicKey}:wrong`).toString('base64')}` },
  })
  assert.equal(basic.status, 401)
})

test('a page that gives up cancels what was asked for it', async (t) => {
  const gateway = await startGateway(t)
  const slow = await startFragments(t, gateway, 'slow', () => {})
  const abort = new AbortController()
  const page = fetch(`${gateway.discovery}/requestFragment`, {
    method: 'POST',
    body: requestOf({ '1': 'slow#a' }),
    signal: abort.signal,
  })
  await eventually(() => assert.equal(slow.asked.length, 1))
  abort.abort()
  await assert.rejects(page)
  await eventually(() => assert.equal(slow.closed(), 1))
  const text = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  assert.match(text, /hydra_fragments_total\{service="slow",outcome="cancelled"\} 1/)
})

test('names that reach into objects are ordinary names', async (t) => {
  const gateway = await startGateway(t)
  const two = await startFragments(t, gateway, 'two', byRef({ constructor: 'c', a: 'a' }))
  const { body } = await medusaClient(t, gateway.discovery).post(
    '/requestFragment',
    'application/json',
    '{"attributes":{"__proto__":{"polluted":1},"constructor":2},"requests":{"__proto__":[],"constructor":[{"id":"1","ref":"x"}],"two":[{"id":"__proto__","ref":"constructor"}]}}',
  )
  assert.deepEqual(JSON.parse(body), [
    { renderedHTML: null, id: '1' },
    { renderedHTML: 'c', id: '__proto__' },
  ])
  assert.equal(two.asked[0]?.attributes.polluted, undefined)
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
})
