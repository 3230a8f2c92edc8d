/**
 * What is written to an instance on one connection: the head of a request and small pieces of its body are put
 * together in the slab and leave in one write, large pieces are written as they are.
 *
 * @module
 */
import type { Socket } from 'node:net'
import type { Slab } from '../http1/slab.ts'
import type { Instance } from '../routing/upstream.ts'
import { CRLF, LAST_CHUNK } from './framing-bytes.ts'
import { type Forwardable, putRequestHead } from './request-lines.ts'
import { HELD, SENT, SMALL_PIECE_BYTES, type Taken } from './wire.ts'

/** What frames a chunk, and more. */
const ROOM_BYTES = SMALL_PIECE_BYTES + 64

export class ServiceOutput {
  /** Bytes are being put together: `flush` or `drop` must follow before the turn of the event loop ends. */
  isJoining = false
  /** Some of the present request was written: from here on the service may act on it. */
  isHeadOut = false
  readonly #slab: Slab
  readonly #socket: Socket

  constructor(slab: Slab, socket: Socket) {
    this.#slab = slab
    this.#socket = socket
  }

  /** Begins a request. Throws when its head can't be sent; what was joined is then to be dropped. */
  head(
    exchange: Forwardable,
    instance: Pick<Instance, 'service' | 'channel' | 'hostHeader'>,
    target: string | undefined,
  ): void {
    this.isHeadOut = false
    this.isJoining = true
    putRequestHead(this.#slab, exchange, instance, target)
  }

  /** Begins a request whose head the caller puts into the slab, which has this much room at least. */
  ownHead(sizeBytes: number): Slab {
    this.isHeadOut = false
    this.isJoining = true
    this.#slab.begin(sizeBytes)
    return this.#slab
  }

  /** Some of the body. HELD: its memory is in use until the socket has been flushed. */
  piece(bytes: Buffer, isChunked: boolean): Taken {
    const slab = this.#slab
    const socket = this.#socket
    const { length } = bytes
    if (isChunked) {
      this.#join()
      slab.hex(length)
      slab.bytes(CRLF)
    }
    if (length <= SMALL_PIECE_BYTES) {
      this.#join()
      slab.range(bytes, 0, length)
    } else {
      // A few bytes before many are worth a call of their own only where they are many for themselves.
      if (isChunked) socket.cork()
      this.flush()
      this.isHeadOut = true
      socket.write(bytes)
      if (isChunked) socket.uncork()
    }
    if (isChunked) {
      this.#join()
      slab.bytes(CRLF)
    }
    return length > SMALL_PIECE_BYTES && socket.writableLength > 0 ? HELD : SENT
  }

  /** The end of a body in chunks. */
  lastChunk(): void {
    this.#join()
    this.#slab.bytes(LAST_CHUNK)
  }

  /** Writes what was joined. */
  flush(): void {
    if (!this.isJoining) return
    this.isJoining = false
    const view = this.#slab.end()
    this.isHeadOut = true
    this.#socket.write(view)
    if (this.#socket.writableLength === 0) this.#slab.release(view)
  }

  /** Gives the room of what was joined back; nobody is to get it. */
  drop(): void {
    if (!this.isJoining) return
    this.isJoining = false
    this.#slab.release(this.#slab.end())
  }

  #join(): void {
    if (this.isJoining) return
    this.#slab.begin(ROOM_BYTES)
    this.isJoining = true
  }
}
