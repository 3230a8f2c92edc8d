/**
 * The memory one connection is read into, again and again, until somebody needs what was read for longer.
 *
 * Never shared between connections: the buffer of a read is settled as soon as the read before it was handed over.
 *
 * @module
 */

/** For connections that are mostly silent. */
export const SMALL_BUFFER_BYTES: number = 4 * 1024
/** For those that turned out to carry larger messages. Never taken back: changing to and fro costs more. */
const GROWN_BUFFER_BYTES = 16 * 1024
/** For bodies. */
export const LARGE_BUFFER_BYTES: number = 64 * 1024

export class ReadBuffer {
  #bytes: Buffer
  #size: number

  constructor(sizeBytes: number) {
    this.#size = sizeBytes
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes)
  }

  /** What the next read goes into. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** From now on buffers have this size. */
  resize(sizeBytes: number): void {
    if (sizeBytes === this.#size) return
    this.#size = sizeBytes
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes)
  }

  /** A read filled so many bytes: a small buffer that is full grows once. */
  grow(count: number): void {
    if (count === SMALL_BUFFER_BYTES && this.#size === count) this.resize(GROWN_BUFFER_BYTES)
  }

  /** The present buffer is in use elsewhere: the next read goes into another one. */
  giveAway(): void {
    this.#bytes = Buffer.allocUnsafeSlow(this.#size)
  }
}

/** bytes[from, to), which often are all of them. */
export function slice(bytes: Buffer, from: number, to: number): Buffer {
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to)
}
