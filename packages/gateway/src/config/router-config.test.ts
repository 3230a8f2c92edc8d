import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from './load.ts'
import { ConfigError } from './problems.ts'
import { readRouterConfig } from './router-config.ts'
import { ROUTER_KEYS } from './router-keys.ts'
import { formatConfig } from './show.ts'

/** The samples that come with hydra-router 1.9.15. */
const SAMPLE = {
  externalRoutes: {},
  routerToken: '',
  disableRouterEndpoint: false,
  debugLogging: true,
  queuerDB: 0,
  requestTimeout: 5,
  forceMessageSignature: false,
  signatureSharedSecret: 'd632dd6d-fb75-44cc-bdbf-ee1364f3716c',
  cors: {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
    'access-control-allow-headers': 'accept, authorization, cache-control, content-type, x-requested-with',
    'access-control-allow-credentials': 'true',
    'access-control-Max-Age': 10,
  },
  hydra: {
    serviceName: 'hydra-router',
    serviceDescription: 'Service Router',
    serviceIP: '',
    servicePort: '80',
    serviceType: 'router',
    plugins: { hydraLogger: { logToConsole: true, onlyLogLocally: false } },
    redis: { url: 'redis://host:6379/15' },
  },
}
const TEST_SAMPLE = {
  ...SAMPLE,
  requestTimeout: 30,
  rateLimiter: { db: 14, limit: -1, duration: 60 },
  hydra: { ...SAMPLE.hydra, redis: { url: 'redis://redis:6379/15' } },
}

type Files = Readonly<Record<string, string>>
type Env = Readonly<Record<string, string>>

