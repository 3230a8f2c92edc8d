/**
 * What came from a visitor and was not read yet, and the memory it comes in.
 *
 * Heads and small bodies of all connections are read into one shared buffer, a large body into one that is the
 * connection's while it lasts. Both are read into again, so that what is kept beyond a read is copied: the first
 * head at once, because an exchange keeps it; what stands behind it only when the read ends and it is still there.
 *
 * ```
 * read ──→ rest (a copy: the head)   behind (shared memory: a body, more requests)
 *          used up ─→ rest = behind, lent until the read ends
 * ```
 *
 * @module
 */
import { LARGE_BUFFER_BYTES, ReadBuffer, SMALL_BUFFER_BYTES, slice } from './read-buffer.ts'
import { SMALL_PIECE_BYTES } from './wire.ts'

/** What heads and small bodies are read into, on all connections. */
const shared: Buffer = Buffer.allocUnsafeSlow(SMALL_PIECE_BYTES)
const HEAD_END: Buffer = Buffer.from('\r\n\r\n')

/** Buffers for large bodies that none is read into now. */
const spare: ReadBuffer[] = []
const MOST_SPARE = 32

export class Received {
  /** Bytes that were received and not read yet, from `at`. */
  rest: Buffer | undefined = undefined
  at = 0
  /** Received behind `rest`, in the shared memory. */
  #behind: Buffer | undefined = undefined
  /** `rest` is in memory that is read into again after this read. */
  #isLent = false
  /** What is read into while a large body comes, or when somebody took the connection over. */
  #own: ReadBuffer | undefined = undefined

  /** The memory of the next read. `missing`: bytes of a body that are still to come, -1 when nobody knows, 0 for none. */
  memory(missing: number): Buffer {
    if (missing < 0 || missing > shared.length) {
      this.#own ??= spare.pop() ?? new ReadBuffer(LARGE_BUFFER_BYTES)
    } else if (this.#own !== undefined) {
      // Nobody uses it: what was needed for longer was given away, and from here on reads go elsewhere.
      if (spare.length < MOST_SPARE) spare.push(this.#own)
      this.#own = undefined
    }
    return this.#own?.bytes ?? shared
  }

  /** The memory of the next read of a connection that was given away. */
  get ownMemory(): Buffer {
    return this.#own?.bytes ?? shared
  }

  /** Whether these bytes are a read into the connection's own memory. */
  isOwn(bytes: Buffer): boolean {
    return this.#own?.bytes === bytes
  }

  /** A request begins in a read: its head is kept, what is behind it is used from where it stands. */
  begin(bytes: Buffer, count: number): void {
    const length = firstHead(bytes, count)
    this.rest = copyOf(bytes, 0, length)
    this.at = 0
    if (length < count) this.#behind = bytes.subarray(length, count)
  }

  /** What `keep` is given next is used from where it was read, until `settle`. */
  lend(): void {
    this.#isLent = true
  }

  /** These bytes came behind what is there. */
  keep(chunk: Buffer): void {
    if (this.rest === undefined) this.rest = chunk
    else this.rest = Buffer.concat([this.rest.subarray(this.at), chunk])
    this.at = 0
  }

  /** `rest` was read up to there. */
  advance(at: number): void {
    if (at === this.rest!.length) {
      this.rest = this.#behind
      this.#isLent = this.#behind !== undefined
      this.#behind = undefined
      this.at = 0
    } else this.at = at
  }

  /** There is more than `rest`: puts it there. False when there is not. */
  join(): boolean {
    const behind = this.#behind
    if (behind === undefined) return false
    const before = this.rest?.subarray(this.at)
    this.rest = before ? Buffer.concat([before, behind]) : copyOf(behind, 0, behind.length)
    this.at = 0
    this.#behind = undefined
    return true
  }

  /** A head is read from `rest`, and keeps it: it has to be memory of its own. */
  own(): void {
    if (!this.#isLent) return
    this.#isLent = false
    if (this.rest === undefined) return
    this.rest = copyOf(this.rest, this.at, this.rest.length)
    this.at = 0
  }

  /** The read ends: what is left of it is copied. */
  settle(): void {
    if (!this.join()) this.own()
  }

  /** Lets go of what was read already: a partial head must not keep alive the large piece it came at the end of. */
  trim(): void {
    if (this.at === 0) return
    this.rest = Buffer.from(this.rest!.subarray(this.at))
    this.at = 0
  }

  /** Nothing of it is needed. */
  drop(): void {
    this.rest = undefined
    this.#behind = undefined
  }

  /** What the next read would go into is in use for longer: it goes elsewhere. */
  giveAway(): void {
    this.#own?.giveAway()
  }

  /** From here on little is read at a time, and it is somebody else's. */
  beSmall(): void {
    this.#own = new ReadBuffer(SMALL_BUFFER_BYTES)
  }

  /** A read after `beSmall`; the one that was under way then went into the shared memory still. */
  passed(bytes: Buffer, count: number): Buffer {
    return bytes === shared ? copyOf(bytes, 0, count) : slice(bytes, 0, count)
  }

  /** So much was read after `beSmall`. */
  grow(count: number): void {
    this.#own?.grow(count)
  }
}

/** How many of the bytes to copy: a head when something other than heads stands behind it, else all. */
function firstHead(bytes: Buffer, count: number): number {
  // Nearly always: one request without a body. Nothing is looked for then.
  if (
    count < 4 ||
    (bytes[count - 1] === 0x0a &&
      bytes[count - 2] === 0x0d &&
      bytes[count - 3] === 0x0a &&
      bytes[count - 4] === 0x0d)
  ) {
    return count
  }
  const end = bytes.indexOf(HEAD_END) + HEAD_END.length
  return end >= HEAD_END.length && end < count ? end : count
}

/** bytes[from, to) in memory of their own. */
export function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from)
  bytes.copy(copy, 0, from, to)
  return copy
}
