/**
 * The file of the identity store: opened so that nobody else can read it, brought to our schema, and never mistaken for
 * another program's or a newer one's.
 *
 * @module
 */
import { chmod, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'

/** A store that can't be opened or used; the message says what to do. */
export class IdentityStoreError extends Error {
  readonly code = 'HYDRA_BAD_IDENTITY_STORE'

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'IdentityStoreError'
  }
}

/** `Hydr`: says whose file it is. */
const APPLICATION_ID = 0x48796472
const SCHEMA_VERSION = 1

const SCHEMA = `
  CREATE TABLE revision (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL,
    users INTEGER NOT NULL -- the value when users were changed last
  ) STRICT;
  INSERT INTO revision VALUES (1, 0, 0);

  CREATE TABLE users (
    username TEXT PRIMARY KEY,
    record TEXT NOT NULL CHECK (json_valid(record))
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE links (
    identity TEXT PRIMARY KEY,
    person INTEGER NOT NULL,
    data TEXT NOT NULL CHECK (json_valid(data))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX links_person ON links (person);

  CREATE TABLE revocations (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    added INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX revocations_until ON revocations (until);
  CREATE INDEX revocations_added ON revocations (added);

  CREATE TABLE key_ring (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    sealed TEXT NOT NULL
  ) STRICT;

  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** How long another process may be in the middle of a change; theirs take a millisecond. */
export const BUSY_MS = 1000

/** Longer than another process needs to make the tables of a new file. */
const WAL_RETRY_MS = 10

/**
 * Opens the file, and makes it when there is none.
 *
 * @throws IdentityStoreError
 */
export async function openDatabaseFile(file: string): Promise<DatabaseSync> {
  // loaded when somebody has users: most commands and many gateways never need it
  const { DatabaseSync } = await import('node:sqlite')
  await makePrivate(file)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { timeout: BUSY_MS })
    await prepareSchema(database, file)
    return database
  } catch (error) {
    if (database?.isOpen) database.close()
    throw explain(error, file)
  }
}

/** The file with the rights of its owner alone, before there is anything in it. SQLite gives the same to those beside it. */
async function makePrivate(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const handle = await open(file, 'a', 0o600)
    const { mode } = await handle.stat().finally(() => handle.close())
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') await chmod(file, 0o600)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new IdentityStoreError(
      `${file}, the identity database, can't be written (${code}). Make it and its directory the gateway's own, or name another file as identity.database (HYDRA_IDENTITY_DATABASE).`,
      { cause },
    )
  }
}

async function prepareSchema(database: DatabaseSync, file: string): Promise<void> {
  const numberOf = (pragma: string): number =>
    Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])

  const isOurs = (): boolean => {
    const application = numberOf('application_id')
    const version = numberOf('user_version')
    if (application === APPLICATION_ID && version > SCHEMA_VERSION) {
      throw new IdentityStoreError(
        `${file} was written by a newer Hydra (its schema is ${version}, this one knows ${SCHEMA_VERSION}). Update this one, or name another file as identity.database.`,
      )
    }
    if (application === APPLICATION_ID) return true
    const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n
    if (application === 0 && version === 0 && tables === 0) return false
    throw new IdentityStoreError(
      `${file} is the database of another program. Name another file as identity.database; Hydra makes it.`,
    )
  }

  // Before the first write: another program's file is left as it was. In a transaction, as what `isOurs` reads must
  // be of one moment: another process may be making the tables just now.
  if (inTransaction(database, 'BEGIN', isOurs)) {
    const { quick_check: verdict } = database.prepare('PRAGMA quick_check(1)').get() ?? {}
    if (verdict !== 'ok') throw broken(file)
  }
  // readers and the writer don't wait for each other; what was said to be written survives a power cut
  // SQLite does not wait when two processes make this switch at once: either would wait for the other's lock
  await whenFree(() => database.exec('PRAGMA journal_mode = WAL'), performance.now() + BUSY_MS, WAL_RETRY_MS)
  database.exec('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
  inTransaction(database, 'BEGIN IMMEDIATE', () => {
    // asked again: another process may have been faster
    if (!isOurs()) database.exec(SCHEMA)
  })
}

/**
 * Does `work`, again each `pauseMs` while another process holds the file, and rejects with its last error at `until`, ms of
 * `performance.now()`. In between everything else goes on.
 */
export async function whenFree<T>(work: () => T, until: number, pauseMs: number): Promise<T> {
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= until) throw error
    }
    await setTimeout(pauseMs)
  }
}

/** Does `work` as one transaction, of which nothing stays when it throws. */
export function inTransaction<T>(
  database: DatabaseSync,
  begin: 'BEGIN' | 'BEGIN IMMEDIATE',
  work: () => T,
): T {
  database.exec(begin)
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function broken(file: string, cause?: unknown): IdentityStoreError {
  return new IdentityStoreError(
    `${file}, the identity database, is broken. Put a copy of it back; or move it away with ${file}-wal and ${file}-shm, start again, and add the users again (hydra users add).`,
    { cause },
  )
}

/** Whether another process holds the file, as SQLite says it or as `explain` does. */
function isBusy(error: unknown): boolean {
  const { errcode, cause } = error as { errcode?: number; cause?: unknown }
  if (errcode === undefined) return cause instanceof Error && isBusy(cause)
  return [5, 6].includes(errcode & 0xff)
}

/** What an error of SQLite means for whoever runs the gateway. */
export function explain(error: unknown, file: string): unknown {
  if (error instanceof IdentityStoreError || !(error instanceof Error)) return error
  const { errcode, message } = error as Error & { errcode?: number }
  if (errcode === undefined) return error
  // extended codes have the plain one in their lower byte
  switch (errcode & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return new IdentityStoreError(
        `${file} is held by another process for longer than ${BUSY_MS / 1000} s. End whatever has it open (a sqlite3 shell, a backup) and try again.`,
        { cause: error },
      )
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return broken(file, error)
    case 13: // SQLITE_FULL
      return new IdentityStoreError(`${file} can't grow: the disk is full. Make room and try again.`, {
        cause: error,
      })
    case 8: // SQLITE_READONLY
    case 14: // SQLITE_CANTOPEN
      return new IdentityStoreError(
        `${file} can't be written (${message}). It, its directory and ${file}-wal must be the gateway's own.`,
        { cause: error },
      )
    default:
      return new IdentityStoreError(`${file}, the identity database, can't be used: ${message}.`, {
        cause: error,
      })
  }
}
