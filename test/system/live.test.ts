/**
 * Open pages at a real gateway: what they are told, how soon, and what they cost it when they behave badly.
 */
import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLog, openCertificates, systemClock } from '@hydra-gateway/gateway'
import { FRAGMENT_MARK_LABEL, formatFragmentMark } from '@hydra-gateway/protocol'
import { createCookieBrowser, hiddenFields } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { type LivePage, openPage } from '../support/live-page.ts'
import { openService } from './fragments/channel-service.ts'

const ORDERS = [
  { endpoint: '/orders', label: 'Orders' },
  { endpoint: '/orders/admin', label: 'Returns', roles: ['ADMIN'] },
  { endpoint: '/orders/mine', label: 'Mine', roles: ['USER', 'ADMIN'] },
]

function openOrders(t: TestContext, gateway: TestGateway, menu: object[] = ORDERS) {
  return openService(t, gateway, 'orders', {
    more: { endpoints: ['/orders', '/orders/{id}'], menuItems: { main: menu } },
  })
}

const statesOf = ({ state }: LivePage): string[] =>
  (state.menus.main ?? []).map(({ path, state }: { path: string; state: string }) => `${path} ${state}`)

test('a page knows at once that a service is gone, and that it is back', async (t) => {
  const gateway = await startGateway(t, { rsocketPort: 0 })
  const orders = await openOrders(t, gateway)
  const page = await openPage(t, gateway.url, 'menu=main&link=/orders/7')
  assert.equal(page.headers['cache-control'], 'no-store')
  assert.equal(page.headers['x-accel-buffering'], 'no')
  assert.deepEqual(statesOf(page), ['/orders available'])
  assert.equal(page.state.links['/orders/7'].state, 'available')

  const at = performance.now()
  orders.cut()
  await eventually(() => assert.deepEqual(statesOf(page), ['/orders down']))
  assert.ok(page.events.at(-1)!.at - at < 500)
  assert.equal(page.state.links['/orders/7'].state, 'down')
  assert.match(page.state.links['/orders/7'].reason, /away/)
  const door = await fetch(`${gateway.url}/_hydra/menus/main`)
  assert.deepEqual(((await door.json()) as any).items, page.state.menus.main)

  await openOrders(t, gateway)
  await eventually(() => assert.deepEqual(statesOf(page), ['/orders available']))
  await eventually(() => assert.equal(page.state.links['/orders/7'].state, 'available'))
})

test('a page that waits for a fragment hears when somebody renders it', async (t) => {
  const gateway = await startGateway(t, { rsocketPort: 0 })
  // As a service in any language makes it.
  const key = Buffer.from(hkdfSync('sha256', gateway.privateKey, '', FRAGMENT_MARK_LABEL, 32))
  const prove = (text: string): string =>
    createHmac('sha256', key).update(text).digest().subarray(0, 16).toString('base64url')
  const mark = formatFragmentMark({ service: 'orders', ref: 'a', occurrence: 0 }, prove)
  const query = new URLSearchParams({ fragment: mark })
  const page = await openPage(t, gateway.url, String(query))
  assert.deepEqual(page.state.fragments, { [mark]: false })
  const orders = await openOrders(t, gateway)
  await eventually(() => assert.deepEqual(page.state.fragments, { [mark]: true }))
  orders.cut()
  await eventually(() => assert.deepEqual(page.state.fragments, { [mark]: false }))
})

const PEOPLE = {
  users: [
    { username: 'mira', password: 'secret', roles: ['ADMIN'] },
    { username: 'otto', password: 'secret', roles: ['USER'] },
  ],
  database: false,
} as const

async function signIn({ url }: TestGateway, username: string) {
  const browser = createCookieBrowser()
  const done = await browser.signIn(url, { username, password: 'secret' })
  assert.equal(done.status, 303)
  const [sso] = done.headers.getSetCookie().filter((line) => line.startsWith('HYDRA-SSO='))
  return { browser, headers: { cookie: sso!.split(';')[0]! } }
}

