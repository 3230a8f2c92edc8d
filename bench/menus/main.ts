/**
 * How soon a browser shows that a service died: `npm run bench:menus`. Real tabs, a real kill, the link in the menu.
 *
 *     npm run bench:menus -- --rounds 200                  more deaths than fifty
 *     npm run bench:menus -- --json FILE                   writes what was measured
 *     npm run bench:menus -- --write docs/performance.md   replaces the figures of that page
 *
 * Takes a minute and a half; needs Chromium, or its path in HYDRA_CHROMIUM. A missed target is said, and is no failure.
 *
 * @module
 */
import { fail, progress, readArguments } from '../support/bench-arguments.ts'
import { remarksOn, splitCores } from '../support/processes.ts'
import { findProgram } from '../support/program.ts'
import { endAfter, runSteps } from '../support/run.ts'
import { measure } from './measure.ts'
import { reportMenus } from './report.ts'

const TABS = 3
const KILLS = 50
const MOST_MS = 900_000

const given = readArguments([])
endAfter(MOST_MS)
const chromium =
  process.env.HYDRA_CHROMIUM ??
  findProgram('chromium') ??
  findProgram('chromium-browser') ??
  findProgram('google-chrome') ??
  fail('this bench needs Chromium: install it, or set HYDRA_CHROMIUM to its path')
const cores = splitCores()
const remarks = remarksOn(cores)

await runSteps([{ name: 'menus', run }], given, { place: 'menus', remarks })

async function run() {
  const kills = given.rounds ?? KILLS
  return [reportMenus(await measure({ tabs: TABS, kills, chromium, cores, onTurn: progress('deaths') }))]
}
