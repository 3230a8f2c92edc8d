/**
 * Until when sessions last that were renewed at some other place: at another node, or in the primary of a worker.
 *
 * What is said of a session is an end it had at some time: it may have been renewed since, and never ends earlier, but for
 * revocations, which every node knows by itself.
 *
 * @module
 */

import { setNewest } from '../newest.ts'
import type { Clock } from '../observe/clock.ts'
import type { MailboxStore } from '../store/mailboxes/port.ts'

export interface SessionLives {
  /** Until when a session lasts, as others know; 0 when they know nothing of it. Rejects while nobody can say. */
  endsAt(sid: string): Promise<number>
}

/** What nodes tell each other through the store. */
export interface StoredLives extends SessionLives {
  /** A session was given to a browser here. Nothing waits for it to be written. */
  renewed(sid: string, endsAt: number): void
}

export interface StoredLivesDeps {
  readonly mailboxes: Pick<MailboxStore, 'open' | 'read'>
  readonly clock: Pick<Clock, 'now' | 'after'>
}

/** Ends that could not be written yet; the oldest are forgotten first. */
const MOST = 50_000
const WRITE_AGAIN_MS = 1000
/** Clocks of nodes differ. */
const LEEWAY_MS = 60_000

/** Until when a session lasts stands in an empty mailbox of its own. */
export function createStoredLives({ mailboxes, clock }: StoredLivesDeps): StoredLives {
  const unwritten = new Map<string, number>()
  let isWaiting = false
  const boxOf = (sid: string): string => `session ${sid}`

  async function stored(sid: string): Promise<number> {
    const { about } = await mailboxes.read(boxOf(sid), undefined, 1)
    return Number(about) || 0
  }
  async function write(sid: string, endsAt: number): Promise<void> {
    try {
      // Another node may have renewed it later, and written before.
      const latest = Math.max(endsAt, await stored(sid))
      const keepMs = Math.max(LEEWAY_MS, latest - clock.now() + LEEWAY_MS)
      await mailboxes.open(boxOf(sid), keepMs, { about: String(latest) })
    } catch {
      const before = unwritten.get(sid) ?? 0
      setNewest(unwritten, sid, Math.max(before, endsAt), MOST)
      writeLater()
    }
  }
  function writeLater(): void {
    if (isWaiting) return
    isWaiting = true
    clock.after(WRITE_AGAIN_MS, () => {
      isWaiting = false
      const all = [...unwritten]
      unwritten.clear()
      for (const [sid, endsAt] of all) if (endsAt > clock.now()) void write(sid, endsAt)
    })
  }

  return {
    renewed: (sid, endsAt) => void write(sid, endsAt),
    endsAt: stored,
  }
}

/** What a worker asks its primary. */
export interface AskedLives extends SessionLives {
  /** The primary has answered; undefined: nobody can say now. */
  answered(sid: string, endsAt: number | undefined): void
}

/** Whoever asks for one session at a time shares the question: `session-ends.ts`. */
export function createAskedLives(ask: (sid: string) => void): AskedLives {
  type Waiting = { readonly resolve: (endsAt: number) => void; readonly reject: (error: Error) => void }
  const waiting = new Map<string, Waiting>()
  return {
    endsAt(sid) {
      return new Promise((resolve, reject) => {
        waiting.set(sid, { resolve, reject })
        ask(sid)
      })
    },
    answered(sid, endsAt) {
      const one = waiting.get(sid)
      waiting.delete(sid)
      if (endsAt === undefined) one?.reject(new Error('nobody can say now how long this session lasts'))
      else one?.resolve(endsAt)
    },
  }
}
