/**
 * Output: heads and small bodies are put together in one large buffer, region after region, and leave as views.
 *
 * One write per message needs its bytes in one piece; taking that piece from a slab costs a position, not an
 * allocation. Room comes back with `release` when the bytes have left at once; otherwise the slab moves on, and
 * the collector takes a used up one when its last view is gone.
 *
 * @module
 */

/** Shorter texts are written by a loop, which costs less than the call into the runtime. */
const SHORT_TEXT = 64

/** Likewise shorter pieces of bytes. */
const SHORT_RANGE = 24

const BEYOND_LATIN1 = /[^\x00-\xff]/

const NONE: Buffer = Buffer.alloc(0)

export class Slab {
  readonly #size: number
  /** Of the open region, or of the next one. */
  #buffer: Buffer
  /** Where the open region begins. */
  #from = 0
  /** Where the next byte goes. */
  #at = 0
  #isOpen = false
  /** Regions that are open around the open one. */
  #outer: { buffer: Buffer; from: number; at: number }[] = []
  /** What `end` returned last, and may be released. */
  #last: Buffer = NONE

  constructor(size = 64 * 1024) {
    this.#size = size
    this.#buffer = Buffer.allocUnsafeSlow(size)
  }

  /** Opens a region with at least `size` bytes of room. One that is opened within another has its own buffer. */
  begin(size: number): void {
    if (this.#isOpen) {
      this.#outer.push({ buffer: this.#buffer, from: this.#from, at: this.#at })
      this.#open(Buffer.allocUnsafeSlow(Math.max(size, 256)))
    } else if (size > this.#buffer.length - this.#at || this.#buffer.length > this.#size) {
      // A larger buffer than usual was for one region; small ones would keep it for long.
      this.#open(Buffer.allocUnsafeSlow(Math.max(size, this.#size)))
    }
    this.#from = this.#at
    this.#isOpen = true
  }

  /** One byte. */
  byte(value: number): void {
    if (this.#at === this.#buffer.length) this.#grow(1)
    this.#buffer[this.#at] = value
    this.#at += 1
  }

  bytes(src: Buffer): void {
    const { length } = src
    if (length > this.#buffer.length - this.#at) this.#grow(length)
    if (length > SHORT_RANGE) {
      this.#buffer.set(src, this.#at)
      this.#at += length
      return
    }
    const buffer = this.#buffer
    const at = this.#at
    for (let i = 0; i < length; i += 1) buffer[at + i] = src[i]!
    this.#at = at + length
  }

  /** src[from, to). */
  range(src: Buffer, from: number, to: number): void {
    const length = to - from
    if (length > this.#buffer.length - this.#at) this.#grow(length)
    if (length > SHORT_RANGE) {
      src.copy(this.#buffer, this.#at, from, to)
      this.#at += length
      return
    }
    const buffer = this.#buffer
    let at = this.#at
    for (let i = from; i < to; i += 1) {
      buffer[at] = src[i]!
      at += 1
    }
    this.#at = at
  }

  /** Each character one byte; throws a RangeError for characters that are none. */
  latin1(text: string): void {
    const { length } = text
    if (length > this.#buffer.length - this.#at) this.#grow(length)
    const buffer = this.#buffer
    let at = this.#at
    if (length > SHORT_TEXT) {
      if (BEYOND_LATIN1.test(text)) throw beyondLatin1()
      at += buffer.write(text, at, 'latin1')
    } else {
      for (let i = 0; i < length; i += 1) {
        const code = text.charCodeAt(i)
        // Cut to a byte, some letters would be a CR or an LF.
        if (code > 0xff) throw beyondLatin1()
        buffer[at] = code
        at += 1
      }
    }
    this.#at = at
  }

  /** A whole number from 0 in decimal digits. */
  decimal(n: number): void {
    if (n < 10) {
      if (this.#at === this.#buffer.length) this.#grow(1)
      this.#buffer[this.#at] = 0x30 + n
      this.#at += 1
      return
    }
    let digits = 2
    for (let most = 100; n >= most; most *= 10) digits += 1
    if (digits > this.#buffer.length - this.#at) this.#grow(digits)
    const buffer = this.#buffer
    let rest = n
    for (let i = this.#at + digits - 1; i >= this.#at; i -= 1) {
      const higher = Math.floor(rest / 10)
      buffer[i] = 0x30 + (rest - higher * 10)
      rest = higher
    }
    this.#at += digits
  }

  /** A whole number from 0 in lower-case hexadecimal digits. */
  hex(n: number): void {
    let digits = 1
    for (let rest = n; rest >= 16; rest /= 16) digits += 1
    if (digits > this.#buffer.length - this.#at) this.#grow(digits)
    const buffer = this.#buffer
    let rest = n
    for (let i = this.#at + digits - 1; i >= this.#at; i -= 1) {
      const higher = Math.floor(rest / 16)
      const digit = rest - higher * 16
      buffer[i] = digit < 10 ? 0x30 + digit : 0x57 + digit
      rest = higher
    }
    this.#at += digits
  }

  /** Closes the region and returns its bytes, without a copy. */
  end(): Buffer {
    const view = this.#buffer.subarray(this.#from, this.#at)
    const outer = this.#outer.pop()
    if (outer) {
      this.#buffer = outer.buffer
      this.#from = outer.from
      this.#at = outer.at
      this.#last = NONE
    } else {
      this.#isOpen = false
      this.#last = view
    }
    return view
  }

  /**
   * Takes back the room of what `end` returned last, which nobody uses any more. Anything else is left alone: it
   * goes with its slab.
   */
  release(view: Buffer): void {
    if (view !== this.#last || this.#isOpen) return
    this.#last = NONE
    this.#at = this.#from
  }

  #open(buffer: Buffer): void {
    this.#buffer = buffer
    this.#at = 0
  }

  #grow(more: number): void {
    const written = this.#at - this.#from
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#size, (written + more) * 2))
    this.#buffer.copy(grown, 0, this.#from, this.#at)
    this.#buffer = grown
    this.#from = 0
    this.#at = written
  }
}

function beyondLatin1(): RangeError {
  return new RangeError('the text has characters that are no single byte')
}
