/**
 * All WebSockets that run through a gateway: how many, how much, and the way to end them.
 *
 * @module
 */
import { type Clock, systemClock } from '../observe/clock.ts'
import type { Deadlines } from './deadlines.ts'
import { type ClosedBy, Splice, type SpliceFacts, type SpliceParts } from './splice.ts'

export interface OpenSplice extends Pick<SpliceParts, 'visitor' | 'service' | 'about'> {
  /** Called once, when both sides are closed. Must not keep the exchange: a socket outlives it by hours. */
  readonly onClose: (closedBy: ClosedBy) => void
}

export interface Splices {
  /** How many run now. */
  readonly size: number
  readonly opened: number
  /** How many have ended, by who did it first. */
  readonly closedBy: Readonly<Record<ClosedBy, number>>
  /** Bytes from visitors, and from services, of all that ran or run. */
  readonly traffic: Readonly<{ bytesIn: number; bytesOut: number }>
  /** Joins two connections; the caller calls `begin` on what comes back. */
  open(parts: OpenSplice): Splice
  /**
   * Says goodbye to all, and to those that are joined from now on; resolves when all are closed, two seconds after the
   * last was told at most. `overMs`: told one after the other in so long, so that they do not come back all at once. @default 0
   */
  closeAll(code: number, reason: string, overMs?: number): Promise<void>
  /** Says goodbye to some; says to how many. */
  closeWhere(isMeant: (about: SpliceFacts) => boolean, code: number, reason: string): number
  /** Closes all at once. */
  destroyAll(): void
}

/** Makes the book of one gateway. `deadlines` must tick until `closeAll` has resolved. */
export function createSplices(deadlines: Deadlines, after: Clock['after'] = systemClock.after): Splices {
  const running = new Set<Splice>()
  const traffic = { bytesIn: 0, bytesOut: 0 }
  const closedBy = { visitor: 0, service: 0, gateway: 0 }
  let opened = 0
  let onEmpty: (() => void)[] = []
  let goodbye: { readonly code: number; readonly reason: string } | undefined

  function remove(splice: Splice): void {
    running.delete(splice)
    if (running.size > 0) return
    const waiting = onEmpty
    onEmpty = []
    for (const resolve of waiting) resolve()
  }

  return {
    get size() {
      return running.size
    },
    get opened() {
      return opened
    },
    closedBy,
    traffic,
    open({ visitor, service, about, onClose }) {
      const splice = new Splice({
        visitor,
        service,
        about,
        deadlines,
        traffic,
        onClose(who, self) {
          closedBy[who]++
          onClose(who)
          remove(self)
        },
      })
      opened++
      running.add(splice)
      // Agreed to while everybody was told goodbye already: he hears it as soon as the two are joined.
      if (goodbye) {
        const { code, reason } = goodbye
        queueMicrotask(() => splice.end(code, reason))
      }
      return splice
    },
    closeAll(code, reason, overMs = 0) {
      goodbye = { code, reason }
      if (overMs > 0) {
        const eachMs = overMs / running.size
        for (const [at, splice] of [...running].entries()) {
          after(at * eachMs, () => {
            if (running.has(splice)) splice.end(code, reason)
          })
        }
      } else for (const splice of [...running]) splice.end(code, reason)
      if (running.size === 0) return Promise.resolve()
      return new Promise((resolve) => onEmpty.push(resolve))
    },
    closeWhere(isMeant, code, reason) {
      let count = 0
      for (const splice of [...running]) {
        if (!isMeant(splice.about)) continue
        splice.end(code, reason)
        count++
      }
      return count
    },
    destroyAll() {
      for (const splice of [...running]) splice.destroy()
    },
  }
}
