import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeExchange } from '../proxy/testing/fake-exchange.ts'
import { callerOf, item, liveSite } from './testing/site.ts'

const FACTS = { spreadMs: 3000, beatMs: 25_000 }

test('a page is told all of what it shows, then what changes, whole', () => {
  const { page, menus, links, running, marks, changed } = liveSite()
  menus['']!.main = [item('/catalog'), item('/orders')]
  menus['']!.account = [item('/me')]
  links['/orders/7'] = { state: 'available' }
  const mark = marks.make('orders', 'last', 0)
  const query = new URLSearchParams([
    ...(['main', 'account', 'unknown'].map((name) => ['menu', name]) as [string, string][]),
    ['link', '/orders/7?x=1#y'],
    ['link', '/nowhere'],
    ['fragment', mark],
  ])
  const { events, exchange } = page(String(query))
  assert.equal(exchange.status, 200)
  assert.ok(exchange.lines.join().includes('text/event-stream'))
  assert.deepEqual(events, [
    {
      id: events[0]?.id,
      event: 'state',
      data: {
        menus: { main: menus['']!.main, account: menus['']!.account },
        links: { '/orders/7?x=1#y': { state: 'available' } },
        fragments: { [mark]: false },
        ...FACTS,
      },
    },
  ])
  assert.match(events[0]!.id!, /^[\w-]{16}$/)

  const open = page(String(query))
  links['/orders/7'] = { state: 'down', reason: 'Orders is away for a moment' }
  menus['']!.main = [item('/catalog'), item('/orders', 'down')]
  running.add('orders#last')
  changed()
  assert.deepEqual(open.last?.data, {
    menus: { main: menus['']!.main },
    links: { '/orders/7?x=1#y': links['/orders/7'] },
    fragments: { [mark]: true },
  })
  assert.notEqual(open.last?.id, events[0]?.id)
})

test('what is not known any more is given back, and said to nobody who comes later', () => {
  const { page, menus, links, changed } = liveSite()
  menus['']!.main = [item('/orders', 'down')]
  links['/orders'] = { state: 'down' }
  const first = page('menu=main&link=/orders')
  delete menus['']!.main
  delete links['/orders']
  changed()
  assert.deepEqual(first.last?.data, { menus: { main: [] }, links: { '/orders': { state: 'available' } } })
  assert.deepEqual(page('menu=main&link=/orders').last?.data, FACTS)
})

test('what nobody knows yet is left out, and told as soon as somebody knows it', () => {
  const { page, menus, links, changed } = liveSite()
  const open = page('menu=later&link=/later')
  assert.deepEqual(open.last?.data, FACTS)
  links['/later'] = { state: 'available' }
  menus['']!.later = [item('/later')]
  changed()
  assert.deepEqual(open.last?.data, {
    menus: { later: [item('/later')] },
    links: { '/later': { state: 'available' } },
  })
})

test('pages that want and may see the same are looked up once', () => {
  const { page, menus, looks, changed, hub } = liveSite()
  menus['']!.main = [item('/a')]
  const pages = Array.from({ length: 50 }, () => page('menu=main'))
  assert.equal(looks.menu, 1)
  assert.equal(hub.size, 50)
  menus['']!.main = [item('/a', 'down')]
  changed()
  assert.equal(looks.menu, 2)
  assert.deepEqual([...new Set(pages.map(({ events }) => events.length))], [2])
})

