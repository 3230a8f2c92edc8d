import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MenuEntry, type Menus, parsePattern } from '@hydra-gateway/protocol'
import { refusalOf } from '../identity/access.ts'
import type { Caller } from '../identity/port.ts'
import type { HealthOf } from '../routing/link-state.ts'
import type { Live } from '../routing/live.ts'
import type { RouteSpec } from '../routing/route.ts'
import { emptyTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import { createVitals } from '../routing/vitals.ts'
import { createSiteMenus, type SiteMenusDeps } from './site-menus.ts'

const entry = (endpoint: string, more: Partial<MenuEntry> = {}): MenuEntry => ({
  ...{ endpoint, label: endpoint, service: 'shop', state: 'available', available: true },
  ...more,
})
const caller = (...roles: string[]): Caller =>
  ({ identities: [{ provider: 'local', roles }], providers: ['local'] }) as unknown as Caller

const ADMIN = [{ service: 'shop', auth: 'required' as const, roles: ['ADMIN'] }]

function setUp({ hasIdentity = true, ...more }: Partial<SiteMenusDeps> & { hasIdentity?: boolean } = {}) {
  const routes = (
    [
      ['/open'],
      ['/mine', { auth: 'required' }],
      ['/admin/{page}', { auth: 'required', roles: ['ADMIN'] }],
      ['/here', { host: 'here.example' }],
      ['/{any*}', { host: 'all.example' }],
      ['/kept/{x}', { encodedSlash: 'keep' }],
      ['/form', { methods: ['POST'] }],
    ] as [path: string, more?: Partial<RouteSpec>][]
  ).flatMap(([path, more]) =>
    parsePattern(path).patterns.map((pattern): RouteSpec => ({ pattern, kind: 'page', ...more })),
  )
  const live: Live = {
    table: emptyTable().withService({
      service: { name: 'shop', title: 'Shop', channel: 'rsocket' },
      rank: 1,
      manifests: [{ hash: 'm', routes }],
      instances: [{ id: 'one', service: 'shop', manifest: 'm' } as unknown as Instance],
    }),
  }
  const vitals = createVitals()
  const revoked = new Set<Caller>()
  const listeners: (() => void)[] = []
  let current = { hash: 'a', menus: {} as Menus }
  const menus = createSiteMenus({
    overview: () => current,
    onOverview: (listener) => {
      listeners.push(listener)
      return () => {}
    },
    live,
    vitals,
    ...(hasIdentity && {
      identity: {
        isRevoked: (one: Caller) => revoked.has(one),
        judge: (one: Caller | undefined, _: string, access: object) => refusalOf(one, access, () => ({})),
      },
    }),
    ...more,
  })
  const announce = (said: Menus = current.menus, hash = `${current.hash}+`): void => {
    current = { hash, menus: said }
    for (const listener of listeners) listener()
  }
  return { menus, vitals, revoked, announce, live }
}

const paths = (view: { items: readonly { path: string }[] } | undefined) =>
  view?.items.map(({ path }) => path)

const CLOSED = { state: 'closed', reason: 'This is not open to you' }

test('a link says to each visitor what is true for them, and nothing of what is closed', () => {
  const { menus, vitals } = setUp()
  const link = (path: string, who?: Caller, host = 'localhost') => menus.link(path, host, who)
  assert.deepEqual(link('/open?x#y'), { state: 'available' })
  assert.deepEqual(link('/mine'), { state: 'available' }, 'it takes them to the sign-in')
  assert.deepEqual(link('/admin/users', caller()), CLOSED)
  assert.deepEqual(link('/admin/users', caller('ADMIN')), { state: 'available' })
  vitals.rest('one')
  const away = { state: 'down', reason: 'Shop is away for a moment' }
  assert.deepEqual(link('/open'), away)
  assert.deepEqual(link('/mine'), { state: 'available' }, 'how it is behind the sign-in is nobody else’s')
  assert.deepEqual(link('/mine', caller()), away)
  assert.deepEqual(link('/admin/users', caller()), CLOSED)
  for (const path of ['/nowhere', 'javascript:x', '//open', '/login', '/_hydra/x', '/form', ''])
    assert.equal(link(path), undefined, path)
  assert.equal(link('/here'), undefined)
  assert.deepEqual(link('/here', undefined, 'here.example'), away)
  assert.equal(link('/login', undefined, 'all.example'), undefined, 'a service never gets it')
  assert.equal(link('/_hydra/live', undefined, 'all.example'), undefined)
  assert.deepEqual(link('/kept/a%2fb'), away)
  assert.equal(link('/open%2fx'), undefined)
})

test('a service that serves badly is said so', () => {
  let health: ReturnType<HealthOf> = 'degraded'
  const { menus } = setUp({ healthOf: () => health })
  assert.deepEqual(menus.link('/open', '', undefined), {
    state: 'degraded',
    reason: 'Shop is slower than usual',
  })
  health = 'failing'
  assert.deepEqual(menus.link('/open', '', undefined), {
    state: 'degraded',
    reason: 'Shop has trouble at the moment',
  })
  health = 'available'
  assert.deepEqual(menus.link('/open', '', undefined), { state: 'available' })
})

test('visitors of one audience share a view, and it is the same until it shows something else', () => {
  const { menus, announce } = setUp()
  const main = [entry('/open'), entry('/admin/x', { demands: ADMIN })]
  announce({ main })
  const open = menus.view('main', undefined)
  assert.deepEqual(paths(open), ['/open'])
  assert.equal(menus.view('main', caller('x'))?.items.length, 1)
  const admins = menus.view('main', caller('ADMIN', 'x'))
  assert.deepEqual(paths(admins), ['/open', '/admin/x'])
  assert.equal(menus.view('main', caller('x', 'ADMIN', 'x')), admins)
  assert.equal(
    menus.audienceOf(caller('x', 'ADMIN')),
    menus.audienceOf({ ...caller('ADMIN', 'x'), token: 'other' } as Caller),
  )
  assert.equal(menus.audienceOf(undefined), '')
  assert.throws(() => (admins!.items as unknown[]).push(1), TypeError)

  announce({ main: [entry('/open'), entry('/admin/y', { demands: ADMIN })] })
  assert.equal(menus.view('main', undefined), open, 'nothing changed for them')
  assert.notEqual(menus.view('main', caller('ADMIN', 'x')), admins)
  assert.deepEqual(menus.names(undefined), ['main'])
  announce({ main: [entry('/admin/y', { demands: ADMIN })] })
  assert.deepEqual(menus.names(undefined), [])
  assert.deepEqual(menus.names(caller('ADMIN')), ['main'])
  announce({})
  assert.deepEqual(menus.view('main', undefined)?.items, [], 'what was there once is empty')
  for (const name of ['other', 'constructor', '__proto__'])
    assert.equal(menus.view(name, undefined), undefined)
})

test('whose session was ended sees what nobody in particular sees, and so does nobody else', () => {
  const { menus, announce, revoked } = setUp()
  announce({ main: [entry('/admin/x', { demands: ADMIN })] })
  const mira = caller('ADMIN')
  revoked.add(mira)
  assert.deepEqual(paths(menus.view('main', mira)), [])
  assert.equal(menus.audienceOf(mira), '')
  assert.deepEqual(menus.link('/admin/x', '', mira), { state: 'available' })
  assert.deepEqual(paths(menus.view('main', caller('ADMIN'))), ['/admin/x'])
})

test('where nobody can sign in, what is for some is for none', () => {
  const { menus, announce } = setUp({ hasIdentity: false })
  announce({ main: [entry('/open'), entry('/mine', { demands: ADMIN, signedOut: 'show' })] })
  assert.deepEqual(paths(menus.view('main', undefined)), ['/open'])
  assert.deepEqual(menus.link('/mine', '', undefined), CLOSED)
})

test('who must sign in sees an item that is shown to them, in no state, and never its hidden parent', () => {
  const { menus, announce } = setUp()
  const down = { state: 'down' as const, available: false, reason: 'Shop is away for a moment' }
  announce({
    main: [
      entry('/admin/x', { demands: ADMIN }),
      entry('/open', { parent: '/admin/x', ...down }),
      entry('/mine', { parent: '/open', demands: ADMIN, signedOut: 'show', ...down }),
    ],
  })
  assert.deepEqual(menus.view('main', undefined)?.items, [
    { path: '/open', label: '/open', state: 'down', reason: down.reason },
    { path: '/mine', label: '/mine', parent: '/open', state: 'available' },
  ])
  assert.deepEqual(paths(menus.view('main', caller())), ['/open'])
})

test('whoever listens is told once of each announcement that changes something, or may', () => {
  const { menus, announce, live } = setUp()
  let told = 0
  const stop = menus.onChange(() => told++)
  const before = menus.revision
  announce(undefined, 'a')
  assert.equal(told, 0, 'the same overview, the same table')
  announce({ main: [] })
  assert.ok(menus.revision > before, 'somebody looked')
  announce(undefined, 'a+')
  assert.equal(told, 1)
  live.table = live.table.withoutService('shop')
  assert.ok(menus.revision > before + 1, 'links are of the table as it is now')
  announce(undefined, 'a+')
  assert.equal(told, 2, 'and are told with the next announcement')
  stop()
  announce({})
  assert.equal(told, 2)
})

test('views of ever new audiences are not kept for ever', () => {
  const { menus, announce } = setUp()
  announce({ main: [entry('/open')] })
  const first = menus.view('main', caller('0'))
  const last = menus.view('main', caller('600'))
  for (let at = 1; at < 600; at++) menus.view('main', caller(String(at)))
  assert.deepEqual(menus.view('main', caller('0')), first)
  assert.notEqual(menus.view('main', caller('0')), first)
  assert.notEqual(menus.view('main', caller('600')), last)
})

test('views of many audiences are kept while they are small, and large ones of those alone who asked lately', () => {
  const { menus, announce } = setUp()
  const people = Array.from({ length: 60 }, (_, i) => caller(`R${i}`))
  const large = Array.from({ length: 10_000 }, (_, i) => entry(`/open/${i}`))
  announce({ large, small: [entry('/open')] })
  const isKept = (name: string, who: Caller, before: unknown) => menus.view(name, who) === before
  const small = people.map((who) => menus.view('small', who))
  assert.ok(people.every((who, i) => isKept('small', who, small[i])))
  const views = people.map((who) => menus.view('large', who))
  assert.ok(isKept('large', people.at(-1)!, views.at(-1)))
  assert.ok(isKept('large', people.at(-40)!, views.at(-40)))
  assert.ok(!isKept('large', people[0]!, views[0]), 'it was asked for longest ago')
  assert.deepEqual(menus.view('large', people[0]), views[0])
})
