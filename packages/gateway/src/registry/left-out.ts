/**
 * What the store lists and this node can't use: records that are no registrations, and those there is no room for. Each is
 * said once.
 *
 * @module
 */
import type { Log } from '../observe/log.ts'
import type { ListedInstance } from '../store/port.ts'

export interface LeftOut {
  /** It is no registration. */
  refuse(record: ListedInstance, reason: string): void
  /** There is no room for it; without an id for nothing of its service. */
  overflow(record: { readonly id?: string; readonly service: string }): void
  /** It was taken in after all. */
  taken(id: string): void
  /** The store does not list it any more. */
  gone(id: string): void
  /** Whether some wait for room. */
  readonly isWaiting: boolean
  /** There is room again: those that wait for it, once. */
  takeWaiting(): string[]
  readonly count: number
}

/** Records that are kept in mind. */
const MOST_LEFT_OUT = 10_000

export function createLeftOut({ log }: { readonly log: Pick<Log, 'warn'> }): LeftOut {
  /** Those that are no registrations, by the claim under which they were found so. */
  const refused = new Map<string, string>()
  /** Those there was no room for. */
  const skipped = new Set<string>()
  let isFull = false
  const forget = (id: string): void => {
    refused.delete(id)
    skipped.delete(id)
  }
  return {
    refuse({ id, service, node, claim }, reason) {
      if (refused.get(id) === claim) return
      if (refused.size < MOST_LEFT_OUT) refused.set(id, claim)
      log.warn({ instance: id, service, node, reason }, 'store: a record was left out')
    },
    overflow({ id, service }) {
      if (id !== undefined && skipped.size < MOST_LEFT_OUT) skipped.add(id)
      if (isFull) return
      isFull = true
      log.warn(
        { instance: id, service },
        'store: it lists more instances than this gateway may know (registration.maxInstances); the others are left out',
      )
    },
    taken: forget,
    gone: forget,
    get isWaiting() {
      return skipped.size > 0
    },
    takeWaiting() {
      isFull = false
      const ids = [...skipped]
      skipped.clear()
      return ids
    },
    get count() {
      return refused.size + skipped.size
    },
  }
}
