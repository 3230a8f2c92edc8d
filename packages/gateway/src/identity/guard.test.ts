import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePattern } from '@hydra-gateway/protocol'
import { createManualClock } from '../observe/manual-clock.ts'
import { FakeExchange } from '../proxy/testing/fake-exchange.ts'
import type { Route } from '../routing/route.ts'
import { wholeSite } from '../routing/site-route.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import { type AccessRule, compileAccessRules } from './access-rules.ts'
import type { Demand } from './forbidden-log.ts'
import { createRouteGuard } from './guard.ts'
import { createKeyRing } from './key-ring.ts'
import type { Identity, Refusal, Session } from './port.ts'
import { createRevocations } from './revocations.ts'
import { compileRoleMappings } from './role-mappings.ts'
import { createSealer } from './sealing.ts'
import { createTokens } from './tokens.ts'

const START = 1_800_000_000_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const log = { info() {}, warn() {}, error() {}, debug() {} } as any

const mira: Identity = {
  ...{ provider: 'local', subject: 'mira', username: 'mira', userId: 7, roles: ['MANAGER'], claims: {} },
}
const miraAtCorp: Identity = {
  ...{ provider: 'corp', subject: '77', username: 'm.ira', userId: null, roles: ['STAFF'], claims: {} },
}
const sid = `${START.toString(36)}-${'s'.repeat(22)}`

interface SetUp {
  readonly rules?: readonly AccessRule[]
  readonly host?: boolean
  readonly routes?: Readonly<Record<string, Route>>
}

async function setUp({ rules = [], host = false, routes }: SetUp = {}) {
  const clock = createManualClock(START)
  const store = createMemoryIdentityStore()
  const sealer = createSealer(['key'], 'test')
  const ring = await createKeyRing({ store: store.keyRing, sealer, tokenLifeMs: HOUR, clock, log })
  const settings = { lifeMs: HOUR, renewAfterMs: 30 * MINUTE, idleMs: 8 * HOUR }
  const tokens = createTokens({ ring, sealer, clock, settings })
  const revocations = createRevocations({
    ...{ store: store.revocations, clock, log, settings: { keepMs: 24 * HOUR } },
  })
  const counted: string[] = []
  const forbidden: Demand[] = []
  const guard = createRouteGuard({
    tokens,
    revocations,
    ruleFor: compileAccessRules(rules),
    ...(routes ? { routeOf: (_exchange: unknown, path: string) => routes[path] } : {}),
    roleMappings: compileRoleMappings({ MANAGER: { mappedTo: 'ADMIN', service: 'shop' } }),
    settings: { host, maxTokenBytes: 3800 },
    onForbidden: (_exchange, _caller, demand) => void forbidden.push(demand),
    clock,
    log,
    metrics: { refused: (what, reason) => void counted.push(`${what} ${reason}`) },
  })
  const sign = async (...identities: Identity[]) => {
    const session: Session = { sid, startedAt: START, seenAt: START, endsAt: START + 24 * HOUR, identities }
    return (await tokens.sign(session)).token
  }
  const ask = async (access: Partial<Route>, ...lines: string[]) => {
    const exchange = new FakeExchange('GET /a HTTP/1.1', ...lines)
    return { exchange, refusal: await guard.check(exchange, routeOf(access)) }
  }
  return { clock, guard, tokens, revocations, counted, forbidden, sign, ask, ring }
}

function routeOf(fields: Partial<Route> = {}, pattern = '/**'): Route {
  const [parsed] = parsePattern(pattern).patterns
  return { pattern: parsed!, kind: 'page', service: 'shop', claims: [], ...fields }
}

const PAGE = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']

