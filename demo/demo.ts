/**
 * The demo: a shop of four services in four frameworks behind one gateway, to be killed and brought back.
 *
 * ```sh
 * npm run demo                 # a live table, and keys
 * npm run demo -- --check      # the same story without a keyboard; exit status 0 or 1
 * ```
 *
 * @module
 */
import { runCheck } from './check/check.ts'
import { runDemo } from './command.ts'
import { runLive } from './live/live.ts'
import { runPlain } from './live/plain.ts'

const USAGE = `Usage: npm run demo -- [--check] [--port N] [--ascii] [--no-color]

  --check     play the whole story without a keyboard, and say what was seen
  --port N    port of the gateway; otherwise 8080 or the next free one, with --check any free one
  --ascii     letters instead of shapes
  --no-color  no colours

Without a terminal it prints a line for each event and obeys lines such as "kill orders", "revive orders",
"add catalog" and "quit".
`

process.exitCode = await runDemo(process.argv.slice(2), {
  usage: USAGE,
  read: () => ({}),
  check: runCheck,
  live: runLive,
  plain: runPlain,
})
