/**
 * Cuts a TCP byte stream into RSocket frames, each led by its length in three bytes.
 *
 * @module
 */
import { RSocketError } from './error.ts'
import { ERROR_CODES } from './words.ts'

const PREFIX_BYTES = 3

export interface FrameReader {
  /**
   * Takes bytes as they came and calls back for every frame they completed. Frames are views: of the chunk, or of
   * a buffer that is not used again.
   *
   * @throws RSocketError as soon as a frame announces a length above the limit; nothing of it is kept
   */
  push(chunk: Buffer): void
}

/**
 * Makes a reader. `onFrame` may end the connection: give `isOpen` to stop reading then. `maxFrameBytes` is asked for
 * each frame, as who is known may be trusted with larger ones.
 */
export function createFrameReader({
  maxFrameBytes,
  onFrame,
  isOpen,
}: {
  readonly maxFrameBytes: number | (() => number)
  readonly onFrame: (frame: Buffer) => void
  readonly isOpen: () => boolean
}): FrameReader {
  /** What is left of an unfinished frame: the first `held` bytes. */
  let store = Buffer.alloc(0)
  let held = 0

  /** Adds to what is held; room doubles, so that many small chunks cost no more than one. */
  function keep(bytes: Buffer): void {
    if (held + bytes.length > store.length) {
      const larger = Buffer.allocUnsafe(Math.max(held + bytes.length, 2 * store.length))
      store.copy(larger, 0, 0, held)
      store = larger
    }
    held += bytes.copy(store, held)
  }

  return {
    push(chunk) {
      let bytes = chunk
      if (held > 0) {
        keep(chunk)
        bytes = store.subarray(0, held)
      }
      const whole = bytes
      while (bytes.length >= PREFIX_BYTES && isOpen()) {
        const length = bytes.readUIntBE(0, PREFIX_BYTES)
        const most = typeof maxFrameBytes === 'number' ? maxFrameBytes : maxFrameBytes()
        if (length > most) {
          throw new RSocketError(
            ERROR_CODES.CONNECTION_ERROR,
            `a frame here may have ${most} bytes, not ${length}`,
            'HYDRA_TOO_LARGE',
          )
        }
        if (bytes.length < PREFIX_BYTES + length) break
        onFrame(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length))
        bytes = bytes.subarray(PREFIX_BYTES + length)
      }
      if (held > 0 && bytes.length === whole.length) return
      // Frames handed out are views of the store: what is left moves to a new one.
      store = Buffer.alloc(0)
      held = 0
      if (bytes.length > 0 && isOpen()) keep(bytes)
    },
  }
}

/** A frame with its length before it, as TCP carries it. */
export function withLength(frame: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + frame.length)
  bytes.writeUIntBE(frame.length, 0, PREFIX_BYTES)
  frame.copy(bytes, PREFIX_BYTES)
  return bytes
}
