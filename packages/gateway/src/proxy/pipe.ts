/**
 * Connections whose bytes go to one receiver: how sockets are joined once HTTP is over on them.
 *
 * @module
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { whenFlushed } from './when-flushed.ts'
import { HELD, type Taken } from './wire.ts'

/** Takes the bytes of a connection. */
export interface BytesReceiver {
  /** HELD: the memory is in use, and nothing more is given, until `resume`. */
  onData(bytes: Buffer): Taken
  onEnd(): void
  onClose(hadError: boolean): void
}

/** A connection that is read for a receiver. It is written to directly. */
export interface Pipe {
  readonly socket: Socket
  /** From now on all that comes goes there, what was read already at once. Its errors come as `onClose`. */
  switchTo(receiver: BytesReceiver): void
  /** Reads on after HELD. */
  resume(): void
}

type Done = (error?: Error | null) => void

/** Up to here it is cheaper to copy pieces into one than to give the system several. */
const JOINED_BYTES = 16 * 1024

/** A pipe as a stream, for libraries that want one. */
export class PipeStream extends Duplex implements BytesReceiver {
  readonly #pipe: Pipe

  constructor(pipe: Pipe) {
    super({ allowHalfOpen: true, autoDestroy: true })
    this.#pipe = pipe
    pipe.switchTo(this)
  }

  onData(bytes: Buffer): Taken {
    // The memory is read into again; a reader of a stream may keep what he gets.
    return this.push(Buffer.from(bytes)) ? 0 : HELD
  }

  onEnd(): void {
    this.push(null)
  }

  onClose(): void {
    this.destroy()
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  override _read(): void {
    this.#pipe.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#writeAll([bytes], done)
  }

  /** What was written together goes out together: the head of a frame is not worth a packet of its own. */
  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    const pieces = chunks.map(({ chunk }) => chunk)
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0)
    this.#writeAll(bytes > JOINED_BYTES ? pieces : [Buffer.concat(pieces, bytes)], done)
  }

  #writeAll(pieces: readonly Buffer[], done: Done): void {
    const { socket } = this.#pipe
    if (!socket.writable) {
      done(new Error('the connection is closed'))
      return
    }
    if (pieces.length > 1) socket.cork()
    for (const piece of pieces) socket.write(piece)
    if (pieces.length > 1) socket.uncork()
    if (socket.writableLength === 0) done()
    else whenFlushed(socket, done)
  }

  override _final(done: () => void): void {
    this.#pipe.socket.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#pipe.socket.destroy()
    done(error)
  }
}
