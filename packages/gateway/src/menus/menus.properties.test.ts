import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MenuItem, registration } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { createAdmission } from '../address/admission.ts'
import { refusalOf } from '../identity/access.ts'
import { NO_IDENTITY } from '../identity/no-identity.ts'
import type { Caller } from '../identity/port.ts'
import { createLog } from '../observe/log.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { createRegistry } from '../registry/registry.ts'
import type { Live } from '../routing/live.ts'
import { emptyTable } from '../routing/table.ts'
import { createVitals } from '../routing/vitals.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createSiteMenus } from './site-menus.ts'
import { ACCESS, ReferenceSite, type Said, type Who } from './testing/reference-site.ts'

const MAX_ITEMS = 6
const SERVICES = ['catalog', 'orders', 'stock'] as const
const PATHS = ['/a', '/b', '/c', '/d'] as const
/** `boss` is called A at the orders, and nowhere else. */
const MAPPINGS: Record<string, Record<string, string>> = { orders: { boss: 'a' } }

const AUDIENCES: readonly Who[] = [
  undefined,
  [{ provider: 'local', roles: [] }],
  [{ provider: 'local', roles: ['A'] }],
  [{ provider: 'local', roles: ['b'] }],
  [{ provider: 'local', roles: ['boss'] }],
  [
    { provider: 'local', roles: ['A'] },
    { provider: 'corp', roles: ['B'] },
  ],
  [
    { provider: 'local', roles: [] },
    { provider: 'corp', roles: ['A'] },
  ],
]

const endpoint = fc.constantFrom(
  ...[...PATHS, ...PATHS],
  ...['/a?x=1', '/e', 'javascript:alert(1)', '//elsewhere', '/a{id}', '\\a'],
)
const item: fc.Arbitrary<MenuItem> = fc
  .record(
    {
      endpoint,
      label: fc.constantFrom('One', 'Two', '<b>Three</b>'),
      icon: fc.constant('star'),
      order: fc.constantFrom(1, 1, 2, -3),
      group: fc.constantFrom('Group', 'Other'),
      parent: fc.constantFrom(...PATHS, '/e', 'nonsense'),
      roles: fc.constantFrom(['A'], ['B', 'A']),
      signedOut: fc.constantFrom('show' as const, 'hide' as const),
    },
    { requiredKeys: ['endpoint', 'label'] },
  )
  .map((one) => one as MenuItem)
const menuItems = fc.dictionary(
  fc.constantFrom('main', 'account'),
  fc.array(item, { minLength: 1, maxLength: 5 }),
  { noNullPrototype: true },
)
const said: fc.Arbitrary<Said> = fc.record({
  version: fc.integer({ min: 1, max: 3 }),
  title: fc.constantFrom('Things', undefined as unknown as string),
  routes: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...PATHS), fc.nat(ACCESS.length - 1)), {
      selector: ([path]) => path,
      maxLength: 3,
    })
    .map((routes) => new Map([...routes].sort(([a], [b]) => (a < b ? -1 : 1)))),
  menuItems,
})
const process = fc.record({ service: fc.constantFrom(...SERVICES), slot: fc.constantFrom(1, 2) })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('register' as const), at: process, said }) },
  ...(
    ['suspend', 'beat', 'rest', 'revive', 'drain', 'resume', 'leave', 'leave for good', 'forget'] as const
  ).map((kind) => fc.record({ kind: fc.constant(kind), at: process })),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), at: process }) },
)

test('whatever services do, everybody sees the menus and links a simple model gives them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const { registry, menus, apply, settle, stop } = openSite()
      const model = new ReferenceSite({ maxItems: MAX_ITEMS, mappings: MAPPINGS })
      let changes = 0
      menus.onChange(() => changes++)
      let before: unknown
      for (const one of steps) {
        const changesBefore = changes
        await apply(one, model)
        settle()
        const seen = AUDIENCES.map((who) => {
          const caller = callerOf(who)
          const names = ['main', 'account'].map((name) => {
            const view = menus.view(name, caller)
            assert.equal(menus.view(name, callerOf(who)), view, 'the same object for the same audience')
            // A menu that was there once is empty, and was never there for the model.
            assert.deepEqual(view?.items ?? [], model.menu(name, who) ?? [])
            return view
          })
          const links = [...PATHS, '/a?x=1', '/e'].map((path) => {
            const link = menus.link(path, 'localhost', caller)
            assert.deepEqual(link, model.link(path, who), path)
            return link
          })
          return [names, links]
        })
        if (before !== undefined && JSON.stringify(before) !== JSON.stringify(seen))
          assert.ok(changes > changesBefore, 'whoever listens is told')
        before = seen
        const faults = registry.menuFaults().listed.filter(({ fault }) => fault !== 'surplus')
        const found = faults.map(({ fault, service, menu, endpoint }) =>
          [fault, service, menu, endpoint].join(' '),
        )
        const expected = model.faults()
        const isCut = registry.menuFaults().listed.length > faults.length
        // Those of items beyond the last place are not looked for.
        if (!isCut) assert.deepEqual([...new Set(found)].sort(), expected)
        else for (const each of found) assert.ok(expected.includes(each), each)
      }
      stop()
    }),
    { numRuns: 300 },
  )
})

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

