import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenClaims } from '@hydra-gateway/protocol'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import { createKeyRing } from './key-ring.ts'
import type { Caller, Identity, KeyRing, Session, Tokens } from './port.ts'
import { providerSessionHash } from './provider-session.ts'
import { revocableAs } from './sealed-session.ts'
import { createSealer } from './sealing.ts'
import { createTokens, type TokenSettings } from './tokens.ts'

const START = 1_800_000_000_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const SETTINGS = { lifeMs: HOUR, renewAfterMs: 30 * MINUTE, idleMs: 8 * HOUR }
const log = { info() {}, warn() {} } as any

const local: Identity = {
  ...{ provider: 'local', subject: 'hello', username: 'hello', userId: 7, roles: ['USER'] },
  claims: { city: 'Köln' },
}
const corp: Identity = {
  ...{ provider: 'corp', subject: 'a|b:c', username: 'h.ello', userId: null, roles: ['STAFF', 'USER'] },
  ...{ claims: { email: 'h@corp.example', groups: ['a', ['b']] }, providerSession: 'at-corp' },
}

function sessionOf(identities: readonly Identity[], more: Partial<Session> = {}): Session {
  const sid = `${START.toString(36)}-${'s'.repeat(22)}`
  return { sid, startedAt: START, seenAt: START, endsAt: START + 24 * HOUR, identities, ...more }
}

async function setUp(settings: Partial<TokenSettings> = {}) {
  const clock = createManualClock(START)
  const store = createMemoryIdentityStore().keyRing
  const openRing = () =>
    createKeyRing({ store, sealer: createSealer(['key'], 'ring'), tokenLifeMs: HOUR, clock, log })
  const ring = await openRing()
  const looks = { asked: 0, checks: 0 }
  const watched: KeyRing = Object.create(ring, {
    look: {
      value() {
        looks.asked += 1
        return ring.look()
      },
    },
    verifyingKey: {
      value(kid: string) {
        looks.checks += 1
        return ring.verifyingKey(kid)
      },
    },
  })
  const tokens = createTokens({
    ...{ ring: watched, sealer: createSealer(['key'], 'own'), clock },
    settings: { ...SETTINGS, ...settings },
  })
  return { clock, ring, openRing, tokens, looks }
}

async function callerOf(tokens: Tokens, token: string, audience?: string): Promise<Caller> {
  const caller = await tokens.verify(token, audience)
  if (typeof caller === 'string') assert.fail(caller)
  return caller
}

test('a token says what services of Medusa and of ours expect', async () => {
  const { tokens, ring } = await setUp()
  const { token, jti, expiresAt, renewAt } = await tokens.sign(sessionOf([local]))
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'RS256', typ: 'JWT', kid: ring.activeKid })
  const claims = decodeJwt(token)
  assert.ok(tokenClaims.safeParse(claims).success)
  assert.deepEqual(claims, {
    ...{ iss: 'hydra', exp: (START + HOUR) / 1000, iat: START / 1000 - 5, jti },
    ...{ sid: sessionOf([]).sid, session_exp: (START + 8 * HOUR) / 1000 },
    ...{ sub: 'local:hello', username: 'hello', userId: 7, roles: ['USER'], idp: ['local'], city: 'Köln' },
  })
  assert.deepEqual([expiresAt, renewAt], [START + HOUR, START + 30 * MINUTE])
  assert.notEqual((await tokens.sign(sessionOf([local]))).jti, jti)
})

test('who it is comes back from a token', async () => {
  const { tokens, ring } = await setUp()
  const { token, jti } = await tokens.sign(sessionOf([local]))
  const caller = await callerOf(tokens, token)
  assert.deepEqual(caller, {
    ...{ token, jti, kid: ring.activeKid, sid: sessionOf([]).sid, audience: undefined, startedAt: START },
    ...{ expiresAt: START + HOUR, sessionEndsAt: START + 8 * HOUR, renewAt: START + 30 * MINUTE },
    ...{ identities: [local], providers: ['local'] },
    revocableAs: [`session:${sessionOf([]).sid}`, 'user:local:hello', 'user:hello'],
  })
  assert.ok(Object.isFrozen(caller) && Object.isFrozen(caller.identities[0]!.claims))
  assert.equal(tokens.verify(token), caller, 'the same, at once')
})

