/**
 * The services behind a gateway that is replaced, in a process of their own: whoever makes the load must not hold them up.
 * One is static, one has the SDK, one speaks Medusa's HTTP. Says the port of the static one once it listens;
 * `HYDRA_GATEWAY` and keys come from the environment.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@hydra-gateway/sdk'
import { medusaBean, medusaClient } from '../../support/medusa-client.ts'

const plain = createServer((_request, response) => response.end('plain')).listen(0, '127.0.0.1')
const told = createServer((_request, response) => response.end('told')).listen(0, '127.0.0.1')
const bean = createServer((_request, response) => response.end('bean')).listen(0, '127.0.0.1')
await Promise.all([plain, told, bean].map((server) => once(server, 'listening')))
await connect({ name: 'told', log: false, signals: false, port: told, routes: ['/told'] })
void beat()
process.send!({ port: (plain.address() as AddressInfo).port })
process.on('disconnect', () => process.exit())

/** Registers once a gateway is there, and beats from then on: never again, whoever hears it. */
async function beat(): Promise<void> {
  const { HYDRA_GATEWAY, HYDRA_PUBLIC_KEY } = process.env
  const client = medusaClient({ after() {} }, `${HYDRA_GATEWAY}/h/discovery/${HYDRA_PUBLIC_KEY}`)
  const { port } = bean.address() as AddressInfo
  const register = () => client.register(medusaBean('bean', port)).catch(() => undefined)
  while ((await register())?.status !== 200) await new Promise((resolve) => setTimeout(resolve, 100))
  client.keepBeating('bean')
}
