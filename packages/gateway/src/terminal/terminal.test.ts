import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../config/problems.ts'
import { type ConfigInput, parseConfig } from '../config.ts'
import type { Keys } from '../keys.ts'
import { formatLogLine } from './log-lines.ts'
import { formatProblems } from './problems.ts'
import type { SignInFacts } from './sign-in.ts'
import { formatStart, formatStartFailure, type StartFacts } from './start.ts'
import { createStyle } from './style.ts'

const UTF8 = { LANG: 'en_GB.UTF-8' }
const coloured = createStyle({ isTerminal: true, columns: 80, env: UTF8 })
const plain = createStyle({ isTerminal: false, env: UTF8 })
const ascii = createStyle({ isTerminal: true, env: { LANG: 'C' } })

test('a state is a shape, a word and a colour; without colour the other two stay', () => {
  assert.equal(coloured.state('down'), '\u001b[1;31m✕ down\u001b[0m')
  assert.equal(plain.state('down', 12), '✕ down      ')
  assert.equal(
    createStyle({ isTerminal: true, env: {}, ascii: true, colour: false }).state('draining'),
    'v draining',
  )
})

test('colours are off for NO_COLOR, a dumb terminal, a pipe and --no-color', () => {
  const off = [
    { isTerminal: true, env: { ...UTF8, NO_COLOR: '1' } },
    { isTerminal: true, env: { ...UTF8, TERM: 'dumb' } },
    { isTerminal: false, env: UTF8 },
    { isTerminal: true, env: UTF8, colour: false },
  ]
  for (const options of off) assert.equal(createStyle(options).bold('x'), 'x')
})

test('without UTF-8 nothing but ASCII is written', () => {
  const problems = formatProblems(new ConfigError([{ at: 'a', is: '…', write: 'it’s ψ' }]), ascii, {
    consequence: 'Nothing was started.',
  })
  assert.match(problems, /^[\u0000-\u007f]*$/)
})

test('a configuration with mistakes is told like this', () => {
  const error = new ConfigError(
    [
      {
        at: 'services.orders.url',
        line: 14,
        is: '"localhost:3002"',
        write: '"http://localhost:3002", a scheme is needed',
      },
      { at: 'PORT', is: '"x"', write: 'a port' },
    ],
    'hydra.config.ts',
  )
  assert.equal(
    formatProblems(error, plain, { consequence: 'Nothing was started.' }),
    `✕ hydra.config.ts has 2 problems. Nothing was started.

  services.orders.url   line 14
    is     "localhost:3002"
    write  "http://localhost:3002", a scheme is needed

  PORT
    is     "x"
    write  a port

  Check again without starting:  hydra check
`,
  )
  assert.doesNotMatch(formatProblems(error, plain, { isCheck: true }), /hydra check/)
})

const keys = { publicKey: '7f3a000000000000', source: 'made', warnings: [] } as unknown as Keys
const facts: StartFacts = {
  version: '1.0.0',
  gateway: { url: 'http://localhost:8080' },
  config: parseConfig({}),
  keys,
  keysFile: '.hydra/keys.json',
  file: undefined,
  warnings: [],
}

test('the start says what is open to whom, and never a whole key', () => {
  assert.equal(
    formatStart(facts, plain),
    `ψ Hydra gateway 1.0.0 listens on http://localhost:8080
  Everybody who reaches this machine may visit.
  No keys were given, so random ones were made.
  They are kept in .hydra/keys.json for the next start.
  Services may register from this machine only.
    public key   7f3a…   (whole: hydra config --show-keys)
  Stop with Ctrl+C.
`,
  )
})

for (const [from, words] of [
  [['loopback', 'private'], 'this machine and private networks'],
  [['any'], 'anywhere'],
  [['10.0.0.0/8', 'loopback', '::1'], '10.0.0.0/8, this machine and ::1'],
  [[], 'nowhere'],
] as const) {
  test(`registration from ${from.join(', ') || 'nothing'} reads: ${words}`, () => {
    const text = formatStart({ ...facts, config: parseConfig({ registration: { from: [...from] } }) }, plain)
    assert.ok(text.includes(`Services may register from ${words}`), text)
  })
}

