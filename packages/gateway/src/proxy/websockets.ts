/**
 * WebSockets that end in this process: makes one of an upgrade that was taken over, or says what was wrong with it.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../observe/clock.ts'
import type { TakenOver } from './exchange.ts'

export interface WebSocketsDeps {
  /** Largest message; above: the socket is closed with 1009. */
  readonly maxBytes: number
  readonly clock: Pick<Clock, 'after'>
  /** A handshake broke the rules; its sender is told. */
  readonly onRefused: (socket: Duplex) => void
}

/** Whoever was refused has so long to read why, ms. */
const GOODBYE_MS = 1000

/** Makes what answers handshakes. `onOpen` is called in the same tick, and not at all for one that is refused. */
export function createWebSockets({ maxBytes, clock, onRefused }: WebSocketsDeps) {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxBytes,
    // A few bytes of it can stand for a gigabyte, and each socket would need a window of its own.
    perMessageDeflate: false,
  })
  server.on('wsClientError', (error: Error, socket: Duplex) => {
    onRefused(socket)
    const body = `${error.message}\n`
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    clock.after(GOODBYE_MS, () => socket.destroy())
  })
  return (
    { socket, head, method, url, headers }: TakenOver,
    onOpen: (webSocket: WebSocket) => void,
  ): void => {
    // The four members of a request that ws looks at.
    const request = { method, url, headers, socket } as unknown as IncomingMessage
    server.handleUpgrade(request, socket, head, onOpen)
  }
}
