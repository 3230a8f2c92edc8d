/** Who is asked, in which order and for how long, with services that are played here and a clock that is moved by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FallbackReason } from '@hydra-gateway/protocol'
import { createManualClock } from '../observe/manual-clock.ts'
import { fail, html, instanceOf, start, tag } from './testing/played-services.ts'

test('fragments of several services are asked for at once, each service in one call over its channel', async () => {
  const page = start({ services: [instanceOf('orders'), instanceOf('stock')] })
  page.add(tag('orders', 'cart'), tag('stock', 'left'), tag('orders', 'total'))
  await page.go()
  assert.deepEqual(
    page.calls.map(({ instance, request }) => [instance.service, request.requests.map(({ ref }) => ref)]),
    [
      ['orders', ['cart', 'total']],
      ['stock', ['left']],
    ],
  )
  page.calls[1]!.answers(html('left', '<b>3</b>'))
  await page.turn()
  assert.deepEqual(page.shown(), [undefined, '<b>3</b>', undefined], 'nobody waits for another one')
  page.calls[0]!.answers(html('cart', 'c'), html('total', 't'))
  await page.turn()
  assert.deepEqual(page.shown(), ['c', '<b>3</b>', 't'])
  assert.equal(page.isDone, true)
})

test('an import waits for its export and is all the fragment gets of the page', async () => {
  const page = start({
    services: [instanceOf('orders'), instanceOf('geo')],
    attributes: { locale: 'nl', secret: 's' },
  })
  page.add(
    tag('geo', 'zone', { imports: 'zip as code, locale' }),
    tag('orders', 'address', { exports: 'postal as zip' }),
  )
  await page.go()
  assert.deepEqual(page.refs(), ['address'])
  page.calls[0]!.answers(html('address', 'a', { postal: '9000', password: 'p' }))
  await page.turn()
  const [, zone] = page.calls
  assert.deepEqual(zone?.request.requests[0]?.values, { code: '9000', locale: 'nl' })
  assert.deepEqual(zone?.request.attributes, {})
  assert.deepEqual(page.outcomes.get(1)?.exports, { postal: '9000' }, 'what the tag does not name stays')
  zone?.answers(html('zone', 'z'))
  await page.turn()
  assert.deepEqual(page.shown(), ['z', 'a'])
  assert.equal(page.outcomes.get(0)?.report.wave, 2)
})

test('a fragment that is late falls back alone; its tag says when, or the budget of the page', async () => {
  const clock = createManualClock()
  const page = start({ services: [instanceOf('orders')], clock, budgetMs: 3000 })
  page.add(tag('orders', 'fast'), tag('orders', 'slow', { timeoutMs: 200 }), tag('orders', 'never'))
  await page.go()
  assert.equal(page.calls[0]?.timeoutMs, 3000)
  clock.advance(199)
  assert.equal(page.outcomes.size, 0)
  clock.advance(1)
  assert.deepEqual(page.reasons(), [undefined, 'timeout', undefined])
  page.calls[0]!.sends(html('fast', 'f'), html('slow', 'too late'))
  clock.advance(2800)
  assert.deepEqual(page.reasons(), [undefined, 'timeout', 'budget'])
  assert.equal(page.outcomes.get(0)?.html, 'f')
  await page.turn()
  assert.equal(page.isDone, true)
  assert.equal(page.calls[0]?.isCancelled, true, 'nobody waits for the call any more')
  assert.deepEqual(page.dropped, ['late-or-repeated'])
})

test('waves share the budget of the page', async () => {
  const clock = createManualClock()
  const page = start({ services: [instanceOf('a')], clock, budgetMs: 1000 })
  page.add(tag('a', 'one', { exports: 'x' }), tag('a', 'two', { imports: 'x' }))
  await page.go()
  clock.advance(700)
  page.calls[0]!.answers(html('one', '1', { x: 1 }))
  await page.turn()
  assert.equal(Math.round(page.calls[1]!.timeoutMs), 300)
  clock.advance(300)
  assert.deepEqual(page.reasons(), [undefined, 'budget'])
})

test('the budget stands still while nothing is waited for, as when the page itself comes slowly', async () => {
  const clock = createManualClock()
  const page = start({ services: [instanceOf('a')], clock, budgetMs: 1000 })
  page.add(tag('a', 'one'))
  await page.go()
  clock.advance(400)
  page.calls[0]!.answers(html('one', '1'))
  clock.advance(60_000)
  page.add(tag('a', 'two'))
  await page.go()
  assert.equal(Math.round(page.calls[1]!.timeoutMs), 600)
})

test('each fallback says why: services and fragments that are not there, refused, or down', async () => {
  const down = instanceOf('down')
  const page = start({
    services: [
      instanceOf('orders', { refs: new Map([['cart', { ref: 'cart', attributes: ['total'] }]]) }),
      instanceOf('strict', { refs: new Map(), refusedRefs: new Map([['zip', 'it would break the shop']]) }),
    ],
    known: ['gone'],
    unreachable: [down],
  })
  page.add(
    tag('nobody', 'x'),
    tag('orders', 'nothing'),
    tag('strict', 'zip'),
    tag('gone', 'x'),
    tag('down', 'x'),
    tag('orders', 'cart', { imports: 'sum as total' }),
  )
  await page.go()
  assert.deepEqual(page.reasons(), [
    'unknown-service',
    'unknown-ref',
    'refused-ref',
    'no-instance',
    'no-instance',
    'import-conflict',
  ])
  assert.equal(page.outcomes.get(2)?.report.detail, 'it would break the shop')
  assert.match(page.outcomes.get(5)?.report.detail ?? '', /sets "total" by itself.*imports="/)
  assert.equal(page.calls.length, 0)
  assert.deepEqual(
    page.counted.map(([service, outcome]) => `${service} ${outcome}`),
    [
      '- unknown-service',
      'orders unknown-ref',
      'strict refused-ref',
      'gone no-instance',
      'down no-instance',
      'orders import-conflict',
    ],
    'names nobody registered are no labels',
  )
})

test('an instance that could not be reached is replaced by another, once', async () => {
  const [one, two, three] = [1, 2, 3].map((n) => instanceOf('orders', { id: `orders-${n}` }))
  const page = start({ services: [one!, two!, three!] })
  page.add(tag('orders', 'cart'))
  await page.go()
  page.calls[0]!.fails(fail('failed', { nothingSent: true }))
  page.calls[1]!.fails(fail('failed', { nothingSent: true, detail: 'connection refused' }))
  await page.turn()
  assert.equal(page.calls.length, 2)
  assert.notEqual(page.calls[0]?.instance.id, page.calls[1]?.instance.id)
  assert.deepEqual(page.reasons(), ['failed'])
  assert.equal(page.outcomes.get(0)?.report.detail, 'connection refused')
})

test('all fragments of a service come from one instance, as long as it is there', async () => {
  const page = start({ services: [instanceOf('a', { id: 'a1' }), instanceOf('a', { id: 'a2' })] })
  page.add(tag('a', 'one', { exports: 'x' }), tag('a', 'two', { imports: 'x' }))
  await page.go()
  page.pickLast = true
  page.calls[0]!.answers(html('one', '1', { x: 1 }))
  await page.turn()
  assert.equal(page.calls[1]?.instance.id, page.calls[0]?.instance.id)
})

test('over HTTP an SDK service is asked for each fragment alone, so that none holds up others', async () => {
  const page = start({ services: [instanceOf('a')], via: 'http' })
  page.add(tag('a', 'one'), tag('a', 'two'))
  await page.go()
  assert.deepEqual(page.refs(), ['one', 'two'])
  assert.equal(page.calls.length, 2)
})

test('too much HTML, none, and none at all are told apart', async () => {
  const page = start({ services: [instanceOf('a')], settings: { maxBytes: 10 } })
  page.add(tag('a', 'large'), tag('a', 'null'), tag('a', 'silent'), tag('a', 'fits'))
  await page.go()
  page.calls[0]!.answers(html('large', '€€€€'), html('null', null), html('fits', '€€€'))
  await page.turn()
  assert.deepEqual(page.reasons(), ['too-large', 'declined', 'unreadable', undefined])
  assert.equal(page.outcomes.get(3)?.report.bytes, 9)
})

test('what is told of a fragment that isn’t shown says whose log to read, or that there is nothing to show', async () => {
  const page = start({ services: [instanceOf('a')] })
  page.add(tag('a', 'threw'), tag('a', 'none'), tag('a', 'null'), tag('a', 'busy'))
  await page.go()
  const reasons = new Map<string, FallbackReason>([
    ['threw', 'failed'],
    ['none', 'declined'],
    ['busy', 'overloaded'],
  ])
  page.calls[0]!.answersWith((id, ref) => {
    const reason = reasons.get(ref)
    return { id, renderedHTML: null, ...(reason && { reason }) }
  })
  await page.turn()
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => page.outcomes.get(index)?.report.detail),
    [
      'its handler failed; the log of a says how',
      'it has nothing to show',
      'it has nothing to show',
      'a does not show it: overloaded',
    ],
  )
})

test('all fragments of a page together have a limit, and a number that is not exceeded', async () => {
  const page = start({ services: [instanceOf('a')], settings: { maxPageBytes: 10, maxPerPage: 3 } })
  page.add(tag('a', 'one'), tag('a', 'two'), tag('a', 'three'), tag('a', 'four'))
  await page.go()
  page.calls[0]!.answers(html('one', '123456'), html('two', '123456'), html('three', '1234'))
  await page.turn()
  assert.deepEqual(page.reasons(), [undefined, 'too-large', undefined, 'too-many'])
  assert.equal(page.isDone, true)
})

test('what fragments export counts as their HTML does, under each of its names', async () => {
  const page = start({ services: [instanceOf('a')], settings: { maxBytes: 1000, maxPageBytes: 2000 } })
  const two = { exports: 'x as x1, x as x2' }
  page.add(
    tag('a', 'large', two),
    tag('a', 'fits', { exports: 'x' }),
    tag('a', 'full', { exports: 'x as y' }),
  )
  page.add(tag('a', 'late', { exports: 'x as z' }), tag('a', 'none'))
  await page.go()
  const x = { list: ['x'.repeat(300), 'x'.repeat(300)] }
  page.calls[0]!.answersWith((_, ref) => html(ref, ref, { x }))
  await page.turn()
  assert.deepEqual(page.reasons(), ['too-large', undefined, undefined, undefined, undefined])
  assert.match(page.outcomes.get(0)?.report.detail ?? '', /exports have 12\d\d bytes; 1000 are allowed/)
  assert.deepEqual(Object.keys(page.resolution.attributes), ['x', 'y', 'z'])

  const small = start({ services: [instanceOf('a')], settings: { maxBytes: 1000, maxPageBytes: 1000 } })
  small.add(tag('a', 'fits', { exports: 'x' }), tag('a', 'over', { exports: 'x as y' }), tag('a', 'none'))
  await small.go()
  small.calls[0]!.answersWith((_, ref) => html(ref, ref, { x }))
  await small.turn()
  assert.deepEqual(small.reasons(), [undefined, 'too-large', undefined])
})

for (const isOurs of [true, false]) {
  test(`a page gives its fragments so much and no more, ${isOurs ? 'of our services' : 'of Medusa’s'}`, async () => {
    const page = start({
      services: [instanceOf('a', { isOurs }), instanceOf('b', { isOurs })],
      attributes: { big: ['x'.repeat(400)] },
      settings: { maxPageBytes: 1000 },
    })
    const aliases = Array.from({ length: 256 }, (_, i) => `big as big${i}`).join(',')
    page.add(tag('a', 'greedy', { imports: aliases }), tag('b', 'modest', { imports: 'big' }))
    await page.go()
    assert.deepEqual(page.refs(), ['modest'])
    page.calls[0]!.answersWith((id) => ({ id, renderedHTML: 'b' }))
    await page.turn()
    assert.deepEqual(page.reasons(), ['too-large', undefined])
    assert.equal(page.isDone, true)
  })
}

test('fragments inside of themselves, and too deep ones, are not asked for', async () => {
  const chain = ['shop#product', 'orders#cart']
  const page = start({ services: [instanceOf('orders')], context: { chain } })
  page.add(tag('orders', 'cart'), tag('orders', 'other'))
  await page.go()
  assert.deepEqual(page.reasons(), ['recursion', undefined])
  assert.match(page.outcomes.get(0)?.report.detail ?? '', /shop#product > orders#cart > orders#cart/)
  assert.deepEqual(page.calls[0]?.request.context, { depth: 1, chain, route: 'v1.x' })

  const deep = start({ services: [instanceOf('orders')], context: { depth: 16 } })
  deep.add(tag('orders', 'cart'))
  await deep.go()
  assert.deepEqual(deep.reasons(), ['depth'])
})

test('cancelling a page cancels its calls, and nothing is heard of it again', async () => {
  const clock = createManualClock()
  const page = start({ services: [instanceOf('a'), instanceOf('b')], clock })
  page.add(tag('a', 'one'), tag('b', 'two'))
  await page.go()
  page.resolution.cancel()
  assert.deepEqual(
    page.calls.map(({ isCancelled }) => isCancelled),
    [true, true],
  )
  clock.advance(60_000)
  page.calls[0]!.answers(html('one', '1'))
  await page.turn()
  assert.equal(page.outcomes.size, 0)
  assert.equal(page.isDone, false)
  assert.deepEqual(
    page.counted.map(([service, outcome]) => `${service} ${outcome}`),
    ['a cancelled', 'b cancelled'],
  )
})

test('what a service keeps of a visitor goes to it and to nobody else; what is too large is not kept', async () => {
  const page = start({
    services: [instanceOf('a'), instanceOf('b')],
    session: { a: { cart: 1 }, c: 'other' },
  })
  page.add(tag('a', 'one', { exports: 'x' }), tag('b', 'two'), tag('a', 'three', { imports: 'x' }))
  await page.go()
  assert.deepEqual(
    page.calls.map(({ request }) => request.session),
    [{ cart: 1 }, undefined],
  )
  page.calls[0]!.keeps({ cart: 2 })
  page.calls[1]!.keeps('x'.repeat(16 * 1024))
  page.calls[0]!.answers(html('one', '1', { x: 1 }))
  page.calls[1]!.answers(html('two', '2'))
  await page.turn()
  assert.deepEqual(page.calls[2]?.request.session, { cart: 2 }, 'the newest one')
  assert.deepEqual(page.resolution.sessions, { a: { cart: 2 } })
  assert.deepEqual(page.dropped, ['session'])
})

test('a call that brought everything is not cancelled, and what comes with the last fragment is kept', async () => {
  const page = start({ services: [instanceOf('a')] })
  page.add(tag('a', 'one'), tag('a', 'two'))
  await page.go()
  page.calls[0]!.sends(html('one', '1'), html('two', '2'))
  page.calls[0]!.keeps({ n: 1 })
  assert.equal(page.isDone, false)
  await page.turn()
  assert.equal(page.isDone, true)
  assert.equal(page.calls[0]?.isCancelled, false)
  assert.deepEqual(page.resolution.sessions, { a: { n: 1 } })
})

test('a service may say why it shows nothing', async () => {
  const page = start({ services: [instanceOf('a')] })
  page.add(tag('a', 'one'), tag('a', 'two'))
  await page.go()
  page.calls[0]!.answers(html('one', null), { ...html('two', null), reason: 'overloaded' })
  await page.turn()
  assert.deepEqual(page.reasons(), ['declined', 'overloaded'])
})

test('names that reach into objects are ordinary names here', async () => {
  const attributes = JSON.parse('{"__proto__":{"polluted":1},"constructor":"c"}')
  const page = start({ services: [instanceOf('a')], attributes })
  page.add(tag('a', 'one', { imports: 'constructor as x, toString as y', exports: '__proto__ as z' }))
  await page.go()
  assert.deepEqual(page.calls[0]?.request.requests[0]?.values, { x: 'c' })
  page.calls[0]!.answers({ id: '0', renderedHTML: 'h', exports: JSON.parse('{"__proto__":{"polluted":1}}') })
  await page.turn()
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
  assert.deepEqual(page.shown(), ['h'])
})

test('a page with many fragments of one service over HTTP asks for some at a time, and gets them all', async () => {
  const page = start({ services: [instanceOf('a')], via: 'http', settings: { maxCallsPerInstance: 3 } })
  const refs = Array.from({ length: 10 }, (_, i) => `r${i}`)
  page.add(...refs.map((ref) => tag('a', ref)))
  await page.go()
  assert.deepEqual(page.refs(), ['r0', 'r1', 'r2'])
  page.calls[1]!.answers(html('r1', '1'))
  page.calls[0]!.fails(fail('closed'))
  await page.turn()
  assert.deepEqual(page.refs(3), ['r3', 'r4'])
  for (let i = 2; i < 10; i++) {
    assert.ok(page.calls[i], `call ${i} waits for nobody`)
    page.calls[i]!.answersWith((id) => ({ id, renderedHTML: 'x' }))
    await page.turn()
  }
  assert.equal(page.calls.length, 10)
  assert.deepEqual(page.reasons(), ['closed', ...refs.slice(1).map(() => undefined)])
  assert.equal(page.isDone, true)
})

test('fragments that wait for their turn fall back in time, and nobody is asked for them afterwards', async () => {
  const clock = createManualClock()
  const page = start({
    services: [instanceOf('a')],
    via: 'http',
    clock,
    budgetMs: 1000,
    settings: { maxCallsPerInstance: 2 },
  })
  page.add(...Array.from({ length: 50 }, (_, i) => tag('a', `r${i}`)))
  await page.go()
  clock.advance(1000)
  await page.turn()
  assert.equal(page.calls.length, 2)
  assert.ok(page.calls.every(({ isCancelled }) => isCancelled))
  assert.ok(page.reasons().every((reason) => reason === 'budget'))
  assert.equal(page.isDone, true)
})

test('a fragment whose instance dies in the middle of it comes from another one, once', async () => {
  const services = [
    instanceOf('a', { id: 'a-1' }),
    instanceOf('a', { id: 'a-2' }),
    instanceOf('a', { id: 'a-3' }),
  ]
  const page = start({ services })
  page.add(tag('a', 'there'), tag('a', 'lost'))
  await page.go()
  page.calls[0]!.sends(html('there', 't'))
  page.calls[0]!.fails(fail('closed'))
  await page.turn()
  assert.deepEqual(
    page.calls.map(({ instance, request }) => [instance.id, request.requests.map(({ ref }) => ref)]),
    [
      ['a-1', ['there', 'lost']],
      ['a-2', ['lost']],
    ],
  )
  page.calls[1]!.fails(fail('closed'))
  await page.turn()
  assert.equal(page.calls.length, 2, 'what kills its instances is not handed on')
  assert.deepEqual(page.reasons(), [undefined, 'closed'])
})
