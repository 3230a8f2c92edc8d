/**
 * A whole gateway in front of the service, as `hydra start` makes it: `hydra.ts BACKEND_PORT LOG_LEVEL [CERT KEY]`.
 * Its log goes to stdout. A second service has a thousand routes, so that the table is not empty.
 *
 * @module
 */
import { flushCompileCache } from 'node:module'
import {
  type ConfigInput,
  createGateway,
  createKeys,
  createLog,
  openCertificates,
  parseConfig,
  systemClock,
} from '@hydra-gateway/gateway'
import { shapeHeap } from '@hydra-gateway/gateway/main'
import { PATHS } from '../request.ts'
import { listenForProfiler } from './profiler.ts'

/** What it says first: where it serves, or what its configuration does not know. */
export type HydraReady = { readonly port: number } | { readonly refused: string }

shapeHeap()
const [, , backendPort, logLevel = 'info', cert, key] = process.argv

function configuration(): ReturnType<typeof parseConfig> | { readonly refused: string } {
  const url = `http://127.0.0.1:${backendPort}`
  const input = {
    port: 0,
    host: '127.0.0.1',
    keys: { publicKey: 'bench'.padEnd(32, '0'), privateKey: 'bench-private'.padEnd(48, '0') },
    services: {
      shop: { url, routes: ['/**'], sockets: [PATHS.socket] },
      catalogue: {
        url,
        routes: Array.from({ length: 1000 }, (_, i) => `/catalogue/${i}/{article}`),
      },
    },
    ...(cert === undefined ? {} : { tls: { cert, key } }),
  }
  try {
    return parseConfig(input as ConfigInput)
  } catch (error) {
    if (cert === undefined) throw error
    return { refused: error instanceof Error ? error.message : String(error) }
  }
}

const config = configuration()
if ('refused' in config) process.send!(config satisfies HydraReady)
else {
  const keys = await createKeys({ given: config.keys, file: '' })
  const log = createLog(logLevel)
  const clock = systemClock
  const opened =
    config.tls && (await openCertificates({ tls: config.tls, directory: '', hostname: '', log, clock }))
  const gateway = await createGateway(config, {
    keys,
    clock,
    log,
    ...(opened ? { certificates: opened.certificates } : {}),
  })
  listenForProfiler()
  // Whoever is killed writes nothing at its exit.
  flushCompileCache()
  process.send!({ port: gateway.port } satisfies HydraReady)
}
process.on('disconnect', () => process.exit())
