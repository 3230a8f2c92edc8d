import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fold } from './fold.ts'

test('a line that is too long is broken between words, below where its text began', () => {
  assert.equal(fold('  ▲ one two three four five', 20), '  ▲ one two three\n    four five')
  assert.equal(fold('is     one two three four', 20, 7), 'is     one two three\n       four')
  assert.equal(fold('short\n  also short', 20), 'short\n  also short')
})

test('colours take no cells, and columns that fit stay as they are', () => {
  const bold = '\u001b[1mone two three four\u001b[0m'
  assert.equal(fold(bold, 18), bold)
  assert.equal(
    fold('    key   abc   (whole: hydra config)', 30),
    '    key   abc   (whole: hydra\n    config)',
  )
})

test('a word that is longer than a line stays whole', () => {
  const address = 'http://a-host-with-a-long-name.example/'
  assert.equal(fold(`  at ${address} now`, 20), `  at\n  ${address}\n  now`)
  assert.equal(fold(`  ${address}`, 20), `  ${address}`)
})

test('no terminal, no breaks', () => {
  const line = 'word '.repeat(100).trimEnd()
  assert.equal(fold(line, Number.POSITIVE_INFINITY), line)
})

test('whatever is folded keeps its words in their order, and no line with a break in it is too long', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,18}$/), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(words, fc.integer({ min: 20, max: 80 }), (list, columns) => {
      const folded = fold(list.join(' '), columns)
      assert.deepEqual(folded.split(/\s+/), list)
      for (const line of folded.split('\n')) assert.ok(line.length <= columns, line)
    }),
  )
})
