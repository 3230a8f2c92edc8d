/**
 * Tampers with messages the way smugglers do: bytes where none belong, lines twice or in another order, two lengths
 * at once, chunks that are none.
 *
 * @module
 */
import { makeRequests, makeResponse } from './messages.ts'
import type { Random } from './random.ts'
import type { Case } from './verdict.ts'

const BYTES = [
  '\r',
  '\n',
  '\0',
  ' ',
  '\t',
  '\r\n',
  '\n\r',
  '\x0b',
  '\x0c',
  '\x7f',
  '\x80',
  '\xff',
  ':',
  ',',
  ';',
  '0',
  '"',
]

const LINES = [
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: +5',
  'Content-Length: -1',
  'Content-Length: 5, 5',
  'Content-Length: 0x5',
  'Content-Length: 5 5',
  'Content-Length: 5\t',
  'Content-Length:\t5',
  'Content-Length: ',
  'Content-Length: 9007199254740992',
  'Content-Length: 18446744073709551616',
  'Content-Length : 5',
  'content-length:5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked ',
  'Transfer-Encoding: chunked\t',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: ',
  'Transfer-Encoding : chunked',
  'Transfer_Encoding: chunked',
  'TRANSFER-ENCODING: CHUNKED',
  'Host: b',
  'Host:',
  'Host: ',
  'Host : b',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: keep-alive, close',
  'Connection: close, keep-alive',
  'Connection: , ,close',
  'Connection: close\t',
  'Connection: close,',
  'Connection: keep-alive ,close',
  'Connection: closed',
  'Connection: close close',
  'Connection: xclose',
  'Connection: upgrade',
  'Connection: upgrade, close',
  'Connection:',
  'Connection: content-length',
  'Connection: host, transfer-encoding',
  'Proxy-Connection: close',
  'Proxy-Connection: keep-alive',
  'Proxy-Connection: upgrade',
  'Proxy-Connection: x, close',
  'proxy-connection:x;close',
  'Keep-Alive: timeout=5',
  'Upgrade: websocket',
  'Upgrade:',
  'Expect: 100-continue',
  'Expect: 100-continue, x',
  'Expect: x',
  'Expect: 100-CONTINUE',
  'Trailer: X',
  ' folded',
  '\tfolded',
  ': nameless',
  'no colon',
  'X\x80: y',
  'X: \x01',
  'X: a\rb',
  'X: a\nb',
  '',
]

const WORDS = [
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.',
  'HTTP/11',
  'http/1.1',
  'HTTP/01.1',
  'ICE/1.0',
  'RTSP/1.0',
  'GET',
  'CONNECT',
  'TRACE',
  'PRI',
  'SETUP',
  'SOURCE',
  'FLUSH',
  'get',
  '/',
  '*',
  'a:80',
  'http://a/',
  'http://a',
  'http://a?b',
  'http://a@b/',
  'http://a@b@c/',
  'http:///',
  'http:/a',
  'ftp://a/',
  'h2c+x://a/',
  '//a/b',
  '/#a',
  '/?a#b',
  '/\x80',
  '?a',
  '200',
  '099',
  '1000',
  '20',
  '100',
  '101',
  '204',
  '304',
]

const CHUNKS = [
  '0\r\n\r\n',
  '1\r\na\r\n',
  '1\r\na',
  '1 \r\na\r\n',
  ' 1\r\na\r\n',
  '0x1\r\na\r\n',
  '+1\r\na\r\n',
  '-1\r\na\r\n',
  '1\na\n',
  '1\r\na\n',
  '1;\r\na\r\n',
  '1;a\r\na\r\n',
  '1;a=\r\na\r\n',
  '1;a=b\r\na\r\n',
  '1;a="b\r\na\r\n',
  '1;a="b"\r\na\r\n',
  '1;a="b\\"c"\r\na\r\n',
  '1;a="b"c\r\na\r\n',
  '1; a\r\na\r\n',
  '1 ;a\r\na\r\n',
  '1;a =b\r\na\r\n',
  '1;;a\r\na\r\n',
  '1;a="\xe9"\r\na\r\n',
  '1;a="\t"\r\na\r\n',
  '1;a=\xe9\r\na\r\n',
  '1;a\nb\r\na\r\n',
  'ffffffffffffffff\r\na',
  '10000000000000001\r\na\r\n',
  '0000000000000001\r\na\r\n',
  '00000000000000000001\r\na\r\n',
  '1fffffffffffff\r\na',
  '20000000000000\r\na',
  'g\r\n',
  '\r\n',
  '0\r\nContent-Length: 5\r\n\r\n',
  '0\r\nX: y\r\n\r\n',
  '0\r\nX : y\r\n\r\n',
  '0\r\n X: y\r\n\r\n',
  '0\r\nX: y\n\r\n',
  '0\r\nX: y\r\n z\r\n\r\n',
  '0\r\nTransfer-Encoding: chunked\r\n\r\n',
  '0\r\nConnection: close\r\n\r\n',
  '0\r\nUpgrade: x\r\n\r\n',
  '0\r\n\n',
  '0\n\r\n',
]

type Mutation = (random: Random, text: string) => string

