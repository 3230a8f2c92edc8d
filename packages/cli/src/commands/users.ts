/**
 * `hydra users` and what is below it: local users, in the identity database or the Redis of the gateways itself. No
 * gateway needs to run; one that does sees a change within a second.
 *
 * @module
 */
import type { UserDesk } from '@hydra-gateway/gateway/identity'
import { HydraError, hashPassword } from '@hydra-gateway/gateway/identity'
import { StoreAway } from '@hydra-gateway/gateway/shared-people'
import type { UserInfo } from '@hydra-gateway/protocol'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT, type Io, sentences } from '../io.ts'
import { didYouMean } from '../meant.ts'
import { newPassword } from '../password.ts'
import { printable } from '../table.ts'
import { type OpenedUsers, openUsers } from '../user-database.ts'
import { formatUsers } from '../user-list.ts'

export const DATABASE_ARGS = {
  database: {
    type: 'string',
    valueHint: 'FILE',
    description:
      'The identity database; otherwise the Redis or the file of the configuration, or .hydra/identity.db',
  },
  config: GATEWAY_ARGS.config,
} as const

const JSON_ARG = { json: GATEWAY_ARGS.json } as const
const NAME_ARG = { name: { type: 'positional', required: true, description: 'User name' } } as const
const PASSWORD_ARGS = {
  'password-stdin': {
    type: 'boolean',
    default: false,
    description: 'Read the password from standard input, one line, instead of asking for it',
  },
} as const
const NO_PASSWORD_ARGUMENT = 'A password is no option: others on this machine could read it there.'

interface Named {
  readonly database?: string | undefined
  readonly config?: string | undefined
}

/** Opens the database, does one thing with it, and closes it whatever happens. */
export async function withUsers<Result>(
  args: Named & { readonly mayMake?: boolean },
  io: Io,
  work: (users: OpenedUsers) => Promise<Result>,
): Promise<Result> {
  const users = await openUsers(args, io)
  try {
    return await work(users)
  } catch (error) {
    if (error instanceof StoreAway)
      throw new CommandError(
        `${users.file} went away in the middle (${error.message})`,
        EXIT.problem,
        '. Look at what has become of it with  hydra users  and try again.',
      )
    if (!(error instanceof HydraError)) throw error
    throw new CommandError(sentence(error.detail ?? error.message), EXIT.problem)
  } finally {
    await users.close()
  }
}

/** A user that must be there; a slip in the name is told from one who is gone. */
async function find({ desk, file, isConfigured }: OpenedUsers, name: string): Promise<UserInfo> {
  const user = await desk.find(name)
  if (user) return user
  if (isConfigured(name)) throw standsInConfiguration(name)
  const names = (await desk.list()).map(({ username }) => username)
  throw new CommandError(
    `No user is called ${printable(name)} in ${file}`,
    EXIT.problem,
    didYouMean(name, names, '. hydra users list  says who there is.'),
  )
}

const standsInConfiguration = (name: string) =>
  new CommandError(
    `${printable(name)} stands in the configuration`,
    EXIT.problem,
    ': change it there, in identity.users (or HYDRA_USERS).',
  )

/** Somebody of the same name in the configuration is who signs in: what is done to the database has no effect there. */
function warnOfConfigured({ isConfigured }: OpenedUsers, name: string, instead: string, io: Io): void {
  if (!isConfigured(name)) return
  const sentence = `${printable(name)} stands in the configuration as well, which wins: ${instead}.`
  io.err(sentences(`${io.style.err.warning('▲')} ${sentence}\n`, io.style.err))
}

const change = (
  args: Named & { readonly name: string; readonly json: boolean },
  io: Io,
  body: Parameters<UserDesk['change']>[1],
  { said, instead }: { said: (user: UserInfo) => string; instead: string },
): Promise<number> =>
  withUsers(args, io, async (users) => {
    await find(users, args.name)
    const user = await users.desk.change(args.name, body)
    tell(io, args.json, user, said(user))
    warnOfConfigured(users, args.name, instead, io)
    return EXIT.ok
  })

function tell(io: Io, json: boolean, user: UserInfo, text: string): void {
  io.out(json ? asJson({ user }) : io.style.out.plain(`${text}\n`))
}

