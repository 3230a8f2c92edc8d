import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slopePerMinute } from './figures.ts'
import { runSoak } from './run.ts'

test('while services come and go nobody gets a wrong answer, and afterwards nothing is left', async (t) => {
  const { faults, summary } = await runSoak({
    seconds: 8,
    churnEveryMs: 1500,
    sayEveryMs: 60_000,
    say: (line) => t.diagnostic(line),
  })
  t.diagnostic(summary)
  assert.deepEqual(faults, [])
})

test('memory that grows is seen to grow, and memory that goes up and down is not', () => {
  const of = (rssOf: (seconds: number) => number) =>
    slopePerMinute(
      Array.from({ length: 300 }, (_, seconds) => ({ seconds, rssBytes: rssOf(seconds), files: 0 })),
    )
  assert.ok(Math.abs(of((seconds) => 1e8 + 1000 * seconds) - 60_000) < 1)
  assert.ok(Math.abs(of((seconds) => 1e8 + 1e7 * (seconds % 10))) < 1e6)
})
