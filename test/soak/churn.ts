/**
 * Services that come and go: each has two instances, and in turn one of them gets a successor and is ended, once
 * without a word and once in order.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startProcess, type TestProcess } from '../support/process.ts'

const SERVICE = fileURLToPath(new URL('./service.ts', import.meta.url))
const INSTANCES = 2

export interface Churn {
  /** Instances ended so far. */
  readonly ended: number
  /** Resolves when nothing comes or goes any more; the last instances stay. */
  stop(): Promise<void>
}

type Lifetime = Parameters<typeof startProcess>[0]

/** Starts all instances; resolves when all are registered. One is replaced every `everyMs`. */
export async function startChurn(
  t: Lifetime,
  gateway: GatewayProcess,
  services: readonly string[],
  everyMs: number,
): Promise<Churn> {
  const start = async (name: string): Promise<TestProcess> => {
    const { url, publicKey, privateKey } = gateway
    const env = {
      HYDRA_GATEWAY: url,
      HYDRA_PUBLIC_KEY: publicKey,
      HYDRA_PRIVATE_KEY: privateKey,
      SERVICE: name,
    }
    const instance = startProcess(t, { args: [SERVICE], env })
    await instance.printed(/^port \d+/m, 30_000)
    return instance
  }
  const instances = new Map<string, TestProcess[]>()
  for (const name of services) {
    instances.set(name, await Promise.all(Array.from({ length: INSTANCES }, () => start(name))))
  }
  let ended = 0
  const stopping = new AbortController()
  const turning = (async () => {
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      const of = instances.get(services[turn % services.length]!)!
      of.push(await start(services[turn % services.length]!))
      await of.shift()!.kill(turn % 4 < 2 ? 'SIGKILL' : 'SIGTERM')
      ended++
    }
  })()
  return {
    get ended() {
      return ended
    },
    async stop() {
      stopping.abort()
      await turning
    },
  }
}
