/**
 * Identity store in one file: for a gateway, several of one machine, and `hydra users` beside them.
 *
 * Every change is one transaction that also moves the revision, so that whoever looks at the revision misses nothing.
 * The calls block for as long as the disk takes, and hardly longer where another process holds the file; none of them is
 * made for a request.
 *
 * @module
 */
import { resolve } from 'node:path'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type {
  IdentityStore,
  KeyRingStore,
  LinkStore,
  Revocation,
  RevocationStore,
  UserRecord,
  UserStore,
} from './port.ts'
import {
  BUSY_MS,
  explain,
  IdentityStoreError,
  inTransaction,
  openDatabaseFile,
  whenFree,
} from './sqlite-file.ts'

/**
 * Opens the store in a file, and makes it, for its owner alone, when there is none.
 *
 * @throws IdentityStoreError when it can't be used; the message says what to do
 */
export async function openSqliteIdentityStore(file: string): Promise<IdentityStore> {
  const place = resolve(file)
  const database = await openDatabaseFile(place)
  database.exec(`PRAGMA busy_timeout = ${LOOK_MS}`)
  const watchers = new Set<() => void>()
  const access = accessTo(database, place, () => {
    for (const onHint of watchers) onHint()
  })
  const revision = access.one<{ value: number }>('SELECT value FROM revision')
  return {
    place,
    isLasting: true,
    users: usersIn(access),
    links: linksIn(access),
    revocations: revocationsIn(access),
    keyRing: keyRingIn(access),
    revision: async () => String(revision()!.value),
    watch(onHint) {
      watchers.add(onHint)
      return () => void watchers.delete(onHint)
    },
    async close() {
      watchers.clear()
      await access.settled()
      if (database.isOpen) database.close()
    },
  }
}

const CLOCKS_DIFFER_MS = 3_600_000

type Values = readonly SQLInputValue[]

interface Access {
  one<Row>(sql: string): (...values: Values) => Row | undefined
  all<Row>(sql: string): (...values: Values) => Row[]
  /** Says how many rows it changed. */
  run(sql: string): (...values: Values) => number
  /**
   * Runs `work` as one transaction that nobody comes in between. When it says that it changed something, the revision
   * moves with it.
   */
  change(work: (revision: number) => boolean): Promise<boolean>
  /** Resolves when nothing waits to be written any more. */
  settled(): Promise<unknown>
}

/** How long one look whether others write may hold up everything else: theirs take a millisecond. */
const LOOK_MS = 5
/** Until the next look. */
const PAUSE_MS = 50

function accessTo(database: DatabaseSync, file: string, onChange: () => void): Access {
  const guarded = <Result>(work: () => Result): Result => {
    if (!database.isOpen) throw new IdentityStoreError(`${file} is closed: the gateway is stopping.`)
    try {
      return work()
    } catch (error) {
      throw explain(error, file)
    }
  }
  const move = database.prepare('UPDATE revision SET value = ?')
  const read = database.prepare('SELECT value FROM revision')
  let last: Promise<unknown> = Promise.resolve()
  return {
    one(sql) {
      const statement = database.prepare(sql)
      return (...values) => guarded(() => statement.get(...values)) as never
    },
    all(sql) {
      const statement = database.prepare(sql)
      return (...values) => guarded(() => statement.all(...values)) as never
    },
    run(sql) {
      const statement = database.prepare(sql)
      return (...values) => guarded(() => Number(statement.run(...values).changes))
    },
    change(work) {
      const until = performance.now() + BUSY_MS
      // One looks for all who wait: together they would hold up as much as a long look does.
      const turn = last.then(() => attempt(work, until))
      last = turn.catch(() => {})
      return turn
    },
    settled: () => last,
  }

  /** Another process may be in the middle of a change, or hang there: meanwhile everything else goes on. */
  async function attempt(work: (revision: number) => boolean, until: number): Promise<boolean> {
    const hasChanged = await whenFree(() => guarded(() => transact(work)), until, PAUSE_MS)
    if (hasChanged) onChange()
    return hasChanged
  }

  function transact(work: (revision: number) => boolean): boolean {
    return inTransaction(database, 'BEGIN IMMEDIATE', () => {
      const next = Number(read.get()!.value) + 1
      const isDone = work(next)
      if (isDone) move.run(next)
      return isDone
    })
  }
}

