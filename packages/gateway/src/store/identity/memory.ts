/**
 * Identity store in memory: for a gateway that is alone and has nothing to keep. What is handed in and out is copied,
 * as it would be on its way to a file.
 *
 * @module
 */
import type {
  IdentityStore,
  LinkedIdentity,
  LinkStore,
  Revocation,
  RevocationStore,
  UserStore,
} from './port.ts'

/** Makes an empty store. Nothing survives the process. */
export function createMemoryIdentityStore(): IdentityStore {
  const watchers = new Set<() => void>()
  let revision = 0
  const moved = (): void => {
    revision++
    for (const onHint of watchers) onHint()
  }
  let ring: { readonly version: string; readonly sealed: string } | undefined

  return {
    place: 'memory',
    isLasting: false,
    users: usersInMemory(moved),
    links: linksInMemory(moved),
    revocations: revocationsInMemory(moved),
    keyRing: {
      load: async () => ring,
      async save(sealed, expected) {
        if (ring?.version !== expected) return false
        ring = { version: String(Number(expected ?? 0) + 1), sealed }
        moved()
        return true
      },
    },
    revision: async () => String(revision),
    watch(onHint) {
      watchers.add(onHint)
      return () => void watchers.delete(onHint)
    },
    async close() {
      watchers.clear()
    },
  }
}

function usersInMemory(moved: () => void): UserStore {
  /** JSON by name. */
  const users = new Map<string, string>()
  const read = (text: string) => JSON.parse(text)
  return {
    async find(username) {
      const text = users.get(username.normalize('NFC'))
      return text === undefined ? undefined : read(text)
    },
    list: async () => [...users].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => read(text)),
    async put(user, mustBe) {
      const username = user.username.normalize('NFC')
      if (mustBe !== undefined && users.has(username) !== (mustBe === 'known')) return false
      users.set(username, JSON.stringify({ ...user, username }))
      moved()
      return true
    },
    async remove(username) {
      const isKnown = users.delete(username.normalize('NFC'))
      if (isKnown) moved()
      return isKnown
    },
  }
}

/** A person: data of each identity by its key, as JSON. */
type Person = Map<string, string>

function linksInMemory(moved: () => void): LinkStore {
  const persons = new Map<string, Person>()
  return {
    async linked(key) {
      return [...(persons.get(key) ?? [])]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([of, data]): LinkedIdentity => ({ key: of, data: JSON.parse(data) }))
    },
    async link(identities) {
      const before = identities.flatMap(({ key }) => [...(persons.get(key) ?? [])])
      const person: Person = new Map(before)
      for (const { key, data } of identities) person.set(key, JSON.stringify(data ?? null))
      // one alone is linked with nobody
      if (person.size < 2) return
      for (const key of person.keys()) persons.set(key, person)
      moved()
    },
    async unlink(key) {
      const person = persons.get(key)
      if (!person) return false
      person.delete(key)
      persons.delete(key)
      if (person.size === 1) for (const last of person.keys()) persons.delete(last)
      moved()
      return true
    },
  }
}

function revocationsInMemory(moved: () => void): RevocationStore {
  /** In the order they were added: the last ones are the fresh ones. */
  const revocations = new Map<string, { readonly revocation: Revocation; readonly serial: number }>()
  let serial = 0
  const prune = (now: number): void => {
    for (const [key, { revocation }] of revocations) if (revocation.until <= now) revocations.delete(key)
  }
  return {
    async add({ kind, key, at, until, reason }) {
      const place = `${kind}:${key}`
      const known = revocations.get(place)
      if (known && known.revocation.at >= at) return
      revocations.delete(place)
      revocations.set(place, {
        revocation: Object.freeze({ kind, key, at, until, reason }),
        serial: ++serial,
      })
      moved()
    },
    async since(cursor, now) {
      prune(now)
      const seen = cursor === undefined ? Number.NaN : Number(cursor)
      const isWhole = !(seen <= serial)
      const fresh = [...revocations.values()].filter((one) => isWhole || one.serial > seen)
      return { cursor: String(serial), fresh: fresh.map(({ revocation }) => revocation), isWhole }
    },
  }
}
