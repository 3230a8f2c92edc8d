/**
 * Answers of services that lie, break off or never end. `MARKER` stands for a word of this answer alone, `LEFTOVER`
 * for one that no visitor may ever see.
 *
 * @module
 */

export interface Lie {
  readonly name: string
  /** Sent one after another, latin1; each in a packet of its own. */
  readonly pieces: readonly string[]
  /** What the service does afterwards. */
  readonly afterwards: 'stay' | 'end' | 'reset' | 'repeat'
  readonly method: 'GET' | 'HEAD' | 'POST'
  /**
   * `whole`: this status and body. `broken`: an error of the gateway, or an answer that is seen to be cut.
   * `either`: one of these two.
   */
  readonly expect: 'whole' | 'broken' | 'either'
  readonly status: number
  readonly body: string
}

const OK = 'HTTP/1.1 200 OK\r\n'
const FORGED = `${OK}Content-Length: 8\r\n\r\nLEFTOVER`

interface More extends Partial<Pick<Lie, 'afterwards' | 'method' | 'status' | 'body'>> {}

const lie =
  (expect: Lie['expect']) =>
  (name: string, pieces: string | readonly string[], more: More = {}): Lie => ({
    name,
    pieces: typeof pieces === 'string' ? [pieces] : pieces,
    afterwards: 'stay',
    method: 'GET',
    status: 200,
    body: 'MARKER',
    expect,
    ...more,
  })
const whole = lie('whole')
const broken = lie('broken')
const either = lie('either')

/** An answer of one word with these header lines. */
const say = (...lines: readonly string[]) => `${OK}${lines.map((line) => `${line}\r\n`).join('')}\r\nMARKER`
/** The same with its length. */
const sized = (...lines: readonly string[]) => say(...lines, 'Content-Length: 6')
const chunked = (rest: string, ...lines: readonly string[]) =>
  `${OK}Transfer-Encoding: chunked\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${rest}`

const framing: readonly Lie[] = [
  whole('an honest answer', sized()),
  whole('an honest answer in chunks', chunked('6\r\nMARKER\r\n0\r\n\r\n')),
  whole('an honest answer that ends with its connection', say(), { afterwards: 'end' }),
  whole(
    'an honest answer in pieces',
    ['HTTP/1.1 2', '00 OK\r\nContent-Le', 'ngth: 12\r', '\n\r', '\nMARKER', 'MARKER'],
    { body: 'MARKERMARKER' },
  ),
  whole('honest chunks in pieces', [chunked('c'), '\r', '\nMARKER', 'MARKER\r', '\n0\r\n', '\r\n'], {
    body: 'MARKERMARKER',
  }),
  broken('a length and chunks', say('Content-Length: 6', 'Transfer-Encoding: chunked')),
  broken('chunks and a length', chunked('6\r\nMARKER\r\n0\r\n\r\n', 'Content-Length: 6')),
  broken('chunks and a length of 0', chunked('6\r\nMARKER\r\n0\r\n\r\n', 'Content-Length: 0')),
  broken('two lengths', sized('Content-Length: 9')),
  broken('the same length twice', sized('Content-Length: 6')),
  broken('a list of lengths', say('Content-Length: 6, 6')),
  broken('a negative length', say('Content-Length: -6')),
  broken('a positive length', say('Content-Length: +6')),
  broken('a length in C', say('Content-Length: 0x6')),
  broken('an empty length', say('Content-Length:')),
  broken('a length that overflows', say('Content-Length: 18446744073709551622')),
  broken('a folded length', say('Content-Length:', ' 6')),
  broken('another coding than chunked', say('Transfer-Encoding: gzip'), { afterwards: 'end' }),
  broken('a coding before chunked', say('Transfer-Encoding: gzip, chunked')),
  broken('identity', say('Transfer-Encoding: identity'), { afterwards: 'end' }),
  broken('chunked twice', say('Transfer-Encoding: chunked, chunked')),
  broken('two lines of codings', say('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')),
  broken('a coding behind a vertical tab', say('Transfer-Encoding: \x0bchunked')),
  broken('chunks in HTTP/1.0', chunked('6\r\nMARKER\r\n0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0')),
  broken('a length larger than what comes', say('Content-Length: 60'), { afterwards: 'end' }),
  broken('a length larger than what comes, and silence', say('Content-Length: 60')),
  broken('a length larger than what comes, and a reset', say('Content-Length: 60'), { afterwards: 'reset' }),
  broken('an answer without end that is reset', say(), { afterwards: 'reset' }),
]

