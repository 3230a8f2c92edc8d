/**
 * Commands: what they are called, which flags they take, and what they do.
 *
 * citty names and reads the flags; that a flag exists and has its value is checked here, because a mistyped flag
 * that is silently ignored is the worst of all answers.
 *
 * @module
 */
import { nearest } from '@hydra-gateway/gateway/config'
import { type ArgsDef, type ParsedArgs, parseArgs } from 'citty'
import { CommandError, EXIT, type Io } from './io.ts'

export interface Command<Args extends ArgsDef = ArgsDef> {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What else there is to say in its own help. */
  readonly about?: string
  readonly args: Args
  readonly examples?: readonly (readonly [command: string, does: string])[]
  readonly subCommands?: readonly Command[]
  /** Resolves with the exit status. */
  run(args: ParsedArgs<Args>, io: Io): Promise<number>
}

/** Flags every command takes. */
export const COMMON_ARGS = {
  color: { type: 'boolean', default: true, description: 'Colours, when the output is a terminal' },
  ascii: { type: 'boolean', default: false, description: 'Plain letters instead of shapes' },
  help: { type: 'boolean', default: false, description: 'Say what the command does' },
} as const satisfies ArgsDef

/** Flags of every command that asks a gateway. */
export const GATEWAY_ARGS = {
  gateway: {
    type: 'string',
    valueHint: 'URL',
    description: 'Address of the gateway; otherwise HYDRA_GATEWAY, or the configured port here',
  },
  config: {
    type: 'string',
    valueHint: 'FILE',
    description: 'Configuration file; otherwise hydra.config.* in this directory',
  },
  json: { type: 'boolean', default: false, description: 'JSON, for programs' },
} as const satisfies ArgsDef

/** Types a command by its flags. */
export function defineCommand<const Args extends ArgsDef>(command: Command<Args>): Command {
  return command as unknown as Command
}

/** The command the words lead to, the names on the way there, and what is left of the words. */
export function findCommand(
  root: Command,
  words: readonly string[],
): { command: Command; names: readonly string[]; rest: readonly string[] } {
  let command = root
  const names = [root.name]
  let rest = words
  for (;;) {
    const index = rest.findIndex((word) => !word.startsWith('-'))
    const next = index === 0 ? command.subCommands?.find(({ name }) => name === rest[0]) : undefined
    if (!next) return { command, names, rest }
    command = next
    names.push(next.name)
    rest = rest.slice(1)
  }
}

/** Reads flags and words; throws CommandError for what the command does not take. */
export function readArgs(command: Command, rest: readonly string[]): ParsedArgs<ArgsDef> {
  const args: ArgsDef = { ...command.args, ...COMMON_ARGS }
  const flags = new Map(Object.entries(args).filter(([, { type }]) => type !== 'positional'))
  const positionals = Object.keys(args).length - flags.size
  let words = 0
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!
    if (word === '--') throw usage('-- has no meaning here')
    if (!word.startsWith('-') || word === '-') {
      words++
      if (words > positionals) throw usage(`"${word}" is one word too many`)
      continue
    }
    const [flag, value] = splitFlag(word)
    const name = flag.startsWith('no-') && isBoolean(flags.get(flag.slice(3))) ? flag.slice(3) : flag
    const known = flags.get(name)
    if (!word.startsWith('--') || !known) throw unknownFlag(word, flags.keys())
    if (isBoolean(known)) {
      if (value !== undefined) throw usage(`--${flag} takes no value`)
      continue
    }
    const next = value ?? rest[++i]
    if (next === undefined || next === '' || next.startsWith('--')) throw usage(`--${flag} needs a value`)
  }
  const missing = Object.entries(args).filter(
    ([, arg]) => arg.type === 'positional' && arg.required !== false,
  )[words]
  if (missing) throw usage(`${missing[0].toUpperCase()} is missing`)
  return parseArgs([...rest], args)
}

const isBoolean = (arg: ArgsDef[string] | undefined): boolean => arg?.type === 'boolean'

function splitFlag(word: string): [flag: string, value: string | undefined] {
  const at = word.indexOf('=')
  const flag = word.replace(/^--?/, '')
  return at === -1 ? [flag, undefined] : [word.slice(0, at).replace(/^--?/, ''), word.slice(at + 1)]
}

function unknownFlag(word: string, names: Iterable<string>): CommandError {
  const meant = nearest(splitFlag(word)[0], names)
  return usage(`${word} is not a flag we know${meant ? `; did you mean --${meant}?` : ''}`)
}

const usage = (message: string) => new CommandError(message, EXIT.usage)
