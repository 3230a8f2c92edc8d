/**
 * Store: where the truth about services lives when several nodes share it.
 *
 * The registry acts on what happens at its own node at once and writes it here; what other nodes wrote comes
 * back through `look`, at most one poll interval late. Nothing here compares clocks of nodes: the store counts the time
 * of leases by itself, and a jump of its clock ends none (`redis/instances.lua`).
 *
 * A **claim** says whose word counts for an instance: a node makes a new one each time a registration is heard there. Who
 * holds an older claim, because it stood still or was cut off, can neither renew, change nor end what another node
 * heard since.
 *
 * @module
 */

/** What one instance declared, as JSON-safe data; the store never looks inside `declared`. */
export interface InstanceRecord {
  readonly id: string
  readonly service: string
  /** Node whose channel heard the instance last. */
  readonly node: string
  /** Made anew, and never twice, for each registration: under it the record is renewed, amended and released. */
  readonly claim: string
  /** `recovering`: its channel closed and may return; nobody sends it requests. */
  readonly state: 'available' | 'recovering'
  readonly declared: unknown
}

/** That an operator, or the instance itself, takes it out of rotation; `activeSince` tells which of its processes is meant. */
export interface StoredDrain {
  readonly reason: string
  readonly activeSince: number
}

/** A record as everybody sees it. */
export interface ListedInstance extends InstanceRecord {
  /** Order of claims to routes, of its service: the lowest came first. The same on every node. */
  readonly rank: number
  readonly drain?: StoredDrain | undefined
}

/** A record that is not listed any more. */
export interface GoneInstance {
  readonly id: string
  readonly service: string
  readonly claim: string
  /** `left`: its node says so. `lapsed`: nobody renewed it; its node may be dead, and the instance may not. */
  readonly how: 'left' | 'lapsed'
  readonly reason: string
}

/** A service without instances, as its last one declared it. */
export interface RememberedService {
  readonly service: string
  readonly rank: number
  readonly declared: unknown
  /** Time the store has counted since its last instance went, ms. */
  readonly goneForMs: number
}

/** Where a reader stands. Opaque beside equality: after a failover to an older copy of the store no two are equal by chance. */
export interface Version {
  /** Grows with every change of what a look would tell, by one. */
  readonly revision: number
  /** Hash over all changes up to here: `overallRouteHashKey`. */
  readonly hash: string
}

/** What changed since a version. */
export interface Look {
  readonly version: Version
  /** Everything there is, because the reader's version is none of this store's, or too old. */
  readonly isWhole: boolean
  /** Changed, or new; all of them when it is whole. */
  readonly instances: readonly ListedInstance[]
  /** Gone since then, the oldest first; when it is whole: those of the last minute. */
  readonly gone: readonly GoneInstance[]
  /** Services that were forgotten since then; empty when it is whole. */
  readonly forgotten: readonly string[]
  /** Only when it is whole. */
  readonly remembered: readonly RememberedService[]
}

/** The right to renew, amend or release one record. */
export interface Lease {
  readonly id: string
  readonly claim: string
}

export interface InstanceStore {
  /** Writes a record and grants its lease, whoever held it before. A drain of the same process stays. */
  put(record: InstanceRecord, leaseMs: number): Promise<void>
  /** Changes state or declaration under the same claim, without renewing. False, and nothing happens, when the claim is not the one that is listed. */
  amend(record: InstanceRecord): Promise<boolean>
  /** Renews many at once. Resolves with the ids that were not: unknown, or listed under another claim. */
  renew(leases: readonly Lease[], leaseMs: number): Promise<readonly string[]>
  /** Ends a lease at once if the claim is the one that is listed. Releasing twice is no error. */
  release(lease: Lease, reason: string): Promise<void>
  /** Sets or (undefined) ends the drain of an instance, whoever holds it. False when it is not listed. */
  drain(id: string, drain: StoredDrain | undefined): Promise<boolean>
  /** Forgets a service and all its records. */
  forget(service: string): Promise<void>
  /** Sends a service behind all others, if its rank is still `from`. */
  rerank(service: string, from: number): Promise<void>
  /** What changed; undefined when nothing did. Leases that ran out are ended first. */
  look(seen: Version | undefined): Promise<Look | undefined>
  /** A hint to look: it may repeat or be lost. Returns the function that ends it. */
  watch(onHint: () => void): () => void
  close(): Promise<void>
}
