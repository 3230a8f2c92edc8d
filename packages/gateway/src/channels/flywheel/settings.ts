/**
 * Limits of what is taken from the Redis of `hydra` services: whoever may write there can write anything.
 *
 * @module
 */

export interface FlywheelNetworkSettings {
  /** Services that are looked at, and instances of all of them. @default 5000 and 10000 */
  readonly maxServices: number
  readonly maxInstances: number
  /** Routes of one service, and bytes of all of them. @default 5000 and 1 MiB */
  readonly maxRoutes: number
  readonly maxRouteBytes: number
  /** Entries of `hydra:service:nodes` that are listed. @default 20000 */
  readonly maxNodes: number
  /** Bytes of one of them. @default 16 KiB */
  readonly maxEntryBytes: number
  /** Bytes of a message that is taken from a channel. @default 1 MiB */
  readonly maxMessageBytes: number
  /** The same of one that names all clients of a router. @default 16 MiB */
  readonly maxDirectoryBytes: number
  /** Messages in the queue of a service; above, no more are put there. @default 100000 */
  readonly maxQueue: number
  /** Messages in a stream; above, no more are put there. @default 1000000 */
  readonly maxStreamLength: number
  /** Other routers, and clients at all of them together, that are kept in mind. @default 200 and 500000 */
  readonly maxRouters: number
  readonly maxPeerClients: number
  /** Mail for a client that is away: messages, bytes, and for how long. Above, the oldest go. @default 1000, 1 MiB, 24 h */
  readonly keepMessages: number
  readonly keepBytes: number
  readonly keepForMs: number
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

export const FLYWHEEL_NETWORK_DEFAULTS: FlywheelNetworkSettings = Object.freeze({
  maxServices: 5000,
  maxInstances: 10_000,
  maxRoutes: 5000,
  maxRouteBytes: 2 ** 20,
  maxNodes: 20_000,
  maxEntryBytes: 16 * 1024,
  maxMessageBytes: 2 ** 20,
  maxDirectoryBytes: 2 ** 24,
  maxQueue: 100_000,
  maxStreamLength: 1_000_000,
  maxRouters: 200,
  maxPeerClients: 500_000,
  keepMessages: 1000,
  keepBytes: 2 ** 20,
  keepForMs: 86_400_000,
  lookMs: 1000,
  maxReturnMs: 600_000,
  rereadMs: 10_000,
})
