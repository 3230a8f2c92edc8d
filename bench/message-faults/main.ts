/**
 * What becomes of messages while everything is killed: `npm run soak:messages`.
 *
 *     npm run soak:messages -- --minutes 1                   each of the two schedules for so long; 5 unless told otherwise
 *     npm run soak:messages -- --clients 100                 500 unless told otherwise
 *     npm run soak:messages -- --seed 7                      the same faults in the same order again
 *     npm run soak:messages -- --only forgets                one of the schedules: keeps, forgets
 *     npm run soak:messages -- --json FILE                   writes what was found
 *     npm run soak:messages -- --write docs/reliability.md   replaces the figures of that page
 *
 * Two gateways, Redis, services and clients as processes of their own on loopback. The same run in short is
 * `test/messages/soak.test.ts`. Needs redis-server. The exit status is 1 when a promise was broken.
 *
 * @module
 */
import { randomInt } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runSoak, type SoakResult } from '../../test/messages/soak/run.ts'
import { fail, missingSentence } from '../support/bench-arguments.ts'
import { formatFacts, readFacts } from '../support/facts.ts'
import { formatPart } from '../support/part.ts'
import { replaceFigures } from '../support/performance-page.ts'
import { findProgram } from '../support/program.ts'
import { endAfter } from '../support/run.ts'
import { partsOf, SCHEDULES, type Schedule } from './report.ts'

const { minutes, clients, seed, only, json, write } = readWords()
const page = write === undefined ? '' : readFileSync(write, 'utf8')
if (!findProgram('redis-server')) fail(missingSentence(['redis-server']))
endAfter((minutes * SCHEDULES.length * 2 + 5) * 60_000)

const facts = readFacts()
for (const [name, value] of formatFacts(facts)) console.log(`${name.padEnd(12)} ${value}`)
const found: [Schedule, SoakResult][] = []
for (const schedule of SCHEDULES) {
  if (only !== undefined && only !== schedule.name) continue
  console.log(`\n${schedule.title}: seed ${seed}`)
  const ends: (() => unknown)[] = []
  try {
    const result = await runSoak(
      { after: (end?: unknown) => void ends.push(end as () => unknown) },
      {
        ...{ seconds: minutes * 60, clients, classic: Math.ceil(clients / 25), seed },
        ...{ perSecond: Math.max(40, clients * 0.6), pauseMs: 2500 },
        isForgetful: schedule.isForgetful,
        say: (line) => console.log(`  ${line}`),
      },
    )
    for (const fault of result.faults) console.log(`  ✕ ${fault}`)
    found.push([schedule, result])
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const parts = partsOf(found, minutes)
for (const part of parts) console.log(`\n${formatPart(part)}`)
const broken = found.flatMap(([, { faults }]) => faults)
console.log(
  broken.length === 0
    ? '\nEvery promise was kept.'
    : `\n${broken.length} promises were broken (seed ${seed}).`,
)
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ facts, found }, undefined, 2)}\n`)
if (write !== undefined) writeFileSync(write, replaceFigures(page, 'message-faults', { facts, parts }))
process.exit(broken.length === 0 ? 0 : 1)

function readWords() {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({
      options: { minutes: text, clients: text, seed: text, only: text, json: text, write: text },
    })
    const number = (name: 'minutes' | 'clients' | 'seed', usual: number, least: number): number => {
      const value = values[name] === undefined ? usual : Number(values[name])
      if (!(value >= least)) throw new Error(`--${name} is a number of at least ${least}`)
      return value
    }
    const { only, json, write } = values
    if (only !== undefined && !SCHEDULES.some(({ name }) => name === only))
      throw new Error(`there is no ${only}; there are ${SCHEDULES.map(({ name }) => name).join(', ')}`)
    if (write !== undefined && only !== undefined)
      throw new Error('--write needs both schedules: figures of one page are from one run')
    return {
      minutes: number('minutes', 5, 0.1),
      clients: Math.floor(number('clients', 500, 1)),
      seed: Math.floor(number('seed', randomInt(1, 1_000_000), 0)),
      only,
      json,
      write,
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}
