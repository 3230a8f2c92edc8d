import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestHead } from '../http1/head.ts'
import { parseRequestHead } from '../http1/request-head.ts'
import { Slab } from '../http1/slab.ts'
import {
  ABSENT,
  findTrace,
  NO_TRACE,
  putServerTiming,
  readTrace,
  SERVER_TIMING_BYTES,
  traceId,
} from './trace.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const VALID = `00-${TRACE}-${PARENT}-01`

/** Reads a value that stands in the middle of other bytes, which must not matter. */
function read(value: string): number {
  const bytes = Buffer.from(`0-${value}-0f`, 'latin1')
  return readTrace(bytes, 2, 2 + value.length)
}

test('a trace of a browser or another service is recognised, with what it says about sampling', () => {
  assert.equal(read(VALID), 1)
  assert.equal(read(`00-${TRACE}-${PARENT}-00`), 0)
  assert.equal(read(`00-${TRACE}-${PARENT}-ff`), 255)
  assert.equal(traceId(Buffer.from(`x${VALID}`), 1), TRACE)
})

test('a version that is not known yet is valid as far as this one knows it', () => {
  assert.equal(read(`01-${TRACE}-${PARENT}-01`), 1)
  assert.equal(read(`cc-${TRACE}-${PARENT}-01-what-the-future-will-bring`), 1)
  assert.equal(read(`cc-${TRACE}-${PARENT}-01-`), 1)
  assert.equal(read(`fe-${TRACE}-${PARENT}-00`), 0)
})

for (const [what, value] of [
  ['nothing', ''],
  ['a version that stands for none', `ff-${TRACE}-${PARENT}-01`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['a parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['capital digits in the trace id', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
  ['capital digits in the parent id', `00-${TRACE}-${PARENT.toUpperCase()}-01`],
  ['capital digits in the version', `0A-${TRACE}-${PARENT}-01`],
  ['capital digits in the flags', `00-${TRACE}-${PARENT}-0A`],
  ['a letter that is no digit', `00-${TRACE.replace('f', 'g')}-${PARENT}-01`],
  ['flags that are no digits', `00-${TRACE}-${PARENT}-0x`],
  ['a short trace id', `00-${TRACE.slice(1)}-${PARENT}-01`],
  ['one digit of flags', `00-${TRACE}-${PARENT}-1`],
  ['no flags', `00-${TRACE}-${PARENT}`],
  ['more than its version has', `00-${TRACE}-${PARENT}-01-more`],
  ['a dash behind its version', `00-${TRACE}-${PARENT}-01-`],
  ['a later version that goes on without a dash', `01-${TRACE}-${PARENT}-01.more`],
  ['two of them in one line', `${VALID}, ${VALID}`],
  ['two of them in one line, of a later version', `01${VALID.slice(2)},01${VALID.slice(2)}`],
  ['a space before it', ` ${VALID}`],
  ['underscores for dashes', VALID.replaceAll('-', '_')],
  ['letters beyond ASCII', `00-${TRACE.slice(1)}\u00e4-${PARENT}-01`],
] as const) {
  test(`${what} is no trace`, () => assert.equal(read(value), NO_TRACE))
}

test('what is a trace is decided as the grammar of the standard decides it', () => {
  const grammar = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/s
  const byStandard = (value: string) =>
    grammar.test(value) && (!value.startsWith('00') || value.length === VALID.length)
  const almost = fc
    .tuple(
      fc.constantFrom(VALID, `01${VALID.slice(2)}`, `${VALID}-x`, `7f${VALID.slice(2)}-x`),
      fc.array(fc.tuple(fc.nat(60), fc.constantFrom(...'0123456789abcdefABCDEFg-_ ,\u00ff', '')), {
        maxLength: 3,
      }),
    )
    .map(([base, edits]) => {
      let value: string = base
      for (const [at, letter] of edits) value = value.slice(0, at) + letter + value.slice(at + 1)
      return value
    })
  fc.assert(
    fc.property(almost, (value) => {
      assert.equal(read(value) !== NO_TRACE, byStandard(value), JSON.stringify(value))
    }),
    { numRuns: 5000 },
  )
})

test('one line says which trace a request belongs to; two of them say nothing', () => {
  const found = (...lines: string[]) => {
    const bytes = Buffer.from(
      `GET / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`,
    )
    const head = new RequestHead()
    const limits = { maxHeadBytes: 16384, maxHeaderLines: 100, maxTargetBytes: 8192 }
    assert.equal(parseRequestHead(bytes, 0, bytes.length, limits, head), bytes.length)
    const at = findTrace(head)
    return at > 0 ? traceId(head.bytes, at) : at
  }
  assert.equal(found('Accept: */*'), ABSENT)
  assert.equal(found(`TraceParent:  ${VALID} `, 'tracestate: a=1'), TRACE)
  assert.equal(found('tracestate: a=1'), ABSENT)
  assert.equal(found('traceparent: made up'), NO_TRACE)
  assert.equal(found('traceparent:'), NO_TRACE)
  assert.equal(found(`traceparent: ${VALID}`, 'X-A: b', `traceparent: ${VALID}`), NO_TRACE)
  assert.equal(found('traceparent: made up', `traceparent: ${VALID}`), NO_TRACE)
  assert.equal(found(`traceparent: ${VALID}`, 'traceparent: made up'), NO_TRACE)
})

function timing(hydraMs: number, upstreamMs: number): string {
  const slab = new Slab(1024)
  slab.begin(SERVER_TIMING_BYTES)
  putServerTiming(slab, hydraMs, upstreamMs)
  const line = slab.end().toString('latin1')
  assert.ok(line.length <= SERVER_TIMING_BYTES)
  return line
}

test('an answer says how long the gateway and the service took', () => {
  assert.equal(timing(0.41, 3.2), 'Server-Timing: hydra;dur=0.41, upstream;dur=3.20\r\n')
  assert.equal(timing(0.005, 0.049), 'Server-Timing: hydra;dur=0.01, upstream;dur=0.05\r\n')
  assert.equal(timing(9.996, 1234.5678), 'Server-Timing: hydra;dur=10.00, upstream;dur=1234.57\r\n')
})

test('an answer of our own says nothing of a service', () => {
  assert.equal(timing(12.05, -1), 'Server-Timing: hydra;dur=12.05\r\n')
})

test('times that can not be are shown as none, and endless ones do not need more room', () => {
  assert.equal(timing(-3, 0), 'Server-Timing: hydra;dur=0.00, upstream;dur=0.00\r\n')
  assert.equal(timing(Number.NaN, Number.NaN), 'Server-Timing: hydra;dur=0.00\r\n')
  assert.equal(
    timing(Number.POSITIVE_INFINITY, 1e300),
    'Server-Timing: hydra;dur=10000000.00, upstream;dur=10000000.00\r\n',
  )
})
