import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../../../test/support/eventually.ts'
import { openClient, type TestClient } from '../../../../test/support/message-client.ts'
import type { Caller } from '../identity/port.ts'
import { createClientIds } from './client-ids.ts'
import type { MessagingIdentity } from './messaging.ts'
import type { Owner } from './owner.ts'
import {
  type MessagingRig,
  type MessagingRigOptions,
  push,
  startMessaging,
  testCluster,
  withLateNews,
} from './testing/rig.ts'

const PING = { to: 'hydra-router:/', typ: 'ping' }
const ORDERS = { orders: { routes: [], ports: [1] } }

/** Two nodes that share a store. */
async function pair(t: TestContext, options: MessagingRigOptions = {}) {
  const cluster = testCluster()
  const one = await startMessaging(t, { services: ORDERS, cluster, ...options })
  const two = await startMessaging(t, { services: ORDERS, cluster, ...options })
  return { one, two, cluster }
}

const knows = ({ messaging }: MessagingRig, client: TestClient) =>
  eventually(() => assert.ok(messaging.peers.whereIs(client.id)))

// ---- to clients

test('a client sends to another by its id', async (t) => {
  const { socketUrl, routerId } = await startMessaging(t)
  const [ann, bob] = [await openClient(t, socketUrl), await openClient(t, socketUrl)]
  ann.send({ to: 'hydra-router:/', frm: `${ann.id}@client:/`, fwd: `${bob.id}@client:/`, bdy: { hi: 1 } })
  const got = await bob.next()
  assert.equal(got.to, `${bob.id}@client:/`)
  assert.equal(got.frm, `${ann.id}@client:/`)
  assert.equal(got.via, `${routerId}@hydra-router:/`)
  assert.deepEqual(got.bdy, { hi: 1 })
})

test('an id that nobody was given is an error with the message’s id, and nothing is kept for it', async (t) => {
  const { socketUrl, counted } = await startMessaging(t)
  const client = await openClient(t, socketUrl)
  for (const id of ['nobody', `c${'0'.repeat(34)}`, createClientIds(['another key']).mint('classic')]) {
    const { bdy } = await client.ask({ to: 'hydra-router:/', fwd: `${id}@client:/` })
    assert.match(bdy.error, /^no client is called/)
  }
  assert.equal(await counted('hydra_messages_queued_total'), 0)
})

test('a service pushes to a client, by whatever router: the original queued it at the wrong one (B9)', async (t) => {
  const { one, two } = await pair(t)
  const client = await openClient(t, two.socketUrl)
  await knows(one, client)
  assert.deepEqual(await push(one, client.id, 1), { ok: true, when: 'now', mid: 'push-1' })
  assert.deepEqual((await client.next()).bdy, 1)
  assert.equal((await push(one, client.id, 2, `${one.routerId}@hydra-router:/`)).ok, true)
  const got = await client.next()
  assert.equal(got.typ, 'news')
  assert.equal(got.fwd, `${client.id}@client:/`)
})

test('clients of two nodes write to each other', async (t) => {
  const { one, two } = await pair(t)
  const [ann, bob] = [await openClient(t, one.socketUrl), await openClient(t, two.socketUrl)]
  await knows(one, bob)
  await knows(two, ann)
  ann.send({ to: 'hydra-router:/', frm: `${ann.id}@client:/`, fwd: `${bob.id}@client:/`, bdy: 'to bob' })
  const got = await bob.next()
  assert.equal(got.bdy, 'to bob')
  assert.equal(got.to, `${bob.id}@client:/`)
  bob.send({ to: 'hydra-router:/', fwd: got.frm!, bdy: 'to ann' })
  assert.equal((await ann.next()).bdy, 'to ann')
})

test('an answer finds a client by via, although its service speaks to another node', async (t) => {
  const { one, two } = await pair(t)
  const client = await openClient(t, one.socketUrl)
  await knows(two, client)
  const mid = client.send({ to: 'orders:/', bdy: { n: 1 } })
  await eventually(() => assert.equal(one.delivered.length, 1))
  await two.reply(one.delivered[0]!, { n: 2 })
  const answer = await client.next()
  assert.equal(answer.rmid, mid)
  assert.equal(answer.via, undefined)
})

