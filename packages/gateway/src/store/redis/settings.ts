/**
 * Where Redis is, and how patient we are with it.
 *
 * @module
 */

export interface RedisSettings {
  /** `redis://`, `rediss://`, `redis+sentinel://h1,h2/name[/db]`, `redis+cluster://h1,h2`; with `rediss+` TLS. User and password may stand in it. */
  readonly url: string
  /** Stands before every key and channel. */
  readonly prefix: string
  /** PEM. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly sentinelPassword?: string
  readonly connectTimeoutMs: number
  /** Until an answer has to be there; otherwise Redis counts as away. */
  readonly commandTimeoutMs: number
  /** Commands that may be under way at once, at each server; more are refused. @default 10000 */
  readonly maxInFlight?: number
}
