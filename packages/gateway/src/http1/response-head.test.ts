import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CLOSE, KEEP, ResponseHead } from './head.ts'
import { parseResponseHead } from './response-head.ts'
import { LIMITS, parseEveryCut, parseResponse } from './test-support.ts'

const OK = 'HTTP/1.1 200 OK\r\n'

function parsed(text: string): ResponseHead {
  const head = new ResponseHead()
  const bytes = Buffer.from(text, 'latin1')
  const end = parseResponseHead(bytes, 0, bytes.length, LIMITS, head)
  assert.ok(end > 0, `refused or incomplete: ${end}`)
  return head
}

const REFUSED: Record<string, readonly [text: string, word: string]> = {
  'an empty line first': [`\r\n${OK}\r\n`, 'version'],
  'another protocol': ['ICY 200 OK\r\n\r\n', 'version'],
  'a version in lower case': ['http/1.1 200 OK\r\n\r\n', 'version'],
  'HTTP/2.0': ['HTTP/2.0 200 OK\r\n\r\n', 'unknown-version'],
  'HTTP/1.2': ['HTTP/1.2 200 OK\r\n\r\n', 'unknown-version'],
  'no status': ['HTTP/1.1\r\n\r\n', 'version'],
  'a tab before the status': ['HTTP/1.1\t200 OK\r\n\r\n', 'version'],
  'two blanks before the status': ['HTTP/1.1  200 OK\r\n\r\n', 'status'],
  'a status of two figures': ['HTTP/1.1 20 OK\r\n\r\n', 'status'],
  'a status of four figures': ['HTTP/1.1 2000 OK\r\n\r\n', 'status'],
  'a status below 100': ['HTTP/1.1 099 OK\r\n\r\n', 'status'],
  'a status with a sign': ['HTTP/1.1 +20 OK\r\n\r\n', 'status'],
  'a status of letters': ['HTTP/1.1 2OO OK\r\n\r\n', 'status'],
  'a tab after the status': ['HTTP/1.1 200\tOK\r\n\r\n', 'status'],
  'a NUL in the reason': ['HTTP/1.1 200 O\0K\r\n\r\n', 'reason'],
  'a bare LF after the reason': ['HTTP/1.1 200 OK\nA: b\r\n\r\n', 'bare-lf'],
  'a bare LF after the status': ['HTTP/1.1 200\nA: b\r\n\r\n', 'bare-lf'],
  'a bare CR after the reason': ['HTTP/1.1 200 OK\rA: b\r\n\r\n', 'bare-cr'],
  'a folded line': [`${OK}A: b\r\n c\r\n\r\n`, 'obs-fold'],
  'a blank before a colon': [`${OK}Content-Length : 5\r\n\r\n`, 'space-before-colon'],
  'a NUL in a value': [`${OK}A: \0\r\n\r\n`, 'control'],
  'two lengths': [`${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`, 'duplicate-length'],
  'a list of lengths': [`${OK}Content-Length: 5, 5\r\n\r\n`, 'length'],
  'a length and a coding': [`${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, 'te-and-cl'],
  'a coding and a length': [`${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n`, 'te-and-cl'],
  'another coding': [`${OK}Transfer-Encoding: gzip\r\n\r\n`, 'unknown-coding'],
  'gzip and chunked': [`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'unknown-coding'],
  'a coding on HTTP/1.0': ['HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'coding-on-1.0'],
  'a line too many': [`${OK}${'A: b\r\n'.repeat(101)}\r\n`, 'header-lines'],
}

describe('an answer is refused', () => {
  for (const [title, [text, word]] of Object.entries(REFUSED)) {
    test(`${title}: ${word}`, () => {
      assert.equal(parseEveryCut(parseResponse, text).split(' ')[1], word)
    })
  }

  test('a head too large: header-overflow', () => {
    const bytes = Buffer.from(`${OK}A: ${'b'.repeat(16_384)}`)
    assert.equal(parseResponse(bytes, 0, bytes.length, LIMITS), '431 header-overflow')
    assert.equal(parseEveryCut(parseResponse, OK, { ...LIMITS, maxHeadBytes: 12 }), '431 header-overflow')
  })
})

describe('an answer is read', () => {
  test('with its status, reason and lines', () => {
    const text = 'HTTP/1.0 404 Not  F\xe4und \r\nServer: x\r\nContent-Length: 3\r\n\r\n'
    assert.match(parseEveryCut(parseResponse, `${text}abcHTTP`), new RegExp(`^${text.length} `))
    const head = parsed(text)
    assert.equal(head.status, 404)
    assert.equal(head.reason, 'Not  F\xe4und ')
    assert.equal(head.minor, 0)
    assert.equal(head.contentLength, 3)
    assert.deepEqual(head.flat(), ['Server', 'x', 'Content-Length', '3'])
  })

  test('without a reason, and without the blank before it', () => {
    assert.equal(parsed('HTTP/1.1 204 \r\n\r\n').reason, '')
    assert.equal(parsed('HTTP/1.1 999\r\n\r\n').reason, '')
    assert.match(parseEveryCut(parseResponse, 'HTTP/1.1 100\r\n\r\nHTTP/1.1 200 OK'), /^16 /)
  })

  test('whatever it says of Host and Expect, which are lines of requests', () => {
    assert.equal(parsed(`${OK}Host:\r\nHost: a\r\nExpect: x\r\n\r\n`).lineCount, 3)
  })

  test('with how long its connection may be kept', () => {
    const secondsOf = (...values: string[]): number =>
      parsed(`${OK}${values.map((value) => `Keep-Alive: ${value}\r\n`).join('')}\r\n`).keepAliveSeconds
    assert.equal(secondsOf(), -1)
    assert.equal(secondsOf('timeout=5'), 5)
    assert.equal(secondsOf('max=100, Timeout=7'), 7)
    assert.equal(secondsOf('timeout=9,timeout=3', 'timeout=4'), 3)
    assert.equal(secondsOf('timeout=0'), 0)
    assert.equal(secondsOf('timeout=99999999999999999999'), 1_000_000)
    for (const value of ['', 'timeout', 'timeout=', 'timeout=x', 'xtimeout=5', 'timeout =5', ';timeout=5']) {
      assert.equal(secondsOf(value), -1, value)
    }
  })

  test('with what Connection says', () => {
    assert.equal(parsed(`${OK}Connection: close\r\n\r\n`).connection, CLOSE)
    assert.equal(parsed(`${OK}Connection: Keep-Alive\r\n\r\n`).connection, KEEP)
  })

  test('and its head is filled again, and forgets what the one before said', () => {
    const head = new ResponseHead()
    const rich = Buffer.from(`${OK}Keep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const plain = Buffer.from('HTTP/1.1 304 Not Modified\r\n\r\n')
    parseResponseHead(rich, 0, rich.length, LIMITS, head)
    parseResponseHead(plain, 0, plain.length, LIMITS, head)
    assert.deepEqual(
      [head.status, head.keepAliveSeconds, head.isChunked, head.lineCount],
      [304, -1, false, 0],
    )
  })
})
