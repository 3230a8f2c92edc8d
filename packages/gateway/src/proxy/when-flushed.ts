/**
 * Knowing when a socket has handed over to the system what was written to it.
 *
 * @module
 */
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'

const NOTHING: Buffer = Buffer.alloc(0)

/**
 * Calls back once everything written so far has left the process, or never when the stream breaks. ('drain' is
 * silent below the high-water mark, so it can't be waited for.)
 */
export function whenFlushed(stream: Writable, run: () => void): void {
  stream.write(NOTHING, (error) => {
    if (!error) run()
  })
}

/**
 * Bytes written to a socket that the system has not taken yet. Streams know only of whole writes; the handle counts
 * what is left of them, which tells a slow reader from one who reads nothing.
 */
export function queuedBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { writeQueueSize?: number } | null }
  return handle?.writeQueueSize ?? socket.writableLength
}
