import assert from 'node:assert/strict'
import { createHmac, KeyObject, sign } from 'node:crypto'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { exportSPKI } from 'jose'
import { eventually } from '../../../../test/support/eventually.ts'
import type { ServiceOptions } from '../options.ts'
import { createIdentitySide } from './side.ts'
import { answerOf, createSigner, type Signer, usualClaims } from './testing/signer.ts'

const signer = await createSigner('k1')
const other = await createSigner('k2')

interface Given extends Partial<Pick<ServiceOptions, 'login' | 'devUsers'>> {
  env?: Record<string, string>
  keys?: readonly Signer[]
  mappings?: Record<string, string>
  /** @default answered and connected */
  told?: boolean
}

function service({ env = {}, keys = [signer], mappings = {}, told = true, ...options }: Given = {}) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const clock = { ms: 0 }
  const side = createIdentitySide({
    options: { name: 'orders', ...options },
    log: { info: say, warn: say, error: say },
    env,
    now: () => Date.now() + clock.ms,
    times: { pauseMs: 200, firstMs: 200 },
  })
  const gateway = { keys, asked: 0, slow: undefined as Promise<void> | undefined }
  const connection = {
    async keys() {
      gateway.asked++
      await gateway.slow
      return answerOf(...gateway.keys)
    },
  }
  if (told) {
    side.learn({ publicKey: keys[0]?.kid ?? null, roleMappings: {} })
    side.connected(connection)
    side.registered({ publicKey: keys[0]?.kid ?? null, roleMappings: mappings })
  }
  const verify = async (request: unknown) => (await side.examine(request)).verified
  const cookie = async (token: string | Promise<string>) =>
    verify({ cookie: `a=1; HYDRA-SSO=${await token}; b=2` })
  return { side, said, clock, gateway, connection, verify, cookie }
}

test('a token of the gateway says who somebody is, in the words of the service', async () => {
  const { cookie } = service({ mappings: { admin: 'manager' } })
  const token = await signer.sign({ name: 'Mira Nova', idp: ['local', 'corp'] })
  const verified = await cookie(token)
  assert.deepEqual(verified?.user, {
    username: 'mira',
    name: 'Mira Nova',
    id: 7,
    sub: 'local:mira',
    roles: ['MANAGER', 'STAFF'],
    email: 'mira@example.org',
  })
  const { roles, provider, sub, expiresAt, claims } = verified
  assert.deepEqual(
    [roles, provider, sub, verified.token],
    [['MANAGER', 'STAFF'], 'local', 'local:mira', token],
  )
  assert.deepEqual(claims.roles, ['admin', 'staff'], 'claims are the gateway’s words')
  assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 5000)
  assert.throws(() => (verified.user.roles as string[]).push('ROOT'), 'requests share it')
})

test('a login cookie the gateway could not see is none', async () => {
  const { verify } = service()
  const token = await signer.sign()
  for (const cookie of [`\u00a0HYDRA-SSO=${token}`, `a=1;\u0085HYDRA-SSO=${token}`, `,HYDRA-SSO=${token}`])
    assert.equal(await verify({ cookie }), undefined)
  assert.equal((await verify({ cookie: `a=1;\t HYDRA-SSO=${token} ;b=2` }))?.user.username, 'mira')
})

