import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFlow, type Flow } from './flow.ts'
import { tagAt } from './testing/tags.ts'

/** What may be asked for, as `ref(values)`. */
function started(flow: Flow): string[] {
  return flow.take().starts.map(({ ref, values }) => `${ref}(${JSON.stringify(values)})`)
}

function declinedBy(flow: Flow): string[] {
  return flow.take().declined.map(({ index, reason, detail }) => `${index} ${reason}: ${detail}`)
}

test('fragments that need nobody start at once, even while tags may still come', () => {
  const flow = createFlow({ attributes: { dob: '2000-01-01', user: { zip: '9000' } } })
  flow.add(tagAt(1, 'service="orders" ref="checkout" imports="dob as born, user.zip"'))
  flow.add(tagAt(2, 'service="self" ref="menu"'))
  assert.deepEqual(flow.take(), {
    starts: [
      { index: 0, service: 'orders', ref: 'checkout', values: { born: '2000-01-01', zip: '9000' }, wave: 1 },
      { index: 1, service: '', ref: 'menu', values: {}, wave: 1 },
    ],
    declined: [],
  })
  assert.deepEqual(flow.take(), { starts: [], declined: [] })
  assert.equal(flow.isSettled, false)
  flow.settle(0, {})
  flow.settle(1, undefined)
  assert.equal(flow.isSettled, true)
})

test('a fragment starts as soon as those it imports from have settled, whatever else runs', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="summary" imports="total"'))
  flow.add(tagAt(2, 'ref="checkout" exports="sum as total, order.lines as lines"'))
  flow.add(tagAt(3, 'ref="slow"'))
  flow.closeAhead()
  assert.deepEqual(started(flow), ['checkout({})', 'slow({})'])
  flow.settle(1, { sum: 12, order: { lines: [1, 2] }, secret: 'never asked for' })
  assert.deepEqual(started(flow), ['summary({"total":12})'])
  assert.deepEqual(flow.attributes, { total: 12, lines: [1, 2] })
})

test('values cross as copies', () => {
  const page = { cart: { items: [1] } }
  const flow = createFlow({ attributes: page })
  flow.add(tagAt(1, 'ref="a" imports="cart" exports="kept"'))
  flow.add(tagAt(2, 'ref="b" imports="kept"'))
  flow.closeAhead()
  const [a] = flow.take().starts
  ;(a!.values.cart as typeof page.cart).items.push(2)
  assert.deepEqual(page.cart, { items: [1] })
  const kept = { n: 1 }
  flow.settle(0, { kept })
  kept.n = 2
  const [b] = flow.take().starts
  assert.deepEqual(b!.values, { kept: { n: 1 } })
  ;(b!.values.kept as typeof kept).n = 3
  assert.deepEqual(flow.attributes.kept, { n: 1 })
})

test('who falls back exports nothing: what others import of it is absent', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="a" exports="x, y"'))
  flow.add(tagAt(2, 'ref="b" imports="x" exports="z"'))
  flow.add(tagAt(3, 'ref="c" imports="y, z"'))
  flow.closeAhead()
  assert.deepEqual(started(flow), ['a({})'])
  flow.settle(0, undefined)
  assert.deepEqual(started(flow), ['b({})'])
  flow.settle(1, { z: null })
  assert.deepEqual(started(flow), ['c({"z":null})'])
})

test('a value that is missing among the exports is absent, and no error', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="a" exports="x, y.z as w"'))
  flow.add(tagAt(2, 'ref="b" imports="x, w"'))
  flow.closeAhead()
  flow.take()
  flow.settle(0, { other: 1, y: 'text' })
  assert.deepEqual(started(flow), ['b({})'])
  assert.deepEqual(flow.attributes, {})
})

test('while tags may still come, an import of nobody waits for them', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="early" imports="total"'))
  flow.add(tagAt(2, 'ref="lost" imports="nobody"'))
  assert.deepEqual(started(flow), [])
  flow.add(tagAt(3, 'ref="late" exports="total"'))
  assert.deepEqual(started(flow), ['late({})'])
  flow.settle(2, { total: 5 })
  assert.deepEqual(started(flow), ['early({"total":5})'])
  flow.closeAhead()
  assert.deepEqual(started(flow), ['lost({})'])
})