test('the start says who signs in, where that is kept, and what can be read on the way', () => {
  const users = ['a', 'b'].map((username) => ({ username, password: 'x' }))
  const google = { issuer: 'https://accounts.google.com', clientId: 'us', label: 'Google' }
  const signIn = { isOn: true, users: 2, place: '.hydra/identity.db', isLasting: true, warnings: [] }
  const say = (config: ConfigInput, more: Partial<SignInFacts> = {}) =>
    formatStart({ ...facts, config: parseConfig(config), signIn: { ...signIn, ...more } }, plain)

  const publicUrl = 'https://shop.example'
  const both = say({ publicUrl, identity: { users, providers: { google } } })
  assert.match(both, / {2}At \/login people sign in: 2 users, by Google\.\n/)
  assert.match(both, / {2}Users, ended sessions and signing keys are kept in \.hydra\/identity\.db\.\n/)
  assert.doesNotMatch(both, /▲/)
  assert.match(say({ publicUrl }, { users: 0 }), /nobody yet\. Make a user: hydra users add NAME\n/)
  assert.match(say({ publicUrl }, { users: undefined }), /how many there are can’t be read now\.\n/)

  const inMemory = say({ publicUrl }, { isLasting: false, warnings: ['Everybody signs in again.'] })
  assert.match(inMemory, /no identity database: a restart forgets .*\.\n {2}▲ Everybody signs in again\.\n/)

  const isWarned = (config: ConfigInput) => /▲ Passwords .* without TLS/.test(say(config))
  assert.ok(isWarned({}))
  assert.ok(isWarned({ host: '10.0.0.1' }))
  assert.ok(isWarned({ publicUrl: 'http://shop.example' }))
  assert.ok(!isWarned({ host: '127.0.0.1' }))
  assert.ok(!isWarned({ host: '::1' }))
  assert.ok(!isWarned({ publicUrl: 'http://localhost:8080' }))
  assert.ok(!isWarned({ trustedProxies: ['10.0.0.0/8'] }))
  assert.ok(!isWarned({ tls: 'self-signed' }))

  const off = say({}, { isOn: false })
  assert.match(off, / {2}Nobody signs in here\. Make a user: hydra users add NAME, and start again\n/)
  assert.doesNotMatch(off, /▲/)
  const [usual, above] = ['/srv/shop/.hydra/identity.db', '/srv/.hydra/identity.db']
  assert.match(
    say({}, { isOn: false, usual, above }),
    /Users are kept in \/srv\/shop\/\S+\.\n {2}There is a database in \/srv\/\.hydra\/identity\.db, which is not this one\./,
  )
  const redis = { url: 'redis://cache' }
  const shared = say({ redis }, { isOn: false, place: 'redis at cache:6379', usual, above })
  assert.match(shared, / {2}Users are kept in redis at cache:6379\.\n/)
  assert.doesNotMatch(shared, /identity\.db/)
  const without = say({ identity: { database: false } }, { isOn: false, usual, above })
  assert.match(
    without,
    /no identity database \(identity\.database: false\): users stand in HYDRA_USERS alone\.\n/,
  )
  assert.doesNotMatch(without, /users add/)
})

test('as the successor of hydra-router it says who is trusted, and to whom the router API is open', () => {
  const say = (config: ConfigInput, more: Partial<StartFacts> = {}) =>
    formatStart({ ...facts, config: parseConfig(config), ...more }, plain)
  const sharedStore = 'redis at h:6379'
  const open = say({ flywheel: { enabled: true } }, { sharedStore, routerFile: 'config.json' })
  assert.match(open, / {2}config\.json of hydra-router was read\.\n/)
  assert.match(
    open,
    / {2}Hydra services are found in redis at h:6379\. .*: whoever can write .* any of them\.\n/,
  )
  assert.match(open, / {2}▲ \/v1\/router\/\* tells everybody of all services, .* To close it: routerToken/)
  const apart = say({ flywheel: { enabled: true }, controlPort: 9000 })
  assert.match(apart, /tells everybody who reaches port 9000 of/)
  assert.match(apart, /There is no Redis, so no hydra services are found/)
  const routerToken = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
  const guarded = say({ flywheel: { enabled: true, routerToken } }, { sharedStore })
  assert.match(guarded, /opens? with \?token=/)
  assert.doesNotMatch(guarded, /▲|098ebe18/)
  const off = say({ flywheel: { enabled: true, disableRouterEndpoint: true } }, { sharedStore })
  assert.match(off, /\/v1\/router\/\* is off\.\n/)
  assert.doesNotMatch(say({}, { sharedStore }), /router/)
  // A node with keys of its own would not be trusted.
  assert.match(
    say({}, { sharedStore }),
    /over redis at h:6379\. Another node needs these keys: hydra config --show-keys\n/,
  )
  const given = { ...keys, source: 'given' as const }
  assert.match(say({}, { sharedStore, keys: given }), /over redis at h:6379\.\n/)
})

test('what a start says fits the terminal, and no word is broken', () => {
  const narrow = createStyle({ isTerminal: true, columns: 60, env: UTF8, colour: false })
  const config = parseConfig({ flywheel: { enabled: true }, redis: { url: 'redis://127.0.0.1:6379' } })
  const sentence =
    'rateLimiter of config/config.json has no effect: hydra-router never used it; messages.rate does.'
  const text = formatStart({ ...facts, config, warnings: [sentence] }, narrow)
  for (const line of text.split('\n')) assert.ok(line.length <= 60, line)
  assert.match(text, /^ {2}▲ rateLimiter of .*\n {4}\S/m, 'what goes on begins where the sentence began')
  assert.ok(text.replace(/\n */g, ' ').includes(sentence))
})

