import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ChunkedReader, DONE, MORE } from './chunked.ts'
import { FAULTS } from './faults.ts'

interface Body {
  readonly data: string
  readonly trailers: string
  /** `more`, `done`, or the word of a fault. */
  readonly state: string
  readonly rest: string
}

/** Reads pieces one after the other, each in a buffer of its own. */
function readPieces(reader: ChunkedReader, pieces: readonly Buffer[]): Body {
  let data = ''
  let rest = ''
  for (const piece of pieces) {
    // Somewhere in a larger buffer, with bytes around it that are none of this body.
    const bytes = Buffer.concat([Buffer.from('7\r\n'), piece, Buffer.from('\r\n7')])
    const end = 3 + piece.length
    let at = 3
    while (at < end && reader.state === MORE) {
      const after = reader.read(bytes, at, end)
      assert.ok(
        reader.dataAt >= at && reader.dataAt <= reader.dataEnd && reader.dataEnd <= after && after <= end,
      )
      data += bytes.toString('latin1', reader.dataAt, reader.dataEnd)
      at = after
    }
    rest += bytes.toString('latin1', at, end)
  }
  const { state, trailers } = reader
  return {
    data,
    trailers,
    rest,
    state: state === MORE ? 'more' : state === DONE ? 'done' : FAULTS[-state]!.word,
  }
}

/** Reads a text whole, cut in two everywhere and byte by byte, which must all come to the same. */
function readEveryCut(text: string): Body {
  const bytes = Buffer.from(text, 'latin1')
  const reader = new ChunkedReader()
  const whole = readPieces(reader, [bytes])
  const cuts: Buffer[][] = [[...bytes].map((byte) => Buffer.from([byte]))]
  for (let i = 0; i <= bytes.length; i += 1) cuts.push([bytes.subarray(0, i), bytes.subarray(i)])
  for (const pieces of cuts) {
    reader.reset()
    assert.deepEqual(readPieces(reader, pieces), whole, pieces.map((piece) => piece.toString()).join('|'))
  }
  return whole
}

const done = (data: string, trailers = '', rest = ''): Body => ({ data, trailers, rest, state: 'done' })

describe('a chunked body is read', () => {
  const READ: Record<string, readonly [text: string, body: Body]> = {
    'without data': ['0\r\n\r\n', done('')],
    'of one chunk': ['5\r\nhello\r\n0\r\n\r\n', done('hello')],
    'of several chunks': ['5\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\n\r\n', done('hello 0123456789')],
    'with digits in both cases and zeros before them': [
      '00000000000a\r\n0123456789\r\n000\r\n\r\n',
      done('0123456789'),
    ],
    'with data that looks like the end of a chunk': [
      '7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n',
      done('\r\n0\r\n\r\n'),
    ],
    'up to its end and no further': [
      '1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n',
      done('a', '', 'GET / HTTP/1.1\r\n'),
    ],
    'with extensions': ['1;a\r\nx\r\n2;a;b=c;d="e \\" \\\\ \t\xe4;\\;"\r\nyz\r\n0;last\r\n\r\n', done('xyz')],
    'with trailers, without the blanks around their values': [
      '0\r\nServer-Timing: \t a;dur=1 \t\r\nX-Empty:\r\nGrpc_Status:0\r\n\r\n!',
      done('', 'Server-Timing: a;dur=1\r\nX-Empty: \r\nGrpc_Status: 0\r\n', '!'),
    ],
    'as far as it is there': ['5\r\nhel', { data: 'hel', trailers: '', rest: '', state: 'more' }],
  }
  for (const [title, [text, body]] of Object.entries(READ)) {
    test(title, () => assert.deepEqual(readEveryCut(text), body))
  }

  test('with a chunk of the largest size', () => {
    const reader = new ChunkedReader()
    const bytes = Buffer.from('fffffffffffff\r\nabc')
    let at = reader.read(bytes, 0, bytes.length)
    if (reader.dataEnd === reader.dataAt) at = reader.read(bytes, at, bytes.length)
    assert.equal(bytes.toString('latin1', reader.dataAt, reader.dataEnd), 'abc')
    assert.equal(reader.state, MORE)
    assert.equal(at, bytes.length)
  })

  test('and nothing more once it is done or refused', () => {
    const reader = new ChunkedReader()
    const bytes = Buffer.from('0\r\n\r\n5\r\nhello')
    assert.equal(reader.read(bytes, 0, bytes.length), 5)
    assert.equal(reader.read(bytes, 5, bytes.length), 5)
    assert.deepEqual([reader.dataAt, reader.dataEnd, reader.state], [5, 5, DONE])
    reader.reset()
    const bad = Buffer.from('x5\r\nhello')
    assert.equal(reader.read(bad, 0, bad.length), 0)
    assert.equal(reader.read(bad, 1, bad.length), 1)
    assert.ok(reader.state < 0)
  })

  test('whose reader can be used for the next one, whatever became of the last', () => {
    const reader = new ChunkedReader()
    for (const text of ['5;a=b\r\nhel', '0\r\nA: b\r\nC', 'zz', 'ffff', '0\r\nA: b\r\n\r\n', '']) {
      readPieces(reader, [Buffer.from(text)])
      reader.reset()
      assert.deepEqual(
        readPieces(reader, [Buffer.from('1\r\na\r\n0\r\nD: e\r\n\r\n')]),
        done('a', 'D: e\r\n'),
      )
      reader.reset()
    }
  })
})

