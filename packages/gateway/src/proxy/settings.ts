/**
 * What the data plane can be told: limits, patience and how much of it. The configuration maps onto this.
 *
 * @module
 */

/** Every value is needed; `proxyDefaults` has one for each. Times are ms, sizes are bytes. */
export interface ProxySettings {
  /** Longest request head; above: 431. Heads of answers may always have 64 KiB. */
  readonly maxHeadBytes: number
  /** Longest path with query; above: 414. */
  readonly maxTargetBytes: number
  /** Most header lines of a request; above: 431. Answers may always have 1000. */
  readonly maxHeaderLines: number
  /** Largest request body, unless the route says otherwise; above: 413. `Infinity` for no limit. */
  readonly maxBodyBytes: number
  /** Until a visitor has sent a request head; then 408. */
  readonly clientHeadTimeoutMs: number
  /** Slowest a visitor may send a body while we are ready for it, bytes per second over five seconds; then 408. 0 for no limit. */
  readonly minBodyRate: number
  /** How long an idle connection of a visitor stays open. */
  readonly keepAliveTimeoutMs: number

  /** Until an instance took the connection. */
  readonly connectTimeoutMs: number
  /** From the end of the request until the answer's head, unless the route says otherwise. */
  readonly headTimeoutMs: number
  /** Longest pause inside a body, either way. Never applies to event streams and upgraded connections. */
  readonly idleTimeoutMs: number
  /** How long an idle connection to an instance is kept, or shorter where the instance says so; 0 keeps none. */
  readonly upstreamKeepAliveMs: number
  /** Most connections to one instance. */
  readonly maxConnectionsPerInstance: number
  /** Most requests that wait for one of them; above: HYDRA_OVERLOADED. */
  readonly maxQueuedPerInstance: number
  /** At how many instances a request is tried. */
  readonly maxAttempts: number
  /** How often a request may pass this cluster, asked again by services that are proxies; above: HYDRA_LOOP. At least 2. */
  readonly maxPasses: number

  /** Whether answers say how long gateway and service took (`Server-Timing`). */
  readonly serverTiming: boolean

  /** Origins that may open WebSockets beside the one that was asked: `https://shop.example`. */
  readonly allowedOrigins: readonly string[]
  /** How browsers reach us, when that differs from the Host we see; its origin may open WebSockets. */
  readonly publicUrl: string | undefined
}

export const proxyDefaults: ProxySettings = Object.freeze({
  maxHeadBytes: 16 * 1024,
  maxTargetBytes: 8 * 1024,
  maxHeaderLines: 100,
  maxBodyBytes: Number.POSITIVE_INFINITY,
  clientHeadTimeoutMs: 10_000,
  minBodyRate: 240,
  keepAliveTimeoutMs: 75_000,
  connectTimeoutMs: 1000,
  headTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  upstreamKeepAliveMs: 4000,
  maxConnectionsPerInstance: 256,
  maxQueuedPerInstance: 256,
  maxAttempts: 3,
  maxPasses: 10,
  serverTiming: true,
  allowedOrigins: [],
  publicUrl: undefined,
})
