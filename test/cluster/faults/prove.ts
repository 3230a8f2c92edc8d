/**
 * Faults as tests: each file of tests opens one stage and lets them happen one after the other.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openStage, type Stage, type StageOptions } from './stage.ts'
import { BUSY_MS, type Scenario } from './trial.ts'
import { formatRow, formatTiming, missed } from './words.ts'

/** Declares a test for each. */
export function prove(scenarios: readonly Scenario[], options: StageOptions = {}): void {
  let stage: Stage | undefined
  before(async () => {
    stage = await openStage(options)
  })
  after(() => stage?.end())
  for (const { title, run } of scenarios) {
    test(title, async (t) => {
      const { rows, timings, faults, notes } = await run(stage!, {
        isLong: false,
        say: (what) => t.diagnostic(what),
      })
      for (const line of [...rows.map(formatRow), ...timings.map(formatTiming), ...notes]) t.diagnostic(line)
      assert.deepEqual([...faults, ...timings.flatMap((timing) => missed(timing, BUSY_MS))], [])
    })
  }
}