async function directoryWith(t: TestContext, files: Files): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-router-'))
  t.after(() => rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

async function load(t: TestContext, given: unknown, env: Env = {}, files: Files = {}) {
  const text = typeof given === 'string' ? given : JSON.stringify(given, undefined, 2)
  const directory = await directoryWith(t, { 'config.json': text, ...files })
  return loadConfig({ directory, env: { HYDRA_ROUTER_CONFIG: 'config.json', ...env } })
}

async function problemsOf(loading: Promise<unknown>) {
  const error = await loading.then(
    () => assert.fail('no problem was found'),
    (thrown) => thrown,
  )
  assert.ok(error instanceof ConfigError, error)
  return error.problems
}

test('the sample of hydra-router is a configuration of the gateway', async (t) => {
  const { config, warnings, routerFile, file } = await load(t, SAMPLE)
  assert.equal(routerFile, 'config.json')
  assert.equal(file, undefined)
  assert.equal(config.port, 80)
  assert.equal(config.host, undefined)
  assert.equal(config.redis.url, 'redis://host:6379/15')
  const { enabled, requestTimeout, routerToken, cors, queuerDB, debugLogging } = config.flywheel
  assert.deepEqual(
    { enabled, requestTimeout, routerToken, queuerDB, debugLogging },
    { enabled: true, requestTimeout: 5000, routerToken: '', queuerDB: 0, debugLogging: true },
  )
  assert.equal(cors?.['access-control-Max-Age'], '10')
  assert.equal(config.flywheel.signatureSharedSecret, SAMPLE.signatureSharedSecret)
  assert.deepEqual(warnings, [
    'hydra.serviceDescription and hydra.serviceType of config.json have no effect: lists of services say what the gateway is.',
    'hydra.plugins of config.json has no effect: the gateway writes its log to standard output.',
  ])
})

test('the sample of its tests is one too, and what it never used is named', async (t) => {
  const { config, warnings } = await load(t, TEST_SAMPLE)
  assert.equal(config.flywheel.requestTimeout, 30_000)
  assert.match(warnings.join('\n'), /^rateLimiter of config\.json has no effect: hydra-router never used it/m)
})

/** A value for each key, other than the default. */
const VALUES: Readonly<Record<string, unknown>> = {
  externalRoutes: { 'https://api.example:8443': ['[get]/api/x'] },
  routerToken: '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641',
  disableRouterEndpoint: true,
  debugLogging: true,
  queuerDB: 3,
  requestTimeout: 30,
  forceMessageSignature: true,
  signatureSharedSecret: 'geheim',
  cors: { 'access-control-allow-origin': '*' },
  rateLimiter: { db: 14, limit: -1, duration: 60 },
  requireWebsocketAuth: true,
  websocketAuthService: 'auth',
  websocketAuthServiceAPI: '/v1/auth',
  'hydra.serviceName': 'my-router',
  'hydra.serviceDescription': 'Service Router',
  'hydra.serviceIP': '10.0.0.5',
  'hydra.servicePort': 5353,
  'hydra.serviceType': 'router',
  'hydra.serviceInterface': 'lo/255.0.0.0',
  'hydra.serviceDNS': 'router.example',
  'hydra.redis': { url: 'redis://h:6379/15' },
  'hydra.queuerDB': 4,
  'hydra.plugins': { hydraLogger: {} },
}

test('every key of hydra-router works, or is named as one that has no effect', async (t) => {
  const needed = { forceMessageSignature: ['signatureSharedSecret'] } as Record<string, string[]>
  needed.requireWebsocketAuth = ['websocketAuthService', 'websocketAuthServiceAPI']
  const whole = (names: readonly string[]) => {
    const given: any = { hydra: {} }
    for (const name of names) {
      const [first, second] = name.split('.')
      if (second) given.hydra[second] = VALUES[name]
      else given[first!] = VALUES[name]
    }
    return given
  }
  const plain = (await load(t, { hydra: {} })).config
  for (const name of Object.keys(VALUES)) {
    const { config, warnings } = await load(t, whole([name, ...(needed[name] ?? [])]))
    const isNamed = warnings.some((line) => line.includes(`${name} of config.json has no effect`))
    const works = JSON.stringify(config) !== JSON.stringify(plain)
    assert.ok(works !== isNamed, `${name}: works ${works}, named ${isNamed}: ${warnings}`)
  }
  for (const { name } of ROUTER_KEYS.filter(({ name }) => !(name in VALUES))) {
    const [first, second] = name.split('.')
    const { warnings } = await load(t, second ? { [first!]: { [second]: 'x' } } : { [first!]: 'x' })
    assert.ok(
      warnings.some((line) => line.includes(`${name} of config.json has no effect`)),
      name,
    )
  }
})

test('a key nobody knows is named, with what was likely meant', async (t) => {
  const { warnings } = await load(t, { routerTokn: 'x', servicePort: 1, hydra: { servicPort: 1 }, xyz: 0 })
  assert.deepEqual(warnings, [
    'routerTokn of config.json is no key of hydra-router, and has no effect; did you mean routerToken?',
    'servicePort of config.json is no key of hydra-router, and has no effect; did you mean hydra.servicePort?',
    'xyz of config.json is no key of hydra-router, and has no effect.',
    'hydra.servicPort of config.json is no key of hydra-router, and has no effect; did you mean hydra.servicePort?',
  ])
})

test('a file of ours, the environment and flags go before it, one setting at a time', async (t) => {
  const file = 'port: 7001\nflywheel: { cors: { x-a: b } }\n'
  const { config } = await load(
    t,
    SAMPLE,
    { HYDRA_REDIS_URL: 'redis://other' },
    { 'hydra.config.yaml': file },
  )
  assert.equal(config.port, 7001)
  assert.deepEqual(config.flywheel.cors, { 'x-a': 'b' })
  assert.equal(config.flywheel.debugLogging, true)
  assert.equal(config.redis.url, 'redis://other')
  assert.equal((await load(t, SAMPLE, { HYDRA_FLYWHEEL: 'off' })).config.flywheel.enabled, false)
  assert.equal((await loadConfig({ directory: '.', env: {} })).config.flywheel.enabled, undefined)
})

test('Redis is found where the library finds it', async (t) => {
  for (const [redis, url] of [
    [undefined, 'redis://127.0.0.1:6379/15'],
    [{}, 'redis://127.0.0.1:6379/0'],
    [{ url: 'redis://h:7000/3' }, 'redis://h:7000/3'],
    [{ url: 'redis://h' }, 'redis://h:6379/0'],
    [{ url: 'redis://h/3', db: 5 }, 'redis://h:6379/5'],
    [{ url: 'redis://user:p%40ss@h:1/2' }, 'redis://:p%40ss@h:1/2'],
    [{ url: 'h:7000', db: 15 }, 'redis://h:7000/15'],
    [{ url: '127.0.0.1', port: 6380, db: 15 }, 'redis://127.0.0.1:6380/15'],
    [{ host: 'h', port: '7000', db: '2', password: 'a/b' }, 'redis://:a%2Fb@h:7000/2'],
    [{ host: '::1' }, 'redis://[::1]:6379/0'],
    [{ host: 'h', tls: { ca: 'CA' } }, 'rediss://h:6379/0'],
    [{ url: 'redis+sentinel://a:1,b:2/main/15' }, 'redis+sentinel://a:1,b:2/main/15'],
  ] as const) {
    const text = { hydra: redis === undefined ? {} : { redis } }
    const { settings, problems } = await readRouterConfig({
      directory: await directoryWith(t, { c: JSON.stringify(text) }),
      env: { HYDRA_ROUTER_CONFIG: 'c' },
    })
    assert.deepEqual(problems, [])
    assert.equal(settings.find(({ path }) => path.join('.') === 'redis.url')?.value, url)
  }
  const { warnings } = await load(t, { hydra: { redis: { host: 'h', retry_max_delay: 1, family: 4 } } })
  assert.match(
    warnings[0]!,
    /^hydra\.redis\.retry_max_delay and hydra\.redis\.family of config\.json have no/,
  )
})

test('a Redis that can’t be used is said without its password', async (t) => {
  for (const [redis, at] of [
    [{ url: 'http://:geheim@h' }, 'url'],
    [{ url: 'redis://:geheim@h/x' }, 'url'],
    [{ host: 'geheim@h' }, 'host'],
    [{ host: 'h', port: 'geheim' }, 'port'],
    [{ path: '/var/run/redis.sock' }, 'path'],
    [{ host: 'h', password: ['geheim'] }, 'password'],
  ] as const) {
    const [problem, ...others] = await problemsOf(load(t, { hydra: { redis } }))
    assert.deepEqual(others, [])
    assert.equal(problem?.at, `hydra.redis.${at} in config.json`)
    assert.doesNotMatch(JSON.stringify(problem), /geheim/)
  }
})

test('an address of this machine is chosen as the library chooses it', async (t) => {
  const at = (address: string, netmask: string) =>
    ({ address, netmask, family: 'IPv4', internal: false, mac: '', cidr: null }) as const
  const interfaces = { lo: [at('127.0.0.1', '255.0.0.0')], eth0: [at('10.1.2.3', '255.255.0.0')] }
  const read = async (hydra: object) => {
    const { settings, problems } = await readRouterConfig({
      directory: await directoryWith(t, { c: JSON.stringify({ hydra: { redis: {}, ...hydra } }) }),
      env: { HYDRA_ROUTER_CONFIG: 'c' },
      interfaces,
    })
    const named = settings.map(({ path, value }) => [path.join('.'), value])
    return { ...Object.fromEntries(named), problems: problems.map(({ write }) => write) }
  }
  const of = async (hydra: object) => {
    const { host, 'flywheel.address': address, problems } = await read(hydra)
    return [host, address, ...problems]
  }
  assert.deepEqual(await of({ serviceIP: '' }), [undefined, undefined])
  assert.deepEqual(await of({ serviceIP: '10.1.2.3' }), [undefined, '10.1.2.3'])
  assert.deepEqual(await of({ serviceIP: '10.*' }), [undefined, '10.1.2.3'])
  assert.deepEqual(await of({ serviceDNS: 'r.example', serviceIP: '' }), [undefined, 'r.example'])
  assert.deepEqual(await of({ serviceInterface: 'eth0/255.255.0.0' }), ['10.1.2.3', undefined])
  assert.deepEqual(await of({ serviceInterface: 'eth0', serviceIP: '10.1.2.3' }), ['10.1.2.3', '10.1.2.3'])
  assert.deepEqual(await of({ serviceInterface: 'eth1/255.0.0.0' }), [
    undefined,
    undefined,
    'an interface with its mask: lo/255.0.0.0, eth0/255.255.0.0',
  ])
})

test('mistakes are told with file, line and what to write', async (t) => {
  const text =
    '{\n  "routerToken": "not-a-uuid",\n  "requestTimeout": "soon",\n  "hydra": {\n    "servicePort": 99999\n  }\n}\n'
  assert.deepEqual(await problemsOf(load(t, text)), [
    {
      at: 'requestTimeout in config.json',
      line: 3,
      is: '"soon"',
      write: 'a number of seconds',
    },
    {
      at: 'routerToken in config.json',
      line: 2,
      is: 'set, but not usable',
      write: 'a UUID such as 098ebe18-7e1b-4ddd-ae2a-cc6521e5b641, or nothing',
    },
    {
      at: 'hydra.servicePort in config.json',
      line: 5,
      is: '99999',
      write: 'a port from 1 to 65535, or 0 for any free one',
    },
  ])
  const bad = {
    externalRoutes: { 'someotherservice.com': ['[get]/x'] },
    cors: { 'a b': 'c', d: 'e\r\nf: g' },
  }
  assert.deepEqual(
    (await problemsOf(load(t, bad))).map(({ at, line, write }) => [at, line, write]).sort(),
    [
      ['[“someotherservice.com”]', 2, 'an address such as https://api.example:8443'],
      ['["a b"]', 7, 'the name of a header, such as access-control-allow-origin'],
      ['d', 7, 'the value of the header, in one line'],
    ]
      .map(([name, line, write]) => {
        const key = String(write).startsWith('an address') ? 'externalRoutes' : 'cors'
        return [`${String(name).replace(/[“”]/g, '"')} of ${key} in config.json`, line, write]
      })
      .sort(),
  )
})

test('an address nobody can connect to, and a header that would cut answers off, are named before anything starts', async (t) => {
  const bad = {
    externalRoutes: { 'http://a.example:99999': ['/x'], 'http://[::1': ['/x'], 'http://a%zz': ['/x'] },
    cors: { 'Content-Length': '5', 'transfer-encoding': 'chunked', 'access-control-max-age': 10 },
  }
  assert.deepEqual((await problemsOf(load(t, bad))).map(({ at, write }) => `${at}: ${write}`).sort(), [
    'Content-Length of cors in config.json: another header: this one can not be the same for every answer',
    '["http://[::1"] of externalRoutes in config.json: an address such as https://api.example:8443',
    '["http://a%zz"] of externalRoutes in config.json: an address such as https://api.example:8443',
    '["http://a.example:99999"] of externalRoutes in config.json: an address such as https://api.example:8443',
    'transfer-encoding of cors in config.json: another header: this one can not be the same for every answer',
  ])
})

test('what is no JSON is shown where it stops being some, and without what stands there', async (t) => {
  const text = '{\n  // a comment\n  "routerToken": "geheim"\n}\n'
  const [problem] = await problemsOf(load(t, text))
  assert.deepEqual([problem?.at, problem?.line], ['config.json', 2])
  assert.match(problem!.is, /not JSON \(unexpected sign/)
  assert.equal((await problemsOf(load(t, '[]')))[0]!.is, 'no object')
  assert.equal((await problemsOf(load(t, { hydra: 1 })))[0]!.at, 'hydra in config.json')
  const directory = await directoryWith(t, {})
  const [missing] = await problemsOf(loadConfig({ directory, env: { HYDRA_ROUTER_CONFIG: 'no.json' } }))
  assert.deepEqual([missing?.at, missing?.is], ['HYDRA_ROUTER_CONFIG', "a file that can't be read (ENOENT)"])
  assert.equal((await load(t, `\ufeff${JSON.stringify(SAMPLE)}`)).config.port, 80)
})

test('signatures need their secret, and questions about WebSockets somebody to ask', async (t) => {
  const given = { forceMessageSignature: true, requireWebsocketAuth: true, websocketAuthService: '' }
  assert.deepEqual((await problemsOf(load(t, given))).map(({ at }) => at).sort(), [
    'flywheel.signatureSharedSecret',
    'flywheel.websocketAuthService',
    'flywheel.websocketAuthServiceAPI',
  ])
})

test('hydra services and a Redis Cluster are refused together, where the one or the other was said', async (t) => {
  const REDIS = { HYDRA_REDIS_URL: 'redis+cluster://a:1,b:2' }
  const places = [
    await problemsOf(load(t, SAMPLE, REDIS)),
    await problemsOf(load(t, SAMPLE, { ...REDIS, HYDRA_FLYWHEEL: 'on' })),
  ].map(([problem]) => problem?.at)
  assert.deepEqual(places, ['HYDRA_ROUTER_CONFIG', 'HYDRA_FLYWHEEL'])
  await load(t, SAMPLE, { ...REDIS, HYDRA_FLYWHEEL: 'off' })
})

test('secrets of it are masked where the configuration is shown', async (t) => {
  const { config } = await load(t, {
    ...SAMPLE,
    routerToken: '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641',
    hydra: { redis: { host: 'h', password: 'geheim' } },
  })
  const shown = await formatConfig(config)
  assert.doesNotMatch(shown, /098ebe18|d632dd6d|geheim/)
  assert.match(shown, /routerToken: <hidden>/)
  assert.match(await formatConfig((await load(t, {})).config), /routerToken: ""/)
})

const DOTENV = `# of hydra-router's own repository
HYDRA_ROUTER_ROUTERTOKEN=""
HYDRA_ROUTER_DISABLEROUTERENDPOINT=true
HYDRA_ROUTER_DEBUGLOGGING=false
HYDRA_ROUTER_QUEUERDB=2
HYDRA_ROUTER_REQUESTTIMEOUT=7
HYDRA_ROUTER_SIGNATURESHAREDSECRET="d632dd6d_fb75_44cc_bdbf_ee1364f3716c"
HYDRA_ROUTER_CORS=true
HYDRA_ROUTER_CORS_ACCESS_CONTROL_ALLOW_ORIGIN="https://shop.example"
HYDRA_ROUTER_CORS_ACCESS_CONTROL_MAX_AGE=10
HYDRA_ROUTER_HYDRA_SERVICENAME="hydra-router"
HYDRA_ROUTER_HYDRA_SERVICEPORT="5353"
HYDRA_ROUTER_HYDRA_PLUGINS=true
HYDRA_ROUTER_HYDRA_PLUGINS_HYDRALOGGER_LOGTOCONSOLE=true
HYDRA_ROUTER_HYDRA_REDIS_URL="redis://redis:6379/1"
`

test('variables are read as numbers, yes and no, each from its own, where the original mixed them up and kept text (B15)', async (t) => {
  const token = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
  const given = { ...SAMPLE, routerToken: token }
  const { config, warnings } = await load(
    t,
    given,
    { HYDRA_ROUTER_ENV: '.env', HYDRA_ROUTER_REQUESTTIMEOUT: '9' },
    { '.env': DOTENV },
  )
  const { flywheel, port, redis } = config
  assert.equal(flywheel.disableRouterEndpoint, true, 'its own variable, not that of the token')
  assert.equal(flywheel.routerToken, token, 'an empty variable is no variable, and opens nothing')
  assert.equal(flywheel.debugLogging, false)
  assert.equal(flywheel.queuerDB, 2)
  assert.equal(flywheel.requestTimeout, 9000, 'the environment itself goes before the file')
  assert.equal(port, 5353)
  assert.equal(redis.url, 'redis://redis:6379/1')
  assert.deepEqual(flywheel.cors, {
    'access-control-allow-origin': 'https://shop.example',
    'access-control-max-age': '10',
  })
  assert.match(warnings.join('\n'), /hydra\.plugins of config\.json has no effect/)
  const off = await load(t, SAMPLE, { HYDRA_ROUTER_ENV: '.env' }, { '.env': 'HYDRA_ROUTER_CORS=false' })
  assert.equal(off.config.flywheel.cors, undefined)
})

test('a mistake in a variable is named after it', async (t) => {
  const env = { HYDRA_ROUTER_ENV: '.env' }
  const file =
    'HYDRA_ROUTER_ROUTERTOKEN=x\nHYDRA_ROUTER_EXTERNALROUTES={\nHYDRA_ROUTER_QUEUERDB=no\nHYDRA_ROUTER_DEBUGGING=1\n'
  const problems = await problemsOf(load(t, SAMPLE, env, { '.env': file }))
  assert.deepEqual(problems.map(({ at }) => at).sort(), [
    'HYDRA_ROUTER_EXTERNALROUTES',
    'HYDRA_ROUTER_QUEUERDB',
    'HYDRA_ROUTER_ROUTERTOKEN',
  ])
  const { warnings } = await load(t, {}, env, { '.env': 'HYDRA_ROUTER_DEBUGLOGGIN=1' })
  assert.match(warnings.join(), /HYDRA_ROUTER_DEBUGLOGGIN is not .* did you mean HYDRA_ROUTER_DEBUGLOGGING\?/)
  const [missing] = await problemsOf(load(t, SAMPLE, { HYDRA_ROUTER_ENV: 'no' }))
  assert.equal(missing?.at, 'HYDRA_ROUTER_ENV')
})

test('variables of hydra-router that nothing reads are named', async (t) => {
  const directory = await directoryWith(t, { 'config.json': '{}' })
  const env = { HYDRA_ROUTER_ROUTERTOKEN: 'x' }
  const { warnings } = await loadConfig({ directory, env })
  assert.deepEqual(warnings, ['HYDRA_ROUTER_ROUTERTOKEN has no effect without HYDRA_ROUTER_CONFIG.'])
  const given = await loadConfig({ directory, env: { ...env, HYDRA_ROUTER_CONFIG: 'config.json' } })
  assert.deepEqual(given.warnings, ['HYDRA_ROUTER_ROUTERTOKEN has no effect without HYDRA_ROUTER_ENV.'])
})
