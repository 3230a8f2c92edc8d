import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'
import { showConfig } from './show.ts'

async function directoryWith(t: TestContext, files: Record<string, string> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-config-'))
  t.after(() => rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

async function problemsOf(loading: Promise<unknown>) {
  const error = await loading.then(
    () => assert.fail('no problem was found'),
    (thrown) => thrown,
  )
  assert.ok(error instanceof ConfigError, error)
  return error.problems
}

const FILES: Record<string, string> = {
  'hydra.config.ts': 'const port: number = 7001\nexport default { port, lease: { ttl: "2s" } }\n',
  'hydra.config.mjs': 'export default { port: 7001, lease: { ttl: "2s" } }\n',
  'hydra.config.yaml': 'port: 7001\nlease:\n  ttl: 2s\nhttp:\n',
  'hydra.config.yml': 'port: 7001\nlease: { ttl: 2s }\n',
  'hydra.config.json': '{\n\t"port": 7001,\n\t"lease": { "ttl": "2s" }\n}\n',
}

for (const [name, text] of Object.entries(FILES)) {
  test(`${name} is found in the working directory`, async (t) => {
    const { config, file } = await loadConfig({
      directory: await directoryWith(t, { [name]: text }),
      env: {},
    })
    assert.equal(config.port, 7001)
    assert.equal(config.lease.ttl, 2000)
    assert.equal(file, name)
  })
}

test('the environment wins over the file, and a flag over both', async (t) => {
  const directory = await directoryWith(t, {
    'hydra.config.yaml': 'port: 7001\nhost: 127.0.0.1\nlogLevel: debug\n',
  })
  const env = {
    PORT: '7002',
    HYDRA_HOST: '127.0.0.2',
    HYDRA_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
    HYDRA_LOG_LEVEL: '',
  }
  const { config } = await loadConfig({ directory, env, flags: { port: '7003' } })
  assert.equal(config.port, 7003)
  assert.equal(config.host, '127.0.0.2')
  assert.equal(config.logLevel, 'debug', 'an empty variable is no variable')
  assert.deepEqual(config.trustedProxies, ['10.0.0.0/8', '::1'])
})

test('every setting of the contract can come from the environment', async (t) => {
  const env = {
    HYDRA_PUBLIC_URL: 'https://shop.example',
    HYDRA_PUBLIC_KEY: 'new,old',
    HYDRA_PRIVATE_KEY: 'secret',
    HYDRA_RSOCKET_PORT: '7771',
    HYDRA_CONTROL_PORT: '9000',
  }
  const { config } = await loadConfig({ directory: await directoryWith(t), env })
  assert.equal(config.publicUrl, 'https://shop.example')
  assert.deepEqual(config.keys.publicKey, ['new', 'old'])
  assert.equal(config.rsocketPort, 7771)
  assert.equal(config.controlPort, 9000)
})

test('a secret may stand in a file, which ends in a newline as files do', async (t) => {
  const directory = await directoryWith(t, { public: 'abc\n', private: 'def\n' })
  const env = {
    HYDRA_PUBLIC_KEY_FILE: join(directory, 'public'),
    HYDRA_PRIVATE_KEY_FILE: join(directory, 'private'),
  }
  const { config } = await loadConfig({ directory, env })
  assert.deepEqual(config.keys, { publicKey: ['abc'], privateKey: ['def'] })
})

test('problems of all layers come together, named after the line, the variable or the flag', async (t) => {
  const directory = await directoryWith(t, {
    'hydra.config.yaml':
      'lease:\n  ttl: 5s\n  chek: 1s\nservices:\n  orders:\n    url: localhost:1\n    routes: [/orders]\n',
  })
  const env = {
    HYDRA_CONTROL_PORT: 'x',
    HYDRA_PRIVATE_KEY: '',
    HYDRA_PUBLIC_KEY: 'a',
    HYDRA_PUBLIC_KEY_FILE: 'b',
  }
  const problems = await problemsOf(loadConfig({ directory, env, flags: { port: 'y' } }))
  assert.deepEqual(problems.map(({ at, line }) => `${at}${line ? `:${line}` : ''}`).sort(), [
    '--port',
    'HYDRA_CONTROL_PORT',
    'HYDRA_PRIVATE_KEY',
    'HYDRA_PUBLIC_KEY',
    'lease.chek:3',
    'services.orders.url:6',
  ])
})

test('a file is not called wrong for what stands in variables, flags and the file of a router', async (t) => {
  const directory = await directoryWith(t, {
    'hydra.config.yaml': 'port: 7001\n',
    'config.json': '{ "routerToken": "sesame" }',
  })
  const isOfFile = (sources: Partial<Parameters<typeof loadConfig>[0]>) =>
    loadConfig({ directory, env: {}, ...sources }).then(
      () => assert.fail('no problem was found'),
      (error: ConfigError) => error.isOfFile,
    )
  assert.equal(await isOfFile({ env: { PORT: 'x' } }), false)
  assert.equal(await isOfFile({ flags: { port: 'x' } }), false)
  assert.equal(await isOfFile({ env: { HYDRA_ROUTER_CONFIG: 'config.json' } }), false)
  assert.equal(await isOfFile({ env: { HYDRA_ROUTER_CONFIG: 'nowhere.json' } }), false)
  await writeFile(join(directory, 'hydra.config.yaml'), 'port: 7001\nlogLevel: loud\n')
  assert.equal(await isOfFile({ env: { PORT: 'x' } }), true)
})

test('a switch that is wrong is told in the words a variable has, and those a file has', async (t) => {
  const directory = await directoryWith(t, {})
  const [problem] = await problemsOf(loadConfig({ directory, env: { HYDRA_FLYWHEEL: 'enabled' } }))
  assert.deepEqual(problem, { at: 'HYDRA_FLYWHEEL', is: '"enabled"', write: 'on or off (true or false)' })
})

test('lines are told for JSON, and for a module where only one line can be meant', async (t) => {
  const json = await directoryWith(t, { 'hydra.config.json': '{\n  "lease": {\n    "ttl": "x"\n  }\n}' })
  assert.deepEqual((await problemsOf(loadConfig({ directory: json, env: {} })))[0]!.line, 3)
  const source =
    'export default {\n  lease: {\n    ttl: "x",\n    check: "y",\n  },\n  other: { check: 1 },\n}\n'
  const module = await directoryWith(t, { 'hydra.config.mjs': source })
  const lines = (await problemsOf(loadConfig({ directory: module, env: {} }))).map(({ at, line }) => [
    at,
    line,
  ])
  assert.deepEqual(Object.fromEntries(lines), { 'lease.ttl': 3, 'lease.check': undefined, other: 6 })
})

for (const [what, files, pattern] of [
  ['a file with a slip in its syntax', { 'hydra.config.yaml': 'port: 1\n  host: x\n' }, /not readable/],
  ['a key that is there twice', { 'hydra.config.yaml': 'port: 1\nport: 2\n' }, /not readable/],
  ['a module that throws', { 'hydra.config.mjs': 'throw new Error("no luck")' }, /no luck/],
  ['a module without a default export', { 'hydra.config.mjs': 'export const config = {}' }, /default export/],
  [
    'two files, of which one would be ignored',
    { 'hydra.config.yaml': '', 'hydra.config.json': '{}' },
    /more than one/,
  ],
  [
    'a name that reaches into JavaScript',
    { 'hydra.config.json': '{"services":{"__proto__":{"url":"http://x"}}}' },
    /can’t be used/,
  ],
  ['a list instead of settings', { 'hydra.config.yaml': '- port: 1\n' }, /\[\{"port":1\}\]/],
] as const) {
  test(`${what} is said plainly`, async (t) => {
    const problems = await problemsOf(loadConfig({ directory: await directoryWith(t, files), env: {} }))
    assert.match(problems.map(({ is }) => is).join(), pattern)
  })
}

test('a name a service can’t have is shown itself, with what to write', async (t) => {
  const service = '{ url: "http://x:1", routes: [/x] }'
  const directory = await directoryWith(t, {
    'hydra.config.yaml': `services:\n  bad/name: ${service}\n  hydra: ${service}\n`,
  })
  assert.deepEqual(await problemsOf(loadConfig({ directory, env: {} })), [
    {
      at: 'services["bad/name"]',
      line: 2,
      is: '"bad/name"',
      write: 'a name without / \\ ? # % @ : or control characters',
    },
    {
      at: 'services.hydra',
      line: 3,
      is: '"hydra"',
      write: 'another name: the name "hydra" belongs to the gateway',
    },
  ])
})

test('a file that was named must be there', async (t) => {
  const directory = await directoryWith(t)
  assert.match((await problemsOf(loadConfig({ directory, file: 'mine.yaml', env: {} })))[0]!.at, /mine\.yaml/)
  assert.match(
    (await problemsOf(loadConfig({ directory, env: { HYDRA_PUBLIC_KEY_FILE: join(directory, 'no') } })))[0]!
      .is,
    /ENOENT/,
  )
})

test('variables with a slip are named in a warning', async (t) => {
  const env = {
    HYDRA_FLYWHEEL: 'on',
    HYDRA_PUBLC_KEY: 'x',
    HYDRA_ROUTER_CONFG: 'y',
    HYDRA_GATEWAY: 'http://x',
  }
  const { warnings } = await loadConfig({ directory: await directoryWith(t), env })
  assert.equal(warnings.length, 2)
  assert.match(warnings[0]!, /HYDRA_PUBLC_KEY .* HYDRA_PUBLIC_KEY/)
  assert.match(warnings[1]!, /HYDRA_ROUTER_CONFG .* HYDRA_ROUTER_CONFIG/)
})

test('the Redis of the gateway wins over that of the platform, and is never shown', async (t) => {
  const directory = await directoryWith(t, {
    'hydra.config.yaml': 'redis: { url: "redis://filed:1" }\n',
    url: 'rediss://app:geheim@there:6380/2\n',
  })
  const urlOf = async (env: Record<string, string>) => (await loadConfig({ directory, env })).config.redis.url
  assert.equal(await urlOf({}), 'redis://filed:1')
  assert.equal(await urlOf({ REDIS_URL: 'redis://platform' }), 'redis://platform')
  assert.equal(
    await urlOf({ REDIS_URL: 'redis://platform', HYDRA_REDIS_URL: 'redis+sentinel://a:1,b:2/main' }),
    'redis+sentinel://a:1,b:2/main',
  )
  assert.equal(await urlOf({ REDIS_URL: '' }), 'redis://filed:1')
  const { config } = await loadConfig({ directory, env: { HYDRA_REDIS_URL_FILE: join(directory, 'url') } })
  assert.equal(config.redis.url, 'rediss://app:geheim@there:6380/2')
  assert.doesNotMatch(JSON.stringify(showConfig(config)), /geheim/)
  for (const url of ['http://geheim@x', 'redis:/app:geheim@x', 'redis://app:a/geheim@x?y', 'app:geheim@x']) {
    const [problem] = await problemsOf(loadConfig({ directory, env: { HYDRA_REDIS_URL: url } }))
    assert.equal(problem?.at, 'HYDRA_REDIS_URL')
    assert.doesNotMatch(JSON.stringify(problem), /geheim/)
  }
})

test('certificates come as a pair of each layer: paths in a file start from the file, others from here', async (t) => {
  const directory = await directoryWith(t, {
    'hydra.config.yaml': 'tls:\n  - { cert: a.crt, key: a.key }\n  - { cert: /etc/b.crt, key: /etc/b.key }\n',
  })
  const pair = (name: string) => ({
    cert: join(directory, `${name}.crt`),
    key: join(directory, `${name}.key`),
  })
  const tlsOf = async (env: Record<string, string>, flags = {}) =>
    (await loadConfig({ directory, env, flags })).config.tls
  assert.deepEqual(await tlsOf({}), [pair('a'), { cert: '/etc/b.crt', key: '/etc/b.key' }])
  const env = { HYDRA_TLS_CERT: 'c.crt', HYDRA_TLS_KEY: 'c.key' }
  assert.deepEqual(await tlsOf(env), [pair('c')])
  assert.deepEqual(await tlsOf(env, { tlsCert: 'd.crt', tlsKey: 'd.key' }), [pair('d')])
  assert.equal(await tlsOf(env, { tlsSelfSigned: true }), 'self-signed')
})

test('a certificate without its key, or of two kinds, is a problem that names what was set', async (t) => {
  const directory = await directoryWith(t)
  const pair = { tlsCert: 'a.crt', tlsKey: 'a.key' }
  for (const [at, says, env, flags] of [
    ['HYDRA_TLS_CERT', /without HYDRA_TLS_KEY/, { HYDRA_TLS_CERT: 'a.crt' }, {}],
    ['--tls-key', /without --tls-cert/, {}, { tlsKey: 'a.key' }],
    ['--tls-cert and --tls-key', /with cert, key/, {}, { tlsCert: '', tlsKey: 'a.key' }],
    ['--tls-self-signed', /beside --tls-cert/, {}, { ...pair, tlsSelfSigned: true }],
  ] as const) {
    const [problem, ...others] = await problemsOf(loadConfig({ directory, env, flags }))
    assert.deepEqual(others, [])
    assert.equal(problem?.at, at)
    assert.match(problem.is, says)
  }
})
