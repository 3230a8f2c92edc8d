import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, type ConfigInput, parseConfig } from './config.ts'

function problemsOf(input: unknown) {
  try {
    parseConfig(input as ConfigInput)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return Object.fromEntries(error.problems.map(({ at, is, write }) => [at, { is, write }]))
  }
  return assert.fail('no problem was found')
}

const service = { url: 'http://localhost:3002', routes: ['/orders/**'] }

test('with no configuration at all every setting has its documented value', () => {
  const config = parseConfig({})
  assert.equal(config.port, 8080)
  assert.equal(config.host, undefined)
  assert.deepEqual(config.registration, {
    from: ['loopback'],
    requirePrivateKey: false,
    maxBytes: 8 * 2 ** 20,
    maxRoutes: 20_000,
    maxInstances: 5000,
  })
  assert.deepEqual(config.lease, { ttl: 5000, check: 250, resume: 5000 })
  assert.equal(config.forgetAfter, 86_400_000)
  assert.equal(config.http.maxBodyBytes, undefined)
  assert.equal(config.http.keepAlive, 75_000)
  assert.deepEqual(config.routing, { balance: 'p2c' })
  assert.deepEqual(config.services, [])
})

test('a configured service may have nothing but fragments, each by one name', () => {
  const url = 'http://localhost:3002'
  const fragments = ['teaser', { ref: 'ad', attributes: ['campaign'] }]
  const [parts] = parseConfig({ services: { parts: { url, fragments } } }).services
  assert.deepEqual(
    parts!.fragments?.map(({ ref, attributes }) => [ref, attributes]),
    [
      ['teaser', []],
      ['ad', ['campaign']],
    ],
  )
  const faults = problemsOf({
    services: {
      twice: { url, fragments: ['a', 'a'] },
      odd: { url, fragments: [{ ref: 'a', atributes: [] }] },
    },
  })
  assert.match(faults['services.twice.fragments']!.write, /each ref once; "a" is there twice/)
  assert.ok(
    Object.keys(faults).some((at) => at.startsWith('services.odd.fragments[0]')),
    JSON.stringify(faults),
  )
})

test('a configuration cannot be changed by the parts that read it', () => {
  const config = parseConfig({ services: { orders: service } })
  assert.throws(() => Object.assign(config.http, { maxAttempts: 9 }), TypeError)
  assert.throws(() => (config.services[0]!.routes as unknown[]).push(1), TypeError)
})

test('private networks may register once somebody chose keys, or said so', () => {
  const keys = { publicKey: 'p', privateKey: 's' }
  assert.deepEqual(parseConfig({}).registration.from, ['loopback'])
  assert.deepEqual(parseConfig({ keys }).registration.from, ['loopback', 'private'])
  assert.deepEqual(parseConfig({ registration: { from: ['10.0.0.0/8'] } }).registration.from, ['10.0.0.0/8'])
})

test('two keys are valid at once, the newest first', () => {
  const { keys } = parseConfig({ keys: { publicKey: 'new,old', privateKey: ['fresh', 'stale'] } })
  assert.deepEqual(keys, { publicKey: ['new', 'old'], privateKey: ['fresh', 'stale'] })
})

test('a configured service is taken apart: addresses, weights, patterns as text or objects', () => {
  const [orders] = parseConfig({
    services: {
      orders: {
        urls: ['https://[::1]', { url: 'http://10.0.0.7:3002', weight: 3, version: '2.0.0' }],
        version: '1.0.0',
        routes: ['/orders/**', { path: '/api/orders', methods: ['get'] }],
        preserveHost: false,
      },
    },
  }).services
  assert.deepEqual(orders!.instances, [
    { protocol: 'https', host: '::1', port: 443, weight: 10, version: '1.0.0' },
    { protocol: 'http', host: '10.0.0.7', port: 3002, weight: 3, version: '2.0.0' },
  ])
  assert.deepEqual(orders!.routes, [
    { path: '/orders/**', dialect: 'hydra' },
    { path: '/api/orders', dialect: 'hydra', methods: ['GET'] },
  ])
  assert.equal(orders!.preserveHost, false)
})

test('all problems are reported together, each with its place and its fix', () => {
  const problems = problemsOf({
    port: 99_999,
    prot: 1,
    rsocketPort: 9000,
    controlPort: 9000,
    lease: { ttl: '1s', check: '2s' },
    keys: { publicKey: 'only-one' },
    http: { maxHedBytes: 1, headTimeout: 'soon' },
    services: {
      'a/b': service,
      orders: { ...service, url: 'localhost:3002', wieght: 1 },
      none: { url: 'http://x' },
      both: { ...service, urls: ['http://x'] },
      list: { urls: ['http://x', 'x'], routes: [{ methods: ['GET'] }] },
    },
  })
  assert.deepEqual(
    Object.keys(problems).sort(),
    [
      'http.headTimeout',
      'http.maxHedBytes',
      'keys.privateKey',
      'lease.check',
      'port',
      'prot',
      'rsocketPort',
      'services.both.url',
      'services.list.routes[0].path',
      'services.list.urls[1].url',
      'services.none.routes',
      'services.orders.url',
      'services.orders.wieght',
      'services["a/b"]',
    ].sort(),
  )
  assert.match(problems.prot!.write, /^port,/)
  assert.match(problems['services.orders.wieght']!.write, /^weight,/)
  assert.deepEqual(problems['services.orders.url'], {
    is: '"localhost:3002"',
    write: 'an address such as http://localhost:3002, without a path',
  })
  assert.equal(problems['services.list.urls[1].url']!.is, '"x"')
  assert.match(problems.rsocketPort!.write, /controlPort/)
})

test('a secret is never repeated in a problem', () => {
  const problems = problemsOf({ keys: { publicKey: 'my secret', privateKey: 'another secret' } })
  assert.equal(JSON.stringify(problems).includes('secret"'), false)
  assert.equal(problems['keys.privateKey']!.is, 'set, but not usable')
})

test('a name that lies far from every setting is told what there is', () => {
  assert.match(problemsOf({ routing: { stickiness: 1 } })['routing.stickiness']!.write, /Known here: balance/)
})

test('certificates that are not there are a problem like any other', () => {
  const problems = problemsOf({ port: 'x', services: { orders: { ...service, tls: { ca: 'nowhere.pem' } } } })
  assert.match(problems['services.orders.tls.ca']!.is, /can't be read \(ENOENT\)/)
  assert.ok(problems.port)
})

test('something that is no object at all is a problem, not a crash', () => {
  for (const input of [[], 'text', 7, { services: [] }, { http: 'fast' }, { services: { a: null } }])
    problemsOf(input)
})

test('routes nobody could ever reach are a problem, not a surprise', () => {
  const routes = ['/orders/{', '/h/mine', '/fine', { path: '/page', fallback: 'javascript:alert(1)' }]
  const problems = problemsOf({ services: { orders: { ...service, routes, sockets: ['/_hydra/live'] } } })
  assert.deepEqual(Object.keys(problems), [
    'services.orders.routes[0].path',
    'services.orders.routes[1].path',
    'services.orders.routes[3].fallback',
    'services.orders.sockets[0]',
  ])
  assert.equal(problems['services.orders.routes[1].path']!.is, '"/h/mine"')
})
