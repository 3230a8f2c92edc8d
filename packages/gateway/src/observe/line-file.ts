/**
 * A file descriptor that takes log lines: standard output, as a rule.
 *
 * Lines wait in memory while one write is under way and leave together with the next. Bytes that are encoded
 * already, the batches of the access log, are written as they are: making strings of them for a stream that makes
 * bytes of them again cost a twentieth of a proxied request.
 *
 * @module
 */
import { fstatSync, write, writeSync } from 'node:fs'
import type { DestinationStream } from 'pino'

export interface LineFile extends DestinationStream {
  /** Takes a text of whole lines. When too much waits already it is dropped, counted, and told of later. */
  write(text: string): void
  /** Takes whole lines in UTF-8; the memory may be used again. False when too much waits already, or the file is closed. */
  writeBytes(bytes: Uint8Array): boolean
  /** Has all that waits written before this returns, where it can. */
  flushSync(): void
}

/** What may wait. Batches, which whoever made them can keep and count, make room for single lines. */
const MOST_BATCH_BYTES = 4 * 1024 * 1024
const MOST_BYTES = 16 * 1024 * 1024
/** How long a reader that takes nothing (EAGAIN) is left alone. */
const RETRY_MS = 20

/** What a pipe takes in one piece, whoever else writes to it (POSIX: PIPE_BUF, on Linux 4096). */
const WHOLE_BYTES = 4096
const LINE_FEED = 0x0a

/**
 * Opens a writer on a descriptor; it is never closed here. `isShared`: other processes write to it as well, so that only
 * as many lines are written at a time as a pipe takes in one piece.
 */
export function createLineFile(
  fd: number,
  { isShared = false }: { readonly isShared?: boolean } = {},
): LineFile {
  const mostAtOnce = isShared && !isFile(fd) ? WHOLE_BYTES : Number.POSITIVE_INFINITY
  let waiting: Buffer[] = []
  let waitingBytes = 0
  /** What is being written, from `at`. */
  let current: Buffer | undefined
  let at = 0
  let isWriting = false
  let isBroken = false
  let lost = 0

  function next(): void {
    if (isWriting || isBroken) return
    if (current === undefined) {
      if (waiting.length === 0) return
      current = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, waitingBytes)
      at = 0
      waiting = []
      waitingBytes = 0
    }
    isWriting = true
    write(fd, current, at, pieceOf(current, at, mostAtOnce), null, onWritten)
  }

  function onWritten(error: NodeJS.ErrnoException | null, count: number): void {
    isWriting = false
    if (error) {
      if (error.code === 'EAGAIN') setTimeout(next, RETRY_MS)
      else if (error.code === 'EINTR') next()
      else close()
      return
    }
    advance(count)
    next()
  }

  function advance(count: number): void {
    // Written by `flushSync` meanwhile.
    if (current === undefined) return
    at += count
    if (at < current.length) return
    current = undefined
    if (lost === 0) return
    const line = {
      level: 'warn',
      time: new Date().toISOString(),
      lines: lost,
      msg: 'log lines were lost: their reader stood still',
    }
    lost = 0
    add(Buffer.from(`${JSON.stringify(line)}\n`))
  }

  /** The reader is gone: there is nowhere left to say it. */
  function close(): void {
    isBroken = true
    waiting = []
    waitingBytes = 0
    current = undefined
  }

  function add(bytes: Buffer): void {
    waiting.push(bytes)
    waitingBytes += bytes.length
    next()
  }

  const held = () => waitingBytes + (current === undefined ? 0 : current.length - at)

  return {
    write(text) {
      if (isBroken) return
      if (held() + text.length > MOST_BYTES) lost++
      else add(Buffer.from(text))
    },
    writeBytes(bytes) {
      if (isBroken || (held() > 0 && held() + bytes.length > MOST_BATCH_BYTES)) return false
      add(Buffer.from(bytes))
      return true
    },
    flushSync() {
      // A write under way may arrive after what is written here; nothing of it is written twice.
      const left = isWriting ? waiting : current ? [current.subarray(at), ...waiting] : waiting
      if (!isWriting) current = undefined
      waiting = []
      waitingBytes = 0
      for (const bytes of left) {
        for (let from = 0; from < bytes.length; ) {
          try {
            from += writeSync(fd, bytes, from, pieceOf(bytes, from, mostAtOnce))
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code === 'EAGAIN') continue
            close()
            return
          }
        }
      }
    },
  }
}

/** Files take any number of bytes in one piece. */
function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile()
  } catch {
    return false
  }
}

/** How many bytes to write from `at`: all, or as many whole lines as fit. A line that is longer by itself goes alone. */
function pieceOf(bytes: Buffer, at: number, most: number): number {
  const left = bytes.length - at
  if (left <= most) return left
  const end = bytes.lastIndexOf(LINE_FEED, at + most - 1)
  if (end >= at) return end + 1 - at
  const next = bytes.indexOf(LINE_FEED, at)
  return next < 0 ? left : next + 1 - at
}
