/**
 * Renewals of leases in the store: gathered for a moment, and sent many at a time. One round is under way at once; what is
 * heard meanwhile goes with the next. What can't be sent is dropped: the next sign of life asks again.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { InstanceStore, Lease } from '../store/port.ts'

export interface RenewalsDeps {
  readonly store: Pick<InstanceStore, 'renew'>
  /** Whether the store may be written to now. */
  readonly isOpen: () => boolean
  /** The store lists it under another claim, or not at all. */
  readonly onLost: (lease: Lease) => void
  readonly onFailed: (error: unknown) => void
  readonly clock: Pick<Clock, 'after'>
}

export interface Renewals {
  /** Renews a lease for so long, with all others of this moment. */
  add(lease: Lease, forMs: number): void
  drop(id: string): void
  stop(): void
}

/** Renewals are gathered for so long, and so many are one call. */
const GATHER_MS = 250
const MOST_RENEWED = 1000

export function createRenewals({ store, isOpen, onLost, onFailed, clock }: RenewalsDeps): Renewals {
  let due = new Map<string, { readonly lease: Lease; readonly forMs: number }>()
  let cancel: (() => void) | undefined
  let isRenewing = false
  let isStopped = false
  const renewSoon = (): void => {
    if (isRenewing || isStopped || due.size === 0) return
    cancel ??= clock.after(GATHER_MS, () => {
      cancel = undefined
      void renewAll()
    })
  }
  const renewAll = async (): Promise<void> => {
    const byTime = Map.groupBy(due.values(), ({ forMs }) => forMs)
    due = new Map()
    isRenewing = true
    for (const [forMs, leases] of byTime)
      for (let at = 0; at < leases.length; at += MOST_RENEWED)
        await renewPortion(
          leases.slice(at, at + MOST_RENEWED).map(({ lease }) => lease),
          forMs,
        )
    isRenewing = false
    renewSoon()
  }
  const renewPortion = async (leases: readonly Lease[], forMs: number): Promise<void> => {
    if (!isOpen()) return
    try {
      const lost = new Set(await store.renew(leases, forMs))
      for (const lease of leases) if (lost.has(lease.id)) onLost(lease)
    } catch (error) {
      onFailed(error)
    }
  }
  return {
    add(lease, forMs) {
      due.set(lease.id, { lease, forMs })
      renewSoon()
    },
    drop: (id) => void due.delete(id),
    stop() {
      isStopped = true
      cancel?.()
    },
  }
}
