/**
 * Decodes chunked bodies as they arrive, strictly (RFC 9112, 7.1).
 *
 * Data stays where it is: a read says where in the given bytes it stands. Only trailer lines are copied.
 *
 * @module
 */
import { COLON, CR, EQUALS, HEX, LF, QUOTED, SEMICOLON, SP, TAB, TOKEN, VALUE } from './classes.ts'
import {
  BARE_CR,
  BARE_LF,
  CHUNK_END,
  CHUNK_EXTENSION,
  CHUNK_EXTENSIONS_TOO_LONG,
  CHUNK_SIZE,
  CHUNK_TOO_LARGE,
  TRAILER_REFUSED,
  TRAILERS_TOO_LARGE,
  VALUE_GRAMMAR,
} from './faults.ts'
import { nameFault } from './lines.ts'
import { isTrailer } from './trailers.ts'

export const MORE = 0
export const DONE = 1

/** 16^13 is the largest power that is counted exactly. */
const MAX_SIZE_DIGITS = 13

/** Of all chunks of a body together. */
const MAX_EXTENSION_BYTES = 16 * 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c

// What is expected next.
const SIZE_FIRST = 0
const SIZE = 1
const EXTENSION_FIRST = 2
const EXTENSION_NAME = 3
const EXTENSION_VALUE = 4
const EXTENSION_TOKEN = 5
const EXTENSION_QUOTED = 6
const EXTENSION_ESCAPED = 7
const EXTENSION_END = 8
const SIZE_LF = 9
const DATA = 10
const DATA_CR = 11
const DATA_LF = 12
const TRAILER_FIRST = 13
const TRAILER_NAME = 14
const TRAILER_BLANK = 15
const TRAILER_VALUE = 16
const TRAILER_LF = 17
const LAST_LF = 18

export interface TrailerLimits {
  readonly maxTrailerBytes: number
  readonly maxTrailerLines: number
}

const NOTHING: Buffer = Buffer.alloc(0)

const USUAL_LIMITS: TrailerLimits = { maxTrailerBytes: 16 * 1024, maxTrailerLines: 100 }

/** One chunked body after another: `reset` before each. */
export class ChunkedReader {
  /** Where the data of the last read stands in the bytes it was given; often empty. */
  dataAt = 0
  dataEnd = 0
  /** MORE, DONE, or a fault of faults.ts. */
  state: number = MORE
  /** The trailer lines so far, each `name: value` and CR LF. */
  trailers = ''

  #limits: TrailerLimits
  #phase = SIZE_FIRST
  /** Data bytes of this chunk that are still to come. */
  #left = 0
  #digits = 0
  #extensionBytes = 0
  #trailerBytes = 0
  #trailerLines = 0
  #name = ''
  /** Value of the present trailer line, its first `#valueLength` bytes: as text it would be a rope of one knot a byte. */
  #value: Buffer = NOTHING
  #valueLength = 0

  constructor(limits: TrailerLimits = USUAL_LIMITS) {
    this.#limits = limits
  }

  reset(): void {
    this.dataAt = 0
    this.dataEnd = 0
    this.state = MORE
    this.trailers = ''
    this.#phase = SIZE_FIRST
    this.#left = 0
    this.#digits = 0
    this.#extensionBytes = 0
    this.#trailerBytes = 0
    this.#trailerLines = 0
    this.#name = ''
    this.#value = NOTHING
    this.#valueLength = 0
  }

