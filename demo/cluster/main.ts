/**
 * The cluster demo: two gateways, Redis and the shop; any of them may be killed, while a counter shows that no visitor
 * notices.
 *
 * ```sh
 * npm run demo:cluster               # a live table, and keys
 * npm run demo:cluster -- --check    # everything is killed in turn, without a keyboard; exit status 0 or 1
 * ```
 *
 * @module
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runDemo } from '../command.ts'
import { runCheck } from './check.ts'
import { runLive } from './live.ts'
import { runPlain } from './plain.ts'

const USAGE = `Usage: npm run demo:cluster -- [--check] [--port N] [--back N] [--ascii] [--no-color]

  --check     kill everything in turn without a keyboard, and say what was seen
  --port N    where visitors come; otherwise 8080 or the next free one, with --check any free one
  --back N    seconds until what was killed is started again; otherwise 5
  --ascii     letters instead of shapes
  --no-color  no colours

Without a terminal it prints a line for each event and obeys lines such as "kill node a", "kill redis", "kill orders"
and "quit".
`

const WITHOUT_REDIS = `redis-server is not installed: the nodes of a cluster share a Redis.

  Debian, Ubuntu    sudo apt-get install redis-server
  macOS             brew install redis
  with Docker       docker compose up --build     the same cluster, in containers

The shop with one gateway needs none:  npm run demo
`

process.exitCode = await runDemo(process.argv.slice(2), {
  usage: USAGE,
  options: { back: { type: 'string', default: '5' } },
  read({ back }) {
    const seconds = Number(back)
    if (!(seconds >= 0 && seconds <= 600)) throw new Error(`--back is a number of seconds, not ${back}`)
    return { backAfterMs: seconds * 1000 }
  },
  missing: () => (isInstalled('redis-server') ? undefined : WITHOUT_REDIS),
  check: runCheck,
  live: runLive,
  plain: runPlain,
})

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}
