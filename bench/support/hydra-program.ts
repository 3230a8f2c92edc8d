/**
 * A whole gateway as `hydra start` makes it: `hydra-program.ts CONFIG LOG_LEVEL`, a file with its settings as JSON.
 * Its log goes to stdout.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import type { Config } from '@hydra-gateway/gateway'
import { listenForProfiler } from './profiler.ts'

/** What it says first: where it serves, or what its configuration does not know. */
export type HydraReady = { readonly port: number } | { readonly refused: string }

// As the command does: the heap is held while the gateway is loaded.
setFlagsFromString('--semi-space-growth-factor=1')
const { createGateway, createKeys, createLog, openCertificates, openStore, parseConfig, systemClock } =
  await import('@hydra-gateway/gateway')
const { giveBackLoading, shapeHeap } = await import('@hydra-gateway/gateway/main')
shapeHeap()
const [, , file = '', logLevel = 'info'] = process.argv

function configuration(): Config | { readonly refused: string } {
  try {
    return parseConfig(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
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
  giveBackLoading()
  const gateway = await createGateway(config, {
    keys,
    clock,
    log,
    ...(config.redis.url
      ? { store: await openStore(config, { privateKeys: keys.privateKeys, clock, log }) }
      : {}),
    ...(opened ? { certificates: opened.certificates } : {}),
  })
  listenForProfiler()
  // Whoever is killed writes nothing at its exit.
  flushCompileCache()
  process.send!({ port: gateway.port } satisfies HydraReady)
}
process.on('disconnect', () => process.exit())
