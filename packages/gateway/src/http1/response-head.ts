/**
 * Parses the head of an instance's answer, as strictly as a request's (RFC 9112, 4).
 *
 * Which answers have a body at all depends on the request and the status, and is the caller's to know.
 *
 * @module
 */
import { CR, LF, SP, VALUE } from './classes.ts'
import {
  BARE_CR,
  BARE_LF,
  HEAD_TOO_LARGE,
  REASON_GRAMMAR,
  STATUS_GRAMMAR,
  VERSION_GRAMMAR,
} from './faults.ts'
import { facts, RESPONSE } from './framing.ts'
import type { ResponseHead } from './head.ts'
import { type HeadLimits, INCOMPLETE, scanLines, table } from './lines.ts'
import { FEW_BYTES, load, MANY_BYTES, scratch } from './scratch.ts'
import { PARTIAL, readVersion, VERSION_BYTES } from './version.ts'

export { INCOMPLETE } from './lines.ts'

/**
 * Parses one head in bytes[start, end).
 *
 * > 0: the position after it, and `head` is filled. INCOMPLETE: more bytes are needed; call again with all of them.
 * < 0: a fault of faults.ts, the same however the bytes were cut. `head` is then as it was.
 */
export function parseResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: HeadLimits,
  head: ResponseHead,
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
  head: ResponseHead,
): number {
  load(source, start, start + length)
  const { bytes } = scratch
  const overrun = isWhole ? HEAD_TOO_LARGE : INCOMPLETE

  const minor = readVersion(0, length)
  if (minor < 0) return minor
  if (minor === PARTIAL) return overrun
  let at = VERSION_BYTES
  if (at === length) return overrun
  if (bytes[at] !== SP) return VERSION_GRAMMAR
  at += 1

  let status = 0
  for (let i = 0; i < 3; i += 1) {
    if (at === length) return overrun
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9 || (i === 0 && digit === 0)) return STATUS_GRAMMAR
    status = status * 10 + digit
    at += 1
  }

  // The blank is part of the line even without a reason, but many leave out both.
  let reasonAt = at
  if (bytes[at] === SP) {
    reasonAt += 1
    do at += 1
    while (VALUE[bytes[at]!] === 1)
    if (at === length) return overrun
    if (bytes[at] !== CR) return bytes[at] === LF ? BARE_LF : REASON_GRAMMAR
  } else if (bytes[at] !== CR) {
    if (at === length) return overrun
    return bytes[at] === LF ? BARE_LF : STATUS_GRAMMAR
  }
  const reasonEnd = at
  at += 1
  if (at === length) return overrun
  if (bytes[at] !== LF) return BARE_CR
  at += 1

  table.owner = undefined
  facts.reset(minor as 0 | 1)
  const after = scanLines(at, length, start, isWhole, limits.maxHeaderLines, RESPONSE)
  if (after <= 0) return after

  head.bytes = source
  head.start = start
  head.end = start + after
  head.linesAt = start + at
  head.minor = facts.minor
  head.lineCount = table.count
  head.contentLength = facts.contentLength
  head.isChunked = facts.isChunked
  head.connection = facts.connection
  head.status = status
  head.reasonAt = start + reasonAt
  head.reasonEnd = start + reasonEnd
  head.keepAliveSeconds = facts.keepAliveSeconds
  table.owner = head
  return start + after
}
