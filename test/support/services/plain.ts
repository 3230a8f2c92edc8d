/**
 * A service as a process of its own: `node plain.ts`, told what to be by environment variables. Prints `port N`
 * once it is registered.
 */
import { createServer } from 'node:http'
import { hydra } from '@hydra-gateway/sdk/node'

const { SERVICE = 'plain', ROUTES = '/plain', PORT = '0', MENU, FALLBACK, VERSION, WEIGHT } = process.env
let served = 0

const server = createServer((request, response) => {
  served++
  const body = {
    service: SERVICE,
    pid: process.pid,
    version: VERSION,
    served,
    method: request.method,
    url: request.url,
  }
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
})
const service = await hydra(server, {
  name: SERVICE,
  routes: ROUTES.split(' '),
  ...(MENU ? { menu: JSON.parse(MENU) } : {}),
  ...(FALLBACK ? { fallback: FALLBACK } : {}),
  ...(VERSION ? { version: VERSION } : {}),
  ...(WEIGHT ? { weight: Number(WEIGHT) } : {}),
  log: false,
})
service.on('registered', () => console.log(`port ${(server.address() as { port: number }).port}`))
server.listen(Number(PORT), '127.0.0.1')