test('two users are told of two sites', () => {
  const { page, menus, links, changed } = liveSite()
  menus.mira = { main: [item('/admin')] }
  menus['']!.main = [item('/catalog')]
  links['/admin'] = { state: 'closed' }
  links['mira /admin'] = { state: 'available' }
  const nobody = page('menu=main&link=/admin')
  const mira = page('menu=main&link=/admin', { of: callerOf('mira') })
  assert.doesNotMatch(nobody.exchange.body, /"\/admin","label/)
  assert.deepEqual(mira.last?.data.menus.main, [item('/admin')])
  menus.mira = { main: [item('/admin', 'down')] }
  changed()
  assert.equal(nobody.events.length, 1)
  assert.deepEqual(mira.last?.data, { menus: { main: [item('/admin', 'down')] } })
})

test('a menu that flaps is told ten times a second, at once after a quiet time, and the last state wins', () => {
  const { page, menus, changed, clock } = liveSite()
  menus['']!.main = [item('/a')]
  const { exchange } = page('menu=main')
  const read = () => exchange.done.filter((what) => what.startsWith('write')).length - 2
  menus['']!.main = [item('/a', 'down')]
  changed()
  assert.equal(read(), 1, 'at once')
  for (let i = 0; i < 1000; i++) {
    clock.advance(1)
    menus['']!.main = [item('/a', i % 2 ? 'down' : 'degraded'), item(`/n${i}`)]
    changed()
  }
  assert.ok(read() <= 11, `${read()} in a second`)
  assert.ok(read() >= 9, `${read()} in a second`)
  menus['']!.main = [item('/last')]
  changed()
  clock.advance(100)
  assert.match(exchange.body, /"\/last","label":"last","state":"available"\}\]\}\}\n\n$/)
})

test('a change that was undone before it was told is none', () => {
  const { page, menus, changed, clock } = liveSite()
  menus['']!.main = [item('/a')]
  const one = page('menu=main')
  changed()
  menus['']!.main = [item('/a', 'down')]
  changed()
  menus['']!.main = [item('/a')]
  changed()
  clock.advance(1000)
  assert.equal(one.events.length, 1)
})

test('who takes nothing is told nothing, then how things are, whole', () => {
  const { page, menus, changed, clock, refused } = liveSite()
  menus['']!.main = [item('/a')]
  menus['']!.other = [item('/b')]
  const slow = page('menu=main&menu=other')
  const quick = page('menu=main&menu=other')
  slow.exchange.holdsWrites = true
  for (let i = 0; i < 5; i++) {
    menus['']!.main = [item(`/a${i}`)]
    changed()
    clock.advance(100)
  }
  const states = ({ events }: typeof quick) => events.filter(({ event }) => event === 'state')
  assert.equal(slow.events.length, 2)
  assert.equal(states(quick).length, 6)
  slow.exchange.holdsWrites = false
  slow.exchange.drain()
  assert.equal(slow.events.length, 3)
  assert.deepEqual(slow.last?.data, { menus: { main: [item('/a4')], other: [item('/b')] }, ...FACTS })
  assert.equal(slow.last?.id, states(quick).at(-1)?.id)
  clock.advance(60_000)
  assert.deepEqual(refused, [])
})

test('who caught up and knows everything is not told again', () => {
  const { page, menus, changed, clock } = liveSite()
  menus['']!.main = [item('/a')]
  const slow = page('menu=main')
  slow.exchange.holdsWrites = true
  menus['']!.main = [item('/b')]
  changed()
  slow.exchange.drain()
  clock.advance(1000)
  assert.equal(slow.events.length, 2)
})

test('who takes nothing for too long is cut', () => {
  const { page, menus, changed, clock, refused, hub } = liveSite()
  menus['']!.main = [item('/a')]
  const slow = page('menu=main')
  slow.exchange.holdsWrites = true
  menus['']!.main = [item('/b')]
  changed()
  clock.advance(29_000)
  assert.equal(slow.exchange.ended, false)
  clock.advance(2000)
  assert.equal(slow.exchange.done.at(-1), 'abort')
  assert.deepEqual(refused, ['live-behind'])
  assert.equal(hub.size, 0)
})

test('a page that knows how things are is not told again', () => {
  const { page, menus, changed } = liveSite()
  menus['']!.main = [item('/a')]
  const id = page('menu=main').last?.id
  for (const again of [page(`menu=main&have=${id}`), page('menu=main', { lines: [`Last-Event-ID: ${id}`] })])
    assert.deepEqual(again.events, [{ id, event: 'state', data: FACTS }])
  assert.deepEqual(page('menu=main&have=other').last?.data.menus, { main: [item('/a')] })
  const { last } = page(`menu=main&have=${id}`)
  menus['']!.main = [item('/b')]
  changed()
  assert.equal(last?.id, id)
})

