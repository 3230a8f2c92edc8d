/**
 * A service on plain `node:http` with one page of our SDK: `service.ts GATEWAY_PORT`. Its log is that of the gateway.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { flushCompileCache } from 'node:module'
import { page } from '@hydra-gateway/sdk'
import { hydra, sendPage } from '@hydra-gateway/sdk/node'
import { KEYS } from '../../support/hydra.ts'
import { listenForProfiler } from '../../support/profiler.ts'
import { pageIn, pathOf } from '../page.ts'

const silent = () => {}
const paths = [pathOf('hydra'), pathOf('hydra', true)] as const
const pages = [false, true].map((isSlow) => page(pageIn('hydra', isSlow, []), { name: `slow: ${isSlow}` }))
const server = createServer((request, response) => {
  const shown = pages[request.url!.startsWith(paths[1]) ? 1 : 0]!
  void sendPage(response, shown.render({}, request))
})
const service = await hydra(server, {
  name: 'shop',
  gateway: `http://127.0.0.1:${process.argv[2]}`,
  ...KEYS,
  routes: [...paths],
  pages,
  signals: false,
  log: { info: silent, warn: console.error, error: console.error },
})
server.keepAliveTimeout = 75_000
server.listen(0, '127.0.0.1')
await once(server, 'listening')
await service.ready
listenForProfiler()
flushCompileCache()
process.send!({})
process.on('disconnect', () => process.exit())
