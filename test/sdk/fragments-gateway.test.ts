import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type FragmentConflict,
  type FragmentsRequest,
  RESOLVED_FRAGMENTS_MIME,
  type ResolvedFragments,
} from '@hydra-gateway/protocol'
import {
  type FragmentDefinition,
  fragment,
  type HydraService,
  openConnection,
  page,
  type ServiceOptions,
} from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/node'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startProcess } from '../support/process.ts'

/** A service with fragments behind the gateway. */
async function started(
  t: TestContext,
  { url, publicKey, privateKey }: TestGateway,
  name: string,
  fragments: readonly FragmentDefinition[],
  more: Partial<ServiceOptions> = {},
): Promise<{ service: HydraService; said: string[] }> {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const server = createServer((_request, response) => response.end('app'))
  const service = await hydra(server, {
    name,
    gateway: url,
    publicKey,
    privateKey,
    signals: false,
    graceMs: 500,
    log: { info: say, warn: say, error: say },
    fragments,
    ...more,
  })
  t.after(() => service.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await service.ready
  return { service, said }
}

type Request = FragmentsRequest['requests'][string][number]

/** Asks as the page of some service does. */
async function ask(
  gateway: TestGateway,
  requests: Readonly<Record<string, readonly Partial<Request>[]>>,
  more: Partial<FragmentsRequest> = {},
): Promise<ResolvedFragments> {
  const answer = await fetch(`${gateway.discovery}/requestFragment`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: RESOLVED_FRAGMENTS_MIME },
    body: JSON.stringify({ service: 'shop', requests, ...more }),
  })
  assert.equal(answer.status, 200)
  return (await answer.json()) as ResolvedFragments
}

const htmlOf = ({ fragments }: ResolvedFragments) =>
  Object.fromEntries(fragments.map(({ id, renderedHTML }) => [id, renderedHTML]))

test('only what was declared crosses between a page and a fragment', async (t) => {
  const gateway = await startGateway(t)
  const checkout = fragment('checkout', { imports: ['sku'], exports: ['total'] }, ({ imports, user }) => ({
    html: `<p>${JSON.stringify({ ...imports, user })}</p>`,
    exports: { total: 12, secret: 'x' },
  }))
  await started(t, gateway, 'orders', [checkout])
  const asked = {
    id: 'a',
    ref: 'checkout',
    imports: ['item.sku', 'password'],
    exports: ['total as sum', 'secret'],
  }
  const answer = await ask(
    gateway,
    { orders: [asked] },
    { attributes: { item: { sku: 'ab-1' }, password: 'of the page', user: { username: 'root' } } },
  )
  assert.deepEqual(htmlOf(answer), { a: '<p>{"sku":"ab-1"}</p>' })
  assert.deepEqual(answer.attributes, { sum: 12 })
})

test('a fragment that throws, hangs, is huge or unknown costs itself only, and is told when nobody waits', async (t) => {
  const gateway = await startGateway(t)
  let signal: AbortSignal | undefined
  const { said } = await started(t, gateway, 'orders', [
    fragment('fine', () => '<p>fine</p>'),
    fragment('throws', () => {
      throw new Error('no stock')
    }),
    fragment('hangs', (input) => {
      signal = input.signal
      return new Promise<string>(() => {})
    }),
    fragment('huge', () => 'x'.repeat(2 * 1024 * 1024)),
  ])
  const refs = ['fine', 'throws', 'huge', 'nobody']
  const answer = await ask(gateway, {
    orders: [...refs.map((ref) => ({ id: ref, ref })), { id: 'hangs', ref: 'hangs', timeoutMs: 300 }],
  })
  const html = { fine: '<p>fine</p>', throws: null, hangs: null, huge: null, nobody: null }
  assert.deepEqual(htmlOf(answer), html)
  await eventually(() => assert.equal(signal?.aborted, true))
  assert.ok(said.some((text) => text.includes('fragment "throws" failed: Error: no stock')))
  assert.ok(
    said.some((text) => text.includes('"huge" is not shown: its html has 2097152 bytes, at most 1048576')),
  )
})

test('what a fragment keeps of a visitor comes back the next time, and goes to nobody else', async (t) => {
  const gateway = await startGateway(t)
  const counter = fragment('counter', ({ session }) => {
    const count = ((session as { count?: number } | undefined)?.count ?? 0) + 1
    return { html: String(count), session: { count } }
  })
  const other = fragment('other', ({ session }) => JSON.stringify(session ?? 'nothing'))
  await started(t, gateway, 'orders', [counter])
  await started(t, gateway, 'stock', [other])
  let session: FragmentsRequest['session'] = {}
  for (const count of ['1', '2', '3']) {
    const answer = await ask(
      gateway,
      { orders: [{ id: 'a', ref: 'counter' }], stock: [{ id: 'b', ref: 'other' }] },
      { session },
    )
    assert.deepEqual(htmlOf(answer), { a: count, b: '"nothing"' })
    session = answer.sessions
  }
  assert.deepEqual(session, { orders: { count: 3 } })
})

