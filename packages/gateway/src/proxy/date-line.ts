/**
 * The `Date` of our own answers (RFC 9110, 6.6.1), made once a second.
 *
 * @module
 */
let second = -1
let line: Buffer = Buffer.alloc(0)

/** `Date: Sat, 21 Nov 2026 00:00:00 GMT` with its line end. */
export function dateLine(now: number = Date.now()): Buffer {
  const present = Math.floor(now / 1000)
  if (present !== second) {
    second = present
    line = Buffer.from(`Date: ${new Date(present * 1000).toUTCString()}\r\n`)
  }
  return line
}
