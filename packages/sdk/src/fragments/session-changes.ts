/**
 * What services said while a page was rendered that is to be kept of its visitor, put together: one session each.
 *
 * @module
 */
import type { VisitorSessions } from './binding.ts'

export interface SessionChanges {
  /**
   * A service wants `session` kept; undefined changes nothing. `by` is the place in the page of the fragment that
   * said so: of several of one service the last in the page stays, whichever was there first.
   */
  keep(service: string, session: unknown, by: number): void
  /** All there is, by service, and forgets it; undefined when nothing changed. */
  take(): VisitorSessions | undefined
}

export function createSessionChanges(): SessionChanges {
  const changed = new Map<string, { readonly session: unknown; readonly by: number }>()
  return {
    keep(service, session, by) {
      const before = changed.get(service)
      if (session !== undefined && (!before || before.by <= by)) changed.set(service, { session, by })
    },
    take() {
      if (changed.size === 0) return undefined
      const taken = Object.fromEntries([...changed].map(([service, { session }]) => [service, session]))
      changed.clear()
      return taken
    },
  }
}
