/**
 * Who may sign in, and how long that lasts: the settings of `identity`.
 *
 * @module
 */
import { AUTHS, PatternError, parsePattern, RESERVED_CLAIMS } from '@hydra-gateway/protocol'
import { z } from 'zod'
import { passwordHashFault } from '../identity/passwords.ts'
import { servicePatternFault } from '../identity/service-patterns.ts'
import { newProviderName, oidcProvider, providerName } from './providers.ts'
import { count, duration, flag, limitedSize, secret, setting, text } from './setting.ts'

/** Where identity is kept when nobody says where, from the working directory. */
export const IDENTITY_DATABASE = '.hydra/identity.db'

const role = () => text('the name of a role', 128)

/** `USER ADMIN` is two roles to who wrote it, and none that anybody asks for. */
const oneRole = () => {
  const write = 'a role, which is a word; several are a list such as ["USER", "ADMIN"]'
  return text(write, 128).refine((name) => !/[\s,]/.test(name.trim()), write)
}

/** Service patterns, as `matchesService` reads them. */
const servicePatterns = () =>
  text('names of services or patterns for them, such as orders or shop-.*,billing', 2048).superRefine(
    (patterns, context) => {
      const fault = servicePatternFault(patterns)
      if (fault) context.addIssue({ code: 'custom', message: `another pattern: ${fault}` })
    },
  )

const claimName = () => text('the name of a claim', 128)

/** A fact about a person can't stand under a name that means something to the protocol. */
const factName = z.string().superRefine((name, context) => {
  if (name !== '' && name.length <= 128 && !RESERVED_CLAIMS.has(name)) return
  const message = 'another name: this one has a meaning of its own in a token'
  context.addIssue({ code: 'custom', message, params: { write: message } })
})

const passwordHash = () =>
  secret('a hash of argon2id or scrypt as a PHC string, which begins with $', 1024).superRefine(
    (phc, context) => {
      const fault = passwordHashFault(phc)
      if (fault) context.addIssue({ code: 'custom', message: `another hash: this one ${fault}` })
    },
  )

/** A user as Medusa's `HYDRA_USERS` has one. */
const localUser = z.strictObject({
  id: count(0, Number.MAX_SAFE_INTEGER).optional().describe('Number that applications know the user by.'),
  username: text('a user name without control characters, up to 256 characters', 256)
    .refine((name) => !/\p{Cc}/u.test(name), 'a user name without control characters')
    .transform((name) => name.normalize('NFC'))
    .describe('Compared by case, as it is written.'),
  password: secret('a password', 1024)
    .optional()
    .describe('In plain text: for development. Refused while `NODE_ENV` is `production`.'),
  passwordHash: passwordHash()
    .optional()
    .describe('argon2id or scrypt, as a PHC string. One of `password` and `passwordHash` is needed.'),
  roles: z.array(oneRole()).max(1000).prefault([]).describe('Roles at the gateway.'),
  metadata: z
    .record(factName, z.json())
    .prefault({})
    .describe('Further facts, which stand in the token under their own names.'),
  enabled: flag().prefault(true).describe('false: may not sign in.'),
  accountNonExpired: flag().prefault(true).describe('false: may not sign in.'),
  accountNonLocked: flag().prefault(true).describe('false: may not sign in.'),
  credentialsNonExpired: flag().prefault(true).describe('false: may not sign in.'),
})

const roleMapping = z.strictObject({
  mappedTo: role().describe('What the role is called in these services.'),
  service: servicePatterns().describe('Services: names or patterns for whole names, with commas.'),
})

const claimMapping = z.strictObject({
  service: servicePatterns().describe('Services that are told so: names or patterns, with commas.'),
  provider: providerName()
    .optional()
    .describe('Only of people who came by this provider; `local` is user name and password.'),
  username: claimName().optional().describe('Claim to take the user name from.'),
  claims: z
    .record(factName, claimName())
    .optional()
    .describe(
      'Name of a claim in these services, and the claim it is taken from (`username`, `userId` and `sub` too). These services are told of no other. Not set: of all, under their own names.',
    ),
})

