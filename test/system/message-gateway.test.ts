import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLog, openStore, parseConfig, systemClock } from '@hydra-gateway/gateway'
import { createCookieBrowser } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startHydraService } from '../support/hydra-express.ts'
import { openClient } from '../support/message-client.ts'
import { startRedis } from '../support/redis.ts'

const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }
const ANN = { username: 'ann', password: 'secret' }

const socketOf = ({ url }: TestGateway, path = '/'): string => `${url.replace('http', 'ws')}${path}`

/** Gateways that share a Redis with services of hydra. */
async function site(t: TestContext, count: number, more: object = {}) {
  const redis = await startRedis(t)
  const redisUrl = `redis://127.0.0.1:${redis.port}/15`
  const config = { flywheel: { enabled: true }, redis: { url: redisUrl }, keys, ...more }
  const nodes = await Promise.all(
    Array.from({ length: count }, async () => {
      const store = await openStore(parseConfig(config), {
        privateKeys: [keys.privateKey],
        clock: systemClock,
        log: createLog('silent'),
      })
      const gateway = await startGateway(t, config, { store })
      t.after(() => store.close())
      return gateway
    }),
  )
  return { redis, redisUrl, nodes }
}

const where = async ({ url }: TestGateway, client: string): Promise<string | undefined> => {
  const { result } = (await (await fetch(`${url}/v1/router/list/wsdir`)).json()) as {
    result: Record<string, Record<string, 1>>
  }
  // Without a token the beginning of each id is told.
  return Object.keys(result).find((router) =>
    Object.keys(result[router]!).some((id) => client.startsWith(id.slice(0, -1))),
  )
}

test('clients of two nodes and an unmodified hydra service write to each other', async (t) => {
  const { redisUrl, nodes } = await site(t, 2)
  const [one, two] = nodes as [TestGateway, TestGateway]
  const hello = await startHydraService(t, { redisUrl, name: 'hello', kind: 'core' })
  const ann = await openClient(t, socketOf(one, '/any/path'))
  const bob = await openClient(t, socketOf(two))

  // A request and its answer, as soon as the service is known.
  const answer = await eventually(async () => {
    const said = await ann.ask({ to: 'hello:/', frm: `${ann.id}@client:/`, typ: 'ask', bdy: { n: 1 } })
    assert.ok(said.bdy.answer, JSON.stringify(said))
    return said
  })
  assert.deepEqual(answer.bdy, { answer: { n: 1 }, instance: hello.instanceId })
  const asked = await hello.message(({ typ }) => typ === 'ask')
  assert.match(asked.via, new RegExp(`^[0-9a-f]{32}-${ann.id}@hydra-router:/$`))

  // The service pushes to whichever router it finds: the original queued it there (B9).
  const routers = [await where(one, ann.id), await eventually(() => found(one, bob.id))]
  assert.equal(new Set(routers).size, 2)
  for (const to of ['hydra-router:/', ...routers.map((router) => `${router}@hydra-router:/`)])
    for (const client of [ann, bob]) {
      const text = `for ${client.id} by ${to}`
      await eventually(() => hello.call('findService', 'hydra-router'))
      await hello.call('sendMessage', {
        to,
        fwd: `${client.id}@client:/`,
        frm: 'hello:/',
        typ: 'news',
        bdy: { text },
      })
      assert.equal((await client.next(({ typ }) => typ === 'news')).bdy.text, text)
    }

  // To an instance that is gone.
  const gone = await ann.ask({ to: `${'0'.repeat(32)}@hello:/` })
  assert.match(gone.bdy.error, /is not available/)

  // Client to client, and back, across the nodes.
  ann.send({ to: 'hydra-router:/', frm: `${ann.id}@client:/`, fwd: `${bob.id}@client:/`, bdy: { hi: 1 } })
  const got = await bob.next(({ bdy }) => bdy.hi === 1)
  bob.send({ to: 'hydra-router:/', fwd: got.frm!, bdy: { hi: 2 } })
  assert.deepEqual((await ann.next(({ bdy }) => bdy.hi === 2)).bdy, { hi: 2 })

  // Jobs for a service are queued for it (B26).
  ann.send({ to: 'hydra-router:/queue', fwd: 'hello:/', frm: `${ann.id}@client:/`, bdy: { job: 7 } })
  const job = await eventually(async () => {
    const message = await hello.call('getQueuedMessage', 'hello')
    assert.ok(message?.bdy, JSON.stringify(message))
    return message
  })
  assert.deepEqual(job.bdy, { job: 7 })
})

