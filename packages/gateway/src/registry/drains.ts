/**
 * Drains: instances an operator took out of rotation, remembered for as long as their process runs. A channel that broke
 * and came back, or a registration that was sent again, brings nobody back into rotation; a new process begins anew.
 *
 * @module
 */
import type { Drain, Member } from './member.ts'

export interface Drains {
  begin(member: Member, reason: string): void
  end(member: Pick<Member, 'id'>): void
  /** What was asked of the process that registers now, if anything; `holder` is who is known by its id. */
  of(member: Member, holder: Member | undefined): Drain | undefined
}

/** Drains of instances that left; beyond it the oldest are forgotten. */
const MOST_REMEMBERED = 10_000

export function createDrains(): Drains {
  const drains = new Map<string, { readonly activeSince: number; readonly reason: string }>()
  return {
    begin({ id, registration: { activeSince } }, reason) {
      drains.delete(id)
      drains.set(id, { activeSince, reason })
      const [oldest] = drains.keys()
      if (drains.size > MOST_REMEMBERED) drains.delete(oldest!)
    },
    end: ({ id }) => void drains.delete(id),
    of({ id, registration: { activeSince } }, holder) {
      const known = drains.get(id)
      if (!known) return undefined
      // Who doesn't say when it started may be another process, unless it never went away.
      const isSame = known.activeSince === activeSince && (activeSince > 0 || holder !== undefined)
      if (isSame) return { reason: known.reason, instead: 'available' }
      drains.delete(id)
      return undefined
    },
  }
}