test('a fragment has fragments of its own and of others inside, which know what it knows', async (t) => {
  const gateway = await startGateway(t)
  const inside =
    '<m:fragment service="stock" ref="left" imports="sku" exports="left">nobody knows</m:fragment>' +
    '<m:fragment ref="price" imports="rate">free</m:fragment>' +
    '<m:fragment service="orders" ref="product">itself</m:fragment>' +
    '<m:fragment service="nobody" ref="x">away</m:fragment>'
  await started(t, gateway, 'orders', [
    fragment('product', { imports: ['sku'], exports: ['left'] }, () => ({
      html: `[${inside}]`,
      attributes: { rate: 21 },
    })),
    fragment('price', { imports: ['rate'] }, ({ imports }) => `price at ${imports.rate};`),
  ])
  await started(t, gateway, 'stock', [
    fragment('left', { imports: ['sku'], exports: ['left'] }, ({ imports }) => ({
      html: `3 of ${imports.sku};`,
      exports: { left: 3 },
    })),
  ])
  const answer = await ask(
    gateway,
    { orders: [{ id: 'a', ref: 'product', imports: ['sku'], exports: ['left'] }] },
    { attributes: { sku: 'ab-1' } },
  )
  assert.deepEqual(htmlOf(answer), { a: '[3 of ab-1;price at 21;itselfaway]' })
  assert.deepEqual(answer.attributes, { left: 3 })
})

test('a page and a fragment that don’t fit together are told to both services, once', async (t) => {
  const gateway = await startGateway(t)
  const orders = await started(t, gateway, 'orders', [fragment('checkout', { exports: ['total'] }, () => '')])
  const heard: FragmentConflict[] = []
  orders.service.on('conflict', (conflict) => heard.push(conflict))
  const pages = [
    page('<m:fragment service="orders" ref="checkout" imports="price as total">-</m:fragment>', {
      name: 'product.html',
    }),
  ]
  const shop = await started(t, gateway, 'shop', [], { pages, routes: ['/'] })
  await eventually(() => assert.equal(heard.length, 1))
  assert.equal(heard[0]?.kind, 'FragmentImportConflict')
  const told = (said: readonly string[]) =>
    said.filter((text) => /product\.html/.test(text) && !/asks for/.test(text))
  await eventually(() => assert.deepEqual([told(orders.said).length, told(shop.said).length], [1, 1]))
  assert.match(
    told(orders.said)[0]!,
    /FragmentImportConflict: .* \(the tag at product\.html:1:1 of shop shows its fallback\)$/,
  )
  assert.match(
    told(shop.said)[0]!,
    /^hydra: the tag at product\.html:1:1 for orders#checkout shows its fallback: in a page of shop, product\.html:1:1 imports/,
  )
})

test('a service that crashes while it renders costs its own fragments, at once', async (t) => {
  const gateway = await startGateway(t, { fragments: { pageBudget: '20s' } })
  const program = fileURLToPath(new URL('./services/crashing.ts', import.meta.url))
  const { url, publicKey, privateKey } = gateway
  const env = { HYDRA_GATEWAY: url, HYDRA_PUBLIC_KEY: publicKey, HYDRA_PRIVATE_KEY: privateKey }
  const crashing = startProcess(t, { args: [program], env })
  await crashing.printed(/registered/)
  await started(t, gateway, 'orders', [fragment('beside', () => '<p>beside</p>')])
  const answer = await ask(gateway, {
    crashing: [
      { id: 'a', ref: 'fine' },
      { id: 'b', ref: 'crashes' },
    ],
    orders: [{ id: 'c', ref: 'beside' }],
  })
  assert.match(crashing.output(), /rendering/)
  assert.deepEqual(htmlOf(answer), { a: '<p>fine</p>', b: null, c: '<p>beside</p>' })
  const later = await ask(gateway, { crashing: [{ id: 'a', ref: 'fine' }] })
  assert.deepEqual(htmlOf(later), { a: null })
})

test('when the page gives up, the fragments it waits for are told', async (t) => {
  const gateway = await startGateway(t)
  let signal: AbortSignal | undefined
  await started(t, gateway, 'orders', [
    fragment('hangs', (input) => {
      signal = input.signal
      return new Promise<string>(() => {})
    }),
  ])
  const { url, publicKey, privateKey } = gateway
  const registration = { name: 'shop', host: '127.0.0.1', port: 1, instanceId: 'b'.repeat(32) }
  const connection = await openConnection({
    gateway: url,
    publicKey,
    privateKey,
    registration,
    onOverview: () => {},
    onLost: () => {},
    timeoutMs: 2000,
  })
  t.after(() => connection.close())
  const requests = { orders: [{ id: 'a', ref: 'hangs' }] }
  const source = connection.fragments(
    { requests },
    { onItem: () => assert.fail('an item'), onEnd: () => assert.fail('ended') },
  )
  await eventually(() => assert.equal(signal?.aborted, false))
  source.cancel()
  await eventually(() => assert.equal(signal?.aborted, true))
})