function usersIn({ one, all, run, change }: Access): UserStore {
  const find = one<{ record: string }>('SELECT record FROM users WHERE username = ?')
  const list = all<{ record: string }>('SELECT record FROM users ORDER BY username')
  const put = run('INSERT INTO users VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record')
  const remove = run('DELETE FROM users WHERE username = ?')
  const revision = one<{ users: number }>('SELECT users FROM revision')
  const move = run('UPDATE revision SET users = ?')
  const read = ({ record }: { record: string }): UserRecord => JSON.parse(record)
  // asked after every change of anything: ten thousand users are read again only when one of them changed
  let listed: { readonly at: number; readonly users: readonly UserRecord[] } | undefined
  return {
    async find(username) {
      const row = find(username.normalize('NFC'))
      return row && read(row)
    },
    async list() {
      const { users: at } = revision()!
      if (listed?.at !== at) listed = { at, users: Object.freeze(list().map(read)) }
      return listed.users
    },
    async put(user, mustBe) {
      const username = user.username.normalize('NFC')
      const record = JSON.stringify({ ...user, username })
      return change((next) => {
        if (mustBe !== undefined && (find(username) !== undefined) !== (mustBe === 'known')) return false
        put(username, record)
        return move(next) > 0
      })
    },
    remove: (username) => change((next) => remove(username.normalize('NFC')) > 0 && move(next) > 0),
  }
}

function linksIn({ one, all, run, change }: Access): LinkStore {
  const linked = all<{ identity: string; data: string }>(
    'SELECT identity, data FROM links WHERE person = (SELECT person FROM links WHERE identity = ?) ORDER BY identity',
  )
  const personOf = one<{ person: number }>('SELECT person FROM links WHERE identity = ?')
  const newPerson = one<{ person: number }>('SELECT coalesce(max(person), 0) + 1 AS person FROM links')
  const sizeOf = one<{ size: number }>('SELECT count(*) AS size FROM links WHERE person = ?')
  const move = run('UPDATE links SET person = ? WHERE person = ?')
  const put = run(
    'INSERT INTO links VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET person = excluded.person, data = excluded.data',
  )
  const remove = run('DELETE FROM links WHERE identity = ?')
  const removePerson = run('DELETE FROM links WHERE person = ?')
  return {
    async linked(key) {
      return linked(key).map(({ identity, data }) => ({ key: identity, data: JSON.parse(data) }))
    },
    async link(identities) {
      const data = new Map(identities.map((one) => [one.key, JSON.stringify(one.data ?? null)]))
      await change(() => {
        const persons = new Set([...data.keys()].flatMap((key) => personOf(key)?.person ?? []))
        // one alone is linked with nobody
        if (persons.size === 0 && data.size < 2) return false
        const person = newPerson()!.person
        for (const before of persons) move(person, before)
        for (const [key, text] of data) put(key, person, text)
        return true
      })
    },
    async unlink(key) {
      return change(() => {
        const person = personOf(key)?.person
        if (person === undefined) return false
        remove(key)
        if (sizeOf(person)!.size < 2) removePerson(person)
        return true
      })
    },
  }
}

function revocationsIn({ one, all, run, change }: Access): RevocationStore {
  const COLUMNS = 'kind, key, at, until, reason'
  const known = one<{ at: number }>('SELECT at FROM revocations WHERE kind = ? AND key = ?')
  const put = run('INSERT OR REPLACE INTO revocations VALUES (?, ?, ?, ?, ?, ?)')
  const prune = run('DELETE FROM revocations WHERE until <= ?')
  const added = all<Revocation & { added: number }>(
    `SELECT ${COLUMNS}, added FROM revocations WHERE added > ? AND until > ? ORDER BY added`,
  )
  const revision = one<{ value: number }>('SELECT value FROM revision')
  const read = ({ kind, key, at, until, reason }: Revocation): Revocation =>
    Object.freeze({ kind, key, at, until, reason })
  return {
    async add({ kind, key, at, until, reason }) {
      await change((next) => {
        if ((known(kind, key)?.at ?? Number.NEGATIVE_INFINITY) >= at) return false
        // when it is added it is now, more or less: clocks of nodes differ
        prune(at - CLOCKS_DIFFER_MS)
        return put(kind, key, at, until, reason, next) > 0
      })
    },
    async since(cursor, now) {
      // read first: what is added meanwhile is told again next time
      const { value } = revision()!
      const seen = cursor === undefined ? Number.NaN : Number(cursor)
      const isWhole = !(seen <= value)
      return { cursor: String(value), fresh: added(isWhole ? 0 : seen, now).map(read), isWhole }
    },
  }
}

function keyRingIn({ one, run, change }: Access): KeyRingStore {
  const load = one<{ version: number; sealed: string }>('SELECT version, sealed FROM key_ring')
  const save = run('INSERT OR REPLACE INTO key_ring VALUES (1, ?, ?)')
  return {
    async load() {
      const row = load()
      return row && { version: String(row.version), sealed: row.sealed }
    },
    async save(sealed, expected) {
      const version = Number(expected ?? 0)
      return change(() => (load()?.version ?? 0) === version && save(version + 1, sealed) > 0)
    },
  }
}