test('whom a route is for is decided in the order of what visitors can do about it', async () => {
  const { sign, ask } = await setUp()
  const local = `Cookie: HYDRA-SSO=${await sign(mira)}`
  const both = `Cookie: HYDRA-SSO=${await sign(mira, miraAtCorp)}`
  const cases: readonly (readonly [Partial<Route>, string | undefined, Refusal | undefined])[] = [
    [{}, undefined, undefined],
    [{ auth: 'optional' }, undefined, undefined],
    [{ auth: 'required' }, undefined, 'login'],
    [{ roles: ['ADMIN'] }, undefined, 'login'],
    [{ providers: ['corp'], roles: ['ADMIN'] }, undefined, 'login'],
    [{ auth: 'required' }, local, undefined],
    // Roles are those of the service, whatever their case.
    [{ roles: ['admin'] }, local, undefined],
    [{ roles: ['MANAGER'] }, local, 'forbidden'],
    [{ roles: ['USER', 'Admin'] }, local, undefined],
    [{ service: 'orders', roles: ['manager'] }, local, undefined],
    [{ service: 'orders', roles: ['ADMIN'] }, local, 'forbidden'],
    [{ roles: [] }, undefined, 'login'],
    [{ roles: [] }, local, undefined],
    [{ providers: ['corp'] }, local, 'provider'],
    [{ providers: ['corp'], roles: ['NOBODY'] }, local, 'provider'],
    [{ providers: ['corp'] }, both, undefined],
    // The roles of the identity that was asked for, not those of any other.
    [{ providers: ['corp'], roles: ['STAFF'] }, both, undefined],
    [{ providers: ['corp'], roles: ['ADMIN'] }, both, 'forbidden'],
    [{ roles: ['STAFF'] }, both, 'forbidden'],
  ]
  for (const [access, cookie, expected] of cases) {
    const { refusal } = await ask(access, ...(cookie ? [cookie] : []))
    assert.equal(refusal, expected, JSON.stringify([access, cookie?.length]))
  }
})

test('a caller is known on public routes too, at once when the token was seen before', async () => {
  const { sign, ask, guard } = await setUp()
  const cookie = `Cookie: a=1; HYDRA-SSO=${await sign(mira)}; b=2`
  const { exchange, refusal } = await ask({}, cookie)
  assert.equal(refusal, undefined)
  assert.equal(exchange.caller?.identities[0]?.username, 'mira')
  const again = new FakeExchange('GET /a HTTP/1.1', cookie)
  assert.equal(guard.check(again, routeOf()), undefined)
  assert.equal(again.caller, exchange.caller)
})

test('a faulty cookie counts as none and is taken away; the request goes on where nobody has to be anybody', async () => {
  const { sign, ask, counted, clock } = await setUp()
  const good = await sign(mira)
  const [head, , signature] = good.split('.')
  const forged = [head, Buffer.from('{"iss":"hydra"}').toString('base64url'), signature].join('.')
  const none = ['eyJhbGciOiJub25lIn0', good.split('.')[1], 'AAAA'].join('.')
  for (const [cookie, fault] of [
    [`HYDRA-SSO=${forged}`, 'forged'],
    ['HYDRA-SSO=', 'malformed'],
    ['HYDRA-SSO=x', 'malformed'],
    [`HYDRA-SSO="${good}"`, 'malformed'],
    [`HYDRA-SSO=${none}`, 'algorithm'],
    [`HYDRA-SSO=${'x'.repeat(4000)}`, 'oversize'],
  ] as const) {
    counted.length = 0
    const open = await ask({}, `Cookie: ${cookie}`)
    assert.deepEqual(
      [open.refusal, open.exchange.caller, open.exchange.isLoginFaulty],
      [undefined, undefined, true],
    )
    assert.deepEqual(counted, [`login ${fault}`])
    assert.equal((await ask({ auth: 'required' }, `Cookie: ${cookie}`)).refusal, 'login')
  }
  clock.advance(HOUR)
  counted.length = 0
  const late = await ask({}, `Cookie: HYDRA-SSO=${good}`)
  assert.deepEqual(
    [late.exchange.caller, late.exchange.isLoginFaulty, counted],
    [undefined, true, ['login expired']],
  )
})

test('two login cookies count as none, and none of them is taken: the other would stay', async () => {
  const { sign, ask, counted } = await setUp()
  const token = await sign(mira)
  for (const lines of [
    [`Cookie: HYDRA-SSO=${token}; HYDRA-SSO=${token}`],
    ['Cookie: HYDRA-SSO=x', `Cookie: HYDRA-SSO=${token}`],
    [`Cookie: HYDRA-SSO=${token}; a=1;HYDRA-SSO=; HYDRA-RENEW=1`, ...PAGE],
  ]) {
    counted.length = 0
    const { exchange, refusal } = await ask({ auth: 'required' }, ...lines)
    assert.deepEqual([refusal, exchange.caller, exchange.isLoginFaulty], ['login', undefined, false])
    assert.deepEqual(counted, ['login duplicate'])
  }
})

