/**
 * Where the body of a request ends: after so many bytes, or with its last chunk. Says of bytes that came which of them are its
 * data; they stay where they are.
 *
 * @module
 */
import { ChunkedReader, DONE } from '../http1/chunked.ts'
import type { RequestHead } from '../http1/head.ts'

/** One body after another: `begin` before each. */
export class BodyFraming {
  /** Bytes that are still to come; -1 when it is chunked. */
  missing = 0
  isWhole = true
  /** Below 0 it can't be read to its end: a fault of `http1/faults.ts`. */
  fault = 0
  /** Where the data of the last read stands in the bytes it was given; often empty. */
  dataAt = 0
  dataEnd = 0
  #chunks: ChunkedReader | undefined = undefined

  begin({ isChunked, contentLength }: RequestHead): void {
    this.missing = isChunked ? -1 : Math.max(0, contentLength)
    this.isWhole = this.missing === 0
    this.fault = 0
    if (!isChunked) return
    this.#chunks ??= new ChunkedReader()
    this.#chunks.reset()
  }

  /** Reads bytes from `at` on; returns the position after what was read. To be called again while it is not whole. */
  read(bytes: Buffer, at: number): number {
    if (this.missing >= 0) {
      const end = Math.min(bytes.length, at + this.missing)
      this.missing -= end - at
      this.isWhole = this.missing === 0
      this.dataAt = at
      this.dataEnd = end
      return end
    }
    const chunks = this.#chunks!
    const end = chunks.read(bytes, at, bytes.length)
    this.isWhole = chunks.state === DONE
    this.fault = Math.min(0, chunks.state)
    this.dataAt = chunks.dataAt
    this.dataEnd = chunks.dataEnd
    return end
  }
}
