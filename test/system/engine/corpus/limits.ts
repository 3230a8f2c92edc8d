/**
 * Requests that are too much of something. The limits are the defaults: 16 KiB of head, 100 header lines, 8 KiB of
 * target; bodies of more than `MAX_BODY` are configured to be too large.
 *
 * @module
 */
import { accepted, chunked, cut, get, HOST, post, refused, unfinished } from './case.ts'

export const MAX_BODY = 64 * 1024

const target = (length: number) => `GET /${'t'.repeat(length - 1)} HTTP/1.1\r\n${HOST}\r\n`
const lines = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: ${i}`)
const pairs = (count: number) => lines(count).map((line) => line.split(': ') as [string, string])
const chunksOf = (bytes: number) =>
  `${`400\r\n${'x'.repeat(1024)}\r\n`.repeat(Math.floor(bytes / 1024))}${bytes % 1024 ? `${(bytes % 1024).toString(16)}\r\n${'x'.repeat(bytes % 1024)}\r\n` : ''}0\r\n\r\n`

export const limits = [
  refused('a head without end', `GET /one HTTP/1.1\r\n${HOST}X: ${'a'.repeat(70_000)}`, 431),
  refused('a line of 17 KiB', get(`X: ${'a'.repeat(17 * 1024)}`), 431),
  refused('a name of 17 KiB', get(`${'a'.repeat(17 * 1024)}: a`), 431),
  refused(
    'many lines of 17 KiB together',
    get(...Array.from({ length: 50 }, (_, i) => `X-${i}: ${'a'.repeat(350)}`)),
    431,
  ),
  refused('blanks of 17 KiB', get(`X:${' '.repeat(17 * 1024)}a`), 431),
  refused(
    'a head too large in front of a body',
    post([`X: ${'a'.repeat(17 * 1024)}`, 'Content-Length: 2'], 'xx'),
    431,
  ),
  accepted('a line of 12 KiB', get(`X: ${'a'.repeat(12 * 1024)}`), { lines: [['X', 'a'.repeat(12 * 1024)]] }),
  refused('101 lines', get(...lines(100)), 431),
  refused('1000 lines', get(...Array.from({ length: 999 }, () => 'a: b')), 431),
  accepted('100 lines', get(...lines(99)), { lines: pairs(99) }),
  refused('a target of 8193 bytes', target(8193), 414),
  refused('a target of 15 KiB', target(15 * 1024), 414),
  refused('a target without end', `GET /${'t'.repeat(70_000)}`, 414, 431),
  refused('a query of 9 KiB', `GET /one?${'q'.repeat(9 * 1024)} HTTP/1.1\r\n${HOST}\r\n`, 414),
  accepted('a target of 8192 bytes', target(8192), { target: `/${'t'.repeat(8191)}` }),
  refused('a body that says it is too large', post([`Content-Length: ${MAX_BODY + 1}`], 'xx'), 413),
  refused('a body that says it is far too large', post(['Content-Length: 9007199254740991'], 'xx'), 413),
  refused(
    'a body that is too large',
    post([`Content-Length: ${MAX_BODY + 1}`], 'x'.repeat(MAX_BODY + 1)),
    413,
  ),
  refused(
    'a body too large that waits to be asked for',
    post([`Content-Length: ${MAX_BODY + 1}`, 'Expect: 100-continue']),
    413,
  ),
  accepted('a body as large as may be', post([`Content-Length: ${MAX_BODY}`], 'x'.repeat(MAX_BODY)), {
    body: 'x'.repeat(MAX_BODY),
  }),
  cut('chunks that become too large', chunked(chunksOf(MAX_BODY + 1)), 413),
  cut(
    'one chunk that is too large',
    chunked(`${(MAX_BODY + 1).toString(16)}\r\n${'x'.repeat(MAX_BODY + 1)}\r\n0\r\n\r\n`),
    413,
  ),
  unfinished('a chunk that says it is too large', chunked('7fffffff\r\nxx')),
  accepted('chunks as large as may be', chunked(chunksOf(MAX_BODY)), { body: 'x'.repeat(MAX_BODY) }),
  accepted('no body at all', post(['Content-Length: 0'])),
]
