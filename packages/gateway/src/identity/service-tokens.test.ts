import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { createManualClock } from '../observe/manual-clock.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Instance } from '../routing/upstream.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import { type ClaimMappingSetting, compileClaimMappings } from './claim-mappings.ts'
import { createKeyRing } from './key-ring.ts'
import { createKeyTurns } from './key-turns.ts'
import type { Caller, Identity, SignOptions, Tokens } from './port.ts'
import { createSealer } from './sealing.ts'
import { createServiceTokens, type ServiceTokenDeps } from './service-tokens.ts'
import { createTokens } from './tokens.ts'

const START = 1_800_000_000_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE

const local: Identity = {
  ...{ provider: 'local', subject: 'hello', username: 'hello', userId: 7, roles: ['USER'] },
  claims: { nick: 'he' },
}
const corp: Identity = {
  ...{ provider: 'corp', subject: 'c-1', username: 'h.ello', userId: null, roles: ['STAFF'] },
  claims: { staff: 's-4711' },
}

async function setUp(
  identities: readonly Identity[] = [local],
  mappings: readonly ClaimMappingSetting[] = [],
  more: Partial<ServiceTokenDeps> = {},
) {
  const clock = createManualClock(START)
  const log = { info() {}, warn() {} } as any
  const { keyRing: store } = createMemoryIdentityStore()
  const sealer = createSealer(['key'], 'ring')
  const ring = await createKeyRing({ store, sealer, tokenLifeMs: HOUR, clock, log })
  const settings = { lifeMs: HOUR, renewAfterMs: HOUR / 2, idleMs: 8 * HOUR }
  const tokens = createTokens({ ring, sealer, clock, settings })
  const signed: (SignOptions | undefined)[] = []
  const refused: string[] = []
  const watched: Tokens = {
    ...tokens,
    sign(session, options) {
      signed.push(options)
      return tokens.sign(session, options)
    },
  }
  const service = createServiceTokens({
    ...{ tokens: watched, ring, mappingFor: compileClaimMappings(mappings), clock, log },
    metrics: { refused: (what, reason) => void refused.push(`${what} ${reason}`) },
    ...more,
  })
  const sid = `${START.toString(36)}-${'s'.repeat(22)}`
  const session = { sid, startedAt: START, seenAt: START, endsAt: START + 24 * HOUR, identities }
  const caller = (await tokens.verify((await tokens.sign(session)).token)) as Caller
  return { clock, ring, tokens, service, caller, session, signed, refused }
}

const instance = (more: Partial<Instance> = {}) =>
  ({ service: 'orders', channel: 'rsocket', ...more }) as Instance
const exchangeOf = (caller: Caller | undefined, more: object = {}) =>
  ({ caller, path: '/orders', loginCookie: 'stale', loginHeader: 'stale', ...more }) as unknown as Exchange
const told = ({ loginCookie, loginHeader }: Exchange) => [loginCookie, loginHeader]

test('a caller of an instance that takes another key waits, and is told of with the key it then holds', async () => {
  const clock = createManualClock(START)
  const turns = createKeyTurns(clock)
  const { service, caller, ring } = await setUp([local], [], { turns })
  const held = { ...instance({ channel: 'http' }), id: 'a', keyId: caller.kid }
  await ring.rotate()
  const begun = turns.begin(['a'])
  clock.advance(100)
  const end = await begun
  const exchange = exchangeOf(caller)
  let isTold = false
  const telling = service.prepare(exchange, held)!.then(() => {
    isTold = true
  })
  const other = exchangeOf(caller)
  assert.equal(service.prepare(other, { ...held, id: 'b' }), undefined, 'others go on')
  assert.deepEqual(told(other), [caller.token, undefined])
  end(ring.activeKid)
  clock.advance(249)
  await new Promise(setImmediate)
  assert.equal(isTold, false)
  clock.advance(1)
  await telling
  assert.notEqual(exchange.loginCookie, caller.token)
  assert.equal(decodeProtectedHeader(exchange.loginCookie!).kid, ring.activeKid)
})

test('as a rule a service gets the token the caller came with, at once', async () => {
  const { service, caller, signed, ring } = await setUp()
  for (const one of [
    instance(),
    instance({ login: 'cookie' }),
    instance({ keyId: ring.activeKid }),
    instance({ keyId: 'a key that is gone' }),
    instance({ channel: 'static', login: 'cookie' }),
  ]) {
    const exchange = exchangeOf(caller)
    assert.equal(service.prepare(exchange, one), undefined)
    assert.deepEqual(told(exchange), [caller.token, undefined])
    assert.equal(service.tokenFor(caller, one), caller.token)
  }
  assert.deepEqual(signed, [])
})