test('with __Host- only that name is read, and without it only the other', async () => {
  const host = await setUp({ host: true })
  const token = await host.sign(mira)
  assert.equal((await host.ask({}, `Cookie: HYDRA-SSO=${token}`)).exchange.caller, undefined)
  assert.ok((await host.ask({}, `Cookie: HYDRA-SSO=x; __Host-HYDRA-SSO=${token}`)).exchange.caller)
  assert.equal((await host.ask({}, 'Cookie: HYDRA-RENEW=1', ...PAGE)).refusal, undefined)
  assert.equal((await host.ask({}, 'Cookie: __Host-HYDRA-RENEW=1', ...PAGE)).refusal, 'renew')
  const plain = await setUp()
  const other = await plain.sign(mira)
  assert.equal((await plain.ask({}, `Cookie: __Host-HYDRA-SSO=${other}`)).exchange.caller, undefined)
})

test('a token for one service alone is none for the gateway', async () => {
  const { tokens, ask, counted } = await setUp()
  const session: Session = {
    ...{ sid, startedAt: START, seenAt: START, endsAt: START + HOUR, identities: [mira] },
  }
  const { token } = await tokens.sign(session, { audience: 'shop' })
  assert.equal((await ask({ auth: 'required' }, `Cookie: HYDRA-SSO=${token}`)).refusal, 'login')
  assert.deepEqual(counted, ['login audience'])
})

test('who was signed out is nobody with the next request', async () => {
  const { sign, ask, revocations, counted } = await setUp()
  const cookie = `Cookie: HYDRA-SSO=${await sign(mira)}; HYDRA-RENEW=1`
  assert.ok((await ask({}, cookie)).exchange.caller)
  await revocations.revoke('session', sid, 'logout')
  const { exchange, refusal } = await ask({ auth: 'required' }, cookie, ...PAGE)
  assert.deepEqual([refusal, exchange.caller, exchange.isLoginFaulty], ['login', undefined, true])
  assert.deepEqual(counted, ['login revoked'])
})

test('a page with an old token, or none, goes by the renewal; nothing else does', async () => {
  const { sign, ask, clock } = await setUp()
  const token = await sign(mira)
  const cookie = `Cookie: HYDRA-SSO=${token}; HYDRA-RENEW=1`
  assert.equal((await ask({}, cookie, ...PAGE)).refusal, undefined)
  for (const access of [{}, { auth: 'required' }] as const) {
    assert.equal((await ask(access, 'Cookie: HYDRA-RENEW=1', ...PAGE)).refusal, 'renew')
  }
  clock.advance(30 * MINUTE)
  assert.equal((await ask({}, cookie, ...PAGE)).refusal, 'renew')
  assert.equal((await ask({}, `Cookie: HYDRA-SSO=${token}`, ...PAGE)).refusal, undefined)
  for (const others of [
    ['Accept: */*', 'Sec-Fetch-Mode: cors'],
    ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
    [...PAGE, 'Sec-Purpose: prefetch'],
    [],
  ]) {
    assert.equal((await ask({}, cookie, ...others)).refusal, undefined, others.join())
    assert.equal((await ask({ auth: 'required' }, 'Cookie: HYDRA-RENEW=1', ...others)).refusal, 'login')
  }
  clock.advance(30 * MINUTE)
  const expired = await ask({ auth: 'required' }, cookie, ...PAGE)
  // It is replaced: taking it could take the one that replaces it.
  assert.deepEqual([expired.refusal, expired.exchange.isLoginFaulty], ['renew', false])
  // So is one that nobody can read: the session may be as good as ever.
  for (const faulty of ['abc.def.ghi', `${token.slice(0, -8)}AAAAAAAA`, 'x'.repeat(4000)]) {
    const lost = await ask({ auth: 'required' }, `Cookie: HYDRA-SSO=${faulty}; HYDRA-RENEW=1`, ...PAGE)
    assert.deepEqual([lost.refusal, lost.exchange.isLoginFaulty], ['renew', false], faulty.slice(0, 20))
    const bare = await ask({ auth: 'required' }, `Cookie: HYDRA-SSO=${faulty}`, ...PAGE)
    assert.deepEqual([bare.refusal, bare.exchange.isLoginFaulty], ['login', true])
  }
})

