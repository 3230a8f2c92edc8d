/**
 * A new password: asked for twice, or read from standard input.
 *
 * @module
 */
import { LEAST_PASSWORD } from '@hydra-gateway/gateway/identity'
import { CommandError, EXIT, type Io } from './io.ts'
import { printable } from './table.ts'

/** `name`: whose it is, for the prompt. */
export async function newPassword(name: string | undefined, isPiped: boolean, io: Io): Promise<string> {
  const password = isPiped ? await piped(io) : await asked(name, io)
  if (password.length >= LEAST_PASSWORD) return password
  throw new CommandError(
    password === '' ? 'There is no password' : `The password is shorter than ${LEAST_PASSWORD} characters`,
    EXIT.problem,
    '; nothing was changed.',
  )
}

async function piped({ input }: Io): Promise<string> {
  const line = await input.readLine()
  if (line !== undefined) return line
  throw new CommandError('What came from standard input is too long for a password', EXIT.problem, '.')
}

async function asked(name: string | undefined, { input }: Io): Promise<string> {
  if (!input.isTerminal) {
    throw new CommandError(
      'There is no terminal to ask for a password at',
      EXIT.usage,
      '. Pipe it in with --password-stdin',
    )
  }
  const gaveUp = () => new CommandError('No password was given; nothing was changed', EXIT.problem, '.')
  const first = await input.askSecret(`Password${name === undefined ? '' : ` for ${printable(name)}`}: `)
  if (first === undefined) throw gaveUp()
  // not asked for again: it would not do anyway
  if (first.length < LEAST_PASSWORD) return first
  const second = await input.askSecret('The same again: ')
  if (second === undefined) throw gaveUp()
  if (first !== second)
    throw new CommandError('The two are not the same; nothing was changed', EXIT.problem, '.')
  return first
}