test('later tags import from earlier ones, and change nothing for them', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="a" exports="x"'))
  flow.add(tagAt(2, 'ref="b" imports="y, x"'))
  flow.closeAhead()
  flow.closeAhead()
  flow.add(tagAt(3, 'ref="c" exports="y"'))
  flow.add(tagAt(4, 'ref="d" imports="x, y, z"'))
  flow.add(tagAt(5, 'ref="e" exports="z"'))
  assert.deepEqual(started(flow), ['a({})', 'c({})', 'e({})'])
  flow.settle(2, { y: 2 })
  flow.settle(4, { z: 3 })
  flow.settle(0, { x: 1 })
  assert.deepEqual(started(flow), ['b({"x":1})', 'd({"x":1,"y":2})'])
})

test('the first tag that exports a name has it; a later one falls back and exports nothing else either', () => {
  const flow = createFlow({ attributes: { user: 'ann' } })
  flow.add(tagAt(12, 'ref="checkout" exports="total"'))
  flow.add(tagAt(20, 'ref="order-summary" exports="sum as total, tax"'))
  flow.add(tagAt(30, 'ref="login" exports="user"'))
  flow.add(tagAt(40, 'ref="twice" exports="a as b, b"'))
  flow.add(tagAt(50, 'ref="taxes" exports="tax"'))
  assert.deepEqual(declinedBy(flow), [
    '1 export-conflict: line 20, column 1 exports "total", as the tag at line 12, column 1 does already; write exports="sum as orderSummaryTotal" in one of them',
    '2 export-conflict: line 30, column 1 exports "user", which is an attribute of the page; write exports="user as loginUser"',
    '3 export-conflict: line 40, column 1 exports "b" twice; write exports="b as twiceB" for one of them',
  ])
  flow.closeAhead()
  flow.settle(4, undefined)
  assert.deepEqual(flow.attributes, { user: 'ann' })
})

test('two imports under one name in a tag are a conflict', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(3, 'ref="a" imports="home.zip, work.zip, x" exports="y"'))
  flow.add(tagAt(4, 'ref="b" exports="y"'))
  assert.deepEqual(flow.take(), {
    starts: [{ index: 1, service: '', ref: 'b', values: {}, wave: 1 }],
    declined: [
      {
        index: 0,
        reason: 'import-conflict',
        detail:
          'line 3, column 1 imports "home.zip" and "work.zip", which are both called "zip" in the fragment; write imports="work.zip as otherZip" for one of them',
      },
    ],
  })
})

test('fragments that wait for each other fall back together, and nobody else does', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="a" imports="b" exports="a"'))
  flow.add(tagAt(2, 'ref="b" imports="a" exports="b"'))
  flow.add(tagAt(3, 'ref="c" imports="a, d" exports="c"'))
  flow.add(tagAt(4, 'ref="d" exports="d"'))
  flow.add(tagAt(5, 'ref="itself" imports="me" exports="you as me"'))
  assert.deepEqual(started(flow), ['d({})'])
  flow.settle(3, { d: 4 })
  flow.closeAhead()
  const { starts, declined } = flow.take()
  assert.deepEqual(
    starts.map(({ ref, values }) => [ref, values]),
    [['c', { d: 4 }]],
  )
  const detail =
    'fragments wait for each other: "a" (line 1, column 1) exports "a" to "b" (line 2, column 1), "b" (line 2, column 1) exports "b" to "a" (line 1, column 1); take one of these imports out, or let the page provide it'
  assert.deepEqual(declined, [
    { index: 0, reason: 'cycle', detail },
    { index: 1, reason: 'cycle', detail },
    {
      index: 4,
      reason: 'cycle',
      detail:
        'line 5, column 1 imports "me", which it exports itself; take it out of imports, or write exports="… as itselfMe"',
    },
  ])
})

test('a tag that comes late and imports its own export falls back', () => {
  const flow = createFlow({ attributes: { p: 1 } })
  flow.closeAhead()
  flow.add(tagAt(1, 'ref="a" imports="x.y" exports="x"'))
  flow.add(tagAt(2, 'ref="b" imports="p"'))
  const { starts, declined } = flow.take()
  assert.deepEqual(
    declined.map(({ index, reason }) => [index, reason]),
    [[0, 'cycle']],
  )
  assert.equal(starts.length, 1)
})

