import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../observe/log.ts'
import { createBalancer } from '../routing/balance.ts'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import { createVitals } from '../routing/vitals.ts'
import type { Exchange } from './exchange.ts'
import { headerLines } from './testing/header-lines.ts'
import { createVisitors } from './visitors.ts'

const PAGE = ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document']
const XHR = ['Sec-Fetch-Mode', 'cors']
const routeOf = (service: string, group: readonly string[] = [service]) =>
  ({ service, claims: group.map((name) => `${name}\0m`) }) as unknown as Route

const instance = (id: string, given: Partial<Instance> = {}): Instance => ({
  id,
  service: 'orders',
  manifest: 'm',
  channel: 'rsocket',
  address: { protocol: 'http', host: '127.0.0.1', port: 1 },
  version: 1,
  weight: 10,
  awakening: 'NEWEST_VERSION_WINS',
  affinity: false,
  ...given,
})

function gateway(privateKeys = ['secret']) {
  const vitals = createVitals()
  const counted: string[] = []
  const visitors = createVisitors({
    privateKeys,
    balancer: createBalancer({ vitals, settings: { balance: 'p2c' }, random: Math.random }),
    random: Math.random,
    log: createLog('silent'),
    metrics: {
      refused: (what, reason) => counted.push(`${what} ${reason}`),
      pinsDropped: (count) => counted.push(`dropped ${count}`),
    },
  })
  return { vitals, visitors, counted }
}

/** A browser: it keeps the cookie and says what kind of request it makes. */
function browser(visitors: ReturnType<typeof gateway>['visitors']) {
  const jar = { cookie: undefined as string | undefined, sets: 0 }
  const ask = (
    candidates: readonly Instance[],
    flat: readonly string[],
    {
      service = 'orders',
      group = undefined as readonly string[] | undefined,
      status = 200,
      answer = [] as string[],
      tried = [] as Instance[],
      secure = false,
    } = {},
  ): Instance | undefined => {
    const route = routeOf(service, group)
    const exchange = {
      method: 'GET',
      headers: headerLines([...flat, ...(jar.cookie ? ['Cookie', `a=1; ${jar.cookie}`] : [])]),
      isUpgrade: false,
      secure,
      visitor: undefined,
      route: undefined,
      instance: undefined,
      addHeader(name: string, value: string) {
        assert.equal(name, 'set-cookie')
        jar.cookie = value.split(';')[0]
        jar.sets++
        assert.equal(value.includes('Secure'), secure)
      },
    } as unknown as Exchange
    const chosen = visitors.select(exchange, route, candidates, tried)
    exchange.route = route
    exchange.instance = chosen
    visitors.onHead(exchange, status, headerLines(answer))
    return chosen
  }
  type Options = Parameters<typeof ask>[2]
  return {
    jar,
    page: (candidates: readonly Instance[], options?: Options) => ask(candidates, PAGE, options),
    xhr: (candidates: readonly Instance[], options?: Options) => ask(candidates, XHR, options),
    ask,
  }
}

const rollout = (percent: number) => [
  instance('old-1', { version: 1, weight: 100 - percent }),
  instance('old-2', { version: 1, weight: 100 - percent }),
  instance('new', { version: 2, weight: percent }),
]

test('an ordinary service with one version leaves no cookie behind', () => {
  const { jar, page, xhr } = browser(gateway().visitors)
  const two = [instance('a'), instance('b')]
  for (let i = 0; i < 20; i++) assert.ok(page(two) && xhr(two) && page(two.slice(0, 1)))
  assert.equal(jar.sets, 0)
})

test('10 % of visitors see the new version, each of them the same one every time', () => {
  const { visitors } = gateway()
  const candidates = rollout(10)
  let fresh = 0
  for (let i = 0; i < 3000; i++) {
    const { jar, page, xhr } = browser(visitors)
    const { version } = page(candidates)!
    if (version === 2) fresh++
    for (let j = 0; j < 3; j++) assert.equal(xhr(candidates)!.version, version)
    assert.equal(page(candidates)!.version, version)
    assert.equal(jar.sets, 1)
  }
  assert.ok(Math.abs(fresh - 300) < 80, `${fresh} of 3000`)
})

test('going from 10 % to 20 % moves visitors to the new version and none back', () => {
  const { visitors } = gateway()
  const [before, after] = [rollout(10), rollout(20)]
  let moved = 0
  for (let i = 0; i < 3000; i++) {
    const { page } = browser(visitors)
    const versions = [page(before)!.version, page(after)!.version]
    assert.notDeepEqual(versions, [2, 1])
    if (versions[0] !== versions[1]) moved++
  }
  assert.ok(Math.abs(moved - 300) < 80, `${moved} of 3000`)
})

