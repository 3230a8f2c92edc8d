/**
 * What every part of a gateway is given.
 *
 * @module
 */
import type { Config } from '../config.ts'
import type { Keys } from '../keys.ts'
import type { Cells } from '../lifecycle/cells.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Live } from '../routing/live.ts'
import type { VitalsBook } from '../routing/vitals.ts'

export interface Core {
  /** As it was at the start; what may change meanwhile comes from `sliceOf`. */
  readonly config: Config
  /** Absent where a change of the configuration is never heard of. */
  readonly cells?: Cells | undefined
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

/** What a part is told of the configuration, kept as it is now: its fields are to be read where they are used. */
export function sliceOf<Slice extends object>(
  { config, cells }: Pick<Core, 'config' | 'cells'>,
  slice: (config: Config) => Slice,
): Slice {
  return cells?.of(slice) ?? slice(config)
}