test('a fragment in a fallback is asked for only when that fallback is shown', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="holder" exports="x"'))
  flow.add(tagAt(2, 'ref="inner" exports="y"'), 0)
  flow.add(tagAt(3, 'ref="innermost" imports="y" exports="z"'), 1)
  flow.add(tagAt(4, 'ref="reader" imports="x, y, z"'))
  flow.closeAhead()
  assert.deepEqual(started(flow), ['holder({})'])
  flow.settle(0, undefined)
  assert.deepEqual(started(flow), ['inner({})'])
  flow.settle(1, { y: 2 })
  assert.deepEqual(started(flow), ['reader({"y":2})'])
  flow.settle(3, {})
  assert.equal(flow.isSettled, true)
})

test('a fallback nobody sees asks for nothing, and who imports from it does not wait', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="holder"'))
  flow.add(tagAt(2, 'ref="slow" exports="s"'))
  flow.add(tagAt(3, 'ref="inner" imports="s" exports="y"'), 0)
  flow.add(tagAt(4, 'ref="reader" imports="y"'))
  flow.closeAhead()
  assert.deepEqual(started(flow), ['holder({})', 'slow({})'])
  flow.settle(0, {})
  assert.deepEqual(started(flow), ['reader({})'])
  flow.add(tagAt(5, 'ref="more" exports="x"'), 2)
  flow.settle(1, undefined)
  flow.settle(3, undefined)
  assert.deepEqual(flow.take(), { starts: [], declined: [] })
  assert.equal(flow.isSettled, true)
})

test('a conflict inside a fallback is reported when that fallback is shown', () => {
  for (const isShown of [true, false]) {
    const flow = createFlow({ attributes: {} })
    flow.add(tagAt(1, 'ref="holder" exports="x"'))
    flow.add(tagAt(2, 'ref="inner" exports="x"'), 0)
    assert.deepEqual(flow.take().declined, [])
    flow.settle(0, isShown ? undefined : {})
    assert.deepEqual(
      flow.take().declined.map(({ index, reason }) => [index, reason]),
      isShown ? [[1, 'export-conflict']] : [],
    )
    assert.equal(flow.isSettled, true)
  }
})

test('a holder that imports from its own fallback waits for itself', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="holder" imports="x"'))
  flow.add(tagAt(2, 'ref="inner" exports="x"'), 0)
  flow.closeAhead()
  assert.deepEqual(declinedBy(flow), [
    ...[0, 1].map(
      (index) =>
        `${index} cycle: fragments wait for each other: "holder" (line 1, column 1) holds "inner" (line 2, column 1) in its fallback, "inner" (line 2, column 1) exports "x" to "holder" (line 1, column 1); take one of these imports out, or let the page provide it`,
    ),
  ])
})

test('a cycle is found whether or not a fragment on it turned out to be hidden before', () => {
  const tags = [
    tagAt(1, 'ref="holder"'),
    tagAt(2, 'ref="inner" imports="x" exports="y"'),
    tagAt(3, 'ref="m" imports="y" exports="x"'),
  ]
  for (const settlesFirst of [true, false]) {
    const flow = createFlow({ attributes: {} })
    flow.add(tags[0]!)
    flow.take()
    if (settlesFirst) flow.settle(0, {})
    flow.add(tags[1]!, 0)
    flow.add(tags[2]!)
    assert.deepEqual(started(flow), [])
    flow.closeAhead()
    if (!settlesFirst) flow.settle(0, {})
    assert.deepEqual(
      flow.take().declined.map(({ index }) => index),
      [2],
    )
    assert.equal(flow.isSettled, true)
  }
})

test('names in service and ref are filled from what the page has by itself', () => {
  const flow = createFlow({ attributes: { shop: 'orders', n: 7 } })
  flow.add(tagAt(1, `service="\${shop}" ref="item-\${n}" exports="x"`))
  flow.add(tagAt(2, `service="orders" ref="\${x}"`))
  flow.add(tagAt(3, `service="\${y}" ref="a" exports="z"`))
  flow.add(tagAt(4, 'ref="b" exports="z"'))
  const { starts, declined } = flow.take()
  assert.deepEqual(
    starts.map(({ service, ref }) => [service, ref]),
    [
      ['orders', 'item-7'],
      ['', 'b'],
    ],
  )
  assert.deepEqual(declined, [
    {
      index: 1,
      reason: 'unresolved-name',
      detail: `line 2, column 1: ref="\${x}" needs an attribute of the page that is text or a number, and it has none of that name`,
    },
    {
      index: 2,
      reason: 'unresolved-name',
      detail: `line 3, column 1: service="\${y}" ref="a" needs an attribute of the page that is text or a number, and it has none of that name`,
    },
  ])
})

