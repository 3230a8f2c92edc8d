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
import { parseArgs } from 'node:util'
import { createStyle } from '@hydra-gateway/gateway/terminal'
import { runCheck } from './check/check.ts'
import { runLive } from './live/live.ts'
import { runPlain } from './live/plain.ts'
import { freePort } from './shop/gateway.ts'

const USAGE = `Usage: npm run demo -- [--check] [--port N] [--ascii] [--no-color]

  --check     play the whole story without a keyboard, and say what was seen
  --port N    port of the gateway; otherwise 8080 or the next free one, with --check any free one
  --ascii     letters instead of shapes
  --no-color  no colours

Without a terminal it prints a line for each event and obeys lines such as "kill orders", "revive orders",
"add catalog" and "quit".
`

process.exitCode = await main(process.argv.slice(2))

async function main(words: readonly string[]): Promise<number> {
  const args = readArgs(words)
  if (typeof args === 'number') return args
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
    if (stdin.isTTY && stdout.isTTY) return await runLive({ port, styleNow, signal, stdin, stdout })
    return await runPlain({ port, write, input: stdin, signal })
  } catch (fault) {
    process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n`)
    return 1
  }
}

function readArgs(
  words: readonly string[],
): { check: boolean; port: number | undefined; ascii: boolean; noColour: boolean } | number {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        check: { type: 'boolean', default: false },
        port: { type: 'string' },
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
    return { check: values.check, port, ascii: values.ascii, noColour: values['no-color'] }
  } catch (fault) {
    process.stderr.write(`${(fault as Error).message}\n\n${USAGE}`)
    return 2
  }
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
