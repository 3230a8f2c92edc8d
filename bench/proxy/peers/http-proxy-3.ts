/**
 * http-proxy-3 in front of the service, with a keep-alive agent and forwarding headers as we send them.
 *
 * @module
 */
import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import httpProxy from 'http-proxy-3'

const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${process.argv[2]}`,
  agent: new Agent({ keepAlive: true, maxSockets: 256 }),
  xfwd: true,
})
const server = createServer((request, response) => proxy.web(request, response))
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
