/**
 * Local users: people whose names and passwords are kept here, in the configuration or in the identity store. The
 * configuration wins where both know a name.
 *
 * Whoever does not exist costs the same time as whoever does: a hash is always computed, with the parameters of one that
 * is known.
 *
 * @module
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { LOCAL_PROVIDER, RESERVED_CLAIMS } from '@hydra-gateway/protocol'
import type { Log } from '../observe/log.ts'
import type { UserRecord, UserStore } from '../store/identity/port.ts'
import { StoreAway } from '../store/redis/port.ts'
import { createPasswords, type Passwords } from './passwords.ts'
import type { Identity, LocalFault, LocalUsers } from './port.ts'

/** A user as the configuration has it (`HYDRA_USERS`; `medusa.md` section 0), with the flags of Spring's user record. */
export interface ConfiguredUser {
  readonly username: string
  readonly id?: number | null | undefined
  /** PHC string; wins over `password`. */
  readonly passwordHash?: string | undefined
  /** As it is: for development only. */
  readonly password?: string | undefined
  readonly roles?: readonly string[]
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Each @default true */
  readonly enabled?: boolean | undefined
  readonly accountNonExpired?: boolean | undefined
  readonly accountNonLocked?: boolean | undefined
  readonly credentialsNonExpired?: boolean | undefined
}

export interface LocalUsersDeps {
  readonly configured: readonly ConfiguredUser[]
  readonly store: Pick<UserStore, 'find' | 'list'>
  readonly passwords?: Passwords
  /** Whether passwords may stand in the configuration as they are. @default false */
  readonly allowPlain?: boolean
  readonly log: Log
}

export interface LocalUsersPart extends LocalUsers {
  /** Reads which names the store knows; called at start and when the store changed. */
  look(): Promise<void>
  /** Names the configuration has. */
  configured(): readonly string[]
  /**
   * Reads another list of the configuration. What is returned puts it in place, and says whose sessions are over, and why.
   *
   * @throws Error when one has a password that is none
   */
  prepare(configured: readonly ConfiguredUser[]): () => ReadonlyMap<string, string>
}

/** Longest user name, in characters. */
export const MOST_NAME_CHARACTERS = 256

/** `given`: how the configuration says the password, digested. */
type Known = UserRecord & { readonly plain?: Buffer; readonly given?: string }

export function createLocalUsers(deps: LocalUsersDeps): LocalUsersPart {
  const { store, passwords = createPasswords(), allowPlain = false, log } = deps
  const read = (configured: readonly ConfiguredUser[]): Directory =>
    directoryOf(
      configured.map((user) => recordOf(user, { passwords, allowPlain, log })),
      passwords,
    )
  let directory = read(deps.configured)
  const secret = randomBytes(16)
  const standInFor = (name: string) => {
    const { strangers } = directory
    return strangers[createHmac('sha256', secret).update(name).digest().readUInt32BE() % strangers.length]!
  }

  let storedNames = new Set<string>()
  /** As they were read last: they sign in while the store is away. Undefined before the first look. */
  let stored: readonly UserRecord[] | undefined

  const findBefore = (name: string, error: unknown): UserRecord | undefined => {
    if (stored === undefined || !(error instanceof StoreAway)) throw error
    return stored.find(({ username }) => username === name)
  }
  const find = async (username: string): Promise<Known | undefined> => {
    const name = username.normalize('NFC')
    return (
      directory.users.get(name) ?? (await store.find(name).catch((error: unknown) => findBefore(name, error)))
    )
  }
  return {
    async authenticate(username, password, options) {
      const isName = username !== '' && username.length <= MOST_NAME_CHARACTERS
      const user = isName ? await find(username) : undefined
      const fits = await passwords.verify(user?.passwordHash ?? standInFor(username), password, options)
      const opens = user?.plain ? timingSafeEqual(user.plain, digest(password)) && password !== '' : fits
      if (!user || !opens) return 'wrong'
      // Hashing takes its time: a password that was changed meanwhile opens nothing any more.
      if ((await find(username))?.passwordHash !== user.passwordHash) return 'wrong'
      return faultOf(user) ?? identityOf(user)
    },
    async current(subject) {
      const user = await find(subject)
      return user && faultOf(user) === undefined ? identityOf(user) : undefined
    },
    has(username) {
      const name = foldedName(username)
      return directory.names.has(name) || storedNames.has(name)
    },
    get isEmpty() {
      return directory.users.size === 0 && storedNames.size === 0
    },
    async look() {
      stored = await store.list()
      storedNames = new Set(stored.map(({ username }) => foldedName(username)))
    },
    configured: () => [...directory.users.keys()],
    prepare(configured) {
      const next = read(configured)
      return () => {
        const over = new Map<string, string>()
        for (const [name, before] of directory.users) {
          const reason = whyOver(before, next.users.get(name))
          if (reason !== undefined) over.set(name, reason)
        }
        directory = next
        return over
      }
    },
  }
}

