/**
 * The short form for `npm run bench:core`: 1 KB GETs at ours, with its log and without, and at two other proxies
 * of Node. `npm run bench:proxy` is the whole.
 *
 * @module
 */
import { median, ratioOf } from '../support/comparison.ts'
import { splitCores } from '../support/processes.ts'
import type { Measured } from '../support/rounds.ts'
import { LOADS } from './loads.ts'
import { measure } from './measure.ts'
import { OURS, PEERS, type ProxyPeer, startProxy } from './peers.ts'

export interface ProxyRow {
  readonly proxy: string
  /** CPU of the proxy's process, user and system, µs per request: the median of all rounds. */
  readonly cpuMicros: number
  readonly lowestMicros: number
  readonly highestMicros: number
  /** Against http-proxy-3: the median of the ratios of the rounds. */
  readonly ratio: number
  readonly requestsPerSecond: number
  readonly memoryMiB: number
}

const BASELINE = 'http-proxy-3'
const SILENT: ProxyPeer = { name: 'hydra, no log', start: (place) => startProxy(place, 'silent') }
const OPTIONS = { rounds: 5, turnMs: 500, warmUpMs: 1500 }

/** Runs the comparison and resolves with a row for each proxy. Needs Linux. */
export async function benchProxy(): Promise<ProxyRow[]> {
  const named = (name: string) => PEERS.filter((peer) => peer.name === name)
  const peers = [...named(OURS), SILENT, ...named(BASELINE), ...named('@fastify/http-proxy')]
  const load = LOADS.find(({ name }) => name === 'get')!
  const measured = await measure(load, peers, { ...OPTIONS, cores: splitCores() })
  const baseline = measured.find(({ peer }) => peer === BASELINE)!
  return measured.map((each) => rowOf(each, baseline))
}

function rowOf(measured: Measured, baseline: Measured): ProxyRow {
  const { peer, turns, memoryMiB, failure } = measured
  if (failure !== undefined) throw new Error(`${peer}: ${failure}`)
  // Seconds for 10 000 requests are 100 µs for one.
  const micros = turns.map(({ cpuSeconds }) => cpuSeconds * 100)
  return {
    proxy: peer,
    cpuMicros: median(micros),
    lowestMicros: Math.min(...micros),
    highestMicros: Math.max(...micros),
    ratio: ratioOf(measured, baseline)!,
    requestsPerSecond: median(turns.map(({ requests, seconds }) => requests / seconds)),
    memoryMiB,
  }
}
