import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RefDeclaration } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { createLog } from '../observe/log.ts'
import { createBalancer } from '../routing/balance.ts'
import type { Route } from '../routing/route.ts'
import { emptyTable, type RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import { createVitals } from '../routing/vitals.ts'
import type { Exchange } from './exchange.ts'
import { headerLines } from './testing/header-lines.ts'
import { createVisitors } from './visitors.ts'

const PAGE = ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document']
const XHR = ['Sec-Fetch-Mode', 'cors']
const ANY = () => true

const refs = (...names: string[]): ReadonlyMap<string, RefDeclaration> =>
  new Map(names.map((ref) => [ref, { ref, attributes: [] }]))

const instance = (service: string, id: string, given: Partial<Instance> = {}): Instance => ({
  id,
  service,
  manifest: 'm',
  channel: 'rsocket',
  address: { protocol: 'http', host: '127.0.0.1', port: 1 },
  version: 1,
  weight: 10,
  awakening: 'NEWEST_VERSION_WINS',
  affinity: false,
  isOurs: true,
  refs: refs('teaser'),
  ...given,
})

const shop = (given: Partial<Instance> = {}) =>
  instance('shop', 'shop-1', { refs: refs(), asksFragments: true, ...given })
const stock = (percent: number) => [
  instance('stock', 'old-1', { version: 1, weight: 100 - percent }),
  instance('stock', 'old-2', { version: 1, weight: 100 - percent }),
  instance('stock', 'new', { version: 2, weight: percent }),
]
const medusa = ['m1', 'm2', 'm3'].map((id) => {
  const { refs: _, ...rest } = instance('medusa', id, { affinity: true, channel: 'http', isOurs: false })
  return rest
})

function tableOf(...services: (readonly Instance[])[]): RoutingTable {
  let table = emptyTable()
  for (const [rank, instances] of services.entries()) {
    const { service: name, channel } = instances[0]!
    const manifests = [{ hash: 'm', routes: [] }]
    table = table.withService({ service: { name, title: name, channel }, rank, manifests, instances })
  }
  return table
}

function gateway(first: RoutingTable, privateKeys = ['secret']) {
  const vitals = createVitals()
  const counted: string[] = []
  const live = { table: first }
  const visitors = createVisitors({
    privateKeys,
    balancer: createBalancer({ vitals, settings: { balance: 'p2c' }, random: Math.random }),
    table: () => live.table,
    isXray: ({ headers }) => headers.get('cookie')?.includes('HYDRA-DEBUG=yes') ?? false,
    random: Math.random,
    log: createLog('silent'),
    metrics: {
      refused: (what, reason) => counted.push(`${what} ${reason}`),
      pinsDropped: (count) => counted.push(`dropped ${count}`),
    },
  })
  return { vitals, visitors, counted, live }
}

interface AskOptions {
  readonly answer?: readonly string[]
  readonly query?: string
  readonly kind?: Route['kind']
  readonly compose?: boolean
  readonly debug?: boolean
}

/** A browser: it keeps the cookie and says what kind of request it makes. */
function browser({ visitors, live }: ReturnType<typeof gateway>) {
  const jar = { cookie: undefined as string | undefined, sets: 0 }
  const ask = (service: string, flat: readonly string[], options: AskOptions = {}) => {
    const { answer = [], query = '', kind = 'page', compose = false, debug = false } = options
    const route = { service, claims: [`${service}\0m`], kind } as unknown as Route
    const cookie = [...(jar.cookie ? [jar.cookie] : []), ...(debug ? ['HYDRA-DEBUG=yes'] : [])].join('; ')
    const exchange = {
      method: 'GET',
      query,
      headers: headerLines([...flat, ...(cookie ? ['Cookie', cookie] : [])]),
      hasOurCookies: cookie !== '',
      isUpgrade: false,
      secure: false,
      addHeader(_name: string, value: string) {
        jar.cookie = value.split(';')[0]
        jar.sets++
      },
    } as unknown as Exchange
    const chosen = visitors.select(exchange, route, live.table.candidates(route), [])!
    exchange.route = route
    exchange.instance = chosen
    const page = compose ? visitors.contextOf(exchange) : undefined
    visitors.onHead(exchange, 200, headerLines(answer))
    return { chosen, context: exchange.context, page }
  }
  return {
    jar,
    page: (service: string, options?: AskOptions) => ask(service, PAGE, options),
    xhr: (service: string, options?: AskOptions) => ask(service, XHR, options),
  }
}

test('only instances whose pages ask for fragments are told of the visitor', () => {
  const site = gateway(tableOf([shop()], [instance('plain', 'p')]))
  const { page, jar } = browser(site)
  assert.equal(page('plain').context, undefined)
  assert.equal(jar.sets, 0)
  assert.match(page('shop').context!, /^v1\.[\w-]{22}\.[\w-]+\.[\w-]{22}$/)
  assert.equal(jar.sets, 1)
})

test('a visitor has one pseudonym at a service, another one elsewhere, and keeps both', () => {
  const site = gateway(tableOf([shop()], [instance('blog', 'b', { asksFragments: true })]))
  const pseudonym = (text: string | undefined) => text!.split('.')[1]!
  const { page, xhr, jar } = browser(site)
  const at = pseudonym(page('shop').context)
  assert.equal(pseudonym(xhr('shop').context), at)
  assert.notEqual(pseudonym(page('blog').context), at)
  assert.equal(pseudonym(page('shop').context), at)
  assert.equal(jar.sets, 1)
  assert.notEqual(pseudonym(browser(site).page('shop').context), at)
  const rotated = browser(gateway(site.live.table, ['next', 'secret']))
  rotated.jar.cookie = jar.cookie
  assert.equal(pseudonym(rotated.page('shop').context), at)
})

test('who has no cookie and opens no page is nobody, and is served all the same', () => {
  const site = gateway(tableOf([shop()], stock(50)))
  const { xhr, jar } = browser(site)
  assert.equal(xhr('shop').context, undefined)
  assert.equal(jar.sets, 0)
  const seen = new Set<unknown>()
  for (let i = 0; i < 200; i++) {
    const { visitor, route, isXray } = site.visitors.contextFrom(undefined)
    assert.deepEqual([route, isXray], [undefined, false])
    const { version } = visitor.select('stock', ANY, [])!
    for (let j = 0; j < 5; j++) assert.equal(visitor.select('stock', ANY, [])!.version, version)
    seen.add(version)
  }
  assert.equal(seen.size, 2)
})

for (const [way, compose] of [
  ['a service puts together', false],
  ['the gateway puts together', true],
] as const) {
  test(`fragments of a page ${way} have the version everything else of the page has, until another is opened`, () => {
    const first = tableOf([shop({ asksFragments: !compose })], stock(10))
    let fresh = 0
    for (let i = 0; i < 300; i++) {
      const site = gateway(first)
      const { page, xhr, jar } = browser(site)
      const opened = page('shop', { compose })
      const { visitor } = opened.page ?? site.visitors.contextFrom(opened.context)
      const { version } = visitor.select('stock', ANY, [])!
      if (version === 2) fresh++
      assert.equal(xhr('stock').chosen.version, version)
      // The rollout goes on while the page is open.
      site.live.table = tableOf([shop({ asksFragments: !compose })], stock(version === 2 ? 0.0001 : 99.9999))
      assert.equal(xhr('stock').chosen.version, version)
      const later = xhr('shop', { compose })
      const again = later.page ?? site.visitors.contextFrom(later.context)
      assert.equal(again.visitor.select('stock', ANY, [])!.version, version)
      const next = page('shop', { compose })
      const moved = next.page ?? site.visitors.contextFrom(next.context)
      const other = version === 2 ? 1 : 2
      assert.equal(moved.visitor.select('stock', ANY, [])!.version, other)
      assert.equal(xhr('stock').chosen.version, other)
      assert.equal(jar.sets, 2)
    }
    assert.ok(fresh > 8 && fresh < 65, `${fresh} of 300`)
  })
}

test('the next page shows the only version that takes visitors, and what belongs to it stays with that', () => {
  const site = gateway(tableOf([shop()], stock(99.9999)))
  const { page, xhr } = browser(site)
  const shown = () =>
    site.visitors.contextFrom(page('shop').context).visitor.select('stock', ANY, [])!.version
  assert.equal(shown(), 2)
  const [old, , fresh] = stock(50).map((one) => ({ ...one, weight: 10 }))
  for (const left of [
    [old!, { ...fresh!, weight: 0 }],
    [old!, { ...old!, id: 'old-3' }],
  ]) {
    site.live.table = tableOf([shop()], left)
    assert.equal(shown(), 1)
    site.live.table = tableOf([shop()], stock(99.9999))
    assert.equal(xhr('stock').chosen.version, 1)
    assert.equal(shown(), 2)
  }
})

test('fragments of services that keep state come from the instance the visitor goes on with', () => {
  const site = gateway(tableOf([shop()], medusa))
  const seen = new Set<string>()
  for (let i = 0; i < 60; i++) {
    const { page, xhr } = browser(site)
    const { visitor } = site.visitors.contextFrom(page('shop').context)
    const { id } = visitor.select('medusa', ANY, [])!
    seen.add(id)
    assert.equal(xhr('medusa').chosen.id, id)
    assert.equal(page('medusa').chosen.id, id)
    assert.notEqual(visitor.select('medusa', ANY, [medusa.find((one) => one.id === id)!])!.id, id)
  }
  assert.equal(seen.size, 3)
})

test('a page of a visitor who has state somewhere gets its fragments there', () => {
  const site = gateway(tableOf([shop()], medusa))
  for (let i = 0; i < 30; i++) {
    const { page } = browser(site)
    const { id } = page('medusa').chosen
    const { visitor } = site.visitors.contextFrom(page('shop').context)
    assert.equal(visitor.select('medusa', ANY, [])!.id, id)
  }
})

test('a fragment only some versions render comes from those, for each visitor always the same', () => {
  const site = gateway(tableOf([shop()], stock(10)))
  const hasOnlyOld = ({ version }: Instance) => version === 1
  const hasOnlyNew = ({ version }: Instance) => version === 2
  for (let i = 0; i < 30; i++) {
    const { visitor } = site.visitors.contextFrom(browser(site).page('shop').context)
    assert.equal(visitor.select('stock', hasOnlyOld, [])!.version, 1)
    assert.equal(visitor.select('stock', hasOnlyNew, [])!.id, 'new')
    assert.equal(
      visitor.select('stock', () => false, []),
      undefined,
    )
    assert.equal(visitor.select('nobody', ANY, []), undefined)
  }
})

test('when nobody of a version can serve, another one renders the fragment', () => {
  const site = gateway(tableOf([shop()], stock(99.9999)))
  const { visitor } = site.visitors.contextFrom(browser(site).page('shop').context)
  assert.equal(visitor.select('stock', ANY, [])!.version, 2)
  site.vitals.rest('new')
  assert.equal(visitor.select('stock', ANY, [])!.version, 1)
  site.vitals.rest('old-1')
  site.vitals.rest('old-2')
  assert.equal(visitor.select('stock', ANY, []), undefined)
})

test('fragments of the page’s own service come from the version that made the page', () => {
  const own = stock(50).map((one) => ({ ...one, asksFragments: false }))
  const site = gateway(tableOf(own))
  for (let i = 0; i < 60; i++) {
    const { chosen, page } = browser(site).xhr('stock', { compose: true })
    assert.equal(page!.visitor.select('stock', ANY, [])!.version, chosen.version)
  }
})

test('a page for everybody carries no cookie, unless the gateway makes it one visitor’s', () => {
  const site = gateway(tableOf([shop({ asksFragments: false })], stock(50)))
  const answer = ['Cache-Control', 'public, max-age=60']
  const told = browser(gateway(tableOf([shop()], stock(50))))
  told.page('shop', { answer })
  assert.equal(told.jar.sets, 0)
  const composed = browser(site)
  composed.page('shop', { answer, compose: true })
  assert.equal(composed.jar.sets, 1)
})

test('the gateway composes a page without a cookie while no service has several versions', () => {
  const site = gateway(
    tableOf([shop({ asksFragments: false })], [instance('stock', 's1'), instance('stock', 's2')]),
  )
  const { page, jar } = browser(site)
  const { route, visitor } = page('shop', { compose: true }).page!
  assert.equal(route, undefined)
  assert.ok(visitor.select('stock', ANY, []))
  assert.equal(jar.sets, 0)
})

test('pins of fragments give way to those of pages, and the cookie never exceeds 1 KB', () => {
  const many = Array.from({ length: 60 }, (_, i) =>
    ['a', 'b'].map((id) => instance(`service-${i}`, `${id}${i}`.padEnd(32, 'f'), { affinity: true })),
  )
  const site = gateway(tableOf([shop()], medusa, ...many))
  const { page, xhr, jar } = browser(site)
  const { id } = page('medusa').chosen
  for (let i = 0; i < 3; i++) page('shop')
  assert.ok(jar.cookie!.length <= 1024 && jar.cookie!.length > 900, `${jar.cookie!.length}`)
  assert.ok(jar.cookie!.includes(`i:medusa:${id}`))
  assert.ok(site.counted.some((one) => one.startsWith('dropped')))
  assert.equal(jar.sets, 2)
  // Where there was no room, the draw says the same each time.
  const { visitor } = site.visitors.contextFrom(page('shop').context)
  for (const [one] of many)
    assert.equal(visitor.select(one!.service, ANY, [])!.id, xhr(one!.service).chosen.id)
})

test('a context that was changed, made up or sent as a cookie is nobody’s, and is counted', () => {
  const site = gateway(tableOf([shop()], stock(50)))
  const { page, jar } = browser(site)
  const text = page('shop').context!
  assert.ok(site.visitors.contextFrom(text).route)
  fc.assert(
    fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom(...'Aa0_-.:|~%x'), (at, letter) => {
      fc.pre(text[at] !== letter)
      const { route } = site.visitors.contextFrom(text.slice(0, at) + letter + text.slice(at + 1))
      assert.equal(route, undefined)
    }),
  )
  assert.ok(site.counted.includes('context forged') && site.counted.includes('context malformed'))
  assert.equal(site.visitors.contextFrom('x'.repeat(5000)).route, undefined)
  assert.ok(site.counted.includes('context oversize'))
  assert.equal(site.visitors.contextFrom(jar.cookie!.slice('HYDRA-ROUTE='.length)).route, undefined)
  assert.equal(gateway(site.live.table, ['other']).visitors.contextFrom(text).route, undefined)
  assert.ok(gateway(site.live.table, ['new', 'secret']).visitors.contextFrom(text).route)

  // The other way round: nothing of a context is a cookie.
  const [, , payload, mac] = text.split('.')
  const { v: visitor, p: pins } = JSON.parse(Buffer.from(payload!, 'base64url').toString())
  site.counted.length = 0
  const thief = browser(site)
  thief.jar.cookie = `HYDRA-ROUTE=1.${visitor}.${pins}.${mac}`
  thief.xhr('stock')
  assert.deepEqual(site.counted, ['cookie forged'])
})

