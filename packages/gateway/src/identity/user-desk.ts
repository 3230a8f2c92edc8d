/**
 * User desk: adds, changes and removes local users for operators, by the admin API and by `hydra users` alike.
 *
 * Whoever may not sign in any more, or not with that password, has no session left either.
 *
 * @module
 */
import { LOCAL_PROVIDER, RESERVED_CLAIMS, type UserInfo } from '@hydra-gateway/protocol'
import { z } from 'zod'
import { HydraError } from '../errors.ts'
import type { UserRecord, UserStore } from '../store/identity/port.ts'
import { MOST_NAME_CHARACTERS } from './local-users.ts'
import { MOST_PASSWORD_BYTES } from './passwords.ts'

export interface UserDesk {
  list(): Promise<readonly UserInfo[]>
  find(username: string): Promise<UserInfo | undefined>
  /** @throws HydraError HYDRA_BAD_REQUEST, HYDRA_CONFLICT when there is one of that name */
  add(body: unknown): Promise<UserInfo>
  /**
   * Changes what is given, the password too.
   *
   * @throws HydraError HYDRA_BAD_REQUEST, HYDRA_NO_ROUTE when there is none of that name
   */
  change(username: string, body: unknown): Promise<UserInfo>
  /** @throws HydraError HYDRA_NO_ROUTE when there is none of that name */
  remove(username: string): Promise<UserInfo>
}

export interface UserDeskDeps {
  readonly users: UserStore
  readonly hash: (password: string) => Promise<string>
  /** Ends every session of an identity, given as `provider:subject`. */
  readonly revoke: (key: string, reason: string) => Promise<unknown>
  /** Whether the configuration has somebody of that name, who would be found first. */
  readonly isConfigured?: (username: string) => boolean
}

/** Shorter passwords are guessed whatever they are hashed with. In characters. */
export const LEAST_PASSWORD = 8
const MOST_METADATA_BYTES = 4096

const CONTROL = /\p{Cc}|\p{Cs}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

const username = z
  .string()
  .min(1, 'is empty')
  .max(MOST_NAME_CHARACTERS, `is longer than ${MOST_NAME_CHARACTERS} characters`)
  .refine((name) => !CONTROL.test(name), 'has characters that can not be seen')
  .refine((name) => name.trim() === name, 'begins or ends with a space')
  .transform((name) => name.normalize('NFC'))
const password = z
  .string()
  .min(LEAST_PASSWORD, `is shorter than ${LEAST_PASSWORD} characters`)
  .max(MOST_PASSWORD_BYTES, `is longer than ${MOST_PASSWORD_BYTES} characters`)
const role = z
  .string()
  .min(1, 'is empty')
  .max(128, 'is longer than 128 characters')
  .refine((name) => !CONTROL.test(name), 'has characters that can not be seen')
  // `USER ADMIN` is two roles to who wrote it, and none that anybody asks for
  .refine((name) => !/[\s,]/.test(name), 'has a space or a comma in it: a role is a word, several are a list')
const metadata = z
  .record(z.string(), z.json())
  .refine(
    (facts) => Object.keys(facts).every((name) => name !== '' && !RESERVED_CLAIMS.has(name)),
    `may not set what has a meaning of its own in a token: ${[...RESERVED_CLAIMS].join(', ')}`,
  )
  .refine(
    (facts) => Buffer.byteLength(JSON.stringify(facts)) <= MOST_METADATA_BYTES,
    `is larger than ${MOST_METADATA_BYTES} bytes`,
  )

const FLAGS = ['enabled', 'accountNonExpired', 'accountNonLocked', 'credentialsNonExpired'] as const

const changes = z.strictObject({
  password: password.optional(),
  id: z.int().min(0).nullable().optional(),
  roles: z.array(role).max(1000, 'are more than 1000').optional(),
  metadata: metadata.optional(),
  enabled: z.boolean().optional(),
  accountNonExpired: z.boolean().optional(),
  accountNonLocked: z.boolean().optional(),
  credentialsNonExpired: z.boolean().optional(),
})
const newUser = changes.extend({ username, password })

