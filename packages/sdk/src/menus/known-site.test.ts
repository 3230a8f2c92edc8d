import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MenuDemand, MenuEntry, Overview } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import type { Visitor } from './demands.ts'
import { compileKnownSite } from './known-site.ts'

const entry = (endpoint: string, more: Partial<MenuEntry> = {}): MenuEntry => ({
  endpoint,
  label: endpoint.slice(1),
  service: 'shop',
  state: 'available',
  available: true,
  ...more,
})
const services = (
  ...all: (Partial<Overview['services'][number]> & { serviceName: string })[]
): Overview['services'] =>
  all.map((one) => ({ state: 'available', available: true, instances: [], endpoints: [], ...one }))
const siteOf = (main: readonly MenuEntry[], known = services({ serviceName: 'shop' })) =>
  compileKnownSite({ services: known, menus: { main: [...main] } })
const visitor = (roles: readonly string[], idp: readonly string[] = ['local']): Visitor =>
  ({ claims: { roles, idp }, provider: idp[0] ?? 'local' }) as unknown as Visitor
const paths = (site: ReturnType<typeof siteOf>, who?: Visitor) =>
  site.menu('main', who)?.map(({ path }) => path)

test('an item is seen by who meets all of its demands, and by nobody else', () => {
  const site = siteOf([
    entry('/all'),
    entry('/mine', { demands: [{ service: 'shop', auth: 'required' }] }),
    entry('/staff', { demands: [{ service: 'shop', roles: ['Staff'] }] }),
    entry('/both', {
      demands: [
        { service: 'shop', roles: ['staff'] },
        { service: 'shop', roles: ['EDITOR'] },
      ],
    }),
    entry('/corp', { demands: [{ service: 'shop', providers: ['corp'] }] }),
  ])
  assert.deepEqual(paths(site), ['/all'])
  assert.deepEqual(paths(site, visitor([])), ['/all', '/mine'])
  assert.deepEqual(paths(site, visitor(['STAFF'])), ['/all', '/mine', '/staff'])
  assert.deepEqual(paths(site, visitor(['staff', 'editor'])), ['/all', '/mine', '/staff', '/both'])
  assert.deepEqual(paths(site, visitor([], ['local', 'corp'])), ['/all', '/mine', '/corp'])
})

test('roles are those of the service that asks for them', () => {
  const known = services({ serviceName: 'shop', roleMappings: { MANAGER: 'ADMIN' } }, { serviceName: 'desk' })
  const admin = (service: string) => [{ service, roles: ['ADMIN'] }]
  const site = siteOf(
    [
      entry('/shop', { demands: admin('shop') }),
      entry('/desk', { demands: admin('desk') }),
      entry('/gone', { demands: admin('nobody-knows-it') }),
    ],
    known,
  )
  assert.deepEqual(paths(site, visitor(['MANAGER'])), ['/shop'])
  assert.deepEqual(paths(site, visitor(['ADMIN'])), ['/shop', '/desk'])
})

test('roles one provider gave do not count where another one is asked for', () => {
  const demands = [{ service: 'shop', roles: ['ADMIN'], providers: ['corp'] }]
  const site = siteOf([entry('/x', { demands })])
  assert.deepEqual(paths(site, visitor(['ADMIN'], ['local', 'corp'])), [])
  assert.deepEqual(paths(site, visitor(['ADMIN'], ['corp', 'local'])), ['/x'])
})

test('an item to sign in for is shown to the signed out where it says so, and never how it is', () => {
  const demands = [{ service: 'shop', roles: ['STAFF'] }]
  const down = { state: 'down', available: false, reason: 'Desk is away for a moment' } as const
  const site = siteOf([entry('/desk', { demands, ...down, signedOut: 'show' }), entry('/x', { demands })])
  assert.deepEqual(site.menu('main', undefined), [{ path: '/desk', label: 'desk', state: 'available' }])
  assert.deepEqual(site.menu('main', visitor([])), [])
  assert.deepEqual(site.menu('main', visitor(['STAFF']))?.[0], {
    path: '/desk',
    label: 'desk',
    state: 'down',
    reason: 'Desk is away for a moment',
  })
})

