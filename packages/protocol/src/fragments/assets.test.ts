import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assetTags, assetUrl, createPageAssets, preloadLinks } from './assets.ts'
import { fragmentMarkers, jsonInScript } from './page-markup.ts'

const orders = { service: 'my orders', version: '2.4.0+b' }

test('a name is found below the static prefix of its service, in its version; paths and URLs stay', () => {
  assert.equal(assetUrl('css/check out.css', orders), '/my%20orders/css/check%20out.css?v=2.4.0%2Bb')
  assert.equal(assetUrl('a.js', { service: 'orders', version: 0 }), '/orders/a.js?v=0')
  assert.equal(assetUrl('a.js', { service: 'orders', version: undefined }), '/orders/a.js')
  for (const same of ['/x/y.css?z', 'https://cdn.example/a.js', '//cdn.example/a.js', 'HTTP://h/a.js'])
    assert.equal(assetUrl(same, orders), same)
  assert.equal(assetUrl('javascript:alert(1)', { service: 'o', version: 1 }), '/o/javascript%3Aalert(1)?v=1')
  assert.equal(assetUrl('\ud800.css', { service: 'o', version: 1 }), '/o/%EF%BF%BD.css?v=1')
  for (const none of ['', '../x.css', 'a/../../x', 'a/%2e%2E/x', 'a//b', '/a b', 'https://h/\n'])
    assert.equal(assetUrl(none, orders), undefined, none)
})

test('nothing in an address gets out of its attribute', () => {
  const tags = assetTags({ styles: ['/a"><script>x</script>'], scripts: ['/b.mjs'] }, orders)
  assert.equal(
    tags,
    '<link rel="stylesheet" href="/a&#34;&#62;&#60;script&#62;x&#60;/script&#62;"><script src="/b.mjs" type="module"></script>',
  )
})

test('an asset stands once in a page: in the head as long as that is to come, then where its fragment is', () => {
  const page = createPageAssets({ hasHead: true })
  page.ready({ styles: ['a.css'], scripts: ['a.js'] }, { service: 'a', version: 1 })
  assert.equal(page.before({ styles: ['a.css', '/own.css'] }, { service: 'a', version: 1 }), '')
  assert.equal(
    page.closeHead(),
    '<link rel="stylesheet" href="/a/a.css?v=1"><script src="/a/a.js?v=1" defer></script><link rel="stylesheet" href="/own.css">',
  )
  assert.equal(
    page.before({ styles: ['/own.css', '/late.css'] }, { service: 'b', version: 1 }),
    '<link rel="stylesheet" href="/late.css">',
  )
  assert.equal(page.before({ styles: ['/late.css'] }, { service: 'c', version: 1 }), '')
  const bare = createPageAssets({ hasHead: false })
  assert.equal(bare.before({ styles: ['/x.css'] }, orders), '<link rel="stylesheet" href="/x.css">')
})

test('hints are values of a Link header', () => {
  assert.deepEqual(
    preloadLinks({ styles: ['a.css'], scripts: ['b.js', '/c.mjs'] }, { service: 'o', version: 1 }),
    [
      '</o/a.css?v=1>; rel=preload; as=style',
      '</o/b.js?v=1>; rel=preload; as=script',
      '</c.mjs>; rel=modulepreload',
    ],
  )
})

test('data in a script element and ids in comments can not end them', () => {
  assert.equal(jsonInScript({ a: '</script><!--' }), '{"a":"\\u003c/script\\u003e\\u003c!--"}')
  assert.equal(fragmentMarkers('a-->b').begin, '<!--hydra:fragment a__b-->')
})
