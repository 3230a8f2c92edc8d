import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  applyDelta,
  type KnownOverview,
  type MenuEntry,
  MOST_PARTS,
  type Overview,
  type OverviewDelta,
  OverviewMisfit,
  type OverviewService,
  overviewDelta,
  sayParts,
} from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { readStanding, type Standing } from './overview-delta.ts'
import { partDigest } from './overview-parts.ts'
import { createToldOverviews } from './told-overview.ts'

const NAMES = ['orders', 'shop', 'stock', 'users', '42', '7', '__proto__', 'ünï "q"'] as const

const service = fc.record({ name: fc.constantFrom(...NAMES), title: fc.constantFrom('A', 'B') }).map(
  ({ name, title }): OverviewService => ({
    serviceName: name,
    state: 'available',
    available: true,
    title,
    endpoints: [{ path: `/${name}`, available: true }],
    instances: [{ id: 'i', version: 1, state: 'available' }],
  }),
)
const item = fc
  .record({ endpoint: fc.constantFrom('/a', '/b', '/c', '/d'), label: fc.constantFrom('x', 'y') })
  .map(
    ({ endpoint, label }): MenuEntry => ({
      endpoint,
      label,
      service: 'shop',
      state: 'available',
      available: true,
    }),
  )
/** Now and then something stands twice: no overview of ours does, but nothing may go wrong. */
const listOf = <Value>(value: fc.Arbitrary<Value>, name: (value: Value) => string) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.uniqueArray(value, { selector: name }) },
    { weight: 1, arbitrary: fc.array(value, { maxLength: 6 }) },
  )
const menus = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom('main', 'foot', '1', '__proto__'),
      listOf(item, ({ endpoint }) => endpoint),
    ),
    { selector: ([name]) => name },
  )
  .map((entries): Overview['menus'] => Object.fromEntries(entries))
const more: fc.Arbitrary<Partial<Overview>> = fc.constantFrom(
  {},
  { moreFragmentConflicts: 3 },
  { menuFaults: [] },
)

const overview = fc
  .record({
    services: listOf(service, ({ serviceName }) => serviceName),
    menus,
    more,
    publicKey: fc.constantFrom(null, 'spki'),
  })
  .map(
    ({ services, menus, more: { menuFaults, ...more }, publicKey }): Overview => ({
      type: 'ACTIVE_SERVERS_UPDATE',
      hash: partDigest(JSON.stringify([services, menus, menuFaults, more, publicKey])),
      services,
      menus,
      ...(menuFaults && { menuFaults }),
      publicKey,
      roleMappings: {},
      ...more,
    }),
  )

const MAPPINGS = { orders: { Clerk: 'USER' }, shop: {} }
const createTold = () =>
  createToldOverviews({ roleMappings: (service) => MAPPINGS[service as keyof typeof MAPPINGS] })
const read = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString())
const readDelta = (bytes: Uint8Array): OverviewDelta => {
  const delta = read(bytes)
  const { success, error } = overviewDelta.safeParse(delta)
  assert.ok(success, error?.message)
  return delta
}
const learn = (known: KnownOverview | undefined, bytes: Uint8Array) =>
  applyDelta(known, readDelta(bytes), partDigest)

test('whoever follows the changes has, byte for byte, what others are sent whole', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(overview, fc.constantFrom('line', 'restart', 'other service')), { maxLength: 6 }),
      (steps) => {
        let told = createTold()
        let known: KnownOverview | undefined
        let standing: Standing | undefined
        let service: 'orders' | 'shop' = 'shop'
        for (const [next, how] of steps) {
          if (how !== 'line' && known) {
            // Another gateway knows nothing but what it is told.
            told = createTold()
            if (how === 'other service') service = 'orders'
            standing = readStanding(
              known.overview.hash,
              read(Buffer.from(JSON.stringify(sayParts(known.parts!)))),
            )
          }
          const bytes = told.deltaOf(standing, next, service)
          standing = told.partsOf(next, service)
          known = learn(known, bytes)
          assert.equal(JSON.stringify(known.overview), Buffer.from(told.bytesOf(next, service)).toString())
          assert.equal(readStanding(known.overview.hash, sayParts(known.parts!))?.check, standing.check)
        }
      },
    ),
    { numRuns: 500 },
  )
})

