/**
 * The same service with our SDK: `sdk.ts GATEWAY PUBLIC PRIVATE`. Says `{}` when it is served.
 *
 * @module
 */
import { connect } from '@hydra-gateway/sdk'
import { listenForProfiler } from '../../support/profiler.ts'
import { ASK, REPLY, ROUTE, SERVICE } from '../job.ts'
import { serveAnswers } from './http.ts'
import { listenForPushes } from './push.ts'

/** As many as its SDK has under way, and some that wait. */
const AT_ONCE = 500

const [, , gateway = '', publicKey = '', privateKey = ''] = process.argv
const port = await serveAnswers()
const service = await connect({
  ...{ name: SERVICE, gateway, publicKey, privateKey, port },
  routes: [ROUTE.replace(/:(\w+)/, '{$1}')],
  messages: { [ASK]: () => REPLY },
  maxMessages: 1000,
  log: false,
})
await service.ready
const type = 'news'
listenForPushes(
  AT_ONCE,
  (id, { body }) => service.push(id, body, { type }),
  ({ ids, body }) => service.push(ids, body, { type }),
)
listenForProfiler()
process.send!({})
