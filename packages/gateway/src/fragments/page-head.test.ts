import assert from 'node:assert/strict'
import { test } from 'node:test'
import { privately } from './page-head.ts'
import { pageText } from './page-text.ts'

test('a composed page is for its visitor alone, whatever its service said', () => {
  for (const [said, becomes] of [
    ['', 'private, no-cache'],
    ['public', 'private'],
    ['public, max-age=60, s-maxage=600, proxy-revalidate', 'private, max-age=60'],
    ['private="a, public", no-cache="b, c"', 'private, no-cache="b, c"'],
    ['PUBLIC , S-MaxAge = 5,no-store', 'private, no-store'],
    ['publicity=1', 'private, publicity=1'],
    ['max-age=1, x="unclosed', 'private, max-age=1'],
  ] as const) {
    assert.equal(privately(said).startsWith(becomes), true, `${said}: ${privately(said)}`)
  }
})

test('a line of quotes nobody closes is read in the time its length takes', () => {
  // By the square of it, this would take minutes.
  const said = privately(`public, max-age=1, x="${'\\"'.repeat(500_000)}`)
  assert.equal(said.startsWith('private, max-age=1, x=, \\'), true)
})

test('pages are read and written in what they are written in', () => {
  assert.equal(pageText('text/html')!.encode('é').toString(), 'é')
  assert.equal(pageText('text/html; Charset="UTF-8"')!.encode('é').toString(), 'é')
  assert.equal(pageText('text/html;charset=windows-1252')!.encode('a&é😀').toString(), 'a&&#233;&#128512;')
  assert.equal(pageText('text/html;charset=windows-1252')!.decode(Buffer.of(0x80)), '€')
  for (const charset of ['utf-16', 'utf-7', 'shift_jis', 'gb18030', 'iso-2022-jp', 'ebcdic-us', 'x'])
    assert.equal(pageText(`text/html; charset=${charset}`), undefined, charset)
})
