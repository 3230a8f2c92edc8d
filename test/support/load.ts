/**
 * Keeps asking, several at a time, and counts how it went.
 *
 * @module
 */
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { eventually } from './eventually.ts'

export interface Load {
  /** Outcomes so far: what `ask` resolved with, or the message it rejected with. */
  readonly outcomes: ReadonlyMap<string, number>
  /** Resolves when `count` more asks came to `outcome`. */
  more(outcome: string, count: number): Promise<void>
  /** Ends it; resolves when the last answer is in. Happens by itself when the test ends. */
  stop(): Promise<void>
}

/** Asks `atOnce` at a time until stopped. `ask` resolves with a word for how it went. */
export function startLoad(t: Pick<TestContext, 'after'>, ask: () => Promise<string>, atOnce = 8): Load {
  const outcomes = new Map<string, number>()
  let running = true
  const workers = Array.from({ length: atOnce }, async () => {
    while (running) {
      const outcome = await ask().catch((error: Error) =>
        `${error.message} ${(error.cause as Error)?.message ?? ''}`.trim(),
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      // A failure can be faster than anything else that has to happen.
      await nextTurn()
    }
  })
  const stop = async (): Promise<void> => {
    running = false
    await Promise.all(workers)
  }
  t.after(stop)
  return {
    outcomes,
    stop,
    async more(outcome, count) {
      const wanted = (outcomes.get(outcome) ?? 0) + count
      await eventually(() => {
        if ((outcomes.get(outcome) ?? 0) < wanted)
          throw new Error(`too few ${outcome}: ${JSON.stringify([...outcomes])}`)
      }, 10_000)
    },
  }
}