test('a client that came to a node a moment ago is found at once: the original looked into its cache (B27)', async (t) => {
  const { one, two } = await pair(t)
  const asker = await openClient(t, one.socketUrl)
  for (let i = 0; i < 20; i++) {
    const fresh = await openClient(t, two.socketUrl)
    await knows(one, fresh)
    asker.send({ to: 'hydra-router:/', fwd: `${fresh.id}@client:/`, bdy: { i } })
    assert.deepEqual((await fresh.next()).bdy, { i })
  }
})

test('nodes agree on who is where, also after what one said was lost', async (t) => {
  const cluster = testCluster()
  let isDeaf = false
  const bus = {
    ...cluster.bus,
    publish: (topic: string, text: string) => (isDeaf ? Promise.resolve() : cluster.bus.publish(topic, text)),
  }
  const one = await startMessaging(t, { cluster, settings: { directoryCompareMs: 100 } })
  const two = await startMessaging(t, { cluster: { ...cluster, bus }, settings: { directoryCompareMs: 100 } })
  const before = await openClient(t, two.socketUrl)
  await knows(one, before)
  isDeaf = true
  const lost = await openClient(t, two.socketUrl)
  await before.close()
  await eventually(() => assert.equal(two.messaging.size, 1))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(one.messaging.peers.whereIs(lost.id), undefined)
  isDeaf = false
  await knows(one, lost)
  assert.equal(one.messaging.peers.whereIs(before.id), undefined)
})

test('clients of a node that is gone are nowhere, and what is sent to them waits', async (t) => {
  const { one, two, cluster } = await pair(t, { settings: { directoryCompareMs: 50 } })
  const client = await openClient(t, two.socketUrl)
  await knows(one, client)
  cluster.routers.delete(two.routerId)
  assert.deepEqual(await push(one, client.id, 1), { ok: true, when: 'later', mid: 'push-1' })
})

// ---- away, and back

for (const typ of ['reconnect', 'reconnection'])
  test(`mail of a client that was away comes with ${typ}, the oldest first: the original gave the newest first (B6, B7)`, async (t) => {
    const rig = await startMessaging(t)
    const { socketUrl, messaging } = rig
    const before = await openClient(t, socketUrl)
    const old = before.id
    await before.close()
    await eventually(() => assert.equal(messaging.size, 0))
    for (let n = 0; n < 250; n++)
      assert.deepEqual(await push(rig, old, n), { ok: true, when: 'later', mid: `push-${n}` })
    const again = await openClient(t, socketUrl)
    const own = again.id
    again.send({ to: 'hydra-router:/', typ, bdy: { id: old } })
    await eventually(() => assert.equal(again.got.length, 250))
    assert.deepEqual(
      again.got.map(({ bdy }) => bdy),
      // falsy bodies are none
      [undefined, ...Array.from({ length: 249 }, (_, n) => n + 1)],
    )
    assert.equal(again.id, old)
    assert.deepEqual(again.hellos.at(-1)!.bdy, { id: old })
    assert.equal(messaging.locals.get(own), undefined)
    assert.ok(messaging.locals.get(old))
    assert.equal((await push(rig, old, 'live')).ok, true)
    assert.equal((await again.next(({ bdy }) => bdy === 'live')).typ, 'news')
  })

test('mail is given at another node than the one that had the client', async (t) => {
  const { one, two } = await pair(t)
  const before = await openClient(t, one.socketUrl)
  await before.close()
  await eventually(() => assert.equal(one.messaging.size, 0))
  await push(one, before.id, 1)
  const again = await openClient(t, two.socketUrl)
  again.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: before.id } })
  assert.equal((await again.next()).bdy, 1)
  await knows(one, again)
  await push(one, before.id, 2)
  assert.equal((await again.next()).bdy, 2)
})

test('what is sent while mail is given waits behind it', async (t) => {
  const rig = await startMessaging(t)
  const before = await openClient(t, rig.socketUrl)
  await before.close()
  await eventually(() => assert.equal(rig.messaging.size, 0))
  for (let n = 1; n <= 300; n++) await push(rig, before.id, n)
  const again = await openClient(t, rig.socketUrl)
  again.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: before.id } })
  let n = 300
  await eventually(async () => {
    await push(rig, before.id, ++n)
    assert.ok(again.got.length >= 300)
  })
  await eventually(() => assert.equal(again.got.length, n))
  assert.deepEqual(
    again.got.map(({ bdy }) => bdy),
    Array.from({ length: n }, (_, i) => i + 1),
  )
})