test('nothing but what the gateway makes is a token', async (t) => {
  const now = Math.floor(Date.now() / 1000)
  const [head, body, signature] = (await signer.sign()).split('.') as [string, string, string]
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const spki = await exportSPKI(signer.publicKey)
  const hmacHead = encoded({ alg: 'HS256', typ: 'JWT', kid: 'k1' })
  const hmac = createHmac('sha256', spki).update(`${hmacHead}.${body}`).digest('base64url')
  const ps256 = await signer.sign().then(() => encoded({ alg: 'PS256', kid: 'k1' }))
  const criticalHead = encoded({ alg: 'RS256', kid: 'k1', crit: ['x'], x: 1 })
  const critical = sign(
    'RSA-SHA256',
    Buffer.from(`${criticalHead}.${body}`),
    KeyObject.from(signer.privateKey as never),
  ).toString('base64url')
  const table: Record<string, string> = {
    'no signature': `${encoded({ alg: 'none', kid: 'k1' })}.${body}.`,
    'no algorithm': `${encoded({ kid: 'k1' })}.${body}.${signature}`,
    'the public key as a secret': `${hmacHead}.${body}.${hmac}`,
    'another algorithm of the same key': `${ps256}.${body}.${signature}`,
    'another body': `${head}.${encoded({ ...usualClaims(), roles: ['root'] })}.${signature}`,
    'half a signature': `${head}.${body}.${signature.slice(0, 100)}`,
    'no signature at all': `${head}.${body}`,
    'an unsigned part more': `${head}.${body}.${signature}.${signature}`,
    'no kid': await signer.sign({}, { kid: undefined }),
    'the kid of another key': await other.sign({}, { kid: 'k1' }),
    'a key nobody has': await other.sign({}, { kid: 'k9' }),
    'a key of its own': await other.sign({}, { kid: 'k9', jwk: other.jwk }),
    'another issuer': await signer.sign({ iss: 'hydra2' }),
    'no issuer': await signer.sign({ iss: undefined }),
    expired: await signer.sign({ exp: now - 10 }),
    'no end': await signer.sign({ exp: undefined }),
    'not yet valid': await signer.sign({ nbf: now + 3600 } as never),
    'made in the future': await signer.sign({ iat: now + 3600 }),
    'for another service': await signer.sign({ aud: 'billing' }),
    'for several services': await signer.sign({ aud: ['orders', 'billing'] }),
    'no roles': await signer.sign({ roles: undefined }),
    'roles that are no list': await signer.sign({ roles: 'admin' }),
    'a username that is none': await signer.sign({ username: { $ne: 1 } }),
    'no session': await signer.sign({ sid: undefined }),
    'something critical nobody understands': `${criticalHead}.${body}.${critical}`,
    'no token': 'aaaa',
    'far too long': `${head}.${'a'.repeat(20_000)}.${signature}`,
  }
  for (const [name, token] of Object.entries(table)) {
    await t.test(name, async () => {
      const { cookie, said, gateway } = service()
      if (/key nobody|key of its own/.test(name)) gateway.keys = [signer]
      assert.equal(await cookie(token), undefined)
      assert.ok(!said.some((line) => line.includes(body.slice(0, 40))), 'no token is ever said')
    })
  }
})

test('two login cookies are none, and so is one for others', async () => {
  const { verify, cookie } = service()
  const token = await signer.sign()
  assert.ok(await cookie(token))
  assert.equal(await verify({ cookie: `HYDRA-SSO=${token}; HYDRA-SSO=${token}` }), undefined)
  assert.equal(await verify({ cookie: `hydra-sso=${token}` }), undefined)
  assert.equal(await verify({ cookie: `X-HYDRA-SSO=${token}` }), undefined)
  assert.equal(await verify({ 'hydra-token': token }), undefined, 'this service is told by its cookie')
  assert.equal(await verify({}), undefined)
})

test('a service that wants a token of its own takes no other', async () => {
  const { verify } = service({ login: 'header' })
  const own = await signer.sign({ aud: 'orders' })
  assert.equal((await verify({ 'Hydra-Token': own }))?.user.username, 'mira')
  assert.equal(await verify({ 'hydra-token': await signer.sign() }), undefined, 'for everybody')
  assert.equal(await verify({ 'hydra-token': await signer.sign({ aud: 'billing' }) }), undefined)
  assert.equal(await verify({ cookie: `HYDRA-SSO=${own}` }), undefined)
  assert.equal(await verify({ 'hydra-token': `${own}, ${own}` }), undefined)
})

test('requests of every kind are read', async (t) => {
  const { verify } = service()
  const cookie = `HYDRA-SSO=${await signer.sign()}`
  const url = 'http://shop.test/orders'
  const fetched = new Request(url, { headers: { cookie } })
  const kinds = {
    Node: await received(t, { cookie }),
    fetch: fetched,
    Headers: fetched.headers,
    Fastify: { raw: {}, headers: { cookie } },
    Hono: { req: { raw: fetched, method: 'GET', url } },
    'headers alone': { Cookie: cookie },
    'cookies of HTTP/2': { headers: { cookie: ['a=1', cookie] } },
  }
  for (const [kind, request] of Object.entries(kinds)) assert.ok(await verify(request), kind)
  for (const nothing of [undefined, 7, 'cookie', { method: 'GET', url: 7 }])
    await assert.rejects(verify(nothing), /verify takes a request that has headers/)
})

