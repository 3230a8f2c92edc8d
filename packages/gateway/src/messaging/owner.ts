/**
 * Whose something is that is kept for a client of somebody who is signed in: it ends with that session.
 *
 * @module
 */
import type { Caller } from '../identity/port.ts'
import { setNewest } from '../newest.ts'
import type { Clock } from '../observe/clock.ts'

/** Enough to tell whether the session is over. */
export type Owner = Pick<Caller, 'sid' | 'startedAt' | 'sessionEndsAt' | 'revocableAs'>

/** As it stands with a mailbox; empty: nobody's. */
export function writeOwner(owner: Owner | undefined): string {
  if (!owner) return ''
  const { sid, startedAt, sessionEndsAt, revocableAs } = owner
  return JSON.stringify({ sid, startedAt, sessionEndsAt, revocableAs } satisfies Owner)
}

/** Of what `writeOwner` wrote. */
export const readOwner = (about: string): Owner | undefined =>
  about === '' ? undefined : (JSON.parse(about) as Owner)

/** What is kept for clients of somebody that left this node, so that it is removed when their session ends. */
export interface LeftBehind {
  /** A client left; what is kept under a name is its owner's. */
  add(name: string, owner: Owner): void
  delete(name: string): void
  ownerOf(name: string): Owner | undefined
  /** Names of what is over. */
  ended(): string[]
}

/** The oldest are forgotten, and what is theirs ends where it is noticed, or by its age. */
const MOST = 50_000

export function createLeftBehind({
  isOver,
  settings,
  clock,
}: {
  readonly isOver: (owner: Owner) => boolean
  readonly settings: { readonly keepMs: number }
  readonly clock: Pick<Clock, 'now'>
}): LeftBehind {
  const left = new Map<string, { readonly owner: Owner; readonly until: number }>()
  return {
    add(name, owner) {
      setNewest(left, name, { owner, until: clock.now() + settings.keepMs }, MOST)
    },
    delete: (name) => void left.delete(name),
    ownerOf: (name) => left.get(name)?.owner,
    ended() {
      const now = clock.now()
      for (const [name, { until }] of left) if (until <= now) left.delete(name)
      return [...left].filter(([, { owner }]) => isOver(owner)).map(([name]) => name)
    },
  }
}