test('names that mean something to JavaScript are harmless', () => {
  const attributes = JSON.parse('{"__proto__":{"admin":true},"hasOwnProperty":1}')
  const flow = createFlow({ attributes })
  flow.add(tagAt(1, 'ref="a" imports="__proto__, hasOwnProperty as __proto, constructor"'))
  flow.add(tagAt(2, 'ref="b" exports="__proto__ as constructor, x as toString"'))
  flow.add(tagAt(3, 'ref="c" exports="__proto__"'))
  flow.closeAhead()
  const first = flow.take()
  assert.deepEqual(
    first.declined.map(({ index }) => index),
    [2],
  )
  flow.settle(1, JSON.parse('{"__proto__":{"evil":1},"x":"y"}'))
  const [start] = flow.take().starts
  assert.equal(
    JSON.stringify(start!.values),
    '{"__proto__":{"admin":true},"__proto":1,"constructor":{"evil":1}}',
  )
  assert.equal(Object.getPrototypeOf(start!.values), Object.prototype)
  assert.equal(Object.getPrototypeOf(flow.attributes), Object.prototype)
  assert.equal(flow.attributes.admin, undefined)
  assert.equal(flow.attributes.toString, 'y')
})

test('a fragment can be given up before it is asked for', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="a" exports="x"'))
  flow.add(tagAt(2, 'ref="b" imports="x" exports="y"'))
  flow.add(tagAt(3, 'ref="c" imports="y"'))
  flow.closeAhead()
  flow.settle(1, undefined)
  assert.deepEqual(started(flow), ['a({})', 'c({})'])
  flow.settle(0, { x: 1 })
  assert.deepEqual(started(flow), [])
})

test('a fragment settles once, and only one that was asked for has exports', () => {
  const flow = createFlow({ attributes: {} })
  flow.add(tagAt(1, 'ref="a" exports="x"'))
  assert.throws(() => flow.settle(0, {}), { name: 'RangeError', message: 'fragment 0 was never asked for' })
  assert.throws(() => flow.settle(1, {}), { name: 'RangeError', message: 'there is no fragment 1' })
  assert.throws(() => flow.add(tagAt(2, 'ref="b"'), 7), {
    name: 'RangeError',
    message: 'there is no fragment 7',
  })
  flow.take()
  flow.settle(0, undefined)
  flow.settle(0, { x: 1 })
  assert.deepEqual(flow.attributes, {})
})

test('pages of a hundred thousand tags in one chain, or one cycle, are no trouble', () => {
  const count = 100_000
  const chain = createFlow({ attributes: {} })
  for (let i = 0; i < count; i++) {
    const [from, to] = [`n${i}`, `n${i + 1}`]
    const tag = { ...tagAt(1, 'ref="a"'), imports: [{ from, to: from }], exports: [{ from: to, to }] }
    chain.add(tag, i === 0 ? undefined : i - 1)
  }
  chain.closeAhead()
  assert.equal(chain.take().starts.length, 1)
  chain.settle(0, {})
  assert.equal(chain.isSettled, true)

  const ring = createFlow({ attributes: {} })
  for (let i = 0; i < count; i++) {
    const [from, to] = [`n${i}`, `n${(i + 1) % count}`]
    ring.add({ ...tagAt(1, 'ref="a"'), imports: [{ from, to: from }], exports: [{ from: to, to }] })
  }
  ring.closeAhead()
  const { declined } = ring.take()
  assert.equal(declined.length, count)
  assert.match(declined[0]!.detail, /and so on, 100000 steps in all/)
})

test('whoever only sends values on has one copy of each, whoever imports it under whatever name', () => {
  const flow = createFlow({ attributes: { a: { b: [1] } }, isReadOnly: true })
  flow.add(tagAt(1, 'ref="one" imports="a, a as x, a.b" exports="e as e1, e as e2"'))
  flow.add(tagAt(2, 'ref="two" imports="a.b as c, e1, e2"'))
  flow.closeAhead()
  const { a, x, b } = flow.take().starts[0]!.values
  assert.deepEqual([a, x, b], [{ b: [1] }, { b: [1] }, [1]])
  assert.equal(a, x)
  flow.settle(0, { e: { n: 1 } })
  const { c, e1, e2 } = flow.take().starts[0]!.values
  assert.deepEqual([c, e1, e2], [[1], { n: 1 }, { n: 1 }])
  assert.equal(c, b)
  assert.equal(flow.attributes.e1, flow.attributes.e2)
})
