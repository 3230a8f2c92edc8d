import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MenuEntry, Menus } from '@hydra-gateway/protocol'
import type { Manifest } from '../routing/route.ts'
import { changedMenus } from './menu-changes.ts'
import { changedRoutes } from './route-changes.ts'

const manifest = (hash: string, pages: readonly string[], statics: readonly string[] = []): Manifest =>
  ({
    hash,
    routes: [
      ...statics.map((text) => ({ kind: 'static', pattern: { text } })),
      ...pages.map((text) => ({ kind: 'page', pattern: { text } })),
    ],
  }) as unknown as Manifest

test('routes that came and went are named once, pages before static files', () => {
  const none = { manifests: [], lost: new Set<string>() }
  const both = {
    manifests: [manifest('1', ['/a', '/b'], ['/x.css']), manifest('2', ['/b', '/c'])],
    lost: new Set(['/c']),
  }
  assert.deepEqual(changedRoutes(none, both), { added: ['/a', '/b', '/x.css'], removed: [] })
  assert.equal(changedRoutes(both, { ...both, manifests: [...both.manifests].reverse() }), undefined)
  assert.deepEqual(changedRoutes(both, { ...both, lost: new Set(['/a']) }), {
    added: ['/c'],
    removed: ['/a'],
  })
})

test('of many routes a hundred are named, and the others counted', () => {
  const many = manifest(
    '1',
    Array.from({ length: 250 }, (_, index) => `/${index}`),
  )
  const changed = changedRoutes(
    { manifests: [many], lost: new Set() },
    { manifests: [manifest('2', ['/new'])], lost: new Set() },
  )
  assert.deepEqual(changed?.added, ['/new'])
  assert.equal(changed?.removed.length, 100)
  assert.equal(changed?.more, 150)
})

const item = (endpoint: string, more: Partial<MenuEntry> = {}): MenuEntry => ({
  endpoint,
  label: endpoint,
  service: 'shop',
  state: 'available',
  available: true,
  ...more,
})

test('a menu changed when an item of it is new, gone, in another state or shown otherwise', () => {
  const before: Menus = {
    main: [item('/same'), item('/state'), item('/label'), item('/gone')],
    still: [item('/same')],
    over: [item('/last')],
  }
  const after: Menus = {
    main: [item('/same'), item('/new'), item('/state', { state: 'down' }), item('/label', { label: 'Else' })],
    still: [item('/same')],
    constructor: [item('/odd')],
  } as unknown as Menus
  assert.deepEqual(changedMenus(before, after), [
    { menu: 'main', changed: ['/new', '/state', '/label', '/gone'] },
    { menu: 'over', changed: ['/last'] },
    { menu: 'constructor', changed: ['/odd'] },
  ])
  assert.deepEqual(changedMenus(after, after), [])
  const away = { state: 'down', available: false, reason: 'Orders is away for a moment' } as const
  assert.deepEqual(
    changedMenus(
      { main: [item('/orders', away)] },
      { main: [item('/orders', { ...away, reason: 'Order desk is away for a moment' })] },
    ),
    [{ menu: 'main', changed: ['/orders'] }],
    'what visitors read of it counts as well',
  )
})
