/**
 * The command line of a comparison.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { findProgram } from './program.ts'

/** Flags with a value beside those every comparison has. */
export interface Choice {
  readonly flag: 'only' | 'peers'
  /** What they are called in a sentence. */
  readonly what: string
  readonly names: readonly string[]
}

export interface BenchArguments {
  /** What was chosen of a choice, all of it when nothing was said. */
  chosen(flag: Choice['flag']): readonly string[]
  /** Whether it was said. */
  has(flag: Choice['flag']): boolean
  readonly rounds: number | undefined
  readonly requests: number | undefined
  readonly json: string | undefined
  readonly write: string | undefined
  /** The page to be written to, as it is. */
  readonly page: string
  readonly isProfile: boolean
  /** With `--auth`: what identity costs. */
  readonly isAuth: boolean
  readonly cpuprofile: string | undefined
  /** With `--original`: a checkout of hydra-router. */
  readonly original: string | undefined
}

/** Flags that some comparisons have. */
export interface MoreFlags {
  readonly auth?: true
  readonly original?: true
}

export function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

/** Reads the arguments, or says what is wrong with them and ends. */
export function readArguments(choices: readonly Choice[], more: MoreFlags = {}): BenchArguments {
  try {
    return read(choices, more)
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function read(choices: readonly Choice[], more: MoreFlags): BenchArguments {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      only: text,
      peers: text,
      rounds: text,
      requests: text,
      json: text,
      write: text,
      cpuprofile: text,
      original: text,
      profile: { type: 'boolean', default: false },
      auth: { type: 'boolean', default: false },
    },
  })
  const { json, write, cpuprofile, only, peers } = values
  const said = { only, peers }
  for (const flag of ['auth', 'original'] as const)
    if (values[flag] && !more[flag]) throw new Error(`there is no --${flag} here`)
  for (const flag of ['only', 'peers'] as const)
    if (said[flag] !== undefined && !choices.some((choice) => choice.flag === flag))
      throw new Error(`there is no --${flag} here`)
  const chosen = new Map(choices.map(({ flag, what, names }) => [flag, chooseFrom(said[flag], what, names)]))
  if (write !== undefined && choices.some(({ flag, names }) => chosen.get(flag)!.length < names.length))
    throw new Error('--write needs everything: figures of one page are from one run')
  if (cpuprofile !== undefined && !values.profile) throw new Error('--cpuprofile goes with --profile')
  return {
    chosen: (flag) => chosen.get(flag)!,
    has: (flag) => said[flag] !== undefined,
    rounds: count('--rounds', values.rounds),
    requests: count('--requests', values.requests),
    json,
    write,
    page: write === undefined ? '' : readFileSync(write, 'utf8'),
    isProfile: values.profile,
    isAuth: values.auth,
    cpuprofile,
    original: values.original,
  }
}

function chooseFrom(said: string | undefined, what: string, names: readonly string[]): readonly string[] {
  const wanted = said?.split(',') ?? names
  const unknown = wanted.filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new Error(`there is no ${what} ${unknown.join(', ')}; there are ${names.join(', ')}`)
  return names.filter((name) => wanted.includes(name))
}

function count(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const value = Number(given)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${flag} takes a number from 1 on`)
  return value
}

/** A line that is overwritten; one line in all where it would not be. */
export function progress(title: string): (done: number, all: number) => void {
  if (!process.stderr.isTTY) {
    process.stderr.write(`${title} …\n`)
    return () => {}
  }
  return (done, all) => process.stderr.write(`\r\x1b[K${title}: turn ${done} of ${all}`)
}

/** Programs that are not installed, of those that are needed. */
export function missingPrograms(needed: readonly { readonly program?: string }[]): readonly string[] {
  return needed.flatMap(({ program }) => (program && !findProgram(program) ? [program] : []))
}

const PACKAGES: Readonly<Record<string, string>> = { h2load: 'nghttp2-client', varnishd: 'varnish' }

export function missingSentence(programs: readonly string[]): string {
  const packages = programs.map((name) => PACKAGES[name] ?? name)
  const names = new Intl.ListFormat('en').format(programs)
  return `Not installed and left out: ${names}; on Debian: sudo apt-get install ${packages.join(' ')}`
}