test('all identities of a session come back, and services read only the first', async () => {
  const { tokens } = await setUp()
  const { token } = await tokens.sign(sessionOf([corp, local]))
  const hash = providerSessionHash('corp', 'at-corp')
  const { own, ...claims } = decodeJwt(token)
  assert.match(own as string, /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/)
  assert.deepEqual([claims.sub, claims.idp, claims.psid], ['corp:a|b:c', ['corp', 'local'], [hash]])
  assert.doesNotMatch(JSON.stringify(claims), /at-corp|Köln/)

  const { identities, providers, revocableAs: keys } = await callerOf(tokens, token)
  assert.deepEqual(identities, [corp, local])
  assert.deepEqual(providers, ['corp', 'local'])
  assert.deepEqual(keys.slice(1), [
    ...['user:corp:a|b:c', 'user:h.ello', 'user:local:hello', 'user:hello'],
    `provider-session:${hash}`,
  ])
})

test('a token whose sealed part can’t be opened is still about the first identity', async () => {
  const { tokens, ring, clock } = await setUp()
  const other = createTokens({ ring, sealer: createSealer(['other'], 'own'), clock, settings: SETTINGS })
  const { token } = await tokens.sign(sessionOf([local, corp]))
  const { identities, revocableAs: keys } = await callerOf(other, token)
  assert.deepEqual(identities, [local])
  assert.ok(keys.some((key) => key.startsWith('provider-session:')))
})

test('the name of a session at its provider comes back, and only the gateway reads it', async () => {
  const { tokens, ring, clock } = await setUp()
  const { token } = await tokens.sign(sessionOf([corp]))
  assert.doesNotMatch(JSON.stringify(decodeJwt(token)), /at-corp/)
  assert.deepEqual((await callerOf(tokens, token)).identities, [corp])

  // Where that can't be read, or has no room, its hash is enough to end the session.
  const providerSession = `psid:${providerSessionHash('corp', 'at-corp')}`
  const other = createTokens({ ring, sealer: createSealer(['other'], 'own'), clock, settings: SETTINGS })
  assert.deepEqual((await callerOf(other, token)).identities, [{ ...corp, providerSession }])
  const settings = { ...SETTINGS, maxBytes: token.length - 1 }
  const narrow = createTokens({ ring, sealer: createSealer(['key'], 'own'), clock, settings })
  const small = await callerOf(narrow, (await narrow.sign(sessionOf([corp]))).token)
  assert.deepEqual(small.identities, [{ ...corp, providerSession }])
  assert.deepEqual(narrow.sessionOf(small).identities, small.identities)
  assert.equal(decodeJwt((await tokens.sign(sessionOf([corp]), { audience: 'orders' })).token).own, undefined)
})

test('the session of a token can be signed again, and is revoked as before', async () => {
  const { tokens, clock } = await setUp()
  for (const identities of [[local], [corp], [corp, local]]) {
    const caller = await callerOf(tokens, (await tokens.sign(sessionOf(identities))).token)
    const session = tokens.sessionOf(caller)
    assert.deepEqual([session.seenAt, session.endsAt], [START, START + 8 * HOUR])
    clock.advance(1000)
    const again = await callerOf(tokens, (await tokens.sign(session)).token)
    const facts = ({ sid, startedAt, sessionEndsAt, identities, revocableAs: keys }: Caller) => [
      ...[sid, startedAt, sessionEndsAt, identities, keys],
    ]
    assert.deepEqual(facts(again), facts(caller))
    assert.deepEqual(revocableAs(session).toSorted(), caller.revocableAs.toSorted())
    clock.advance(-1000)
  }
})

test('a token never outlives its session, what it was asked for, or its key', async () => {
  const { tokens, ring, clock } = await setUp()
  const end = async (session: Session, options?: Parameters<Tokens['sign']>[1]) =>
    ((await tokens.sign(session, options)).expiresAt - clock.now()) / MINUTE
  assert.equal(await end(sessionOf([local], { endsAt: START + 10 * MINUTE })), 10)
  assert.equal(await end(sessionOf([local], { seenAt: START - 7.5 * HOUR })), 30)
  assert.equal(await end(sessionOf([local]), { until: START + 5 * MINUTE }), 5)

  const old = ring.activeKid
  await ring.rotate()
  clock.advance(20 * MINUTE)
  assert.equal(await end(sessionOf([local]), { kid: old }), 41, 'with a minute for other clocks')
  assert.equal(await end(sessionOf([local])), 60)
})