/** The users of the configuration. */
interface Directory {
  readonly users: ReadonlyMap<string, Known>
  /** Folded. */
  readonly names: ReadonlySet<string>
  /**
   * Tried for people who don't exist. One for each kind of hash there is: which of them is a matter of the name, so that
   * a name nobody has is as costly each time as some name that somebody has.
   */
  readonly strangers: readonly string[]
}

function directoryOf(records: readonly Known[], passwords: Passwords): Directory {
  const users = new Map(records.map((record) => [record.username, record]))
  const standIns = new Map<string, string>()
  for (const { passwordHash } of users.values()) {
    const parameters = passwordHash.split('$').slice(0, -2).join('$')
    standIns.set(parameters, passwords.standIn(passwordHash))
  }
  return {
    users,
    names: new Set([...users.keys()].map(foldedName)),
    strangers: standIns.size > 0 ? [...standIns.values()] : [passwords.standIn()],
  }
}

/** Why somebody's sessions are over after a change of the configuration; undefined when they go on. */
function whyOver(before: Known, after: Known | undefined): string | undefined {
  if (!after) return 'user removed'
  if (faultOf(before) === undefined && faultOf(after) !== undefined) return 'user disabled'
  if (before.given !== after.given) return 'password changed'
  return undefined
}

/** What names have in common that people, and databases of applications, take for the same: case, widths, ligatures. */
function foldedName(username: string): string {
  return username.normalize('NFKC').toLowerCase().normalize('NFC')
}

/** In the order in which Spring checks them. */
function faultOf(user: UserRecord): LocalFault | undefined {
  if (!user.accountNonLocked) return 'locked'
  if (!user.enabled) return 'disabled'
  if (!user.accountNonExpired) return 'expired'
  return user.credentialsNonExpired ? undefined : 'credentials-expired'
}

function identityOf({ username, id, roles, metadata }: UserRecord): Identity {
  return {
    provider: LOCAL_PROVIDER,
    subject: username,
    username,
    userId: id,
    roles,
    claims: Object.fromEntries(Object.entries(metadata).filter(([name]) => !RESERVED_CLAIMS.has(name))),
  }
}

const digest = (password: string): Buffer => createHash('sha256').update(password.normalize('NFC')).digest()

function recordOf(
  user: ConfiguredUser,
  { passwords, allowPlain, log }: { passwords: Passwords; allowPlain: boolean; log: Log },
): Known {
  const { username, id = null, passwordHash, password, roles = [], metadata = {} } = user
  const fault = passwordHash === undefined ? undefined : passwords.fault(passwordHash)
  if (fault !== undefined) throw new Error(`the password hash of user ${username} ${fault}`)
  if (passwordHash === undefined && password !== undefined && !allowPlain)
    throw new Error(
      `user ${username} has a plain password: give a passwordHash, plain ones are for development`,
    )
  if (passwordHash === undefined && password === undefined)
    log.warn({ user: username }, 'a user of the configuration has no password and can not sign in by one')
  return {
    username: username.normalize('NFC'),
    id,
    passwordHash: passwordHash ?? passwords.standIn(),
    given: digest(passwordHash ?? password ?? '').toString('base64'),
    ...(passwordHash === undefined && password !== undefined && password !== ''
      ? { plain: digest(password) }
      : {}),
    roles,
    metadata,
    enabled: user.enabled ?? true,
    accountNonExpired: user.accountNonExpired ?? true,
    accountNonLocked: user.accountNonLocked ?? true,
    credentialsNonExpired: user.credentialsNonExpired ?? true,
  }
}
