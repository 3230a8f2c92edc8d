/**
 * Parses the head of a request, strictly (RFC 9112, 3): what two readers could take for two things is refused.
 *
 * @module
 */
import { ALPHA, AUTHORITY, COLON, CR, LF, SP, TARGET, TOKEN } from './classes.ts'
import {
  BARE_CR,
  BARE_LF,
  CONNECT_REFUSED,
  HEAD_TOO_LARGE,
  HOST_MISSING,
  METHOD_GRAMMAR,
  METHOD_UNKNOWN,
  TARGET_GRAMMAR,
  TARGET_TOO_LONG,
  TRACE_REFUSED,
  VERSION_GRAMMAR,
} from './faults.ts'
import { facts, REQUEST } from './framing.ts'
import type { RequestHead } from './head.ts'
import { type HeadLimits, INCOMPLETE, scanLines, table } from './lines.ts'
import { LONGEST_METHOD, methodOf } from './methods.ts'
import { FEW_BYTES, load, MANY_BYTES, scratch } from './scratch.ts'
import { PARTIAL, readVersion, VERSION_BYTES } from './version.ts'

export { INCOMPLETE } from './lines.ts'

const SLASH = 0x2f
const QUESTION = 0x3f
const STAR = 0x2a

/** What is longer is no method anybody ever named. */
const LONGEST_WORD = 64

/** `GET ` as one number. */
const GET_ = 0x47455420

/**
 * Parses one head in bytes[start, end).
 *
 * > 0: the position after it, and `head` is filled. INCOMPLETE: more bytes are needed; call again with all of them.
 * < 0: a fault of faults.ts, the same however the bytes were cut. `head` is then as it was.
 */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
  head: RequestHead,
): number {
  const isWhole = end - start >= limits.maxHeadBytes
  const length = isWhole ? limits.maxHeadBytes : end - start
  if (length > MANY_BYTES) {
    const after = parse(bytes, start, FEW_BYTES, false, limits, head)
    if (after !== INCOMPLETE) return after
  }
  return parse(bytes, start, length, isWhole, limits, head)
}

function parse(
  source: Buffer,
  start: number,
  length: number,
  isWhole: boolean,
  limits: HeadLimits,
  head: RequestHead,
): number {
  load(source, start, start + length)
  const { bytes, view } = scratch
  const overrun = isWhole ? HEAD_TOO_LARGE : INCOMPLETE
  let at = 0

  let method = 'GET'
  if (view.getInt32(0) === GET_) {
    at = 4
  } else {
    // RFC 9112, 2.2: one empty line before a request is read over.
    if (bytes[0] === CR) {
      if (length === 1) return overrun
      if (bytes[1] !== LF) return BARE_CR
      at = 2
    }
    const methodAt = at
    let hash = 0
    while (TOKEN[bytes[at]!] === 1) {
      if (at - methodAt === LONGEST_WORD) return METHOD_GRAMMAR
      hash = (Math.imul(hash, 31) + bytes[at]!) | 0
      at += 1
    }
    if (at === length) return overrun
    if (bytes[at] !== SP || at === methodAt) return METHOD_GRAMMAR
    method = at - methodAt > LONGEST_METHOD ? '' : methodOf(methodAt, at, hash)
    if (method === 'CONNECT') return CONNECT_REFUSED
    if (method === 'TRACE') return TRACE_REFUSED
    at += 1
  }

  const targetAt = at
  const targetLimit = targetAt + limits.maxTargetBytes
  while (TARGET[bytes[at]!] === 1) {
    if (at === targetLimit) return TARGET_TOO_LONG
    at += 1
  }
  const targetEnd = at
  if (bytes[at] !== SP) {
    if (at === length) return isWhole ? TARGET_TOO_LONG : INCOMPLETE
    return bytes[at] === CR || bytes[at] === LF ? VERSION_GRAMMAR : TARGET_GRAMMAR
  }
  if (bytes[targetAt] !== SLASH && !isOtherTarget(targetAt, targetEnd, method)) return TARGET_GRAMMAR
  at += 1

  const minor = readVersion(at, length)
  if (minor < 0) return minor
  if (minor === PARTIAL) return overrun
  at += VERSION_BYTES
  if (at === length) return overrun
  if (bytes[at] !== CR) return bytes[at] === LF ? BARE_LF : VERSION_GRAMMAR
  at += 1
  if (at === length) return overrun
  if (bytes[at] !== LF) return BARE_CR
  // Said last: what is no request line at all has no method to be unknown.
  if (method === '') return METHOD_UNKNOWN
  at += 1

  table.owner = undefined
  facts.reset(minor as 0 | 1)
  const after = scanLines(at, length, start, isWhole, limits.maxHeaderLines, REQUEST)
  if (after <= 0) return after
  if (facts.hosts === 0 && minor === 1) return HOST_MISSING

  head.bytes = source
  head.start = start
  head.end = start + after
  head.linesAt = start + at
  head.minor = facts.minor
  head.lineCount = table.count
  head.contentLength = facts.contentLength
  head.isChunked = facts.isChunked
  head.connection = facts.connection
  head.method = method
  head.targetAt = start + targetAt
  head.targetEnd = start + targetEnd
  head.expectsContinue = facts.expectsContinue
  head.hasUpgrade = facts.hasUpgrade
  table.owner = head
  return start + after
}

/** RFC 9112, 3.2: what is no path is an absolute URL, or `*` with OPTIONS. Whoever routes judges what is in it. */
function isOtherTarget(at: number, end: number, method: string): boolean {
  const { bytes } = scratch
  if (bytes[at] === STAR) return end - at === 1 && method === 'OPTIONS'
  let i = at
  while (ALPHA[bytes[i]!] === 1) i += 1
  if (i === at || bytes[i] !== COLON || bytes[i + 1] !== SLASH || bytes[i + 2] !== SLASH) return false
  i += 3
  const authorityAt = i
  while (AUTHORITY[bytes[i]!] === 1) i += 1
  return i > authorityAt && (i === end || bytes[i] === SLASH || bytes[i] === QUESTION)
}