test('everybody is told of what is theirs, and who signs out has no stream any more', async (t) => {
  const gateway = await startGateway(t, { rsocketPort: 0, identity: PEOPLE as never })
  await openOrders(t, gateway)
  const [mira, otto] = [await signIn(gateway, 'mira'), await signIn(gateway, 'otto')]
  const [nobodys, miras, ottos] = [
    await openPage(t, gateway.url, 'menu=main'),
    await openPage(t, gateway.url, 'menu=main', mira),
    await openPage(t, gateway.url, 'menu=main', otto),
  ]
  assert.deepEqual(statesOf(nobodys), ['/orders available'])
  assert.deepEqual(statesOf(miras).sort(), [
    '/orders available',
    '/orders/admin available',
    '/orders/mine available',
  ])
  assert.deepEqual(statesOf(ottos).sort(), ['/orders available', '/orders/mine available'])
  assert.ok(!JSON.stringify([nobodys.events, ottos.events]).includes('admin'))

  const form = (await mira.browser.open(`${gateway.url}/logout`)).at(-1)!
  await mira.browser.post(`${gateway.url}/logout`, hiddenFields(form))
  await eventually(() => assert.ok(miras.isEnded))
  assert.equal(miras.events.at(-1)!.event, 'bye')
  assert.deepEqual([nobodys.isEnded, ottos.isEnded], [false, false])
  const again = await openPage(t, gateway.url, 'menu=main', mira)
  assert.deepEqual(statesOf(again), ['/orders available'], 'the old cookie is nobody')
})

test('a page that comes back after its token has run out renews the session, and is not taken for nobody', async (t) => {
  const identity = { ...PEOPLE, token: { life: 1000, renewAfter: 500 } }
  const gateway = await startGateway(t, { rsocketPort: 0, identity: identity as never })
  await openOrders(t, gateway)
  const { browser } = await signIn(gateway, 'mira')
  const cookieNow = () => {
    const kept = [...browser.jar.get('127.0.0.1')!].filter(([, { path }]) => path === '/')
    return { headers: { cookie: kept.map(([name, { value }]) => `${name}=${value}`).join('; ') } }
  }
  const isSignedIn = (page: LivePage) => assert.ok(statesOf(page).includes('/orders/admin available'))
  isSignedIn(await openPage(t, gateway.url, 'menu=main', cookieNow()))

  let away!: LivePage
  await eventually(async () => {
    away = await openPage(t, gateway.url, 'menu=main', cookieNow())
    assert.deepEqual(
      away.events.map(({ event }) => event),
      ['renew'],
    )
  })
  await eventually(() => assert.ok(away.isEnded))
  await browser.post(`${gateway.url}/_hydra/session`, {})
  isSignedIn(await openPage(t, gateway.url, 'menu=main', cookieNow()))
})

test('a menu that flaps is told ten times a second, and the last state wins', async (t) => {
  const gateway = await startGateway(t, { rsocketPort: 0 })
  const page = await openPage(t, gateway.url, 'menu=main')
  const end = performance.now() + 2000
  for (let i = 0; performance.now() < end; i++) {
    const orders = await openOrders(t, gateway, [{ endpoint: '/orders', label: `Orders ${i}` }])
    orders.cut()
  }
  await openOrders(t, gateway)
  await eventually(() => assert.equal(page.state.menus.main[0].label, 'Orders'))
  assert.deepEqual(statesOf(page), ['/orders available'])
  const times = page.events.filter(({ event }) => event === 'state').map(({ at }) => at)
  assert.ok(times.length > 10, `${times.length} states`)
  for (const from of times) {
    const inSecond = times.filter((at) => at >= from && at < from + 1000).length
    assert.ok(inSecond <= 11, `${inSecond} states in a second`)
  }
})

const many = (text: string): object[] =>
  Array.from({ length: 2000 }, (_, i) => ({ endpoint: `/orders/${i}`, label: text.repeat(200) }))

test('a page that stops reading costs others nothing, and finds the present state when it goes on', async (t) => {
  const gateway = await startGateway(t, { rsocketPort: 0 })
  const slow = await openPage(t, gateway.url, 'menu=main', { isPaused: true })
  const quick = await openPage(t, gateway.url, 'menu=main')
  for (let i = 0; i < 30; i++) {
    const orders = await openOrders(t, gateway, many('abcdefghij'[i % 10]!))
    const before = quick.events.length
    orders.cut()
    await eventually(() => assert.ok(quick.events.length > before))
  }
  await openOrders(t, gateway, [{ endpoint: '/orders', label: 'the last' }])
  await eventually(() => assert.deepEqual(quick.state.menus.main?.[0]?.label, 'the last'))
  slow.response.resume()
  await eventually(() => assert.deepEqual(slow.state.menus, quick.state.menus))
  assert.ok(slow.events.length < quick.events.length, 'states in between are left out')
})

test('a page that takes nothing for too long is cut', async (t) => {
  const gateway = await startGateway(t, { rsocketPort: 0, live: { maxBehind: 1000, heartbeat: 1000 } })
  const slow = await openPage(t, gateway.url, 'menu=main', { isPaused: true })
  let isCut = false
  slow.response.socket.on('close', () => {
    isCut = true
  })
  const ended = () => gateway.lines.some(({ msg }) => msg === 'an open page takes nothing: cut')
  let i = 0
  await eventually(async () => {
    const orders = await openOrders(t, gateway, many('abcdefghij'[i++ % 10]!))
    orders.cut()
    assert.ok(ended())
  }, 30_000)
  slow.response.resume()
  await eventually(() => assert.ok(isCut))
  const metrics = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  assert.match(metrics, /hydra_refused_total\{what="request",reason="live-behind"\} 1/)
})