test('nobody goes round in circles when a renewal leads to nothing', async () => {
  const { ask } = await setUp()
  for (const [rounds, expected] of [
    ['1', 'renew'],
    ['4', 'renew'],
    ['5', 'login'],
    ['99', 'login'],
    ['x', 'login'],
    // One that another host of the domain put there comes first when its path is longer, and never grows.
    ['0; HYDRA-RENEWING=5', 'login'],
    ['5; HYDRA-RENEWING=0', 'login'],
  ]) {
    const cookie = `Cookie: HYDRA-RENEW=1; HYDRA-RENEWING=${rounds}`
    assert.equal((await ask({ auth: 'required' }, cookie, ...PAGE)).refusal, expected, rounds)
  }
})

test('operators have the last word about a path', async () => {
  const rules: readonly AccessRule[] = [
    { path: '/a', auth: 'required' },
    { service: 'open', auth: 'optional' },
    { service: 'staff', roles: ['STAFF'] },
  ]
  const { ask, guard, sign, tokens, forbidden } = await setUp({ rules })
  assert.equal((await ask({})).refusal, 'login')
  assert.equal((await ask({ service: 'open', auth: 'required', roles: ['ADMIN'] })).refusal, undefined)
  assert.equal(
    (await ask({ service: 'staff' }, `Cookie: HYDRA-SSO=${await sign(mira)}`)).refusal,
    'forbidden',
  )
  assert.partialDeepStrictEqual(forbidden, [
    { service: 'staff', access: { roles: ['STAFF'] }, isByRule: true },
  ])
  const caller = await tokens.verify(await sign(mira))
  assert.ok(typeof caller === 'object')
  assert.equal(guard.admits(caller, 'staff', {}), 'forbidden')
  assert.equal(guard.admits(undefined, 'open', { auth: 'required' }), undefined)
  assert.equal(guard.admits(undefined, 'shop', {}), undefined)
})

test('fragments and messages are for whom they are for', async () => {
  const { guard, tokens, sign, revocations } = await setUp()
  const caller = await tokens.verify(await sign(mira))
  assert.ok(typeof caller === 'object')
  assert.equal(guard.admits(undefined, 'shop', { auth: 'required' }), 'login')
  assert.equal(guard.admits(caller, 'shop', { roles: ['ADMIN'] }), undefined)
  assert.equal(guard.admits(caller, 'orders', { roles: ['ADMIN'] }), 'forbidden')
  assert.equal(guard.admits(caller, 'shop', { providers: ['corp'] }), 'provider')
  await revocations.revoke('user', 'local:mira', 'operator')
  assert.equal(guard.admits(caller, 'shop', { auth: 'required' }), 'login')
})

test('what a service reads as a closed path is closed, however it is written', async () => {
  const admin = routeOf({ roles: ['ADMIN'] }, '/admin/**')
  const routes = {
    '/admin/users': admin,
    '/admin': admin,
    '/other/users': routeOf({ service: 'x', auth: 'required' }),
  }
  const { guard } = await setUp({ routes })
  const ask = (path: string, route = routeOf()) =>
    guard.check(new FakeExchange(`GET ${path} HTTP/1.1`), route)
  for (const path of [
    '/ADMIN/users',
    '/admin;x=1/users',
    '/admin//users',
    '/Admin/',
    '/%41dmin/users/',
    '//admin',
  ])
    assert.equal(ask(path), 'login', path)
  for (const path of ['/administrators', '/shop', '/OTHER/users', '/SHOP/admin'])
    assert.equal(ask(path), undefined, path)
  // Whoever declares exactly this path means it.
  assert.equal(ask('/ADMIN/users', routeOf({}, '/ADMIN/users')), undefined)
})