async function found(node: TestGateway, client: string): Promise<string> {
  const router = await where(node, client)
  assert.ok(router)
  return router
}

test('a client that was away gets what came meanwhile at the other node, the oldest first (B6)', async (t) => {
  const { redisUrl, nodes } = await site(t, 2)
  const [one, two] = nodes as [TestGateway, TestGateway]
  const hello = await startHydraService(t, { redisUrl, name: 'hello', kind: 'core' })
  const before = await openClient(t, socketOf(one))
  await eventually(() => found(two, before.id))
  await before.close()
  await eventually(async () => assert.equal(await where(two, before.id), undefined))
  await eventually(() => hello.call('findService', 'hydra-router'))
  for (let n = 1; n <= 20; n++)
    await hello.call('sendMessage', {
      to: 'hydra-router:/',
      fwd: `${before.id}@client:/`,
      frm: 'hello:/',
      bdy: { n },
    })
  const again = await openClient(t, socketOf(two))
  again.send({ to: 'hydra-router:/', typ: 'reconnection', bdy: { id: before.id } })
  await eventually(() => assert.equal(again.got.length, 20))
  const order = again.got.map(({ bdy }) => bdy.n as number)
  // Two routers took them from Redis, each in order.
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i + 1),
  )
  await hello.call('sendMessage', {
    to: 'hydra-router:/',
    fwd: `${before.id}@client:/`,
    frm: 'hello:/',
    bdy: { n: 21 },
  })
  assert.equal((await again.next(({ bdy }) => bdy.n === 21)).bdy.n, 21)
})

test('an answer for a client that left lies in Redis as it came, and its client gets it without the way it took', async (t) => {
  const { redis, nodes } = await site(t, 1)
  const [gateway] = nodes as [TestGateway]
  const left = await openClient(t, socketOf(gateway))
  const router = left.hellos[0]!.frm!.split('@')[0]!
  const via = `${router}-${left.id}@hydra-router:/`
  await left.close()
  await eventually(async () => assert.equal(await where(gateway, left.id), undefined))
  const answer = {
    to: via,
    frm: 'hello:/',
    mid: 'a1',
    rmid: 'q1',
    ts: 'now',
    ver: 'UMF/1.4.6',
    via,
    bdy: { n: 1 },
  }
  await redis.command('PUBLISH', `hydra:service:mc:hydra-router:${router}`, JSON.stringify(answer))
  const list = `hydra-router:message:queue:${left.id}:queued`
  assert.deepEqual(
    await eventually(async () => {
      const [text] = (await redis.command('LRANGE', list, '0', '-1')) as string[]
      assert.ok(text)
      return JSON.parse(text)
    }),
    answer,
  )
  const again = await openClient(t, socketOf(gateway))
  again.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: left.id } })
  const { via: _, ...seen } = answer
  assert.deepEqual(await again.next(({ mid }) => mid === 'a1'), seen)
})

test('a client of an original router that is gone keeps its id here, also when nothing was kept for it', async (t) => {
  const { nodes } = await site(t, 1)
  const [gateway] = nodes as [TestGateway]
  const client = await openClient(t, socketOf(gateway))
  client.send({ to: 'hydra-router:/', typ: 'reconnection', bdy: { id: '2945p8eigxz' } })
  await eventually(() => assert.equal(client.id, '2945p8eigxz'))
  const other = await openClient(t, socketOf(gateway))
  other.send({ to: 'hydra-router:/', fwd: '2945p8eigxz@client:/', bdy: { hi: 1 } })
  assert.deepEqual((await client.next(({ bdy }) => bdy.hi === 1)).bdy, { hi: 1 })
  // One that is none of an original's, and none of ours.
  const { bdy } = await other.ask({
    to: 'hydra-router:/',
    typ: 'reconnect',
    bdy: { id: `c${'0'.repeat(34)}` },
  })
  assert.equal(bdy.error, 'no such session')
})