describe('a chunked body is refused', () => {
  const REFUSED: Record<string, readonly [text: string, word: string, data?: string]> = {
    'without a size': ['\r\n', 'chunk-size'],
    'with a blank before a size': [' 5\r\nhello', 'chunk-size'],
    'with a tab before a size': ['\t5\r\nhello', 'chunk-size'],
    'with a blank after a size': ['5 \r\nhello', 'chunk-size'],
    'with a tab after a size': ['5\t\r\nhello', 'chunk-size'],
    'with a blank before an extension': ['5 ;a\r\nhello', 'chunk-size'],
    'with a sign': ['+5\r\nhello', 'chunk-size'],
    'with a negative size': ['-5\r\nhello', 'chunk-size'],
    'with 0x': ['0x5\r\nhello', 'chunk-size'],
    'with a letter that is no digit': ['5g\r\nhello', 'chunk-size'],
    'with an underscore': ['1_0\r\nhello', 'chunk-size'],
    'with a NUL': ['5\0\r\nhello', 'chunk-size'],
    'with a size of fourteen digits': ['00000000000005\r\nhello', 'chunk-too-large'],
    'with a size that would overflow': ['fffffffffffffffff5\r\nhello', 'chunk-too-large'],
    'with a bare LF after a size': ['5\nhello', 'bare-lf'],
    'with a bare LF instead of a size': ['\n', 'bare-lf'],
    'with a bare CR after a size': ['5\rhello', 'bare-cr'],
    'with a bare LF after an extension': ['5;a\nhello', 'bare-lf'],
    'with an extension without a name': ['5;\r\nhello', 'chunk-extension'],
    'with a blank before the name of an extension': ['5; a\r\nhello', 'chunk-extension'],
    'with a blank after the name of an extension': ['5;a =b\r\nhello', 'chunk-extension'],
    'with a name of an extension that is no token': ['5;a/b\r\nhello', 'chunk-extension'],
    'with an extension without a value': ['5;a=\r\nhello', 'chunk-extension'],
    'with a blank before the value of an extension': ['5;a= b\r\nhello', 'chunk-extension'],
    'with a value of an extension that is no token': ['5;a=b c\r\nhello', 'chunk-extension'],
    'with two signs of equality': ['5;a=b=c\r\nhello', 'chunk-extension'],
    'with a quoted value that does not end': ['5;a="b\r\nhello', 'chunk-extension'],
    'with a quoted value that goes on': ['5;a="b"c\r\nhello', 'chunk-extension'],
    'with a control character in a quoted value': ['5;a="\x01"\r\nhello', 'chunk-extension'],
    'with an escaped control character': ['5;a="\\\r\n"\r\nhello', 'chunk-extension'],
    'with an extension of a bare CR': ['5;a\rb\r\nhello', 'bare-cr'],
    'with data longer than said': ['5\r\nhello!\r\n0\r\n\r\n', 'chunk-end', 'hello'],
    'with data shorter than said': ['5\r\nhell\r\n0\r\n\r\n', 'chunk-end', 'hell\r'],
    'with a bare LF after the data': ['5\r\nhello\n0\r\n\r\n', 'chunk-end', 'hello'],
    'with a bare CR after the data': ['5\r\nhello\r0\r\n\r\n', 'chunk-end', 'hello'],
    'with a bare LF as its end': ['0\r\n\n', 'bare-lf'],
    'with a bare CR as its end': ['0\r\n\rG', 'bare-cr'],
    'with a folded trailer': ['0\r\nA: b\r\n c\r\n\r\n', 'obs-fold'],
    'with a blank before the colon of a trailer': ['0\r\nA : b\r\n\r\n', 'space-before-colon'],
    'with a trailer without a colon': ['0\r\nGET / HTTP/1.1\r\n\r\n', 'space-before-colon'],
    'with a trailer that is no line': ['0\r\nabc\r\n\r\n', 'invalid-header-token'],
    'with a trailer without a name': ['0\r\n: b\r\n\r\n', 'invalid-header-token'],
    'with a NUL in a trailer': ['0\r\nA: \0\r\n\r\n', 'control'],
    'with a control character first in a trailer': ['0\r\nA:\x01\r\n\r\n', 'control'],
    'with a bare LF after a trailer': ['0\r\nA: b\n\r\n', 'bare-lf'],
    'with a bare CR in a trailer': ['0\r\nA: b\rc\r\n\r\n', 'bare-cr'],
  }
  for (const [title, [text, word, data = '']] of Object.entries(REFUSED)) {
    test(`${title}: ${word}`, () => {
      const body = readEveryCut(text)
      assert.deepEqual(
        [body.state, body.data, body.trailers === '' || word !== 'trailer'],
        [word, data, true],
      )
    })
  }

  for (const name of [
    'Content-Length',
    'transfer-encoding',
    'HOST',
    'Connection',
    'Trailer',
    'TE',
    'Upgrade',
    'Authorization',
    'Cookie',
    'Set-Cookie',
    'Forwarded',
    'X-Forwarded-For',
    'x-forwarded-anything',
    'Hydra-User',
    'Content-Encoding',
    'Content-Type',
    'Content-Range',
    'Expect',
    'Range',
    'Cache-Control',
    'Max-Forwards',
    'WWW-Authenticate',
    'Proxy-Authorization',
    'Proxy-Connection',
    'Content_Length',
    'HYDRA_USER',
  ]) {
    test(`with ${name} as a trailer: trailer`, () => {
      assert.equal(readEveryCut(`0\r\n${name}: 5\r\n\r\n`).state, 'trailer')
    })
  }

  test('with too many bytes of extensions in all its chunks together', () => {
    const chunk = (bytes: number): string => `1;${'a'.repeat(bytes)}\r\nx\r\n`
    const read = (text: string): string => readPieces(new ChunkedReader(), [Buffer.from(text)]).state
    assert.equal(read(`${chunk(8000)}${chunk(8000)}0\r\n\r\n`), 'done')
    assert.equal(read(`${chunk(8000)}${chunk(8000)}${chunk(500)}0\r\n\r\n`), 'chunk-extensions-too-long')
    assert.equal(read(`1;a="${'b'.repeat(17_000)}`), 'chunk-extensions-too-long')
  })

  test('with more trailers than the limits allow', () => {
    const read = (text: string): Body =>
      readPieces(new ChunkedReader({ maxTrailerBytes: 40, maxTrailerLines: 3 }), [Buffer.from(text)])
    assert.equal(read('0\r\nA: b\r\nA: b\r\nA: b\r\n\r\n').state, 'done')
    assert.equal(read('0\r\nA: b\r\nA: b\r\nA: b\r\nA').state, 'trailers-too-large')
    assert.equal(read(`0\r\nA: ${'b'.repeat(33)}\r\n\r\n`).state, 'done')
    assert.equal(read(`0\r\nA: ${'b'.repeat(34)}\r\n\r\n`).state, 'trailers-too-large')
    assert.equal(read(`0\r\n${'A'.repeat(41)}`).state, 'trailers-too-large')
  })
})
