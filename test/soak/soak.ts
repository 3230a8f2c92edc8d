/**
 * `npm run soak -- --minutes 10`: a gateway under churn and load for as long as you like, and a verdict.
 */
import { parseArgs } from 'node:util'
import { runSoak } from './run.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) {
  console.error('--minutes takes a number above 0')
  process.exit(2)
}
// An exit takes the gateway along; a signal alone would leave it behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const { faults, summary } = await runSoak({
  seconds: minutes * 60,
  churnEveryMs: 5000,
  sayEveryMs: 10_000,
  say: (line) => console.log(line),
})
console.log(summary)
for (const fault of faults) console.log(`  ✗ ${fault}`)
console.log(faults.length === 0 ? 'Passed: nothing was left, and nothing was wrong.' : 'Failed.')
process.exitCode = faults.length === 0 ? 0 : 1