test('the order in which a page asks makes no difference', () => {
  const { page, menus, looks } = liveSite()
  menus['']!.a = [item('/a')]
  menus['']!.b = [item('/b')]
  assert.equal(page('menu=a&menu=b').last?.id, page('menu=b&menu=a&menu=b').last?.id)
  assert.equal(looks.menu, 2)
})

test('links are those of the host', () => {
  const { page, links } = liveSite()
  links['//shop.example/a'] = { state: 'down' }
  assert.deepEqual(page('link=/a').last?.data.links, { '/a': { state: 'down' } })
})

test('what can be nobody’s wish is left out, and what is too much', () => {
  const { page, menus, links, refused, marks } = liveSite({ maxWishes: 3 })
  menus['']!.main = [item('/a')]
  links['/a/b/../c'] = { state: 'down' }
  const wrong = ['//evil.test/', 'https://evil.test/', 'javascript:alert(1)', 'a', '/\\evil', '/%2e%2e/x', '']
  const query = new URLSearchParams(wrong.map((link): [string, string] => ['link', link]))
  query.append('menu', 'm'.repeat(129))
  query.append('menu', '')
  query.append('fragment', 'orders.last.0.forged')
  query.append('link', '/a/b/../c')
  query.append('menu', 'main')
  query.append('fragment', marks.make('a', 'b', 0))
  query.append('fragment', marks.make('a', 'b', 1))
  query.append('other', 'x')
  const { data } = page(String(query)).last!
  assert.deepEqual(Object.keys(data.links), ['/a/b/../c'])
  assert.deepEqual(Object.keys(data.menus), ['main'])
  assert.equal(Object.keys(data.fragments).length, 1)
  assert.deepEqual(refused, ['live-wishes', 'live-wish'])
})

test('what is no page of this site gets an answer that says so', () => {
  const { hub, page } = liveSite()
  const statusOf = (...request: [string, ...string[]]) => {
    const exchange = new FakeExchange(...request)
    hub.open(exchange)
    return exchange.status
  }
  assert.equal(statusOf('POST /_hydra/live HTTP/1.1'), 405)
  assert.equal(statusOf('HEAD /_hydra/live HTTP/1.1'), 405)
  assert.equal(statusOf('GET /_hydra/live HTTP/1.1', 'Content-Length: 1'), 400)
  assert.equal(page('menu=a', { lines: ['Sec-Fetch-Site: cross-site'] }).exchange.status, 403)
  assert.equal(page('menu=a', { lines: ['Sec-Fetch-Site: same-origin'] }).exchange.status, 200)
  assert.equal(hub.size, 1)
})

test('there are as many streams as may be, of all and of one address', () => {
  for (const [settings, reason] of [
    [{ maxStreams: 2 }, 'live-streams'],
    [{ maxStreamsPerClient: 2 }, 'live-client'],
  ] as const) {
    const { page, hub, refused, warned } = liveSite(settings)
    const [first] = [page(''), page('')]
    const { exchange } = page('')
    assert.equal(exchange.status, 503)
    assert.ok(exchange.lines.join().includes('retry-after,10'), exchange.lines.join())
    page('')
    assert.deepEqual(refused, [reason, reason])
    assert.equal(warned.length, 1)
    first!.exchange.leave()
    assert.equal(hub.size, 1)
    assert.equal(page('').exchange.status, 200)
  }
  assert.equal(liveSite({ maxStreams: 0 }).page('').exchange.status, 503)
})