test('a log line fits the terminal: ids stay whole, below where the message began', () => {
  const narrow = createStyle({ isTerminal: true, columns: 80, env: UTF8, colour: false })
  const id = '01M8045G-SKG9WW6NG95C'
  const event = { level: 'info', msg: 'exchange', method: 'GET', path: '/_hydra/api/v1/nodes', status: 200 }
  const line = formatLogLine(JSON.stringify({ ...event, durationMs: 3, exchange: id }), narrow)
  assert.match(line, new RegExp(`^ {12}info {3}GET .* hydra\\n {19}${id}\\n$`))
  const stack = `StoreAway: Redis is away.\n    at ask (file:///${'x'.repeat(90)} somewhere)`
  const failed = formatLogLine(JSON.stringify({ level: 'warn', msg: 'away', err: { stack } }), narrow)
  assert.ok(failed.endsWith(`\n${stack}\n`), failed)
})

test('problems fit the terminal, and what goes on stands below what it belongs to', () => {
  const narrow = createStyle({ isTerminal: true, columns: 56, env: UTF8, colour: false })
  const write = 'the address of Redis: redis://host:6379, or rediss:// with TLS'
  assert.equal(
    formatProblems(new ConfigError([{ at: 'HYDRA_REDIS_URL', is: 'set, but not usable', write }]), narrow, {
      isCheck: true,
    }),
    `✕ The configuration has a problem.

  HYDRA_REDIS_URL
    is     set, but not usable
    write  the address of Redis: redis://host:6379, or
           rediss:// with TLS
`,
  )
})

test('a start that fails says what to do about it', () => {
  const config = parseConfig({ port: 80, rsocketPort: 7001, host: '203.0.113.9' })
  const say = (error: object) => formatStartFailure(error, config, plain)
  assert.match(
    say({ code: 'EADDRINUSE', port: 80 })!,
    /Port 80 is taken .* --port 8081\n {2}Services then need HYDRA_GATEWAY=http:\/\/localhost:8081 in/,
  )
  assert.match(say({ code: 'EADDRINUSE', port: 8081 })!, /--port 8082\n.*:8082 in/)
  assert.doesNotMatch(say({ code: 'EADDRINUSE', port: 7001 })!, /HYDRA_GATEWAY/)
  const apart = formatStartFailure(
    { code: 'EADDRINUSE', port: 80 },
    parseConfig({ port: 80, controlPort: 9000 }),
    plain,
  )
  assert.doesNotMatch(apart!, /HYDRA_GATEWAY/, 'services know the control port, which stays')
  assert.match(say({ code: 'EADDRINUSE', port: 7001 })!, /Port 7001 is taken .* HYDRA_RSOCKET_PORT/)
  assert.match(
    formatStartFailure({ code: 'EADDRINUSE', port: 80 }, config, plain, { isLookedAfter: true })!,
    /Port 80 is taken, .* runs in this directory\. Replace it: hydra start --takeover\n$/,
  )
  assert.match(say({ code: 'EACCES', port: 80 })!, /may not be opened/)
  assert.match(say({ code: 'EADDRNOTAVAIL' })!, /203\.0\.113\.9 is no address of this machine/)
  assert.equal(say(new TypeError('a bug')), undefined)
})

test('log lines are short for a person, and whatever is no log line stays as it is', () => {
  const time = '2026-11-20T14:03:27.412Z'
  const exchange = {
    level: 'info',
    time,
    msg: 'exchange',
    method: 'GET',
    path: '/orders',
    status: 200,
    durationMs: 4.6,
  }
  const line = formatLogLine(
    JSON.stringify({ ...exchange, service: 'orders', instance: 'abcdef0123456789', exchange: '01M' }),
    plain,
  )
  assert.match(
    line,
    /^ {2}\d\d:\d\d:\d\d {2}info {3}GET {5}\/orders {2}200 {2}5 ms {2}orders abcdef01 {2}01M\n$/,
  )
  const left = { level: 'warn', time, msg: 'instance left', service: 'orders', reason: 'no sign of life' }
  assert.match(
    formatLogLine(JSON.stringify(left), plain),
    /warn {3}instance left {2}service=orders {2}reason="no sign of life"\n$/,
  )
  assert.equal(formatLogLine('not JSON\n', plain), 'not JSON\n')
})

test('what a service says of itself can not move the cursor of who reads the log', () => {
  const line = JSON.stringify({
    level: 'info',
    time: 0,
    msg: 'instance registered',
    version: '\u001b[2J\u009b31m',
    refused: [{ path: '/\u001b]0;x\u0007' }],
  })
  const shown = formatLogLine(line, plain)
  assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  assert.match(shown, /version=\ufffd\[2J/)
})
