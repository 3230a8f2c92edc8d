/**
 * What the demos have in common: their words, and which of three ways they go: a check that ends by itself, a live table at a
 * terminal, or plain lines.
 *
 * @module
 */
import type { Readable } from 'node:stream'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { createStyle, type Style } from '@hydra-gateway/gateway/terminal'
import { freePort } from './shop/gateway.ts'

interface Run {
  readonly port: number
  /** Aborted when the demo is to end. */
  readonly signal: AbortSignal
}

/** `More`: what the words of one demo alone say. */
export interface Demo<More extends object> {
  readonly usage: string
  /** Words of its own, all with a value. */
  readonly options?: NonNullable<ParseArgsConfig['options']>
  /** What they mean. Throws an Error with the sentence a person is told. */
  read(given: Readonly<Record<string, unknown>>): More
  /** Why it can't run here, for people; undefined when it can. */
  missing?(): string | undefined
  /** All three resolve with the exit status. */
  check(run: Run & { write(text: string): void; readonly style: Style }): Promise<number>
  live(
    run: Run &
      More & {
        readonly styleNow: () => Style
        readonly stdin: NodeJS.ReadStream
        readonly stdout: NodeJS.WriteStream
      },
  ): Promise<number>
  plain(run: Run & More & { write(text: string): void; readonly input: Readable }): Promise<number>
}

/** Resolves with the exit status: 2 for words nobody knows. */
export async function runDemo<More extends object>(
  words: readonly string[],
  demo: Demo<More>,
): Promise<number> {
  const said = readWords(words, demo)
  if (typeof said === 'number') return said
  const missing = demo.missing?.()
  if (missing !== undefined) {
    process.stderr.write(missing)
    return 1
  }
  const { stdin, stdout } = process
  const styleNow = (): Style =>
    createStyle({
      isTerminal: stdout.isTTY === true,
      columns: stdout.columns,
      env: process.env,
      colour: !said.noColour,
      ascii: said.ascii,
    })
  const write = (text: string): void => void stdout.write(text)
  const signal = stopSignal()
  try {
    if (said.check) return await demo.check({ port: said.port ?? 0, write, style: styleNow(), signal })
    const port = said.port ?? (await freePort(8080))
    if (stdin.isTTY && stdout.isTTY)
      return await demo.live({ ...said.more, port, styleNow, signal, stdin, stdout })
    return await demo.plain({ ...said.more, port, write, input: stdin, signal })
  } catch (fault) {
    process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n`)
    return 1
  }
}

interface Words<More> {
  readonly check: boolean
  readonly port: number | undefined
  readonly ascii: boolean
  readonly noColour: boolean
  readonly more: More
}

/** What was said; a number is the exit status of a demo that is over already. */
function readWords<More extends object>(
  words: readonly string[],
  { usage, options = {}, read }: Demo<More>,
): Words<More> | number {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        ...options,
        check: { type: 'boolean', default: false },
        port: { type: 'string' },
        ascii: { type: 'boolean', default: false },
        'no-color': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      return 0
    }
    const port = values.port === undefined ? undefined : Number(values.port)
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
      throw new Error(`--port is a number from 0 to 65535, not ${values.port}`)
    const more = read(values)
    return {
      check: values.check === true,
      port,
      ascii: values.ascii === true,
      noColour: values['no-color'] === true,
      more,
    }
  } catch (fault) {
    process.stderr.write(`${(fault as Error).message}\n\n${usage}`)
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
