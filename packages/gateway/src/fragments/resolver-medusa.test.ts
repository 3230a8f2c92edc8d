/** What Medusa's applications are asked (`medusa.md` 2.1), played here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { fail, html, instanceOf, start, tag } from './testing/played-services.ts'

const medusa = (service: string, more = {}) => instanceOf(service, { isOurs: false, ...more })

test('a Medusa application is asked once for all its fragments, with all attributes of the page', async () => {
  const page = start({
    services: [medusa('two')],
    attributes: { message: 'Hello', name: 'page' },
    via: 'http',
  })
  page.add(tag('two', 'a', { imports: 'message as name' }), tag('two', 'b'))
  await page.go()
  assert.equal(page.calls.length, 1)
  const { attributes, requests, session } = page.calls[0]!.request
  assert.deepEqual(attributes, { message: 'Hello', name: 'Hello' }, 'imports win')
  assert.equal(session, undefined)
  assert.deepEqual(
    requests.map(({ ref, imports, values }) => [ref, imports, values]),
    [
      ['a', ['message as name'], undefined],
      ['b', [], undefined],
    ],
  )
})

test('fragments that import different values by one name are asked for in different calls', async () => {
  const page = start({ services: [medusa('two')], attributes: { x: 1, y: 2 }, via: 'http' })
  page.add(
    tag('two', 'a', { imports: 'x as n' }),
    tag('two', 'b', { imports: 'y as n' }),
    tag('two', 'c', { imports: 'x as n' }),
  )
  await page.go()
  assert.deepEqual(
    page.calls.map(({ request }) => [request.attributes.n, request.requests.map(({ ref }) => ref)]),
    [
      [1, ['a', 'c']],
      [2, ['b']],
    ],
  )
})

test('HTML in several pieces is put together, exports are nobody’s, placeholders nobody resolved are taken out', async () => {
  const page = start({ services: [medusa('two')], via: 'http' })
  page.add(tag('two', 'a', { exports: 'x' }), tag('two', 'b'))
  await page.go()
  const placeholder = `$#FRGM-${'k3'.repeat(30)}`
  page.calls[0]!.answers(
    html('a', '<i>', { x: 1 }),
    html('b', `1${placeholder}2$&`),
    html('a', '</i>', { x: 2 }),
    html('nobody', '?'),
  )
  await page.turn()
  assert.deepEqual(page.shown(), ['<i></i>', '12$&'])
  assert.deepEqual(page.outcomes.get(0)?.exports, {})
  assert.deepEqual(page.dropped, ['unknown-id', 'placeholders'])
})

test('a batch has until 1100 ms; refused before, its fragments are asked for one by one in what is left', async () => {
  const clock = createManualClock()
  const page = start({ services: [medusa('two')], via: 'http', clock, budgetMs: 1700 })
  page.add(tag('two', 'a'), tag('two', 'b'), tag('two', 'c'))
  await page.go()
  assert.equal(Math.round(page.calls[0]!.timeoutMs), 1100)
  clock.advance(300)
  page.calls[0]!.fails(fail('failed', { isRefusal: true, detail: 'status 500' }))
  await page.turn()
  assert.deepEqual(page.refs(1), ['a', 'b', 'c'])
  assert.deepEqual(
    page.calls.slice(1).map(({ timeoutMs }) => Math.round(timeoutMs)),
    [1400, 1400, 1400],
  )
  page.calls[2]!.fails(fail('failed', { isRefusal: true, detail: 'status 500' }))
  page.calls[1]!.answers(html('a', '1'))
  clock.advance(1400)
  assert.deepEqual(page.reasons(), [undefined, 'failed', 'budget'])
  assert.equal(page.calls.length, 4)
})

test('a batch that is late, or can not be read, is not repeated', async () => {
  for (const reason of ['timeout', 'unreadable'] as const) {
    const page = start({ services: [medusa('two')], via: 'http' })
    page.add(tag('two', 'a'), tag('two', 'b'))
    await page.go()
    page.calls[0]!.fails(fail(reason))
    await page.turn()
    assert.deepEqual(page.reasons(), [reason, reason])
    assert.equal(page.calls.length, 1)
  }
})

test('of an answer that can be read in part, that part is shown', async () => {
  const page = start({ services: [medusa('two')], via: 'http' })
  page.add(tag('two', 'a'), tag('two', 'b'))
  await page.go()
  page.calls[0]!.sends(html('a', '1'))
  page.calls[0]!.fails(fail('unreadable'))
  await page.turn()
  assert.deepEqual(page.shown(), ['1', undefined])
  assert.deepEqual(page.reasons(), [undefined, 'unreadable'])
})

test('a page of Medusa gives an SDK fragment only what the fragment says it takes', async () => {
  const page = start({
    services: [
      instanceOf('a', { refs: new Map([['one', { ref: 'one', attributes: [], imports: ['dob'] }]]) }),
    ],
    attributes: { dob: 1, secret: 2 },
    passesAll: true,
  })
  page.add(tag('a', 'one'))
  await page.go()
  assert.deepEqual(page.calls[0]?.request.requests[0]?.values, { dob: 1 })
})

test('fragments with one id, as Medusa’s pages send for equal refs, have their own outcomes', async () => {
  const page = start({ services: [medusa('two'), medusa('three')], via: 'http' })
  page.addAs('$#FRGM-x', tag('two', 'counter'))
  page.addAs('$#FRGM-x', tag('two', 'counter'))
  page.addAs('$#FRGM-x', tag('three', 'counter'))
  await page.go()
  const ids = page.calls.flatMap(({ request }) => request.requests.map(({ id }) => id))
  assert.equal(new Set(ids).size, 3)
  for (const call of page.calls)
    call.answersWith((id, ref) => ({
      id,
      renderedHTML: `${call.instance.service} ${ref} ${ids.indexOf(id)}`,
    }))
  await page.turn()
  assert.deepEqual(page.shown(), ['two counter 0', 'two counter 1', 'three counter 2'])
  assert.deepEqual(new Set([...page.outcomes.values()].map(({ report }) => report.id)), new Set(['$#FRGM-x']))
})