const add = defineCommand({
  name: 'add',
  summary: 'Add a user, with a password that is asked for',
  about: NO_PASSWORD_ARGUMENT,
  args: {
    ...NAME_ARG,
    roles: { type: 'string', valueHint: 'A,B', description: 'Roles, with commas' },
    id: { type: 'string', valueHint: 'NUMBER', description: 'Number that applications know the user by' },
    metadata: {
      type: 'string',
      valueHint: 'JSON',
      description: 'Further claims of their tokens, such as {"department":"garden"}',
    },
    ...PASSWORD_ARGS,
    ...DATABASE_ARGS,
    ...JSON_ARG,
  },
  examples: [
    ['hydra users add ada --roles USER,ADMIN', 'asks for the password twice'],
    ['pass show ada | hydra users add ada --password-stdin', 'from a password store'],
  ],
  run({ name, roles, id, metadata, json, ...args }, io) {
    const body = {
      username: name,
      ...(roles === undefined ? {} : { roles: newRolesOf(roles) }),
      ...(id === undefined ? {} : { id: numberOf(id) }),
      ...(metadata === undefined ? {} : { metadata: factsOf(metadata) }),
    }
    return withUsers({ ...args, mayMake: true }, io, async (users) => {
      // before the password: nobody types one twice for nothing
      if (users.isConfigured(name)) throw standsInConfiguration(name)
      if (await users.desk.find(name)) {
        throw new CommandError(
          `There is a user called ${printable(name)} in ${users.file} already`,
          EXIT.problem,
          `. hydra users passwd ${printable(name)}  gives them another password.`,
        )
      }
      const user = await users.desk.add({
        ...body,
        password: await newPassword(name, args['password-stdin'], io),
      })
      tell(io, json, user, `${printable(user.username)} is added to ${users.file}.`)
      if (users.isNew)
        io.err(
          sentences(
            'These are the first users: a gateway that runs already has to be started again to use them.\n',
            io.style.err,
          ),
        )
      return EXIT.ok
    })
  },
})

const passwd = defineCommand({
  name: 'passwd',
  summary: 'Give a user another password, and end their sessions',
  about: NO_PASSWORD_ARGUMENT,
  args: { ...NAME_ARG, ...PASSWORD_ARGS, ...DATABASE_ARGS, ...JSON_ARG },
  run({ name, json, ...args }, io) {
    return withUsers(args, io, async (users) => {
      await find(users, name)
      const password = await newPassword(name, args['password-stdin'], io)
      const user = await users.desk.change(name, { password, credentialsNonExpired: true })
      tell(io, json, user, `${printable(user.username)} has another password. ${ENDED}`)
      warnOfConfigured(users, name, 'set passwordHash there', io)
      return EXIT.ok
    })
  },
})

const ENDED = 'Sessions end within a second.'

const roles = defineCommand({
  name: 'roles',
  summary: 'Show the roles of a user, or change them',
  args: {
    ...NAME_ARG,
    roles: { type: 'positional', required: false, description: 'All roles from now on, with commas' },
    add: { type: 'string', valueHint: 'A,B', description: 'Roles to add' },
    remove: { type: 'string', valueHint: 'A,B', description: 'Roles to take away' },
    ...DATABASE_ARGS,
    ...JSON_ARG,
  },
  examples: [
    ['hydra users roles ada', 'shows them'],
    ['hydra users roles ada USER,EDITOR', 'these and no others'],
    ['hydra users roles ada --add ADMIN --remove EDITOR', 'the others stay'],
  ],
  run({ name, roles: all, add: more, remove: less, json, ...args }, io) {
    if (all !== undefined && (more !== undefined || less !== undefined)) {
      throw new CommandError(
        'ROLES are all there are from now on; they go with neither --add nor --remove',
        EXIT.usage,
      )
    }
    return withUsers(args, io, async (users) => {
      const before = await find(users, name)
      const left = new Set(all === undefined ? before.roles : newRolesOf(all))
      for (const role of newRolesOf(more ?? '')) left.add(role)
      for (const role of rolesOf(less ?? '')) left.delete(role)
      const isChanged = [...left].join('\0') !== before.roles.join('\0')
      const user = isChanged ? await users.desk.change(name, { roles: [...left] }) : before
      tell(io, json, user, user.roles.length === 0 ? 'no roles' : user.roles.map(printable).join('\n'))
      if (isChanged && !json) {
        const { err: style } = io.style
        const hint = `Sessions that run have them at their next renewal; at once:  hydra sessions end --user ${printable(name)}`
        io.err(sentences(`${style.dim(hint)}\n`, style))
      }
      warnOfConfigured(users, name, isChanged ? 'set roles there' : 'the roles there count', io)
      return EXIT.ok
    })
  },
})

