/**
 * Store in memory: the truth of a gateway that is alone. Lapses are noticed when somebody looks.
 *
 * @module
 */
import { hash as digest, randomUUID } from 'node:crypto'
import type { Clock } from '../observe/clock.ts'
import type {
  GoneInstance,
  InstanceRecord,
  InstanceStore,
  Lease,
  ListedInstance,
  RememberedService,
  StoredDrain,
  Version,
} from './port.ts'

interface Held {
  record: InstanceRecord
  lapsesAt: number
  drain?: StoredDrain | undefined
}

/** Something that a look may have to tell. */
type Change =
  | { readonly kind: 'instance'; readonly id: string }
  | { readonly kind: 'gone'; readonly gone: GoneInstance; readonly at: number }
  | { readonly kind: 'forgotten'; readonly service: string }

/** Changes that are kept for readers who come later; whoever is further behind reads everything. */
const MOST_CHANGES = 4096
/** How long those that are gone are told to whoever reads everything, ms. */
const TOLD_GONE_MS = 60_000

export interface MemoryStoreDeps {
  readonly clock: Pick<Clock, 'monotonic'>
  /** How long a service without instances is remembered, ms. @default 24 h */
  readonly rememberMs?: number
}

/** Makes an empty store. Nothing survives the process. */
export function createMemoryStore({ clock, rememberMs = 86_400_000 }: MemoryStoreDeps): InstanceStore {
  const held = new Map<string, Held>()
  /** Ids by service. */
  const members = new Map<string, Set<string>>()
  const ranks = new Map<string, number>()
  let lastRank = 0
  const remembered = new Map<string, { readonly declared: unknown; readonly at: number }>()
  const watchers = new Set<() => void>()
  const log = createChangeLog()

  const moved = (change: Change, word: string): void => {
    log.add(change, word)
    for (const onHint of [...watchers]) onHint()
  }
  const rankOf = (service: string): number => {
    const known = ranks.get(service)
    if (known !== undefined) return known
    ranks.set(service, ++lastRank)
    return lastRank
  }
  const listed = ({ record, drain }: Held): ListedInstance => ({
    ...record,
    rank: rankOf(record.service),
    ...(drain ? { drain } : {}),
  })
  const end = (entry: Held, how: GoneInstance['how'], reason: string): void => {
    const { id, service, claim, declared } = entry.record
    held.delete(id)
    const at = clock.monotonic()
    const siblings = members.get(service)
    siblings?.delete(id)
    if (!siblings?.size) {
      members.delete(service)
      remembered.set(service, { declared, at })
    }
    moved({ kind: 'gone', gone: { id, service, claim, how, reason }, at }, `${how} ${id} ${claim}`)
  }
  const dropLapsed = (now: number): void => {
    for (const entry of held.values()) if (entry.lapsesAt <= now) end(entry, 'lapsed', 'its lease ran out')
    for (const [service, { at }] of remembered) {
      // Who went first stands first.
      if (now - at <= rememberMs) break
      remembered.delete(service)
      ranks.delete(service)
    }
  }
  const current = ({ id, claim }: Lease): Held | undefined => {
    const entry = held.get(id)
    return entry?.record.claim === claim && entry.lapsesAt > clock.monotonic() ? entry : undefined
  }

  return {
    async put(record, leaseMs) {
      const { id, service } = record
      const before = held.get(id)
      if (before && before.record.service !== service) end(before, 'left', 'it registered under another name')
      rankOf(service)
      remembered.delete(service)
      const entry = held.get(id)
      const lapsesAt = clock.monotonic() + leaseMs
      held.set(id, { record: structuredClone(record), lapsesAt, drain: entry?.drain })
      members.set(service, (members.get(service) ?? new Set()).add(id))
      moved({ kind: 'instance', id }, `put ${id} ${record.claim}`)
    },
    async amend(record) {
      const entry = current(record)
      if (entry?.record.service !== record.service) return false
      entry.record = structuredClone(record)
      moved({ kind: 'instance', id: record.id }, `amend ${record.id} ${record.state}`)
      return true
    },
    async renew(leases, leaseMs) {
      const lost: string[] = []
      for (const lease of leases) {
        const entry = current(lease)
        if (entry) entry.lapsesAt = clock.monotonic() + leaseMs
        else lost.push(lease.id)
      }
      return lost
    },
    async release(lease, reason) {
      const entry = current(lease)
      if (entry) end(entry, 'left', reason)
    },
    async drain(id, drain) {
      const entry = held.get(id)
      if (!entry) return false
      entry.drain = drain && { ...drain }
      moved({ kind: 'instance', id }, `drain ${id} ${drain?.reason ?? ''}`)
      return true
    },
    async forget(service) {
      for (const id of members.get(service) ?? []) held.delete(id)
      members.delete(service)
      remembered.delete(service)
      ranks.delete(service)
      moved({ kind: 'forgotten', service }, `forget ${service}`)
    },
    async rerank(service, from) {
      if (ranks.get(service) !== from) return
      ranks.set(service, ++lastRank)
      for (const id of members.get(service) ?? []) moved({ kind: 'instance', id }, `rerank ${id}`)
    },
    async look(seen) {
      const now = clock.monotonic()
      dropLapsed(now)
      const version = log.version()
      if (seen && seen.revision === version.revision && seen.hash === version.hash) return undefined
      const fresh = seen && log.since(seen)
      if (fresh) {
        const ids = new Set(fresh.flatMap((change) => (change.kind === 'instance' ? [change.id] : [])))
        return {
          version,
          isWhole: false,
          instances: [...ids].flatMap((id) => held.get(id) ?? []).map(listed),
          gone: fresh.flatMap((change) => (change.kind === 'gone' ? [change.gone] : [])),
          forgotten: fresh.flatMap((change) => (change.kind === 'forgotten' ? [change.service] : [])),
          remembered: [],
        }
      }
      return {
        version,
        isWhole: true,
        instances: [...held.values()].map(listed),
        gone: log
          .all()
          .flatMap((change) =>
            change.kind === 'gone' && now - change.at <= TOLD_GONE_MS ? [change.gone] : [],
          ),
        forgotten: [],
        remembered: [...remembered].map(
          ([service, { declared, at }]): RememberedService => ({
            service,
            rank: rankOf(service),
            declared,
            goneForMs: now - at,
          }),
        ),
      }
    },
    watch(onHint) {
      // One of its own for each: who watches twice is hinted twice, and ends each alone.
      const hint = (): void => onHint()
      watchers.add(hint)
      return () => void watchers.delete(hint)
    },
    async close() {
      watchers.clear()
      held.clear()
    },
  }
}

/** The latest changes, and a hash over all there ever were. */
function createChangeLog() {
  let entries: { readonly change: Change; readonly hash: string }[] = []
  /** Revision that the first of them led to. */
  let first = 1
  let version: Version = Object.freeze({ revision: 0, hash: digest('sha1', randomUUID()) })
  return {
    version: () => version,
    all: () => entries.map(({ change }) => change),
    add(change: Change, word: string): void {
      const hash = digest('sha1', `${version.hash} ${word}`)
      version = Object.freeze({ revision: version.revision + 1, hash })
      entries.push({ change, hash })
      // Cut now and then: at each change it would cost as much as the whole log.
      if (entries.length < MOST_CHANGES * 2) return
      entries = entries.slice(-MOST_CHANGES)
      first = version.revision - MOST_CHANGES + 1
    },
    /** Undefined when the version is none of this log, or too old. */
    since(seen: Version): Change[] | undefined {
      const at = seen.revision - first
      if (version.revision - seen.revision > MOST_CHANGES || entries[at]?.hash !== seen.hash) return undefined
      return entries.slice(at + 1).map(({ change }) => change)
    },
  }
}
