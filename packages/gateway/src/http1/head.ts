/**
 * Heads of messages: what a parser found out, and where in the received bytes the rest stands.
 *
 * A head is made once per connection and filled again and again. Names and values are read from the bytes when
 * asked for; the bytes must still be there then.
 *
 * @module
 */
import { LOWER } from './classes.ts'
import { AGAIN } from './framing.ts'
import { type LineTable, scanLines, table } from './lines.ts'
import { load } from './scratch.ts'

export { CLOSE, KEEP, NOMINATES, SWITCH } from './framing.ts'
export type { HeadLimits, LineTable } from './lines.ts'

const NO_BYTES: Buffer = Buffer.alloc(0)

/** `latin1Slice` of Buffer, which the types leave out: `toString` with fewer questions asked. */
interface Slices {
  latin1Slice(from: number, to: number): string
}

/** bytes[from, to) as text, each byte a character. */
export function latin1(bytes: Buffer, from: number, to: number): string {
  return from === to ? '' : (bytes as unknown as Slices).latin1Slice(from, to)
}

/** What heads of requests and answers have in common. Positions are those of `bytes`. */
export abstract class Head {
  bytes: Buffer = NO_BYTES
  start = 0
  /** After the empty line. */
  end = 0
  /** Of the first header line. */
  linesAt = 0
  minor: 0 | 1 = 1
  lineCount = 0
  /** Of Content-Length, -1 without one. */
  contentLength = -1
  isChunked = false
  /** Bits of what Connection says: CLOSE, KEEP, SWITCH, NOMINATES. */
  connection = 0

  /**
   * The shared table with the lines of this head, which are read again when another head used it since. Valid
   * until another head is parsed.
   */
  lines(): LineTable {
    if (table.owner !== this) {
      table.owner = undefined
      table.count = 0
      if (this.end === 0) return table
      const length = this.end - this.linesAt
      load(this.bytes, this.linesAt, this.end)
      if (scanLines(0, length, this.linesAt, true, this.lineCount, AGAIN) !== length)
        throw new Error('the bytes of a parsed head have changed')
      table.owner = this
    }
    return table
  }

  /** Lets go of the bytes, and of all lines. */
  forget(): void {
    if (table.owner === this) table.owner = undefined
    this.bytes = NO_BYTES
    this.start = 0
    this.end = 0
    this.linesAt = 0
    this.lineCount = 0
  }

  /** The value of the first line of a name given in lower case. */
  get(name: string): string | undefined {
    const lines = this.lines()
    for (let i = 0; i < lines.count; i += 1) if (this.#isNamed(lines, i, name)) return this.#value(lines, i)
    return undefined
  }

  /** The values of all lines of a name given in lower case. */
  all(name: string): string[] {
    const lines = this.lines()
    const values: string[] = []
    for (let i = 0; i < lines.count; i += 1) {
      if (this.#isNamed(lines, i, name)) values.push(this.#value(lines, i))
    }
    return values
  }

  /** `name, value, name, value, …` as written. */
  flat(): string[] {
    const lines = this.lines()
    const flat: string[] = []
    for (let i = 0; i < lines.count; i += 1) {
      flat.push(this.#name(lines, i), this.#value(lines, i))
    }
    return flat
  }

  /** Index of the first line with this id of names.ts, or -1. */
  find(id: number): number {
    const { id: ids, count } = this.lines()
    for (let i = 0; i < count; i += 1) if (ids[i] === id) return i
    return -1
  }

  /** The name of line `i`, as written. */
  name(i: number): string {
    return this.#name(this.lines(), i)
  }

  /** The value of line `i`, without the blanks around it. */
  value(i: number): string {
    return this.#value(this.lines(), i)
  }

  #name(lines: LineTable, i: number): string {
    return latin1(this.bytes, lines.nameAt[i]!, lines.nameEnd[i]!)
  }

  #value(lines: LineTable, i: number): string {
    return latin1(this.bytes, lines.valueAt[i]!, lines.valueEnd[i]!)
  }

  #isNamed(lines: LineTable, i: number, name: string): boolean {
    const at = lines.nameAt[i]!
    const { length } = name
    if (lines.nameEnd[i]! - at !== length) return false
    const { bytes } = this
    for (let j = 0; j < length; j += 1) {
      const byte = bytes[at + j]!
      // `_` has no lower case in the table, and is itself.
      if ((LOWER[byte] || byte) !== name.charCodeAt(j)) return false
    }
    return true
  }
}

/** The head of a request. */
export class RequestHead extends Head {
  /** One of METHODS, the very string. */
  method = ''
  targetAt = 0
  targetEnd = 0
  /** Expect: 100-continue. */
  expectsContinue = false
  /** An Upgrade line is there. */
  hasUpgrade = false

  /** The target as written. */
  get target(): string {
    return latin1(this.bytes, this.targetAt, this.targetEnd)
  }
}

/** The head of an answer. */
export class ResponseHead extends Head {
  /** 100 to 999. */
  status = 0
  reasonAt = 0
  reasonEnd = 0
  /** Of Keep-Alive: timeout, -1 without one. */
  keepAliveSeconds = -1

  /** The reason as written, often ''. */
  get reason(): string {
    return latin1(this.bytes, this.reasonAt, this.reasonEnd)
  }
}
