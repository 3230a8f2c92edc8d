/**
 * Tokens that are none: every way to show one that was not made by us, now, for this. None of them opens anything.
 */
import assert from 'node:assert/strict'
import { createPrivateKey, sign } from 'node:crypto'
import { test } from 'node:test'
import { compactVerify, decodeJwt, importJWK, UnsecuredJWT } from 'jose'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import { createKeyRing } from './key-ring.ts'
import type { Caller } from './port.ts'
import { createSealer } from './sealing.ts'
import { JWS_VECTORS, RFC_RSA_KEY } from './testing/jws-vectors.ts'
import { jwtAttacks } from './testing/jwt-attacks.ts'
import { createTokens } from './tokens.ts'

const START = 1_800_000_000_000
const HOUR = 3_600_000
const MAX_BYTES = 3800
const key = createPrivateKey({ key: RFC_RSA_KEY, format: 'jwk' })

async function setUp() {
  const clock = createManualClock(START)
  const sealer = createSealer(['key'], 'token')
  const ring = await createKeyRing({
    ...{ store: createMemoryIdentityStore().keyRing, sealer, tokenLifeMs: HOUR, clock },
    given: [key.export({ type: 'pkcs8', format: 'pem' }) as string],
    log: { info() {}, warn() {} },
  })
  const settings = { lifeMs: HOUR, renewAfterMs: HOUR / 2, idleMs: 8 * HOUR, maxBytes: MAX_BYTES }
  const tokens = createTokens({ ring, sealer, clock, settings })
  const { token } = await tokens.sign({
    ...{ sid: `${START.toString(36)}-${'s'.repeat(22)}`, startedAt: START, seenAt: START },
    endsAt: START + 24 * HOUR,
    identities: [
      { provider: 'local', subject: 'hello', username: 'hello', userId: 7, roles: ['USER'], claims: {} },
    ],
  })
  const target = {
    ...{ key, kid: ring.activeKid, token, claims: decodeJwt(token), nowMs: START, maxBytes: MAX_BYTES },
  }
  return { tokens, ring, token, target }
}

test('the examples of RFC 7515 are what they should be', async () => {
  for (const { section, alg, key: jwk, token } of JWS_VECTORS) {
    if (jwk) await compactVerify(token, await importJWK(jwk, alg), { algorithms: [alg] })
    else assert.equal(UnsecuredJWT.decode(token, { currentDate: new Date(0) }).payload.iss, 'joe', section)
  }
  const { token } = JWS_VECTORS.find(({ section }) => section === 'A.2')!
  const [head, payload, signature] = token.split('.')
  assert.equal(sign('sha256', Buffer.from(`${head}.${payload}`), key).toString('base64url'), signature)
})

test('no token that is none opens anything, and each is refused by its reason', async () => {
  const { tokens, target } = await setUp()
  const attacks = await jwtAttacks(target)
  assert.ok(attacks.length > 200, `${attacks.length}`)
  for (let again = 0; again < 2; again += 1)
    for (const { name, token, fault, audience } of attacks) {
      const found = await tokens.verify(token, audience)
      assert.equal(typeof found === 'string' ? found : `opened by ${found.token}`, fault, name)
    }
  assert.equal(((await tokens.verify(target.token)) as Caller).identities[0]!.username, 'hello')
})

test('however one letter of a token is changed, it is none', async () => {
  const { tokens, token } = await setUp()
  for (let at = 0; at < token.length; at += 1)
    for (const letter of ['A', '-', '.', ' '].filter((letter) => letter !== token[at])) {
      const found = await tokens.verify(`${token.slice(0, at)}${letter}${token.slice(at + 1)}`)
      assert.equal(typeof found, 'string', `${letter} at ${at}`)
    }
})

test('however much of a token is missing, it is none', async () => {
  const { tokens, token } = await setUp()
  for (let length = 0; length < token.length; length += 1)
    assert.equal(typeof (await tokens.verify(token.slice(0, length))), 'string')
})