test('whoever asks for what the gateway serves itself is known without any route being judged', async () => {
  const { guard, sign, clock, revocations, counted } = await setUp()
  const cookie = `Cookie: HYDRA-SSO=${await sign(mira)}`
  const identify = async (...lines: string[]) => {
    const exchange = new FakeExchange('GET /_hydra/live HTTP/1.1', ...lines)
    await guard.identify(exchange)
    return exchange.caller
  }
  const caller = await identify(cookie)
  assert.equal(caller?.identities[0]?.username, 'mira')
  const again = new FakeExchange('GET /_hydra/live HTTP/1.1', cookie)
  assert.equal(guard.identify(again), undefined, 'at once')
  assert.equal(again.caller, caller)
  assert.equal(await identify(), undefined)
  assert.equal(await identify('Cookie: HYDRA-SSO=nonsense'), undefined)
  assert.deepEqual(counted, ['login malformed'])

  await revocations.revoke('session', sid, 'logout')
  assert.equal(await identify(cookie), undefined)
  clock.advance(2 * HOUR)
  assert.equal(await identify(cookie), undefined)
})

test('whoever comes without a token, but with a session, is told to renew it, and not for ever', async () => {
  const { guard, sign, revocations, clock } = await setUp()
  const token = `HYDRA-SSO=${await sign(mira)}`
  const renewal = async (...cookies: string[]) => {
    const exchange = new FakeExchange('GET /_hydra/live HTTP/1.1', `Cookie: ${cookies.join('; ')}`)
    await guard.identify(exchange)
    return guard.renewal(exchange)
  }
  assert.equal(await renewal(token, 'HYDRA-RENEW=x'), undefined, 'the token holds')
  assert.match((await renewal('HYDRA-RENEW=x'))!, /^HYDRA-RENEWING=1; /)
  assert.match((await renewal('HYDRA-RENEW=x', 'HYDRA-RENEWING=4'))!, /^HYDRA-RENEWING=5; /)
  assert.equal(await renewal('HYDRA-RENEW=x', 'HYDRA-RENEWING=5'), undefined)
  assert.equal(await renewal(token, token, 'HYDRA-RENEW=x'), undefined, 'one of them would stay')
  assert.equal(await renewal('HYDRA-SSO=nonsense'), undefined, 'there is none')
  clock.advance(HOUR)
  assert.match((await renewal(token, 'HYDRA-RENEW=x'))!, /^HYDRA-RENEWING=1; /)
  const later = `HYDRA-SSO=${await sign(mira)}`
  await revocations.revoke('session', sid, 'logout')
  assert.equal(await renewal(later, 'HYDRA-RENEW=x'), undefined, 'it is over')
})

test('a rule about the site of a service holds for what its pages ask for beside it, whoever says to be one', async () => {
  const { guard } = await setUp({ rules: [{ path: '/shop/admin/**', roles: ['ADMIN'] }] })
  const site = { ...routeOf({}, '/shop/**'), service: 'shop', flywheel: 'site' as const }
  const refusalAt = (path: string, route: Route) =>
    guard.check(new FakeExchange(`GET ${path} HTTP/1.1`), route)
  assert.equal(await refusalAt('/shop/admin/users', site), 'login')
  for (const path of ['/admin/users', '/Admin/users', '//admin/users'])
    assert.equal(await refusalAt(path, wholeSite(site)), 'login', path)
  assert.equal(await refusalAt('/logo.png', wholeSite(site)), undefined)
  // A route of its own is what the service declared.
  assert.equal(await refusalAt('/admin/users', { ...site, flywheel: 'route' }), undefined)
})

test('a rule about a path of a service holds where the path is reached through the site of that service', async () => {
  const { guard } = await setUp({ rules: [{ service: 'shop', path: '/admin/**', roles: ['ADMIN'] }] })
  const site = { ...routeOf({}, '/shop/**'), flywheel: 'site' as const }
  const refusalAt = (path: string, route: Route) =>
    guard.check(new FakeExchange(`GET ${path} HTTP/1.1`), route)
  for (const path of ['/shop/admin/users', '/shop/Admin/users', '/shop//admin/users'])
    assert.equal(await refusalAt(path, site), 'login', path)
  assert.equal(await refusalAt('/shop/page/users', site), undefined)
  assert.equal(await refusalAt('/shop/admin/users', routeOf({}, '/shop/**')), undefined)
})
