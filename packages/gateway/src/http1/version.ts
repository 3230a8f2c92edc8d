/**
 * The version of HTTP in a first line (RFC 9112, 2.3).
 *
 * @module
 */
import { VERSION_GRAMMAR, VERSION_UNKNOWN } from './faults.ts'
import { scratch } from './scratch.ts'

const PREFIX = Uint8Array.from(Buffer.from('HTTP/1.'))

/** Bytes of a version: `HTTP/1.1`. */
export const VERSION_BYTES = 8

/** The version is not all there yet. */
export const PARTIAL = 2

/** Reads a version at `at` of the scratch, of which `length` bytes are there: the minor number, PARTIAL or a fault. */
export function readVersion(at: number, length: number): number {
  const { bytes } = scratch
  for (let i = 0; i < 7; i += 1) if (bytes[at + i] !== PREFIX[i]) return readUnknown(at, length)
  const minor = bytes[at + 7]! - 0x30
  return minor === 0 || minor === 1 ? minor : readUnknown(at, length)
}

/** Tells apart what is no version, another version, and the beginning of one. */
function readUnknown(at: number, length: number): number {
  const { bytes } = scratch
  for (let i = 0; i < VERSION_BYTES; i += 1) {
    if (at + i >= length) return PARTIAL
    const byte = bytes[at + i]!
    const isRight = i === 5 || i === 7 ? byte >= 0x30 && byte <= 0x39 : byte === PREFIX[i]
    if (!isRight) return VERSION_GRAMMAR
  }
  return VERSION_UNKNOWN
}
