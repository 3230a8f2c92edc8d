/**
 * `npm run soak:messages` in short.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSoak } from './soak/run.ts'

test('nodes, services and Redis are killed, lines cut: each client gets each message once and in order, or is told', async (t) => {
  const { faults, resuming, counts } = await runSoak(t, {
    ...{ seconds: 10, clients: 60, classic: 4, perSecond: 150, seed: 17, isForgetful: true, pauseMs: 500 },
    say: (line) => t.diagnostic(line),
  })
  t.diagnostic(JSON.stringify({ ...resuming, failed: counts.failed }))
  assert.deepEqual(faults, [])
  assert.ok(resuming.handed > 200, `only ${resuming.handed} messages were handed over`)
  assert.ok(counts.answered > 10, `only ${counts.answered} questions were answered`)
})
