import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FragmentError } from '@hydra-gateway/protocol/fragments'
import { checkOptions, compileRegistration } from '../registration.ts'
import { fragment } from './fragment.ts'

const html = () => '<p>x</p>'
const facts = {
  instanceId: 'a'.repeat(32),
  activeSince: 1,
  host: '127.0.0.1',
  port: 3001,
  protocol: 'http',
  exported: [],
  statics: [],
} as const

test('a fragment is a name, what it declares, and how it is rendered', () => {
  const options = { imports: ['sku', '$a-b'], exports: ['total'], assets: { styles: ['checkout.css'] } }
  const checkout = fragment('checkout', options, html)
  assert.deepEqual({ ...checkout }, { ref: 'checkout', options, handler: html })
  assert.deepEqual(fragment('plain', html).options, {})
  assert.ok(Object.isFrozen(checkout))
})

test('a declaration that can’t be meant is refused where it is written, with what to do', () => {
  const wrong: [() => unknown, RegExp][] = [
    [() => fragment('', html), /a fragment is called by a text .* not ""/],
    [() => fragment('a'.repeat(257), html), /1 to 256 characters/],
    [() => fragment('a\nb', html), /is called by a text/],
    [() => fragment(' a', html), /is called by a text/],
    [() => fragment(`\${x}`, html), /is called by a text/],
    [() => fragment(undefined as never, html), /not undefined/],
    [() => fragment('a', undefined as never), /"a": the last argument must be the function that renders it/],
    [() => fragment('a', {}, 'html' as never), /the last argument must be the function/],
    [() => fragment('a', null as never, html), /options must be an object such as/],
    [
      () => fragment('a', { import: ['x'] } as never, html),
      /"import" is no option of a fragment; did you mean "imports"\?/,
    ],
    [() => fragment('a', { imports: 'x' as never }, html), /"a": imports must be a list such as \['sku'\]/],
    [() => fragment('a', { imports: ['x', 'x'] }, html), /imports has "x" twice/],
    [
      () => fragment('a', { imports: ['user.zip'] }, html),
      /"user\.zip", which is no name; declare what stands before the dot/,
    ],
    [() => fragment('a', { exports: ['x as y'] }, html), /the tag renames them: exports="…"/],
    [() => fragment('a', { exports: ['x,y'] }, html), /each name is a text of its own/],
    [() => fragment('a', { attributes: ['1x'] }, html), /letters, digits/],
    [() => fragment('a', { attributes: ['__proto__'] }, html), /which is no name/],
    [() => fragment('a', { attributes: [7] as never }, html), /attributes has 7, which is no name/],
    [
      () => fragment('a', { imports: Array.from({ length: 257 }, (_, i) => `n${i}`) }, html),
      /257 names, at most 256/,
    ],
    [() => fragment('a', { assets: { styles: 'a.css' } as never }, html), /assets\.styles: .*such as/],
    [
      () => fragment('a', { assets: { style: ['a.css'] } as never }, html),
      /"style" is no kind of assets; did you mean "styles"\?/,
    ],
  ]
  for (const [declare, message] of wrong)
    assert.throws(
      declare,
      (fault) => fault instanceof TypeError && message.test(fault.message),
      String(message),
    )
})

test('what a fragment sets itself can’t come in under the same name', () => {
  for (const list of ['exports', 'attributes']) {
    assert.throws(
      () => fragment('checkout', { imports: ['sku', 'total'], [list]: ['total'] }, html),
      (fault) =>
        fault instanceof FragmentError &&
        fault.name === 'FragmentImportConflict' &&
        fault.message.includes(`fragment "checkout": "total" stands in imports and in ${list}`),
    )
  }
  fragment('checkout', { exports: ['total'], attributes: ['total'] }, html)
})

test('a registration says what fragments declare, exports among their own attributes', () => {
  const fragments = [
    fragment('checkout', { imports: ['sku'], exports: ['total'], attributes: ['total', 'rate'] }, html),
    fragment('plain', html),
  ]
  const sent = compileRegistration({ name: 'orders', fragments }, facts)
  assert.deepEqual(sent.refs, [
    { ref: 'checkout', attributes: ['total', 'rate'], imports: ['sku'] },
    { ref: 'plain', attributes: [] },
  ])
})

test('tags of pages are registered once pages are compiled', () => {
  let compiled = false
  const use = { place: 'home:1:1', service: 'stock', ref: 'left', imports: ['sku'], exports: [] }
  const page = {
    compile: () => void (compiled = true),
    bind() {},
    uses: () => (compiled ? [use] : assert.fail('not compiled')),
  }
  checkOptions({ name: 'orders', pages: [page] })
  page.compile()
  const sent = compileRegistration({ name: 'orders', pages: [page] }, facts)
  assert.deepEqual([sent.uses, sent.asksFragments], [[use], true])
  assert.equal(compileRegistration({ name: 'orders', pages: [] }, facts).asksFragments, undefined)
})

test('two fragments of one name, and things that are no fragments, are refused before anything starts', () => {
  const twice = [fragment('a', html), fragment('a', html)]
  assert.throws(() => checkOptions({ name: 'x', fragments: twice }), /fragments: two are called "a"/)
  const wrong = { name: 'x', fragments: [{ ref: 'a' }], pages: ['<h1>'], identify: 'x', maxRenders: 0 }
  assert.throws(
    () => checkOptions(wrong as never),
    (fault: Error) =>
      fault.message ===
      "fragments must be a list such as [fragment('checkout', handler)]; pages must be a list such as " +
        "[page('<h1>…</h1>')]; identify must be a function that takes a token; maxRenders must be a whole number, 1 or more",
  )
})

test('a fragment may say whom it is for, without mistakes', () => {
  assert.deepEqual(fragment('a', { roles: ['ADMIN'] }, () => '').options, { roles: ['ADMIN'] })
  assert.throws(
    () => fragment('a', { role: ['ADMIN'] } as never, () => ''),
    /"role" is no option of a fragment; did you mean "roles"\?/,
  )
  assert.throws(
    () => fragment('a', { roles: 'ADMIN' } as never, () => ''),
    /fragment "a": roles must be a list such as \['ADMIN'\]/,
  )
  assert.throws(() => fragment('a', { auth: 'optional', roles: ['A'] }, () => ''), /don't go together/)
})
