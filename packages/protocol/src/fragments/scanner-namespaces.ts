/**
 * In which namespace a tag stands: HTML, or `svg` and `math` where CDATA exists and `style` is no rawtext.
 *
 * What the tree construction of the HTML standard would know, approximated without a tree as parse5-sax-parser does it:
 * entered by a start tag, left by the end tag, by a start tag of HTML that can't be foreign, and suspended inside
 * integration points such as `foreignObject`. Other than there, a tag that closes itself enters nothing, as in browsers.
 *
 * @module
 */
import { ANNOTATION, FONT, HTML_IN_MATH, HTML_IN_SVG, LEAVES, MATH, SVG } from './scanner-names.ts'

const HTML_SPACE = 0
const SVG_SPACE = 1
const MATH_SPACE = 2

/** Nobody nests deeper but to use up memory: of more, the outermost are forgotten, which then are HTML. */
const MOST_DEPTH = 4096

export class Namespaces {
  /** Not HTML. */
  isForeign = false
  /** HTML that is not inside of anything foreign. */
  isOrdinary = true
  #stack = new Uint8Array(16)
  #depth = 1
  #top = HTML_SPACE

  /** Whether attributes decide what the tag means here; they are for `isDeciding` of the calls below. */
  needsAttributes(flags: number, isEnd: boolean): boolean {
    if (isEnd) return (flags & ANNOTATION) !== 0 && this.#isHtmlIn(MATH_SPACE)
    if (!this.isForeign) return false
    return (flags & FONT) !== 0 || ((flags & ANNOTATION) !== 0 && this.#top === MATH_SPACE)
  }

  onStart(flags: number, isSelfClosing: boolean, isDeciding: boolean): void {
    if ((flags & (SVG | MATH)) !== 0) {
      if (!isSelfClosing) this.#enter((flags & SVG) !== 0 ? SVG_SPACE : MATH_SPACE)
    } else if (!this.isForeign) return
    else if ((flags & LEAVES) !== 0 || ((flags & FONT) !== 0 && isDeciding)) this.#leave()
    else if (!isSelfClosing && isIntegrationPoint(flags, this.#top, isDeciding)) this.#enter(HTML_SPACE)
  }

  onEnd(flags: number, isDeciding: boolean): void {
    if (this.isForeign) {
      const own = this.#top === SVG_SPACE ? SVG : MATH
      if ((flags & own) !== 0) this.#leave()
    } else if (this.#depth > 1 && isIntegrationPoint(flags, this.#stack[this.#depth - 2]!, isDeciding)) {
      this.#leave()
    }
  }

  #isHtmlIn(outer: number): boolean {
    return this.#top === HTML_SPACE && this.#depth > 1 && this.#stack[this.#depth - 2] === outer
  }

  #enter(space: number): void {
    if (this.#depth === this.#stack.length) this.#makeRoom()
    this.#stack[this.#depth] = space
    this.#depth += 1
    this.#look()
  }

  #leave(): void {
    this.#depth -= 1
    this.#look()
  }

  #look(): void {
    this.#top = this.#stack[this.#depth - 1]!
    this.isForeign = this.#top !== HTML_SPACE
    this.isOrdinary = this.#depth === 1
  }

  #makeRoom(): void {
    if (this.#depth < MOST_DEPTH) {
      const stack = new Uint8Array(this.#depth * 2)
      stack.set(this.#stack)
      this.#stack = stack
      return
    }
    const half = MOST_DEPTH / 2
    this.#stack.copyWithin(1, half + 1)
    this.#depth -= half
  }
}

function isIntegrationPoint(flags: number, space: number, isHtmlAnnotation: boolean): boolean {
  if (space === SVG_SPACE) return (flags & HTML_IN_SVG) !== 0
  if (space !== MATH_SPACE) return false
  return (flags & HTML_IN_MATH) !== 0 || ((flags & ANNOTATION) !== 0 && isHtmlAnnotation)
}
