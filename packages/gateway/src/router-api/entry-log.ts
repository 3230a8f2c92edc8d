/**
 * What `/v1/router/log` tells: the newest entries.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Exchange } from '../proxy/exchange.ts'

export interface LogEntry {
  /** ISO 8601. */
  readonly ts: string
  /** `info`, `error`, `request`, `message`; of clients: `log`. */
  readonly type: string
  readonly entry: unknown
}

export interface EntryLog {
  /** `at`: when it happened, epoch ms. @default now */
  add(type: string, entry: unknown, at?: number): void
  /** The oldest first; the same list until there is another entry. */
  list(): readonly LogEntry[]
}

/** The oldest are forgotten. */
export const MOST_ENTRIES = 100
/** Of an entry that is longer as JSON, this much is kept, as text. */
const MOST_UNITS = 4096

export function createEntryLog({ clock }: { readonly clock: Pick<Clock, 'now'> }): EntryLog {
  const entries: LogEntry[] = []
  let listed: readonly LogEntry[] | undefined
  return {
    add(type, entry, at = clock.now()) {
      const text = JSON.stringify(entry) ?? 'null'
      const kept = text.length <= MOST_UNITS ? entry : `${text.slice(0, MOST_UNITS - 1).toWellFormed()}…`
      listed = undefined
      if (entries.length >= MOST_ENTRIES) entries.shift()
      entries.push({ ts: new Date(at).toISOString(), type, entry: kept })
    },
    list() {
      listed ??= [...entries]
      return listed
    },
  }
}

/** What is told of a request that is over; `service`: whose route it took. */
export interface RequestEntry {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly service?: string
}

export function requestEntry({ method, path, status, route }: Exchange): RequestEntry {
  return { method, path, status, ...(route ? { service: route.service } : {}) }
}