test('who has a whole network of addresses has the streams of one', () => {
  const { page, hub } = liveSite({ maxStreamsPerClient: 2 })
  const pages = ['::1', '::2', '::3'].map((end) => page('', { client: `2001:db8:1:2${end}` }))
  assert.deepEqual(
    pages.map(({ exchange }) => exchange.status),
    [200, 200, 503],
  )
  assert.equal(page('', { client: '2001:db8:1:3::1' }).exchange.status, 200)
  for (const { exchange } of pages.slice(0, 2)) exchange.leave()
  assert.equal(hub.size, 1)
  assert.equal(page('', { client: '2001:db8:1:2::4' }).exchange.status, 200)
})

test('each page hears something at least so often', () => {
  const { page, clock } = liveSite()
  const pages = Array.from({ length: 120 }, () => page('')).slice(0, 100)
  clock.advance(25_000)
  for (const { events } of pages)
    assert.deepEqual(
      events.map(({ event }) => event),
      ['state', 'beat'],
    )
  clock.advance(25_000)
  for (const { events } of pages) assert.equal(events.length, 3)
})

test('a stream ends with the token of its caller, and is told nothing afterwards', () => {
  const { page, menus, changed, clock, hub } = liveSite()
  menus['']!.main = [item('/a')]
  const of = callerOf('mira', clock.now() + 60_000)
  const [one, two] = [page('menu=main', { of }), page('menu=main', { of })]
  clock.advance(60_000 - 1)
  menus['']!.main = [item('/b')]
  changed()
  assert.equal(one.last?.event, 'state')
  clock.advance(1)
  menus['']!.main = [item('/c')]
  changed()
  clock.advance(25_000)
  for (const { exchange, last } of [one, two]) {
    assert.equal(last?.event, 'renew')
    assert.doesNotMatch(exchange.body, /\/c/)
    assert.ok(exchange.ended)
  }
  assert.equal(hub.size, 0)
})

test('who signs out has no streams any more', () => {
  const { page, hub } = liveSite()
  const [mira, otto, nobody] = [
    page('', { of: callerOf('mira') }),
    page('', { of: callerOf('otto') }),
    page(''),
  ]
  hub.endWhere(({ caller }) => caller?.sid === 'mira')
  assert.deepEqual(mira.last, { id: undefined, event: 'bye', data: { afterMs: 500 } })
  assert.deepEqual([mira.exchange.ended, otto.exchange.ended, nobody.exchange.ended], [true, false, false])
  assert.equal(hub.size, 2)
})

test('a gateway that stops says when to come back, and waits for nobody', () => {
  const { page, hub, clock, listeners, changed, menus } = liveSite()
  const pages = Array.from({ length: 5 }, () => page('menu=a'))
  const slow = page('menu=a')
  slow.exchange.holdsWrites = true
  menus['']!.a = [item('/x')]
  changed()
  const late = page('menu=b')
  late.exchange.holdsWrites = true
  hub.close()
  for (const { last, exchange } of pages) {
    assert.equal(last?.event, 'bye')
    assert.ok(last?.data.afterMs >= 500)
    assert.ok(exchange.ended)
  }
  assert.equal(slow.exchange.done.at(-1), 'abort')
  assert.equal(late.exchange.ended, false)
  clock.advance(1000)
  assert.ok(late.exchange.ended)
  assert.equal(listeners.size, 0)
  assert.equal(page('').exchange.status, 503)
  assert.equal(hub.size, 0)
})

test('of what was told nothing is kept, and who was behind meanwhile is told all', () => {
  const { page, menus, changed, clock } = liveSite()
  menus['']!.main = [item('/a')]
  menus['']!.more = [item('/b')]
  const slow = page('menu=main&menu=more')
  const quick = page('menu=main&menu=more')
  slow.exchange.isBlocked = true
  menus['']!.main = [item('/a', 'down')]
  changed()
  assert.deepEqual(quick.last?.data, { menus: { main: [item('/a', 'down')] } })
  slow.exchange.isBlocked = false
  clock.advance(100)
  changed()
  clock.advance(100)
  assert.deepEqual(slow.last?.data.menus, { main: [item('/a', 'down')], more: [item('/b')] })
})
