/**
 * What each tag does: which are told of, which change how the page is read, which say where head and body end.
 *
 * The name decides: a tag that means nothing is let go as soon as its name is known, and nobody looks at it again.
 *
 * @module
 */
import type { ScanHandler, ScannerLimits } from './scanner.ts'
import { isAttributesScript, isHtmlAnnotation, isLink, isStyledFont } from './scanner-attributes.ts'
import { LOWER } from './scanner-bytes.ts'
import * as N from './scanner-names.ts'
import { Namespaces } from './scanner-namespaces.ts'
import { OpenTags } from './scanner-open.ts'
import type { Output } from './scanner-output.ts'
import type { RawReading } from './scanner-raw.ts'
import * as S from './scanner-states.ts'
import type { TagReading } from './scanner-tag.ts'

/** No attributes script is being read. */
const NONE = -1

/** Tags of ours that hold what is shown in their place. */
const OURS = N.FRAGMENT | N.MENU

export class Elements {
  /** The tag that is being read: whether it is an end tag, which the main loop says. */
  isEnd = false
  /** What its name means; 0 for nothing, or nothing any more. */
  flags = 0
  /** All of it must be there before it can be said what it is. */
  #isWanted = false
  /** What its attributes say, where they were looked at. */
  #isDeciding = false
  #prefix = ''

  /** What names mean to this handler. */
  readonly #meaning: number
  readonly #handler: ScanHandler
  readonly #mostBytes: number
  readonly #onOversize: NonNullable<ScannerLimits['onOversize']>
  readonly #output: Output
  readonly #reading: RawReading & TagReading
  readonly #open: OpenTags
  readonly #namespaces = new Namespaces()
  #templates = 0
  #hasHeadEnded = false
  #hasBodyEnded = false
  /** Of the element whose content is raw. */
  #rawFlags = 0
  /** Where in the page the content of the attributes script begins that is being read. */
  #attributesAt = NONE

  constructor(handler: ScanHandler, limits: ScannerLimits, output: Output, reading: RawReading & TagReading) {
    this.#handler = handler
    this.#meaning = ~((handler.onMenuStart ? 0 : N.MENU) | (handler.onLink ? 0 : N.LINK))
    this.#mostBytes = limits.maxTagBytes ?? 65_536
    this.#onOversize = limits.onOversize ?? (() => {})
    this.#output = output
    this.#reading = reading
    this.#open = new OpenTags(limits.maxDepth ?? 1024)
  }

