import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BARE_LF } from './faults.ts'
import { CLOSE, KEEP, NOMINATES, RequestHead, SWITCH } from './head.ts'
import { CONNECTION, HOST, OTHER } from './names.ts'
import { parseRequestHead } from './request-head.ts'
import { LIMITS, parseEveryCut, parseRequest } from './test-support.ts'

const GET = 'GET / HTTP/1.1\r\n'
const HELLO = `${GET}Host: a\r\n`

function parsed(text: string): RequestHead {
  const head = new RequestHead()
  const bytes = Buffer.from(text, 'latin1')
  const end = parseRequestHead(bytes, 0, bytes.length, LIMITS, head)
  assert.ok(end > 0, `refused or incomplete: ${end}`)
  return head
}

const REFUSED: Record<string, readonly [text: string, status: number, word: string]> = {
  'a method in lower case': ['get / HTTP/1.1\r\n', 501, 'unknown-method'],
  'a method nobody knows': ['BREW / HTTP/1.1\r\n', 501, 'unknown-method'],
  'a method without an end': ['A'.repeat(65), 400, 'method'],
  'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'target'],
  'a tunnel': ['CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 405, 'connect'],
  'an echo': ['TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'trace'],
  'the first byte of a TLS connection': ['\x16\x03\x01', 400, 'method'],
  'a blank before the method': [' GET / HTTP/1.1\r\n', 400, 'method'],
  'a tab after the method': ['GET\t/ HTTP/1.1\r\n', 400, 'method'],
  'no method': ['/ HTTP/1.1\r\n', 400, 'method'],
  'a method alone': ['GET\r\n', 400, 'method'],
  'two empty lines before the request': [`\r\n\r\n${HELLO}\r\n`, 400, 'method'],
  'a bare LF before the request': [`\n${HELLO}\r\n`, 400, 'method'],
  'a bare CR before the request': [`\r${HELLO}\r\n`, 400, 'bare-cr'],

  'two blanks before the target': ['GET  / HTTP/1.1\r\n', 400, 'target'],
  'two blanks after the target': ['GET /  HTTP/1.1\r\n', 400, 'version'],
  'a tab in the target': ['GET /a\tb HTTP/1.1\r\n', 400, 'target'],
  'a NUL in the target': ['GET /a\0 HTTP/1.1\r\n', 400, 'target'],
  'a byte above 0x7f in the target': ['GET /\xe4 HTTP/1.1\r\n', 400, 'target'],
  'a DEL in the target': ['GET /\x7f HTTP/1.1\r\n', 400, 'target'],
  'a fragment in the target': ['GET /a#b HTTP/1.1\r\n', 400, 'target'],
  'a target without a slash': ['GET a HTTP/1.1\r\n', 400, 'target'],
  'a target that is only a query': ['GET ?a HTTP/1.1\r\n', 400, 'target'],
  'a star for another method': ['GET * HTTP/1.1\r\n', 400, 'target'],
  'a star with more behind it': ['OPTIONS *a HTTP/1.1\r\n', 400, 'target'],
  'an absolute target without a host': ['GET http:///a HTTP/1.1\r\n', 400, 'target'],
  'an absolute target that ends too early': ['GET http:// HTTP/1.1\r\n', 400, 'target'],
  'an absolute target with one slash': ['GET http:/a HTTP/1.1\r\n', 400, 'target'],
  'an absolute target with a user': ['GET http://u@a/ HTTP/1.1\r\n', 400, 'target'],
  'an absolute target with a backslash': ['GET http://a\\b/ HTTP/1.1\r\n', 400, 'target'],
  'a scheme with a figure': ['GET h2://a/ HTTP/1.1\r\n', 400, 'target'],
  'a target that is too long': [`GET /${'a'.repeat(8192)}`, 414, 'target'],
  'a request without a version': ['GET /\r\n', 400, 'version'],
  'a bare LF after the target': ['GET /\n', 400, 'version'],

  'a version in lower case': ['GET / http/1.1\r\n', 400, 'version'],
  'a version of two figures': ['GET / HTTP/1.10\r\n', 400, 'version'],
  'a version with a leading zero': ['GET / HTTP/01.1\r\n', 400, 'version'],
  'a version with a comma': ['GET / HTTP/1,1\r\n', 400, 'version'],
  'another protocol': ['GET / HTTPS/1.1\r\n', 400, 'version'],
  'HTTP/1.2': ['GET / HTTP/1.2\r\n', 505, 'unknown-version'],
  'HTTP/2.0': ['GET / HTTP/2.0\r\n', 505, 'unknown-version'],
  'HTTP/0.9': ['GET / HTTP/0.9\r\n', 505, 'unknown-version'],
  'a blank after the version': ['GET / HTTP/1.1 \r\n', 400, 'version'],
  'a bare LF after the version': ['GET / HTTP/1.1\nHost: a\r\n\r\n', 400, 'bare-lf'],
  'a bare CR after the version': ['GET / HTTP/1.1\rHost: a\r\n\r\n', 400, 'bare-cr'],

  'a folded first line': [`${GET} Host: a\r\n\r\n`, 400, 'obs-fold'],
  'a folded line': [`${HELLO}A: b\r\n c\r\n\r\n`, 400, 'obs-fold'],
  'a line folded with a tab': [`${HELLO}A: b\r\n\tc\r\n\r\n`, 400, 'obs-fold'],
  'a blank before the colon': [`${GET}Host : a\r\n\r\n`, 400, 'space-before-colon'],
  'a tab before the colon': [`${GET}Host\t: a\r\n\r\n`, 400, 'space-before-colon'],
  'a blank in a name': [`${HELLO}A B: c\r\n\r\n`, 400, 'space-before-colon'],
  'an empty name': [`${HELLO}: c\r\n\r\n`, 400, 'invalid-header-token'],
  'a line without a colon': [`${HELLO}abc\r\n\r\n`, 400, 'invalid-header-token'],
  'a NUL in a name': [`${HELLO}a\0b: c\r\n\r\n`, 400, 'invalid-header-token'],
  'a byte above 0x7f in a name': [`${HELLO}a\xe4: c\r\n\r\n`, 400, 'invalid-header-token'],
  'a bracket in a name': [`${HELLO}a(b): c\r\n\r\n`, 400, 'invalid-header-token'],
  'a bracket in a name with an underscore': [`${HELLO}a_(b): c\r\n\r\n`, 400, 'invalid-header-token'],
  'an LF in a name': [`${HELLO}ab\n: c\r\n\r\n`, 400, 'bare-lf'],
  'a NUL in a value': [`${HELLO}A: b\0c\r\n\r\n`, 400, 'control'],
  'an escape in a value': [`${HELLO}A: b\x1bc\r\n\r\n`, 400, 'control'],
  'a vertical tab before a value': [`${HELLO}A:\x0bb\r\n\r\n`, 400, 'control'],
  'a DEL in a value': [`${HELLO}A: b\x7f\r\n\r\n`, 400, 'control'],
  'a bare LF after a value': [`${HELLO}A: b\nB: c\r\n\r\n`, 400, 'bare-lf'],
  'a bare CR in a value': [`${HELLO}A: b\rc\r\n\r\n`, 400, 'bare-cr'],
  'two CRs after a value': [`${HELLO}A: b\r\r\n\r\n`, 400, 'bare-cr'],
  'a bare LF as the end': [`${HELLO}\n`, 400, 'bare-lf'],
  'a bare CR as the end': [`${HELLO}\ra`, 400, 'bare-cr'],

  'no Host': [`${GET}A: b\r\n\r\n`, 400, 'host'],
  'no lines at all': [`${GET}\r\n`, 400, 'host'],
  'a Host written with an underscore only': [`${GET}Ho_st: a\r\n\r\n`, 400, 'host'],
  'two Hosts': [`${HELLO}host: a\r\n\r\n`, 400, 'host'],
  'two Hosts on HTTP/1.0': ['GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n', 400, 'host'],
  'an empty Host': [`${GET}Host: \t \r\n\r\n`, 400, 'host'],
  'an empty Host on HTTP/1.0': ['GET / HTTP/1.0\r\nHost:\r\n\r\n', 400, 'host'],

  'an empty length': [`${HELLO}Content-Length: \r\n\r\n`, 400, 'length'],
  'a length with a sign': [`${HELLO}Content-Length: +5\r\n\r\n`, 400, 'length'],
  'a negative length': [`${HELLO}Content-Length: -5\r\n\r\n`, 400, 'length'],
  'a hexadecimal length': [`${HELLO}Content-Length: 0x5\r\n\r\n`, 400, 'length'],
  'a length with a fraction': [`${HELLO}Content-Length: 5.0\r\n\r\n`, 400, 'length'],
  'a list of one length twice': [`${HELLO}Content-Length: 5, 5\r\n\r\n`, 400, 'length'],
  'a length with a blank in it': [`${HELLO}Content-Length: 5 5\r\n\r\n`, 400, 'length'],
  'a length of 2^53': [`${HELLO}Content-Length: 9007199254740992\r\n\r\n`, 400, 'length'],
  'a length of twenty figures': [`${HELLO}Content-Length: 18446744073709551617\r\n\r\n`, 400, 'length'],
  'a length with a tab after it': [`${HELLO}Content-Length: 5\t\r\n\r\n`, 400, 'length'],
  'the same length twice': [
    `${HELLO}Content-Length: 5\r\ncontent-length: 5\r\n\r\n`,
    400,
    'duplicate-length',
  ],
  'two lengths': [`${HELLO}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 400, 'duplicate-length'],
  'a length of 0 and another': [
    `${HELLO}Content-Length: 0\r\nContent-Length: 6\r\n\r\n`,
    400,
    'duplicate-length',
  ],
  'a length, then a coding': [
    `${HELLO}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
    'te-and-cl',
  ],
  'a coding, then a length': [
    `${HELLO}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`,
    400,
    'te-and-cl',
  ],
  'the coding twice': [
    `${HELLO}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
    'duplicate-coding',
  ],
  'chunked, then another coding': [
    `${HELLO}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n`,
    400,
    'duplicate-coding',
  ],
  'chunked listed twice': [`${HELLO}Transfer-Encoding: chunked, chunked\r\n\r\n`, 400, 'coding'],
  'chunked and an empty member': [`${HELLO}Transfer-Encoding: chunked,\r\n\r\n`, 400, 'coding'],
  'an empty coding': [`${HELLO}Transfer-Encoding:\r\n\r\n`, 400, 'coding'],
  'a quoted coding': [`${HELLO}Transfer-Encoding: "chunked"\r\n\r\n`, 400, 'coding'],
  'a coding with a parameter': [`${HELLO}Transfer-Encoding: chunked;a=b\r\n\r\n`, 400, 'coding'],
  'a coding with a tab after it': [`${HELLO}Transfer-Encoding: chunked\t\r\n\r\n`, 400, 'coding'],
  'gzip before chunked': [`${HELLO}Transfer-Encoding: gzip, chunked\r\n\r\n`, 501, 'unknown-coding'],
  'gzip after chunked': [`${HELLO}Transfer-Encoding: chunked, gzip\r\n\r\n`, 501, 'unknown-coding'],
  identity: [`${HELLO}Transfer-Encoding: identity\r\n\r\n`, 501, 'unknown-coding'],
  'almost chunked': [`${HELLO}Transfer-Encoding: xchunked\r\n\r\n`, 501, 'unknown-coding'],
  'a coding on HTTP/1.0': ['POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'coding-on-1.0'],
  'a Connection that is no list': [`${HELLO}Connection: keep-alive; close\r\n\r\n`, 400, 'connection'],
  'another expectation': [`${HELLO}Expect: 200-ok\r\n\r\n`, 400, 'expect'],
  'an empty expectation': [`${HELLO}Expect:\r\n\r\n`, 400, 'expect'],
  'the expectation twice': [`${HELLO}Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n`, 400, 'expect'],

  'a line too many': [`${HELLO}${'A: b\r\n'.repeat(100)}\r\n`, 431, 'header-lines'],
  'a head too large': [`${HELLO}A: ${'b'.repeat(16_384)}`, 431, 'header-overflow'],
  'a name too large': [`${HELLO}${'b'.repeat(16_384)}`, 431, 'header-overflow'],
}

describe('a request is refused', () => {
  for (const [title, [text, status, word]] of Object.entries(REFUSED)) {
    test(`${title}: ${status} ${word}`, () => {
      // What is large is cut near its ends only: the rest is one letter again and again.
      if (text.length > 2000) {
        const bytes = Buffer.from(text, 'latin1')
        assert.equal(parseRequest(bytes, 0, bytes.length, LIMITS), `${status} ${word}`)
        return
      }
      assert.equal(parseEveryCut(parseRequest, text), `${status} ${word}`)
    })
  }

  test('at the very byte that makes it wrong, and not before', () => {
    for (const text of [
      '\x16',
      'GET /a#',
      'GET / HTTP/1.1\n',
      `${HELLO}A: b\n`,
      `${HELLO}A `,
      `${HELLO}A: b\r\n `,
      `${HELLO}A: b\rc`,
      `${HELLO}Content-Length: x\r\n`,
      `${GET}A: b\r\n\r\n`,
    ]) {
      const bytes = Buffer.from(text)
      const { length } = bytes
      assert.match(parseRequest(bytes, 0, length, LIMITS), /^400 /, JSON.stringify(text))
      assert.equal(parseRequest(bytes, 0, length - 1, LIMITS), 'incomplete', JSON.stringify(text))
    }
  })
})

describe('limits', () => {
  test('a head of exactly the limit is taken, and one byte more is not', () => {
    const head = `${HELLO}\r\n`
    const limits = { ...LIMITS, maxHeadBytes: head.length }
    assert.match(parseEveryCut(parseRequest, `${head}GET`, limits), /^27 /)
    assert.equal(
      parseEveryCut(parseRequest, `${HELLO}A`, { ...LIMITS, maxHeadBytes: 26 }),
      '431 header-overflow',
    )
    assert.equal(parseEveryCut(parseRequest, head, { ...LIMITS, maxHeadBytes: 26 }), '431 header-overflow')
  })

  test('a target of exactly the limit is taken, and one byte more is not', () => {
    const limits = { ...LIMITS, maxTargetBytes: 4 }
    assert.match(parseEveryCut(parseRequest, 'GET /abc HTTP/1.1\r\nHost: a\r\n\r\n', limits), /"\/abc"/)
    assert.equal(parseEveryCut(parseRequest, 'GET /abcd HTTP/1.1\r\nHost: a\r\n\r\n', limits), '414 target')
  })

  test('a target that fills the head is too long rather than the head too large', () => {
    const limits = { ...LIMITS, maxHeadBytes: 10 }
    assert.equal(parseEveryCut(parseRequest, `GET /${'a'.repeat(20)}`, limits), '414 target')
  })

  test('as many lines as the limit are taken, and one more is not', () => {
    const limits = { ...LIMITS, maxHeaderLines: 2 }
    assert.match(parseEveryCut(parseRequest, `${HELLO}A: b\r\n\r\n`, limits), /^\d/)
    assert.equal(parseEveryCut(parseRequest, `${HELLO}A: b\r\nC`, limits), '431 header-lines')
    assert.equal(parseEveryCut(parseRequest, `${HELLO}A: b\r\nC: d\r\n\r\n`, limits), '431 header-lines')
  })

  test('heads with more lines than usual have room', () => {
    const bytes = Buffer.from(`${HELLO}${'A: b\r\n'.repeat(400)}\r\n`)
    const head = new RequestHead()
    parseRequestHead(bytes, 0, bytes.length, { ...LIMITS, maxHeaderLines: 500 }, head)
    assert.equal(head.lineCount, 401)
    assert.equal(head.all('a').length, 400)
  })
})

describe('heads larger than usual', () => {
  const limits = { ...LIMITS, maxHeadBytes: 300_000 }

  test('are incomplete wherever they are cut, the end of the first room for them included', () => {
    const head = new RequestHead()
    for (let end = 65_500; end < 65_600; end += 1) {
      for (const name of ['a', 'ab', 'abc', 'abcd']) {
        const bytes = Buffer.from(`${HELLO}${name}: ${'v'.repeat(65_600)}`)
        assert.equal(parseRequestHead(bytes, 0, end, limits, head), 0)
      }
    }
  })

  test('are read to their end, whatever their size', () => {
    const head = new RequestHead()
    for (const around of [2048, 4096, 65_536, 131_072]) {
      for (const name of ['a', 'ab', 'abc', 'abcd']) {
        for (let length = around - 5; length <= around + 5; length += 1) {
          const value = 'v'.repeat(length - HELLO.length - name.length - ': \r\n\r\n'.length)
          const bytes = Buffer.from(`${HELLO}${name}: ${value}\r\n\r\nGET`)
          for (let missing = 1; missing < 7; missing += 1) {
            assert.equal(parseRequestHead(bytes, 0, length - missing, limits, head), 0)
          }
          assert.equal(parseRequestHead(bytes, 0, length, limits, head), length)
          assert.equal(parseRequestHead(bytes, 0, bytes.length, limits, head), length)
          assert.equal(head.get(name), value)
        }
      }
    }
  })

  test('are refused like small ones, at the same byte', () => {
    const bytes = Buffer.from(`${HELLO}A: ${'v'.repeat(100_000)}\nB: c\r\n\r\n`)
    const head = new RequestHead()
    const lf = bytes.indexOf('\nB')
    assert.equal(parseRequestHead(bytes, 0, lf, limits, head), 0)
    assert.equal(parseRequestHead(bytes, 0, lf + 1, limits, head), BARE_LF)
    assert.equal(parseRequestHead(bytes, 0, bytes.length, limits, head), BARE_LF)
  })

  test('and small ones with a large body behind them', () => {
    const body = Buffer.alloc(60_000, '\n')
    for (const lines of [1, 50, 90, 99]) {
      const text = `${HELLO}${`A: ${'v'.repeat(40)}\r\n`.repeat(lines)}\r\n`
      const head = new RequestHead()
      const bytes = Buffer.concat([Buffer.from(text), body])
      assert.equal(parseRequestHead(bytes, 0, bytes.length, LIMITS, head), text.length)
      assert.equal(head.lineCount, lines + 1)
    }
  })
})

describe('a request is read', () => {
  test('with names and values as written and without the blanks around the values', () => {
    const head = parsed(
      `POST /a?b=c HTTP/1.1\r\nHOST:a.example\r\nX-Empty:\r\nX-Blank: \t \r\nX-Inner: \t a \t b\xe4 \t\r\nx-empty: 2\r\n\r\n`,
    )
    assert.equal(head.method, 'POST')
    assert.equal(head.target, '/a?b=c')
    assert.equal(head.lineCount, 5)
    assert.deepEqual(head.flat(), [
      'HOST',
      'a.example',
      'X-Empty',
      '',
      'X-Blank',
      '',
      'X-Inner',
      'a \t b\xe4',
      'x-empty',
      '2',
    ])
    assert.equal(head.get('host'), 'a.example')
    assert.equal(head.get('x-empty'), '')
    assert.deepEqual(head.all('x-empty'), ['', '2'])
    assert.equal(head.get('x-none'), undefined)
    assert.equal(head.get('x-em'), undefined)
  })

  test('with spans that say where everything stands', () => {
    const text = `GET http://a:1/b HTTP/1.1\r\nHost: \t a:1 \r\nX:y\r\n\r\n`
    const bytes = Buffer.from(`123${text}leftover`)
    const head = new RequestHead()
    const end = parseRequestHead(bytes, 3, bytes.length, LIMITS, head)
    assert.equal(bytes.toString('latin1', end), 'leftover')
    assert.deepEqual([head.start, head.end], [3, end])
    const span = (from: number, to: number): string => bytes.toString('latin1', from, to)
    assert.equal(span(head.targetAt, head.targetEnd), 'http://a:1/b')
    assert.equal(span(head.linesAt, head.end), 'Host: \t a:1 \r\nX:y\r\n\r\n')
    const lines = head.lines()
    assert.equal(lines.count, 2)
    assert.equal(span(lines.nameAt[0]!, lines.nameEnd[0]!), 'Host')
    assert.equal(span(lines.valueAt[0]!, lines.valueEnd[0]!), 'a:1')
    assert.equal(lines.lineEnd[0], lines.nameAt[1])
    assert.equal(span(lines.nameAt[1]!, lines.lineEnd[1]!), 'X:y\r\n')
    assert.deepEqual([lines.id[0], lines.id[1]], [HOST, OTHER])
    assert.equal(head.find(HOST), 0)
    assert.equal(head.find(CONNECTION), -1)
    assert.equal(head.value(1), 'y')
  })

  test('after one empty line', () => {
    assert.match(parseEveryCut(parseRequest, `\r\n${HELLO}\r\n`), /^29 /)
  })

  test('the same however it is cut, and what follows it is not looked at', () => {
    const text = `${HELLO}Connection: keep-alive, foo\r\nContent-Length: 5\r\n\r\n`
    assert.match(parseEveryCut(parseRequest, `${text}hello\n\0`), new RegExp(`^${text.length} `))
  })

  test('without a Host on HTTP/1.0', () => {
    assert.equal(parsed('GET / HTTP/1.0\r\n\r\n').minor, 0)
  })

  test('with each form of target', () => {
    for (const [method, target] of [
      ['OPTIONS', '*'],
      ['GET', '/a//b/../%zz?c?d={}|"<>\\^`'],
      ['GET', 'http://a.example:80'],
      ['GET', 'HTTP://[::1]:8080/a'],
      ['GET', 'https://a?b'],
    ]) {
      assert.equal(parsed(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).target, target)
    }
  })

  test('with values of every length and every byte that may stand in them', () => {
    const allowed = [...Array(256).keys()].filter((byte) => byte === 9 || (byte >= 0x20 && byte !== 0x7f))
    for (let length = 1; length < 20; length += 1) {
      for (let place = 0; place < length; place += 1) {
        for (const byte of allowed) {
          const value = `${'a'.repeat(place)}${String.fromCharCode(byte)}${'b'.repeat(length - place - 1)}`
          assert.equal(parsed(`${HELLO}A:${value}\r\n\r\n`).get('a'), value.replace(/^[ \t]+|[ \t]+$/g, ''))
        }
      }
    }
  })

  test('and refused for every byte that may not', () => {
    const refused = [...Array(256).keys()].filter((byte) => (byte < 0x20 && byte !== 9) || byte === 0x7f)
    for (let length = 1; length < 20; length += 1) {
      for (let place = 0; place < length; place += 1) {
        for (const byte of refused) {
          const value = `${'a'.repeat(place)}${String.fromCharCode(byte)}\x80${'b'.repeat(length - place - 1)}`
          const word = byte === 0x0a ? 'bare-lf' : byte === 0x0d ? 'bare-cr' : 'control'
          const bytes = Buffer.from(`${HELLO}A:${value}\r\n\r\n`, 'latin1')
          assert.equal(parseRequest(bytes, 0, bytes.length, LIMITS), `400 ${word}`)
        }
      }
    }
  })

  test('with its length', () => {
    const lengthOf = (value: string): number =>
      parsed(`${HELLO}Content-Length: ${value}\r\n\r\n`).contentLength
    assert.equal(lengthOf('0'), 0)
    assert.equal(lengthOf('007'), 7)
    assert.equal(lengthOf('12  '), 12)
    assert.equal(lengthOf('9007199254740991'), Number.MAX_SAFE_INTEGER)
    assert.equal(parsed(`${HELLO}\r\n`).contentLength, -1)
  })

  test('with its coding', () => {
    assert.equal(parsed(`${HELLO}\r\n`).isChunked, false)
    assert.equal(parsed(`${HELLO}Transfer-Encoding:  CHUNKED \r\n\r\n`).isChunked, true)
  })

  test('with what Connection says', () => {
    const bitsOf = (...values: string[]): number =>
      parsed(`${HELLO}${values.map((value) => `Connection: ${value}\r\n`).join('')}\r\n`).connection
    assert.equal(bitsOf(), 0)
    assert.equal(bitsOf(''), 0)
    assert.equal(bitsOf('Close'), CLOSE)
    assert.equal(bitsOf('keep-alive'), KEEP)
    assert.equal(bitsOf('Keep-Alive,\tUpgrade'), KEEP | SWITCH)
    assert.equal(bitsOf(',, close ,'), CLOSE)
    assert.equal(bitsOf('x-foo'), NOMINATES)
    assert.equal(bitsOf('closed'), NOMINATES)
    assert.equal(bitsOf('keep-alive', 'te', 'close'), KEEP | NOMINATES | CLOSE)
  })

  test('with its expectation, which HTTP/1.0 does not have', () => {
    assert.equal(parsed(`${HELLO}Expect: 100-Continue\r\n\r\n`).expectsContinue, true)
    assert.equal(parsed('GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n').expectsContinue, false)
    assert.equal(parsed('GET / HTTP/1.0\r\nExpect: a pony\r\n\r\n').expectsContinue, false)
  })

  test('with its wish to upgrade', () => {
    assert.equal(parsed(`${HELLO}Upgrade: websocket\r\nConnection: upgrade\r\n\r\n`).hasUpgrade, true)
    assert.equal(parsed(`${HELLO}\r\n`).hasUpgrade, false)
  })
})