test('a page keeps its version while the rollout goes on, the next page may have another', () => {
  const { visitors } = gateway()
  const { page, xhr, ask } = browser(visitors)
  assert.equal(page(rollout(0.0001))!.version, 1)
  const done = rollout(99.9999)
  for (let i = 0; i < 10; i++) assert.equal(xhr(done)!.version, 1)
  assert.equal(ask(done, ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'iframe'])!.version, 1)
  assert.equal(page(done)!.version, 2)
  assert.equal(xhr(done)!.version, 2)
})

test('a page of an old version whose share became 0 is served by it while it lives', () => {
  const { page, xhr } = browser(gateway().visitors)
  assert.equal(page(rollout(0.0001))!.version, 1)
  const over = [instance('old-1', { version: 1 }), instance('new', { version: 2 })]
  assert.equal(xhr(over)!.version, 1)
  assert.equal(xhr(over.slice(1))!.version, 2)
  assert.equal(page(over)!.version, 2)
  assert.equal(xhr(over)!.version, 2)
})

test('a pin to a version that went away does not mix versions when it returns', () => {
  const { page, xhr } = browser(gateway().visitors)
  assert.equal(page(rollout(99.9999))!.version, 2)
  const old = [instance('old-1', { version: 1, weight: 100 })]
  assert.equal(page(old)!.version, 1)
  assert.equal(xhr([...old, instance('next', { version: 2, weight: 0 })])!.version, 1)
})

test('a page only the new version has keeps its requests in the new version', () => {
  const { page, xhr } = browser(gateway().visitors)
  assert.equal(page(rollout(0.0001))!.version, 1)
  assert.equal(page(rollout(0.0001).slice(2))!.version, 2)
  assert.equal(xhr(rollout(0.0001))!.version, 2)
})

test('callers who keep no cookies are spread by share', () => {
  const { visitors } = gateway()
  const candidates = rollout(30)
  let fresh = 0
  for (let i = 0; i < 5000; i++) if (browser(visitors).xhr(candidates)!.version === 2) fresh++
  assert.ok(Math.abs(fresh - 1500) < 160, `${fresh} of 5000`)
})

test('when nobody of a version can serve, another version does, and the visitor stays there', () => {
  const { vitals, visitors } = gateway()
  const { page, xhr } = browser(visitors)
  const candidates = rollout(99.9999)
  vitals.rest('new')
  assert.equal(page(candidates)!.version, 1)
  vitals.revive('new')
  assert.equal(xhr(candidates)!.version, 1)
  assert.equal(page(candidates)!.version, 2)
})

test('a version without a share serves before nobody does', () => {
  const { vitals, visitors } = gateway()
  const { page } = browser(visitors)
  const candidates = [instance('old', { version: 1 }), instance('new', { version: 2 })]
  assert.equal(page(candidates)!.id, 'new')
  assert.equal(page(candidates, { tried: [candidates[1]!] })!.id, 'old')
  vitals.rest('old')
  vitals.rest('new')
  assert.equal(page(candidates), undefined)
  assert.equal(page([]), undefined)
})

const medusa = ['one-1', 'one-2', 'one-3'].map((id) => instance(id, { service: 'one', affinity: true }))
const ONE = { service: 'one' }

test('page, files and socket of a Medusa visitor reach the same instance', () => {
  const { visitors } = gateway()
  for (let i = 0; i < 30; i++) {
    const { jar, page, xhr } = browser(visitors)
    const { id } = page(medusa, ONE)!
    for (let j = 0; j < 5; j++) assert.equal((j % 2 ? page : xhr)(medusa, ONE)!.id, id)
    assert.equal(jar.sets, 1)
  }
})

test('a visitor of the only instance stays there when a second one starts', () => {
  const { page, xhr } = browser(gateway().visitors)
  assert.equal(page(medusa.slice(1, 2), ONE)!.id, 'one-2')
  for (let i = 0; i < 20; i++) assert.equal(xhr(medusa, ONE)!.id, 'one-2')
})

test('a Medusa request without a cookie is served all the same and sets none', () => {
  const { jar, xhr, ask } = browser(gateway().visitors)
  assert.ok(xhr(medusa, ONE))
  assert.ok(ask(medusa, [], ONE))
  assert.equal(jar.sets, 0)
})

