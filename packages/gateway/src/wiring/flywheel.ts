/**
 * The network of `hydra` services in Redis, when the configuration asks for it and there is a Redis.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { hostname, networkInterfaces } from 'node:os'
import type { StartableNetwork } from '../channels/flywheel/network.ts'
import type { RouterSelf } from '../channels/flywheel/self.ts'
import type { Config } from '../config.ts'
import type { Registry } from '../registry/registry.ts'
import { flywheelNetworkSlice, isFlywheelOn, redisSlice } from '../slices.ts'
import { readRedisUrl, withDatabase } from '../store/redis/address.ts'
import { inTurn } from '../store/redis/in-turn.ts'
import type { RedisLine } from '../store/redis/port.ts'
import type { Store } from '../store/store.ts'
import { VERSION } from '../version.ts'
import type { Core } from './core.ts'

export interface FlywheelDeps {
  readonly self: RouterSelf
  readonly registry: Registry
  readonly store: Pick<Store, 'redis'>
}

export interface Flywheel {
  /** Undefined without Redis. */
  readonly network: StartableNetwork | undefined
  close(): Promise<void>
}

export async function openFlywheel(
  { config, clock, log, metrics }: Core,
  { self, registry, store }: FlywheelDeps,
): Promise<Flywheel> {
  const { redis: line } = store
  if (!isFlywheelOn(config) || !line) return { network: undefined, async close() {} }
  const mailLine = await openMailLine(config, { clock, log })
  const { createFlywheelNetwork } = await import('../channels/flywheel/network.ts')
  const network = createFlywheelNetwork({
    line,
    messageLine: inTurn(line),
    ...(mailLine ? { mailLine: inTurn(mailLine) } : {}),
    registry,
    self,
    settings: flywheelNetworkSlice(config),
    metrics,
    clock,
    newId: randomUUID,
    log,
  })
  return {
    network,
    async close() {
      await network.close()
      await mailLine?.close()
    },
  }
}

/** This node as other routers and the router API know it. `port`: of the public port, once it is open. */
export function routerSelf(config: Config, routerId: string, port: () => number): RouterSelf {
  return { routerId, version: VERSION, hostName: hostname(), ip: ownAddress(config), port, process }
}

const ALL_ADDRESSES = ['0.0.0.0', '::']

/** Where services reach this node, as far as anybody knows. */
function ownAddress({ flywheel, host }: Pick<Config, 'flywheel' | 'host'>): string {
  if (flywheel.address !== undefined) return flywheel.address
  if (host !== undefined && !ALL_ADDRESSES.includes(host)) return host
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && !one.internal && one.family === 'IPv4')
  return outside?.address ?? '127.0.0.1'
}

/** Original routers keep mail in a database of its own, where it is found whichever router a client comes back to. */
async function openMailLine(
  config: Config,
  { clock, log }: Pick<Core, 'clock' | 'log'>,
): Promise<(RedisLine & { close(): Promise<void> }) | undefined> {
  const settings = redisSlice(config)
  if (!settings || readRedisUrl(settings.url).database === config.flywheel.queuerDB) return undefined
  const { createRedisLine } = await import('../store/redis/line.ts')
  return createRedisLine({
    settings: { ...settings, url: withDatabase(settings.url, config.flywheel.queuerDB) },
    clock,
    log,
  })
}
