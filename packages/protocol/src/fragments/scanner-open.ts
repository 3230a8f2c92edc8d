/**
 * The fragment tags that are open, by prefix.
 *
 * @module
 */

/** What an end tag does: it closes the innermost fragment, or one that was passed on as text, or nothing. */
export type Closing = 'fragment' | 'text' | 'nothing'

export class OpenFragments {
  /** How many the handler was told of. */
  count = 0
  readonly #most: number
  readonly #prefixes: string[] = []
  readonly #isText: boolean[] = []
  /** Nested deeper than is kept. */
  #beyond = 0

  constructor(most: number) {
    this.#most = most
  }

  get isFull(): boolean {
    return this.#prefixes.length >= this.#most
  }

  open(prefix: string): void {
    this.#prefixes.push(prefix)
    this.#isText.push(false)
    this.count += 1
  }

  /** A start tag that went as text: its end tag must not close one further out. */
  openText(prefix: string): void {
    if (this.isFull) this.#beyond += 1
    else {
      this.#prefixes.push(prefix)
      this.#isText.push(true)
    }
  }

  /** What an end tag with this prefix would close. */
  closing(prefix: string): Closing {
    if (this.#beyond > 0) return 'text'
    if (this.#prefixes.at(-1) !== prefix) return 'nothing'
    return this.#isText.at(-1) ? 'text' : 'fragment'
  }

  close(): void {
    if (this.#beyond > 0) {
      this.#beyond -= 1
      return
    }
    this.#prefixes.pop()
    if (!this.#isText.pop()) this.count -= 1
  }
}
