/**
 * What a load is told to do, and what it answers.
 *
 * @module
 */
export interface Job {
  readonly port: number
  readonly connections: number
  /** Ends with so many requests, or after this time; answers that are still out are waited for. */
  readonly until: { readonly requests: number } | { readonly ms: number }
}

/** Every answer was a whole 200 with the right body, or the load failed. */
export interface Seen {
  readonly requests: number
  readonly seconds: number
  /** From the last byte sent to the last byte received; with a new connection, from the call of `connect`. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Says whether one more may be sent, once for each. */
export function budgetOf({ until }: Job): () => boolean {
  if ('requests' in until) {
    let left = until.requests
    return () => left-- > 0
  }
  const end = performance.now() + until.ms
  return () => performance.now() < end
}