test('a page that comes back a thousand times knows what it knew, and leaves nothing behind', async (t) => {
  const gateway = await startGateway(t, { rsocketPort: 0 })
  await openOrders(t, gateway)
  const first = await openPage(t, gateway.url, 'menu=main')
  const { id } = first.events[0]!
  for (let i = 0; i < 20; i++) {
    const pages = await Promise.all(
      Array.from({ length: 50 }, () => openPage(t, gateway.url, `menu=main&have=${id}`)),
    )
    for (const { events, close } of pages) {
      assert.deepEqual([events[0]!.id, Object.keys(events[0]!.data).sort()], [id, ['beatMs', 'spreadMs']])
      close()
    }
  }
  // With any of them left the next ones would be too many.
  await eventually(
    async () => {
      const pages = await Promise.all(
        Array.from({ length: 499 }, () => openPage(t, gateway.url, 'menu=main')),
      )
      for (const { close } of pages) close()
      assert.deepEqual([...new Set(pages.map(({ status }) => status))], [200])
    },
    15_000,
    500,
  )
})

test('there are as many streams as may be, and who is turned away is told when to come back', async (t) => {
  const gateway = await startGateway(t, { live: { maxStreams: 2 } })
  const first = await openPage(t, gateway.url, 'menu=main')
  await openPage(t, gateway.url, 'menu=main')
  const { status, headers, body } = await openPage(t, gateway.url, 'menu=main')
  assert.equal(status, 503)
  assert.match(headers['retry-after']!, /^\d+$/)
  assert.equal(JSON.parse(body).code, 'HYDRA_OVERLOADED')
  first.close()
  await eventually(async () => assert.equal((await openPage(t, gateway.url, 'menu=main')).status, 200))
  const foreign = await openPage(t, gateway.url, 'menu=main', { headers: { 'sec-fetch-site': 'cross-site' } })
  assert.equal(foreign.status, 403)
})

test('a gateway that stops says when to come back, and waits for no page', async (t) => {
  const gateway = await startGateway(t, { http: { stopGrace: 20_000 } })
  const pages = await Promise.all(Array.from({ length: 20 }, () => openPage(t, gateway.url, 'menu=main')))
  const begun = performance.now()
  await gateway.close()
  assert.ok(performance.now() - begun < 5000)
  for (const page of pages) {
    const last = page.events.at(-1)!
    assert.equal(last.event, 'bye')
    assert.ok(last.data.afterMs >= 500)
  }
})

test('pages and menus stay public where there is a control port', async (t) => {
  const gateway = await startGateway(t, { controlPort: 0 })
  assert.equal((await openPage(t, gateway.url, 'menu=main')).status, 200)
  const menus = await fetch(`${gateway.url}/_hydra/menus`)
  assert.deepEqual([menus.status, await menus.json()], [200, { menus: [] }])
  for (const file of ['live.js', 'live-fragments.js', 'menu.css']) {
    const response = await fetch(`${gateway.url}/_hydra/${file}`)
    assert.equal(response.status, 200)
    assert.ok((await response.text()).length > 100)
    const etag = response.headers.get('etag')!
    const again = await fetch(`${gateway.url}/_hydra/${file}`, { headers: { 'if-none-match': etag } })
    assert.equal(again.status, 304)
  }
})

test('over HTTP/2 many streams share a connection', async (t) => {
  const log = createLog('silent')
  const tls = 'self-signed' as const
  const directory = await mkdtemp(join(tmpdir(), 'hydra-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const opened = await openCertificates({ tls, directory, hostname: '', log, clock: systemClock })
  const gateway = await startGateway(t, { rsocketPort: 0, tls }, { certificates: opened.certificates })
  const session = connect(`https://127.0.0.1:${gateway.port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const texts = ['', '']
  for (const i of [0, 1]) {
    const stream = session.request({ ':path': `/_hydra/live?menu=main&link=/orders/${i}` })
    stream.setEncoding('utf8').on('data', (chunk) => {
      texts[i] += chunk
    })
  }
  await eventually(() => assert.ok(texts.every((text) => text.includes('event: state'))))
  const orders = await openOrders(t, gateway)
  await eventually(() =>
    assert.ok(texts.every((text) => text.includes('"label":"Orders","state":"available"'))),
  )
  orders.cut()
  await eventually(() => assert.ok(texts.every((text) => text.includes('"label":"Orders","state":"down"'))))
})
