/**
 * A service as a process of its own.
 *
 * `service.ts` only answers, whatever is asked. `service.ts GATEWAY PUBLIC PRIVATE NAME` also registers with the
 * SDK, with the route `/NAME` and a fallback page. Says `{ port }` when it is ready.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@hydra-gateway/sdk'
import { FALLBACK } from './fallback.ts'

const [, , gateway, publicKey, privateKey, name] = process.argv
const server = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html', 'content-length': 5 }).end('hello')
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
if (gateway && publicKey && privateKey && name) {
  const service = await connect({
    name,
    gateway,
    publicKey,
    privateKey,
    port,
    routes: [`/${name}`],
    fallback: FALLBACK,
    log: false,
  })
  await service.ready
}
process.on('disconnect', () => process.exit())
process.send!({ port })
