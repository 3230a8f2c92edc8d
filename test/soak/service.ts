/**
 * A service that is soaked: small and large answers, an echo of bodies, an answer that takes its time, WebSockets.
 * `SERVICE` is its name; prints `port N` once it is registered.
 */
import { createServer } from 'node:http'
import { hydra } from '@hydra-gateway/sdk/node'
import { type WebSocket, WebSocketServer } from 'ws'
import { BIG_BYTES, contentOf, ITEM_BYTES } from './content.ts'

const { SERVICE: name = 'shop' } = process.env
const PAUSE_MS = 100

const server = createServer((request, response) => {
  const [, , what, id] = request.url!.split('/')
  request.on('error', () => {})
  response.on('error', () => {})
  if (what === 'echo') request.pipe(response)
  else if (what === 'big') response.end(contentOf(id!, BIG_BYTES))
  else if (what === 'slow') {
    const content = contentOf(id!, ITEM_BYTES)
    response.write(content.subarray(0, 100))
    setTimeout(() => response.end(content.subarray(100)), PAUSE_MS)
  } else response.end(contentOf(id!, ITEM_BYTES))
})
const sockets = new WebSocketServer({ server, path: `/${name}/live`, perMessageDeflate: false })
sockets.on('connection', (socket: WebSocket) => {
  socket.on('error', () => {})
  socket.on('message', (data) => socket.send(String(data)))
})
const service = await hydra(server, {
  name,
  routes: [`/${name}/**`],
  sockets: [`/${name}/live`],
  graceMs: 2000,
  log: false,
})
service.on('registered', () => console.log(`port ${(server.address() as { port: number }).port}`))
server.listen(0, '127.0.0.1')
// Whoever started it is gone.
process.stdin.on('end', () => process.exit()).resume()
