import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headOfBlock } from './http2-head.ts'

const PSEUDO = [':method', 'GET', ':scheme', 'https', ':authority', 'shop.example', ':path', '/a?b']

function textOf(raw: readonly string[], isWhole = true): string {
  const block = headOfBlock(raw, isWhole)
  if ('code' in block) throw new Error(block.reason)
  assert.equal(block.bytes.toString('latin1').split('\r\n').length - 3, block.lines)
  return block.bytes.toString('latin1')
}

test('a header block is the same request in the words of HTTP/1.1', () => {
  assert.equal(
    textOf([...PSEUDO, 'accept', '*/*', 'x-a', '1', 'x-a', '\xe9']),
    'GET /a?b HTTP/1.1\r\nhost: shop.example\r\naccept: */*\r\nx-a: 1\r\nx-a: \xe9\r\n\r\n',
  )
})

test('a cookie in crumbs is one line again', () => {
  assert.match(textOf([...PSEUDO, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2']), /\r\ncookie: a=1; b=2\r\n/)
})

test('a body without a length is chunked, and one with a length is not', () => {
  assert.match(textOf(PSEUDO, false), /\r\ntransfer-encoding: chunked\r\n/)
  assert.doesNotMatch(textOf([...PSEUDO, 'content-length', '3'], false), /transfer-encoding/)
  assert.doesNotMatch(textOf(PSEUDO, true), /transfer-encoding/)
})

test('a host beside the authority must be the same one', () => {
  assert.equal(textOf([...PSEUDO, 'host', 'SHOP.example']).match(/host/g)?.length, 1)
  const alone = [':method', 'GET', ':scheme', 'https', ':path', '/', 'host', 'other.example']
  assert.match(textOf(alone), /host: other\.example/)
})

for (const [why, raw, reason] of [
  ['another host', [...PSEUDO, 'host', 'other.example'], 'authority'],
  ['two hosts', [...PSEUDO, 'host', 'shop.example', 'host', 'shop.example'], 'authority'],
  ['no host at all', [':method', 'GET', ':scheme', 'https', ':path', '/'], 'h2-pseudo'],
  ['no method', [':scheme', 'https', ':authority', 'a', ':path', '/'], 'h2-pseudo'],
  ['no path', [':method', 'GET', ':scheme', 'https', ':authority', 'a'], 'h2-pseudo'],
  ['an empty path', [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', ''], 'h2-pseudo'],
  [
    'an absolute path',
    [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', 'http://b/'],
    'h2-pseudo',
  ],
  ['no scheme', [':method', 'GET', ':authority', 'a', ':path', '/'], 'h2-pseudo'],
  ['another scheme', [':method', 'GET', ':scheme', 'ftp', ':authority', 'a', ':path', '/'], 'h2-scheme'],
  ['two paths', [...PSEUDO, ':path', '/b'], 'h2-pseudo'],
  ['an unknown pseudo header', [...PSEUDO, ':status', '200'], 'h2-pseudo'],
  ['a pseudo header behind others', [':method', 'GET', 'accept', '*/*', ':path', '/'], 'h2-pseudo'],
  ['CONNECT', [':method', 'CONNECT', ':authority', 'a:1'], 'connect'],
  ['extended CONNECT', [':method', 'CONNECT', ':protocol', 'websocket', ...PSEUDO.slice(2)], 'connect'],
  ['TRACE', [':method', 'TRACE', ...PSEUDO.slice(2)], 'trace'],
  ['a line break in a value', [...PSEUDO, 'x', 'a\r\ny: b'], 'control'],
  ['a line feed in a value', [...PSEUDO, 'x', 'a\nb'], 'control'],
  ['a NUL in a value', [...PSEUDO, 'x', 'a\0b'], 'control'],
  [
    'a line break in the path',
    [':method', 'GET', ':scheme', 'https', ':authority', 'a', ':path', '/ HTTP/1.1\r\nx: y'],
    'control',
  ],
  ['a line break in the cookie', [...PSEUDO, 'cookie', 'a\r\nb: c'], 'control'],
  ['an upper-case name', [...PSEUDO, 'X-A', 'b'], 'invalid-header-token'],
  ['a colon in a name', [...PSEUDO, 'x:y', 'b'], 'invalid-header-token'],
  ['a blank in a name', [...PSEUDO, 'x y', 'b'], 'invalid-header-token'],
  ['an empty name', [...PSEUDO, '', 'b'], 'invalid-header-token'],
  ['a line break in a name', [...PSEUDO, 'x\r\ny', 'b'], 'invalid-header-token'],
  ['connection', [...PSEUDO, 'connection', 'close'], 'h2-connection'],
  ['keep-alive', [...PSEUDO, 'keep-alive', 'timeout=1'], 'h2-connection'],
  ['proxy-connection', [...PSEUDO, 'proxy-connection', 'close'], 'h2-connection'],
  ['transfer-encoding', [...PSEUDO, 'transfer-encoding', 'chunked'], 'h2-connection'],
  ['upgrade', [...PSEUDO, 'upgrade', 'websocket'], 'h2-connection'],
  ['te that is not trailers', [...PSEUDO, 'te', 'gzip'], 'h2-connection'],
] as const) {
  test(`refused: ${why}`, () => {
    // A name that was good once must not make another one good.
    headOfBlock([...PSEUDO, 'x', 'y', 'te', 'trailers'], true)
    const block = headOfBlock(raw, true)
    assert.ok('code' in block)
    assert.equal(block.reason, reason)
  })
}
