/**
 * Orphans: instances whose lease lapsed without a word. Their node may be dead and they may not, so they stay in rotation while
 * something answers at their address, until another node heard them or their time is over.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Member } from './member.ts'

export interface Orphans {
  /** Begins to look after one. `isCounted`: its time runs while the store is away, too. */
  begin(member: Member, options?: { readonly isCounted?: boolean }): void
  end(id: string): void
  has(id: string): boolean
  /** Time passed. While the store is away nobody can say that he heard them. */
  check(isStoreThere: boolean): void
}

export interface OrphansDeps {
  /** How long they may stay, ms. */
  readonly forMs: number
  /** Whether something listens there. */
  readonly probe: (address: { readonly host: string; readonly port: number }) => Promise<boolean>
  /** Whether a node says that it is there. @default nobody knows */
  readonly isNodeThere?: ((node: string) => boolean) | undefined
  readonly remove: (id: string, reason: string) => void
  readonly clock: Pick<Clock, 'monotonic'>
}

interface Orphan {
  readonly member: Member
  readonly isCounted: boolean
  spentMs: number
  checkedAt: number
  probedAt: number
}

const PROBE_MS = 1000
/** A node that is listed for so long after it heard one last did not die: it knows better. */
const NODE_MS = 6500

export function createOrphans({ forMs, probe, isNodeThere, remove, clock }: OrphansDeps): Orphans {
  const orphans = new Map<string, Orphan>()

  const ask = async (orphan: Orphan): Promise<void> => {
    const { id, instance } = orphan.member
    orphan.probedAt = clock.monotonic()
    const isThere = await probe(instance.address)
    // Heard again or gone meanwhile: the answer says nothing any more.
    if (isThere || orphans.get(id) !== orphan) return
    orphans.delete(id)
    remove(id, 'no node hears it, and it refuses connections')
  }
  return {
    begin(member, { isCounted = false } = {}) {
      if (orphans.has(member.id)) return
      const now = clock.monotonic()
      const orphan: Orphan = { member, isCounted, spentMs: 0, checkedAt: now, probedAt: now }
      orphans.set(member.id, orphan)
      void ask(orphan)
    },
    end: (id) => void orphans.delete(id),
    has: (id) => orphans.has(id),
    check(isStoreThere) {
      const now = clock.monotonic()
      for (const [id, orphan] of orphans) {
        if (isStoreThere || orphan.isCounted) orphan.spentMs += now - orphan.checkedAt
        orphan.checkedAt = now
        if (orphan.spentMs >= forMs) {
          orphans.delete(id)
          remove(id, `no node heard it within ${forMs / 1000} s`)
        } else if (orphan.spentMs >= NODE_MS && isNodeThere?.(orphan.member.node)) {
          orphans.delete(id)
          remove(id, 'its node is there, and does not hear it')
        } else if (now - orphan.probedAt >= PROBE_MS) void ask(orphan)
      }
    },
  }
}
