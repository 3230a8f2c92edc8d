/**
 * Everybody else: visitors who come while somebody is a burden, and must not notice.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type GatewayProcess, startGatewayProcess } from '../../support/gateway-process.ts'
import { medusaBean } from '../../support/medusa-client.ts'
import { startUpstream } from '../../support/upstream.ts'

export const MiB = 1024 * 1024
/** The longest anybody else may wait. */
export const OTHERS_MS = 2000
/** Heap that is waiting for the collector comes and goes; what grows with visitors is more than this. */
const MOST_GROWTH = 48 * MiB

/** A gateway as a process of its own, with a service that answers everybody at once. */
export async function start(t: TestContext, http: Record<string, unknown> = {}): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess(t, { lease: { ttl: '600s' }, http })
  await serve(t, gateway, 'others', (_request, response) => response.end('ok'))
  return gateway
}

/** Registers a service of this process. */
export async function serve(
  t: TestContext,
  gateway: GatewayProcess,
  name: string,
  listener: RequestListener,
) {
  const { port } = await startUpstream(t, name, listener)
  await gateway.register(medusaBean(name, port, { endpoints: [`/${name}`, `/${name}/**`] }))
}

export interface Others {
  /** How many were served, and the longest wait in ms. */
  stop(): Promise<{ served: number; longestMs: number }>
}

/** Others come one after another, each on a connection of his own, until stopped. */
export function startOthers(t: TestContext, { url }: GatewayProcess): Others {
  let isRunning = true
  let served = 0
  let longestMs = 0
  const running = (async () => {
    while (isRunning) {
      const began = performance.now()
      const response = await fetch(`${url}/others`, { headers: { connection: 'close' } })
      assert.equal(await response.text(), 'ok')
      longestMs = Math.max(longestMs, performance.now() - began)
      served++
      await delay(5)
    }
  })()
  running.catch(() => {})
  const stop = async () => {
    isRunning = false
    await running
    return { served, longestMs }
  }
  t.after(() => stop().catch(() => {}))
  return { stop }
}

/** Everybody else was served in time, and memory is where it was. */
export async function assertUnmoved(t: TestContext, gateway: GatewayProcess, others: Others, before: number) {
  const { served, longestMs } = await others.stop()
  const grown = (await gateway.rss()) - before
  t.diagnostic(`${served} others, the longest wait ${Math.round(longestMs)} ms; memory ${mib(grown)}`)
  assert.ok(served > 3, `${served} others were served`)
  assert.ok(longestMs < OTHERS_MS, `somebody waited ${Math.round(longestMs)} ms`)
  assert.ok(grown < MOST_GROWTH, `memory grew by ${mib(grown)}`)
  assert.deepEqual(gateway.errors, [])
}

/** Bytes as people read them. */
export const mib = (bytes: number) => `${(bytes / MiB).toFixed(1)} MiB`

/** Memory of a gateway that has served a little, so that what it keeps for ever is there. */
export async function warm({ url, rss }: GatewayProcess): Promise<number> {
  for (let i = 0; i < 10; i++) {
    await Promise.all(Array.from({ length: 50 }, async () => (await fetch(`${url}/others`)).text()))
  }
  return rss()
}

/** Requests in flight at all instances, as the admin API says it. */
export async function inFlight(gateway: GatewayProcess): Promise<number> {
  const { services } = await gateway.admin('services')
  return services
    .flatMap(({ instances }: any) => instances)
    .reduce((sum: number, one: any) => sum + one.inFlight, 0)
}
