/**
 * Session book: what this node saw of sessions, for operators, and until when they last, for what outlives a request.
 *
 * Sessions live in browsers; here is no more than a memory of them, bounded, and lost at a restart. It is written when a
 * session begins or is renewed here, when a token is seen for the first time, and when a socket opens or closes; never for
 * a request.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import { identityKey } from './identities.ts'
import type { Caller, Revocations } from './port.ts'

/** A session as it was seen last. Times are epoch ms. */
export interface SeenSession {
  readonly sid: string
  readonly username: string
  /** `provider:subject` of whom they signed in as. */
  readonly identity: string
  readonly providers: readonly string[]
  readonly startedAt: number
  /** When it began or was renewed here, a token of it was new, or a socket opened: not each request. */
  readonly seenAt: number
  /** It ends then unless it is renewed. */
  readonly endsAt: number
  /** Where it was seen last. */
  readonly address: string | undefined
  /** Open now, at this node. */
  readonly sockets: number
}

export interface SessionPage {
  /** The latest sign-in first. */
  readonly sessions: readonly SeenSession[]
  /** How many there are, on this page and others. */
  readonly total: number
  /** `after` for the next page; undefined on the last. */
  readonly next: string | undefined
}

/** What is written down of a session, as a token of it says. */
export type Noted = Pick<
  Caller,
  'sid' | 'startedAt' | 'sessionEndsAt' | 'identities' | 'providers' | 'revocableAs'
>

export interface SessionBook {
  /** A session was given to a browser, or a token of it was verified that was not known here. */
  seen(session: Noted, address: string | undefined): void
  /** A socket opened. Returns what to call when it closes; calling it twice does no harm. */
  opened(session: Noted, address: string | undefined): () => void
  /** Until when a session lasts as far as this node knows; undefined when it knows nothing of it. */
  endsAt(sid: string): number | undefined
  /** Sessions that last. `user`: by user name or `provider:subject`. */
  list(options?: { readonly user?: string; readonly limit?: number; readonly after?: string }): SessionPage
}

export interface SessionBookDeps {
  readonly revocations: Pick<Revocations, 'isRevoked'>
  readonly clock: Pick<Clock, 'now'>
  readonly settings?: {
    /** How many sessions are remembered; the one not seen for longest goes first. @default 100_000 */
    readonly most?: number
  }
}

type Kept = { -readonly [Key in keyof SeenSession]: SeenSession[Key] } & { revocableAs: readonly string[] }

export function createSessionBook({ revocations, clock, settings = {} }: SessionBookDeps): SessionBook {
  const { most = 100_000 } = settings
  /** The one seen last stands last. */
  const book = new Map<string, Kept>()

  const seen = (session: Noted, address: string | undefined): Kept => {
    const { sid, startedAt, sessionEndsAt, identities, providers, revocableAs } = session
    const [first] = identities
    const before = book.get(sid)
    if (before) book.delete(sid)
    const kept: Kept = before ?? {
      sid,
      username: '',
      identity: '',
      providers,
      startedAt,
      seenAt: 0,
      endsAt: 0,
      address,
      sockets: 0,
      revocableAs,
    }
    // an older token may come after a newer one: what it says of the end is over
    if (sessionEndsAt >= kept.endsAt) {
      kept.username = first?.username ?? ''
      kept.identity = first ? identityKey(first) : ''
      kept.providers = providers
      kept.endsAt = sessionEndsAt
      kept.revocableAs = revocableAs
    }
    kept.seenAt = clock.now()
    kept.address = address ?? kept.address
    book.set(sid, kept)
    if (book.size > most) dropOldest()
    return kept
  }
  /** One that has sockets open is passed over, as long as it is not all of the oldest. */
  const dropOldest = (): void => {
    let tries = 0
    for (const [sid, { sockets }] of book) {
      if (sockets > 0 && ++tries < 16) continue
      book.delete(sid)
      return
    }
  }

  return {
    seen: (session, address) => void seen(session, address),
    opened(session, address) {
      const kept = seen(session, address)
      kept.sockets++
      let isOpen = true
      return () => {
        if (isOpen) kept.sockets--
        isOpen = false
      }
    },
    endsAt: (sid) => book.get(sid)?.endsAt,
    list({ user, limit = 100, after } = {}) {
      const now = clock.now()
      const wanted = user === undefined ? undefined : `user:${user.normalize('NFC')}`
      const latest = createLatest(limit + 1)
      let total = 0
      for (const kept of book.values()) {
        if (wanted !== undefined && !kept.revocableAs.includes(wanted)) continue
        if (kept.endsAt <= now || revocations.isRevoked(kept)) continue
        total++
        if (after === undefined || isBefore(after, kept)) latest.offer(kept)
      }
      const found = latest.sorted()
      const sessions = found.slice(0, limit).map(({ revocableAs: _, ...session }) => session)
      const next = found.length > limit ? sessions.at(-1)?.sid : undefined
      return { sessions, total, next }
    },
  }
}

/** The order of the list: the latest first; ids begin with when that was, in as many characters for centuries. */
const latestFirst = (a: Kept, b: Kept): number => (a.sid < b.sid ? 1 : a.sid > b.sid ? -1 : 0)
const isBefore = (sid: string, kept: Kept): boolean => kept.sid < sid

/** Keeps the first few of very many, without sorting all of them. */
function createLatest(limit: number) {
  let kept: Kept[] = []
  const cut = (): void => {
    kept.sort(latestFirst)
    kept = kept.slice(0, limit)
  }
  return {
    offer(one: Kept): void {
      kept.push(one)
      if (kept.length >= 2 * limit) cut()
    },
    sorted(): readonly Kept[] {
      cut()
      return kept
    },
  }
}
