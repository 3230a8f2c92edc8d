/**
 * Identity store in Redis: the people of all nodes that share it.
 *
 * Everything but the revision is sealed by a key made from the private one (`sealed-record.ts`): who shares the Redis, and
 * not the key, reads no password hash, adds no user, gives nobody a role, links no accounts and ends no session. What
 * was not sealed by us is not there, which is counted and logged once. The key ring is sealed by who keeps it.
 *
 * Each change is one script that writes only where everything is still as it was seen.
 *
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Log } from '../../observe/log.ts'
import type {
  IdentityStore,
  KeyRingStore,
  LinkedIdentity,
  LinkStore,
  Revocation,
  RevocationStore,
  UserRecord,
  UserStore,
} from '../identity/port.ts'
import { CHANGE, REVOKE, REVOKED_SINCE, SAVE_RING } from './identity-scripts.ts'
import type { RedisLine, Script } from './port.ts'
import { StoreAway } from './port.ts'
import { createRecordSealer, nameOf, type RecordSealer } from './sealed-record.ts'

export interface RedisIdentityDeps {
  readonly line: RedisLine
  /** The first seals, all open. */
  readonly privateKeys: readonly string[]
  /** Called for each record that is none of ours. */
  readonly onIgnored?: () => void
  readonly log: Pick<Log, 'warn' | 'info'>
}

/** Others wrote first that often: something is wrong. */
const MOST_TRIES = 50
/** Records that are read at a time, so that Redis serves others in between. */
const PAGE = 1000
const CLOCKS_DIFFER_MS = 3_600_000

export function createRedisIdentityStore({
  line,
  privateKeys,
  onIgnored,
  log,
}: RedisIdentityDeps): IdentityStore {
  const keyOf = (part: string): string => `${line.prefix}{id}:${part}`
  const state = keyOf('state')
  const hintChannel = keyOf('changed')
  const watchers = new Set<() => void>()
  const hint = (): void => {
    for (const onHint of [...watchers]) onHint()
  }
  let stopHearing: (() => void) | undefined
  let ignored = 0

  const sealer = createRecordSealer(privateKeys, 'identity')
  const access: Access = {
    line,
    state,
    keyOf,
    seal: sealer.seal,
    open(place, sealed) {
      const opened = sealer.open(place, sealed)
      if (opened) return opened
      ignored++
      onIgnored?.()
      if (ignored === 1)
        log.warn(
          { place: place.slice(0, place.indexOf(' ')), store: line.place },
          'a record of people in Redis was not written by a gateway with one of our private keys; such are ignored',
        )
      return undefined
    },
    async change(script, keys, args) {
      const isDone = Number(await line.run(script, [state, ...keys], [makeText(), ...args])) === 1
      if (isDone) {
        hint()
        // who does not hear of it looks twice a second
        line.publish(hintChannel, '').catch(() => {})
      }
      return isDone
    },
  }
  if (privateKeys.length > 1) resealSoon(access, log)

  return {
    place: line.place,
    isLasting: true,
    users: usersIn(access),
    links: linksIn(access),
    revocations: revocationsIn(access),
    keyRing: keyRingIn(access),
    revision: async () => textOf(await line.send(state, ['HGET', state, 'version'])) ?? '0.',
    watch(onHint) {
      const own = (): void => onHint()
      watchers.add(own)
      stopHearing ??= line.subscribe(hintChannel, hint)
      return () => void watchers.delete(own)
    },
    async close() {
      watchers.clear()
      stopHearing?.()
      stopHearing = undefined
    },
  }
}

interface Access extends RecordSealer {
  readonly line: RedisLine
  readonly state: string
  keyOf(part: string): string
  /** Runs a script that says whether it changed something, and hints at it. The first key and argument are added. */
  change(script: Script, keys: readonly string[], args: readonly string[]): Promise<boolean>
}

const makeText = (): string => randomBytes(12).toString('base64url')
const textOf = (reply: unknown): string | undefined =>
  reply === null || reply === undefined ? undefined : String(reply)
const textsOf = (reply: unknown): string[] => (Array.isArray(reply) ? reply.map(String) : [])

async function untilDone<Result>(attempt: () => Promise<Result | undefined>): Promise<Result> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw new StoreAway('others changed the same in Redis each time')
}

/** All fields of a hash, some at a time; what comes or goes meanwhile may be among them or not. */
async function* scan({ line }: Access, key: string): AsyncGenerator<[field: string, value: string]> {
  let cursor = '0'
  do {
    const reply = (await line.send(key, ['HSCAN', key, cursor, 'COUNT', String(PAGE)])) as [unknown, unknown]
    cursor = String(reply[0])
    const found = textsOf(reply[1])
    for (let i = 0; i + 1 < found.length; i += 2) yield [found[i]!, found[i + 1]!]
  } while (cursor !== '0')
}

// ---- users --------------------------------------------------------------------------------------------------

