import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { placesOf, positionIn, positionsOf } from './position.ts'

test('a place is named by its file, or by line and column alone', () => {
  assert.equal(placesOf('product.html')({ line: 12, column: 5 }), 'product.html:12:5')
  assert.equal(placesOf()({ line: 12, column: 5 }), 'line 12, column 5')
})

test('LF, CRLF and CR end a line each, and a text may begin anywhere', () => {
  const text = 'ab\ncd\r\nef\rgh'
  const start = { line: 3, column: 7 }
  assert.deepEqual(positionIn(text, 2, start), { line: 3, column: 9 })
  assert.deepEqual(positionIn(text, text.indexOf('d'), start), { line: 4, column: 2 })
  assert.deepEqual(positionIn(text, text.indexOf('f'), start), { line: 5, column: 2 })
  assert.deepEqual(positionIn(text, text.indexOf('h'), start), { line: 6, column: 2 })
})

test('positions in bytes are those in the text, in whatever order they are asked for', () => {
  const scrap = fc.constantFrom('a', 'é', '€', '😀', '\n', '\r\n', '\r', '\t', '\ufeff')
  fc.assert(
    fc.property(fc.array(scrap), fc.array(fc.nat(), { maxLength: 6 }), (scraps, picks) => {
      const text = scraps.join('')
      const encoder = new TextEncoder()
      const positionOf = positionsOf(encoder.encode(text))
      for (const pick of picks) {
        const before = scraps.slice(0, pick % (scraps.length + 1)).join('')
        assert.deepEqual(positionOf(encoder.encode(before).length), positionIn(text, before.length))
      }
    }),
  )
})