const rulePath = () =>
  text('a path pattern such as /admin/**', 2048).superRefine((path, context) => {
    try {
      parsePattern(path)
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      context.addIssue({ code: 'custom', message: `another pattern: ${error.message}` })
    }
  })

const accessRule = z
  .strictObject({
    service: servicePatterns().optional().describe('Services: names or patterns, with commas. Not set: all.'),
    path: rulePath().optional().describe('Paths. Not set: all, and fragments.'),
    auth: z
      .enum(AUTHS)
      .optional()
      .describe(
        '`required`: only for who is signed in. `optional`: for everybody, whatever the service says.',
      ),
    roles: z
      .array(role())
      .min(1, 'at least one role')
      .max(64)
      .optional()
      .describe('One of these is needed, as the service calls them.'),
    providers: z
      .array(providerName())
      .min(1, 'at least one provider')
      .max(64)
      .optional()
      .describe('One of these must know the person.'),
  })
  .superRefine(({ auth, roles, providers }, context) => {
    if (auth === undefined && !roles && !providers) {
      const message = 'what is asked for: auth, roles or providers'
      context.addIssue({ code: 'custom', path: ['auth'], message })
    }
    if (auth === 'optional' && (roles?.length || providers?.length)) {
      const message = 'required, or nothing: roles and providers ask for a sign-in'
      context.addIssue({ code: 'custom', path: ['auth'], message })
    }
  })

const token = z
  .strictObject({
    life: duration(1000).prefault('1h').describe('How long a token holds.'),
    renewAfter: duration(500).prefault('30m').describe('Age from which it is renewed on the way.'),
    cache: limitedSize(65_536, 1_073_741_824)
      .prefault('12MiB')
      .describe(
        'Memory for tokens that were checked lately, about 1 KB each. Of people beyond that each request costs a check of the signature.',
      ),
  })
  .superRefine(({ life, renewAfter }, context) => {
    const message = `less than life, which is ${life} ms`
    if (renewAfter >= life) context.addIssue({ code: 'custom', path: ['renewAfter'], message })
  })

const session = z
  .strictObject({
    idle: duration(1000)
      .prefault('8h')
      .describe('A session ends when it was not renewed for that long; whoever opens pages renews it.'),
    absolute: duration(1000).prefault('24h').describe('And at the latest that long after the sign-in.'),
    remembered: count(1, 10_000_000)
      .prefault(100_000)
      .describe(
        'Sessions this gateway remembers having seen, for operators to list. All go on, listed or not.',
      ),
  })
  .superRefine(({ idle, absolute }, context) => {
    const message = `at most absolute, which is ${absolute} ms`
    if (idle > absolute) context.addIssue({ code: 'custom', path: ['idle'], message })
  })

const cookie = z.strictObject({
  host: flag()
    .prefault(false)
    .describe(
      'Call the login cookie `__Host-HYDRA-SSO` in browsers, so that no other host can set it. Needs TLS, or an https `publicUrl`. Services still get `HYDRA-SSO`.',
    ),
})

const throttle = z
  .strictObject({
    free: count(1, 1000)
      .prefault(5)
      .describe(
        'Tries with one account from one address before a pause. An address has 6 times as many over all accounts, an account 4 times as many from anywhere.',
      ),
    base: duration().prefault('1s').describe('First pause; each further try doubles it.'),
    most: duration().prefault('15m').describe('Longest pause.'),
    mostPerAccount: duration()
      .prefault('30s')
      .describe(
        'Longest pause because an account is tried from everywhere: short, so that nobody can lock its owner out.',
      ),
    kept: count(100, 10_000_000)
      .prefault(20_000)
      .describe(
        'Accounts, addresses and pairs of both whose tries are counted, each; beyond, the oldest are forgotten.',
      ),
  })
  .superRefine(({ base, most, mostPerAccount }, context) => {
    for (const [name, value] of Object.entries({ most, mostPerAccount })) {
      const message = `at least base, which is ${base} ms`
      if (value < base) context.addIssue({ code: 'custom', path: [name], message })
    }
  })

