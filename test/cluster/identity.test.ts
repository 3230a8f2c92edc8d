/**
 * Who somebody is, at several gateways that share a Redis: users, sessions, keys; with its messages lost, and with Redis
 * away at the start.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { hashPassword } from '@hydra-gateway/gateway/identity'
import { openClusterSite, type SiteNode } from '../support/cluster-site.ts'
import { eventually } from '../support/eventually.ts'
import { emptyDirectory, type Ran, runHydra } from '../support/hydra.ts'
import { sendLogin, signIn as signInAt } from '../support/login-form.ts'
import { GATEWAY_RULES, startRedis } from '../support/redis.ts'
import { runPiped } from '../support/run-piped.ts'
import { startUpstream } from '../support/upstream.ts'

const PASSWORD = 'correct horse'
/** What one node knows, every node knows by then. */
const SOON_MS = 1000

/** Two gateways with one page that asks for a sign-in, a user of the configuration, and `hydra` beside them. */
async function openSite(t: TestContext, redisUrl: string) {
  const { port } = await startUpstream(t, 'shop')
  const mira = { username: 'mira', passwordHash: await hashPassword(PASSWORD), roles: ['USER'] }
  const site = await openClusterSite(t, {
    redisUrl: () => redisUrl,
    config: {
      services: { shop: { url: `http://127.0.0.1:${port}`, routes: ['/shop'], login: 'cookie' } },
      identity: { rules: [{ auth: 'required' }], users: [mira] },
    },
  })
  const cwd = await emptyDirectory(t)
  const env = {
    HYDRA_PUBLIC_KEY: site.publicKey,
    HYDRA_PRIVATE_KEY: site.privateKey,
    HYDRA_REDIS_URL: redisUrl,
  }
  const hydra = (
    words: readonly string[],
    input?: string,
    more: Record<string, string> = {},
  ): Promise<Ran> =>
    input === undefined
      ? runHydra(words, { cwd, env: { ...env, ...more } })
      : runPiped(words, { cwd, env: { ...env, ...more }, input })
  const [a, b] = site.nodes as [SiteNode, SiteNode]
  return { a, b, cwd, hydra }
}

const signIn = ({ url }: SiteNode, username: string): Promise<string> => signInAt(url, username, PASSWORD)

const statusAt = async ({ url }: SiteNode, cookie: string) =>
  (await fetch(`${url}/shop`, { headers: { cookie, accept: 'application/json' } })).status
const keyOf = (cookie: string): string =>
  JSON.parse(Buffer.from(cookie.slice('HYDRA-SSO='.length).split('.')[0]!, 'base64url').toString()).kid
const soon = (check: () => Promise<void>) => eventually(check, SOON_MS, 20)

/** What both have to promise with messages of Redis, and without. */
async function proveOneIdentity({ a, b, hydra }: Awaited<ReturnType<typeof openSite>>): Promise<void> {
  const added = await hydra(['users', 'add', 'ada', '--roles', 'USER', '--password-stdin'], PASSWORD)
  assert.equal(added.status, 0, added.err)
  const ada = await signIn(a, 'ada')
  const mira = await signIn(b, 'mira')
  for (const node of [a, b])
    for (const cookie of [ada, mira]) assert.equal(await statusAt(node, cookie), 200, node.name)

  const rotated = await hydra(['keys', 'rotate', '--gateway', a.url, '--json'])
  const { kid } = JSON.parse(rotated.out).keys[0]
  await soon(async () => assert.equal(keyOf(await signIn(b, 'mira')), kid))
  for (const node of [a, b]) assert.equal(await statusAt(node, ada), 200, 'nobody has to sign in again')

  await hydra(['sessions', 'end', '--user', 'mira', '--gateway', a.url])
  await soon(async () => assert.equal(await statusAt(b, mira), 401))
  assert.equal(await statusAt(b, ada), 200)

  assert.match((await hydra(['users', 'disable', 'ada'])).out, /ada is disabled/)
  await soon(async () => {
    assert.deepEqual([await statusAt(a, ada), await statusAt(b, ada)], [401, 401])
  })
}

test('who signs in at one node is somebody at all of them, and nobody at any once it is ended', async (t) => {
  const redis = await startRedis(t)
  await proveOneIdentity(await openSite(t, redis.url))
})

test('the same with every message of Redis lost', async (t) => {
  const rules = GATEWAY_RULES.replace('&hydra-gateway:*', 'resetchannels')
  const redis = await startRedis(t, { user: { name: 'gateway', password: 'secret', rules } })
  await proveOneIdentity(await openSite(t, redis.url))
})

