/**
 * What pages cost that stay open, and how soon they are told: `npm run bench:live`.
 *
 *     npm run bench:live -- --requests 1000               so many pages instead of 5 000
 *     npm run bench:live -- --rounds 50                   more deaths than ten
 *     npm run bench:live -- --json FILE                   writes what was measured
 *     npm run bench:live -- --write docs/performance.md   replaces the figures of that page
 *
 * Takes a minute and a half; needs Linux, 6 000 open files, and a machine on which nothing else happens. A missed target
 * is said, and is no failure.
 *
 * @module
 */
import { progress, readArguments } from '../support/bench-arguments.ts'
import { remarksOn, splitCores } from '../support/processes.ts'
import { endAfter, runSteps } from '../support/run.ts'
import { measure } from './measure.ts'
import { reportLive } from './report.ts'

const PAGES = 5000
const KILLS = 10
const RETURNING = 1000
const MOST_MS = 900_000

const given = readArguments([])
endAfter(MOST_MS)
const cores = splitCores()
const pages = given.requests ?? PAGES
const remarks = remarksOn(cores)

await runSteps([{ name: 'live', run }], given, { place: 'live', remarks })

async function run() {
  const measured = await measure({
    pages,
    kills: given.rounds ?? KILLS,
    returning: Math.min(RETURNING, pages),
    cores,
    onTurn: progress('deaths'),
  })
  return [reportLive(measured)]
}
