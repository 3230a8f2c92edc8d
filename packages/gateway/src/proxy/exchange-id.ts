/**
 * Ids of exchanges: `01KAG7Z8-41D0QX7M4K2P`. They sort by time, and no two are alike, on all nodes together.
 *
 * Crockford's base32, so they can be read out on the telephone: 48 bits of time in ms as a ULID has them,
 * then 50 bits that are random at the start of a millisecond and count up inside it.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const HALF = 2 ** 25
/** Every two digits, by their value. */
const PAIRS = Array.from({ length: 1024 }, (_, value) => ALPHABET[value >> 5]! + ALPHABET[value & 31]!)

export interface IdSources {
  /** Epoch ms. */
  readonly now: () => number
  /** A random whole number below 2^25. */
  readonly random25: () => number
}

/** Makes a generator of ids. A clock that goes back does not make it repeat itself. */
export function createExchangeIds({ now, random25 }: IdSources): () => string {
  let lastMs = -1
  let time = ''
  /** Time and the higher half: the same for thousands of ids. */
  let stem = ''
  let high = 0
  let low = 0
  const renew = (ms: number) => {
    lastMs = ms
    const text = base32(ms, 10)
    time = `${text.slice(0, 8)}-${text.slice(8)}`
    high = random25()
    low = random25()
    stem = time + base32(high, 5)
  }
  return () => {
    const ms = now()
    if (ms > lastMs) renew(ms)
    else if (++low === HALF) {
      low = 0
      // Both halves are used up: borrow the next millisecond, so that order and uniqueness hold.
      if (++high === HALF) renew(lastMs + 1)
      else stem = time + base32(high, 5)
    }
    return stem + PAIRS[low >>> 15]! + PAIRS[(low >>> 5) & 1023]! + ALPHABET[low & 31]!
  }
}

function base32(value: number, digits: number): string {
  let text = ''
  let rest = value
  for (let i = 0; i < digits; i++) {
    text = ALPHABET[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** The random half of an id, from the system, fetched for many ids at once. */
export function systemRandom25(): () => number {
  let pool = Buffer.alloc(0)
  let at = 0
  return () => {
    if (at + 4 > pool.length) {
      pool = randomBytes(4096)
      at = 0
    }
    const value = pool.readUInt32BE(at) >>> 7
    at += 4
    return value
  }
}
