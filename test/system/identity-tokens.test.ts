/**
 * Login cookies at a real gateway: one that holds opens what it may, and no other does. The whole table of attacks is
 * tried on the verifier itself (`packages/gateway/src/identity/token-attacks.test.ts`); here are those that can stand in
 * a cookie, one of each kind, with what the browser, the service and the operator see of them.
 */
import assert from 'node:assert/strict'
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { SigningKeysAnswer } from '@hydra-gateway/protocol'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startLoad } from '../support/load.ts'
import { signIn } from '../support/login-form.ts'
import { startUpstream } from '../support/upstream.ts'

const PEM = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string
const KEY = createPrivateKey(PEM)
const USERS = [{ id: 7, username: 'mira', password: 'pond-boots', roles: ['USER'] }]

interface Answer {
  readonly status: number
  readonly cookies: readonly string[]
  /** Headers as the service got them, by lower-case name; undefined when it was not asked. */
  readonly told: Readonly<Record<string, string>> | undefined
}

/** Three services that say what they were told: for everybody, for those who are signed in, and one with a header. */
async function openSite(t: TestContext, identity: Record<string, unknown> = {}): Promise<TestGateway> {
  const { port } = await startUpstream(t, 'service')
  const url = `http://127.0.0.1:${port}`
  return startGateway(t, {
    identity: { users: USERS, database: false, ...identity },
    services: {
      shop: { url, routes: ['/open/**'], login: 'cookie' },
      desk: { url, routes: ['/members/**'], login: 'cookie', auth: 'required' },
      bills: { url, routes: ['/bills/**'], login: 'header', auth: 'required' },
    },
  })
}

function ask(gateway: TestGateway, path: string, cookie: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(`${gateway.url}${path}`, { headers: { cookie, accept: 'application/json' } })
    asked.once('error', reject).once('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject).once('end', () => {
        const { headers } = JSON.parse(Buffer.concat(chunks).toString())
        const cookies = response.headers['set-cookie'] ?? []
        resolve({ status: response.statusCode!, cookies, told: headers })
      })
    })
    asked.end()
  })
}

const text = (data: string | object): string =>
  Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('base64url')

