/**
 * Clocks of nodes that jump, each into another direction; the machine's own stays as it is.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  createGateway,
  createKeys,
  createLog,
  openStore,
  parseConfig,
  systemClock,
} from '@hydra-gateway/gateway'
import { openClusterSite } from '../../support/cluster-site.ts'
import type { Stage } from './stage.ts'
import { createFinding, type Scenario, underLoad } from './trial.ts'

const HOUR_MS = 3_600_000

export const clockJumps: Scenario = {
  name: 'clock-jumps',
  title: 'the clocks of nodes jump by an hour: no lease ends, none lasts longer',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const keys = {
      publicKey: `pub${randomBytes(12).toString('hex')}`,
      privateKey: randomBytes(24).toString('hex'),
    }
    const nodes = [await openNode(stage, keys), await openNode(stage, keys)] as const
    const site = await openClusterSite(stage, { started: { urls: nodes.map(({ url }) => url), ...keys } })
    const [first, second, solo] = await Promise.all([
      site.startService('shop', { nodes: [0, 1] }),
      site.startService('shop', { nodes: [1, 0] }),
      site.startService('solo', { nodes: [1, 0] }),
    ])
    const there = { shop: [first!.instance(), second!.instance()], solo: [solo!.instance()] }
    await site.converged(there)
    const jumps = isLong ? [1, -1, -1, 1, 24, -24] : [1, -2]
    const goneMs: number[] = []
    await underLoad(
      finding,
      { after: stage.after, site },
      trial,
      `the clock of one node jumps ${jumps.length} times by an hour or more, that of the other the other way`,
      { promised: { toldPosts: 0 } },
      async () => {
        for (const hours of jumps) {
          say(`the clock of node a jumps by ${hours} h, that of node b by ${-hours} h`)
          nodes[0].jump(hours * HOUR_MS)
          nodes[1].jump(-hours * HOUR_MS)
          // Longer than a lease lasts.
          await delay(isLong ? 6000 : 1500)
          await site.converged(there, 200)
        }
      },
    )
    say('an instance falls silent while a clock jumps back')
    solo!.freeze()
    const frozenAt = performance.now()
    nodes[0].jump(-HOUR_MS)
    nodes[1].jump(HOUR_MS)
    await site.converged({ solo: [] }, 15_000)
    goneMs.push(performance.now() - frozenAt)
    finding.timings.push({
      what: 'an instance falls silent as clocks jump → gone at both nodes',
      values: goneMs,
      target: { of: 'max', atMostMs: 5500 },
    })
    for (const node of [...nodes].reverse()) await node.close()
    return finding
  },
}

interface ClockedNode {
  readonly url: string
  jump(ms: number): void
  close(): Promise<void>
}

/** A gateway in this process, whose wall clock is ours. */
async function openNode(
  { redis, after }: Stage,
  given: { readonly publicKey: string; readonly privateKey: string },
): Promise<ClockedNode> {
  let skewMs = 0
  const clock = { ...systemClock, now: () => systemClock.now() + skewMs }
  const log = createLog('silent')
  const config = parseConfig({
    port: 0,
    host: '127.0.0.1',
    keys: given,
    redis: { url: redis.url },
    http: { stopGrace: 500 },
  })
  const keys = await createKeys({ given: config.keys, file: '' })
  const store = await openStore(config, { privateKeys: keys.privateKeys, clock, log })
  const gateway = await createGateway(config, { keys, clock, log, store })
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= gateway.close().then(() => store.close())
    return closing
  }
  after(close)
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    jump(ms) {
      skewMs += ms
    },
    close,
  }
}
