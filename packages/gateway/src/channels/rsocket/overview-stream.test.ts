import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  applyDelta,
  type KnownOverview,
  type Overview,
  type OverviewDelta,
  type OverviewService,
  sayParts,
} from '@hydra-gateway/protocol'
import { ROUTES } from '@hydra-gateway/protocol/rsocket'
import { until } from '../../../../../test/support/eventually.ts'
import { partDigest } from '../overview-parts.ts'
import { bean, createDiary, openGateway, openService } from './test-support.ts'

/** A gateway whose overview has these services. */
async function openSite(t: Parameters<typeof openGateway>[0], first: readonly string[]) {
  const listeners = new Set<(overview: Overview) => void>()
  const overviewOf = (titles: readonly string[]): Overview => ({
    type: 'ACTIVE_SERVERS_UPDATE',
    hash: partDigest(titles.join()),
    services: titles.map((title): OverviewService => {
      const [serviceName = ''] = title.split(' ')
      return { serviceName, title, state: 'available', available: true, endpoints: [], instances: [] }
    }),
    menus: {},
    publicKey: null,
    roleMappings: {},
  })
  let now = overviewOf(first)
  const gateway = await openGateway(t, {
    registrar: {
      ...createDiary().registrar,
      overview: () => now,
      onOverview(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
  })
  const { peer } = await openService(gateway.tcp, bean(1))
  /** Follows by this question; gathers what comes. */
  const follow = (question: unknown) => {
    const items: (Overview | OverviewDelta)[] = []
    const ends: unknown[] = []
    const stream = peer.stream(ROUTES.overview, question, {
      onItem(item) {
        items.push(item as Overview)
        stream.request(1)
      },
      onEnd: (error) => ends.push(error),
    })
    return { items, ends, stream }
  }
  return {
    follow,
    now: () => now,
    heard: () => peer.request(ROUTES.ping, {}, 1000),
    change(titles: readonly string[]) {
      now = overviewOf(titles)
      for (const listener of listeners) listener(now)
    },
  }
}

const titlesOf = ({ services }: Overview) => services.map(({ title }) => title)
const apply = (known: KnownOverview | undefined, item: unknown) =>
  applyDelta(known, item as OverviewDelta, partDigest)

test('who says parts is sent all of it once, and then what changed; who does not, all of it each time', async (t) => {
  const site = await openSite(t, ['a 1', 'b 1', 'c 1'])
  const older = site.follow({ hash: null })
  const { items } = site.follow({ hash: null, parts: {} })
  await until(() => items.length === 1 && older.items.length === 1)
  let known = apply(undefined, items[0])
  assert.deepEqual(known.overview, site.now())
  site.change(['a 1', 'aa 1', 'c 2'])
  await until(() => items.length === 2 && older.items.length === 2)
  const delta = items[1] as OverviewDelta
  assert.deepEqual(
    delta.services?.set.map(({ name, at }) => [name, at]),
    [
      ['aa', 1],
      ['c', undefined],
    ],
  )
  assert.deepEqual([delta.services?.gone, delta.menus, delta.rest], [['b'], undefined, undefined])
  known = apply(known, delta)
  assert.deepEqual(known.overview, site.now())
  assert.deepEqual(older.items, [older.items[0], site.now()])
})

test('who comes back is sent what differs from what it says it has', async (t) => {
  const site = await openSite(t, ['a 1', 'b 1'])
  const first = site.follow({ hash: null, parts: {} })
  await until(() => first.items.length === 1)
  const known = apply(undefined, first.items[0])
  first.stream.cancel()
  const question = { hash: known.overview.hash, parts: sayParts(known.parts!) }
  const same = site.follow(question)
  await site.heard()
  assert.equal(same.items.length, 0, 'it has the latest')
  site.change(['a 1', 'b 2'])
  await until(() => same.items.length === 1)
  const back = site.follow(question)
  await until(() => back.items.length === 1)
  assert.deepEqual(back.items, same.items)
  assert.deepEqual(
    (back.items[0] as OverviewDelta).services?.set.map(({ name }) => name),
    ['b'],
  )
  assert.deepEqual(titlesOf(apply(known, back.items[0]).overview), ['a 1', 'b 2'])
})

test('a service that knows the overview but no parts of it is sent nothing until it changes, then all', async (t) => {
  const site = await openSite(t, ['a 1'])
  const { items } = site.follow({ hash: site.now().hash, parts: {} })
  await site.heard()
  assert.equal(items.length, 0)
  site.change(['a 2'])
  await until(() => items.length === 1)
  assert.deepEqual(titlesOf(apply(undefined, items[0]).overview), ['a 2'])
})

test('a service that lies about what it has finds out, and is sent all when it asks again', async (t) => {
  const site = await openSite(t, ['a 1', 'b 1'])
  const first = site.follow({ hash: null, parts: {} })
  await until(() => first.items.length === 1)
  const { parts } = apply(undefined, first.items[0])
  const liar = site.follow({ hash: 'x', parts: sayParts(parts!) })
  await until(() => liar.items.length === 1)
  const nothing: KnownOverview = {
    overview: { ...site.now(), hash: 'x', services: [] },
    parts: { services: [], menus: [], rest: parts!.rest },
  }
  assert.throws(() => apply(nothing, liar.items[0]), { name: 'OverviewMisfit' })
  liar.stream.cancel()
  const again = site.follow({ hash: null, parts: {} })
  await until(() => again.items.length === 1)
  assert.deepEqual(apply(undefined, again.items[0]).overview, site.now())
})

test('parts that are none are refused, in words, and the line lives on', async (t) => {
  const site = await openSite(t, ['a 1'])
  for (const parts of [1, 'all', { services: [['a']] }, { menus: { main: 'h' } }, { rest: [] }]) {
    const { ends, items } = site.follow({ hash: 'x', parts })
    await until(() => ends.length === 1)
    assert.match(String((ends[0] as Error).message), /^parts/)
    assert.equal((ends[0] as { problem?: string }).problem, 'HYDRA_BAD_REQUEST')
    assert.deepEqual(items, [])
  }
  const twice = [
    ['a', 'h'],
    ['a', 'i'],
  ]
  const { items } = site.follow({ hash: 'x', parts: { services: twice, menus: [], rest: 'r' } })
  await until(() => items.length === 1)
  assert.deepEqual(apply(undefined, items[0]).overview, site.now(), 'a name that stands twice says nothing')
})