  /**
   * Reads bytes[at, end). Stops after each span of data, at `end`, when done and at a fault; returns the position
   * after what was read, and the caller reads on from there while the state is MORE.
   */
  read(bytes: Buffer, at: number, end: number): number {
    this.dataAt = at
    this.dataEnd = at
    if (this.state !== MORE) return at
    let i = at
    while (i < end) {
      if (this.#phase === DATA) return this.#readData(i, end)
      const byte = bytes[i]!
      const outcome = this.#phase < TRAILER_FIRST ? this.#step(byte) : this.#stepTrailer(byte)
      if (outcome < 0) {
        this.state = outcome
        return i
      }
      i += 1
      if (outcome === DONE) {
        this.state = DONE
        break
      }
    }
    this.dataAt = i
    this.dataEnd = i
    return i
  }

  #readData(at: number, end: number): number {
    const taken = Math.min(this.#left, end - at)
    this.#left -= taken
    if (this.#left === 0) this.#phase = DATA_CR
    this.dataAt = at
    this.dataEnd = at + taken
    return at + taken
  }

  /** One byte of what stands between data: returns 0 or a fault. */
  #step(byte: number): number {
    switch (this.#phase) {
      case SIZE_FIRST:
        if (HEX[byte] === 0xff) return byte === LF ? BARE_LF : CHUNK_SIZE
        this.#left = HEX[byte]!
        this.#digits = 1
        this.#phase = SIZE
        return 0
      case SIZE:
        if (HEX[byte] === 0xff) return this.#endSize(byte, CHUNK_SIZE)
        if (this.#digits === MAX_SIZE_DIGITS) return CHUNK_TOO_LARGE
        this.#left = this.#left * 16 + HEX[byte]!
        this.#digits += 1
        return 0
      case SIZE_LF:
        if (byte !== LF) return BARE_CR
        this.#phase = this.#left === 0 ? TRAILER_FIRST : DATA
        return 0
      case DATA_CR:
        if (byte !== CR) return CHUNK_END
        this.#phase = DATA_LF
        return 0
      case DATA_LF:
        if (byte !== LF) return CHUNK_END
        this.#phase = SIZE_FIRST
        return 0
      default:
        if (this.#extensionBytes === MAX_EXTENSION_BYTES) return CHUNK_EXTENSIONS_TOO_LONG
        this.#extensionBytes += 1
        return this.#stepExtension(byte)
    }
  }

  /** `;` name, or `;` name `=` token or quoted string, without blanks anywhere (RFC 9112, 7.1.1). */
  #stepExtension(byte: number): number {
    switch (this.#phase) {
      case EXTENSION_FIRST:
        if (TOKEN[byte] === 0) return CHUNK_EXTENSION
        this.#phase = EXTENSION_NAME
        return 0
      case EXTENSION_NAME:
        if (TOKEN[byte] === 1) return 0
        if (byte !== EQUALS) return this.#endSize(byte, CHUNK_EXTENSION)
        this.#phase = EXTENSION_VALUE
        return 0
      case EXTENSION_VALUE:
        if (byte === QUOTE) this.#phase = EXTENSION_QUOTED
        else if (TOKEN[byte] === 1) this.#phase = EXTENSION_TOKEN
        else return CHUNK_EXTENSION
        return 0
      case EXTENSION_TOKEN:
        return TOKEN[byte] === 1 ? 0 : this.#endSize(byte, CHUNK_EXTENSION)
      case EXTENSION_QUOTED:
        if (byte === QUOTE) this.#phase = EXTENSION_END
        else if (byte === BACKSLASH) this.#phase = EXTENSION_ESCAPED
        else if (QUOTED[byte] === 0) return CHUNK_EXTENSION
        return 0
      case EXTENSION_ESCAPED:
        if (VALUE[byte] === 0) return CHUNK_EXTENSION
        this.#phase = EXTENSION_QUOTED
        return 0
      default:
        return this.#endSize(byte, CHUNK_EXTENSION)
    }
  }

  #endSize(byte: number, otherwise: number): number {
    if (byte === CR) this.#phase = SIZE_LF
    else if (byte === SEMICOLON) this.#phase = EXTENSION_FIRST
    else return byte === LF ? BARE_LF : otherwise
    return 0
  }

  /** One byte of the trailer section: returns MORE, DONE or a fault. */
  #stepTrailer(byte: number): number {
    if (this.#trailerBytes === this.#limits.maxTrailerBytes) return TRAILERS_TOO_LARGE
    this.#trailerBytes += 1
    switch (this.#phase) {
      case TRAILER_FIRST:
        if (byte === CR) {
          this.#phase = LAST_LF
          return 0
        }
        if (TOKEN[byte] === 0) return nameFault(byte, true)
        if (this.#trailerLines === this.#limits.maxTrailerLines) return TRAILERS_TOO_LARGE
        this.#trailerLines += 1
        this.#name = String.fromCharCode(byte)
        this.#valueLength = 0
        this.#phase = TRAILER_NAME
        return 0
      case TRAILER_NAME:
        if (TOKEN[byte] === 1) {
          this.#name += String.fromCharCode(byte)
          return 0
        }
        if (byte !== COLON) return nameFault(byte, false)
        this.#phase = TRAILER_BLANK
        return isTrailer(this.#name) ? 0 : TRAILER_REFUSED
      case TRAILER_BLANK:
        if (byte === SP || byte === TAB) return 0
        this.#phase = TRAILER_VALUE
        return this.#stepValue(byte)
      case TRAILER_VALUE:
        return this.#stepValue(byte)
      case TRAILER_LF:
        if (byte !== LF) return BARE_CR
        this.trailers += `${this.#name}: ${withoutBlanksAfter(this.#value.toString('latin1', 0, this.#valueLength))}\r\n`
        this.#phase = TRAILER_FIRST
        return 0
      default:
        return byte === LF ? DONE : BARE_CR
    }
  }

  #stepValue(byte: number): number {
    if (VALUE[byte] === 1) {
      if (this.#valueLength === this.#value.length) {
        const grown = Buffer.allocUnsafeSlow(Math.max(64, this.#valueLength * 2))
        this.#value.copy(grown)
        this.#value = grown
      }
      this.#value[this.#valueLength] = byte
      this.#valueLength += 1
      return 0
    }
    if (byte !== CR) return byte === LF ? BARE_LF : VALUE_GRAMMAR
    this.#phase = TRAILER_LF
    return 0
  }
}

function withoutBlanksAfter(value: string): string {
  let end = value.length
  while (end > 0 && (value[end - 1] === ' ' || value[end - 1] === '\t')) end -= 1
  return value.slice(0, end)
}