test('a token ends to the millisecond, however well it is known', async () => {
  const { tokens, clock } = await setUp()
  const { token } = await tokens.sign(sessionOf([local]))
  clock.advance(HOUR - 1)
  assert.equal(typeof (await tokens.verify(token)), 'object')
  clock.advance(1)
  assert.equal(tokens.verify(token), 'expired')
  assert.equal(await (await setUp()).tokens.verify(token), 'unknown-key')
})

test('a token for one service is for nobody else', async () => {
  const { tokens } = await setUp()
  const shared = (await tokens.sign(sessionOf([local]))).token
  const { token } = await tokens.sign(sessionOf([local]), { audience: 'orders' })
  assert.equal(decodeJwt(token).aud, 'orders')
  for (let again = 0; again < 2; again += 1) {
    assert.equal(await tokens.verify(token), 'audience')
    assert.equal(await tokens.verify(token, 'billing'), 'audience')
    assert.equal(await tokens.verify(shared, 'orders'), 'audience')
    assert.equal((await callerOf(tokens, token, 'orders')).audience, 'orders')
  }
})

test('a service can be shown another identity; the gateway still knows all as they are', async () => {
  const { tokens } = await setUp()
  const as = { ...corp, username: 'staff-1', claims: { mail: 'h@corp.example' } }
  const { token } = await tokens.sign(sessionOf([local, corp]), { audience: 'orders', as })
  const { sub, username, mail, city, idp } = decodeJwt(token)
  assert.deepEqual(
    [sub, username, mail, city, idp],
    ['corp:a|b:c', 'staff-1', 'h@corp.example', undefined, ['local', 'corp']],
  )
  assert.deepEqual((await callerOf(tokens, token, 'orders')).identities, [corp, local])
})

test('claims of a provider can’t take the place of ours', async () => {
  const { tokens } = await setUp()
  const claims = JSON.parse(
    '{"roles":["ADMIN"],"sub":"local:root","exp":9999999999,"own":"x","__proto__":{"aud":"x"},"constructor":"c"}',
  )
  const caller = await callerOf(tokens, (await tokens.sign(sessionOf([{ ...local, claims }]))).token)
  assert.deepEqual(caller.identities, [{ ...local, claims: { constructor: 'c' } }])
  assert.equal(caller.expiresAt, START + HOUR)
})

test('a token with too much in it is not made, and it is said what is too much', async () => {
  const { tokens } = await setUp()
  const large = {
    ...local,
    claims: { ...local.claims, groups: Array.from({ length: 300 }, (_, i) => `group-${i}`) },
  }
  await assert.rejects(tokens.sign(sessionOf([large])), {
    code: 'HYDRA_LOGIN_FAILED',
    detail: /takes \d{4} bytes, and a cookie has room for 3800. Most of it is the claim “groups”\./,
  })
  await assert.rejects(tokens.sign(sessionOf([local, large])), { detail: /identities linked with it/ })
  const roles = Array.from({ length: 400 }, (_, i) => `ROLE_${i}`)
  await assert.rejects(tokens.sign(sessionOf([{ ...local, roles }])), { detail: /is the roles\./ })
  // For one service, it can do without the others.
  const { token } = await tokens.sign(sessionOf([local, large]), { audience: 'orders' })
  assert.deepEqual((await callerOf(tokens, token, 'orders')).identities, [local])
})

test('however many ask at once, a signature is checked once; what was wrong is remembered', async () => {
  const { tokens, looks } = await setUp()
  const { token } = await tokens.sign(sessionOf([local]))
  const bad = `${token.slice(0, -10)}${token.at(-10) === 'A' ? 'B' : 'A'}${token.slice(-9)}`
  for (const text of [token, bad]) {
    looks.checks = 0
    const all = await Promise.all(Array.from({ length: 20 }, () => tokens.verify(text)))
    assert.equal(new Set(all).size, 1)
    assert.equal(tokens.verify(text), all[0])
    assert.equal(looks.checks, 1)
  }
  assert.equal(tokens.verify(bad), 'forged')
})