const MOST_KIB = 262_144
const MOST_WORK_KIB = 1_048_576

const passwords = z
  .strictObject({
    memoryKiB: count(8192, MOST_KIB).prefault(19_456).describe('Memory of one argon2id hash, in KiB.'),
    passes: count(1, 64).prefault(2).describe('Passes over it.'),
    parallelism: count(1, 8).prefault(1).describe('Lanes.'),
    concurrent: count(1, 64).prefault(2).describe('Most hashes computed at once; others wait.'),
    waiting: count(1, 100_000)
      .prefault(64)
      .describe('Sign-ins that may wait for that; more are told to come back: 503.'),
  })
  .superRefine(({ memoryKiB, passes }, context) => {
    const message = `fewer: memoryKiB times passes is at most ${MOST_WORK_KIB}`
    if (memoryKiB * passes > MOST_WORK_KIB) context.addIssue({ code: 'custom', path: ['passes'], message })
  })

const database = () =>
  setting<string | false, string | false>(
    "the path of a file, or false for none ('memory' is the same)",
    (given) => {
      if (given === false || given === 'false' || given === 'memory') return false
      return typeof given === 'string' && given.trim() !== '' && given.length <= 4096 ? given : undefined
    },
  )

export const identity = z
  .strictObject({
    users: z.array(localUser).max(10_000).prefault([]).describe('People who sign in with a password.'),
    allowPlainPasswords: flag()
      .optional()
      .describe(
        'true takes plain passwords in production too, false nowhere. Not set: they are refused while `NODE_ENV` is `production`, and told of otherwise.',
      ),
    database: database()
      .optional()
      .describe(
        `File with users, linked logins, ended sessions and signing keys. Not set: \`${IDENTITY_DATABASE}\` when it is there or needed.`,
      ),
    providers: z
      .record(newProviderName, oidcProvider)
      .prefault({})
      .describe('OpenID Connect providers by name, in the order of the login page. Need `publicUrl`.'),
    roles: z
      .record(role(), roleMapping)
      .prefault({})
      .describe('What roles of the gateway are called in services, by role.'),
    mappings: z
      .array(claimMapping)
      .max(1000)
      .prefault([])
      .describe(
        'Names and facts as services want them. Of several that fit a service and a provider the first wins.',
      ),
    rules: z
      .array(accessRule)
      .max(1000)
      .prefault([])
      .describe(
        'What is asked of callers, whatever services say themselves. Of several that fit the last wins.',
      ),
    token: token.prefault({}),
    session: session.prefault({}),
    cookie: cookie.prefault({}),
    throttle: throttle.prefault({}),
    passwords: passwords.prefault({}),
    signingKeys: secret('RSA private keys in PEM form, or the path of a file with them', 100_000)
      .optional()
      .describe(
        'RSA private keys of 2048 bits or more, the one that signs first. Not set: keys are made and kept in the database.',
      ),
    loginTemplate: text('the path of an HTML file', 4096).optional().describe('Login page of your own.'),
    maxTokenBytes: limitedSize(1024, 4080)
      .prefault(3800)
      .describe(
        'Largest token that is made or read. Browsers keep cookies up to 4096 bytes, with their names.',
      ),
  })
  .superRefine(({ token: { renewAfter }, session: { idle } }, context) => {
    const message = `more than token.renewAfter, which is ${renewAfter} ms: otherwise sessions end while people use them`
    if (idle <= renewAfter) context.addIssue({ code: 'custom', path: ['session', 'idle'], message })
  })
  .describe(
    'Who may sign in, and how long that lasts. See [sign-in](../guides/sign-in.md) and [OpenID Connect](../guides/oidc.md).',
  )