test('when the instance of a visitor dies the next page pins another', () => {
  const { vitals, visitors } = gateway()
  const { jar, page, xhr } = browser(visitors)
  const { id } = page(medusa, ONE)!
  vitals.rest(id)
  const next = page(medusa, ONE)!.id
  assert.notEqual(next, id)
  vitals.revive(id)
  for (let i = 0; i < 10; i++) assert.equal(xhr(medusa, ONE)!.id, next)
  assert.equal(jar.sets, 2)
})

test('state in memory counts for more than a newer version', () => {
  const { page } = browser(gateway().visitors)
  const old = instance('old', { version: 1, affinity: true })
  assert.equal(page([old]), old)
  const candidates = [old, instance('new', { version: 2, affinity: true })]
  assert.equal(page(candidates), old)
  assert.equal(browser(gateway().visitors).page(candidates)!.id, 'new')
})

test('two Medusa services of a group: the service is drawn once, its instance kept, its own paths included', () => {
  const { visitors } = gateway()
  const asIs = ['a1', 'a2'].map((id) => instance(id, { service: 'shop', affinity: true, weight: 50 }))
  const next = ['b1', 'b2'].map((id) => instance(id, { service: 'shop-next', affinity: true, weight: 50 }))
  const group = [...asIs, ...next]
  const SHARED = { service: 'shop', group: ['shop', 'shop-next'] }
  const seen = new Set<string>()
  for (let i = 0; i < 60; i++) {
    const { page, xhr } = browser(visitors)
    const { id, service } = page(group, SHARED)!
    seen.add(service)
    const own = service === 'shop' ? asIs : next
    assert.equal(xhr(own, { service })!.id, id)
    // A visit to the other service's own page does not change who serves the shared ones.
    const other = service === 'shop' ? next : asIs
    page(other, { service: other[0]!.service })
    assert.equal(page(group, SHARED)!.id, id)
    assert.equal(xhr(group, SHARED)!.id, id)
  }
  assert.equal(seen.size, 2)
})

test('an answer for everybody carries no cookie of one visitor', () => {
  const { jar, page } = browser(gateway().visitors)
  assert.ok(page(medusa, { ...ONE, answer: ['Cache-Control', 'public, max-age=60'] }))
  assert.equal(jar.sets, 0)
  page(medusa, { ...ONE, answer: ['Cache-Control', 'no-cache, no-store, max-age=0'] })
  assert.equal(jar.sets, 1)
})

test('an instance that fails ties nobody to it', () => {
  const { jar, page } = browser(gateway().visitors)
  assert.ok(page(medusa, { ...ONE, status: 500 }))
  assert.equal(jar.sets, 0)
})

test('over TLS the cookie is for TLS', () => {
  const { jar, page } = browser(gateway().visitors)
  page(medusa, { ...ONE, secure: true })
  assert.equal(jar.sets, 1)
})

test('a forged cookie is as none, is counted, and is replaced by a good one', () => {
  const { visitors, counted } = gateway()
  const { jar, page, xhr } = browser(visitors)
  jar.cookie = `HYDRA-ROUTE=1.${'x'.repeat(16)}.i:one:one-2.${'y'.repeat(22)}`
  const seen = new Set(Array.from({ length: 100 }, () => xhr(medusa, ONE)!.id))
  assert.equal(seen.size, 3)
  assert.ok(counted.includes('cookie forged'))
  const { id } = page(medusa, ONE)!
  assert.equal(xhr(medusa, ONE)!.id, id)
})

test('when the private key changes, visitors stay where they are and get a cookie of the new key', () => {
  const { jar, page } = browser(gateway(['old']).visitors)
  const { id } = page(medusa, ONE)!
  const during = browser(gateway(['new', 'old']).visitors)
  during.jar.cookie = jar.cookie
  assert.equal(during.page(medusa, ONE)!.id, id)
  assert.equal(during.jar.sets, 1)
  const after = browser(gateway(['new']).visitors)
  after.jar.cookie = during.jar.cookie
  assert.equal(after.page(medusa, ONE)!.id, id)
  assert.equal(after.jar.sets, 0)
})

test('a visitor of more services than a cookie holds keeps the latest, and the loss is counted', () => {
  const { visitors, counted } = gateway()
  const { page, xhr } = browser(visitors)
  const services = Array.from({ length: 40 }, (_, i) => `service-${i}`)
  const instances = (service: string) =>
    ['0', '1', '2', '3'].map((id) =>
      instance(`${service}-${id}`.padEnd(32, 'f'), { service, affinity: true }),
    )
  const chosen = services.map((service) => page(instances(service), { service })!.id)
  for (const i of [39, 38, 37])
    assert.equal(xhr(instances(services[i]!), { service: services[i]! })!.id, chosen[i])
  assert.ok(counted.includes('dropped 1'))
})
