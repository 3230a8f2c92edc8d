/**
 * The service whose page is open in the tabs: `front.ts GATEWAY PUBLIC PRIVATE NAME`. Says `{ port }` when it is served.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@hydra-gateway/sdk'

const [, , gateway = '', publicKey = '', privateKey = '', name = ''] = process.argv
const server = createServer(async (request, response) => {
  const menu = await service.menu('main', request)
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end(`<!doctype html><html lang="en"><title>Front</title>
<link rel="stylesheet" href="/_hydra/menu.css"><script src="/_hydra/live.js" async></script>
<nav aria-label="Site">${menu}</nav><h1>Front</h1>`)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const service = await connect({
  ...{ name, gateway, publicKey, privateKey, port },
  routes: [`/${name}`],
  menu: { main: [{ path: `/${name}`, label: 'Front', order: 0 }] },
  log: false,
})
await service.ready
process.on('disconnect', () => process.exit())
process.send!({ port })