const badChunks: readonly Lie[] = [
  broken('a chunk size in C', chunked('0x6\r\nMARKER\r\n0\r\n\r\n')),
  broken('a signed chunk size', chunked('+6\r\nMARKER\r\n0\r\n\r\n')),
  broken('a chunk size with a blank', chunked('6 \r\nMARKER\r\n0\r\n\r\n')),
  broken('an empty chunk size', chunked('\r\nMARKER\r\n0\r\n\r\n')),
  broken('a chunk size that is no number', chunked('zz\r\nMARKER\r\n0\r\n\r\n')),
  broken('a chunk size that overflows', chunked('10000000000000006\r\nMARKER\r\n0\r\n\r\n')),
  broken('a chunk size of 64 bits', chunked('ffffffffffffffff\r\nMARKER\r\n0\r\n\r\n')),
  broken('a chunk longer than it says', chunked('6\r\nMARKERLEFTOVER\r\n0\r\n\r\n')),
  broken('a chunk shorter than it says', chunked('9\r\nMARKER\r\n0\r\n\r\n0\r\n\r\n')),
  broken('bare LFs', chunked('6\nMARKER\n0\n\n')),
  broken('a bare LF after a chunk', chunked('6\r\nMARKER\n0\r\n\r\n')),
  broken('a bare CR in an extension', chunked('6;a\rb\r\nMARKER\r\n0\r\n\r\n')),
  broken('a broken chunk after a good one', [chunked('6\r\nMARKER\r\n'), 'zz\r\nLEFTOVER\r\n0\r\n\r\n']),
  broken('no last chunk', chunked('6\r\nMARKER\r\n'), { afterwards: 'end' }),
  broken('no last chunk, and silence', chunked('6\r\nMARKER\r\n')),
  broken('half a chunk', chunked('ff\r\nMARKER'), { afterwards: 'end' }),
  broken('half a last chunk', chunked('6\r\nMARKER\r\n0\r\n'), { afterwards: 'end' }),
  broken('a trailer that is a length', chunked('6\r\nMARKER\r\n0\r\nContent-Length: 9\r\n\r\n')),
  broken('a trailer that is no line', chunked('6\r\nMARKER\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n')),
  broken('a folded trailer', chunked('6\r\nMARKER\r\n0\r\nX: a\r\n b\r\n\r\n')),
  broken('extensions without end', [chunked(''), '1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'], {
    afterwards: 'repeat',
  }),
  whole('an extension', chunked('6;a=b\r\nMARKER\r\n0\r\n\r\n')),
  whole('a trailer', chunked('6\r\nMARKER\r\n0\r\nX-Checksum: 7\r\n\r\n')),
]

const leftovers: readonly Lie[] = [
  either('bytes after the end', `${sized()}LEFTOVER`),
  either('bytes after the end, later', [sized(), 'LEFTOVER']),
  either('a second answer', `${sized()}${FORGED}`),
  either('a second answer, later', [sized(), FORGED]),
  either('a second answer in pieces', [sized(), FORGED.slice(0, 9), FORGED.slice(9)]),
  either('half a second answer', `${sized()}${FORGED.slice(0, 20)}`),
  either('a second answer after chunks', chunked(`6\r\nMARKER\r\n0\r\n\r\n${FORGED}`)),
  either('a second answer after chunks, later', [chunked('6\r\nMARKER\r\n0\r\n\r\n'), FORGED]),
  either('an empty line after the end', `${sized()}\r\n`),
  either('204 with a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\nLEFTOVER', {
    status: 204,
    body: '',
  }),
  either(
    '204 with chunks',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nLEFTOVER\r\n0\r\n\r\n',
    { status: 204, body: '' },
  ),
  either('204 with an answer behind', `HTTP/1.1 204 No Content\r\n\r\n${FORGED}`, { status: 204, body: '' }),
  either('304 with a body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\nLEFTOVER', {
    status: 304,
    body: '',
  }),
  either('304 with a body, later', ['HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\n', 'LEFTOVER'], {
    status: 304,
    body: '',
  }),
  either('HEAD with a body', `${OK}Content-Length: 8\r\n\r\nLEFTOVER`, { method: 'HEAD', body: '' }),
  either('HEAD with a body, later', [`${OK}Content-Length: 8\r\n\r\n`, 'LEFTOVER'], {
    method: 'HEAD',
    body: '',
  }),
  either('HEAD with chunks', chunked('8\r\nLEFTOVER\r\n0\r\n\r\n'), { method: 'HEAD', body: '' }),
  either('HEAD with an answer behind', `${OK}Content-Length: 8\r\n\r\n${FORGED}`, {
    method: 'HEAD',
    body: '',
  }),
  either('an answer to a POST before its body', `${sized()}${FORGED}`, { method: 'POST' }),
]

