/**
 * Looks that somebody asked for: one for all who ask meanwhile, and never more often than now and then. So whoever asks for
 * names nobody has costs Redis nothing to speak of.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'

export interface Looks {
  /** Resolves after a look that began after it was asked for; false: there was none in time. Never rejects. */
  ask(): Promise<boolean>
  stop(): void
}

export interface LooksSettings {
  /** Between looks, ms. @default 100 */
  readonly leastMs: number
  /** How long somebody waits for one, ms. @default 500 */
  readonly waitMs: number
  /** How many wait for the same one; others are told that there is none. @default 1000 */
  readonly mostAsking: number
}

const DEFAULTS: LooksSettings = { leastMs: 100, waitMs: 500, mostAsking: 1000 }

/** `look` never rejects. */
export function createLooks({
  look,
  settings: { leastMs, waitMs, mostAsking } = DEFAULTS,
  clock,
}: {
  readonly look: () => Promise<void>
  readonly settings?: LooksSettings
  readonly clock: Pick<Clock, 'monotonic' | 'after'>
}): Looks {
  /** Called with whether there was a look; they wait for the next one. */
  let asking = new Set<(isDone: boolean) => void>()
  let isPlanned = false
  let isLooking = false
  let isStopped = false
  let nextAt = Number.NEGATIVE_INFINITY
  let cancel = (): void => {}

  const run = async (): Promise<void> => {
    isPlanned = false
    isLooking = true
    nextAt = clock.monotonic() + leastMs
    const those = asking
    asking = new Set()
    await look()
    for (const settle of those) settle(true)
    isLooking = false
    plan()
  }
  const plan = (): void => {
    if (isPlanned || isLooking || isStopped || asking.size === 0) return
    isPlanned = true
    const leftMs = nextAt - clock.monotonic()
    if (leftMs <= 0) void run()
    else cancel = clock.after(leftMs, () => void run())
  }

  return {
    ask() {
      if (isStopped || asking.size >= mostAsking) return Promise.resolve(false)
      return new Promise((resolve) => {
        const giveUp = clock.after(waitMs, () => settle(false))
        const those = asking
        const settle = (isDone: boolean): void => {
          giveUp()
          those.delete(settle)
          resolve(isDone)
        }
        asking.add(settle)
        plan()
      })
    },
    stop() {
      isStopped = true
      cancel()
      for (const settle of asking) settle(false)
    },
  }
}
