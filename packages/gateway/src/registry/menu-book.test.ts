import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MenuItem, parsePattern } from '@hydra-gateway/protocol'
import { emptyTable, type RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import { createVitals } from '../routing/vitals.ts'
import type { MenuSource } from './menu.ts'
import { createMenuBook } from './menu-book.ts'

const item = (endpoint: string): MenuItem => ({ endpoint, label: endpoint })

function setUp({ tookMs = 0 } = {}) {
  let now = 0
  const vitals = createVitals()
  const entries: MenuSource[] = []
  const logged: { service: string; items: string[]; more?: number }[] = []
  let table: RoutingTable = emptyTable()
  const book = createMenuBook({
    entries: () => entries,
    table: () => table,
    vitals,
    settings: { maxItems: 500 },
    clock: { monotonic: () => (now += tookMs) },
    log: { warn: (fields: unknown) => void logged.push(fields as (typeof logged)[number]) } as never,
  })
  const join = (name: string, menuItems: Record<string, MenuItem[]>, instances = 1): void => {
    const at = entries.findIndex((entry) => entry.name === name)
    const rank = at < 0 ? entries.length : at
    entries[rank] = { name, rank, declared: { menuItems } }
    table = table.withService({
      service: { name, title: name, channel: 'rsocket' },
      rank,
      manifests: [{ hash: name, routes: [{ pattern: parsePattern(`/${name}`).patterns[0]!, kind: 'page' }] }],
      instances: Array.from(
        { length: instances },
        () => ({ id: name, service: name, manifest: name }) as unknown as Instance,
      ),
    })
  }
  return { book, join, vitals, logged }
}

test('menus stay the same object until something in them changes', () => {
  const { book, join, vitals } = setUp()
  join('a', { main: [item('/a')], account: [item('/b')] })
  join('b', {})
  const first = book.read()
  assert.equal(book.read(), first, 'nothing is done when nothing happened')
  join('b', {})
  const again = book.read()
  assert.equal(again.menus, first.menus, 'the table is another one, the menus say the same')
  vitals.rest('b')
  const rested = book.read()
  assert.equal(rested.menus.account?.[0]?.state, 'down')
  assert.equal(rested.menus.main, first.menus.main, 'a menu in which nothing changed stays what it was')
  vitals.revive('b')
  assert.deepEqual(book.read().menus, first.menus)
  join('b', { new: [] })
  assert.deepEqual(Object.keys(book.read().menus), ['account', 'main', 'new'])
})

test('what is wrong with items is logged once, and said to their service each time', () => {
  const { book, join, logged } = setUp()
  join('a', { main: [item('/nobody'), item('/a'), item('javascript:x')] })
  book.read()
  join('a', { main: [item('/nobody'), item('/a'), item('javascript:x')] })
  book.read()
  assert.equal(logged.length, 1)
  assert.equal(logged[0]?.service, 'a')
  assert.deepEqual(logged[0]?.items, book.warningsOf('a'))
  assert.equal(book.warningsOf('a').length, 2)
  assert.deepEqual(book.warningsOf('b'), [])
  join('a', { main: [item('/b')] })
  join('b', {})
  book.read()
  assert.equal(logged.length, 2, 'something new is')
  assert.match(book.warningsOf('a')[0]!, /leads to b/)
})

test('of very many faults the first are said, and how many there are', () => {
  const { book, join, logged } = setUp()
  join('a', { main: Array.from({ length: 300 }, (_, at) => item(`http://x/${at}`)) })
  book.read()
  assert.equal(book.warningsOf('a').length, 21)
  assert.equal(book.warningsOf('a').at(-1), '280 more menu items have faults')
  assert.deepEqual([logged[0]?.items.length, logged[0]?.more], [20, 280])
  assert.deepEqual([book.faults().listed.length, book.faults().more], [100, 200])
})

test('where there are very many items, whoever registers hears of its own without waiting for all', () => {
  const { book, join } = setUp({ tookMs: 50 })
  join('a', { main: [item('/a')] })
  book.read()
  join('b', { main: [item('/nobody'), item('/a'), { ...item('/b'), parent: '/a' }] })
  const warnings = book.warningsOf('b')
  assert.equal(warnings.length, 2, 'that another one has the address already is found later')
  assert.match(warnings[0]!, /leads to a/)
  assert.match(warnings[1]!, /leads nowhere/)
  book.read()
  assert.deepEqual(
    book.faults().listed.map(({ fault }) => fault),
    ['duplicate', 'unknown-route'],
  )
})