function usersIn(access: Access): UserStore {
  const { line, state, keyOf, seal, open, change } = access
  const key = keyOf('users')
  const placeOf = (field: string): string => `user ${field}`
  const read = async (field: string) => {
    const raw = textOf(await line.send(key, ['HGET', key, field])) ?? ''
    return { raw, text: raw === '' ? undefined : open(placeOf(field), raw)?.text }
  }
  // asked after every change of anything: ten thousand users are read again only when one of them changed
  let listed: { readonly at: string; readonly users: readonly UserRecord[] } | undefined
  return {
    async find(username) {
      const { text } = await read(nameOf(username.normalize('NFC')))
      return text === undefined ? undefined : JSON.parse(text)
    },
    async list() {
      // read first: what changes meanwhile is read again next time
      const at = textOf(await line.send(state, ['HGET', state, 'users'])) ?? ''
      if (listed?.at === at) return listed.users
      const users = new Map<string, UserRecord>()
      for await (const [field, raw] of scan(access, key)) {
        const text = open(placeOf(field), raw)?.text
        if (text !== undefined) users.set(field, JSON.parse(text))
      }
      const sorted = [...users.values()].sort((a, b) => (a.username < b.username ? -1 : 1))
      listed = { at, users: Object.freeze(sorted) }
      return listed.users
    },
    async put(user, mustBe) {
      const username = user.username.normalize('NFC')
      const field = nameOf(username)
      const sealed = seal(placeOf(field), JSON.stringify({ ...user, username }))
      return untilDone(async () => {
        const { raw, text } = await read(field)
        if (mustBe !== undefined && (text !== undefined) !== (mustBe === 'known')) return false
        return (await change(CHANGE, [key], ['users', field, raw, sealed])) || undefined
      })
    },
    async remove(username) {
      const field = nameOf(username.normalize('NFC'))
      return untilDone(async () => {
        const { raw, text } = await read(field)
        if (text === undefined) return false
        return (await change(CHANGE, [key], ['users', field, raw, ''])) || undefined
      })
    },
  }
}

// ---- links --------------------------------------------------------------------------------------------------

/** A person as it lies there: `p:` and a name made up, its identities in one record; `k:` and an identity leads to it. */
interface Person {
  readonly field: string
  readonly raw: string
  readonly identities: readonly LinkedIdentity[]
}

function linksIn(access: Access): LinkStore {
  const { line, keyOf, seal, open, change } = access
  const key = keyOf('links')
  const get = async (field: string) => textOf(await line.send(key, ['HGET', key, field])) ?? ''
  const leadOf = (identity: string): string => `k:${nameOf(identity)}`
  const placeOf = (field: string): string => `person ${field}`

  /** Whom a lead leads to: believed only when the person says that it has this identity. */
  const personOf = async (identity: string): Promise<{ lead: string; person: Person | undefined }> => {
    const lead = await get(leadOf(identity))
    const raw = lead === '' ? '' : await get(lead)
    const text = raw === '' ? undefined : open(placeOf(lead), raw)?.text
    const identities: readonly LinkedIdentity[] = text === undefined ? [] : JSON.parse(text)
    const isOf = identities.some((one) => one.key === identity)
    return { lead, person: isOf ? { field: lead, raw, identities } : undefined }
  }
  /** Fields as they were seen and as they are written, as the script takes them. */
  type Edit = [field: string, seen: string, written: string]

  return {
    async linked(identity) {
      const { person } = await personOf(identity)
      return [...(person?.identities ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1))
    },
    async link(identities) {
      await untilDone(async () => {
        const seen = new Map<string, string>()
        const persons = new Map<string, Person>()
        const look = async (identity: string): Promise<void> => {
          if (seen.has(identity)) return
          const { lead, person } = await personOf(identity)
          seen.set(identity, lead)
          if (!person) return
          persons.set(person.field, person)
          for (const one of person.identities) await look(one.key)
        }
        for (const one of identities) await look(one.key)
        const all = new Map<string, unknown>()
        for (const person of persons.values()) for (const one of person.identities) all.set(one.key, one.data)
        for (const one of identities) all.set(one.key, one.data ?? null)
        // one alone is linked with nobody
        if (all.size < 2) return true
        const field = `p:${randomUUID()}`
        const record = [...all].map(([of, data]): LinkedIdentity => ({ key: of, data }))
        const edits: Edit[] = [[field, '', seal(placeOf(field), JSON.stringify(record))]]
        for (const person of persons.values()) edits.push([person.field, person.raw, ''])
        for (const of of all.keys()) edits.push([leadOf(of), seen.get(of) ?? '', field])
        return (await change(CHANGE, [key], ['links', ...edits.flat()])) || undefined
      })
    },
    async unlink(identity) {
      return untilDone(async () => {
        const { lead, person } = await personOf(identity)
        if (!person) return false
        const left = person.identities.filter((one) => one.key !== identity)
        const isPerson = left.length > 1
        const record = isPerson ? seal(placeOf(person.field), JSON.stringify(left)) : ''
        const edits: Edit[] = [
          [person.field, person.raw, record],
          [leadOf(identity), lead, ''],
        ]
        if (!isPerson) for (const last of left) edits.push([leadOf(last.key), person.field, ''])
        return (await change(CHANGE, [key], ['links', ...edits.flat()])) || undefined
      })
    },
  }
}

