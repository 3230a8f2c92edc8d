import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assetHint, assetHtml, assetsOf, assetUrl, createPageAssets } from './assets.ts'
import { fragmentMarkers, jsonInScript } from './page-markup.ts'

const orders = { service: 'my orders', version: '2.4.0+b' }

test('a name is found below the static prefix of its service, in its version; paths and URLs stay', () => {
  assert.equal(assetUrl('css/check out.css', orders), '/my%20orders/css/check%20out.css?v=2.4.0%2Bb')
  assert.equal(assetUrl('a.js', { service: 'orders', version: 0 }), '/orders/a.js?v=0')
  for (const same of ['/x/y.css?z', 'https://cdn.example/a.js']) assert.equal(assetUrl(same, orders), same)
})

test('an address that leads anywhere else is none', () => {
  for (const none of [
    '',
    '../x.css',
    'a/../../x',
    'a//b',
    '//cdn.example/a.js',
    '/\\x',
    'javascript:alert(1)',
  ])
    assert.equal(assetUrl(none, orders), undefined, none)
  const refused: string[] = []
  assert.deepEqual(
    assetsOf({ styles: ['data:x'], scripts: ['a.js'] }, { service: 'o', version: 1 }, (name) =>
      refused.push(name),
    ),
    [{ kind: 'script', url: '/o/a.js?v=1' }],
  )
  assert.deepEqual(refused, ['data:x'])
})

test('nothing in an address gets out of its attribute', () => {
  const [style, script] = assetsOf({ styles: ['/a?b&"><script>'], scripts: ['/b.mjs'] }, orders)
  assert.equal(assetHtml(style!), '<link rel="stylesheet" href="/a?b&amp;%22%3E%3Cscript%3E">')
  assert.equal(assetHtml(script!), '<script type="module" src="/b.mjs"></script>')
})

test('an asset stands once in a page: in the head if it is known by then, else where its fragment is', () => {
  const [style, script] = assetsOf({ styles: ['a.css'], scripts: ['a.js'] }, { service: 'a', version: 1 })
  const late = { kind: 'style', url: '/late.css' } as const
  const page = createPageAssets()
  page.ready([style!, script!])
  // A fragment in the head itself, such as one that makes the title.
  assert.equal(page.before([style!]), '<link rel="stylesheet" href="/a/a.css?v=1">')
  assert.equal(page.closeHead(), '<script defer src="/a/a.js?v=1"></script>')
  page.ready([late])
  assert.equal(page.before([script!, late]), '<link rel="stylesheet" href="/late.css">')
  assert.equal(page.before([late]), '')
})

test('hints are values of a Link header', () => {
  const assets = assetsOf({ styles: ['a.css'], scripts: ['b.js', '/c.mjs'] }, { service: 'o', version: 1 })
  assert.deepEqual(assets.map(assetHint), [
    '</o/a.css?v=1>; rel=preload; as=style',
    '</o/b.js?v=1>; rel=preload; as=script',
    '</c.mjs>; rel=modulepreload',
  ])
})

test('data in a script element and ids in comments can not end them', () => {
  assert.equal(jsonInScript({ a: '</script><!--' }), '{"a":"\\u003c/script\\u003e\\u003c!--"}')
  assert.equal(fragmentMarkers('a-->b').begin, '<!--hydra:fragment a__b-->')
})
