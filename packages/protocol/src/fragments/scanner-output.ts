/**
 * What the scanner lets go: text as ranges of the chunk, and what is held back until it is known what it is.
 *
 * Places are offsets in the page, so nothing changes when the chunk does. What is held at the end of a chunk is
 * copied; text is not.
 *
 * @module
 */
import type { ScanHandler } from './scanner.ts'

const NOTHING = new Uint8Array(0)
/** Not holding. */
const NOWHERE = -1

export class Output {
  /** Where what is held begins, in the page. */
  heldAt = NOWHERE
  readonly #handler: ScanHandler
  #bytes: Uint8Array = NOTHING
  /** Place of the chunk in the page. */
  #base = 0
  /** The chunk's bytes before this went out, or are held. */
  #done = 0
  /** Held bytes of earlier chunks. */
  #held: Uint8Array = NOTHING
  #heldBytes = 0

  constructor(handler: ScanHandler) {
    this.#handler = handler
  }

  get isHolding(): boolean {
    return this.heldAt !== NOWHERE
  }

  /** The place in the page of an index of the chunk. */
  placeOf(index: number): number {
    return this.#base + index
  }

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#done = 0
  }

  /** From `index` on, nothing goes out until it is released or taken. */
  hold(index: number): void {
    this.heldAt = this.#base + index
  }

  /** What was held is text. */
  release(): void {
    if (this.heldAt === NOWHERE) return
    this.heldAt = NOWHERE
    if (this.#heldBytes === 0) return
    const length = this.#heldBytes
    this.#heldBytes = 0
    this.#handler.onText(this.#held, 0, length)
  }

  /** Lets the text before `index` go, or that before what is held. */
  flush(index: number): void {
    const to = this.heldAt === NOWHERE ? index : Math.min(index, this.heldAt - this.#base)
    if (to <= this.#done) return
    const from = this.#done
    this.#done = to
    this.#handler.onText(this.#bytes, from, to)
  }

  /** Puts together what is held, up to `index`: it begins at `from` of `bytes`. Valid until the next call. */
  gather(index: number): { readonly bytes: Uint8Array; readonly from: number; readonly to: number } {
    if (this.#heldBytes === 0) return { bytes: this.#bytes, from: this.heldAt - this.#base, to: index }
    this.#keep(0, index)
    const gathered = { bytes: this.#held, from: 0, to: this.#heldBytes }
    this.#heldBytes -= index
    return gathered
  }

  /** What is held, up to `index`, is no text and done with. The text before it has gone. */
  drop(index: number): void {
    this.heldAt = NOWHERE
    this.#heldBytes = 0
    this.#done = index
  }

  /** The chunk is over: its text goes out, what is held is copied. */
  pause(): void {
    const { length } = this.#bytes
    this.flush(length)
    if (this.heldAt !== NOWHERE) this.#keep(Math.max(this.heldAt - this.#base, 0), length)
    this.#base += length
    this.#bytes = NOTHING
    this.#done = 0
  }

  #keep(from: number, to: number): void {
    const needed = this.#heldBytes + to - from
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(needed, this.#held.length * 2, 512))
      grown.set(this.#held.subarray(0, this.#heldBytes))
      this.#held = grown
    }
    this.#held.set(this.#bytes.subarray(from, to), this.#heldBytes)
    this.#heldBytes = needed
  }
}
