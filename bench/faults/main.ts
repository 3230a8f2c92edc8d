/**
 * What becomes of requests while things are killed: `npm run bench:faults`.
 *
 *     npm run bench:faults -- --quick                      each fault just long enough to see it
 *     npm run bench:faults -- --only redis-stopped,churn   some of them
 *     npm run bench:faults -- --json FILE                  writes what was measured
 *     npm run bench:faults -- --write docs/reliability.md  replaces the figures of that page
 *
 * Two gateways, Redis and services as processes of their own on loopback, and 500 requests a second. The faults are
 * those of `test/cluster`, at full length. Takes about a quarter of an hour; needs redis-server. The exit status is 1
 * when a promise was broken.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { FAULTS } from '../../test/cluster/faults/all.ts'
import { openStage } from '../../test/cluster/faults/stage.ts'
import type { Finding } from '../../test/cluster/faults/trial.ts'
import { formatRow, formatTiming, missed } from '../../test/cluster/faults/words.ts'
import { fail, missingSentence } from '../support/bench-arguments.ts'
import { formatFacts, readFacts } from '../support/facts.ts'
import { formatPart } from '../support/part.ts'
import { replaceFigures } from '../support/performance-page.ts'
import { findProgram } from '../support/program.ts'
import { endAfter } from '../support/run.ts'
import { type Found, partsOf } from './report.ts'

const MOST_MS = 3_600_000

const { quick, only, json, write } = readWords()
const page = write === undefined ? '' : readFileSync(write, 'utf8')
if (!findProgram('redis-server')) fail(missingSentence(['redis-server']))
endAfter(MOST_MS)

const facts = readFacts()
for (const [name, value] of formatFacts(facts)) console.log(`${name.padEnd(12)} ${value}`)
const found: Found[] = []
for (const { scenario, stage: options } of FAULTS.filter(({ scenario }) => only.includes(scenario.name))) {
  console.log(`\n${scenario.name}: ${scenario.title}`)
  const finding = await attempt(async () => {
    const stage = await openStage(options)
    try {
      return await scenario.run(stage, { isLong: !quick, say })
    } finally {
      await stage.end()
    }
  })
  say('')
  const { rows, timings, notes } = finding
  const faults = [...finding.faults, ...timings.flatMap((timing) => missed(timing))]
  for (const line of [...rows.map(formatRow), ...timings.map(formatTiming), ...notes])
    console.log(`  ${line}`)
  for (const fault of faults) console.log(`  ✕ ${fault}`)
  found.push({ name: scenario.name, ...finding, faults })
}

const parts = partsOf(found)
for (const part of parts) console.log(`\n${formatPart(part)}`)
const broken = found.flatMap(({ faults }) => faults)
console.log(broken.length === 0 ? '\nEvery promise was kept.' : `\n${broken.length} promises were broken.`)
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ facts, found }, undefined, 2)}\n`)
if (write !== undefined) writeFileSync(write, replaceFigures(page, 'faults', { facts, parts }))
process.exit(broken.length === 0 ? 0 : 1)

/** What goes wrong in one does not end the others. */
async function attempt(run: () => Promise<Finding>): Promise<Finding> {
  try {
    return await run()
  } catch (error) {
    const fault = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { rows: [], timings: [], notes: [], faults: [fault] }
  }
}

/** What is being done now, in a line that is overwritten; at a terminal only. */
function say(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what && `  … ${what}`}`)
}

function readWords(): {
  readonly quick: boolean
  readonly only: readonly string[]
  readonly json: string | undefined
  readonly write: string | undefined
} {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({
      options: { quick: { type: 'boolean', default: false }, only: text, json: text, write: text },
    })
    const names = FAULTS.map(({ scenario }) => scenario.name)
    const only = values.only?.split(',') ?? names
    const unknown = only.filter((name) => !names.includes(name))
    if (unknown.length > 0)
      throw new Error(`there is no fault ${unknown.join(', ')}; there are ${names.join(', ')}`)
    if (values.write !== undefined && (values.quick || values.only !== undefined))
      throw new Error('--write needs everything, at full length: figures of one page are from one run')
    return { quick: values.quick, only, json: values.json, write: values.write }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}
