/**
 * How fast a visitor sends a body, measured while we are ready for it: what we held back is not his fault.
 *
 * @module
 */

/** Over how long it is measured. */
export const RATE_MS = 5000

export class BodyRate {
  /** Bytes that came since it was looked at last. */
  #bytes = 0
  /** How long they were held back by us meanwhile; since when they are, NaN for not. */
  #heldMs = 0
  #heldSince = Number.NaN

  /** Nothing has come since it was looked at last. */
  get isEmpty(): boolean {
    return this.#bytes === 0
  }

  /** A body begins, and is held until somebody reads it. Times are those of the deadlines. */
  begin(now: number): void {
    this.#bytes = 0
    this.#heldMs = 0
    this.#heldSince = now
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** What came so far does not count. */
  forget(): void {
    this.#bytes = 0
  }

  hold(now: number): void {
    if (Number.isNaN(this.#heldSince)) this.#heldSince = now
  }

  release(now: number): void {
    if (Number.isNaN(this.#heldSince)) return
    this.#heldMs += now - this.#heldSince
    this.#heldSince = Number.NaN
  }

  /** To be asked every RATE_MS: whether less came than `minRate` bytes per second. Begins anew. */
  isSlow(now: number, minRate: number): boolean {
    if (!Number.isNaN(this.#heldSince)) {
      this.#heldMs += now - this.#heldSince
      this.#heldSince = now
    }
    const readyMs = RATE_MS - this.#heldMs
    const isSlow = readyMs > RATE_MS / 2 && this.#bytes < (minRate * readyMs) / 1000
    this.#bytes = 0
    this.#heldMs = 0
    return isSlow
  }
}
