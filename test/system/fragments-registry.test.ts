/**
 * What services say of fragments, over both channels: who is refused what, who is told, and what each request carries
 * of its visitor.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { FragmentConflict, Overview, RegistrationInput } from '@hydra-gateway/protocol'
import { type Connection, openConnection } from '@hydra-gateway/sdk'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { navigate } from '../support/navigate.ts'
import { startUpstream } from '../support/upstream.ts'

const CHECKOUT = { ref: 'checkout', attributes: ['zip'] }
const PAGE = { place: 'product.html:12:5', service: 'orders', ref: 'checkout', imports: ['zip'] }

interface Refused {
  readonly path: string
  readonly reason: string
}

/** Registers over HTTP with a line of its own making, as any language can. */
async function post(gateway: TestGateway, bean: object): Promise<readonly Refused[]> {
  const response = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ host: '127.0.0.1', protocol: 1, ...bean }),
  })
  assert.equal(response.status, 200)
  const { refused } = (await response.json()) as { refused: readonly Refused[] }
  return refused
}

let ids = 0

/** A service on an RSocket channel, with the overviews it was sent. */
async function open(
  t: TestContext,
  gateway: TestGateway,
  registration: Omit<RegistrationInput, 'host'>,
): Promise<{ connection: Connection; conflicts: () => readonly FragmentConflict[] }> {
  let last: Overview | undefined
  const connection = await openConnection({
    gateway: gateway.url,
    publicKey: gateway.publicKey,
    privateKey: gateway.privateKey,
    registration: {
      host: '127.0.0.1',
      protocol: 1,
      ...registration,
      instanceId: (++ids).toString(16).padStart(32, '0'),
    },
    onOverview: (overview) => {
      last = overview
    },
    onLost() {},
    timeoutMs: 5000,
  })
  t.after(() => connection.close())
  return { connection, conflicts: () => last?.fragmentConflicts ?? [] }
}

test('a new version whose fragment would break a page is refused it, both are told, and it ends with the page', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '60s' } })
  const { port } = await startUpstream(t, 'any')
  const orders = await open(t, gateway, { name: 'orders', port, version: 1, refs: [{ ref: 'checkout' }] })
  const shop = await open(t, gateway, { name: 'shop', port, routes: [{ path: '/shop' }], uses: [PAGE] })
  assert.deepEqual(orders.conflicts(), [])

  const [refused, ...others] = await post(gateway, {
    name: 'orders',
    port: port + 1,
    version: 2,
    refs: [CHECKOUT],
  })
  assert.deepEqual(others, [])
  assert.equal(refused!.path, 'fragment checkout')
  assert.match(refused!.reason, /^in a page of shop, product\.html:12:5 imports "zip"/)
  for (const told of [orders, shop]) {
    await eventually(() => {
      const [conflict] = told.conflicts()
      assert.deepEqual([conflict?.page, conflict?.service, conflict?.refused], ['shop', 'orders', 'ref'])
    })
  }
  assert.equal(gateway.lines.filter(({ refused: what }) => what === 'ref').length, 1)

  const { fragments, conflicts } = await gateway.admin('fragments')
  assert.equal(conflicts.length, 1)
  assert.deepEqual(
    fragments.map(({ versions, refused: why }: { versions: number[]; refused?: string }) => [
      versions,
      Boolean(why),
    ]),
    [
      [[1], false],
      [[2], true],
    ],
  )
  const { services } = await gateway.admin('services')
  const [known, asking] = services as { refs: { refused?: string }[]; uses?: { place: string }[] }[]
  assert.deepEqual(
    known!.refs.map(({ refused: why }) => why === undefined),
    [true, false],
  )
  assert.equal(asking!.uses![0]!.place, PAGE.place)

  await shop.connection.deregister()
  const after = await gateway.admin('fragments')
  assert.deepEqual(after.conflicts, [])
  assert.ok(after.fragments.every(({ refused: why }: { refused?: string }) => why === undefined))
  await eventually(() => assert.deepEqual(orders.conflicts(), []))
})

test('a page that comes later than the fragment it does not fit is told so at once, until it is mended', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '60s' } })
  const { port } = await startUpstream(t, 'any')
  const orders = await open(t, gateway, { name: 'orders', port, refs: [CHECKOUT] })
  const page = { name: 'shop', port, routes: [{ path: '/shop' }] }
  const [refused] = await post(gateway, { ...page, uses: [PAGE] })
  assert.equal(refused!.path, 'the tag at product.html:12:5 for orders#checkout')
  assert.match(refused!.reason, /write imports="zip as /)
  await eventually(() => assert.equal(orders.conflicts()[0]?.refused, 'use'))
  assert.equal((await gateway.admin('services')).services[0].refs[0].refused, undefined)
  assert.deepEqual(await post(gateway, { ...page, uses: [{ ...PAGE, imports: ['pageZip'] }] }), [])
  await eventually(() => assert.deepEqual(orders.conflicts(), []))
})

