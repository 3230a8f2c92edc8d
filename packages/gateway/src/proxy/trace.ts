/**
 * What joins an exchange to the traces of services and browsers: `traceparent`, which is checked and passed on,
 * and `Server-Timing`, which says where the time went. Both on bytes, without a string or an object.
 *
 * Nothing is made up: a parent of our own that is not sampled would switch the services' own sampling off.
 *
 * @module
 */
import type { Head } from '../http1/head.ts'
import { TRACEPARENT } from '../http1/names.ts'
import type { Slab } from '../http1/slab.ts'
import { constant, putBytes, putInteger } from '../observe/line-bytes.ts'

/** What `readTrace` and `findTrace` return for what is no valid trace. */
export const NO_TRACE = -1
/** What `findTrace` returns for a head that says nothing of a trace. */
export const ABSENT = 0

const DASH = 0x2d
/** `00-` and the 32 digits of the trace id, `-` and 16 of the parent's, `-` and 2 of the flags. */
const TRACE_AT = 3
const TRACE_DIGITS = 32
const PARENT_AT = TRACE_AT + TRACE_DIGITS + 1
const PARENT_DIGITS = 16
const FLAGS_AT = PARENT_AT + PARENT_DIGITS + 1
const LENGTH = FLAGS_AT + 2

/** Value of a lower-case hexadecimal digit; 255 for any other byte. */
const HEX = new Uint8Array(256).fill(255)
for (let value = 0; value < 16; value++) HEX[value.toString(16).charCodeAt(0)] = value

/**
 * Checks a `traceparent` (W3C Trace Context, level 1, 3.2), the trimmed value in bytes[from, to). Returns its
 * flags, 0 to 255 (1 is sampled), or `NO_TRACE` when the value is not valid. A version that is not known yet is
 * valid when what follows its flags begins with `-`, as 3.2.4 wants.
 */
export function readTrace(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from
  if (length < LENGTH) return NO_TRACE
  const version = byteAt(bytes, from)
  // 255 stands for "no version", 256 and more for digits that are none.
  if (version >= 0xff) return NO_TRACE
  if (length > LENGTH && (version === 0 || bytes[from + LENGTH] !== DASH)) return NO_TRACE
  if (bytes[from + TRACE_AT - 1] !== DASH) return NO_TRACE
  if (bytes[from + PARENT_AT - 1] !== DASH) return NO_TRACE
  if (bytes[from + FLAGS_AT - 1] !== DASH) return NO_TRACE
  if (!isId(bytes, from + TRACE_AT, TRACE_DIGITS)) return NO_TRACE
  if (!isId(bytes, from + PARENT_AT, PARENT_DIGITS)) return NO_TRACE
  const flags = byteAt(bytes, from + FLAGS_AT)
  return flags > 0xff ? NO_TRACE : flags
}

/**
 * Where in `head.bytes` the value of its `traceparent` begins; `ABSENT` when it has none, `NO_TRACE` when it is
 * not valid or stands there twice (3.2.5: it must not be passed on then, nor `tracestate`).
 */
export function findTrace(head: Head): number {
  const { count, id, valueAt, valueEnd } = head.lines()
  let at: number = ABSENT
  for (let i = 0; i < count; i++) {
    if (id[i] !== TRACEPARENT) continue
    if (at !== ABSENT) return NO_TRACE
    const from = valueAt[i]!
    at = readTrace(head.bytes, from, valueEnd[i]!) === NO_TRACE ? NO_TRACE : from
  }
  return at
}

/** The trace id of a valid `traceparent` that begins at `from`: 32 digits, for the log. */
export function traceId(bytes: Buffer, from: number): string {
  return bytes.toString('latin1', from + TRACE_AT, from + TRACE_AT + TRACE_DIGITS)
}

/** Only lower-case digits, and one of them not 0. */
function isId(bytes: Uint8Array, from: number, digits: number): boolean {
  let all = 0
  for (let i = from; i < from + digits; i++) {
    const digit = HEX[bytes[i]!]!
    if (digit === 255) return false
    all |= digit
  }
  return all !== 0
}

/** The value of two digits; above 255 when they are none. */
function byteAt(bytes: Uint8Array, at: number): number {
  const high = HEX[bytes[at]!]!
  const low = HEX[bytes[at + 1]!]!
  return high > 15 || low > 15 ? 0x100 : high * 16 + low
}

const HYDRA = constant('Server-Timing: hydra;dur=')
const UPSTREAM = constant(', upstream;dur=')
const ZERO = 0x30
const POINT = 0x2e
const CR = 0x0d
const LF = 0x0a
/** Some hours; what takes longer has no use for hundredths. */
const MOST_MS = 10_000_000

/** Room one line needs at most. */
export const SERVER_TIMING_BYTES: number = HYDRA.length + UPSTREAM.length + 2 * '10000000.00'.length + 2

/** The line is put together here: one copy into the slab costs less than a call for every digit. */
const line = Buffer.alloc(SERVER_TIMING_BYTES)
line.set(HYDRA)

/**
 * Writes `Server-Timing: hydra;dur=0.41, upstream;dur=3.20` with its line end: milliseconds spent here, and
 * waited for the service until its head. Nobody was waited for when `upstreamMs` is negative.
 */
export function putServerTiming(slab: Pick<Slab, 'range'>, hydraMs: number, upstreamMs: number): void {
  let at = putMs(hydraMs, HYDRA.length)
  if (upstreamMs >= 0) at = putMs(upstreamMs, putBytes(line, UPSTREAM, at))
  line[at] = CR
  line[at + 1] = LF
  slab.range(line, 0, at + 2)
}

/** Milliseconds with two decimals. Clocks that went backwards took no time. */
function putMs(ms: number, at: number): number {
  const hundredths = ms > 0 ? Math.round(Math.min(ms, MOST_MS) * 100) : 0
  const whole = (hundredths / 100) | 0
  const rest = hundredths - whole * 100
  const tenths = (rest / 10) | 0
  const end = putInteger(line, whole, at)
  line[end] = POINT
  line[end + 1] = ZERO + tenths
  line[end + 2] = ZERO + rest - tenths * 10
  return end + 3
}
