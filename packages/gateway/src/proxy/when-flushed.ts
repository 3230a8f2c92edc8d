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

/** What a socket has inside; one with TLS has the connection's as `_parent`. */
interface CountingHandle {
  readonly bytesWritten: number
  readonly writeQueueSize: number
  readonly _parent?: CountingHandle | null
}

/**
 * Bytes written to a socket that the system has not taken yet. Streams know only of whole writes; the handle counts
 * what is left of them, which tells a slow reader from one who reads nothing. With TLS it is too little by what
 * encryption added: good for comparing, while nothing more is written.
 */
export function queuedBytes(socket: Socket): number {
  const { _handle: own } = socket as Socket & { _handle?: CountingHandle | null }
  const handle = own?._parent ?? own
  if (handle?.writeQueueSize === undefined) return socket.writableLength
  return socket.bytesWritten - (handle.bytesWritten - handle.writeQueueSize)
}
