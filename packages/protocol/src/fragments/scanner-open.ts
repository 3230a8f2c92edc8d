/**
 * The tags of fragments and menus that are open, by what their end tags must have.
 *
 * @module
 */

/** What an end tag does: it closes the innermost one, or one that was passed on as text, or nothing. */
export type Closing = 'one' | 'text' | 'nothing'

export class OpenTags {
  /** How many the handler was told of. */
  count = 0
  readonly #most: number
  readonly #keys: string[] = []
  readonly #isText: boolean[] = []
  /** Nested deeper than is kept. */
  #beyond = 0

  constructor(most: number) {
    this.#most = most
  }

  get isFull(): boolean {
    return this.#keys.length >= this.#most
  }

  open(key: string): void {
    this.#keys.push(key)
    this.#isText.push(false)
    this.count += 1
  }

  /** A start tag that went as text: its end tag must not close one further out. */
  openText(key: string): void {
    if (this.isFull) this.#beyond += 1
    else {
      this.#keys.push(key)
      this.#isText.push(true)
    }
  }

  /** What an end tag with this key would close. */
  closing(key: string): Closing {
    if (this.#beyond > 0) return 'text'
    if (this.#keys.at(-1) !== key) return 'nothing'
    return this.#isText.at(-1) ? 'text' : 'one'
  }

  close(): void {
    if (this.#beyond > 0) {
      this.#beyond -= 1
      return
    }
    this.#keys.pop()
    if (!this.#isText.pop()) this.count -= 1
  }
}
