/**
 * Store: where the truth about services lives when several nodes share it.
 *
 * The registry acts on what happens at its own node at once and writes it here; what other nodes wrote comes
 * back through `snapshot`, at most one poll interval late. A lapsed lease looks the same as one never granted.
 *
 * @module
 */

/** What one instance declared, as JSON-safe data; the store never looks inside `declared`. */
export interface InstanceRecord {
  readonly id: string
  readonly service: string
  /** Node whose channel heard the instance last. */
  readonly node: string
  readonly declared: unknown
}

export interface StoreSnapshot {
  readonly revision: number
  readonly instances: readonly InstanceRecord[]
}

export interface InstanceStore {
  /** Writes a record and grants or renews its lease. Resolves with the revision that contains it. */
  put(record: InstanceRecord, leaseMs: number): Promise<number>
  /** Renews a lease without changing the record; `unknown` when there is none to renew. */
  renew(id: string, leaseMs: number): Promise<'renewed' | 'unknown'>
  /** Ends a lease at once. Releasing twice is no error. */
  release(id: string): Promise<void>
  /** Grows with every change of what `snapshot` would return, a lapse included. */
  revision(): Promise<number>
  snapshot(): Promise<StoreSnapshot>
  /** A hint to compare revisions: it may repeat or be lost. Returns the function that ends it. */
  watch(onHint: () => void): () => void
  close(): Promise<void>
}
