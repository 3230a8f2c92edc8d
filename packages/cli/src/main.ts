/**
 * The `hydra` command: finds the command, reads its flags, says what went wrong in a sentence.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { ConfigError, nearest } from '@hydra-gateway/gateway/config'
import { IdentityStoreError } from '@hydra-gateway/gateway/identity'
import { KeysError } from '@hydra-gateway/gateway/keys'
import { formatProblems } from '@hydra-gateway/gateway/terminal'
import { type Command, defineCommand, findCommand, readArgs } from './command.ts'
import { start } from './commands/start.ts'
import { formatHelp } from './help.ts'
import { CommandError, EXIT, type Io, processIo } from './io.ts'
import { wrap } from './wrap.ts'

const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version

/** All commands; of `hydra start`, which goes on as a gateway, that one alone: the others would stay in memory with it. */
async function commandsFor(words: readonly string[]): Promise<readonly Command[]> {
  return words[0] === start.name ? [start] : (await import('./commands.ts')).COMMANDS
}

function rootOf(subCommands: readonly Command[]): Command {
  const root = defineCommand({
    name: 'hydra',
    summary: 'one front door for many services',
    args: { version: { type: 'boolean', default: false, description: 'Say which version this is' } },
    subCommands,
    async run({ version }, io) {
      io.out(version ? `${VERSION}\n` : formatHelp(root, ['hydra'], io.style.out))
      return EXIT.ok
    },
  })
  return root
}

/** Runs one command line (without `node` and the script). Resolves with the exit status; never rejects. */
export async function main(words: readonly string[]): Promise<number> {
  const io = processIo({ colour: !words.includes('--no-color'), ascii: words.includes('--ascii') })
  const root = rootOf(await commandsFor(words))
  const { command, names, rest } = findCommand(root, words[0] === 'help' ? words.slice(1) : words)
  try {
    const stray = rest[0]
    if (command.subCommands && stray !== undefined && !stray.startsWith('-'))
      throw unknownCommand(command, names, stray)
    if (words[0] === 'help' || rest.includes('--help') || rest.includes('-h')) {
      io.out(formatHelp(command, names, io.style.out))
      return EXIT.ok
    }
    return await command.run(readArgs(command, rest), io)
  } catch (error) {
    return report(error, names, io)
  }
}

function unknownCommand(
  { subCommands = [] }: Command,
  names: readonly string[],
  stray: string,
): CommandError {
  const near = nearest(
    stray,
    subCommands.map(({ name }) => name),
  )
  // `hydra drain` is `hydra services drain`; of a word that several have, nobody knows which is meant.
  const [holder, another] = subCommands.filter((one) => one.subCommands?.some(({ name }) => name === stray))
  const meant = near ?? (holder && !another ? `${holder.name} ${stray}` : undefined)
  return new CommandError(
    `"${[...names, stray].join(' ')}" is no command${meant ? `; did you mean "${[...names, meant].join(' ')}"?` : '.'}`,
    EXIT.usage,
  )
}

function report(error: unknown, names: readonly string[], io: Io): number {
  const { err: style } = io.style
  if (error instanceof ConfigError) {
    const command = names.at(-1)
    const consequence = command === 'reload' ? 'The gateway goes on as it is.' : ''
    io.err(formatProblems(error, style, { consequence, isCheck: command === 'check' }))
    return EXIT.problem
  }
  if (error instanceof KeysError || error instanceof IdentityStoreError || error instanceof CommandError) {
    io.err(
      style.plain(
        `${wrap(`✕ ${error.message}`, style.columns - 2)
          .map(style.bad)
          .join('\n  ')}\n`,
      ),
    )
    const exit = error instanceof CommandError ? error.exit : EXIT.problem
    if (exit === EXIT.usage)
      io.err(style.plain(`  ${style.underline(`${names.join(' ')} --help`)} says what there is.\n`))
    return exit
  }
  io.err(`${error instanceof Error ? error.stack : String(error)}\n`)
  return EXIT.problem
}
