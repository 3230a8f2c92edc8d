/**
 * What every part of a gateway is given.
 *
 * @module
 */
import type { Config } from '../config.ts'
import type { Keys } from '../keys.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Live } from '../routing/live.ts'
import type { VitalsBook } from '../routing/vitals.ts'

export interface Core {
  readonly config: Config
  readonly keys: Keys
  /** 0 to 1, as Math.random. */
  readonly random: () => number
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** The table requests read, and what changes per request beside it. */
  readonly live: Live
  readonly vitals: VitalsBook
}
