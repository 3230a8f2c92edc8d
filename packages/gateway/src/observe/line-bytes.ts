/**
 * Text of log lines, as bytes straight into a buffer: constants, JSON strings and numbers, without a string made
 * on the way. Each function writes at a position and returns the position behind what it wrote; the caller has
 * made room.
 *
 * Lines joined as strings cost about the same CPU and 30 to 80 MB more memory, because each lives until its batch
 * is written.
 *
 * @module
 */

/** What may stand in a JSON string as it is, and is one byte: printable ASCII without `"` and `\`. */
const PLAIN = new Uint8Array(65536)
for (let code = 0x20; code < 0x7f; code++) PLAIN[code] = 1
PLAIN[0x22] = 0
PLAIN[0x5c] = 0

const ZERO = 0x30
const DOT = 0x2e

/** Most bytes one UTF-16 unit can become in a JSON string: `\u001f`. */
export const MOST_BYTES_PER_UNIT = 6

/** Bytes of a constant, for `putBytes`. */
export function constant(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}

/** Copies a constant. A loop is quicker than `set` up to some twenty bytes. */
export function putBytes(target: Buffer, source: Uint8Array, at: number): number {
  const { length } = source
  if (length > 24) target.set(source, at)
  else for (let i = 0; i < length; i++) target[at + i] = source[i]!
  return at + length
}

/** Writes what stands between the quotes of a JSON string. */
export function putText(target: Buffer, text: string, at: number): number {
  const { length } = text
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (PLAIN[code] === 0) return putEscaped(target, text, at)
    target[at + i] = code
  }
  return at + length
}

function putEscaped(target: Buffer, text: string, at: number): number {
  return at + target.write(JSON.stringify(text).slice(1, -1), at, 'utf8')
}

/** Writes a whole number that is not negative. */
export function putInteger(target: Buffer, value: number, at: number): number {
  if (value < 10) {
    target[at] = ZERO + value
    return at + 1
  }
  if (value >= 2 ** 30) return at + target.write(String(value), at, 'latin1')
  let end = at + 1
  for (let left = value; left >= 10; left = (left / 10) | 0) end++
  let rest = value
  for (let digitAt = end - 1; digitAt >= at; digitAt--) {
    const tens = (rest / 10) | 0
    target[digitAt] = ZERO + rest - tens * 10
    rest = tens
  }
  return end
}

/** Writes a number rounded to hundredths, as JSON does: `12`, `12.3`, `12.34`. What is no such number is 0. */
export function putHundredths(target: Buffer, value: number, at: number): number {
  const hundredths = value > 0 && value < 2 ** 46 ? Math.round(value * 100) : 0
  const whole = Math.floor(hundredths / 100)
  const rest = hundredths - whole * 100
  let end = putInteger(target, whole, at)
  if (rest === 0) return end
  const tenths = (rest / 10) | 0
  target[end++] = DOT
  target[end++] = ZERO + tenths
  if (rest > tenths * 10) target[end++] = ZERO + rest - tenths * 10
  return end
}

/** Writes the three digits of the milliseconds of a time. */
export function putMilliseconds(target: Uint8Array, ms: number, at: number): void {
  const hundreds = (ms / 100) | 0
  const tens = ((ms - hundreds * 100) / 10) | 0
  target[at] = ZERO + hundreds
  target[at + 1] = ZERO + tens
  target[at + 2] = ZERO + ms - hundreds * 100 - tens * 10
}