for (const [what, args] of [
  ['with what was in it', ['--appendonly', 'yes']],
  ['empty', []],
] as const) {
  test(`who starts while Redis is away lets people in, and nobody has to sign in again when it is back, ${what}`, async (t) => {
    const redis = await startRedis(t, { args })
    const { a, b } = await openSite(t, redis.url)
    const before = await signIn(a, 'mira')
    await b.stop()
    await redis.kill()
    await b.start()
    assert.equal(await statusAt(a, before), 200)
    const meanwhile = await signIn(b, 'mira')
    assert.equal(await statusAt(b, meanwhile), 200)
    assert.notEqual(keyOf(meanwhile), keyOf(before))
    const said = b.warnings.filter(({ msg }) => String(msg).includes('signing keys are out of reach'))
    assert.equal(said.length, 1)

    await redis.restart()
    await eventually(async () => {
      for (const node of [a, b])
        for (const cookie of [before, meanwhile]) assert.equal(await statusAt(node, cookie), 200, node.name)
    }, 3000)
    const signs = await Promise.all([a, b].map(async (node) => keyOf(await signIn(node, 'mira'))))
    assert.equal(signs[0], signs[1])
    // empty, it takes the ring of whoever comes first
    if (args.length > 0)
      assert.equal(signs[0], keyOf(before), 'the ring of the others is the one that counts')
  })
}

test('hydra users and hydra links work on the users in Redis, and never on a file beside them', async (t) => {
  const redis = await startRedis(t)
  const cwd = await emptyDirectory(t)
  const env = { HYDRA_REDIS_URL: redis.url, HYDRA_PUBLIC_KEY: 'public', HYDRA_PRIVATE_KEY: 'private-key' }
  const hydra = (words: readonly string[], input = '', more: Record<string, string> = {}) =>
    runPiped(words, { cwd, env: { ...env, ...more }, input })
  const place = `redis at 127.0.0.1:${redis.port}`
  const nobody = await hydra(['users'])
  assert.deepEqual([nobody.status, nobody.err], [0, ''])
  assert.match(nobody.out, /Nobody yet/)

  const added = await hydra(['users', 'add', 'ada', '--roles', 'USER', '--password-stdin'], PASSWORD)
  assert.equal(added.out, `ada is added to ${place}.\n`)
  assert.match(added.err, /first users: a gateway that runs already has to be started again/)
  const second = await hydra(['users', 'add', 'bob', '--password-stdin'], PASSWORD)
  assert.deepEqual([second.status, second.err], [0, ''])
  assert.match(
    (await hydra(['users'])).out,
    new RegExp(`${place}[\\s\\S]*2 users\\.[\\s\\S]*ada[\\s\\S]*bob`),
  )
  assert.equal((await hydra(['users', 'roles', 'ada', '--add', 'ADMIN'])).out, 'USER\nADMIN\n')
  assert.match((await hydra(['users', 'remove', 'bob'])).out, /bob is removed/)
  assert.match((await hydra(['links', 'show', 'ada'])).err, /linked with no other account in redis at/)

  const stranger = await hydra(['users'], '', { HYDRA_PRIVATE_KEY: 'another-private-key' })
  assert.equal(stranger.status, 1)
  assert.match(stranger.err.replaceAll(/\s+/g, ' '), /have another private key/)
  const keyless = await runHydra(['users'], { cwd, env: { HYDRA_REDIS_URL: redis.url } })
  assert.equal(keyless.status, 1)
  assert.match(
    keyless.err.replaceAll(/\s+/g, ' '),
    /sealed with the private key of the gateways, and there is none/,
  )
  await redis.kill()
  const away = await hydra(['users', 'add', 'eve', '--password-stdin'], PASSWORD)
  assert.equal(away.status, 1)
  assert.match(away.err.replaceAll(/\s+/g, ' '), /in redis at .* can't be reached .*Nothing was changed\./)
  assert.equal(existsSync(join(cwd, '.hydra')), false)

  // who names a file means it
  const file = await hydra(['users', 'add', 'eve', '--database', 'people.db', '--password-stdin'], PASSWORD)
  assert.equal(file.status, 0, file.err)
  assert.ok(existsSync(join(cwd, 'people.db')))
})

test('who tries passwords gets no new tries at another node', async (t) => {
  const redis = await startRedis(t)
  const { a, b } = await openSite(t, redis.url)
  const tryAt = async ({ url }: SiteNode): Promise<number> => {
    const response = await sendLogin(url, 'mira', 'a guess')
    await response.body?.cancel()
    return response.status
  }
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push(await tryAt(a))
  assert.deepEqual(new Set(statuses), new Set([401]))
  // Each node by itself would let five more through.
  const elsewhere: number[] = []
  for (let i = 0; i < 4; i++) elsewhere.push(await tryAt(b))
  assert.ok(elsewhere.includes(429), `${elsewhere}`)
})