function jws(header: object, payload: string | object, key: KeyObject = KEY): string {
  const signed = `${text(header)}.${text(payload)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
}

async function kidOf(gateway: TestGateway): Promise<string> {
  const { keys } = (await (await fetch(`${gateway.url}/.well-known/jwks.json`)).json()) as {
    keys: { kid: string }[]
  }
  return keys[0]!.kid
}

/** What a token of somebody says who has just signed in. */
function claimsNow(): Record<string, unknown> {
  const now = Date.now()
  const seconds = Math.floor(now / 1000)
  return {
    ...{ iss: 'hydra', exp: seconds + 600, iat: seconds - 5, jti: randomBytes(16).toString('base64url') },
    ...{ sid: `${now.toString(36)}-${randomBytes(16).toString('base64url')}`, session_exp: seconds + 3600 },
    ...{ sub: 'local:mira', username: 'mira', userId: 7, roles: ['USER'], idp: ['local'] },
  }
}

/** How many login cookies were refused so far, by reason. */
async function refusals(gateway: TestGateway): Promise<ReadonlyMap<string, number>> {
  const body = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  const lines = body.matchAll(/^hydra_refused_total\{what="login",reason="([\w-]+)"\} (\d+)$/gm)
  return new Map([...lines].map(([, reason, count]) => [reason!, Number(count)]))
}

test('a token that holds opens what it may; services are told as they want to be', async (t) => {
  const gateway = await openSite(t, { signingKeys: PEM })
  const kid = await kidOf(gateway)
  const token = jws({ alg: 'RS256', typ: 'JWT', kid }, claimsNow())
  const cookie = `a=1; HYDRA-SSO=${token}`
  for (const path of ['/open/', '/members/', '/members/again']) {
    const { status, told, cookies } = await ask(gateway, path, cookie)
    assert.deepEqual(
      [status, told!.cookie, told!['hydra-token']],
      [200, `a=1; HYDRA-SSO=${token}`, undefined],
    )
    assert.deepEqual(cookies, [])
  }
  const { status, told } = await ask(gateway, '/bills/', cookie)
  assert.deepEqual([status, told!.cookie], [200, 'a=1'])
  const own = JSON.parse(Buffer.from(told!['hydra-token']!.split('.')[1]!, 'base64url').toString())
  assert.deepEqual([own.aud, own.username], ['bills', 'mira'])
  // Whoever has it can't use it anywhere else.
  assert.equal((await ask(gateway, '/members/', `HYDRA-SSO=${told!['hydra-token']}`)).status, 401)
})

test('a login cookie that is worth nothing counts as none, leaves the browser, and is counted by its reason', async (t) => {
  const gateway = await openSite(t, { signingKeys: PEM })
  const kid = await kidOf(gateway)
  const head = { alg: 'RS256', typ: 'JWT', kid }
  const claims = claimsNow()
  const good = jws(head, claims)
  const [h, p, s] = good.split('.') as [string, string, string]
  const now = Math.floor(Date.now() / 1000)
  const spki = createPublicKey(KEY).export({ type: 'spki', format: 'pem' })
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const macHead = text({ ...head, alg: 'HS256' })
  const cases: [name: string, token: string, reason: string][] = [
    ['alg none', `${text({ ...head, alg: 'none' })}.${p}.`, 'malformed'],
    ['alg none with a signature', `${text({ ...head, alg: 'none' })}.${p}.${s}`, 'algorithm'],
    [
      'HS256 with the public key',
      `${macHead}.${p}.${createHmac('sha256', spki).update(`${macHead}.${p}`).digest('base64url')}`,
      'algorithm',
    ],
    ['an unknown kid', jws({ ...head, kid: '0123456789abcdef' }, claims), 'unknown-key'],
    ['a kid that is a path', jws({ ...head, kid: '../../dev/null' }, claims), 'unknown-key'],
    ['a foreign key under our name', jws(head, claims, foreign), 'forged'],
    ['crit', jws({ ...head, crit: ['exp'] }, claims), 'malformed'],
    [
      'a key it brings',
      jws({ ...head, jwk: createPublicKey(foreign).export({ format: 'jwk' }) }, claims, foreign),
      'malformed',
    ],
    ['another issuer', jws(head, { ...claims, iss: 'hydra2' }), 'issuer'],
    ['expired a second ago', jws(head, { ...claims, exp: now - 1 }), 'expired'],
    ['made in the future', jws(head, { ...claims, iat: now + 300 }), 'future'],
    ['for one service', jws(head, { ...claims, aud: 'desk' }), 'audience'],
    ['another role', `${h}.${text({ ...claims, roles: ['ADMIN'] })}.${s}`, 'forged'],
    ['cut off', good.slice(0, -50), 'forged'],
    ['padded', `${good}=`, 'malformed'],
    ['no roles', jws(head, { ...claims, roles: undefined }), 'claims'],
    ['nested arrays', jws(head, '['.repeat(500) + ']'.repeat(500)), 'issuer'],
    ['five parts', `${h}..${p}.${s}.${s}`, 'malformed'],
    ['rubbish', 'deleted', 'malformed'],
    ['a long one', jws(head, { ...claims, filler: 'x'.repeat(4000) }), 'oversize'],
  ]
  for (const [name, token, reason] of cases) {
    const before = (await refusals(gateway)).get(reason) ?? 0
    const open = await ask(gateway, '/open/', `a=1; HYDRA-SSO=${token}; b=2`)
    assert.deepEqual([open.status, open.told!.cookie], [200, 'a=1; b=2'], name)
    assert.match(open.cookies.join(), /^HYDRA-SSO=; Path=\/; Max-Age=0/, name)
    const closed = await ask(gateway, '/members/', `HYDRA-SSO=${token}`)
    assert.deepEqual([closed.status, closed.told], [401, undefined], name)
    assert.equal((await refusals(gateway)).get(reason), before + 2, name)
  }
  // Of two, one is not ours: neither is taken.
  const both = await ask(gateway, '/members/', `HYDRA-SSO=${good}; HYDRA-SSO=${good}`)
  assert.equal(both.status, 401)
  assert.equal((await ask(gateway, '/members/', `HYDRA-SSO=${good}`)).status, 200)
  const written = JSON.stringify(gateway.lines)
  for (const [name, token] of cases)
    assert.ok(token.length < 20 || !written.includes(token), `${name} is in the log`)
})

test('nobody can bring what services are told', async (t) => {
  const gateway = await openSite(t, { signingKeys: PEM })
  const response = await fetch(`${gateway.url}/open/`, { headers: { 'hydra-token': 'x.y.z' } })
  const { headers } = (await response.json()) as { headers: Record<string, string> }
  assert.equal(headers['hydra-token'], undefined)
})

test('keys turn under load without a single new login', async (t) => {
  const gateway = await openSite(t)
  const cookie = await signIn(gateway.url, 'mira', 'pond-boots')
  assert.match(cookie, /^HYDRA-SSO=ey/)

  const paths = ['/members/', '/bills/']
  let asked = 0
  const load = startLoad(t, async () => {
    asked += 1
    return String((await ask(gateway, paths[asked % 2]!, cookie)).status)
  })
  await load.more('200', 50)
  const authorization = `Basic ${Buffer.from(`${gateway.publicKey}:${gateway.privateKey}`).toString('base64')}`
  for (let turns = 1; turns <= 3; turns += 1) {
    const rotated = await fetch(`${gateway.url}/_hydra/api/v1/keys/rotate`, {
      method: 'POST',
      headers: { authorization },
    })
    assert.equal(rotated.status, 200)
    const { keys } = (await rotated.json()) as SigningKeysAnswer
    assert.deepEqual(
      keys.map(({ state }) => state),
      ['active', ...Array.from({ length: turns }, () => 'retired')],
    )
    assert.equal(await kidOf(gateway), keys[0]!.kid)
    await load.more('200', 50)
  }
  await load.stop()
  assert.deepEqual([...load.outcomes.keys()], ['200'])
})