const disable = defineCommand({
  name: 'disable',
  summary: 'Keep a user from signing in, and end their sessions',
  args: { ...NAME_ARG, ...DATABASE_ARGS, ...JSON_ARG },
  run: (args, io) =>
    change(
      args,
      io,
      { enabled: false },
      {
        said: ({ username }) => `${printable(username)} is disabled. ${ENDED}`,
        instead: 'set enabled: false there',
      },
    ),
})

const enable = defineCommand({
  name: 'enable',
  summary: 'Let a user sign in again: neither disabled, nor locked, nor expired',
  args: { ...NAME_ARG, ...DATABASE_ARGS, ...JSON_ARG },
  run: (args, io) =>
    change(
      args,
      io,
      { enabled: true, accountNonExpired: true, accountNonLocked: true, credentialsNonExpired: true },
      { said: ({ username }) => `${printable(username)} may sign in.`, instead: 'set enabled: true there' },
    ),
})

const remove = defineCommand({
  name: 'remove',
  summary: 'Remove a user for ever, and end their sessions',
  args: { ...NAME_ARG, ...DATABASE_ARGS, ...JSON_ARG },
  run({ name, json, ...args }, io) {
    return withUsers(args, io, async (users) => {
      await find(users, name)
      const user = await users.desk.remove(name)
      tell(io, json, user, `${printable(user.username)} is removed. ${ENDED}`)
      warnOfConfigured(users, name, 'take the entry out there', io)
      return EXIT.ok
    })
  },
})

const hash = defineCommand({
  name: 'hash',
  summary: 'Make the hash of a password, for passwordHash in a configuration',
  about: NO_PASSWORD_ARGUMENT,
  args: PASSWORD_ARGS,
  async run(args, io) {
    io.out(`${await hashPassword(await newPassword(undefined, args['password-stdin'], io))}\n`)
    return EXIT.ok
  },
})

const LIST_ARGS = { ...DATABASE_ARGS, ...JSON_ARG } as const

const list = defineCommand({
  name: 'list',
  summary: 'List users, their roles and who of them may sign in',
  args: LIST_ARGS,
  run: (args, io) => listUsers(args, io),
})

export const users = defineCommand({
  name: 'users',
  summary: 'List local users; add, change and remove them',
  about:
    'Local users are kept in a database file that the gateway and this command share, or in the Redis that several\ngateways share. No gateway needs to run; one that does sees a change within a second.',
  args: LIST_ARGS,
  examples: [
    ['hydra users add ada --roles USER', 'asks for a password'],
    ['hydra users disable ada', 'and ends their sessions'],
    ["hydra users --json | jq '.users[].username'", 'for a program'],
  ],
  subCommands: [list, add, passwd, roles, disable, enable, remove, hash],
  run: (args, io) => listUsers(args, io),
})

function listUsers({ json, ...args }: Named & { readonly json: boolean }, io: Io): Promise<number> {
  return withUsers(args, io, async ({ desk, file, configured }) => {
    const listed = await desk.list()
    io.out(json ? asJson({ users: listed }) : formatUsers(listed, { file, configured }, io.style.out))
    return EXIT.ok
  })
}

const rolesOf = (text: string): string[] =>
  text
    .split(',')
    .map((role) => role.trim())
    .filter((role) => role !== '')

/** With a space in between they would be one role, which nobody asks for. */
function newRolesOf(text: string): string[] {
  const given = rolesOf(text)
  const spaced = given.find((role) => /\s/.test(role))
  if (spaced === undefined) return given
  const words = printable(spaced.split(/\s+/).join(','))
  throw new CommandError(
    `A role is a word, and "${printable(spaced)}" has a space in it`,
    EXIT.usage,
    `; several are written with commas: ${words}`,
  )
}

function numberOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new CommandError(`--id is "${text}"; write a whole number`, EXIT.usage)
}

function factsOf(text: string): unknown {
  try {
    const facts: unknown = JSON.parse(text)
    if (typeof facts === 'object' && facts !== null && !Array.isArray(facts)) return facts
  } catch {
    // said below
  }
  throw new CommandError(
    '--metadata is no JSON object; write one such as {"department":"garden"}',
    EXIT.usage,
  )
}

const sentence = (text: string) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
