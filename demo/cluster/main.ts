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
import { parseArgs } from 'node:util'
import { createStyle } from '@hydra-gateway/gateway/terminal'
import { freePort } from '../shop/gateway.ts'
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

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  const args = readArgs(words)
  if (typeof args === 'number') return args
  if (!isInstalled('redis-server')) {
    process.stderr.write(WITHOUT_REDIS)
    return 1
  }
  const { stdin, stdout } = process
  const styleNow = () =>
    createStyle({
      isTerminal: stdout.isTTY === true,
      columns: stdout.columns,
      env: process.env,
      colour: !args.noColour,
      ascii: args.ascii,
    })
  const write = (text: string): void => void stdout.write(text)
  const signal = stopSignal()
  try {
    if (args.check) return await runCheck({ port: args.port ?? 0, write, style: styleNow(), signal })
    const port = args.port ?? (await freePort(8080))
    const { backAfterMs } = args
    if (stdin.isTTY && stdout.isTTY)
      return await runLive({ port, backAfterMs, styleNow, signal, stdin, stdout })
    return await runPlain({ port, backAfterMs, write, input: stdin, signal })
  } catch (fault) {
    process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n`)
    return 1
  }
}

interface Args {
  readonly check: boolean
  readonly port: number | undefined
  readonly backAfterMs: number
  readonly ascii: boolean
  readonly noColour: boolean
}

function readArgs(words: readonly string[]): Args | number {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        check: { type: 'boolean', default: false },
        port: { type: 'string' },
        back: { type: 'string', default: '5' },
        ascii: { type: 'boolean', default: false },
        'no-color': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const port = values.port === undefined ? undefined : Number(values.port)
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
      throw new Error(`--port is a number from 0 to 65535, not ${values.port}`)
    const back = Number(values.back)
    if (!(back >= 0 && back <= 600)) throw new Error(`--back is a number of seconds, not ${values.back}`)
    const { check, ascii } = values
    return { check, port, backAfterMs: back * 1000, ascii, noColour: values['no-color'] }
  } catch (fault) {
    process.stderr.write(`${(fault as Error).message}\n\n${USAGE}`)
    return 2
  }
}

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

/** Aborted by the first signal that asks us to end; a later one ends us at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  let firstAt: number | undefined
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      firstAt ??= performance.now()
      stop.abort()
      // A terminal and npm may both pass on one Ctrl+C.
      if (performance.now() - firstAt > 250) process.exit(1)
    })
  }
  return stop.signal
}
