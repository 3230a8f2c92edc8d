/**
 * The version of HTTP in a first line (RFC 9112, 2.3).
 *
 * @module
 */
import { VERSION_GRAMMAR, VERSION_UNKNOWN } from './faults.ts'

const PREFIX = Uint8Array.from(Buffer.from('HTTP/'))

/** Bytes of a version: `HTTP/1.1`. */
export const VERSION_BYTES = 8

/** The version is not all there yet. */
export const PARTIAL = 2

/** Reads a version at bytes[at, limit): the minor number, PARTIAL or a fault. */
export function readVersion(bytes: Uint8Array, at: number, limit: number): number {
  for (let i = 0; i < 5; i += 1) {
    if (at + i >= limit) return PARTIAL
    if (bytes[at + i] !== PREFIX[i]) return VERSION_GRAMMAR
  }
  if (at + 5 >= limit) return PARTIAL
  if (!isDigit(bytes[at + 5]!)) return VERSION_GRAMMAR
  if (at + 6 >= limit) return PARTIAL
  if (bytes[at + 6] !== 0x2e) return VERSION_GRAMMAR
  if (at + 7 >= limit) return PARTIAL
  if (!isDigit(bytes[at + 7]!)) return VERSION_GRAMMAR
  const minor = bytes[at + 7]! - 0x30
  return bytes[at + 5] === 0x31 && minor <= 1 ? minor : VERSION_UNKNOWN
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
