/**
 * The users as a gateway of this configuration would open them: in a database file, or in the Redis that several share.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Config, IDENTITY_DATABASE, loadConfig } from '@hydra-gateway/gateway/config'
import {
  createPasswords,
  createUserDesk,
  type IdentityStore,
  openSqliteIdentityStore,
  type UserDesk,
} from '@hydra-gateway/gateway/identity'
import { findKeptKeys, KEYS_FILE } from '@hydra-gateway/gateway/keys'
import { openSharedPeople, sharesPeople } from '@hydra-gateway/gateway/shared-people'
import { CommandError, EXIT, type Io } from './io.ts'

export interface OpenedUsers {
  /** Where they are: a file, or `redis at host:6379`. */
  readonly file: string
  readonly desk: UserDesk
  /** Which accounts are one person. */
  readonly links: IdentityStore['links']
  /** Ends every session with an account, given as `provider:subject`. */
  revoke(key: string, reason: string): Promise<void>
  /** Names of users that stand in the configuration. */
  readonly configured: readonly string[]
  /** Whether one of that name does, who is found before the one of the database. */
  isConfigured(username: string): boolean
  /** Nobody was there: gateways that run already have no sign-in. */
  readonly isNew: boolean
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly database?: string | undefined
  readonly config?: string | undefined
  /** Whether a file that is not there is made. */
  readonly mayMake?: boolean
}

/**
 * Opens the file that was named, otherwise what a gateway that is started in this directory opens: Redis where the
 * configuration has one, or a file.
 */
export async function openUsers(options: DatabaseOptions, io: Io): Promise<OpenedUsers> {
  const { config } = await loadConfig({ directory: io.directory, file: options.config, env: io.env })
  const { users, session, passwords } = config.identity
  const { store, isNew, close } = await openStore(config, options, io)
  const revoke = (key: string, reason: string): Promise<void> => {
    const at = Date.now()
    return store.revocations.add({ kind: 'user', key, at, until: at + session.absolute, reason })
  }
  const configured = users.map(({ username }) => username)
  const isConfigured = (name: string) => configured.includes(name.normalize('NFC'))
  return {
    file: store.place,
    desk: createUserDesk({
      users: store.users,
      hash: createPasswords(passwords).hash,
      isConfigured,
      revoke,
    }),
    links: store.links,
    revoke,
    configured,
    isConfigured,
    isNew,
    close,
  }
}

interface OpenedStore {
  readonly store: IdentityStore
  readonly isNew: boolean
  close(): Promise<void>
}

async function openStore(
  config: Config,
  { database: named, mayMake = false }: DatabaseOptions,
  io: Io,
): Promise<OpenedStore> {
  const set = config.identity.database
  if (named === undefined && sharesPeople(config))
    return (await openSharedPeople(config, { privateKeys: await privateKeysOf(config, io) }))!
  if (named === undefined && set === false) {
    throw new CommandError(
      'The configuration says that there is no identity database (identity.database: false)',
      EXIT.problem,
      '. Take that out, or name a file with --database FILE',
    )
  }
  const file = resolve(io.directory, named ?? (set || IDENTITY_DATABASE))
  const isNew = !existsSync(file)
  if (isNew && !mayMake) {
    throw new CommandError(
      `There are no users: ${file} does not exist`,
      EXIT.problem,
      '. hydra users add NAME  makes the first; --database FILE  names another file.',
    )
  }
  const store = await openSqliteIdentityStore(file)
  return { store, isNew, close: () => store.close() }
}

/** What people in Redis are sealed with: the keys of the configuration, or those a gateway made here or above. */
async function privateKeysOf({ keys: { privateKey: given } }: Config, io: Io): Promise<readonly string[]> {
  if (given.length > 0) return given
  const kept = await findKeptKeys(io.directory)
  if (kept) return [kept.privateKey]
  throw new CommandError(
    'The users are in Redis, sealed with the private key of the gateways, and there is none here',
    EXIT.problem,
    `. Set HYDRA_PRIVATE_KEY, or call this in the directory a gateway was started in, or below it: it keeps its keys in ${KEYS_FILE}.`,
  )
}
