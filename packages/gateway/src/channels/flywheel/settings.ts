/**
 * Limits of what is taken from the Redis of `hydra` services: whoever may write there can write anything.
 *
 * @module
 */

/** Those an operator sets; their defaults are those of the configuration. */
export interface FlywheelNetworkLimits {
  /** Services that are looked at, and instances of all of them. */
  readonly maxServices: number
  readonly maxInstances: number
  /** Routes of one service. */
  readonly maxRoutes: number
  /** Entries of `hydra:service:nodes` that are listed. */
  readonly maxNodes: number
  /** Bytes of a message that is taken from a channel. */
  readonly maxMessageBytes: number
  /** Messages in the queue of a service; above, no more are put there. */
  readonly maxQueue: number
  /** Messages in a stream; above, no more are put there. */
  readonly maxStreamLength: number
  /** Other routers that are kept in mind. */
  readonly maxRouters: number
  /** Mail for a client that is away: messages, bytes, and for how long. Above, the oldest go. */
  readonly keepMessages: number
  readonly keepBytes: number
  readonly keepForMs: number
}

/** Those nobody sets: far above what honest services write, and the pace of the library they use. */
export interface FlywheelNetworkBounds {
  /** Bytes of all routes of one service. @default 1 MiB */
  readonly maxRouteBytes: number
  /** Bytes of one entry of `hydra:service:nodes`. @default 16 KiB */
  readonly maxEntryBytes: number
  /** Bytes of a message that names all clients of a router. @default 16 MiB */
  readonly maxDirectoryBytes: number
  /** Clients at all other routers together that are kept in mind. @default 500000 */
  readonly maxPeerClients: number
  /** How often is looked who is there. @default 1000 */
  readonly lookMs: number
  /**
   * After Redis was away, who was there before is believed to be for as long as it was away, and at most so long: the library
   * looks for Redis with growing pauses, and never writes its routes again. @default 600000
   */
  readonly maxReturnMs: number
  /** How often routes are read again, unasked. @default 10000 */
  readonly rereadMs: number
}

export type FlywheelNetworkSettings = FlywheelNetworkLimits & FlywheelNetworkBounds

export const FLYWHEEL_NETWORK_BOUNDS: FlywheelNetworkBounds = Object.freeze({
  maxRouteBytes: 2 ** 20,
  maxEntryBytes: 16 * 1024,
  maxDirectoryBytes: 2 ** 24,
  maxPeerClients: 500_000,
  lookMs: 1000,
  maxReturnMs: 600_000,
  rereadMs: 10_000,
})
