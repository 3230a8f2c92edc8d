/**
 * The scanner of one page: the main loop over its states, and text and the names of tags.
 *
 * What a tag does is said in `scanner-elements.ts`; the insides of tags, comments and raw text are read by files of
 * their own. All there is of a page between two chunks is in these objects.
 *
 * @module
 */
import type { ScanHandler, Scanner, ScannerLimits } from './scanner.ts'
import { BANG, endsName, find, GREATER, isLetter, LESS, QUESTION, SLASH } from './scanner-bytes.ts'
import { readComment } from './scanner-comments.ts'
import { Elements } from './scanner-elements.ts'
import { MOST_NAME_BYTES, MOST_WORD_BYTES } from './scanner-names.ts'
import { Output } from './scanner-output.ts'
import { readRaw } from './scanner-raw.ts'
import * as S from './scanner-states.ts'
import { readTag } from './scanner-tag.ts'

export class PageScanner implements Scanner {
  readonly #reading = {
    state: S.DATA,
    matched: 0,
    isSelfClosing: false,
    hasColon: false,
    name: new Uint8Array(MOST_WORD_BYTES),
    nameLength: 0,
    textState: S.RAWTEXT,
    endTagAt: 0,
  }
  readonly #output: Output
  readonly #elements: Elements
  /** The name of a tag as far as earlier chunks had it; one byte more than a name that means something. */
  readonly #name = new Uint8Array(MOST_NAME_BYTES + 1)
  #nameLength = 0

  constructor(handler: ScanHandler, limits: ScannerLimits) {
    this.#output = new Output(handler)
    this.#elements = new Elements(handler, limits, this.#output, this.#reading)
  }

  write(bytes: Uint8Array): void {
    const { length } = bytes
    const reading = this.#reading
    const elements = this.#elements
    this.#output.begin(bytes)
    let i = 0
    while (i < length) {
      if (reading.state <= S.TAG_NAME) i = this.#readData(bytes, i)
      else if (reading.state <= S.SELF_CLOSING) {
        i = readTag(reading, bytes, i)
        if (reading.state === S.DATA && elements.flags !== 0) elements.onTag(i)
      } else if (reading.state < S.RAWTEXT) {
        i = readComment(reading, bytes, i, elements.isForeign)
      } else {
        i = readRaw(reading, bytes, i)
        if (reading.state === S.BEFORE_ATTRIBUTE_NAME) elements.onRawEnd()
      }
    }
    // A name that goes on is bounded by itself.
    if (reading.state > S.TAG_NAME) elements.onPause(length)
    reading.endTagAt -= length
    this.#output.pause()
  }

  end(): void {
    this.#output.release()
    this.#elements.onEnd()
  }

  /** Text, and tags up to the end of their names. */
  #readData(bytes: Uint8Array, from: number): number {
    const { length } = bytes
    const reading = this.#reading
    let i = from
    let { state } = reading
    while (i < length) {
      if (state === S.DATA) {
        i = find(bytes, LESS, i)
        if (i === length) break
        this.#output.hold(i)
        state = S.TAG_OPEN
        i += 1
      } else if (state === S.TAG_NAME) {
        const nameFrom = i
        while (i < length && !endsName(bytes[i]!)) i += 1
        if (i === length || this.#nameLength > 0) {
          this.#keepName(bytes, nameFrom, i)
          if (i === length) break
          this.#elements.onName(this.#name, 0, this.#nameLength, i)
        } else this.#elements.onName(bytes, nameFrom, i, i)
        reading.state = S.BEFORE_ATTRIBUTE_NAME
        return i
      } else {
        const byte = bytes[i]!
        if (isLetter(byte)) {
          this.#elements.isEnd = state === S.END_TAG_OPEN
          this.#nameLength = 0
          reading.isSelfClosing = false
          reading.hasColon = false
          state = S.TAG_NAME
        } else if (byte === SLASH && state === S.TAG_OPEN) {
          state = S.END_TAG_OPEN
          i += 1
        } else {
          this.#output.release()
          if (state === S.TAG_OPEN && byte === BANG) {
            reading.state = S.DECLARATION_OPEN
            return i + 1
          }
          const isComment = state === S.TAG_OPEN ? byte === QUESTION : byte !== GREATER
          reading.state = isComment ? S.BOGUS_COMMENT : S.DATA
          return i
        }
      }
    }
    reading.state = state
    return i
  }

  #keepName(bytes: Uint8Array, from: number, to: number): void {
    const room = this.#name.length - this.#nameLength
    this.#name.set(bytes.subarray(from, Math.min(to, from + room)), this.#nameLength)
    this.#nameLength += Math.min(to - from, room)
    if (this.#nameLength > MOST_NAME_BYTES && this.#output.isHolding) this.#elements.onLongName(to)
  }
}
