/**
 * Seeded randomness: the same seed makes the same messages on every machine.
 *
 * @module
 */

/** A stream of random choices (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** A whole number in [0, below). */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below)
  }

  /** A whole number in [from, to]. */
  between(from: number, to: number): number {
    return from + this.int(to - from + 1)
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.int(times) === 0
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(choices.length)]!
  }

  /** `from` to `to` characters of `alphabet`. */
  text(alphabet: string, from: number, to: number): string {
    let text = ''
    for (let left = this.between(from, to); left > 0; left -= 1) text += alphabet[this.int(alphabet.length)]
    return text
  }

  /** The same things in another order. */
  shuffle<T>(things: readonly T[]): T[] {
    const shuffled = [...things]
    for (let i = shuffled.length - 1; i > 0; i -= 1) {
      const j = this.int(i + 1)
      const thing = shuffled[i]!
      shuffled[i] = shuffled[j]!
      shuffled[j] = thing
    }
    return shuffled
  }
}
