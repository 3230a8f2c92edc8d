/**
 * Parses the head of a request, strictly (RFC 9112, 3): what two readers could take for two things is refused.
 *
 * @module
 */
import { ALPHA, AUTHORITY, COLON, CR, LF, SP, TARGET, TOKEN } from './classes.ts'
import {
  BARE_CR,
  BARE_LF,
  HEAD_TOO_LARGE,
  HOST_MISSING,
  METHOD_GRAMMAR,
  METHOD_REFUSED,
  METHOD_UNKNOWN,
  TARGET_GRAMMAR,
  TARGET_TOO_LONG,
  VERSION_GRAMMAR,
} from './faults.ts'
import { facts, REQUEST } from './framing.ts'
import type { RequestHead } from './head.ts'
import { type HeadLimits, INCOMPLETE, scanLines, table } from './lines.ts'
import { LONGEST_METHOD, methodOf, REFUSED_METHODS } from './methods.ts'
import { PARTIAL, readVersion, VERSION_BYTES } from './version.ts'

export { INCOMPLETE } from './lines.ts'

const SLASH = 0x2f
const QUESTION = 0x3f
const STAR = 0x2a

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
  const limit = isWhole ? start + limits.maxHeadBytes : end
  const overrun = isWhole ? HEAD_TOO_LARGE : INCOMPLETE
  let at = start

  // RFC 9112, 2.2: one empty line before a request is read over.
  if (at < limit && bytes[at] === CR) {
    if (at + 1 >= limit) return overrun
    if (bytes[at + 1] !== LF) return BARE_CR
    at += 2
  }

  const methodAt = at
  let hash = 0
  for (;;) {
    if (at >= limit) return overrun
    const byte = bytes[at]!
    if (TOKEN[byte] === 0) break
    if (at - methodAt === LONGEST_METHOD) return METHOD_UNKNOWN
    hash = (Math.imul(hash, 31) + byte) | 0
    at += 1
  }
  if (bytes[at] !== SP || at === methodAt) return METHOD_GRAMMAR
  const method = methodOf(bytes, methodAt, at, hash)
  if (method === '') return METHOD_UNKNOWN
  if (REFUSED_METHODS.has(method)) return METHOD_REFUSED
  at += 1

  const targetAt = at
  const targetLimit = targetAt + limits.maxTargetBytes
  for (;;) {
    if (at >= limit) return isWhole ? TARGET_TOO_LONG : INCOMPLETE
    if (TARGET[bytes[at]!] === 0) break
    if (at >= targetLimit) return TARGET_TOO_LONG
    at += 1
  }
  if (bytes[at] !== SP) return bytes[at] === CR || bytes[at] === LF ? VERSION_GRAMMAR : TARGET_GRAMMAR
  if (!isTarget(bytes, targetAt, at, method)) return TARGET_GRAMMAR
  const targetEnd = at
  at += 1

  const minor = readVersion(bytes, at, limit)
  if (minor < 0) return minor
  if (minor === PARTIAL) return overrun
  at += VERSION_BYTES
  if (at >= limit) return overrun
  if (bytes[at] !== CR) return bytes[at] === LF ? BARE_LF : VERSION_GRAMMAR
  if (at + 1 >= limit) return overrun
  if (bytes[at + 1] !== LF) return BARE_CR
  at += 2

  table.owner = undefined
  facts.reset(minor as 0 | 1)
  const after = scanLines(bytes, at, limit, isWhole, limits.maxHeaderLines, REQUEST)
  if (after <= 0) return after
  if (facts.hosts === 0 && minor === 1) return HOST_MISSING

  head.bytes = bytes
  head.start = start
  head.end = after
  head.linesAt = at
  head.minor = facts.minor
  head.lineCount = table.count
  head.contentLength = facts.contentLength
  head.isChunked = facts.isChunked
  head.connection = facts.connection
  head.method = method
  head.targetAt = targetAt
  head.targetEnd = targetEnd
  head.expectsContinue = facts.expectsContinue
  head.hasUpgrade = facts.hasUpgrade
  table.owner = head
  return after
}

/** RFC 9112, 3.2: a path, an absolute URL, or `*` with OPTIONS. What is in them is judged by whoever routes. */
function isTarget(bytes: Uint8Array, at: number, end: number, method: string): boolean {
  const first = bytes[at]!
  if (first === SLASH) return true
  if (first === STAR) return end - at === 1 && method === 'OPTIONS'
  let i = at
  while (i < end && ALPHA[bytes[i]!] === 1) i += 1
  if (i === at || i + 3 >= end) return false
  if (bytes[i] !== COLON || bytes[i + 1] !== SLASH || bytes[i + 2] !== SLASH) return false
  i += 3
  const authorityAt = i
  while (i < end && AUTHORITY[bytes[i]!] === 1) i += 1
  return i > authorityAt && (i === end || bytes[i] === SLASH || bytes[i] === QUESTION)
}
