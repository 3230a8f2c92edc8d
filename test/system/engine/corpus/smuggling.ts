/**
 * Requests whose end two servers would find in different places.
 *
 * @module
 */
import { accepted, chunked, cut, get, HOST, post, refused, SMUGGLED, unfinished } from './case.ts'

const EMPTY = '0\r\n\r\n'
const TWO = '2\r\nxx\r\n0\r\n\r\n'
const te = (value: string, body = TWO) => post([`Transfer-Encoding: ${value}`], body)
const cl = (value: string, body = 'xx') => post([`Content-Length: ${value}`], body)

export const smuggling = [
  // Two framings in one message.
  refused(
    'a length and chunks',
    post(['Content-Length: 4', 'Transfer-Encoding: chunked'], `${EMPTY}${SMUGGLED}`),
  ),
  refused(
    'chunks and a length',
    post(['Transfer-Encoding: chunked', 'Content-Length: 4'], `${EMPTY}${SMUGGLED}`),
  ),
  refused('chunks and a length of 0', post(['Transfer-Encoding: chunked', 'Content-Length: 0'], TWO)),
  refused(
    'chunks and a length, far apart',
    post(['Transfer-Encoding: chunked', 'A: 1', 'B: 2', 'content-length: 5'], EMPTY),
  ),
  refused(
    'an unknown coding and a length',
    post(['Transfer-Encoding: xchunked', 'Content-Length: 2'], 'xx'),
    400,
    501,
  ),
  refused(
    'chunks and a length nominated away',
    post(['Connection: content-length', 'Transfer-Encoding: chunked', 'Content-Length: 4'], EMPTY),
  ),
  refused(
    'a length and chunks nominated away',
    post(['Connection: transfer-encoding', 'Transfer-Encoding: chunked', 'Content-Length: 4'], EMPTY),
  ),
  // Lengths.
  refused('two lengths', post(['Content-Length: 2', 'Content-Length: 44'], `xx${SMUGGLED}`)),
  refused('two lengths, the first of them 0', post(['Content-Length: 0', 'Content-Length: 44'], SMUGGLED)),
  refused('the same length twice', post(['Content-Length: 2', 'Content-Length: 2'], 'xx')),
  refused('a list of the same length', cl('2, 2')),
  refused('a list of lengths', cl('2, 44', `xx${SMUGGLED}`)),
  refused('a length with a comma', cl('2,')),
  refused('a positive length', cl('+2')),
  refused('a negative length', cl('-2')),
  refused('a length in C', cl('0x2')),
  refused('a length with a fraction', cl('2.0')),
  refused('a length with an exponent', cl('2e0')),
  refused('a length with an underscore', cl('1_0', 'x'.repeat(10))),
  refused('a quoted length', cl('"2"')),
  refused('a length with a parameter', cl('2;a=b')),
  refused('a length of two words', cl('2 3')),
  refused('an empty length', cl('')),
  refused('a length of blanks', cl('  \t ')),
  refused('a length beyond 64 bits', cl('99999999999999999999999')),
  refused('a length just beyond what a number holds', cl('9007199254740992'), 400, 413),
  refused('a length that becomes 2 in 64 bits', cl('18446744073709551618')),
  refused(
    'a length that becomes 2 in 32 bits and follows a 2',
    post(['Content-Length: 2', 'Content-Length: 4294967298'], 'xx'),
  ),
  refused('a length with a digit beyond ASCII', cl('\xb2')),
  refused('a length with NUL', cl('2\0')),
  refused('a length with a vertical tab', cl('\x0b2')),
  refused('a length behind a space before the colon', post(['Content-Length : 2'], 'xx')),
  refused('a length behind a tab before the colon', post(['Content-Length\t: 2'], 'xx')),
  refused('a folded length', post(['Content-Length:', ' 2'], 'xx')),
  refused('a length folded into two numbers', post(['Content-Length: 2', ' 4'], 'x'.repeat(24))),
  accepted('blanks around a length', cl('  2  '), { body: 'xx' }),
  accepted('a length without a blank', post(['Content-Length:2'], 'xx'), { body: 'xx' }),
  accepted('a length with leading zeros', cl('002'), { body: 'xx' }),
  accepted('a length of nothing', cl('0', '')),
  accepted('a length in lower case', post(['content-length: 2'], 'xx'), { body: 'xx' }),
  accepted('a body that looks like a request', cl(`${SMUGGLED.length}`, SMUGGLED), { body: SMUGGLED }),
  accepted('a GET with a body', `${get('Content-Length: 2')}xx`, { body: 'xx' }),
  accepted('a disguised length', post(['Content_Length: 44', 'Content-Length: 2'], 'xx'), { body: 'xx' }),
  accepted('a length nominated away', post(['Connection: content-length', 'Content-Length: 2'], 'xx'), {
    body: 'xx',
  }),
  accepted('no length at all', post([])),
  unfinished('a body shorter than its length', cl('44', 'only this')),
  unfinished('a body that never comes', cl('2', '')),
  // Codings.
  refused('an unknown coding', te('xchunked'), 501),
  refused('a coding before chunked', te('gzip, chunked'), 501),
  refused('a coding after chunked', te('chunked, gzip'), 501, 400),
  refused('another coding than chunked', te('gzip'), 501),
  refused('the identity coding', te('identity', 'xx'), 501),
  refused('identity and chunked', te('identity, chunked'), 501),
  refused('chunked twice', te('chunked, chunked'), 400, 501),
  refused('chunked in two lines', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], TWO)),
  refused(
    'chunked and identity in two lines',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], TWO),
    400,
    501,
  ),
  refused(
    'identity and chunked in two lines',
    post(['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'], TWO),
    400,
    501,
  ),
  refused(
    'chunked and nothing in two lines',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding:'], TWO),
  ),
  refused('an empty coding', te('')),
  refused('a comma before the coding', te(', chunked'), 400, 501),
  refused('a comma after the coding', te('chunked,'), 400, 501),
  refused('a coding with a parameter', te('chunked;q=1'), 400, 501),
  refused('a quoted coding', te('"chunked"'), 400, 501),
  refused('a coding in brackets', te('[chunked]'), 400, 501),
  refused('two words in a coding', te('x chunked'), 400, 501),
  refused('a coding behind a vertical tab', te('\x0bchunked')),
  refused('a coding behind a form feed', te('\x0cchunked')),
  refused('a coding behind a no-break space', te('\xa0chunked'), 400, 501),
  refused('a coding with NUL', te('chunked\0')),
  refused('a coding with a byte beyond ASCII', te('chun\xebed'), 400, 501),
  refused('a coding behind a space before the colon', post(['Transfer-Encoding : chunked'], TWO)),
  refused('a folded coding', post(['Transfer-Encoding:', ' chunked'], TWO)),
  refused('a coding folded in two', post(['Transfer-Encoding: chunked', ' , identity'], TWO)),
  refused('a coding behind a bare LF', post(['X: y\nTransfer-Encoding: chunked', 'Content-Length: 2'], 'xx')),
  refused('a coding behind a bare CR', post(['X: y\rTransfer-Encoding: chunked', 'Content-Length: 2'], 'xx')),
  refused('a coding behind a NUL', post(['X: y\0Transfer-Encoding: chunked', 'Content-Length: 2'], 'xx')),
  refused('chunks in HTTP/1.0', `POST /one HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${TWO}`),
  refused(
    'chunks and a length in HTTP/1.0',
    `POST /one HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n${TWO}`,
  ),
  accepted('a coding in capitals', te('CHUNKED'), { body: 'xx' }),
  accepted('blanks around a coding', te('   chunked'), { body: 'xx' }),
  accepted('a GET with chunks', get('Transfer-Encoding: chunked') + TWO, { body: 'xx' }),
  accepted('an empty chunked body', chunked(EMPTY)),
  accepted('a disguised coding', post(['Transfer_Encoding: chunked', 'Content-Length: 2'], 'xx'), {
    body: 'xx',
  }),
  accepted(
    'a coding nominated away',
    post(['Connection: transfer-encoding', 'Transfer-Encoding: chunked'], TWO),
    { body: 'xx' },
  ),
  accepted(
    'chunks that look like a request',
    chunked(`${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    { body: SMUGGLED },
  ),
  // Other ways to make a body of a request, or a request of a body.
  accepted(
    'an offer of HTTP/2 in front of a body',
    post(
      [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
        `Content-Length: ${SMUGGLED.length}`,
      ],
      SMUGGLED,
    ),
    { body: SMUGGLED },
  ),
  refused('an expectation nobody knows', post(['Expect: 200-ok', 'Content-Length: 2'], 'xx')),
  refused('an expectation with a second one', post(['Expect: 100-continue, x', 'Content-Length: 2'], 'xx')),
  refused(
    'two expectations',
    post(['Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 2'], 'xx'),
  ),
  cut('rubbish in front of a last chunk', chunked(`x${EMPTY}${SMUGGLED}`)),
]
