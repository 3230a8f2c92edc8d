/**
 * A service for tests of fragments: one of them ends the process while it is rendered, and each says when it begins.
 *
 * @module
 */
import { createServer } from 'node:http'
import { fragment } from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/node'

const fragments = [
  fragment('fine', () => '<p>fine</p>'),
  fragment('crashes', async () => {
    console.log('rendering')
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.kill(process.pid, 'SIGKILL')
    return 'never'
  }),
]
const server = createServer((_request, response) => response.end('app'))
const service = await hydra(server, { name: 'crashing', fragments })
service.on('registered', () => console.log('registered'))
server.listen(0, '127.0.0.1')