test('nothing is told of nobody, nor to those who want nothing', async () => {
  const { service, caller } = await setUp()
  for (const [who, one] of [
    [undefined, instance()],
    [caller, instance({ login: 'none' })],
    [caller, instance({ channel: 'static' })],
  ] as const) {
    const exchange = exchangeOf(who)
    assert.equal(service.prepare(exchange, one), undefined)
    assert.deepEqual(told(exchange), [undefined, undefined], 'and what an instance before was told is gone')
    if (who) assert.equal(service.tokenFor(who, one), undefined)
  }
})

test('a service with a header gets a short token of its own, and no cookie', async () => {
  const { service, tokens, caller, clock, signed } = await setUp()
  const exchange = exchangeOf(caller)
  await service.prepare(exchange, instance({ login: 'header' }))
  const [cookie, header] = told(exchange)
  assert.equal(cookie, undefined)
  const { aud, exp, jti, sid } = decodeJwt(header!)
  assert.deepEqual([aud, exp! * 1000 - clock.now(), sid], ['orders', 5 * MINUTE, caller.sid])
  assert.notEqual(jti, caller.jti)
  assert.equal(await tokens.verify(header!), 'audience')
  assert.equal(((await tokens.verify(header!, 'orders')) as Caller).sid, caller.sid)

  const again = exchangeOf(caller)
  assert.equal(service.prepare(again, instance({ login: 'header' })), undefined, 'the second time at once')
  assert.deepEqual(told(again), [undefined, header])
  assert.notEqual(await service.tokenFor(caller, instance({ login: 'header', service: 'billing' })), header)
  assert.equal(signed.length, 2)
})

test('many requests at once make one token; the next is made before it ends', async () => {
  const { service, caller, clock, signed } = await setUp()
  const one = instance({ login: 'header' })
  const all = await Promise.all(Array.from({ length: 20 }, () => service.tokenFor(caller, one)))
  assert.equal(new Set(all).size, 1)
  assert.equal(signed.length, 1)
  clock.advance(4 * MINUTE)
  assert.equal(service.tokenFor(caller, one), all[0], 'nobody waits for the next')
  assert.equal(service.tokenFor(caller, one), all[0])
  assert.equal(signed.length, 2)
  while (service.tokenFor(caller, one) === all[0]) await new Promise(setImmediate)
  assert.equal(signed.length, 2)
  clock.advance(5 * MINUTE)
  const later = service.tokenFor(caller, one)
  assert.ok(later instanceof Promise, 'one that has ended is never told')
  await later
})

test('a minted token ends with the token it was made of', async () => {
  const { service, caller, clock, tokens } = await setUp()
  clock.advance(58 * MINUTE)
  const header = (await service.tokenFor(caller, instance({ login: 'header' })))!
  assert.equal(decodeJwt(header).exp! * 1000, caller.expiresAt)
  clock.advance(MINUTE)
  assert.equal(service.tokenFor(caller, instance({ login: 'header' })), header)
  assert.equal(typeof (await tokens.verify(header, 'orders')), 'object')
})

test('an open socket outlasts its token, until the session ends', async () => {
  const { service, tokens, caller, clock } = await setUp()
  clock.advance(HOUR)
  const fresh = (await service.tokenFor(caller, instance()))!
  const found = (await tokens.verify(fresh)) as Caller
  assert.deepEqual(
    [found.sid, found.expiresAt, found.sessionEndsAt],
    [caller.sid, START + 2 * HOUR, caller.sessionEndsAt],
  )
  assert.equal(service.tokenFor(caller, instance()), fresh)
  clock.advance(7 * HOUR)
  assert.equal(service.tokenFor(caller, instance()), undefined)
})

test('an open socket goes on with the session that was renewed since, and ends with it', async () => {
  let renewed: number | undefined
  const { service, tokens, caller, clock } = await setUp([local], [], { endsAt: () => renewed })
  clock.advance(8 * HOUR)
  assert.equal(clock.now(), caller.sessionEndsAt)
  assert.equal(service.tokenFor(caller, instance()), undefined)
  renewed = START + 10 * HOUR
  const fresh = (await service.tokenFor(caller, instance()))!
  const found = (await tokens.verify(fresh)) as Caller
  assert.deepEqual([found.sid, found.expiresAt, found.sessionEndsAt], [caller.sid, START + 9 * HOUR, renewed])
  clock.advance(HOUR)
  const last = (await service.tokenFor(caller, instance()))!
  assert.equal(decodeJwt(last).exp! * 1000, renewed)
  clock.advance(HOUR)
  assert.equal(service.tokenFor(caller, instance()), undefined)
})

