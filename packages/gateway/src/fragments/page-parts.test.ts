import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPageParts } from './page-parts.ts'
import { pageText } from './page-text.ts'

/** Takes a page apart: what was told, in one line each. */
function apart(maxFallbackBytes: number) {
  const told: string[] = []
  const parts = createPageParts(
    {
      onText: (bytes) => void told.push(bytes.toString()),
      onFragment: ({ tag, fallback }) => void told.push(`${tag.ref}(${fallback.length})`),
      onAttributes() {},
      onHeadEnd() {},
      onBodyEnd() {},
      onDropped: (what) => void told.push(what),
      onTagWarnings: ({ line, column }, _tag, warnings) => void told.push(`${line}:${column} ${warnings}`),
    },
    { text: pageText('text/html')!, maxFallbackBytes },
  )
  return { parts, told, write: (html: string) => parts.write(Buffer.from(html)) }
}

test('a fallback of nothing but tags is not kept beyond its limit', () => {
  const { parts, told, write } = apart(1000)
  write('<m:fragment ref="a">')
  for (let i = 0; i < 10_000; i++) write('<m:fragment ref="b"/>')
  assert.equal(parts.openAt, Number.POSITIVE_INFINITY)
  assert.equal(told.filter((each) => each === 'b(0)').length, 10_000)
  assert.deepEqual(told.slice(0, 2), ['fallback-too-large', 'b(0)'])
})

test('tags in a fallback count for what is around them, until that is left out', () => {
  const { parts, told, write } = apart(60)
  // Of 21 bytes each: three are too many for the outermost, two are not for the next.
  write('<m:fragment ref="a"><m:fragment ref="b"><m:fragment ref="c"/>')
  assert.deepEqual([told, parts.openAt], [[], 0])
  write('<m:fragment ref="d"/>')
  assert.deepEqual([told, parts.openAt], [['fallback-too-large'], 20])
  write('</m:fragment></m:fragment>')
  assert.deepEqual(told, ['fallback-too-large', 'b(2)'])
})

test('what is left out of a fallback is not held against it once it is closed', () => {
  const { told, write } = apart(60)
  write('<m:fragment ref="a">')
  for (let i = 0; i < 10; i++) write('<m:fragment></m:fragment>')
  write('<p></m:fragment>')
  assert.deepEqual(
    told.filter((each) => each !== 'tag-syntax'),
    ['a(1)'],
  )
})

test('what is likely a mistake in a tag is told with its place, and the tag counts', () => {
  const { told, write } = apart(60)
  write('<p>\n  <m:fragment ref="a" requird/>')
  assert.deepEqual(told.slice(-2), ['2:3 "requird" means nothing; did you mean required?', 'a(0)'])
})
