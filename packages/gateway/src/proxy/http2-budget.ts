/**
 * A budget that fills up again: so many at once, so many more each second.
 *
 * @module
 */
export class Budget {
  readonly #burst: number
  readonly #perMs: number
  #left: number
  #at: number

  /** `now`: any time in ms that only grows; the same kind is given to `spend`. */
  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst
    this.#perMs = perSecond / 1000
    this.#left = burst
    this.#at = now
  }

  /** Takes one; false when there is none left. */
  spend(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs)
    this.#at = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
