import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { html, shortened, textOf, trusted } from './html.ts'

test('whatever is put into a page stays text, in content and in attributes', () => {
  const evil = `"><script>alert('x')</script>&`
  const page = textOf(html`<a title="${evil}">${evil}</a>`)
  assert.equal(page.match(/</g)?.length, 2)
  assert.ok(page.startsWith('<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">'))
})

test('markup made here is put in as it is, lists are joined, nothing is nothing', () => {
  const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`)
  assert.equal(
    textOf(html`<ul>${items}</ul>${undefined}${false}${0}${trusted('<hr>')}`),
    '<ul><li>a</li><li>&lt;b&gt;</li></ul>0<hr>',
  )
})

test('nothing received can pass for markup', () => {
  const received = JSON.parse('{"markup":"<script>","Symbol(markup)":"<script>"}')
  assert.throws(() => html`${received}`)
})

test('a long or tricky path is shown short and in reading order', () => {
  assert.equal(shortened('/orders'), '/orders')
  assert.equal(shortened(`/${'a'.repeat(500)}`).length, 96)
  assert.equal(shortened('/a\u202egpj.exe\u0000'), '/a\ufffdgpj.exe\ufffd')
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 1, max: 200 }),
      (text, length) => {
        const short = shortened(text, length)
        assert.ok(short.isWellFormed())
        assert.ok(short.length <= length)
      },
    ),
  )
})
