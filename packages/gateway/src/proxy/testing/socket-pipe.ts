/**
 * A pipe around any socket, for tests that join connections of their own.
 *
 * @module
 */
import type { Socket } from 'node:net'
import type { BytesReceiver, Pipe } from '../pipe.ts'
import { HELD } from '../wire.ts'

/** A connection that is read with 'data' events; its errors are somebody else's to hear. */
export class SocketPipe implements Pipe {
  readonly socket: Socket
  #isHeld = false

  constructor(socket: Socket) {
    this.socket = socket
  }

  switchTo(receiver: BytesReceiver): void {
    const { socket } = this
    socket.on('data', (bytes: Buffer) => {
      if (receiver.onData(bytes) !== HELD) return
      this.#isHeld = true
      socket.pause()
    })
    socket.once('end', () => receiver.onEnd())
    socket.once('close', (hadError) => receiver.onClose(hadError))
    socket.resume()
    if (socket.readableEnded) receiver.onEnd()
    if (socket.destroyed) receiver.onClose(true)
  }

  resume(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.socket.resume()
  }
}