export function createUserDesk({ users, hash, revoke, isConfigured = () => false }: UserDeskDeps): UserDesk {
  const known = async (name: string): Promise<UserRecord> => {
    const user = await users.find(name)
    if (user) return user
    throw isConfigured(name.normalize('NFC'))
      ? new HydraError('HYDRA_CONFLICT', `${name} stands in the configuration; change it there`)
      : new HydraError('HYDRA_NO_ROUTE', `no user is called ${name}`)
  }
  const recordOf = async (
    { password: given, ...more }: z.output<typeof changes>,
    before: UserRecord,
  ): Promise<UserRecord> => ({
    username: before.username,
    id: more.id === undefined ? before.id : more.id,
    passwordHash: given === undefined ? before.passwordHash : await hash(given),
    roles: more.roles === undefined ? before.roles : [...new Set(more.roles)],
    metadata: more.metadata ?? before.metadata,
    enabled: more.enabled ?? before.enabled,
    accountNonExpired: more.accountNonExpired ?? before.accountNonExpired,
    accountNonLocked: more.accountNonLocked ?? before.accountNonLocked,
    credentialsNonExpired: more.credentialsNonExpired ?? before.credentialsNonExpired,
  })
  const endSessions = (name: string, reason: string) => revoke(`${LOCAL_PROVIDER}:${name}`, reason)

  return {
    list: async () => (await users.list()).map(infoOf),
    async find(name) {
      const user = await users.find(name)
      return user && infoOf(user)
    },
    async add(body) {
      const { username: name, ...given } = read(newUser, body)
      if (isConfigured(name))
        throw new HydraError('HYDRA_CONFLICT', `${name} stands in the configuration; change it there`)
      const record = await recordOf(given, { ...BLANK, username: name })
      if (!(await users.put(record, 'new')))
        throw new HydraError('HYDRA_CONFLICT', `there is a user called ${name} already`)
      return infoOf(record)
    },
    async change(name, body) {
      const given = read(changes, body)
      // hashed before the record is read: it takes long, and others may change the record meanwhile
      const fresh = given.password === undefined ? undefined : await hash(given.password)
      const before = await known(name)
      const { password: _, ...more } = given
      const after = {
        ...(await recordOf(more, before)),
        ...(fresh === undefined ? {} : { passwordHash: fresh }),
      }
      if (!(await users.put(after, 'known')))
        throw new HydraError('HYDRA_NO_ROUTE', `no user is called ${name}`)
      // written first: nobody signs in between with what does not open any more
      const reason = whyEnded(before, after, fresh !== undefined)
      if (reason !== undefined) await endSessions(after.username, reason)
      return infoOf(after)
    },
    async remove(name) {
      const before = await known(name)
      await users.remove(name)
      await endSessions(before.username, 'user removed')
      return infoOf(before)
    },
  }
}

const BLANK: UserRecord = {
  username: '',
  id: null,
  passwordHash: '',
  roles: [],
  metadata: {},
  enabled: true,
  accountNonExpired: true,
  accountNonLocked: true,
  credentialsNonExpired: true,
}

/** Why somebody's sessions are over after a change; undefined when they go on. */
function whyEnded(before: UserRecord, after: UserRecord, hasNewPassword: boolean): string | undefined {
  if (FLAGS.some((flag) => before[flag] && !after[flag])) return 'user disabled'
  return hasNewPassword ? 'password changed' : undefined
}

function infoOf({ passwordHash: _, ...info }: UserRecord): UserInfo {
  return info
}

function read<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const { data, error } = schema.safeParse(body)
  if (!error) return data
  const errors = error.issues.map(({ path, message, code, ...issue }) => {
    const at = path.join('.')
    if (code === 'unrecognized_keys') {
      const { keys } = issue as unknown as { keys: readonly string[] }
      return { path: at, message: `${keys.join(', ')} is nothing a user has` }
    }
    const text =
      code === 'invalid_type' || code === 'invalid_union' ? `is not as it should be: ${message}` : message
    return { path: at, message: text }
  })
  const [first] = errors
  throw new HydraError('HYDRA_BAD_REQUEST', `${first!.path || 'the body'} ${first!.message}`.trim(), {
    errors,
  })
}