for (const where of ['the same node', 'another node'])
  test(`a session that is open at ${where} is taken over, and its old socket told (4409): the original left both open`, async (t) => {
    const { one, two } = await pair(t)
    const first = await openClient(t, one.socketUrl)
    await knows(two, first)
    const second = await openClient(t, where === 'another node' ? two.socketUrl : one.socketUrl)
    second.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: first.id } })
    assert.equal(await first.closed(), 4409)
    await eventually(() => assert.equal(second.id, first.id))
    await push(one, second.id, 'for the second')
    assert.equal((await second.next()).bdy, 'for the second')
  })

test('a reconnect without an id is an error and a close', async (t) => {
  const { socketUrl } = await startMessaging(t)
  for (const bdy of [{}, { id: 7 }, { id: 'a-b' }, { id: ['x'] }]) {
    const client = await openClient(t, socketUrl)
    assert.match((await client.ask({ to: 'hydra-router:/', typ: 'reconnect', bdy })).bdy.error, /former id/)
    assert.equal(await client.closed(), 1008)
  }
})

test('an invented id is no way to anybody’s mail, nor is one of a session that resumes', async (t) => {
  const { socketUrl } = await startMessaging(t)
  const client = await openClient(t, socketUrl)
  const ids = createClientIds(['a private key of this test'])
  for (const [id, reason] of [
    [createClientIds(['another key']).mint('classic'), 'no such session'],
    ['2945p8eigxz', 'no such session'],
    [ids.mint('resuming'), 'this session is resumed with its token'],
    [ids.mint('classic', 'somebody'), 'this session belongs to somebody who is signed in'],
  ] as const) {
    const before = client.id
    const { bdy } = await client.ask({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id } })
    assert.equal(bdy.error, reason)
    assert.equal(client.id, before)
  }
})

test('mail is bounded: the oldest go, and that is counted', async (t) => {
  const rig = await startMessaging(t, { settings: { keepMessages: 10 } })
  const before = await openClient(t, rig.socketUrl)
  await before.close()
  await eventually(() => assert.equal(rig.messaging.size, 0))
  for (let n = 1; n <= 30; n++) await push(rig, before.id, n)
  assert.equal(await rig.counted('hydra_messages_dropped_total{cause="mail-full"}'), 20)
  const again = await openClient(t, rig.socketUrl)
  again.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: before.id } })
  assert.equal((await again.next()).bdy, 21)
})

// ---- who is signed in

test('a signed-in client is known as such, and told 4401 when its session ends', async (t) => {
  const people = signIn()
  const { socketUrl, delivered } = await startMessaging(t, { services: ORDERS, identity: people.identity })
  const ann = await openClient(t, socketUrl, { headers: { cookie: 'HYDRA-SSO=ann' } })
  const nobody = await openClient(t, socketUrl)
  ann.send({ to: 'orders:/' })
  await eventually(() => assert.equal(delivered.length, 1))
  const { sender } = delivered[0]!
  assert.equal(sender?.kind === 'client' && sender.caller?.sid, 'ann')
  people.end('ann')
  assert.equal(await ann.closed(), 4401)
  assert.equal((await nobody.ask({ to: 'hydra-router:/', typ: 'ping' })).typ, 'pong')
})

test('mail of somebody who signed in comes in that session only', async (t) => {
  const people = signIn()
  const rig = await startMessaging(t, { identity: people.identity })
  const signedIn = (who: string) => openClient(t, rig.socketUrl, { headers: { cookie: `HYDRA-SSO=${who}` } })
  const ann = await signedIn('ann')
  await ann.ask(PING)
  await ann.close()
  await eventually(() => assert.equal(rig.messaging.size, 0))
  assert.equal((await push(rig, ann.id, 1)).ok, true)
  for (const thief of [await signedIn('eve'), await openClient(t, rig.socketUrl)]) {
    const { bdy } = await thief.ask({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: ann.id } })
    assert.equal(bdy.error, 'this session belongs to somebody who is signed in')
  }
  const again = await signedIn('ann')
  again.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: ann.id } })
  assert.equal((await again.next()).bdy, 1)
})