test('an instance that holds one key gets a token of that key: a rotation needs no new login', async () => {
  const { service, tokens, caller, ring, signed } = await setUp()
  const old = ring.activeKid
  await ring.rotate()
  const newer = (await service.tokenFor(caller, instance({ keyId: ring.activeKid })))!
  assert.equal(decodeProtectedHeader(newer).kid, ring.activeKid)
  assert.equal(decodeJwt(newer).aud, undefined)
  assert.equal(((await tokens.verify(newer)) as Caller).sid, caller.sid)
  assert.equal(service.tokenFor(caller, instance({ keyId: old })), caller.token)
  assert.equal(service.tokenFor(caller, instance({ keyId: ring.activeKid, service: 'billing' })), newer)

  // And the other way round: somebody signs in while the instance has the old one.
  const after = (await tokens.verify((await tokens.sign(tokens.sessionOf(caller))).token)) as Caller
  const older = (await service.tokenFor(after, instance({ keyId: old })))!
  assert.equal(decodeProtectedHeader(older).kid, old)
  assert.equal(signed.length, 2)
})

test('a service that accepts another provider only is shown that identity, in a token nobody else takes', async () => {
  const { service, tokens, caller } = await setUp([local, corp])
  const exchange = exchangeOf(caller, { route: { service: 'orders', providers: ['corp'] } })
  await service.prepare(exchange, instance())
  const claims = decodeJwt(exchange.loginCookie!)
  assert.deepEqual([claims.sub, claims.username, claims.aud], ['corp:c-1', 'h.ello', 'orders'])
  assert.deepEqual(claims.roles, ['STAFF'])
  assert.equal(await tokens.verify(exchange.loginCookie!), 'audience')

  const open = exchangeOf(caller, { route: { service: 'orders' } })
  assert.equal(service.prepare(open, instance()), undefined)
  assert.equal(open.loginCookie, caller.token)
  assert.equal(decodeJwt((await service.tokenFor(caller, instance(), ['corp']))!).sub, 'corp:c-1')
})

test('what operators say of providers counts before the route', async () => {
  const ruleFor = (service: string, path: string) =>
    service === 'orders' && path === '/orders' ? { providers: ['corp'] } : undefined
  const { service, caller } = await setUp([local, corp], [], { ruleFor })
  const exchange = exchangeOf(caller, { route: { service: 'orders', providers: ['local'] } })
  await service.prepare(exchange, instance())
  assert.equal(decodeJwt(exchange.loginCookie!).sub, 'corp:c-1')
})

test('a service with claim mappings is told the names it knows', async () => {
  const { service, caller } = await setUp(
    [local, corp],
    [{ service: 'ord.*', provider: 'corp', username: 'staff', claims: { number: 'staff' } }],
  )
  const { sub, username, number, staff, aud } = decodeJwt((await service.tokenFor(caller, instance()))!)
  assert.deepEqual([sub, username, number, staff, aud], ['corp:c-1', 's-4711', 's-4711', undefined, 'orders'])
  assert.equal(service.tokenFor(caller, instance({ service: 'billing' })), caller.token)
})

test('a token for one service is not handed to another', async () => {
  const { service, tokens, session } = await setUp()
  const { token } = await tokens.sign(session, { audience: 'orders' })
  const caller = (await tokens.verify(token, 'orders')) as Caller
  const passed = (await service.tokenFor(caller, instance({ service: 'billing' })))!
  assert.equal(decodeJwt(passed).aud, 'billing')
})

test('a service that can’t be told is told nothing, and is not tried for each request', async () => {
  let tries = 0
  const sign = async () => {
    tries += 1
    throw new Error('too large')
  }
  const { tokens } = await setUp()
  const { service, caller, refused, clock } = await setUp([local], [], {
    tokens: { sign, sessionOf: tokens.sessionOf },
  })
  const exchange = exchangeOf(caller)
  await service.prepare(exchange, instance({ login: 'header' }))
  assert.deepEqual(told(exchange), [undefined, undefined])
  assert.equal(service.tokenFor(caller, instance({ login: 'header' })), undefined)
  assert.deepEqual([tries, refused], [1, ['login mint']])
  clock.advance(MINUTE)
  await service.tokenFor(caller, instance({ login: 'header' }))
  assert.equal(tries, 2)
})
