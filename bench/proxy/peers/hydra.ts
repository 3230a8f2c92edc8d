/**
 * Our data plane in front of the service: listener, proxy and forwarder with one route, counters on, and a
 * line of log for each request as it is by default (to stdout).
 *
 * @module
 */
import { systemClock } from '../../../packages/gateway/src/observe/clock.ts'
import { createLog } from '../../../packages/gateway/src/observe/log.ts'
import { createMetrics } from '../../../packages/gateway/src/observe/metrics.ts'
import { createForwarder } from '../../../packages/gateway/src/proxy/forward.ts'
import { listen } from '../../../packages/gateway/src/proxy/listener.ts'
import { createProxy } from '../../../packages/gateway/src/proxy/proxy.ts'
import { proxyDefaults as settings } from '../../../packages/gateway/src/proxy/settings.ts'
import {
  plainAnswers as answers,
  handTable,
  instanceAt,
} from '../../../packages/gateway/src/proxy/testing/rig.ts'
import { createVitals } from '../../../packages/gateway/src/routing/vitals.ts'

const [, , backendPort, logLevel = 'info'] = process.argv
const log = createLog(logLevel)
const metrics = createMetrics()
const vitals = createVitals()
const instance = instanceAt(Number(backendPort))
const live = { table: handTable([{ path: '/**', instances: [instance] }]) }
const { forward } = createForwarder({ settings, vitals, clock: systemClock, log, metrics })
const handler = createProxy({
  live,
  select: (_exchange, _route, candidates, tried) => (tried.length === 0 ? candidates[0] : undefined),
  forward,
  answers,
  local: (exchange) => exchange.answer(404, {}),
  isLocal: (path) => path.startsWith('/_hydra/'),
  settings,
  metrics,
  log,
})
const { port } = await listen({ port: 0, host: '127.0.0.1', settings, handler, log, metrics })
process.send!({ port })
process.on('disconnect', () => process.exit())