test('mail of a session that ended is gone, and nothing is kept for it any more, at any node', async (t) => {
  const people = signIn()
  const { one, two, cluster } = await pair(t, { identity: people.identity })
  const ann = await openClient(t, one.socketUrl, { headers: { cookie: 'HYDRA-SSO=ann' } })
  await ann.ask(PING)
  await ann.close()
  await eventually(() => assert.equal(one.messaging.size, 0))
  await eventually(() => assert.equal(two.messaging.peers.whereIs(ann.id), undefined))
  assert.deepEqual(await push(two, ann.id, 1), { ok: true, when: 'later', mid: 'push-1' })
  assert.equal((await cluster.mailboxes.read(`classic ${ann.id}`, undefined, 10)).mail.length, 1)
  people.end('ann')
  await eventually(async () =>
    assert.equal((await cluster.mailboxes.read(`classic ${ann.id}`, undefined, 10)).epoch, ''),
  )
  for (const node of [one, two]) {
    const sent = await push(node, ann.id, 2)
    assert.equal(!sent.ok && sent.fault, 'unknown-client')
  }
  assert.equal((await cluster.mailboxes.read(`classic ${ann.id}`, undefined, 10)).epoch, '')
})

test('mail of somebody who was connected for longer than mail is kept is kept by every node', async (t) => {
  const people = signIn()
  const { one, two } = await pair(t, { identity: people.identity, settings: { keepMs: 2000 } })
  const ann = await openClient(t, one.socketUrl, { headers: { cookie: 'HYDRA-SSO=ann' } })
  await ann.ask(PING)
  await delay(2200)
  await ann.close()
  await eventually(() => assert.equal(one.messaging.size, 0))
  await eventually(() => assert.equal(two.messaging.peers.whereIs(ann.id), undefined))
  assert.equal((await push(one, ann.id, 1)).ok, true)
  assert.deepEqual(await push(two, ann.id, 2), { ok: true, when: 'later', mid: 'push-2' })
  // … and for as long as something is: each message begins the time anew
  await delay(1500)
  assert.equal((await push(one, ann.id, 3)).ok, true)
  await delay(1500)
  assert.equal((await push(two, ann.id, 4)).ok, true)
})

/** People who are signed in by the text of their cookie. */
function signIn() {
  const over = new Set<string>()
  const listeners: (() => void)[] = []
  const identity: MessagingIdentity = {
    guard: {
      identify(exchange) {
        const sid = /HYDRA-SSO=(\w+)/.exec(exchange.headers.get('cookie') ?? '')?.[1]
        if (sid === undefined || over.has(sid)) return
        exchange.caller = {
          sid,
          startedAt: 1,
          sessionEndsAt: 2,
          revocableAs: [`session:${sid}`],
        } as unknown as Caller
      },
    },
    book: { opened: () => () => {} },
    serviceTokens: { tokenFor: () => undefined },
    isOver: ({ sid }: Owner) => over.has(sid),
    hasEnded: async ({ sid }: Owner) => over.has(sid),
    onEnds: (listener) => void listeners.push(listener),
    refusalOf: () => undefined,
  }
  return {
    identity,
    end(sid: string) {
      over.add(sid)
      for (const listener of listeners) listener()
    },
  }
}

test('mail that is kept by a node which has not heard yet that its client is back comes all the same', async (t) => {
  const cluster = testCluster()
  const { bus, late } = withLateNews(cluster.bus)
  const one = await startMessaging(t, { cluster })
  const two = await startMessaging(t, { cluster: { ...cluster, bus } })
  const before = await openClient(t, one.socketUrl)
  await before.close()
  await eventually(() => assert.equal(one.messaging.size, 0))
  const again = await openClient(t, two.socketUrl)
  again.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id: before.id } })
  await eventually(() => assert.equal(again.id, before.id))
  await eventually(() => assert.ok(late.length > 0))
  for (let n = 1; n <= 20; n++) assert.equal((await push(one, before.id, n)).ok, true)
  await eventually(() => assert.equal(again.got.length, 20))
  assert.deepEqual(
    again.got.map(({ bdy }) => bdy),
    Array.from({ length: 20 }, (_, i) => i + 1),
  )
})
