/**
 * What a command may touch: three streams, the environment, the directory it was called in.
 *
 * @module
 */
import { createStyle, fold, type Style } from '@hydra-gateway/gateway/terminal'
import { type Keyboard, processKeyboard } from './keyboard.ts'
import { type Input, processInput } from './secret.ts'

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly directory: string
  /** Results, for people and for pipes. */
  out(text: string): void
  /** What went wrong, and remarks that are no result. */
  err(text: string): void
  /** What people type, and what is piped in. */
  readonly input: Input
  /** For commands that go on while somebody looks; undefined where nobody sits. */
  readonly keyboard: Keyboard | undefined
  /** Calls back when nobody takes results any more: the other end of a pipe is closed. */
  onOutputGone(listener: () => void): void
  /** How the two streams look, after `--no-color` and `--ascii` were read. */
  readonly style: { readonly out: Style; readonly err: Style }
}

/** What is said in sentences, for one of the two streams: lines of a terminal are broken between words. */
export const sentences = (text: string, style: Style): string => style.plain(fold(text, style.columns))

/** Everything a command ends with. */
export const EXIT = { ok: 0, problem: 1, usage: 2, noGateway: 3 } as const

/** What `--json` prints. */
export const asJson = (value: unknown): string => `${jsonText(value, 2)}\n`

/** JSON in which nothing moves the cursor of a terminal, or turns what is read around: that is written as escapes. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A failure a person can do something about: said in a sentence or two, without a stack. */
export class CommandError extends Error {
  readonly exit: number
  /** What is so, without what to do about it; for who goes on all the same. */
  readonly fact: string

  /** The message is the fact and, after it, the way out. */
  constructor(fact: string, exit: number, wayOut?: string) {
    super(wayOut === undefined ? fact : `${fact}${wayOut}`)
    this.name = 'CommandError'
    this.exit = exit
    this.fact = fact
  }
}

/** Whoever reads may have seen enough, as `head` has after ten lines: that is nobody's failure. */
function passOverGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

/** The real streams. */
export function processIo({ colour, ascii }: { colour: boolean; ascii: boolean }): Io {
  const { env, stdout, stderr } = process
  for (const stream of [stdout, stderr]) stream.on('error', passOverGone)
  const styleOf = (stream: NodeJS.WriteStream) =>
    createStyle({
      isTerminal: stream.isTTY === true,
      columns: stream.columns || undefined,
      env,
      colour,
      ascii,
    })
  return {
    env,
    directory: process.cwd(),
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    input: processInput(),
    keyboard: processKeyboard(),
    onOutputGone: (listener) => void stdout.on('error', listener),
    style: { out: styleOf(stdout), err: styleOf(stderr) },
  }
}
