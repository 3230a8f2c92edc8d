/**
 * A whole gateway with default settings and a silent log, as a process of its own: `gateway.ts PUBLIC PRIVATE`.
 * It can be asked how long its event loop was blocked.
 *
 * @module
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createGateway, createKeys, createLog, parseConfig, systemClock } from '@hydra-gateway/gateway'

/** What it says first. */
export interface GatewayReady {
  readonly port: number
}

/** What it answers to `report`: about the time since `watch`. */
export interface LoopReport {
  /** Longest time in which the event loop did nothing else, ms; up to 1 ms too much, never too little. */
  readonly longestMs: number
  /** CPU time of the thread that runs the event loop, ms: what it took, however busy the machine was. */
  readonly cpuMs: number
}

const [, , publicKey = '', privateKey = ''] = process.argv
const config = parseConfig({ port: 0, host: '127.0.0.1', keys: { publicKey, privateKey } })
const keys = await createKeys({ given: config.keys, file: '' })
const gateway = await createGateway(config, { keys, clock: systemClock, log: createLog('silent') })

const delay = monitorEventLoopDelay({ resolution: 1 })
let before = process.threadCpuUsage()
process.on('message', (question: 'watch' | 'report') => {
  if (question === 'watch') {
    delay.enable()
    delay.reset()
    before = process.threadCpuUsage()
    process.send!('watching')
  } else {
    const { user, system } = process.threadCpuUsage(before)
    delay.disable()
    process.send!({ longestMs: delay.max / 1e6, cpuMs: (user + system) / 1000 } satisfies LoopReport)
  }
})
process.on('disconnect', () => process.exit())
process.send!({ port: gateway.port } satisfies GatewayReady)
