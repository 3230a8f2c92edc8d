/**
 * Waits for conditions instead of sleeping.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Repeats `check` until it stops throwing (and returns its value), or throws its last error after `withinMs`: by default
 * for as long as a busy machine may need to start a process. What was promised sooner says so.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  withinMs = 20_000,
  everyMs = 10,
): Promise<T> {
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

/** Waits until `check` says so. */
export const until = (check: () => boolean | Promise<boolean>, what = 'it'): Promise<void> =>
  eventually(async () => assert.ok(await check(), `${what} did not happen`))