// ---- revocations --------------------------------------------------------------------------------------------

function revocationsIn({ line, state, keyOf, seal, open, change }: Access): RevocationStore {
  const [revoked, order, ends, marks] = ['revoked', 'revoked:order', 'revoked:until', 'revoked:marks'].map(
    keyOf,
  ) as [string, string, string, string]
  const placeOf = (field: string): string => `revocation ${field}`
  const read = (field: string, raw: string): Revocation | undefined => {
    const text = open(placeOf(field), raw)?.text
    return text === undefined ? undefined : Object.freeze(JSON.parse(text))
  }
  const page = async (number: string, mark: string, from: string) => {
    const keys = [state, revoked, order, marks]
    const reply = textsOf(await line.run(REVOKED_SINCE, keys, [number, mark, from, String(PAGE)]))
    const [isKnown, head, last, ...found] = reply as [string, string, string, ...string[]]
    return { isKnown: isKnown === '1', head, last, found }
  }

  return {
    async add({ kind, key, at, until, reason }) {
      const field = nameOf(`${kind}:${key}`)
      const sealed = seal(placeOf(field), JSON.stringify({ kind, key, at, until, reason }))
      await untilDone(async () => {
        const raw = textOf(await line.send(revoked, ['HGET', revoked, field])) ?? ''
        const before = raw === '' ? undefined : read(field, raw)
        if (before && before.at >= at) return true
        // when it is added it is now, more or less: clocks of nodes differ
        const args = [field, raw, sealed, String(until), String(at - CLOCKS_DIFFER_MS)]
        return (await change(REVOKE, [revoked, order, ends, marks], args)) || undefined
      })
    },
    async since(cursor, now) {
      let [number = '0', mark = '-'] = (cursor ?? '').split('.')
      let from = number
      let isWhole = false
      let head: string | undefined
      const fresh: Revocation[] = []
      for (;;) {
        const { isKnown, ...one } = await page(number, mark, from)
        if (!isKnown) {
          // the cursor is of another history: this page is the first of all
          isWhole = true
          fresh.length = 0
          head = undefined
        }
        // what is added while pages are read is told again next time
        head ??= one.head
        for (let i = 0; i < one.found.length; i += 2) {
          const revocation = read(one.found[i]!, one.found[i + 1]!)
          if (revocation && revocation.until > now) fresh.push(revocation)
        }
        if (one.last === '') return { cursor: head, fresh, isWhole }
        ;[number, mark] = head.split('.') as [string, string]
        from = one.last
      }
    },
  }
}

// ---- key ring -----------------------------------------------------------------------------------------------

function keyRingIn({ line, keyOf, change }: Access): KeyRingStore {
  const key = keyOf('ring')
  return {
    async load() {
      const [version, sealed] = (await line.send(key, ['HMGET', key, 'version', 'sealed'])) as unknown[]
      if (typeof version !== 'string' || typeof sealed !== 'string') return undefined
      return { version, sealed }
    },
    save: (sealed, expected) => change(SAVE_RING, [key], [sealed, expected ?? '']),
  }
}

// ---- private keys -------------------------------------------------------------------------------------------

/**
 * While an old private key is still among ours, what it sealed is sealed anew: once it is gone, that would be lost. Every
 * node that starts with both does so, once, as soon as Redis is there; the first is enough.
 */
function resealSoon(access: Access, log: Pick<Log, 'info'>): void {
  const { line, keyOf, seal, open, change } = access
  const all = [
    [keyOf('users'), 'user'],
    [keyOf('links'), 'person'],
    [keyOf('revoked'), 'revocation'],
  ] as const
  const reseal = async (): Promise<number> => {
    let count = 0
    for (const [key, what] of all) {
      for await (const [field, raw] of scan(access, key)) {
        // what leads to a person is not sealed: the person says who it is
        if (field.startsWith('k:')) continue
        const opened = open(`${what} ${field}`, raw)
        if (!opened || opened.isCurrent) continue
        const sealed = seal(`${what} ${field}`, opened.text)
        if (await change(CHANGE, [key], ['resealed', field, raw, sealed])) count++
      }
    }
    return count
  }
  const attempt = (): void => {
    reseal().then(
      (count) => {
        stopListening()
        if (count > 0)
          log.info({ records: count, store: line.place }, 'records sealed with the new private key')
      },
      // It goes away again in the middle: once it is back, from the beginning.
      () => {},
    )
  }
  const stopListening = line.reach.onChange((isReachable) => isReachable && attempt())
  if (line.reach.isReachable) attempt()
}
