/**
 * Lines of a head that say how the message is framed and the connection used, judged as they pass
 * (RFC 9112, 6 and 9; RFC 9110, 7.6.1 and 10.1.1).
 *
 * What is judged depends only on the lines so far, so a head is refused at the same byte however it was cut.
 *
 * @module
 */
import { COMMA, SP, TAB, TOKEN } from './classes.ts'
import {
  CODING_AND_LENGTH,
  CODING_GRAMMAR,
  CODING_REPEATED,
  CODING_TOO_OLD,
  CODING_UNKNOWN,
  CONNECTION_GRAMMAR,
  EXPECTATION,
  HOST_EMPTY,
  HOST_REPEATED,
  LENGTH_GRAMMAR,
  LENGTH_REPEATED,
} from './faults.ts'
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  HOST,
  KEEP_ALIVE,
  PROXY_CONNECTION,
  TRANSFER_ENCODING,
  UPGRADE,
} from './names.ts'
import { isWord, scratch } from './scratch.ts'

/** Bits of what Connection says. */
export const CLOSE = 1
export const KEEP = 2
/** The token `upgrade`. */
export const SWITCH = 4
/** Any other token: the name of a line that is for this hop only. */
export const NOMINATES = 8

/** Lines are read again: they were judged before. */
export const AGAIN = 0
export const REQUEST = 1
export const RESPONSE = 2

/** What the lines judged so far have said. One for all heads: it is read before the next head is parsed. */
class Facts {
  minor: 0 | 1 = 1
  hosts = 0
  contentLength = -1
  isChunked = false
  connection = 0
  hasUpgrade = false
  expectsContinue = false
  keepAliveSeconds = -1

  reset(minor: 0 | 1): void {
    this.minor = minor
    this.hosts = 0
    this.contentLength = -1
    this.isChunked = false
    this.connection = 0
    this.hasUpgrade = false
    this.expectsContinue = false
    this.keepAliveSeconds = -1
  }
}

export const facts = new Facts()

const word = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))
const CHUNKED_WORD = word('chunked')
const CLOSE_WORD = word('close')
const KEEP_WORD = word('keep-alive')
const UPGRADE_WORD = word('upgrade')
const CONTINUE_WORD = word('100-continue')
const TIMEOUT_WORD = word('timeout')

/** The largest id `judge` cares about. */
export const LAST_JUDGED = PROXY_CONNECTION

/**
 * Judges a line of the scratch by its id. Its value is [at, end), without the blanks around it; `lineEnd` is the
 * position after its CR LF. Returns 0 or a fault.
 */
export function judge(kind: number, id: number, at: number, end: number, lineEnd: number): number {
  switch (id) {
    case HOST:
      if (kind !== REQUEST) return 0
      if (facts.hosts !== 0) return HOST_REPEATED
      facts.hosts = 1
      return at === end ? HOST_EMPTY : 0
    case CONNECTION:
      return judgeConnection(at, end)
    case CONTENT_LENGTH:
      return judgeLength(at, end, lineEnd)
    case TRANSFER_ENCODING:
      return judgeCoding(at, end, lineEnd)
    case UPGRADE:
      facts.hasUpgrade = true
      return 0
    case EXPECT:
      // RFC 9110, 10.1.1: of HTTP/1.0 it is ignored.
      if (kind !== REQUEST || facts.minor === 0) return 0
      if (facts.expectsContinue || !isWord(at, end, CONTINUE_WORD)) return EXPECTATION
      facts.expectsContinue = true
      return 0
    case KEEP_ALIVE:
      if (kind === RESPONSE) readKeepAlive(at, end)
      return 0
    case PROXY_CONNECTION:
      readProxyConnection(at, end)
      return 0
    default:
      return 0
  }
}

function judgeLength(at: number, end: number, lineEnd: number): number {
  const { bytes } = scratch
  if (facts.contentLength !== -1) return LENGTH_REPEATED
  if (facts.isChunked) return CODING_AND_LENGTH
  if (at === end || end - at > 16 || hasTabAfter(end, lineEnd)) return LENGTH_GRAMMAR
  let length = 0
  for (let i = at; i < end; i += 1) {
    const digit = bytes[i]! - 0x30
    if (digit < 0 || digit > 9) return LENGTH_GRAMMAR
    length = length * 10 + digit
  }
  if (length > Number.MAX_SAFE_INTEGER) return LENGTH_GRAMMAR
  facts.contentLength = length
  return 0
}

