/**
 * Many WebSockets on raw sockets, as light as can be: text frames below 126 bytes, and the
 * goodbye of the other side.
 *
 * @module
 */
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface RawWebSocket {
  readonly isClosed: boolean
  /** Sends a text and resolves with the next one that comes. Rejects when the other side says goodbye or closes first. */
  ask(text: string): Promise<string>
  destroy(): void
}

/** A whole Close frame's first byte (RFC 6455, 5.5.1). */
const CLOSE = 0x88

const HANDSHAKE = [
  'Host: shop.example',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n')

/** Opens a WebSocket; rejects when it is not agreed to. Whoever opened it destroys it. */
export function openWebSocket(port: number, path: string): Promise<RawWebSocket> {
  return handshake(connect(port, '127.0.0.1').setNoDelay(true), path)
}

/** Opens many, so many at a time. */
export async function openWebSockets(
  t: Pick<TestContext, 'after'>,
  { port, path, count, atOnce = 200 }: { port: number; path: string; count: number; atOnce?: number },
): Promise<RawWebSocket[]> {
  const sockets: Socket[] = []
  const opened: RawWebSocket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  while (opened.length < count) {
    const some = Array.from({ length: Math.min(atOnce, count - opened.length) }, () => {
      const socket = connect(port, '127.0.0.1').setNoDelay(true)
      sockets.push(socket)
      return handshake(socket, path)
    })
    opened.push(...(await Promise.all(some)))
  }
  return opened
}

function handshake(socket: Socket, path: string): Promise<RawWebSocket> {
  socket.write(`GET ${path} HTTP/1.1\r\n${HANDSHAKE}\r\n\r\n`)
  return new Promise((resolve, reject) => {
    let isClosed = false
    let bytes: Buffer = Buffer.alloc(0)
    let isOpen = false
    let heard: { resolve(text: string): void; reject(error: Error): void } | undefined
    socket.on('error', () => {})
    socket.on('close', () => {
      isClosed = true
      const error = new Error(
        `the WebSocket was closed; it got ${JSON.stringify(bytes.toString('latin1', 0, 200))}`,
      )
      reject(error)
      heard?.reject(error)
    })
    socket.on('data', (chunk) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      if (!isOpen) {
        const end = bytes.indexOf('\r\n\r\n')
        if (end < 0) return
        if (!bytes.toString('latin1', 0, end).startsWith('HTTP/1.1 101 ')) {
          socket.destroy()
          return
        }
        isOpen = true
        bytes = bytes.subarray(end + 4)
        resolve({
          get isClosed() {
            return isClosed
          },
          ask: (text) =>
            new Promise((resolve, reject) => {
              heard = { resolve, reject }
              if (isClosed) reject(new Error('the WebSocket is closed'))
              else socket.write(textFrame(text))
            }),
          destroy: () => void socket.destroy(),
        })
      }
      while (bytes.length >= 2 && bytes.length >= 2 + bytes[1]!) {
        const end = 2 + bytes[1]!
        const isClose = bytes[0] === CLOSE
        if (isClose)
          heard?.reject(new Error(`told to leave: ${end === 2 ? 'no code' : bytes.readUInt16BE(2)}`))
        else heard?.resolve(bytes.toString('utf8', 2, end))
        bytes = bytes.subarray(end)
        heard = undefined
        if (isClose) socket.end()
      }
      if (bytes.length === 0) bytes = Buffer.alloc(0)
    })
  })
}

/** A masked text frame (RFC 6455, 5.2); a mask of zeros is a mask. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  if (payload.length > 125) throw new Error('a longer text than these WebSockets can send')
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}
