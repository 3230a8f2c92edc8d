/**
 * Opens the store the configuration asks for: memory, a file beside it for people, or Redis.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Config, hasIdentity, IDENTITY_DATABASE } from '../config.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { mailboxesSlice, redisSlice } from '../slices.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import type { IdentityStore } from '../store/identity/port.ts'
import { openSqliteIdentityStore } from '../store/identity/sqlite.ts'
import { createStoreInMemory, type Store } from '../store/store.ts'

export interface OpenStoreDeps {
  readonly privateKeys: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/**
 * Opens it. With Redis it resolves whether Redis can be reached or not: a gateway that starts meanwhile serves what it
 * hears itself.
 */
export async function openStore(config: Config, { privateKeys, clock, log }: OpenStoreDeps): Promise<Store> {
  const redis = redisSlice(config)
  if (redis === undefined) {
    const identity = await openPeople(config)
    const store = createStoreInMemory({
      clock,
      rememberMs: config.forgetAfter,
      identity,
      mailboxes: mailboxesSlice(config),
      log,
    })
    return {
      ...store,
      async close() {
        await store.close()
        await identity.close()
      },
    }
  }
  const { openRedisStore } = await import('../store/redis/open.ts')
  const store = await openRedisStore({
    settings: redis,
    rememberMs: config.forgetAfter,
    privateKeys,
    clock,
    log,
  })
  // Who was told of a file by name gets it; it is of this machine alone, which the start says.
  if (typeof config.identity.database !== 'string') return store
  const identity = await openSqliteIdentityStore(resolve(config.identity.database))
  return {
    ...store,
    identity,
    async close() {
      await store.close()
      await identity.close()
    },
  }
}

/** The database: where it was asked for, or at its usual place when it is there or somebody signs in. */
async function openPeople(config: Config): Promise<IdentityStore> {
  const { database } = config.identity
  const file = resolve(database || IDENTITY_DATABASE)
  const isWanted = database !== false && (hasIdentity(config) || existsSync(file))
  return isWanted ? openSqliteIdentityStore(file) : createMemoryIdentityStore()
}
