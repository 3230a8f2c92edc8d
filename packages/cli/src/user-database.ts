/**
 * The database of users as a gateway of this configuration would open it.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { IDENTITY_DATABASE, loadConfig } from '@hydra-gateway/gateway/config'
import {
  createPasswords,
  createUserDesk,
  type IdentityStore,
  openSqliteIdentityStore,
  type UserDesk,
} from '@hydra-gateway/gateway/identity'
import { CommandError, EXIT, type Io } from './io.ts'

export interface OpenedUsers {
  /** Where they are. */
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
  /** Made just now. */
  readonly isNew: boolean
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly database?: string | undefined
  readonly config?: string | undefined
  /** Whether a file that is not there is made. */
  readonly mayMake?: boolean
}

/** Opens the file that was named, otherwise the one a gateway that is started in this directory opens. */
export async function openUsers(
  { database: named, config: configFile, mayMake = false }: DatabaseOptions,
  io: Io,
): Promise<OpenedUsers> {
  const { config } = await loadConfig({ directory: io.directory, file: configFile, env: io.env })
  const { database: set, users, session, passwords } = config.identity
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
    close: () => store.close(),
  }
}