const site = (count: number, more: (i: number) => Partial<OverviewService> = () => ({})): Overview => {
  const names = Array.from({ length: count }, (_, i) => `service-${String(i).padStart(3, '0')}`)
  const services = names.map(
    (serviceName, i): OverviewService => ({
      serviceName,
      state: 'available',
      available: true,
      endpoints: Array.from({ length: 8 }, (_, n) => ({ path: `/${serviceName}/${n}`, available: true })),
      instances: [{ id: 'i', version: 1, state: 'available' }],
      ...more(i),
    }),
  )
  const main = services.map(({ serviceName, state, available }) => ({
    ...{ endpoint: `/${serviceName}`, label: serviceName, service: serviceName },
    ...{ state: state === 'down' ? ('down' as const) : ('available' as const), available },
  }))
  const hash = partDigest(JSON.stringify([services, main]))
  return { type: 'ACTIVE_SERVERS_UPDATE', hash, services, menus: { main }, publicKey: null, roleMappings: {} }
}

test('a change of one of 300 services costs a service and a menu item, and what stays are the same objects', () => {
  const told = createTold()
  const before = site(300)
  const after = site(300, (i) => (i === 7 ? { state: 'down', available: false } : {}))
  const known = learn(undefined, told.deltaOf(undefined, before, undefined))
  const standing = told.partsOf(before, undefined)
  const bytes = told.deltaOf(standing, after, undefined)
  assert.ok(bytes.length < 1500, `${bytes.length} bytes`)
  assert.equal(told.deltaOf(standing, after, undefined), bytes, 'made once for all that stand there')
  const next = learn(known, bytes)
  assert.deepEqual(next.overview, after)
  assert.notEqual(next.overview.services[7], known.overview.services[7])
  assert.equal(next.overview.services[8], known.overview.services[8])
  assert.equal(next.overview.menus.main![8], known.overview.menus.main![8])
  const again = learn(
    next,
    told.deltaOf(told.partsOf(after, undefined), { ...after, hash: 'weights' }, undefined),
  )
  assert.equal(
    again.overview.services,
    next.overview.services,
    'weights are news without a part that changed',
  )
  assert.equal(again.overview.menus, next.overview.menus)
})

test('after a restart only what differs is sent, and lines that know the same share one text', () => {
  const before = site(300)
  const { parts, overview } = learn(undefined, createTold().deltaOf(undefined, before, undefined))
  const told = createTold()
  const after = site(300, (i) => (i === 7 ? { title: 'Seven' } : {}))
  const standings = [1, 2].map(() =>
    told.shared(readStanding(overview.hash, read(Buffer.from(JSON.stringify(sayParts(parts!)))))!),
  )
  assert.equal(standings[0], standings[1])
  const bytes = told.deltaOf(standings[0], after, undefined)
  assert.ok(bytes.length < 1200, `${bytes.length} bytes`)
  assert.equal(told.deltaOf(standings[1], after, undefined), bytes)
})

test('a change that does not fit is noticed', () => {
  const told = createTold()
  const [first, second] = [site(3), site(4)]
  const known = learn(undefined, told.deltaOf(undefined, first, undefined))
  const delta = readDelta(told.deltaOf(told.partsOf(first, undefined), second, undefined))
  const tries: [KnownOverview | undefined, OverviewDelta][] = [
    [undefined, delta],
    [{ overview: known.overview }, delta],
    [known, { ...delta, from: 'another' }],
    [known, { ...delta, check: 'another' }],
    [known, { ...delta, services: { set: [], order: ['nobody'] } }],
    [known, { ...delta, menus: { set: [{ name: 'new', hash: 'h', change: { set: [] } }] } }],
  ]
  for (const [from, wrong] of tries) assert.throws(() => applyDelta(from, wrong, partDigest), OverviewMisfit)
  assert.deepEqual(applyDelta(known, delta, partDigest).overview, second)
})

test('parts that are none are refused in words; more than are compared are none', () => {
  for (const [parts, message] of [
    ['all', 'parts must be an object'],
    [{ services: {} }, 'parts.services must be pairs of name and hash'],
    [{ services: [['a', 'b'], ['a']] }, 'parts.services[1] must be a pair of name and hash'],
    [{ menus: [['a', 1]] }, 'parts.menus[0] must be a pair of name and hash'],
    [{ services: [['a', 'x'.repeat(101)]] }, 'parts.services[0] must be a pair of name and hash'],
    [{ rest: 5 }, 'parts.rest must be a hash'],
  ] as const)
    assert.throws(() => readStanding('h', parts), { message })
  const many = Array.from({ length: MOST_PARTS + 1 }, (_, i) => [`s${i}`, 'h'])
  assert.equal(readStanding('h', { services: many, rest: 'r' }), undefined)
  assert.ok(readStanding('h', { services: many.slice(1), rest: 'r' }))
  const long = Array.from({ length: 600 }, (_, i) => [`${i}${'x'.repeat(950)}`, 'h'])
  assert.equal(readStanding('h', { services: long, rest: 'r' }), undefined)
  assert.equal(readStanding('h', {}), undefined)
  assert.equal(readStanding(null, { rest: 'r' }), undefined)
})
