/**
 * http-proxy-3 in front of the service: `http-proxy-3.ts BACKEND_PORT`. A keep-alive agent, forwarding headers
 * as ours, a line of log for each request, written together.
 *
 * @module
 */
import { Agent, createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import httpProxy from 'http-proxy-3'
import { createLineLog } from '../../support/line-log.ts'

const log = createLineLog()
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${process.argv[2]}`,
  agent: new Agent({ keepAlive: true, maxSockets: 256 }),
  xfwd: true,
})
// A visitor who leaves is no reason to end.
proxy.on('error', (_error, _request, answer) => {
  if (answer && 'headersSent' in answer && !(answer as ServerResponse).headersSent) {
    ;(answer as ServerResponse).writeHead(502).end()
  } else answer?.destroy()
})
const server = createServer((request, response) => {
  const startedAt = performance.now()
  const { method, url: path } = request
  const client = request.socket.remoteAddress
  response.on('close', () => log.write({ client, method, path, status: response.statusCode, startedAt }))
  proxy.web(request, response)
})
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => socket.destroy())
  proxy.ws(request, socket, head)
})
server.keepAliveTimeout = 75_000
server.listen(0, '127.0.0.1', 4096, () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
