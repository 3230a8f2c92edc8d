/**
 * Tampers with messages the way smugglers do: bytes where none belong, lines twice or in another order, two lengths
 * at once, chunks that are none.
 *
 * @module
 */
import { makeRequests, makeResponse } from './messages.ts'
import type { Random } from './random.ts'
import { BYTES, CHUNKS, LINES, WORDS } from './suspects.ts'
import type { Case } from './verdict.ts'

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
