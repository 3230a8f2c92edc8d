/**
 * The tags of fragments and menus that are open: an end tag must have the same prefix, and be of the same kind.
 *
 * @module
 */

/** What an end tag does: it closes the innermost one, or one that was passed on as text, or nothing. */
export type Closing = 'one' | 'text' | 'nothing'

export class OpenTags {
  /** How many the handler was told of. */
  count = 0
  readonly #most: number
  readonly #prefixes: string[] = []
  readonly #isMenu: boolean[] = []
  readonly #isText: boolean[] = []
  /** Nested deeper than is kept. */
  #beyond = 0

  constructor(most: number) {
    this.#most = most
  }

  get isFull(): boolean {
    return this.#prefixes.length >= this.#most
  }

  open(prefix: string, isMenu: boolean): void {
    this.#push(prefix, isMenu, false)
    this.count += 1
  }

  /** A start tag that went as text: its end tag must not close one further out. */
  openText(prefix: string, isMenu: boolean): void {
    if (this.isFull) this.#beyond += 1
    else this.#push(prefix, isMenu, true)
  }

  /** What an end tag with this prefix would close. */
  closing(prefix: string, isMenu: boolean): Closing {
    if (this.#beyond > 0) return 'text'
    if (this.#prefixes.at(-1) !== prefix || this.#isMenu.at(-1) !== isMenu) return 'nothing'
    return this.#isText.at(-1) ? 'text' : 'one'
  }

  close(): void {
    if (this.#beyond > 0) {
      this.#beyond -= 1
      return
    }
    this.#prefixes.pop()
    this.#isMenu.pop()
    if (!this.#isText.pop()) this.count -= 1
  }

  #push(prefix: string, isMenu: boolean, isText: boolean): void {
    this.#prefixes.push(prefix)
    this.#isMenu.push(isMenu)
    this.#isText.push(isText)
  }
}