describe('a head is filled again and again', () => {
  test('and forgets what the one before said', () => {
    const head = new RequestHead()
    const rich = Buffer.from(
      'POST /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\n',
    )
    const plain = Buffer.from('GET / HTTP/1.0\r\n\r\n')
    parseRequestHead(rich, 0, rich.length, LIMITS, head)
    parseRequestHead(plain, 0, plain.length, LIMITS, head)
    const { method, target, minor, contentLength, connection, expectsContinue, hasUpgrade, lineCount } = head
    assert.deepEqual(
      { method, target, minor, contentLength, connection, expectsContinue, hasUpgrade, lineCount },
      {
        method: 'GET',
        target: '/',
        minor: 0,
        contentLength: -1,
        connection: 0,
        expectsContinue: false,
        hasUpgrade: false,
        lineCount: 0,
      },
    )
    assert.deepEqual(head.flat(), [])
  })

  test('and stays as it was when the next one is incomplete or refused', () => {
    const head = new RequestHead()
    const good = Buffer.from(`${HELLO}A: b\r\n\r\n`)
    parseRequestHead(good, 0, good.length, LIMITS, head)
    for (const text of [
      'GET /other HTTP/1.1\r\nHost: b\r\nC: d',
      'GET /other HTTP/1.1\r\nHost: b\r\nC : d',
    ]) {
      const bytes = Buffer.from(text)
      assert.ok(parseRequestHead(bytes, 0, bytes.length, LIMITS, head) <= 0)
      assert.equal(head.target, '/')
      assert.deepEqual(head.flat(), ['Host', 'a', 'A', 'b'])
    }
  })

  test('and two of them share one table without mixing their lines', () => {
    const [one, two] = [new RequestHead(), new RequestHead()]
    const first = Buffer.from(`${HELLO}A_: b\r\nX-Forwarded-For: c\r\n\r\n`)
    const second = Buffer.from(`\r\n${GET}B: 1\r\nHost: d\r\nConnection: close\r\n\r\n`)
    parseRequestHead(first, 0, first.length, LIMITS, one)
    const ids = [...one.lines().id.subarray(0, 3)]
    parseRequestHead(second, 0, second.length, LIMITS, two)
    assert.deepEqual(one.flat(), ['Host', 'a', 'A_', 'b', 'X-Forwarded-For', 'c'])
    assert.deepEqual([...one.lines().id.subarray(0, 3)], ids)
    assert.deepEqual(two.all('host'), ['d'])
    assert.equal(one.get('a_'), 'b')
    assert.equal(two.find(CONNECTION), 2)
    assert.equal(two.connection, CLOSE)
    assert.equal(one.connection, 0)
  })
})
