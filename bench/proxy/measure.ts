/**
 * One load at all proxies.
 *
 * @module
 */
import type { Seen } from '../support/clients/job.ts'
import {
  type Amount,
  attempt,
  checkLog,
  type Lane,
  type Measured,
  measuredOf,
  openLane,
  type RoundsOptions,
  takeTurns,
} from '../support/rounds.ts'
import { askOverH2 } from './clients/h2load.ts'
import type { Load, LoadJob } from './loads.ts'
import type { ProxyPeer } from './peers.ts'
import { openProxyStage, type ProxyPlace, type ProxyStage } from './stage.ts'

/** So many requests per ms over HTTP/2 even a slow proxy answers cold. */
const SLOW_PER_MS = 3

/** Starts fresh proxies, measures, and ends them, also when something goes wrong. */
export async function measure(
  load: Load,
  peers: readonly ProxyPeer[],
  options: RoundsOptions,
): Promise<Measured[]> {
  const { cores } = options
  const stage = await openProxyStage({ cores, tls: load.tls === true })
  try {
    const lanes: Lane<ProxyPlace>[] = []
    for (const peer of peers) lanes.push(await openLane(stage, peer, cores))
    await takeTurns(lanes, (lane, amount) => ask(stage, load, lane, amount, options), options)
    if (load.unit === 'requests') for (const lane of lanes) await attempt(lane, () => checkLog(lane))
    return lanes.map(measuredOf)
  } finally {
    await stage.end()
  }
}

function ask(
  stage: ProxyStage,
  { name, tls, connections }: Load,
  { running, place, last }: Lane<ProxyPlace>,
  { ms, requests }: Amount,
  { cores }: RoundsOptions,
): Promise<Seen> {
  const { port } = running!
  if (tls) {
    // `h2load` takes a number of requests: what fits into a turn is known from the one before.
    const perMs = last ? last.requests / last.seconds / 1000 : SLOW_PER_MS
    const count = requests ?? Math.ceil(perMs * ms)
    return askOverH2({ port, connections, requests: count, folder: place.folder, cores: cores?.others })
  }
  const until = requests === undefined ? { ms } : { requests }
  return stage.send<Seen>({ load: name, port, connections, until } satisfies LoadJob)
}
