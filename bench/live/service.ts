/**
 * A service of the site as a process of its own: `service.ts GATEWAY PUBLIC PRIVATE NAME`. Says `{ port }` when it is
 * served.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@hydra-gateway/sdk'
import { menuOf } from './site.ts'

const [, , gateway = '', publicKey = '', privateKey = '', name = ''] = process.argv
const server = createServer((_request, response) => void response.end('hello'))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const service = await connect({
  ...{ name, gateway, publicKey, privateKey, port },
  routes: [`/${name}`, `/${name}/{id}`],
  menu: { main: menuOf(name) },
  log: false,
})
await service.ready
process.on('disconnect', () => process.exit())
process.send!({ port })
