/**
 * The core figures of the gateway, as tables with their targets: `npm run bench:core`.
 *
 *     npm run bench:core -- --only table,events          some parts: table, scanner, identity, proxy, events
 *     npm run bench:core -- --json FILE                  writes what was measured
 *     npm run bench:core -- --write docs/performance.md  replaces the figures of that page
 *
 * Takes a minute and a half; needs Linux, and a machine on which nothing else happens. A missed target is said,
 * and is no failure: the exit code is 1 only when something could not be measured.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { formatFacts, readFacts } from './support/facts.ts'
import { countTargets, formatPart, type Part } from './support/part.ts'
import { PARTS } from './support/parts.ts'
import { replaceFigures } from './support/performance-page.ts'

/** Longer than anything here takes: what hangs ends, and its children with it. */
const MOST_MS = 240_000

type PartName = keyof typeof PARTS
const names = Object.keys(PARTS) as PartName[]

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

const { only, json, write } = readArguments()
const page = write === undefined ? undefined : readFileSync(write, 'utf8')
setTimeout(() => fail(`not done after ${MOST_MS / 1000} s`), MOST_MS).unref()

const facts = readFacts()
for (const [name, value] of formatFacts(facts)) console.log(`${name.padEnd(12)} ${value}`)
const parts: Part[] = []
for (const name of only) {
  const began = performance.now()
  const outcome = await PARTS[name]()
  const part: Part = { name, ...outcome, seconds: (performance.now() - began) / 1000 }
  parts.push(part)
  console.log(`\n${formatPart(part)}`)
}
const { met, all } = countTargets(parts)
console.log(
  `\n${met} of ${all} targets met, ${parts.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(0)} s`,
)

if (json !== undefined) {
  const rows = parts.map(({ name, seconds, data }) => ({ name, seconds, data }))
  writeFileSync(json, `${JSON.stringify({ facts, parts: rows }, undefined, 2)}\n`)
}
if (write !== undefined && page !== undefined)
  writeFileSync(write, replaceFigures(page, 'figures', { facts, parts }))

function readArguments(): { only: readonly PartName[]; json?: string; write?: string } {
  try {
    const options = { only: { type: 'string' }, json: { type: 'string' }, write: { type: 'string' } } as const
    const { values } = parseArgs({ options })
    const { only, ...files } = values
    const chosen = only?.split(',') ?? names
    const unknown = chosen.filter((name) => !names.includes(name as PartName))
    if (unknown.length > 0)
      throw new Error(`there is no part ${unknown.join(', ')}; there are ${names.join(', ')}`)
    if (files.write !== undefined && chosen.length < names.length) {
      throw new Error('--write needs all parts: figures of one page are from one run')
    }
    return { ...files, only: names.filter((name) => chosen.includes(name)) }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}
