/**
 * A service that is there to be killed: one page and one menu item, named by the argument.
 *
 * @module
 */
import { createServer } from 'node:http'
import { hydra } from '@hydra-gateway/sdk/node'

const [name = 'mortal'] = process.argv.slice(2)
const server = createServer((_request, response) => response.end(name))
const service = await hydra(server, {
  name,
  routes: [`/${name}`],
  menu: [{ path: `/${name}`, label: name }],
})
service.on('registered', () => console.log('registered'))
server.listen(0, '127.0.0.1')