function openSite() {
  const clock = createManualClock()
  const live: Live = { table: emptyTable() }
  const vitals = createVitals()
  const registry = createRegistry({
    settings: {
      ...{ maxRoutes: 100, maxInstances: 100, leaseMs: 1e12, checkMs: 250, resumeMs: 1000 },
      ...{ forgetAfterMs: 1e12, takeoverAfterMs: 1e12 },
    },
    store: createMemoryStore({ clock }),
    admission: createAdmission({ registrationFrom: ['loopback'], upstreamsAllow: ['loopback'] }),
    vitals,
    table: () => live.table,
    publish: (change) => {
      live.table =
        'forgotten' in change ? live.table.withoutService(change.forgotten) : live.table.withService(change)
    },
    node: 'a',
    identity: { ...NO_IDENTITY, isOn: true, roleMappings },
    menus: { settings: { maxItems: MAX_ITEMS } },
    clock,
    log: createLog('silent'),
  })
  const menus = createSiteMenus({
    overview: registry.latestOverview,
    onOverview: registry.onOverview,
    live,
    vitals,
    identity: {
      isRevoked: () => false,
      judge: (caller, service, access) => refusalOf(caller, access, () => roleMappings(service)),
    },
  })
  /** Nobody comes back while they are only looked at. */
  const settle = (): void => clock.advance(10)

  async function apply({ kind, at, ...more }: Step, model: ReferenceSite): Promise<void> {
    const { service, slot } = at
    const number = SERVICES.indexOf(service) * 10 + slot
    const id = number.toString(16).padStart(32, '0')
    switch (kind) {
      case 'register': {
        const { said } = more as { said: Said }
        model.register(service, id, said)
        const { version, title, routes, menuItems } = said
        const bean = registration.parse({
          ...{ name: service, host: '127.0.0.1', port: 3000 + number, instanceId: id, protocol: 1 },
          ...{ version, menuItems, ...(title && { title }) },
          routes: [...routes].map(([path, rung]) => ({ path, ...ACCESS[rung] })),
        })
        await registry.register(bean, { channel: 'rsocket', peer: '127.0.0.1' })
        return
      }
      case 'suspend':
        model.suspend(id)
        return registry.suspend(id, 'channel closed')
      case 'beat':
        model.beat(id)
        return void registry.beat(id)
      case 'rest':
        model.rest(id, true)
        if (isKnown(id)) vitals.rest(id)
        return
      case 'revive':
        model.rest(id, false)
        if (isKnown(id)) vitals.revive(id)
        return
      case 'drain':
        model.drain(id, true)
        return void registry.drain(id, 'an operator drains it')
      case 'resume':
        model.drain(id, false)
        return void registry.resume(id, 'an operator put it back')
      case 'wait':
        model.lapse()
        return clock.advance(1500)
      case 'leave':
      case 'leave for good': {
        const forget = kind === 'leave for good'
        model.deregister(id, forget)
        return void registry.deregister(id, { forget })
      }
      case 'forget':
        model.forget(service)
        return void registry.forget(service)
    }
  }
  const isKnown = (id: string): boolean => [...registry.entries()].some(({ members }) => members.has(id))
  return { registry, menus, apply, settle, stop: registry.stop }
}

function roleMappings(service: string): Readonly<Record<string, string>> {
  return MAPPINGS[service] ?? {}
}

function callerOf(who: Who): Caller | undefined {
  if (!who) return undefined
  return { identities: who, providers: who.map(({ provider }) => provider) } as unknown as Caller
}