  get #isMenu(): boolean {
    return (this.flags & N.MENU) !== 0
  }

  get isForeign(): boolean {
    return this.#namespaces.isForeign
  }

  /** The name of a tag has ended before `index`: decides whether the tag is text. */
  onName(bytes: Uint8Array, from: number, to: number, index: number): void {
    const flags = N.lookUpName(bytes, from, to) & this.#meaning
    this.flags = flags
    this.#isDeciding = false
    if ((flags & OURS) !== 0) {
      this.#prefix = N.prefixOf(bytes, from)
      this.#isWanted = !this.isEnd || this.#isClosing(index)
      if (!this.#isWanted) this.flags = 0
    } else if (flags === N.LINK) {
      if (!this.#hasHeadEnded) this.#announce(flags, index)
      this.#isWanted = !this.isEnd
      if (this.isEnd) this.flags = 0
    } else {
      if (flags !== 0 || !this.#hasHeadEnded) this.#announce(flags, index)
      this.#isWanted = flags !== 0 && this.#needsAttributes(flags)
      if ((flags & (N.RAW | N.SCRIPT)) !== 0 && !this.isEnd) {
        this.#reading.nameLength = to - from
        for (let i = from; i < to; i += 1) this.#reading.name[i - from] = LOWER[bytes[i]!]!
      }
    }
    if (!this.#isWanted) this.#output.release()
  }

  /** The name is longer than any that means something, and goes on at `index`. */
  onLongName(index: number): void {
    if (!this.#hasHeadEnded) this.#announce(0, index)
    this.#output.release()
  }

  /** The content of a raw element is over: the rest of its end tag follows. */
  onRawEnd(): void {
    this.isEnd = true
    this.flags = this.#rawFlags
    this.#isWanted = false
    this.#isDeciding = false
  }

  /** A tag that means something has ended before `index`. */
  onTag(index: number): void {
    if (this.#isWanted && this.#isTooLong(index)) this.#giveUp(index)
    if (this.flags === N.LINK) {
      if (this.#isWanted) this.#onLink(index)
      return
    }
    if ((this.flags & OURS) !== 0) {
      if (this.isEnd) this.#onOurEnd(index)
      else this.#onOurStart(index)
      return
    }
    if (this.#isWanted) this.#decide(index)
    if (this.isEnd) this.#onEndTag(index)
    else this.#onStartTag(index)
  }

  /** The chunk ends at `index`, inside a tag or behind it. */
  onPause(index: number): void {
    if (this.#output.isHolding && this.#isTooLong(index)) this.#giveUp(index)
  }

  /** The page is over. */
  onEnd(): void {
    this.#endBody()
  }

  #isClosing(index: number): boolean {
    const closing = this.#open.closing(this.#prefix, this.#isMenu)
    if (closing === 'text') this.#open.close()
    if (closing === 'nothing' && this.#handler.onStrayEnd !== undefined) {
      this.#output.flush(index)
      this.#handler.onStrayEnd(this.#output.heldAt)
    }
    return closing === 'one'
  }

  #needsAttributes(flags: number): boolean {
    if ((flags & N.SCRIPT) !== 0 && !this.isEnd) return !this.#namespaces.isForeign
    return this.#namespaces.needsAttributes(flags, this.isEnd)
  }

  /** Head and body end in the page itself only: not in a fallback, a template or a drawing that has such tags. */
  #announce(flags: number, index: number): void {
    if (!this.#namespaces.isOrdinary || this.#templates > 0 || this.#open.count > 0) return
    if (this.isEnd && (flags & N.BODY) !== 0) {
      if (this.#hasBodyEnded) return
      this.#output.flush(index)
      this.#endBody()
    } else if (this.isEnd ? (flags & N.HEAD) !== 0 : (flags & N.IN_HEAD) === 0) {
      if (this.#hasHeadEnded) return
      this.#output.flush(index)
      this.#endHead()
    }
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

  #onStartTag(index: number): void {
    const { flags } = this
    const { isForeign } = this.#namespaces
    this.#namespaces.onStart(flags, this.#reading.isSelfClosing, this.#isDeciding)
    const isAttributes = !isForeign && (flags & N.SCRIPT) !== 0 && this.#isDeciding
    if (isAttributes) this.#attributesAt = this.#output.placeOf(index)
    else this.#output.release()
    if (isForeign) return
    this.#rawFlags = flags
    if ((flags & N.TEMPLATE) !== 0) this.#templates += 1
    else if ((flags & N.RAW) !== 0) this.#reading.state = S.RAWTEXT
    else if ((flags & N.SCRIPT) !== 0) this.#reading.state = S.SCRIPT_DATA
    else if ((flags & N.PLAINTEXT) !== 0) this.#reading.state = S.PLAIN
  }

  #onEndTag(index: number): void {
    if (this.#attributesAt !== NONE) this.#onAttributes(index)
    this.#output.release()
    if ((this.flags & N.TEMPLATE) !== 0 && this.#templates > 0 && !this.#namespaces.isForeign) {
      this.#templates -= 1
    }
    this.#namespaces.onEnd(this.flags, this.#isDeciding)
  }

  #onLink(index: number): void {
    if (this.#reading.hasColon) this.#decide(index)
    if (!this.#isDeciding) {
      this.#output.release()
      return
    }
    const { heldAt } = this.#output
    const { bytes, from, to } = this.#take(index)
    this.#handler.onLink!(bytes, from, to, heldAt)
  }

  #onOurStart(index: number): void {
    const { isSelfClosing } = this.#reading
    const { heldAt } = this.#output
    if (this.#isWanted && !isSelfClosing && this.#open.isFull) {
      this.#output.flush(index)
      this.#onOversize('depth', heldAt)
      this.#output.release()
      this.#isWanted = false
    }
    if (!this.#isWanted) {
      if (!isSelfClosing) this.#open.openText(this.#prefix, this.#isMenu)
      return
    }
    if (!isSelfClosing) this.#open.open(this.#prefix, this.#isMenu)
    const { bytes, from, to } = this.#take(index)
    if (this.#isMenu) this.#handler.onMenuStart!(bytes, from, to, isSelfClosing, heldAt)
    else this.#handler.onFragmentStart(bytes, from, to, isSelfClosing, heldAt)
  }

  #onOurEnd(index: number): void {
    if (!this.#isWanted) return
    const { heldAt } = this.#output
    this.#open.close()
    const { bytes, from, to } = this.#take(index)
    if (this.#isMenu) this.#handler.onMenuEnd?.(bytes, from, to, heldAt)
    else this.#handler.onFragmentEnd(bytes, from, to, heldAt)
  }

  #onAttributes(index: number): void {
    if (this.#isTooLong(index)) {
      this.#giveUp(index)
      return
    }
    const { heldAt } = this.#output
    const contentFrom = this.#attributesAt - heldAt
    const contentTo = this.#output.placeOf(this.#reading.endTagAt) - heldAt
    this.#attributesAt = NONE
    const { bytes, from } = this.#take(index)
    this.#handler.onAttributes(bytes.subarray(from + contentFrom, from + contentTo), heldAt)
  }

  /** What is held, up to `index`, and no text; what was before it goes first. */
  #take(index: number): ReturnType<Output['gather']> {
    this.#output.flush(index)
    const gathered = this.#output.gather(index)
    this.#output.drop(index)
    return gathered
  }

  #isTooLong(index: number): boolean {
    return this.#output.placeOf(index) - this.#output.heldAt > this.#mostBytes
  }

  /** What is held is longer than it may be: it goes as text, and is still read as the tag it is. */
  #giveUp(index: number): void {
    const { heldAt } = this.#output
    this.#output.flush(index)
    if ((this.flags & OURS) !== 0) this.#onOversize('tag', heldAt)
    else {
      if (this.#attributesAt === NONE) this.#decide(index)
      if ((this.flags & N.SCRIPT) !== 0) {
        if (this.#attributesAt !== NONE || this.#isDeciding) this.#onOversize('attributes', heldAt)
        this.#isDeciding = false
      } else if (this.flags === N.LINK && this.#isDeciding) this.#onOversize('tag', heldAt)
    }
    this.#attributesAt = NONE
    this.#isWanted = false
    this.#output.release()
  }

  /** Looks at the attributes; at those of a tag that is too long, as far as the limit. */
  #decide(index: number): void {
    const gathered = this.#output.gather(index)
    const { bytes, from } = gathered
    const to = Math.min(gathered.to, from + this.#mostBytes)
    if ((this.flags & N.SCRIPT) !== 0) this.#isDeciding = isAttributesScript(bytes, from, to)
    else if (this.flags === N.LINK) this.#isDeciding = isLink(bytes, from, to)
    else if ((this.flags & N.FONT) !== 0) this.#isDeciding = isStyledFont(bytes, from, to)
    else this.#isDeciding = isHtmlAnnotation(bytes, from, to)
  }
}