test('a developer’s page says so to whoever renders a part of it, and nobody else’s does', () => {
  const site = gateway(tableOf([shop()]))
  const { page, xhr } = browser(site)
  assert.equal(site.visitors.contextFrom(page('shop').context).isXray, false)
  assert.equal(site.visitors.contextFrom(page('shop', { debug: true }).context).isXray, true)
  assert.equal(site.visitors.contextFrom(xhr('shop').context).isXray, false)
  assert.equal(page('shop', { compose: true, debug: true }).page!.isXray, true)
})

test('a file that names its version comes from it, whatever the visitor sees elsewhere', () => {
  const site = gateway(tableOf(stock(50)))
  for (let i = 0; i < 20; i++) {
    const { page, xhr } = browser(site)
    const { version } = page('stock').chosen
    const other = version === 2 ? 1 : 2
    const file = (query: string) => xhr('stock', { kind: 'static', query }).chosen.version
    assert.equal(file(`?v=${other}`), other)
    assert.equal(file(`?v=${other}&x=1`), other)
    for (const query of ['?v=9', '?x=1&v=1', '?v=%', '']) assert.equal(file(query), version)
    assert.equal(xhr('stock', { query: `?v=${other}` }).chosen.version, version)
  }
})

test('whatever instances there are: who can serve is found, at every node the same, and files and XHR agree', () => {
  const one = fc.record({
    version: fc.integer({ min: 1, max: 3 }),
    weight: fc.constantFrom(0, 1, 10, 50),
    affinity: fc.boolean(),
    awakening: fc.constantFrom('NEWEST_VERSION_WINS' as const, 'EQUAL_SHARE' as const),
    isOffered: fc.boolean(),
    isResting: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 6 }), fc.boolean(), (given, compose) => {
      const instances = given.map(({ isOffered, isResting: _, ...rest }, i) =>
        instance('stock', `s${i}`, { ...rest, refs: refs(...(isOffered ? ['teaser', 'all'] : ['all'])) }),
      )
      const table = tableOf([shop({ asksFragments: !compose })], instances)
      const [here, there] = [gateway(table), gateway(table)]
      for (const { vitals } of [here, there])
        for (const [i, { isResting }] of given.entries()) if (isResting) vitals.rest(`s${i}`)
      const { page, xhr, jar } = browser(here)
      const opened = page('shop', { compose })
      const visitor = (opened.page ?? here.visitors.contextFrom(opened.context)).visitor
      const isTeaser = (candidate: Instance) => candidate.refs!.has('teaser')
      const usable = instances.filter((_, i) => !given[i]!.isResting)

      const teaser = visitor.select('stock', isTeaser, [])
      assert.equal(teaser !== undefined, usable.some(isTeaser))
      assert.ok(teaser === undefined || (isTeaser(teaser) && usable.includes(teaser)))
      assert.equal(visitor.select('stock', isTeaser, [])?.version, teaser?.version)

      const whole = visitor.select('stock', ANY, [])
      assert.equal(whole !== undefined, usable.length > 0)
      if (whole === undefined) return
      assert.equal(xhr('stock').chosen.version, whole.version)
      if (whole.affinity && usable.length > 1 && jar.cookie) assert.equal(xhr('stock').chosen.id, whole.id)
      const tried = usable.filter(({ version }) => version === whole.version)
      const next = visitor.select('stock', ANY, tried)
      assert.equal(next !== undefined, tried.length < usable.length)
      assert.ok(next === undefined || !tried.includes(next))
      if (opened.context === undefined) return
      const elsewhere = there.visitors.contextFrom(opened.context).visitor.select('stock', ANY, [])!
      assert.equal(elsewhere.version, whole.version)
      if (whole.affinity) assert.equal(elsewhere.id, whole.id)
    }),
    { numRuns: 500 },
  )
})
