/**
 * A share of the site's services as one process: `services.ts GATEWAYS PUBLIC PRIVATE FIRST COUNT`. Each instance has an
 * SDK client and so a line of its own; the server behind all of them is one. Says `{ count }` as soon as it can be asked,
 * and answers `state` with how many are connected, and when the last of them came back.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@hydra-gateway/sdk'
import { serviceOptions } from './site.ts'

const [, , gateways = '', publicKey = '', privateKey = '', first = '0', count = '0'] = process.argv
const server = createServer((_request, response) => void response.end('hello'))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

let connected = 0
let lastAt = 0
process.on('message', () => process.send!({ connected, lastAt }))
process.on('disconnect', () => process.exit())
process.send!({ count: Number(count) })
const services = await Promise.all(
  Array.from({ length: Number(count) }, (_, i) =>
    connect({
      ...serviceOptions(Math.floor((Number(first) + i) / 3)),
      ...{ gateway: gateways, publicKey, privateKey, port, host: '127.0.0.1' },
      log: false,
    }),
  ),
)
for (const service of services) {
  if (service.state === 'connected') connected++
  service.on('registered', () => {
    connected++
    lastAt = Date.now()
  })
  service.on('disconnected', () => {
    connected--
  })
}