test('a key that another node has just made is found; unknown ones do not make us look all the time', async () => {
  const { tokens, openRing, looks, clock } = await setUp()
  const there = await openRing()
  await there.rotate()
  const sealer = createSealer(['key'], 'own')
  const others = createTokens({ ring: there, sealer, clock, settings: SETTINGS })
  const { token } = await others.sign(sessionOf([local]))
  const strange = token.replace(/^[^.]+/, () =>
    Buffer.from('{"alg":"RS256","typ":"JWT","kid":"nobodyhasthiskey"}').toString('base64url'),
  )
  const [found, foundAgain] = await Promise.all([tokens.verify(token), tokens.verify(token)])
  assert.ok(typeof found === 'object' && found === foundAgain)
  assert.equal(looks.asked, 1)
  assert.equal(tokens.verify(strange), 'unknown-key')
  clock.advance(1000)
  assert.equal(await tokens.verify(strange), 'unknown-key')
  assert.equal(tokens.verify(strange), 'unknown-key')
  assert.equal(looks.asked, 2)
})

test('a store that stands still does not hold a request for more than a second', async () => {
  const { ring, clock } = await setUp()
  const still: KeyRing = Object.create(ring, { look: { value: () => new Promise(() => {}) } })
  const tokens = createTokens({
    ring: still,
    sealer: createSealer(['key'], 'own'),
    clock,
    settings: SETTINGS,
  })
  const head = Buffer.from('{"alg":"RS256","typ":"JWT","kid":"nobodyhasthiskey"}').toString('base64url')
  const waiting = tokens.verify(`${head}.e30.AAAA`)
  clock.advance(1000)
  assert.equal(await waiting, 'unknown-key')
})

test('what was verified by a key that is gone is worth nothing', async () => {
  const { tokens, ring, openRing, clock } = await setUp({ lifeMs: 3 * HOUR })
  const { token } = await tokens.sign(sessionOf([local]))
  assert.equal(typeof (await tokens.verify(token)), 'object')
  await ring.rotate()
  assert.equal(typeof tokens.verify(token), 'object', 'no new login for a rotation')
  clock.advance(HOUR + MINUTE)
  assert.equal(tokens.verify(token), 'unknown-key')
  assert.equal((await openRing()).list().length, 1)
})

test('a token from the future waits for it', async () => {
  const { tokens, clock } = await setUp()
  clock.advance(66_000)
  const { token } = await tokens.sign(sessionOf([local]))
  clock.advance(-66_000)
  assert.equal(await tokens.verify(token), 'future')
  clock.advance(1000)
  assert.equal(typeof (await tokens.verify(token)), 'object', 'a clock may go ahead a minute')
})

test('a token that was signed by us but is none of ours opens nothing', async () => {
  const { ring, tokens } = await setUp()
  const { key, kid } = ring.signingKey()
  const good = decodeJwt((await tokens.sign(sessionOf([local]))).token)
  const cases: [change: Record<string, unknown>, fault: string][] = [
    [{ iss: 'hydra2' }, 'issuer'],
    [{ iss: undefined }, 'issuer'],
    [{ exp: undefined }, 'claims'],
    [{ exp: '9999999999' }, 'claims'],
    [{ exp: START / 1000 }, 'expired'],
    [{ iat: undefined }, 'claims'],
    [{ sid: '../x' }, 'claims'],
    [{ sid: 'a-b' }, 'claims'],
    [{ sub: 'nobody' }, 'claims'],
    [{ roles: undefined }, 'claims'],
    [{ roles: 'ADMIN' }, 'claims'],
    [{ aud: ['orders'] }, 'claims'],
    [{ userId: undefined }, 'claims'],
    [{ session_exp: undefined }, 'claims'],
  ]
  for (const [change, fault] of cases) {
    const token = await new SignJWT({ ...good, ...change } as any)
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
      .sign(key)
    assert.equal(await tokens.verify(token), fault, JSON.stringify(change))
    assert.equal(tokens.verify(token), fault)
  }
})
