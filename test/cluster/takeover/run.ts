/**
 * Takeovers while new connections arrive: how many were refused, reset or answered wrongly. Run:
 * npm run bench:takeover [takeovers]
 *
 * @module
 */
import { arrivals } from './arrivals.ts'
import { PATHS, startLookedAfter } from './takeovers.ts'

const takeovers = Number(process.argv[2] ?? 100)
const PER_SECOND = 500
/** Of the gateways' logs that are shown when not all were served. */
const MOST_LINES = 200

const after: (() => unknown)[] = []
try {
  const gateway = await startLookedAfter(
    { after: (run: () => unknown) => void after.unshift(run) } as never,
    {
      logLevel: 'warn',
    },
  )
  const load = arrivals({ port: gateway.port, perSecond: PER_SECOND, paths: PATHS })
  const from = performance.now()
  for (let at = 1; at <= takeovers; at++) {
    const { status, err } = await gateway.takeOver()
    if (status !== 0) throw new Error(`takeover ${at} failed:\n${err}\n${gateway.told().slice(-2000)}`)
    if (at % 10 === 0) console.log(`${at}: ${JSON.stringify(load.counts)}`)
  }
  const seconds = (performance.now() - from) / 1000
  const counts = await load.stop()
  console.log(`${takeovers} takeovers, ${(seconds / takeovers).toFixed(1)} s each: ${JSON.stringify(counts)}`)
  if (counts.served !== counts.asked) {
    process.exitCode = 1
    const lines = gateway.logged().trimEnd().split('\n')
    console.log(lines.slice(-MOST_LINES).join('\n'))
  }
} finally {
  for (const run of after) await run()
}
