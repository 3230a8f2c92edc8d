/**
 * The site faults happen to: two nodes that share a Redis, each over a line of its own that can be damaged, two
 * instances of the service `shop`, one at each node, and one of `solo` at the second node.
 *
 * @module
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '@hydra-gateway/gateway'
import { type BlackHole, type LineState, openBlackHole } from '../../support/black-hole.ts'
import {
  type ClusterSite,
  openClusterSite,
  type ServiceStart,
  type SiteNode,
  type SiteService,
} from '../../support/cluster-site.ts'
import { emptyDirectory } from '../../support/hydra.ts'
import { startRedis, startSentinels, type TestRedis, type TestSentinels } from '../../support/redis.ts'

export interface Stage extends Pick<TestContext, 'after'> {
  readonly site: ClusterSite
  readonly a: SiteNode
  readonly b: SiteNode
  /** Keeps what it is told on disk. Not there with Sentinels. */
  readonly redis: TestRedis
  /** Has the Redis that was killed forget everything. */
  emptyRedis(): Promise<void>
  readonly sentinels: TestSentinels | undefined
  /** Between each node and Redis; none with Sentinels, who say themselves where Redis is. */
  readonly lines: readonly BlackHole[]
  /** Instances that are there and stay, by service; a scenario that replaces one writes it down. */
  readonly there: Map<string, SiteService[]>
  /** Resolves when both nodes serve everything that is there, and nothing else. */
  converged(withinMs?: number): Promise<number>
  /** Ends one and starts another in its place; resolves when it is registered. */
  replace(service: SiteService, options?: ServiceStart): Promise<SiteService>
  /** Ends everything. */
  end(): Promise<void>
}

export interface StageOptions {
  readonly kind?: 'redis' | 'sentinel'
  readonly config?: ConfigInput
  /** Redis alone, without nodes and services. */
  readonly isBare?: boolean
}

/** Opens it; ended by `end`, last opened first. */
export async function openStage({
  kind = 'redis',
  config,
  isBare = false,
}: StageOptions = {}): Promise<Stage> {
  const ends: (() => unknown)[] = []
  const after = (end?: unknown): void => void ends.push(end as () => unknown)
  const t = { after } as Pick<TestContext, 'after'>
  let ended: Promise<void> | undefined
  const end = (): Promise<void> => {
    ended ??= (async () => {
      for (const each of ends.reverse()) await each()
    })()
    return ended
  }
  try {
    const sentinels = kind === 'sentinel' ? await startSentinels(t) : undefined
    const data = await emptyDirectory(t)
    const redis = sentinels
      ? undefined
      : await startRedis(t, { args: ['--dir', data, '--appendonly', 'yes', '--appendfsync', 'no'] })
    const lines = redis ? [await openBlackHole(t, redis.port), await openBlackHole(t, redis.port)] : []
    const site = await openClusterSite(t, {
      nodes: isBare ? 0 : 2,
      redisUrl: (node) => sentinels?.url ?? `redis://127.0.0.1:${lines[node]!.port}`,
      ...(config ? { config } : {}),
    })
    const there = new Map<string, SiteService[]>()
    if (!isBare) {
      const [first, second, solo] = await Promise.all([
        site.startService('shop', { nodes: [0, 1] }),
        site.startService('shop', { nodes: [1, 0] }),
        site.startService('solo', { nodes: [1, 0] }),
      ])
      there.set('shop', [first!, second!]).set('solo', [solo!])
    }
    const converged = async (withinMs?: number): Promise<number> => {
      const began = performance.now()
      const expected = Object.fromEntries(
        [...there].map(([name, services]) => [name, services.map((service) => service.instance(name))]),
      )
      await site.converged(expected, withinMs)
      return performance.now() - began
    }
    await converged()
    const [a, b] = site.nodes as unknown as readonly [SiteNode, SiteNode]
    return {
      site,
      a,
      b,
      redis: redis!,
      async emptyRedis() {
        for (const name of await readdir(data)) await rm(join(data, name), { recursive: true })
      },
      sentinels,
      lines,
      there,
      after: t.after,
      converged,
      async replace(service, options) {
        const [name] = service.names as readonly [string]
        await service.kill()
        const next = await site.startService(name, options)
        there.set(name, [...there.get(name)!.filter((one) => one !== service), next])
        return next
      },
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** The line of every node. */
export function setLines({ lines }: Stage, state: LineState): void {
  for (const line of lines) line.set(state)
}
