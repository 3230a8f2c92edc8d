/**
 * The scanner of one page: the main loop, and what each tag does.
 *
 * Names decide: a tag that means nothing here is text as soon as its name is known, and only its quotes are still
 * looked at.
 *
 * @module
 */
import type { ScanHandler, Scanner, ScannerLimits } from './scanner.ts'
import { isAttributesScript, isHtmlAnnotation, isStyledFont } from './scanner-attributes.ts'
import { BANG, endsName, find, GREATER, isLetter, LESS, LOWER, QUESTION, SLASH } from './scanner-bytes.ts'
import { readComment } from './scanner-comments.ts'
import * as N from './scanner-names.ts'
import { Namespaces } from './scanner-namespaces.ts'
import { OpenFragments } from './scanner-open.ts'
import { Output } from './scanner-output.ts'
import { type RawReading, readRaw } from './scanner-raw.ts'
import * as S from './scanner-states.ts'
import { readTag, type TagReading } from './scanner-tag.ts'

/** A scanner is one object whose state is all there is of a page between two chunks. */
export class PageScanner implements Scanner {
  readonly #handler: ScanHandler
  readonly #mostBytes: number
  readonly #onOversize: NonNullable<ScannerLimits['onOversize']>
  readonly #output: Output
  readonly #open: OpenFragments
  readonly #namespaces = new Namespaces()
  #templates = 0
  #hasHeadEnded = false
  #hasBodyEnded = false

