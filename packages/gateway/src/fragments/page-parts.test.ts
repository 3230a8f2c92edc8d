import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteTags } from '@hydra-gateway/protocol/fragments'
import fc from 'fast-check'
import type { Part } from './page-open.ts'
import { createPageParts } from './page-parts.ts'
import { pageText } from './page-text.ts'

/** Takes a page apart: what was told, in one line each. */
function apart(maxFallbackBytes: number, site?: SiteTags) {
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
    { text: pageText('text/html')!, maxFallbackBytes, site },
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

test('menus nobody has, each in another, cost about as much as one', () => {
  const site: SiteTags = { menu: () => undefined, link: () => undefined }
  const { parts, told, write } = apart(65_536, site)
  const links = '<a m:link>'.repeat(4500)
  const depth = 1000
  const began = performance.now()
  for (let page = 0; page < 10; page++)
    write(`${'<m:menu name="x">'.repeat(depth)}${links}${'</m:menu>'.repeat(depth)}`)
  parts.end()
  const tookMs = performance.now() - began
  assert.equal(told.join(''), `<hydra-menu name="x">${links}</hydra-menu>`.repeat(10))
  assert.ok(tookMs < 1500, `${tookMs} ms`)
})

test('what is likely a mistake in a tag is told with its place, and the tag counts', () => {
  const { told, write } = apart(60)
  write('<p>\n  <m:fragment ref="a" requird/>')
  assert.deepEqual(told.slice(-2), ['2:3 "requird" means nothing; did you mean required?', 'a(0)'])
})

const site: SiteTags = {
  menu: ({ name }) => (name === 'main' ? '[main]' : undefined),
  link: (path) => (path === '/orders' ? { path, link: { state: 'down' } } : undefined),
}
const piece = fc.constantFrom(
  ...[
    '<m:menu name=main>',
    '<m:menu name=other>',
    '<m:menu>',
    '</m:menu>',
    '<m:menu name="main" />',
    '</x:menu>',
  ],
  ...[
    '<a m:link href=/orders>',
    '<a href="/orders" title=">" m:link>',
    '<a m:link href=/else>',
    '</a>',
    '<p>é',
  ],
  ...[
    '<m:fragment ref=a>',
    '<m:fragment ref=b/>',
    '<m:fragment>',
    '</m:fragment>',
    '<!--',
    '-->',
    'text',
    '</body>',
  ],
)

test('however a page with menus and links is cut, it is taken apart the same, and nothing of it is lost', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 16 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      fc.constantFrom(40, 120, 100_000),
      (pieces, picks, maxFallbackBytes) => {
        const bytes = Buffer.from(pieces.join(''))
        const taken = (cuts: readonly number[]): string => {
          let told = ''
          const put = (part: Part): void => {
            if (Buffer.isBuffer(part)) told += part.toString('latin1')
            else {
              told += `{${part.tag.ref}`
              for (const inside of part.fallback) put(inside)
              told += '}'
            }
          }
          const parts = createPageParts(
            {
              onText: put,
              onFragment: put,
              onAttributes() {},
              onHeadEnd() {},
              onBodyEnd() {},
              onDropped() {},
              onTagWarnings() {},
            },
            { text: pageText('text/html')!, site, maxFallbackBytes },
          )
          let from = 0
          for (const to of [...cuts, bytes.length]) {
            parts.write(Buffer.from(bytes.subarray(from, to)))
            from = to
          }
          parts.end()
          assert.equal(parts.openAt, Number.POSITIVE_INFINITY)
          return told
        }
        const whole = taken([])
        const cuts = picks.map((pick) => pick % (bytes.length + 1)).sort((a, b) => a - b)
        assert.equal(taken(cuts), whole)
        const texts = pieces.filter((one) => one === 'text').length
        // What stands in place of a menu that is there goes; everything else is somewhere.
        if (!pieces.includes('<m:menu name=main>')) assert.equal(whole.split('text').length - 1, texts)
      },
    ),
    { numRuns: 2000 },
  )
})
