/**
 * Where log lines go, seen as something that finished lines can be given to by the batch: how much it has not
 * written yet, and how to have that written now.
 *
 * A stream of bytes takes many lines in one write. Anything else, such as the readable log of a terminal or a
 * test, is given one line a call, the way pino does it.
 *
 * @module
 */
import type { EventEmitter } from 'node:events'
import type { DestinationStream } from 'pino'
import type { LineFile } from './line-file.ts'

/** What a destination may hold unwritten before it takes no more batches. */
const MOST_HELD_BYTES = 4 * 1024 * 1024

export interface LineWriter {
  /**
   * Writes lines that are finished, each with its line feed. False when they were not taken, because the
   * destination stands still with too much unwritten, or is closed.
   */
  write(text: string): boolean
  /** The same for bytes in UTF-8, whose memory may be used again. */
  writeBytes(bytes: Buffer): boolean
  /** Has what the destination holds written before this returns, where it can. */
  flushSync(): void
}

type Stream = DestinationStream & Pick<EventEmitter, 'on'>

/** Wraps a destination of pino's. `mostHeldBytes` is for tests. */
export function createLineWriter(
  destination: DestinationStream,
  mostHeldBytes: number = MOST_HELD_BYTES,
): LineWriter {
  const isStream = 'on' in destination && typeof destination.on === 'function'
  const takesBytes = 'writeBytes' in destination
  const giveAll = isStream ? giveStream(destination as Stream, mostHeldBytes) : giveLines(destination)
  return {
    write(text) {
      try {
        return giveAll(text)
      } catch {
        // A closed destination says so by throwing; whoever writes counts what was lost.
        return false
      }
    },
    writeBytes(bytes) {
      return takesBytes ? (destination as LineFile).writeBytes(bytes) : this.write(bytes.toString('utf8'))
    },
    flushSync() {
      if (!('flushSync' in destination) || typeof destination.flushSync !== 'function') return
      try {
        destination.flushSync()
      } catch {
        // Closed, or gone with its reader: there is nowhere left to say it.
      }
    },
  }
}

function giveStream(stream: Stream, mostHeldBytes: number): (text: string) => boolean {
  const held = heldBy(stream)
  return (text) => {
    if (held.bytes() + text.length > mostHeldBytes && held.bytes() > 0) return false
    stream.write(text)
    held.add(text.length)
    return true
  }
}

/** Streams of Node know what they hold; pino's own tells what it wrote. */
function heldBy(stream: Stream): { bytes(): number; add(count: number): void } {
  if ('writableLength' in stream) {
    return { bytes: () => stream.writableLength as number, add: () => {} }
  }
  let bytes = 0
  // Lines that came by another way are in `written` too, so the sum may be too small, until the stream is empty.
  stream.on('write', (written: number) => {
    bytes = Math.max(0, bytes - written)
  })
  stream.on('drain', () => {
    bytes = 0
  })
  return {
    bytes: () => bytes,
    add: (count) => {
      bytes += count
    },
  }
}

function giveLines(destination: DestinationStream): (text: string) => boolean {
  return (text) => {
    let from = 0
    while (from < text.length) {
      const end = text.indexOf('\n', from)
      const to = end === -1 ? text.length : end + 1
      destination.write(text.slice(from, to))
      from = to
    }
    return true
  }
}
