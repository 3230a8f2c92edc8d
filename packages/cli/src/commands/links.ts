/**
 * `hydra links` and `hydra links remove`: which accounts are one person, in the identity database itself.
 *
 * @module
 */
import { LOCAL_PROVIDER } from '@hydra-gateway/protocol'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT, sentences } from '../io.ts'
import { printable } from '../table.ts'
import type { OpenedUsers } from '../user-database.ts'
import { DATABASE_ARGS, withUsers } from './users.ts'

const ARGS = {
  account: {
    type: 'positional',
    required: true,
    description: 'provider:subject, as hydra sessions shows it; a bare name is a local user',
  },
  json: GATEWAY_ARGS.json,
  ...DATABASE_ARGS,
} as const

const keyOf = (account: string): string =>
  account.includes(':') ? account : `${LOCAL_PROVIDER}:${account.normalize('NFC')}`

/** The accounts of one person, or a sentence that there is one only. */
async function linkedWith({ links, file }: OpenedUsers, key: string): Promise<readonly string[]> {
  const accounts = (await links.linked(key)).map((one) => one.key)
  if (accounts.length > 0) return accounts
  throw new CommandError(
    `${printable(key)} is linked with no other account in ${file}`,
    EXIT.problem,
    '. hydra sessions  shows accounts as provider:subject.',
  )
}

const remove = defineCommand({
  name: 'remove',
  summary: 'Take one account out of its person; both have to sign in again',
  about: 'The next sign-in with it opens what is its own, until somebody proves both again.',
  args: ARGS,
  run: (args, io) =>
    withUsers(args, io, async (users) => {
      const key = keyOf(args.account)
      const accounts = await linkedWith(users, key)
      await users.links.unlink(key)
      // Sessions bear all accounts of a person until they are renewed.
      for (const account of accounts) await users.revoke(account, 'a link was removed')
      const left = accounts.filter((account) => account !== key)
      if (args.json) io.out(asJson({ removed: key, left }))
      else {
        const others = left.map(printable).join(', ')
        const said = `${printable(key)} stands by itself; before it was one person with ${others}. Their sessions end within a second.\n`
        io.out(sentences(said, io.style.out))
      }
      return EXIT.ok
    }),
})

const show = defineCommand({
  name: 'show',
  summary: 'Show the accounts that are one person with an account',
  args: ARGS,
  run: (args, io) =>
    withUsers(args, io, async (users) => {
      const accounts = await linkedWith(users, keyOf(args.account))
      const lines = accounts.map((account) => `${printable(account)}\n`).join('')
      io.out(args.json ? asJson({ accounts }) : io.style.out.plain(lines))
      return EXIT.ok
    }),
})

export const links = defineCommand({
  name: 'links',
  summary: 'Show which accounts are one person, and take one out',
  about: 'Accounts of several providers become one person when somebody proves both in one session.',
  args: {},
  examples: [
    ['hydra links show mira', 'the accounts that are one person with the local user mira'],
    ['hydra links remove acme:248289761001', 'this account is somebody else'],
  ],
  subCommands: [show, remove],
  async run() {
    throw new CommandError('Which account?', EXIT.usage, ' hydra links show ACCOUNT')
  },
})