  readonly #reading: RawReading & TagReading = {
    state: S.DATA,
    matched: 0,
    isSelfClosing: false,
    name: new Uint8Array(N.MOST_WORD_BYTES),
    nameLength: 0,
    textState: S.RAWTEXT,
    endTagAt: 0,
  }
  /** Of the element whose content is raw. */
  #rawFlags = 0

  // The tag that is being read.
  #isEnd = false
  #flags = 0
  /** All of it must be there before it can be said what it is. */
  #isWanted = false
  /** What its attributes say, where they were looked at. */
  #isDeciding = false
  #prefix = ''
  /** Its name as far as earlier chunks had it. */
  readonly #name = new Uint8Array(N.MOST_NAME_BYTES + 1)
  #nameLength = 0

  /** Where the content of the attributes script begins that is being read; -1 for none. */
  #attributesAt = -1

  constructor(handler: ScanHandler, limits: ScannerLimits) {
    this.#handler = handler
    this.#mostBytes = limits.maxTagBytes ?? 65_536
    this.#onOversize = limits.onOversize ?? (() => {})
    this.#open = new OpenFragments(limits.maxDepth ?? 1024)
    this.#output = new Output(handler)
  }

  write(bytes: Uint8Array): void {
    const { length } = bytes
    const reading = this.#reading
    this.#output.begin(bytes)
    let i = 0
    while (i < length) {
      if (reading.state <= S.TAG_NAME) i = this.#readData(bytes, i)
      else if (reading.state <= S.SELF_CLOSING) {
        i = readTag(reading, bytes, i)
        if (reading.state === S.DATA && this.#flags !== 0) this.#onTag(i)
      } else if (reading.state < S.RAWTEXT) {
        i = readComment(reading, bytes, i, this.#namespaces.isForeign)
      } else {
        i = readRaw(reading, bytes, i)
        if (reading.state === S.BEFORE_ATTRIBUTE_NAME) this.#beginRawEnd()
      }
    }
    if (this.#output.isHolding && reading.state > S.TAG_NAME && this.#isTooLong(length)) this.#giveUp(length)
    reading.endTagAt -= length
    this.#output.pause()
  }

  end(): void {
    this.#output.release()
    this.#endBody()
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
          this.#onName(this.#name, 0, this.#nameLength, i)
        } else this.#onName(bytes, nameFrom, i, i)
        reading.state = S.BEFORE_ATTRIBUTE_NAME
        return i
      } else {
        const byte = bytes[i]!
        if (isLetter(byte)) {
          this.#isEnd = state === S.END_TAG_OPEN
          this.#nameLength = 0
          reading.isSelfClosing = false
          state = S.TAG_NAME
          continue
        }
        if (byte === SLASH && state === S.TAG_OPEN) {
          state = S.END_TAG_OPEN
          i += 1
          continue
        }
        this.#output.release()
        if (state === S.END_TAG_OPEN) {
          if (byte !== GREATER) reading.state = S.BOGUS_COMMENT
          else reading.state = S.DATA
        } else if (byte === BANG) reading.state = S.DECLARATION_OPEN
        else reading.state = byte === QUESTION ? S.BOGUS_COMMENT : S.DATA
        return byte === BANG && state === S.TAG_OPEN ? i + 1 : i
      }
    }
    reading.state = state
    return i
  }

  #keepName(bytes: Uint8Array, from: number, to: number): void {
    const room = this.#name.length - this.#nameLength
    this.#name.set(bytes.subarray(from, Math.min(to, from + room)), this.#nameLength)
    this.#nameLength += Math.min(to - from, room)
    if (this.#nameLength <= N.MOST_NAME_BYTES || !this.#output.isHolding) return
    // Longer than any name that means something.
    if (!this.#hasHeadEnded) this.#announce(0, to)
    this.#output.release()
  }

  /** The name of a tag has ended before `index`: decides whether the tag is text. */
  #onName(bytes: Uint8Array, from: number, to: number, index: number): void {
    let flags = N.lookUpName(bytes, from, to)
    this.#isWanted = false
    this.#isDeciding = false
    if ((flags & N.FRAGMENT) !== 0) {
      this.#prefix = N.prefixOf(bytes, from)
      this.#isWanted = true
      if (this.#isEnd) {
        const closing = this.#open.closing(this.#prefix)
        if (closing === 'text') this.#open.close()
        if (closing === 'nothing') this.#handler.onStrayEnd?.(this.#output.heldAt)
        if (closing !== 'fragment') {
          flags = 0
          this.#isWanted = false
        }
      }
    } else if (!this.#hasBodyEnded && (flags !== 0 || !this.#hasHeadEnded)) this.#announce(flags, index)
    this.#flags = flags
    if (flags !== 0 && !this.#isWanted) {
      this.#isWanted =
        (flags & N.SCRIPT) !== 0 && !this.#isEnd
          ? !this.#namespaces.isForeign
          : this.#namespaces.needsAttributes(flags, this.#isEnd)
      if ((flags & (N.RAW | N.SCRIPT)) !== 0 && !this.#isEnd) {
        this.#reading.nameLength = to - from
        for (let i = from; i < to; i += 1) this.#reading.name[i - from] = LOWER[bytes[i]!]!
      }
    }
    if (!this.#isWanted) this.#output.release()
  }

  /** Says where head and body end, in the page itself only: not where a fallback, a template or a drawing has such tags. */
  #announce(flags: number, index: number): void {
    if (!this.#namespaces.isOrdinary || this.#templates > 0 || this.#open.count > 0) return
    const isBodyEnd = this.#isEnd && (flags & N.BODY) !== 0
    const isHeadEnd = this.#isEnd ? isBodyEnd || (flags & N.HEAD) !== 0 : (flags & N.IN_HEAD) === 0
    if (!isHeadEnd || (this.#hasHeadEnded && !isBodyEnd)) return
    this.#output.flush(index)
    if (isBodyEnd) this.#endBody()
    else this.#endHead()
  }

  #endHead(): void {
    if (this.#hasHeadEnded) return
    this.#hasHeadEnded = true
    this.#handler.onHeadEnd()
  }

  #endBody(): void {
    this.#endHead()
    if (this.#hasBodyEnded) return
    this.#hasBodyEnded = true
    this.#handler.onBodyEnd()
  }

  /** The content of a raw element is over: its end tag's attributes follow. */
  #beginRawEnd(): void {
    this.#isEnd = true
    this.#flags = this.#rawFlags
    this.#isWanted = false
    this.#isDeciding = false
    this.#reading.isSelfClosing = false
  }

  /** A tag that means something has ended before `index`. */
  #onTag(index: number): void {
    if (this.#isWanted && this.#isTooLong(index)) this.#giveUp(index)
    if ((this.#flags & N.FRAGMENT) !== 0) {
      if (this.#isEnd) this.#onFragmentEnd(index)
      else this.#onFragmentStart(index)
      return
    }
    if (this.#isWanted) this.#decide(index)
    if (this.#isEnd) this.#onEndTag(index)
    else this.#onStartTag(index)
  }

  #onStartTag(index: number): void {
    const flags = this.#flags
    const { isForeign } = this.#namespaces
    this.#namespaces.onStart(flags, this.#reading.isSelfClosing, this.#isDeciding)
    if (isForeign) {
      this.#output.release()
      return
    }
    if ((flags & N.SCRIPT) !== 0 && this.#isDeciding) this.#attributesAt = this.#output.placeOf(index)
    else this.#output.release()
    if ((flags & N.TEMPLATE) !== 0) this.#templates += 1
    this.#rawFlags = flags
    if ((flags & N.RAW) !== 0) this.#reading.state = S.RAWTEXT
    else if ((flags & N.SCRIPT) !== 0) this.#reading.state = S.SCRIPT_DATA
    else if ((flags & N.PLAINTEXT) !== 0) this.#reading.state = S.PLAIN
  }

  #onEndTag(index: number): void {
    if (this.#attributesAt >= 0) this.#onAttributes(index)
    this.#output.release()
    if ((this.#flags & N.TEMPLATE) !== 0 && this.#templates > 0 && !this.#namespaces.isForeign) {
      this.#templates -= 1
    }
    this.#namespaces.onEnd(this.#flags, this.#isDeciding)
  }

  #onFragmentStart(index: number): void {
    const { isSelfClosing } = this.#reading
    const { heldAt } = this.#output
    if (this.#isWanted && !isSelfClosing && this.#open.isFull) {
      this.#output.flush(index)
      this.#onOversize('depth', heldAt)
      this.#output.release()
      this.#isWanted = false
    }
    if (!this.#isWanted) {
      if (!isSelfClosing) this.#open.openText(this.#prefix)
      return
    }
    if (!isSelfClosing) this.#open.open(this.#prefix)
    this.#output.flush(index)
    const { bytes, from, to } = this.#output.gather(index)
    this.#output.drop(index)
    this.#handler.onFragmentStart(bytes, from, to, isSelfClosing, heldAt)
  }

  #onFragmentEnd(index: number): void {
    if (!this.#isWanted) return
    const { heldAt } = this.#output
    this.#open.close()
    this.#output.flush(index)
    const { bytes, from, to } = this.#output.gather(index)
    this.#output.drop(index)
    this.#handler.onFragmentEnd(bytes, from, to, heldAt)
  }

  #onAttributes(index: number): void {
    const { heldAt } = this.#output
    if (this.#isTooLong(index)) {
      this.#giveUp(index)
      return
    }
    const contentFrom = this.#attributesAt - heldAt
    const contentTo = this.#output.placeOf(this.#reading.endTagAt) - heldAt
    this.#attributesAt = -1
    this.#output.flush(index)
    const { bytes, from } = this.#output.gather(index)
    this.#output.drop(index)
    this.#handler.onAttributes(bytes.subarray(from + contentFrom, from + contentTo), heldAt)
  }

  #isTooLong(index: number): boolean {
    return this.#output.placeOf(index) - this.#output.heldAt > this.#mostBytes
  }

  /** What is held is longer than it may be: it goes as text, and is still read as the tag it is. */
  #giveUp(index: number): void {
    const { heldAt } = this.#output
    this.#output.flush(index)
    if ((this.#flags & N.FRAGMENT) !== 0) this.#onOversize('tag', heldAt)
    else if (this.#attributesAt >= 0) this.#onOversize('attributes', heldAt)
    else {
      this.#decide(index)
      if ((this.#flags & N.SCRIPT) !== 0 && this.#isDeciding) this.#onOversize('attributes', heldAt)
      if ((this.#flags & N.SCRIPT) !== 0) this.#isDeciding = false
    }
    this.#attributesAt = -1
    this.#isWanted = false
    this.#output.release()
  }

  /** Looks at the attributes, of a tag that is too long as far as the limit. */
  #decide(index: number): void {
    const gathered = this.#output.gather(index)
    const { bytes, from } = gathered
    const to = Math.min(gathered.to, from + this.#mostBytes)
    if ((this.#flags & N.SCRIPT) !== 0) this.#isDeciding = isAttributesScript(bytes, from, to)
    else if ((this.#flags & N.FONT) !== 0) this.#isDeciding = isStyledFont(bytes, from, to)
    else this.#isDeciding = isHtmlAnnotation(bytes, from, to)
  }
}
