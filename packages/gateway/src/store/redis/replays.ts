/**
 * Tells messages that are heard for the first time from recordings of them. Who sends counts its messages, anew with each
 * start of a process (an epoch), and says when each was sent.
 *
 * ```
 * an epoch we know      a count is taken once, in whatever order, among the last 1024; older ones never
 * one we don't know     it has just begun, or we forgot it: only what was sent since we listen, and a moment ago
 * either                nothing that was sent long before what came last from there
 * ```
 *
 * Counts that are missing mean nothing: they were lost, or sent on topics nobody listens to here.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'

/** What every message says of itself, sealed with it. */
export interface Mark {
  readonly epoch: string
  /** From 1. */
  readonly count: number
  /** By the time all nodes share, ms. */
  readonly sentAt: number
}

export type Judgement = 'new' | 'repeated' | 'late'

export interface ReplaySettings {
  /** How late a message may come, ms. @default 30000 */
  readonly mostAgeMs?: number
  /** By how much the shared time of two nodes may differ as one of them starts, ms. @default 2000 */
  readonly slackMs?: number
  /** Senders that are kept in mind, about 300 bytes each; those heard of last stay. @default 1000 */
  readonly mostSenders?: number
}

export interface ReplayDeps extends ReplaySettings {
  /** The time all nodes share, ms; undefined while it is not known. */
  readonly now: () => number | undefined
  readonly clock: Pick<Clock, 'monotonic'>
}

interface Sender {
  highest: number
  /** Which of the last counts were heard: a bit each, in a ring. */
  readonly heard: Uint32Array
  /** How far its time is ahead of our own clock, by the message that was fastest here. */
  ahead: number
  heardAt: number
}

const WINDOW = 1024

/** Judges messages; those that are new are noted. */
export function createReplayGuard(deps: ReplayDeps): { judge(mark: Mark): Judgement } {
  const { mostAgeMs = 30_000, slackMs = 2000, mostSenders = 1000, now, clock } = deps
  const openedAt = clock.monotonic()
  /** Those heard of last stand at the end. */
  const senders = new Map<string, Sender>()

  /** By the time all share. */
  const isFresh = (sentAt: number, mono: number): boolean => {
    const shared = now()
    if (shared === undefined) return false
    const age = shared - sentAt
    return Math.abs(age) <= mostAgeMs && age <= mono - openedAt + slackMs
  }
  /** Nobody is forgotten for another one who might be replayed at once. */
  const hasRoom = (mono: number): boolean => {
    if (senders.size < mostSenders) return true
    const [oldest, { heardAt }] = senders.entries().next().value!
    if (mono - heardAt <= 2 * mostAgeMs) return false
    return senders.delete(oldest)
  }

  return {
    judge({ epoch, count, sentAt }) {
      const mono = clock.monotonic()
      const ahead = sentAt - mono
      const known = senders.get(epoch)
      // A clock of Redis that jumps is noticed by nodes one after the other: what goes on as it went is in time.
      const isInTime = known !== undefined && ahead >= known.ahead - mostAgeMs
      if (!isInTime && !isFresh(sentAt, mono)) return 'late'
      if (known && wasHeard(known, count)) return 'repeated'
      if (!known && !hasRoom(mono)) return 'late'
      const sender = known ?? { highest: 0, heard: new Uint32Array(WINDOW / 32), ahead, heardAt: mono }
      note(sender, count)
      if (ahead > sender.ahead || !isInTime) sender.ahead = ahead
      sender.heardAt = mono
      senders.delete(epoch)
      senders.set(epoch, sender)
      return 'new'
    },
  }
}

function wasHeard({ highest, heard }: Sender, count: number): boolean {
  if (count > highest) return false
  if (count <= highest - WINDOW) return true
  const at = count % WINDOW
  return ((heard[at >>> 5]! >>> (at & 31)) & 1) === 1
}

function note(sender: Sender, count: number): void {
  const { highest, heard } = sender
  if (count - highest >= WINDOW) heard.fill(0)
  else for (let skipped = highest + 1; skipped < count; skipped++) clear(heard, skipped % WINDOW)
  if (count > highest) sender.highest = count
  const at = count % WINDOW
  heard[at >>> 5]! |= 1 << (at & 31)
}

function clear(heard: Uint32Array, at: number): void {
  heard[at >>> 5]! &= ~(1 << (at & 31))
}