test('an item below one that is not seen stands at the top, without a word of it', () => {
  const site = siteOf([
    entry('/admin', { demands: [{ service: 'shop', auth: 'required' }] }),
    entry('/admin/help', { parent: '/admin' }),
  ])
  assert.deepEqual(site.menu('main', undefined), [
    { path: '/admin/help', label: 'admin/help', state: 'available' },
  ])
  assert.equal(site.menu('main', visitor([]))?.[1]?.parent, '/admin')
})

test('a word of a later version closes', () => {
  const demands = [{ service: 'shop', auth: 'fresh' as 'required' }]
  assert.deepEqual(paths(siteOf([entry('/x', { demands })])), [])
})

test('an address that leaves the site is left out, whoever let it in', () => {
  assert.deepEqual(paths(siteOf([entry('javascript:alert(1)'), entry('//evil.example'), entry('/x')])), [
    '/x',
  ])
})

test('a menu nobody knows is not there; one that only an object would have neither', () => {
  const site = siteOf([])
  assert.equal(site.menu('none', undefined), undefined)
  assert.equal(site.menu('__proto__', undefined), undefined)
  assert.equal(site.menu('constructor', undefined), undefined)
  assert.deepEqual(site.menu('main', undefined), [])
})

test('the same visitors get the same list, until it changes', () => {
  const site = siteOf([entry('/x')])
  assert.equal(site.menu('main', visitor(['A', 'B'])), site.menu('main', visitor(['B', 'A'])))
  for (let at = 0; at < 500; at++) site.menu('main', visitor([`R${at}`]))
  assert.deepEqual(paths(site, visitor(['R1'])), ['/x'])
})

test('links: closed for who may not, no word of its state for who must sign in, as it is for the others', () => {
  const staff = [{ service: 'desk', roles: ['STAFF'] }]
  const site = siteOf(
    [],
    services({
      serviceName: 'desk',
      title: 'Desk',
      endpoints: [
        { path: '/desk', available: false, state: 'down', demands: staff },
        { path: '/slow', available: true, state: 'degraded' },
      ],
    }),
  )
  assert.deepEqual(site.link('/desk', undefined), { state: 'available' })
  assert.deepEqual(site.link('/desk', visitor([])), {
    state: 'closed',
    reason: 'This is not open to you',
  })
  assert.deepEqual(site.link('/desk', visitor(['STAFF'])), {
    state: 'down',
    reason: 'Desk is away for a moment',
  })
  assert.deepEqual(site.link('/slow', undefined), { state: 'degraded', reason: 'Desk is slower than usual' })
  assert.equal(site.link('/else', undefined), undefined)
})

test('whatever the demands and whoever looks, nobody is shown what one of them keeps from them', () => {
  const role = fc.constantFrom('A', 'B', 'C')
  const provider = fc.constantFrom('local', 'corp')
  const demand = fc.record(
    {
      service: fc.constantFrom('shop', 'desk', 'gone'),
      auth: fc.constantFrom('optional' as const, 'required' as const),
      roles: fc.uniqueArray(role, { minLength: 1 }),
      providers: fc.uniqueArray(provider, { minLength: 1 }),
    },
    { requiredKeys: ['service'] },
  )
  const who = fc.option(
    fc.record({ roles: fc.uniqueArray(role), idp: fc.uniqueArray(provider, { minLength: 1 }) }),
    {
      nil: undefined,
    },
  )
  const known = services({ serviceName: 'shop', roleMappings: { A: 'B' } }, { serviceName: 'desk' })
  const named: Record<string, Record<string, string>> = { shop: { A: 'B' }, desk: {} }
  fc.assert(
    fc.property(fc.array(fc.array(demand, { maxLength: 2 }), { maxLength: 5 }), who, (all, looks) => {
      const items = all.map((demands, at) => entry(`/${at}`, { demands: demands as MenuDemand[] }))
      const shown = new Set(paths(siteOf(items, known), looks && visitor(looks.roles, looks.idp)))
      for (const [at, demands] of all.entries()) {
        const isOpen = demands.every(({ service, auth, roles, providers }) => {
          if (auth !== 'required' && !roles && !providers) return true
          if (!looks) return false
          if (providers && !looks.idp.some((one) => providers.includes(one))) return false
          if (!roles) return true
          const first = looks.idp[0] as 'local' | 'corp'
          const names = named[service]
          if (!names || (providers && !providers.includes(first))) return false
          return looks.roles.some((one) => roles.includes((names[one] ?? one) as 'A'))
        })
        assert.equal(shown.has(`/${at}`), isOpen)
      }
    }),
  )
})