test('a sign-out at one node ends sockets at the other, and the mail with them', async (t) => {
  const { nodes } = await site(t, 2, { identity: { users: [{ ...ANN, id: 1, roles: [] }], database: false } })
  const [one, two] = nodes as [TestGateway, TestGateway]
  const browser = createCookieBrowser()
  assert.equal((await browser.signIn(one.url, ANN)).status, 303)
  const cookie = browser.cookie()
  const here = await openClient(t, socketOf(two), { headers: { cookie } })
  const away = await openClient(t, socketOf(two), { headers: { cookie } })
  const stranger = await openClient(t, socketOf(two))
  assert.match(here.id, /^s/)
  assert.match(stranger.id, /^c/)
  await away.ask({ to: 'hydra-router:/', typ: 'ping' })
  await away.close()
  await eventually(async () => assert.equal(await where(one, away.id), undefined))
  stranger.send({ to: 'hydra-router:/', fwd: `${away.id}@client:/`, bdy: { kept: 1 } })
  assert.equal((await stranger.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')

  assert.ok((await browser.post(`${one.url}/logout`)).status < 400)
  assert.equal(await here.closed(), 4401)
  const { bdy } = await eventually(async () => {
    const said = await stranger.ask({ to: 'hydra-router:/', fwd: `${away.id}@client:/`, bdy: { kept: 2 } })
    return said
  })
  assert.match(bdy.error, /session of this client is over/)
})

test('what an operator closes of a service’s site is closed by whatever way somebody asks for it', async (t) => {
  const rules = [{ path: '/shop/**', auth: 'required' }]
  const users = [{ ...ANN, id: 1, roles: [] }]
  const { redisUrl, nodes } = await site(t, 1, { identity: { users, rules, database: false } })
  const [gateway] = nodes as [TestGateway]
  await startHydraService(t, { redisUrl, name: 'shop', routes: ['[get]/v1/shop'] })
  const statusOf = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${gateway.url}${path}`, { headers, redirect: 'manual' })).status
  await eventually(async () => assert.notEqual(await statusOf('/v1/shop'), 404))
  const referer = { referer: `${gateway.url}/shop` }
  assert.deepEqual([await statusOf('/shop/desk'), await statusOf('/desk', referer)], [401, 401])

  const to = 'shop:[get]/desk'
  const stranger = await openClient(t, socketOf(gateway))
  assert.equal((await stranger.ask({ to })).bdy.result, 'it is for people who are signed in')
  const posted = await fetch(`${gateway.url}/v1/router/message`, {
    method: 'POST',
    body: JSON.stringify({ to, frm: 'me:/', bdy: {} }),
  })
  assert.equal(posted.status, 401)

  const browser = createCookieBrowser()
  await browser.signIn(gateway.url, ANN)
  const cookie = browser.cookie()
  assert.equal(await statusOf('/desk', { ...referer, cookie }), await statusOf('/shop/desk', { cookie }))
  const known = await openClient(t, socketOf(gateway), { headers: { cookie } })
  assert.notEqual((await known.ask({ to })).bdy.result, 'it is for people who are signed in')
})

test('what a client writes into the log of its router makes nobody else be that client', async (t) => {
  const gateway = await startGateway(t, { flywheel: { enabled: true } })
  const client = await openClient(t, socketOf(gateway))
  const from = `${client.id}@client:/`
  client.send({ to: 'hydra-router:/', frm: from, typ: 'log', aut: 'Bearer proof', bdy: { text: 'opened' } })
  await client.ask({ to: 'hydra-router:/', typ: 'ping' })
  const log = await (await fetch(`${gateway.url}/v1/router/log`)).text()
  assert.match(log, /"opened"/)
  assert.ok(!log.includes(client.id) && !log.includes('proof'), log)
})

test('with several processes, sockets of all of them are clients of one gateway', async (t) => {
  const gateway = await startGateway(t, { workers: 2, flywheel: { enabled: true } })
  const clients = await Promise.all(
    Array.from({ length: 6 }, () => openClient(t, socketOf(gateway, '/any?x=1'))),
  )
  for (const [at, client] of clients.entries()) {
    assert.equal(client.hellos[0]!.bdy.ip, '127.0.0.1')
    const other = clients[(at + 1) % clients.length]!
    client.send({ to: 'hydra-router:/', fwd: `${other.id}@client:/`, bdy: { at } })
    assert.deepEqual((await other.next()).bdy, { at })
  }
})
