/**
 * The people that several gateways share, for tools beside them: opened as a gateway of the same configuration does.
 *
 * @module
 */
import type { Config } from '../config.ts'
import { createSealer } from '../identity/sealing.ts'
import { systemClock } from '../observe/clock.ts'
import { createLog } from '../observe/log.ts'
import { redisSlice } from '../slices.ts'
import type { IdentityStore } from '../store/identity/port.ts'
import { IdentityStoreError } from '../store/identity/sqlite-file.ts'
import { createRedisIdentityStore } from '../store/redis/identity.ts'

export { StoreAway } from '../store/redis/port.ts'

export interface SharedPeople {
  readonly store: IdentityStore
  /** No gateway has kept anything of people there yet: those that run have no sign-in. */
  readonly isNew: boolean
  close(): Promise<void>
}

/** Whether gateways of this configuration keep people in Redis: there is one, and no file was named. */
export function sharesPeople(config: Config): boolean {
  return config.redis.url !== undefined && typeof config.identity.database !== 'string'
}

/**
 * Opens them; undefined when they are not shared.
 *
 * @throws IdentityStoreError when Redis can't be reached, or holds people of gateways with another private key
 */
export async function openSharedPeople(
  config: Config,
  { privateKeys }: { readonly privateKeys: readonly string[] },
): Promise<SharedPeople | undefined> {
  const settings = redisSlice(config)
  if (settings === undefined || !sharesPeople(config)) return undefined
  let reason = ''
  const log = createLog('warn', {
    write(line: string) {
      reason ||= (JSON.parse(line) as { reason?: string }).reason ?? ''
    },
  })
  // with the Redis client, which nobody else needs in memory
  const { createRedisLine } = await import('../store/redis/line.ts')
  const line = await createRedisLine({ settings, clock: systemClock, log })
  let ignored = 0
  const store = createRedisIdentityStore({ line, privateKeys, log, onIgnored: () => void ignored++ })
  const close = async (): Promise<void> => {
    await store.close()
    await line.close()
  }
  try {
    if (!line.reach.isReachable)
      throw new IdentityStoreError(
        `The users are in ${line.place}, which can't be reached${reason === '' ? '' : ` (${reason})`}. Nothing was changed.`,
      )
    const ring = await store.keyRing.load()
    const users = await store.users.list()
    const isOurs =
      ring === undefined || (await createSealer(privateKeys, 'key ring').open(ring.sealed)) !== undefined
    if (!isOurs || (ignored > 0 && users.length === 0))
      throw new IdentityStoreError(
        `The gateways that share ${line.place} have another private key: what this command writes there would be nothing to them. Give theirs as HYDRA_PRIVATE_KEY.`,
      )
    return { store, isNew: ring === undefined && users.length === 0, close }
  } catch (error) {
    await close()
    throw error
  }
}