/** A request as a server of Node gets it. */
async function received(
  t: TestContext,
  headers: Record<string, string>,
  path = '/',
): Promise<IncomingMessage> {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage>()
  const server = createServer((request, response) => {
    response.end()
    resolve(request)
  }).listen(0, '127.0.0.1')
  t.after(() => void server.close())
  await new Promise((listening) => server.once('listening', listening))
  send({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', path, headers }).end()
  return promise
}

/** Asks again until it holds. */
test('a token is verified once, until it expires', async () => {
  const { cookie, clock } = service()
  const token = await signer.sign()
  const [one, two] = await Promise.all([cookie(token), cookie(token)])
  assert.ok(one)
  assert.equal(one, two)
  assert.equal(await cookie(token), one)
  clock.ms = 3_590_000
  assert.equal(await cookie(token), one)
  clock.ms = 3_606_000
  assert.equal(await cookie(token), undefined)
})

test('what was verified ends with its key, and new keys are asked for when the gateway says so', async () => {
  const { side, cookie, gateway } = service({ keys: [signer, other] })
  const old = await signer.sign()
  assert.ok(await cookie(old))
  assert.ok(await cookie(other.sign()))
  assert.equal(gateway.asked, 1)
  gateway.keys = [other]
  const begun = performance.now()
  for (let i = 0; i < 5; i++) side.learn({ publicKey: 'k2', roleMappings: {} })
  await eventually(() => assert.equal(gateway.asked, 2))
  assert.ok(performance.now() - begun > 100, 'not before the pause after the last question')
  await eventually(async () => assert.equal(await cookie(old), undefined))
  assert.ok(await cookie(other.sign()))
})

test('an unknown key is asked about, by all requests together and no more often than every two seconds', async () => {
  const { cookie, gateway } = service()
  assert.ok(await cookie(signer.sign()))
  gateway.keys = [signer, other]
  const all = await Promise.all([
    cookie(other.sign()),
    cookie(other.sign({ jti: 'j2' })),
    cookie(other.sign({}, { kid: 'k3' })),
  ])
  assert.deepEqual(
    all.map((one) => one?.user.username),
    ['mira', 'mira', undefined],
  )
  assert.equal(gateway.asked, 2)
})

test('any number of made-up keys keeps few requests waiting, and one question', async () => {
  const { cookie, gateway } = service()
  assert.ok(await cookie(signer.sign()))
  const body = (await other.sign()).split('.').slice(1).join('.')
  const made = (kid: number) =>
    `${Buffer.from(`{"alg":"RS256","kid":"${kid}"}`).toString('base64url')}.${body}`
  const { promise, resolve } = Promise.withResolvers<void>()
  gateway.slow = promise
  let settled = 0
  const all = Array.from({ length: 1500 }, (_, kid) => cookie(made(kid)).finally(() => settled++))
  await Promise.all(all.slice(1000))
  assert.equal(settled, 500, 'the others wait')
  resolve()
  assert.ok((await Promise.all(all)).every((one) => one === undefined))
  assert.equal(gateway.asked, 2)
})

test('before the gateway said its keys nobody is anybody, and that is said as a fault of nobody’s', async () => {
  const { side, cookie, verify, connection } = service({ told: false })
  const begun = performance.now()
  const token = await signer.sign()
  await assert.rejects(cookie(token), { code: 'HYDRA_KEYS_UNKNOWN' })
  assert.ok(performance.now() - begun < 1500)
  assert.equal(await verify({}), undefined, 'who sends no token is not waited for')
  const waiting = cookie(token)
  side.connected(connection)
  side.registered({ publicKey: 'k1', roleMappings: { staff: 'CLERK' } })
  assert.deepEqual((await waiting)?.roles, ['ADMIN', 'CLERK'])
})

test('roles wait for their mappings, and change with them', async () => {
  const { side, cookie, connection } = service({ told: false })
  const token = await signer.sign()
  side.learn({ publicKey: 'k1', roleMappings: {} })
  side.connected(connection)
  const waiting = cookie(token)
  await new Promise((resolve) => setTimeout(resolve, 50))
  side.registered({ publicKey: 'k1', roleMappings: { admin: 'GUEST' } })
  assert.deepEqual((await waiting)?.roles, ['GUEST', 'STAFF'])
  side.learn({ publicKey: 'k1', roleMappings: {} })
  assert.deepEqual((await cookie(token))?.roles, ['GUEST', 'STAFF'], 'what is sent to all says nothing')
  side.registered({ publicKey: 'k1', roleMappings: {} })
  assert.deepEqual((await cookie(token))?.roles, ['ADMIN', 'STAFF'])
})

test('the keys stay while the gateway is away', async () => {
  const { side, cookie } = service()
  assert.ok(await cookie(signer.sign()))
  side.disconnected()
  assert.ok(await cookie(signer.sign({ jti: 'j2' })))
  assert.equal(await cookie(other.sign()), undefined, 'and nobody is waited for')
})

test('a gateway where nobody signs in knows nobody', async () => {
  const { cookie } = service({ keys: [] })
  const begun = performance.now()
  assert.equal(await cookie(signer.sign()), undefined)
  assert.ok(performance.now() - begun < 2000)
})

const devUsers = { mira: { roles: ['admin'], claims: { name: 'Mira N.' } }, tom: {} }

test('users that don’t exist are for development, loudly', async (t) => {
  assert.throws(
    () => service({ devUsers, env: { NODE_ENV: 'production' } }),
    /devUsers can’t be used with NODE_ENV=production/,
  )
  assert.throws(
    () => service({ devUsers, env: { HYDRA_DEV_USER: 'mria' } }),
    /mria is none of devUsers; did you mean "mira"\?/,
  )
  const { verify, said, side } = service({ devUsers })
  assert.match(said[0]!, /^DEVELOPMENT ONLY: orders has users that don't exist: mira \(admin\), tom\. /)
  const fake = await verify(await received(t, {}, '/orders?hydra-dev-user=mira'))
  assert.deepEqual(fake?.user, {
    username: 'mira',
    name: 'Mira N.',
    id: null,
    sub: 'local:mira',
    roles: ['ADMIN'],
  })
  assert.deepEqual(
    (await side.identify(fake!.token))?.user,
    fake?.user,
    'fragments of its own pages know them',
  )
  assert.equal((await verify(await received(t, { cookie: 'hydra-dev-user=tom' })))?.user.username, 'tom')
  assert.equal(await verify(await received(t, { cookie: 'hydra-dev-user=root' })), undefined)
  assert.equal(await verify(await received(t, {})), undefined)
  const token = await signer.sign({ sub: 'local:real', username: 'real' })
  const both = await received(t, { cookie: `HYDRA-SSO=${token}` }, '/?hydra-dev-user=mira')
  assert.equal((await verify(both))?.user.username, 'real', 'a token wins')
})

test('nobody becomes a fake user from afar', async (t) => {
  const { verify } = service({ devUsers, env: { HYDRA_DEV_USER: 'mira' } })
  assert.equal((await verify(await received(t, {})))?.user.username, 'mira')
  assert.equal(
    await verify(await received(t, {}, '/?hydra-dev-user=')),
    undefined,
    'nor the one of the variable',
  )
  const from = (remoteAddress: string) => ({ headers: {}, url: '/', socket: { remoteAddress } })
  assert.ok(await verify(from('::ffff:127.0.0.1')))
  for (const peer of ['10.0.0.7', '::ffff:10.0.0.7', 'fe80::1', '127.evil', ''])
    assert.equal(await verify(from(peer)), undefined, peer)
  for (const headers of [
    { 'hydra-path': 'orders' },
    { 'x-forwarded-for': '127.0.0.1' },
    { forwarded: 'for=127.0.0.1' },
    { via: '1.1 proxy' },
    { host: 'evil.test' },
    { 'sec-fetch-site': 'cross-site' },
  ])
    assert.equal(await verify(await received(t, headers as never)), undefined, JSON.stringify(headers))
  assert.equal(await verify({ cookie: 'hydra-dev-user=mira' }), undefined, 'headers alone come from anywhere')
})