const heads: readonly Lie[] = [
  broken('no HTTP at all', 'LEFTOVER\r\n\r\n'),
  broken('an old answer without head', '<html>LEFTOVER</html>', { afterwards: 'end' }),
  broken('HTTP/2', 'HTTP/2.0 200 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('HTTP/0.9', 'HTTP/0.9 200 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('HTTP/1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('another protocol', 'ICY 200 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('a version in lower case', 'http/1.1 200 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('no status', 'HTTP/1.1\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('a status of letters', 'HTTP/1.1 abc OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('status 0', 'HTTP/1.1 000 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('status 99', 'HTTP/1.1 099 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('a signed status', 'HTTP/1.1 +20 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('two blanks before the status', 'HTTP/1.1  200 OK\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('NUL in the reason', 'HTTP/1.1 200 O\0K\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('a bare CR in the reason', 'HTTP/1.1 200 O\rX: y\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('a control in the reason', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 6\r\n\r\nMARKER'),
  broken('bare LFs in the head', 'HTTP/1.1 200 OK\nContent-Length: 6\n\nMARKER'),
  broken('a bare LF between lines', sized('X: a\nSet-Cookie: b=c')),
  broken('a bare CR between lines', sized('X: a\rSet-Cookie: b=c')),
  broken('a folded line', sized('X: a', ' b')),
  broken('a fold after the first line', sized(' X: a')),
  broken('NUL in a value', sized('X: a\0b')),
  broken('NUL in a name', sized('X\0: a')),
  broken('a control in a value', sized('X: a\x08b')),
  broken('a blank before a colon', sized('X : a')),
  broken('a name with a blank', sized('X Y: a')),
  broken('a line without a colon', sized('X')),
  broken('an empty name', sized(': a')),
  broken('half a head', `${OK}Content-Le`, { afterwards: 'end' }),
  broken('half a head, and silence', `${OK}Content-Le`),
  broken('half a head, and a reset', `${OK}Content-Le`, { afterwards: 'reset' }),
  broken('nothing at all', '', { afterwards: 'end', method: 'POST' }),
  broken('a reset', '', { afterwards: 'reset', method: 'POST' }),
  broken('silence', ''),
  broken('a line of 70 KB', sized(`X: ${'a'.repeat(70_000)}`)),
  broken('lines without end', [OK, `X: ${'a'.repeat(60)}\r\n`], { afterwards: 'repeat' }),
  broken('a line without end', [`${OK}X: `, 'a'.repeat(1000)], { afterwards: 'repeat' }),
  broken('a reason without end', ['HTTP/1.1 200 ', 'a'.repeat(1000)], { afterwards: 'repeat' }),
  broken('empty lines without end', ['', '\r\n\r\n'], { afterwards: 'repeat' }),
  broken('hints without end', ['', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'], {
    afterwards: 'repeat',
  }),
  broken('permission to go on without end', ['', 'HTTP/1.1 100 Continue\r\n\r\n'], { afterwards: 'repeat' }),
  broken('a switch nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\nLEFTOVER'),
  broken(
    'a switch to WebSockets nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nLEFTOVER',
  ),
  broken('a switch with a length', 'HTTP/1.1 101 Switching Protocols\r\nContent-Length: 8\r\n\r\nLEFTOVER'),
  broken('permission to go on and nothing', 'HTTP/1.1 100 Continue\r\n\r\n', {
    afterwards: 'end',
    method: 'POST',
  }),
  broken('a hint and then rubbish', ['HTTP/1.1 103 Early Hints\r\n\r\n', 'LEFTOVER\r\n\r\n']),
  whole('a hint and then an answer', ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', sized()]),
  whole('names in lower case', `${OK}content-length: 6\r\n\r\nMARKER`),
  whole('no reason', 'HTTP/1.1 200 \r\nContent-Length: 6\r\n\r\nMARKER'),
  whole('a value beyond ASCII', sized('X: caf\xc3\xa9')),
  whole('a status nobody has heard of', 'HTTP/1.1 299 Odd\r\nContent-Length: 6\r\n\r\nMARKER', {
    status: 299,
  }),
  whole('HTTP/1.0 that closes', `HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nMARKER`, { afterwards: 'end' }),
  whole('HTTP/1.0 that says so little', 'HTTP/1.0 200 OK\r\n\r\nMARKER', { afterwards: 'end' }),
  whole(
    'a body longer than what goes in one piece',
    [`${OK}Content-Length: 60006\r\n\r\n${'x'.repeat(60_000)}`, 'MARKER'],
    { body: `${'x'.repeat(60_000)}MARKER` },
  ),
]

export const LIES: readonly (readonly [category: string, lies: readonly Lie[]])[] = [
  ['framing', framing],
  ['chunks', badChunks],
  ['leftovers', leftovers],
  ['heads', heads],
]
