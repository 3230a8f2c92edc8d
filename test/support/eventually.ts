/**
 * Waits for conditions instead of sleeping.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'

/** Repeats `check` until it stops throwing (and returns its value), or throws its last error after `withinMs`. */
export async function eventually<T>(check: () => T | Promise<T>, withinMs = 5000, everyMs = 10): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(everyMs)
    }
  }
}
