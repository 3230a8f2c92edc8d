/**
 * The service behind every proxy, on raw sockets and with prebuilt answers, so that it is never what a proxy waits
 * for: 6 µs of CPU for 1 KB. A program of its own; says its port and ends with the bench.
 *
 * It knows the requests of this bench only (`request.ts`), whole or in pieces, with `Content-Length` or chunked.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { BIG_BYTES, FILL, PAGE_BYTES, PATHS } from './request.ts'

const END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const page = answerOf(Buffer.alloc(PAGE_BYTES, FILL))
const big = answerOf(Buffer.alloc(BIG_BYTES, FILL))
const received = answerOf(Buffer.from('x'))

const server = createServer({ noDelay: true }, serve)
server.listen(0, '127.0.0.1', 4096, () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())

function serve(socket: Socket): void {
  /** What was received and not understood yet. */
  let rest: Buffer = Buffer.alloc(0)
  /** Bytes of a body still to come; `chunked` until its last chunk. */
  let body: number | 'chunked' = 0
  let isWebSocket = false

  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length > 0 && (isWebSocket ? echo() : body === 0 ? readHead() : readBody()));
  })

  /** True when there may be more to read. */
  function readHead(): boolean {
    const end = rest.indexOf(END)
    if (end < 0) return false
    const path = rest.toString('latin1', 4, 9)
    if (rest[0] === 0x50 /* POST */) {
      const head = rest.toString('latin1', 0, end)
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
      body = length === undefined ? 'chunked' : Number(length)
    } else if (path === PATHS.socket) {
      const key = /\r\nsec-websocket-key: *(\S+)/i.exec(rest.toString('latin1', 0, end + 2))?.[1] ?? ''
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
      )
      isWebSocket = true
    } else socket.write(path.startsWith('/big') ? big : page)
    rest = rest.subarray(end + END.length)
    return true
  }

  function readBody(): boolean {
    if (body === 'chunked') {
      const at = rest.length - LAST_CHUNK.length
      // The bodies of this bench have no zeros in them, and nobody sends the next request before the answer.
      if (at < 0 || rest.compare(LAST_CHUNK, 0, LAST_CHUNK.length, at) !== 0) {
        rest = rest.subarray(Math.max(0, at))
        return false
      }
      rest = rest.subarray(rest.length)
      body = 0
    } else {
      const taken = Math.min(body, rest.length)
      body -= taken
      rest = rest.subarray(taken)
      if (body > 0) return false
    }
    socket.write(received)
    return true
  }

  /** Sends a short message back as it is; ends with the visitor's Close. */
  function echo(): boolean {
    const length = rest[1]! & 0x7f
    const whole = 6 + length
    if (length > 125 || rest.length < whole) return false
    const answer = Buffer.allocUnsafe(2 + length)
    answer[0] = rest[0]!
    answer[1] = length
    for (let i = 0; i < length; i++) answer[2 + i] = rest[6 + i]! ^ rest[2 + (i & 3)]!
    const isClose = (rest[0]! & 0x0f) === 8
    rest = rest.subarray(whole)
    // Pongs are nobody's message.
    if ((answer[0]! & 0x0f) === 10) return true
    if (isClose) socket.end(answer)
    else socket.write(answer)
    return !isClose
  }
}

/** RFC 6455, 4.2.2. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** An answer with the header lines a small application sends. */
function answerOf(body: Buffer): Buffer {
  const head = [
    'HTTP/1.1 200 OK',
    'Date: Sat, 21 Nov 2026 12:00:00 GMT',
    'Content-Type: text/html; charset=utf-8',
    'Cache-Control: max-age=60',
    'ETag: "0123456789abcdef"',
    `Content-Length: ${body.length}`,
  ].join('\r\n')
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body])
}
