/**
 * For the tests of the codec: heads from text, faults by word, and every way of cutting bytes in two.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { FAULTS } from './faults.ts'
import { type Head, type HeadLimits, RequestHead, ResponseHead } from './head.ts'
import { parseRequestHead } from './request-head.ts'
import { parseResponseHead } from './response-head.ts'

export const LIMITS: HeadLimits = { maxHeadBytes: 16_384, maxHeaderLines: 100, maxTargetBytes: 8192 }

/** What there is to know about a parse, in words: a fault, `incomplete`, or the head and how far it reaches. */
export type Outcome = string

export type Parse = (bytes: Buffer, start: number, end: number, limits: HeadLimits) => Outcome

export const parseRequest: Parse = (bytes, start, end, limits) => {
  const head = new RequestHead()
  return describe(parseRequestHead(bytes, start, end, limits, head), start, head)
}

export const parseResponse: Parse = (bytes, start, end, limits) => {
  const head = new ResponseHead()
  return describe(parseResponseHead(bytes, start, end, limits, head), start, head)
}

function describe(position: number, start: number, head: Head): Outcome {
  if (position === 0) return 'incomplete'
  if (position < 0) return `${FAULTS[-position]!.status} ${FAULTS[-position]!.word}`
  assert.equal(position, head.end)
  const { contentLength, isChunked, connection, minor } = head
  const first =
    head instanceof RequestHead
      ? [head.method, head.target, head.expectsContinue, head.hasUpgrade]
      : [
          (head as ResponseHead).status,
          (head as ResponseHead).reason,
          (head as ResponseHead).keepAliveSeconds,
        ]
  const facts = { first, minor, contentLength, isChunked, connection, lines: head.flat() }
  return `${position - start} ${JSON.stringify(facts)}`
}

/**
 * Parses the bytes whole and says what came of it, after making sure that every prefix either says the same or is
 * incomplete, and that neither what stands before and after them nor where they stand makes a difference.
 */
export function parseEveryCut(parse: Parse, text: string | Buffer, limits: HeadLimits = LIMITS): Outcome {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  const whole = parse(bytes, 0, bytes.length, limits)
  let isDecided = false
  for (let end = 0; end <= bytes.length; end += 1) {
    const alone = Buffer.from(bytes.subarray(0, end))
    const outcome = parse(alone, 0, end, limits)
    assert.equal(parse(bytes, 0, end, limits), outcome, `bytes after position ${end} were looked at`)
    if (isDecided || outcome !== 'incomplete') {
      assert.equal(outcome, whole, `cut at ${end}`)
      isDecided = true
    }
  }
  const moved = Buffer.concat([Buffer.from('\r\nGET'), bytes, Buffer.from('\r\n\r\n')])
  assert.equal(parse(moved, 5, 5 + bytes.length, limits), whole, 'elsewhere in a buffer')
  return whole
}