/** Anywhere; in long messages often near where our reader goes over to another way of reading. */
function place(random: Random, text: string): number {
  const corner = random.pick([2048, 4096, 16_384])
  if (text.length > corner + 8 && random.once(3)) return corner + random.between(-6, 6)
  return random.int(text.length + 1)
}

/** A position at the beginning of a line, or any. */
function linePlace(random: Random, text: string): number {
  const places: number[] = []
  for (let at = text.indexOf('\r\n'); at !== -1; at = text.indexOf('\r\n', at + 2)) places.push(at + 2)
  return places.length === 0 ? place(random, text) : random.pick(places)
}

const replaceAt = (text: string, from: number, to: number, by: string): string =>
  text.slice(0, from) + by + text.slice(to)

const MUTATIONS: readonly Mutation[] = [
  function flipBits(random, text) {
    const at = place(random, text)
    if (at === text.length) return text
    const byte = text.charCodeAt(at) ^ (1 << random.int(8))
    return replaceAt(text, at, at + 1, String.fromCharCode(byte))
  },
  function anyByte(random, text) {
    const at = place(random, text)
    return replaceAt(text, at, at + random.int(2), String.fromCharCode(random.int(256)))
  },
  function insertByte(random, text) {
    const at = place(random, text)
    return replaceAt(text, at, at, random.pick(BYTES))
  },
  function insertByteAtLine(random, text) {
    const at = Math.max(0, linePlace(random, text) - random.int(4))
    return replaceAt(text, at, at, random.pick(BYTES))
  },
  function insertAroundColon(random, text) {
    const colons = [...text.matchAll(/:/g)]
    if (colons.length === 0) return text
    const at = random.pick(colons).index + random.int(2)
    return replaceAt(text, at, at, random.pick(BYTES))
  },
  function dropBytes(random, text) {
    const at = place(random, text)
    return replaceAt(text, at, at + random.between(1, 3), '')
  },
  function bareLineEnd(random, text) {
    const at = linePlace(random, text)
    return replaceAt(text, at - 2, at, random.pick(['\n', '\r', '\r\r\n', '\n\n', '\r\n\r\n', '']))
  },
  function foldLine(random, text) {
    const at = linePlace(random, text)
    return replaceAt(text, at, at, random.pick([' ', '\t', ' x\r\n', '\r\n ']))
  },
  function insertLine(random, text) {
    const at = linePlace(random, text)
    return replaceAt(text, at, at, `${random.pick(LINES)}\r\n`)
  },
  function repeatLine(random, text) {
    const lines = text.split('\r\n')
    lines.splice(random.int(lines.length), 0, random.pick(lines))
    return lines.join('\r\n')
  },
  function dropLine(random, text) {
    const lines = text.split('\r\n')
    lines.splice(random.int(lines.length), 1)
    return lines.join('\r\n')
  },
  function swapLines(random, text) {
    const lines = text.split('\r\n')
    const [a, b] = [random.int(lines.length), random.int(lines.length)]
    const kept = lines[a]!
    lines[a] = lines[b]!
    lines[b] = kept
    return lines.join('\r\n')
  },
  function replaceWord(random, text) {
    const words = [...text.matchAll(/[^\s:]+/g)]
    if (words.length === 0) return text
    // Mostly in the first line.
    const word = words[random.once(3) ? random.int(words.length) : random.int(Math.min(3, words.length))]!
    return replaceAt(text, word.index, word.index + word[0].length, random.pick(WORDS))
  },
  function otherFraming(random, text) {
    return text.replace(/^(?:transfer-encoding|content-length):.*$/im, () => random.pick(LINES))
  },
  function insertChunk(random, text) {
    const head = text.indexOf('\r\n\r\n')
    const at =
      head === -1 || random.once(4) ? linePlace(random, text) : random.once(2) ? head + 4 : text.length
    return replaceAt(text, at, at, random.pick(CHUNKS))
  },
  function onlyChunks(random, text) {
    const head = text.indexOf('\r\n\r\n')
    if (head === -1) return text
    let chunks = ''
    do chunks += random.pick(CHUNKS)
    while (random.once(2))
    const start = text.slice(0, head + 2).replace(/^(?:transfer-encoding|content-length):.*\r\n/gim, '')
    return `${start}Transfer-Encoding: chunked\r\n\r\n${chunks}`
  },
  function cutShort(random, text) {
    return text.slice(0, place(random, text))
  },
  function append(random, text) {
    return (
      text + random.pick(['\r\n', 'x', 'GET /2 HTTP/1.1\r\nHost: b\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', '\0'])
    )
  },
]

/**
 * A connection to read: three in ten are valid, the others were tampered with, some of them made from one of
 * `seeds`.
 */
export function makeCase(random: Random, seeds: readonly Case[] = []): Case {
  const isGrown = seeds.length > 0 && random.once(6)
  const made = isGrown ? random.pick(seeds) : random.once(2) ? makeRequests(random) : makeResponse(random)
  if (!isGrown && random.int(10) < 3) return made
  let text = made.bytes.toString('latin1')
  let left = 1
  while (random.once(3) && left < 5) left += 1
  for (; left > 0; left -= 1) text = random.pick(MUTATIONS)(random, text)
  const { kind, asked, isTight } = made
  return { kind, bytes: Buffer.from(text, 'latin1'), asked, closes: made.closes && !random.once(4), isTight }
}
