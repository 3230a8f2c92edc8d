import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import { literalPattern, type Pattern, patternOf } from '@hydra-gateway/protocol'
import type { Live } from '../routing/live.ts'
import type { Manifest } from '../routing/route.ts'
import { emptyTable, type ServiceChange } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import { createFeed } from './feed.ts'
import type { Update } from './messages.ts'
import { createTableCopy } from './table-copy.ts'
import { createTableEncoder } from './table-feed.ts'

/** As the channel between processes does it. */
const carried = <Value>(value: Value): Value => deserialize(serialize(value))

const instanceOf = (id: string, service: string, manifest: string): Instance => ({
  id,
  service,
  manifest,
  channel: 'rsocket',
  address: { protocol: 'http', host: '127.0.0.1', port: 1 },
  version: 1,
  weight: 1,
  awakening: 'EQUAL_SHARE',
  affinity: false,
  refs: new Map([['hello', { ref: 'hello' } as never]]),
})
const manifestOf = (hash: string, ...patterns: Pattern[]): Manifest => ({
  hash,
  routes: patterns.map((pattern) => ({ pattern, kind: 'page' as const })),
})
const parameter = patternOf([
  { kind: 'literal', text: 'orders' },
  { kind: 'parameter', name: 'id' },
])

function changeOf(name: string, rank: number, manifests: Manifest[], instances: Instance[]): ServiceChange {
  return { service: { name, title: name, channel: 'rsocket' }, rank, manifests, instances }
}

/** A feed whose updates are carried to a copy, and acknowledged only when asked to. */
function openFeed() {
  const live: Live = { table: emptyTable() }
  const gone: string[] = []
  const copy = createTableCopy({ live, onGone: (id) => void gone.push(id) })
  const updates: Update[] = []
  const feed = createFeed({
    send: (update) => void updates.push(carried(update)),
    encoder: createTableEncoder((id) => id !== 'b1'),
    revision: () => 7,
  })
  let taken = 0
  return {
    live,
    gone,
    copy,
    feed,
    updates,
    /** The worker reads what was sent. */
    async take() {
      await Promise.resolve()
      for (; taken < updates.length; taken++) {
        copy.apply(updates[taken]!.services ?? [])
        feed.applied(updates[taken]!.number)
      }
    },
  }
}

test('a copy serves what the table serves, after each change, and has what stays only once', async () => {
  const { live, gone, copy, feed, updates, take } = openFeed()
  const pages = manifestOf('m1', literalPattern('/orders'), parameter)
  const more = manifestOf('m2', literalPattern('/orders'), literalPattern('/a{b}'))
  const [a1, a2] = [instanceOf('a1', 'orders', 'm1'), instanceOf('a2', 'orders', 'm2')]
  feed.service('orders', changeOf('orders', 1, [pages], [a1]))
  await take()
  const route = live.table.match('', '/orders/7', 'GET', false)!
  assert.deepEqual(
    live.table.candidates(route).map(({ id }) => id),
    ['a1'],
  )
  assert.equal(live.table.instances('orders')[0]!.refs!.get('hello')!.ref, 'hello')
  const kept = live.table.instances('orders')[0]

  feed.service('orders', changeOf('orders', 1, [pages, more], [a1, a2]))
  await take()
  assert.equal(live.table.instances('orders')[0], kept, 'the same object, by which others know it')
  assert.equal(live.table.match('', '/a{b}', 'GET', false)?.service, 'orders')
  const told = updates[1]!.services![0]!.change!
  assert.equal(told.manifests[0], 'm1')
  assert.equal(typeof told.instances[0], 'number')

  feed.service('orders', changeOf('orders', 1, [more], [a2]))
  await take()
  assert.deepEqual(gone, ['a1'])
  assert.equal(live.table.match('', '/orders/7', 'GET', false), undefined)
  assert.ok(copy.hasLine('a2') && !copy.knows('a1'))

  feed.service('orders', undefined)
  await take()
  assert.deepEqual([live.table.size, gone], [0, ['a1', 'a2']])
})

test('a worker that takes nothing is told the latest once it does, in one update', async () => {
  const { live, feed, updates, take } = openFeed()
  feed.service('orders', changeOf('orders', 1, [manifestOf('m0', literalPattern('/0'))], []))
  await Promise.resolve()
  for (let i = 1; i <= 1000; i++) {
    feed.service('orders', changeOf('orders', 1, [manifestOf(`m${i}`, literalPattern(`/${i}`))], []))
    await Promise.resolve()
  }
  assert.equal(updates.length, 1)
  let isThere = false
  feed.onCaughtUp(() => {
    isThere = true
  })
  await take()
  await take()
  assert.equal(updates.length, 2)
  assert.ok(isThere)
  assert.deepEqual(
    [...live.table.routes()].map(({ pattern }) => pattern.text),
    ['/1000'],
  )
})

test('routes by the rules of hydra-router are the same in a worker', async () => {
  const { live, feed, take } = openFeed()
  const manifest: Manifest = {
    hash: 'm1',
    routes: [
      {
        pattern: literalPattern('/a'),
        kind: 'page',
        methods: ['GET'],
        flywheel: 'route',
        encodedSlash: 'keep',
      },
      { ...siteOf('orders'), kind: 'page', flywheel: 'site' },
    ],
  }
  const seen: Instance = { ...instanceOf('a1', 'orders', 'm1'), channel: 'flywheel' }
  feed.service('orders', changeOf('orders', 1, [manifest], [seen]))
  await take()
  const { table } = live
  assert.equal(table.leniently('', '/a')?.encodedSlash, 'keep')
  assert.equal(table.match('', '/a', 'POST', false), undefined)
  assert.equal(table.site('orders')?.flywheel, 'site')
  assert.equal(table.match('', '/orders/x/y', 'PUT', false), table.site('orders'))
  assert.equal(table.candidates(table.site('orders')!)[0]?.channel, 'flywheel')
})

const siteOf = (service: string) => ({
  pattern: patternOf([
    { kind: 'literal', text: service },
    { kind: 'splat', name: 'rest', least: 0 },
  ]),
})
