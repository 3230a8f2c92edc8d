/**
 * A server that answers every connection once and goes when it is told: the two ways of `ways.ts` differ in how it
 * comes to its port.
 *
 * @module
 */
import { createServer } from 'node:net'

const BODY = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'
const [way, port] = process.argv.slice(2)

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy())
  socket.once('data', () => socket.end(BODY))
})
const at = way === 'reuse-port' ? { port: Number(port), host: '127.0.0.1', reusePort: true } : { fd: 3 }
server.listen({ ...at, backlog: 4096 }, () => process.send!('ready'))
process.on('message', () => server.close(() => process.exit(0)))
