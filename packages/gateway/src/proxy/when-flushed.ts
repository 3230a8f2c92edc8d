/**
 * Knowing when a socket has handed over to the system what was written to it.
 *
 * @module
 */
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
