/**
 * A service for tests of signals: answers slowly, and prints where it listens and what happens.
 *
 * @module
 */
import { createServer } from 'node:http'
import { hydra } from '@hydra-gateway/sdk/node'

const server = createServer((request, response) => {
  if (request.url === '/slow') setTimeout(() => response.end('slow'), 300)
  else if (request.url === '/stuck') response.write('for ever')
  else response.end('fine')
})
const service = await hydra(server, { name: 'signalled', routes: ['/slow', '/stuck', '/fine'] })
service.on('closing', () => console.log('closing'))
service.on('registered', () => console.log('registered'))
if (process.argv[2] === 'own') process.on('SIGTERM', () => console.log('own listener'))
server.listen(0, '127.0.0.1')
