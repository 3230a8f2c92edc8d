import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ConfigInput, hasIdentity, parseConfig } from '../config.ts'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'
import { formatConfig } from './show.ts'

type IdentityInput = NonNullable<ConfigInput['identity']>

async function directoryWith(t: TestContext, files: Record<string, string> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-config-'))
  t.after(() => rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

function problemsOf(identity: unknown, rest: ConfigInput = {}, isProduction = false) {
  try {
    parseConfig({ ...rest, identity: identity as IdentityInput }, { isProduction })
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return Object.fromEntries(error.problems.map(({ at, is, write }) => [at, `${is}; ${write}`]))
  }
  return assert.fail('no problem was found')
}

const loadFault = (loading: Promise<unknown>) =>
  loading.then(
    () => assert.fail('no problem was found'),
    (error) => {
      assert.ok(error instanceof ConfigError, String(error))
      return error.problems
    },
  )

const pemOf = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs8', format: 'pem' })
const PEM = String(pemOf(2048))
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo'
const hello = { username: 'hello', passwordHash: HASH }
const google = { issuer: 'https://accounts.google.com', clientId: 'us' }
const publicUrl = 'https://shop.example'

test('nobody signs in as long as nobody said who, and every setting has a value', () => {
  const config = parseConfig({})
  assert.equal(hasIdentity(config), false)
  const { identity } = config
  assert.deepEqual(identity.token, { life: 3_600_000, renewAfter: 1_800_000, cache: 12_582_912 })
  assert.deepEqual(identity.session, { idle: 28_800_000, absolute: 86_400_000, remembered: 100_000 })
  assert.deepEqual(identity.throttle, {
    free: 5,
    base: 1000,
    most: 900_000,
    mostPerAccount: 30_000,
    kept: 20_000,
  })
  assert.deepEqual(identity.passwords, {
    memoryKiB: 19_456,
    passes: 2,
    parallelism: 1,
    concurrent: 2,
    waiting: 64,
  })
  assert.deepEqual([identity.users, identity.signingKeys, identity.providers], [[], [], {}])
  assert.equal(identity.database, undefined)
})

test('identity is on with users, with providers, or with a database somebody named', () => {
  const isOn = (identity: IdentityInput) => hasIdentity(parseConfig({ publicUrl, identity }))
  assert.ok(isOn({ users: [hello] }))
  assert.ok(isOn({ providers: { google } }))
  assert.ok(isOn({ database: 'people.db' }))
  assert.ok(!isOn({ database: false }))
  assert.ok(!isOn({ database: 'memory' }))
})

test('HYDRA_USERS and HYDRA_ROLES are taken as Medusa writes them', async (t) => {
  const env = {
    HYDRA_USERS: '[{"id":7,"username":"hello","password":"world","roles":["USER"],"metadata":{"dept":"42"}}]',
    HYDRA_ROLES: '{"MANAGER":{"mappedTo":"ADMIN","service":".*,XYZ"}}',
  }
  const { config, warnings } = await loadConfig({ directory: await directoryWith(t), env })
  const [user] = config.identity.users
  assert.deepEqual(user, {
    id: 7,
    username: 'hello',
    password: 'world',
    roles: ['USER'],
    metadata: { dept: '42' },
    enabled: true,
    accountNonExpired: true,
    accountNonLocked: true,
    credentialsNonExpired: true,
  })
  assert.deepEqual(config.identity.roles, { MANAGER: { mappedTo: 'ADMIN', service: '.*,XYZ' } })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /^The password of hello stands .* plain text/)
})

test('users may stand in a file of their own, null is no value, and problems name the place in it', async (t) => {
  const users = [{ username: 'a', passwordHash: HASH, id: null, roles: null, metadata: null }]
  const directory = await directoryWith(t, {
    'users.json': JSON.stringify(users),
    'bad.json': '[{"username":1}]',
  })
  const { config } = await loadConfig({ directory, env: { HYDRA_USERS_FILE: join(directory, 'users.json') } })
  assert.equal(config.identity.users[0]?.username, 'a')
  const faults = await loadFault(
    loadConfig({ directory, env: { HYDRA_USERS_FILE: join(directory, 'bad.json') } }),
  )
  assert.ok(
    faults.some(({ at }) => at === 'HYDRA_USERS_FILE[0].username'),
    JSON.stringify(faults),
  )
})

test('JSON that is none is said without showing what stands in it', async (t) => {
  const directory = await directoryWith(t)
  for (const given of [
    '[{"username":"a","password":"hunter2"}',
    '"hunter2"',
    '{"a":"hunter2"}',
    '["hunter2"]',
  ]) {
    const faults = await loadFault(loadConfig({ directory, env: { HYDRA_USERS: given } }))
    assert.match(faults[0]!.at, /^HYDRA_USERS/)
    if (given.startsWith('[{')) {
      assert.equal(faults[0]!.is, 'not JSON (it ends before "]")')
      assert.match(faults[0]!.write, /^JSON such as \[\{"username":/)
    }
    assert.doesNotMatch(JSON.stringify(faults), /hunter2/, given)
  }
})

test('roles that are no list, or two in one word, are said with what to write', async (t) => {
  const directory = await directoryWith(t)
  const usersOf = (...users: object[]) => ({ HYDRA_USERS: JSON.stringify(users) })
  const faultsOf = async (env: Record<string, string>) =>
    (await loadFault(loadConfig({ directory, env }))).map(({ at, is, write }) => `${at} ${is}: ${write}`)
  assert.deepEqual(await faultsOf(usersOf({ ...hello, roles: 'USER' })), [
    'HYDRA_USERS[0].roles "USER": a list such as ["USER"]',
  ])
  assert.deepEqual(await faultsOf(usersOf({ ...hello, roles: ['USER ADMIN'] })), [
    'HYDRA_USERS[0].roles[0] "USER ADMIN": a role, which is a word; several are a list such as ["USER", "ADMIN"]',
  ])
  assert.deepEqual(await faultsOf(usersOf(hello, hello)), [
    'HYDRA_USERS[1].username "hello", as of HYDRA_USERS[0]: another name',
  ])
})

test('a mapping that misses a role by its case alone is told of', async (t) => {
  const env = {
    HYDRA_USERS: JSON.stringify([
      { ...hello, roles: ['clerk', 'USER'] },
      { ...hello, username: 'ada', roles: ['CLERK', 'clerk'] },
    ]),
    HYDRA_ROLES: '{"CLERK":{"mappedTo":"STAFF","service":".*"},"USER":{"mappedTo":"GUEST","service":".*"}}',
  }
  const { warnings } = await loadConfig({ directory: await directoryWith(t), env })
  assert.deepEqual(warnings, [
    'identity.roles maps CLERK, but hello has the role clerk: the mapping is not for it, as case counts here. Write both alike',
  ])
})

test('a plain password is told of in development, and refused in production unless somebody allows it', async (t) => {
  const users = [{ username: 'hello', password: 'hunter2' }]
  const fault = problemsOf({ users }, {}, true)['identity.users[0].password']!
  assert.match(fault, /in plain text.*passwordHash/)
  assert.doesNotMatch(fault, /hunter2/)
  assert.ok(problemsOf({ users, allowPlainPasswords: false })['identity.users[0].password'])
  parseConfig({ identity: { users, allowPlainPasswords: true } }, { isProduction: true })

  const env = { NODE_ENV: 'production', HYDRA_USERS: JSON.stringify(users) }
  const faults = await loadFault(loadConfig({ directory: await directoryWith(t), env }))
  assert.deepEqual(
    faults.map(({ at }) => at),
    ['HYDRA_USERS[0].password'],
  )
})

test('what can’t be right of users is a problem each', () => {
  const faults = problemsOf({
    users: [
      { username: 'a', password: 'x', passwordHash: HASH },
      { username: 'a', passwordHash: HASH },
      { username: 'b' },
      { username: 'c', passwordHash: 'hunter2' },
      { username: 'd', passwordHash: HASH, metadata: { sub: 'x' } },
      { username: '', passwordHash: '<hidden>' },
    ],
  })
  assert.deepEqual(Object.keys(faults).sort(), [
    'identity.users[0].password',
    'identity.users[1].username',
    'identity.users[2].passwordHash',
    'identity.users[3].passwordHash',
    'identity.users[4].metadata.sub',
    'identity.users[5].passwordHash',
    'identity.users[5].username',
  ])
  assert.doesNotMatch(JSON.stringify(faults), /hunter2/)
  const bcrypt = problemsOf({ users: [{ username: 'a', passwordHash: '$2b$10$abcdefghijklmnopqrstuv' }] })
  assert.match(
    bcrypt['identity.users[0].passwordHash']!,
    /argon2id .* or scrypt; `hydra users hash` makes one/,
  )
})

test('providers need to know where browsers come back to, by TLS or on this machine', () => {
  const providers = { google }
  assert.match(problemsOf({ providers }).publicUrl!, /not set/)
  assert.match(problemsOf({ providers }, { publicUrl: 'http://shop.example' }).publicUrl!, /https/)
  for (const origin of ['http://localhost:8080', 'http://127.0.0.1:1', 'http://[::1]:1', publicUrl])
    parseConfig({ publicUrl: origin, identity: { providers } })
})

test('what can’t be right of providers is a problem each', () => {
  const with_ = (name: string, more: object = {}) =>
    problemsOf({ providers: { [name]: { ...google, ...more } } }, { publicUrl })
  assert.match(with_('local')['identity.providers.local']!, /user name and password/)
  for (const name of ['Google', 'a_b', 'a/b', '1a', ''])
    assert.equal(Object.keys(with_(name)).length, 1, name)
  assert.match(with_('x', { issuer: 'http://sso.example' })['identity.providers.x.issuer']!, /https/)
  assert.ok(with_('x', { issuer: 'https://a.example/?x' })['identity.providers.x.issuer'])
  assert.match(with_('x', { rolesClaim: 'groups' })['identity.providers.x.roles']!, /both/)
  assert.ok(with_('x', { claims: ['sub'] })['identity.providers.x.claims[0]'])
  const secrets = with_('x', { clientSecret: 'hunter2', clientSecretFile: '/none' })
  assert.deepEqual(
    Object.keys(secrets),
    ['identity.providers.x.clientSecretFile', 'identity.providers.x.clientSecretFile'].slice(1),
  )
  parseConfig({
    publicUrl,
    identity: {
      providers: {
        here: { ...google, issuer: 'http://localhost:9000/realms/a' },
        lab: { ...google, issuer: 'http://sso.lab', allowInsecure: true },
      },
    },
  })
})

test('a secret of a provider may stand in a file', async (t) => {
  const directory = await directoryWith(t, {
    secret: 'hunter2\n',
    'hydra.config.yaml': `publicUrl: ${publicUrl}\nidentity:\n  providers:\n    google: { issuer: https://accounts.google.com, clientId: us, clientSecretFile: secret }\n`,
  })
  const { config } = await loadConfig({ directory, env: {} })
  assert.equal(config.identity.providers.google?.clientSecret, 'hunter2')
  assert.deepEqual(config.identity.providers.google?.scopes, ['openid', 'profile', 'email'])
})

test('rules, mappings and roles name services by patterns and providers that are there', () => {
  const faults = problemsOf({
    rules: [
      { path: '/a/**' },
      { path: 'a(', auth: 'required' },
      { service: '(', auth: 'required' },
      { providers: ['gogle'] },
      { auth: 'optional', roles: ['X'] },
    ],
    mappings: [
      { service: '.*', provider: 'gogle' },
      { service: 'x(?=y)', claims: { sub: 'x' } },
    ],
    roles: { A: { mappedTo: 'B', service: '[' } },
  })
  assert.deepEqual(Object.keys(faults).sort(), [
    'identity.mappings[0].provider',
    'identity.mappings[1].claims.sub',
    'identity.mappings[1].service',
    'identity.roles.A.service',
    'identity.rules[0].auth',
    'identity.rules[1].path',
    'identity.rules[2].service',
    'identity.rules[3].providers[0]',
    'identity.rules[4].auth',
  ])
  parseConfig({
    publicUrl,
    identity: {
      providers: { google },
      rules: [{ service: 'shop-.*', path: '/admin/**', providers: ['local', 'google'] }],
    },
  })
})

test('a session must be renewed before it is idle for too long', () => {
  const faults = problemsOf({ session: { idle: '30m' } })
  assert.match(faults['identity.session.idle']!, /more than token\.renewAfter, which is 1800000 ms/)
  parseConfig({ identity: { session: { idle: '30m' }, token: { renewAfter: '10m' } } })
})

test('times and cookies that don’t fit together are problems', () => {
  const faults = problemsOf({
    token: { life: '30m' },
    session: { idle: '2d' },
    cookie: { host: true },
    throttle: { base: '1m' },
    passwords: { memoryKiB: 262_144, passes: 5 },
  })
  assert.deepEqual(Object.keys(faults).sort(), [
    'identity.cookie.host',
    'identity.passwords.passes',
    'identity.session.idle',
    'identity.throttle.mostPerAccount',
    'identity.token.renewAfter',
  ])
  const identity = { cookie: { host: true } }
  parseConfig({ publicUrl, identity })
  parseConfig({ tls: 'self-signed', identity })
})

test('keys that sign are RSA keys, as text, with escaped line ends, or in a file', async (t) => {
  const directory = await directoryWith(t, { 'signing.pem': `${PEM}${pemOf(2048)}` })
  const keysOf = async (env: Record<string, string>) =>
    (await loadConfig({ directory, env })).config.identity.signingKeys
  assert.equal((await keysOf({ HYDRA_SIGNING_KEY: PEM })).length, 1)
  assert.equal((await keysOf({ HYDRA_SIGNING_KEY: PEM.replaceAll('\n', '\\n') }))[0]?.trim(), PEM.trim())
  assert.equal((await keysOf({ HYDRA_SIGNING_KEY: 'signing.pem' })).length, 2)
  assert.equal((await keysOf({ HYDRA_SIGNING_KEY_FILE: join(directory, 'signing.pem') })).length, 2)

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  for (const [given, says] of [
    [pemOf(1024), /1024 bits/],
    [ec.export({ type: 'pkcs8', format: 'pem' }), /kind ec/],
    [PEM.replace(/[A-Z]{4}/g, '!!!!'), /./],
    ['-----BEGIN CERTIFICATE-----', /without a private key/],
    ['none.pem', /ENOENT/],
  ] as const) {
    const [fault, ...others] = await loadFault(
      loadConfig({ directory, env: { HYDRA_SIGNING_KEY: String(given) } }),
    )
    assert.equal(others.length, 0)
    assert.equal(fault?.at, 'HYDRA_SIGNING_KEY')
    assert.match(fault.is, says)
  }
})

test('paths start from where they were written', async (t) => {
  const directory = await directoryWith(t, {
    'login.html': '{{form}}',
    'bad.html': '{{from}}',
    'hydra.config.yaml': 'identity:\n  database: people.db\n  loginTemplate: login.html\n',
  })
  const { identity } = (await loadConfig({ directory, env: {} })).config
  assert.equal(identity.database, join(directory, 'people.db'))
  assert.equal(identity.loginTemplate, join(directory, 'login.html'))
  const databaseOf = async (HYDRA_IDENTITY_DATABASE: string) =>
    (await loadConfig({ directory, env: { HYDRA_IDENTITY_DATABASE } })).config.identity.database
  assert.equal(await databaseOf('other.db'), join(directory, 'other.db'))
  assert.equal(await databaseOf('memory'), false)
  const bad = problemsOf({ loginTemplate: join(directory, 'bad.html') })
  assert.match(bad['identity.loginTemplate']!, /{{from}}, which stands for nothing/)
  assert.match(problemsOf({ loginTemplate: 'none.html' })['identity.loginTemplate']!, /ENOENT/)
})

test('no secret is shown, and what is shown in its place is refused as one', async () => {
  const config = parseConfig({
    publicUrl,
    identity: {
      users: [
        { username: 'a', password: 'hunter2' },
        { username: 'b', passwordHash: HASH },
      ],
      providers: { google: { ...google, clientSecret: 'hunter3' } },
      signingKeys: PEM,
    },
  })
  const shown = await formatConfig(config)
  assert.doesNotMatch(shown, /hunter|argon2id\$|PRIVATE KEY/)
  assert.equal(shown.match(/<hidden>/g)?.length, 4)
  assert.match(shown, /life: 1h/)
  assert.ok(problemsOf({ users: [{ username: 'a', password: '<hidden>' }] })['identity.users[0].password'])
})

test('a password in an address is not repeated where its fault is told', async (t) => {
  const { issuer: _, ...others } = google
  const text = JSON.stringify({
    publicUrl: 'https://us:hunter4@shop.example/x',
    identity: { providers: { google: { ...others, issuer: 'https://us:hunter5@id.example' } } },
  })
  const faults = await loadFault(
    loadConfig({ directory: await directoryWith(t, { 'hydra.config.yaml': text }), env: {} }),
  )
  assert.ok(faults.length > 0)
  assert.doesNotMatch(JSON.stringify(faults), /hunter/)
  assert.match(JSON.stringify(faults), /:\/\/…@id\.example/)
})
