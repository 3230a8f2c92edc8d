/**
 * Opens a store in Redis, with all its facets.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Store } from '../store.ts'
import { createRedisBus } from './bus.ts'
import { createRedisIdentityStore } from './identity.ts'
import { inTurn } from './in-turn.ts'
import { createRedisInstances } from './instances.ts'
import { createRedisLine } from './line.ts'
import { createRedisMailboxes } from './mailboxes.ts'
import { createRedisNodes } from './nodes.ts'
import { createSealedBus } from './sealed-bus.ts'
import type { RedisSettings } from './settings.ts'
import { createSharedTime } from './shared-time.ts'

export interface OpenRedisStoreDeps {
  readonly settings: RedisSettings
  /** How long a service without instances is remembered, ms. */
  readonly rememberMs: number
  /** Records are sealed against forgery with a key made from the first; those of all are believed. */
  readonly privateKeys: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** What of it can be counted, beside what every store does. */
export interface RedisStore extends Store {
  /** Records that were left out since the start, as none of our private keys sealed them. */
  ignored(): number
  /** Messages of nodes that came a second time, or long after they were sent, since the start. */
  replayed(): number
  /** Commands without an answer. */
  inFlight(): number
}

/** Resolves once Redis answered, or after `connectTimeoutMs`: whoever starts meanwhile serves without it. */
export async function openRedisStore(deps: OpenRedisStoreDeps): Promise<RedisStore> {
  const { settings, rememberMs, privateKeys, clock, log } = deps
  const line = await createRedisLine({ settings, clock, log })
  let ignored = 0
  let replayed = 0
  const onIgnored = (): void => void ignored++
  const instances = createRedisInstances({ line, privateKeys, rememberMs, log })
  const identity = createRedisIdentityStore({ line, privateKeys, onIgnored, log })
  const mailboxes = createRedisMailboxes({ line: inTurn(line), privateKeys, onIgnored, log })
  const time = createSharedTime({ line, clock, log })
  // Before anything is heard: a node that does not know the time takes messages of nobody it has not heard of.
  await time.ready().catch(() => {})
  const onReplayed = (): void => void replayed++
  const bus = createSealedBus({
    bus: createRedisBus({ line }),
    privateKeys,
    time,
    onIgnored,
    onReplayed,
    clock,
    log,
  })
  return {
    place: line.place,
    isShared: true,
    reach: line.reach,
    instances,
    identity,
    mailboxes,
    bus,
    nodes: createRedisNodes({ line, privateKeys }),
    redis: line,
    ignored: () => ignored + instances.refused(),
    replayed: () => replayed,
    inFlight: line.inFlight,
    async close() {
      time.close()
      await Promise.all([instances.close(), identity.close(), mailboxes.close(), bus.close()])
      await line.close()
    },
  }
}
