/**
 * A service of WebSockets as a process of its own: says back what it is told, and answers requests with `ok`.
 * Prints `port N`.
 */
import { createServer } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'

const server = createServer((_request, response) => response.end('ok'))
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (socket: WebSocket) => {
  socket.on('error', () => {})
  socket.on('message', (data) => socket.send(String(data)))
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`port ${(server.address() as { port: number }).port}`)
})
process.stdin.on('end', () => process.exit()).resume()
