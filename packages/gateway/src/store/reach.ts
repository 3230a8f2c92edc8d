/**
 * Whether the store can be reached: told by the adapter, read by `/health`, metrics, and whoever says of a registration
 * that this node alone knows it.
 *
 * @module
 */

export interface Reach {
  readonly isReachable: boolean
  /** Monotonic ms since when it is so. */
  readonly since: number
  /** Calls back in the tick in which it changes. Returns the function that ends it. */
  onChange(listener: (isReachable: boolean) => void): () => void
}

/** Of a store that is always there. */
export const ALWAYS_REACHABLE: Reach = Object.freeze({
  isReachable: true,
  since: 0,
  onChange: () => () => {},
})