function judgeCoding(at: number, end: number, lineEnd: number): number {
  if (facts.minor === 0) return CODING_TOO_OLD
  if (facts.isChunked) return CODING_REPEATED
  if (!isWord(at, end, CHUNKED_WORD)) return codingFault(at, end)
  if (hasTabAfter(end, lineEnd)) return CODING_GRAMMAR
  if (facts.contentLength !== -1) return CODING_AND_LENGTH
  facts.isChunked = true
  return 0
}

/** Readers differ in whether a tab after these two values belongs to them. */
function hasTabAfter(end: number, lineEnd: number): boolean {
  const { bytes } = scratch
  for (let i = end; i < lineEnd; i += 1) if (bytes[i] === TAB) return true
  return false
}

/** A list with another coding in it is one we do not know; anything else is no list of codings at all. */
function codingFault(at: number, end: number): number {
  const { bytes } = scratch
  let i = at
  while (i < end) {
    while (i < end && (bytes[i] === COMMA || bytes[i] === SP || bytes[i] === TAB)) i += 1
    const from = i
    while (i < end && TOKEN[bytes[i]!] === 1) i += 1
    if (i === from) return CODING_GRAMMAR
    if (!isWord(from, i, CHUNKED_WORD)) return CODING_UNKNOWN
  }
  return CODING_GRAMMAR
}

/** Empty members of the list are read over (RFC 9110, 5.6.1). */
function judgeConnection(at: number, end: number): number {
  // What most say is looked for first.
  if (isWord(at, end, KEEP_WORD)) {
    facts.connection |= KEEP
    return 0
  }
  const { bytes } = scratch
  let i = at
  while (i < end) {
    const from = i
    while (i < end && TOKEN[bytes[i]!] === 1) i += 1
    if (i > from) facts.connection |= bitOf(from, i)
    while (i < end && (bytes[i] === SP || bytes[i] === TAB)) i += 1
    if (i === end) return 0
    if (bytes[i] !== COMMA) return CONNECTION_GRAMMAR
    i += 1
    while (i < end && (bytes[i] === SP || bytes[i] === TAB)) i += 1
  }
  return 0
}

function bitOf(at: number, end: number): number {
  if (isWord(at, end, KEEP_WORD)) return KEEP
  if (isWord(at, end, CLOSE_WORD)) return CLOSE
  return isWord(at, end, UPGRADE_WORD) ? SWITCH : NOMINATES
}

/**
 * A line no RFC knows and some readers, llhttp among them, take for Connection: whatever may end the connection for
 * them, or turn it into another protocol, ends it for us.
 */
function readProxyConnection(at: number, end: number): void {
  const { bytes } = scratch
  let i = at
  while (i < end) {
    const from = i
    while (i < end && TOKEN[bytes[i]!] === 1) i += 1
    if (i > from && (bitOf(from, i) & (CLOSE | SWITCH)) !== 0) facts.connection |= CLOSE
    i += 1
  }
}

/** Reads `timeout=5` from a list of parameters; the shortest counts. What is not understood says nothing. */
function readKeepAlive(at: number, end: number): void {
  const { bytes } = scratch
  let i = at
  while (i < end) {
    while (i < end && (bytes[i] === COMMA || bytes[i] === SP || bytes[i] === TAB)) i += 1
    const from = i
    while (i < end && TOKEN[bytes[i]!] === 1) i += 1
    if (isWord(from, i, TIMEOUT_WORD) && bytes[i] === 0x3d) {
      let seconds = 0
      const digits = i + 1
      for (i = digits; i < end && bytes[i]! >= 0x30 && bytes[i]! <= 0x39; i += 1) {
        seconds = Math.min(seconds * 10 + (bytes[i]! - 0x30), 1_000_000)
      }
      if (i > digits && (facts.keepAliveSeconds === -1 || seconds < facts.keepAliveSeconds)) {
        facts.keepAliveSeconds = seconds
      }
    }
    while (i < end && bytes[i] !== COMMA) i += 1
  }
}