test('a fragment whose instances are gone is listed as down, until somebody else speaks for its service', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '60s', resume: '50ms', check: '10ms' } })
  const { port } = await startUpstream(t, 'any')
  const rows = async () => {
    const { fragments, unmet } = await gateway.admin('fragments')
    assert.deepEqual(unmet, [], 'a fragment that is down is not one nobody has')
    return fragments.map(
      ({ ref, state, versions, instances, usedBy }: Record<string, unknown[]>) =>
        `${ref} ${state}, ${versions} at ${instances!.length}, used by ${usedBy!.length}`,
    )
  }
  const now = { ref: 'checkout', imports: ['zip'] }
  const orders = { name: 'orders', port }
  const first = await open(t, gateway, { ...orders, version: 1, refs: [now] })
  const second = await open(t, gateway, { ...orders, version: 2, refs: [now, { ref: 'later' }] })
  const uses = [PAGE, { ...PAGE, ref: 'later' }]
  await open(t, gateway, { name: 'shop', port, routes: [{ path: '/shop' }], uses })
  assert.deepEqual(await rows(), [
    'checkout available, 1,2 at 2, used by 1',
    'later available, 2 at 1, used by 1',
  ])
  second.connection.close()
  await eventually(async () =>
    assert.deepEqual(await rows(), [
      'checkout available, 1 at 1, used by 1',
      'later down, 2 at 0, used by 1',
    ]),
  )
  await first.connection.deregister()
  assert.deepEqual(await rows(), ['checkout down, 1 at 0, used by 1', 'later down, 2 at 0, used by 1'])
  await open(t, gateway, { ...orders, version: 3, refs: [now, { ref: 'later' }] })
  assert.deepEqual(await rows(), [
    'checkout available, 3 at 1, used by 1',
    'later available, 3 at 1, used by 1',
  ])
})

test('a page that asks for what nobody has is listed with what was probably meant', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '60s' } })
  const { port } = await startUpstream(t, 'any')
  await post(gateway, { name: 'orders', port, refs: [CHECKOUT] })
  const legacy = { name: 'legacy', port, protocol: undefined, endpoints: ['/legacy'] }
  await post(gateway, legacy)
  const at = (service: string, ref: string) => ({ place: `${service}.html:1:1`, service, ref })
  await post(gateway, {
    name: 'shop',
    port,
    uses: [
      at('orders', 'chekout'),
      at('order', 'checkout'),
      at('search', 'box'),
      at('legacy', 'anything'),
      at('orders', `checkout-$\{variant}`),
    ],
  })
  const { unmet } = await gateway.admin('fragments')
  assert.deepEqual(
    unmet.map(({ reason }: { reason: string }) => reason),
    [
      'orders has no fragment chekout; did you mean checkout?',
      'no service is called order; did you mean orders?',
      'no service is called search; its fallback is shown until there is one',
    ],
  )
})

test('a service of the configuration says which fragments it renders', async (t) => {
  const { port } = await startUpstream(t, 'configured')
  const url = `http://127.0.0.1:${port}`
  const gateway = await startGateway(t, {
    services: {
      teasers: { url, fragments: ['teaser', { ref: 'ad', attributes: ['campaign'] }] },
      plain: { url, routes: ['/plain'] },
    },
  })
  const { fragments } = await gateway.admin('fragments')
  assert.deepEqual(
    fragments.map(({ service, ref, attributes }: Record<string, unknown>) => [service, ref, attributes]),
    [
      ['teasers', 'ad', ['campaign']],
      ['teasers', 'teaser', []],
    ],
  )
})

test('more fragments than a registration may have are refused before they are read', async (t) => {
  const gateway = await startGateway(t)
  for (const [what, most] of [
    ['refs', 2000],
    ['uses', 10_000],
  ] as const) {
    const response = await fetch(`${gateway.discovery}/registration`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'shop', host: '127.0.0.1', port: 1, [what]: Array(most + 1).fill(0) }),
    })
    assert.equal(response.status, 413)
    assert.match(((await response.json()) as { detail: string }).detail, new RegExp(`may have ${most} `))
  }
})

test('a service whose pages ask for fragments is told of its visitor, by a line nobody else can write', async (t) => {
  const gateway = await startGateway(t, { lease: { ttl: '60s' } })
  const { port } = await startUpstream(t, 'any')
  await post(gateway, { name: 'shop', port, affinity: false, routes: [{ path: '/shop' }], uses: [PAGE] })
  await post(gateway, { name: 'plain', port, affinity: false, routes: [{ path: '/plain' }] })
  const seenBy = (body: string) =>
    (JSON.parse(body) as { headers: Record<string, string | undefined> }).headers['hydra-context']
  const made = { 'hydra-context': 'v1.mine', hydra_context: 'v1.mine' }
  const visit = async (path: string, cookie?: string) => {
    const { body, routeCookie } = await navigate(gateway.url + path, {
      ...made,
      ...(cookie ? { cookie } : {}),
    })
    return { context: seenBy(body), routeCookie }
  }
  const fetchAs = async (path: string, headers: Record<string, string> = {}) =>
    seenBy(await (await fetch(gateway.url + path, { headers: { ...made, ...headers } })).text())

  assert.deepEqual(await visit('/plain'), { context: undefined, routeCookie: undefined })
  assert.equal(await fetchAs('/shop'), undefined)
  const { context, routeCookie: cookie } = await visit('/shop')
  assert.match(context!, /^v1\.[\w-]{22}\.[\w-]+\.[\w-]{22}$/)
  assert.match(cookie!, /^HYDRA-ROUTE=/)
  // The same again, by navigation or not, and no cookie is sent twice.
  assert.deepEqual(await visit('/shop', cookie), { context, routeCookie: undefined })
  assert.equal(await fetchAs('/shop', { cookie: cookie! }), context)
  assert.equal(await fetchAs('/plain', { cookie: cookie! }), undefined)
})
