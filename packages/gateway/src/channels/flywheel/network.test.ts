import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { startRedis } from '../../../../../test/support/redis.ts'
import { sharedServers } from '../../store/redis/testing/line.ts'
import { setUpNetwork } from './testing/network-rig.ts'
import {
  command,
  entryOf,
  newInstanceId,
  playInstance,
  sayRefresh,
  writeRoutes,
} from './testing/played-redis.ts'

const server = sharedServers((t) => startRedis(t, { args: ['--databases', '64'] }))
let databases = 0

/** A network in a database of its own. Channels are those of the whole server. */
async function setUp(t: TestContext, options: Partial<Parameters<typeof setUpNetwork>[1]> = {}) {
  const { url } = await server()
  const settings = { lookMs: 100, ...options.settings }
  return setUpNetwork(t, { url: `${url}/${databases++}`, ...options, settings })
}

test('before anything is read, this node stands in Redis as hydra services look for it', async (t) => {
  const { network, line } = await setUp(t)
  await network.start()
  const id = network.routerId
  const key = `hydra:service:hydra-router:${id}`
  assert.equal(await command(line, 'GET', `${key}:presence`), id)
  const left = (await command(line, 'PTTL', `${key}:presence`)) as number
  assert.ok(left > 1000 && left <= 3000)
  const entry = JSON.parse((await command(line, 'HGET', 'hydra:service:nodes', id)) as string)
  assert.deepEqual(Object.keys(entry), [
    'serviceName',
    'serviceDescription',
    'version',
    'instanceID',
    'updatedOn',
    'processID',
    'ip',
    'port',
    'hostName',
  ])
  const routes = (await command(line, 'SMEMBERS', 'hydra:service:hydra-router:service:routes')) as string[]
  assert.ok(routes.includes('[get]/v1/router/list/:thing'))
  assert.ok(routes.includes('[post]/v1/router/message'))
  assert.match((await command(line, 'GET', 'hydra:service:hydra-router:service')) as string, /"registeredOn"/)
  const heard = await command(
    line,
    'PUBSUB',
    'NUMSUB',
    'hydra:service:mc:hydra-router',
    `hydra:service:mc:hydra-router:${id}`,
  )
  assert.deepEqual(heard, ['hydra:service:mc:hydra-router', 1, `hydra:service:mc:hydra-router:${id}`, 1])
})

test('who came since the last look is found by one that is asked for; a thousand who ask cost one or two', async (t) => {
  const { network, line, instance } = await setUp(t, { settings: { lookMs: 60_000 } })
  await network.start()
  const { id } = await playInstance(t, line, 'new')
  assert.equal(instance(id), undefined)
  const looks = async (): Promise<number> => {
    const stats = String(await command(line, 'INFO', 'commandstats'))
    return Number(/cmdstat_hscan:calls=(\d+)/.exec(stats)?.[1] ?? 0)
  }
  const before = await looks()
  const all = await Promise.all(Array.from({ length: 1000 }, () => network.look()))
  assert.ok(all.every(Boolean))
  assert.equal(instance(id)?.service, 'new')
  assert.equal(await network.look(), true)
  assert.ok((await looks()) - before <= 4)
  await network.close()
  assert.equal(await network.look(), false)
})

test('our health stays until it is renewed; the original’s went after 3 of 5 seconds (B1)', async (t) => {
  const { network, line } = await setUp(t)
  await network.start()
  const key = `hydra:service:hydra-router:${network.routerId}:health`
  const left = (await command(line, 'PTTL', key)) as number
  assert.ok(left > 10_000 && left <= 15_000)
  const health = JSON.parse((await command(line, 'GET', key)) as string)
  assert.deepEqual(
    [health.serviceName, health.instanceID, health.processID],
    ['hydra-router', network.routerId, process.pid],
  )
})

test('a node that stops takes its presence and its entry along, and says so', async (t) => {
  const { network, line } = await setUp(t)
  await network.start()
  const said: string[] = []
  line.subscribe('hydra:service:mc:hydra-router', (text) => said.push(text))
  await network.close()
  assert.equal(await command(line, 'EXISTS', `hydra:service:hydra-router:${network.routerId}:presence`), 0)
  assert.equal(await command(line, 'HEXISTS', 'hydra:service:nodes', network.routerId), 0)
  await eventually(() => assert.ok(said.some((text) => JSON.parse(text).typ === 'wsdir.rem')))
})

test('Redis emptied under a running node: everything of it is written again, and nobody is taken for gone', async (t) => {
  const { network, line, serving, logged } = await setUp(t)
  await writeRoutes(line, 'orders', '[get]/v1/orders')
  const { id } = await playInstance(t, line, 'orders')
  await network.start()
  assert.deepEqual(serving('/v1/orders'), [id])
  await command(line, 'FLUSHDB')
  await eventually(async () => {
    assert.equal(await command(line, 'EXISTS', `hydra:service:hydra-router:${network.routerId}:presence`), 1)
    assert.equal(await command(line, 'EXISTS', 'hydra:service:hydra-router:service:routes'), 1)
    assert.deepEqual(serving('/v1/orders'), [id], 'it never left')
  }, 3000)
  // Its routes are not written again by anybody: services do that once.
  await network.refresh('orders')
  await eventually(async () =>
    assert.equal(await command(line, 'EXISTS', `hydra:service:orders:${id}:presence`), 1),
  )
  assert.deepEqual(serving('/v1/orders'), [id])
  assert.equal(logged.filter(({ msg }) => String(msg).includes('lost what it knew')).length <= 1, true)
})

test('a service without instances is known: 503 and not 404, as it was; one whose routes are gone is forgotten (B14)', async (t) => {
  const { network, line, serving } = await setUp(t)
  await writeRoutes(line, 'away', '[get]/v1/away', '[get]/away')
  await network.start()
  await eventually(() => assert.deepEqual(serving('/v1/away'), []))
  assert.deepEqual(network.routes().get('away'), ['[get]/away', '[get]/v1/away'])
  await writeRoutes(line, 'away', '[get]/v2/away')
  await sayRefresh(line, 'away')
  await eventually(() => assert.deepEqual(serving('/v2/away'), []))
  assert.equal(serving('/v1/away'), undefined)
  await command(line, 'DEL', 'hydra:service:away:service:routes')
  await network.refresh('away')
  assert.deepEqual(serving('/v2/away'), [], 'routes are written anew by deleting them first')
  await eventually(() => assert.equal(serving('/v2/away'), undefined), 3000)
  assert.equal(network.routes().has('away'), false)
})

test('one route that can not be read is left out; the original stopped reading those of all services (B30)', async (t) => {
  const { network, line, serving, refused, logged } = await setUp(t)
  await writeRoutes(
    line,
    'broken',
    '[get]/v1/(open',
    '[get/v1/never',
    '[get]/v1/good/:id',
    '/v1/any',
    `/${'x'.repeat(3000)}`,
  )
  await writeRoutes(line, 'fine', '[get]/v1/fine')
  const [broken, fine] = [await playInstance(t, line, 'broken'), await playInstance(t, line, 'fine')]
  await network.start()
  assert.deepEqual(serving('/v1/good/7'), [broken.id])
  assert.deepEqual(serving('/v1/any', 'PUT'), [broken.id])
  assert.deepEqual(serving('/v1/fine'), [fine.id])
  assert.equal(refused.get('pattern'), 3)
  await network.refresh()
  assert.equal(refused.get('pattern'), 3, 'what was counted once is not counted again')
  assert.equal(logged.filter(({ cause, level }) => cause === 'pattern' && level === 'warn').length, 1)
})

test('junk of strangers is ignored, counted, and logged once for each cause', async (t) => {
  const { network, line, serving, refused, logged, registry } = await setUp(t)
  await writeRoutes(line, 'good', '[get]/v1/good')
  const good = await playInstance(t, line, 'good')
  const play = (service: string, more: object) =>
    playInstance(t, line, service, { more: more as Record<string, unknown> })
  await play('absurd', { port: 70_000 })
  await play('absurd', { port: -1 })
  await play('absurd', { port: '0x50' })
  await play('absurd', { port: { a: 1 } })
  await play('elsewhere', { ip: 8 })
  await play('other', { instanceID: newInstanceId() })
  await play('huge', { serviceDescription: 'x'.repeat(1_000_000) })
  await play('with space', {})
  await play('na\\me', {})
  await playInstance(t, line, 'junk', { text: 'no JSON' })
  await playInstance(t, line, 'junk', { text: '["serviceName"]' })
  await playInstance(t, line, 'junk', { text: '{"serviceName":"junk"' })
  await playInstance(t, line, 'upper', { id: 'F'.repeat(32) })
  await playInstance(t, line, 'good:x', {})
  await play('constructor', {})
  // Says it is of another service than the one its presence is under.
  await playInstance(t, line, 'thief', { text: entryOf('good', newInstanceId()) })
  // A presence that never ends.
  const ghost = newInstanceId()
  await command(line, 'SET', `hydra:service:ghost:${ghost}:presence`, ghost)
  await command(line, 'HSET', 'hydra:service:nodes', ghost, entryOf('ghost', ghost))
  // Wrong types.
  await command(line, 'SET', 'hydra:service:typed:service:routes', 'no set')
  await playInstance(t, line, 'typed')
  await command(line, 'SADD', 'hydra:service:nested:x:service:routes', '[get]/nested')
  await command(line, 'SADD', 'hydra:service::service:routes', '[get]/nameless')
  await network.start()
  assert.deepEqual(serving('/v1/good'), [good.id])
  await eventually(() => assert.ok(refused.has('routes')))
  const names = [...registry.entries()].map(({ name }) => name).sort()
  assert.deepEqual(names, ['good', 'typed'], 'messages can be brought to a service without routes')
  for (const cause of [
    'port',
    'address',
    'id-mismatch',
    'entry-too-large',
    'name',
    'entry',
    'id',
    'endless',
    'routes',
  ])
    assert.ok(refused.get(cause), `${cause} is counted among ${JSON.stringify([...refused])}`)
  assert.equal(refused.get('port'), 4)
  await network.refresh()
  assert.equal(refused.get('port'), 4)
  const causes = logged.filter(({ level, cause }) => level === 'warn' && cause).map(({ cause }) => cause)
  assert.equal(new Set(causes).size, causes.length, 'each cause once')
  assert.equal(serving('/nested'), undefined)
})

test('what is nested too deep to be written again stands in no list', async (t) => {
  const { network, line } = await setUp(t)
  const deep = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
  const good = await playInstance(t, line, 'good')
  const bad = newInstanceId()
  const entry = `{"serviceName":"bad","instanceID":"${bad}","deep":${'['.repeat(7000)}${']'.repeat(7000)}}`
  await command(line, 'HSET', 'hydra:service:nodes', bad, entry)
  const health = `hydra:service:good:${good.id}:health`
  await command(line, 'SET', health, `{"deep":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)
  await network.start()
  assert.throws(() => JSON.stringify(deep(7000)), RangeError)
  assert.ok(JSON.stringify(await network.nodes()).includes(good.id))
  const [listed] = await network.instances()
  assert.deepEqual([listed!.entry.instanceID, 'health' in listed!], [good.id, false])
})

test('nodes that is no hash takes nothing down, and is seen once it is mended', async (t) => {
  const { network, line, serving, refused } = await setUp(t)
  await command(line, 'SET', 'hydra:service:nodes', 'a text')
  await network.start()
  assert.ok(refused.get('nodes-no-hash'))
  assert.deepEqual(await network.nodes(), [])
  await command(line, 'DEL', 'hydra:service:nodes')
  await writeRoutes(line, 'late', '[get]/late')
  const { id } = await playInstance(t, line, 'late')
  await eventually(() => assert.deepEqual(serving('/late'), [id]))
})

test('an instance at an address that is not allowed is not asked, whatever Redis says', async (t) => {
  const { network, line, serving, refused, logged } = await setUp(t, { upstreamsAllow: ['loopback'] })
  await writeRoutes(line, 'outside', '[get]/outside')
  await playInstance(t, line, 'outside', { more: { ip: '169.254.169.254', port: 80 } })
  await playInstance(t, line, 'outside', { more: { ip: '10.1.2.3', port: 80 } })
  await network.start()
  assert.deepEqual(serving('/outside') ?? [], [])
  assert.equal(refused.get('address'), 2)
  assert.ok(logged.some(({ reason }) => String(reason).includes('upstreams.allow')))
})

test('an instance under a name is asked at the address the name has', async (t) => {
  const { network, line, instance } = await setUp(t)
  await writeRoutes(line, 'named', '[get]/named')
  const { id } = await playInstance(t, line, 'named', { more: { ip: 'localhost', port: '8080' } })
  await network.start()
  assert.match(instance(id)!.address.host, /^(127\.0\.0\.1|::1)$/)
  assert.equal(instance(id)!.address.port, 8080)
})

test('a lost refresh is healed by reading routes again, unasked', async (t) => {
  const { network, line, serving } = await setUp(t, { settings: { rereadMs: 200 } })
  await writeRoutes(line, 'quiet', '[get]/old')
  const { id } = await playInstance(t, line, 'quiet')
  await network.start()
  await writeRoutes(line, 'quiet', '[get]/new')
  await eventually(() => assert.deepEqual(serving('/new'), [id]))
  assert.equal(serving('/old'), undefined)
})

test('a service that an operator forgot and that is there is back at the next look', async (t) => {
  const { network, line, serving, registry } = await setUp(t)
  await writeRoutes(line, 'stubborn', '[get]/stubborn')
  const { id } = await playInstance(t, line, 'stubborn')
  await network.start()
  registry.forget('stubborn')
  assert.equal(serving('/stubborn'), undefined)
  await eventually(() => assert.deepEqual(serving('/stubborn'), [id]))
})

test('a service that calls us itself has its id before anybody in Redis who names it', async (t) => {
  const { network, line, registry, instance, refused } = await setUp(t)
  const { id } = await playInstance(t, line, 'claimed')
  await network.start()
  assert.equal(instance(id)?.channel, 'flywheel')
  const { registration } = await import('@hydra-gateway/protocol')
  const bean = registration.parse({ name: 'sdk', host: '127.0.0.1', port: 4000, instanceId: id })
  await registry.register(bean, { channel: 'rsocket', peer: '127.0.0.1' })
  await eventually(() => assert.equal(refused.get('id-taken'), 1))
  assert.equal(instance(id)?.service, 'sdk')
})

test('routers that share the Redis know whose clients are where, at once (B27)', async (t) => {
  const { url } = await server()
  const place = `${url}/${databases++}`
  const [a, b] = await Promise.all([setUpNetwork(t, { url: place }), setUpNetwork(t, { url: place })])
  await a.network.start()
  a.network.peers.here('first')
  await b.network.start()
  await eventually(() => assert.equal(b.network.peers.whereIs('first'), a.network.routerId), 500)
  const heard: object[] = []
  a.network.onMessage((message) => heard.push(message))
  const message = {
    to: 'hydra-router:/',
    from: 'second@client:/',
    forward: 'first@client:/',
    mid: 'm',
    timestamp: '2026-01-01T00:00:00.000Z',
    version: 'UMF/1.4.6',
    body: { hello: 1 },
  }
  await b.network.peers.deliver(a.network.routerId, message)
  await eventually(() =>
    assert.deepEqual(heard, [{ ...message, to: `${a.network.routerId}@hydra-router:/` }]),
  )
  b.network.peers.here('second')
  await eventually(() => assert.equal(a.network.peers.whereIs('second'), b.network.routerId))
  a.network.peers.gone('first')
  await eventually(() => assert.equal(b.network.peers.whereIs('first'), undefined))
  assert.deepEqual(b.network.peers.directory(), {
    [b.network.routerId]: ['second'],
    [a.network.routerId]: [],
  })
  await b.network.close()
  await eventually(() => assert.equal(a.network.peers.whereIs('second'), undefined))
})

test('a router that died leaves the directory; in the original it stayed there for ever', async (t) => {
  const { network, line } = await setUp(t)
  await network.start()
  const dead = newInstanceId()
  const say = (typ: string, bdy: object) =>
    command(
      line,
      'PUBLISH',
      'hydra:service:mc:hydra-router',
      JSON.stringify({ to: 'hydra-router:/', frm: `${dead}@hydra-router:/`, mid: 'x', typ, bdy }),
    )
  await say('wsdir.add', { routerID: dead, clientID: 'lost' })
  await say('wsdir.dir', { routerID: network.routerId, directory: { forged: 1 } })
  await say('wsdir.add', { routerID: 'no id', clientID: 'x' })
  await say('wsdir.dir', { routerID: dead, directory: 7 })
  await eventually(() => assert.equal(network.peers.whereIs('lost'), dead))
  assert.equal(network.peers.whereIs('forged'), undefined)
  await eventually(() => assert.equal(network.peers.whereIs('lost'), undefined))
})

test('many who ask at once get one answer, however many clients it names', async (t) => {
  const { url } = await server()
  const place = `${url}/${databases++}`
  const [a, b] = await Promise.all([setUpNetwork(t, { url: place }), setUpNetwork(t, { url: place })])
  const clients = Array.from({ length: 30_000 }, (_, i) => `c${i}`.padEnd(40, 'x'))
  await a.network.start()
  for (const client of clients) a.network.peers.here(client)
  let answers = 0
  t.after(
    a.line.subscribe('hydra:service:mc:hydra-router', (text) => {
      if (text.includes('"wsdir.dir"') && text.includes(`"routerID":"${a.network.routerId}"`)) answers++
    }),
  )
  await b.network.start()
  await eventually(() => assert.equal(b.network.peers.whereIs(clients.at(-1)!), a.network.routerId))
  const before = answers
  const ask = { to: 'hydra-router:/', frm: 'x:/', mid: 'x', typ: 'wsdir.sha' }
  const asked = Array.from({ length: 300 }, () => {
    const text = JSON.stringify({ ...ask, bdy: { routerID: newInstanceId() } })
    return command(a.line, 'PUBLISH', 'hydra:service:mc:hydra-router', text)
  })
  await Promise.all(asked)
  await eventually(() => assert.ok(answers > before))
  await eventually(() => assert.equal(b.refused.get('routers') ?? 0, 101))
  assert.ok(answers - before <= 5, `${answers - before} answers`)
  assert.equal(b.refused.get('message-too-large'), undefined)
})

test('to a router that is not there nothing is sent, and the sender hears of it', async (t) => {
  const { network } = await setUp(t)
  await network.start()
  const message = { to: 'hydra-router:/', from: 'a', mid: 'm', timestamp: '', version: '', body: {} }
  await assert.rejects(network.peers.deliver(newInstanceId(), message), { fault: 'unknown-client' })
})

test('another router is told by forward alone whose a message is: an original takes via for the client', async (t) => {
  const { network, line } = await setUp(t)
  await network.start()
  const router = newInstanceId()
  const heard: Record<string, unknown>[] = []
  t.after(
    line.subscribe(`hydra:service:mc:hydra-router:${router}`, (text) => void heard.push(JSON.parse(text))),
  )
  const message = { to: 'x@client:/', from: 'a', mid: 'm', timestamp: '', version: '', body: { n: 1 } }
  const more = { forward: 'x@client:/', via: `${network.routerId}@hydra-router:/` }
  await eventually(() => network.peers.deliver(router, { ...message, ...more }))
  await eventually(() => assert.equal(heard.length, 1))
  const { to, fwd, via } = heard[0]!
  assert.deepEqual([to, fwd, via], [`${router}@hydra-router:/`, 'x@client:/', undefined])
})

test('what comes on a channel and is no message, or too large, is ignored and counted', async (t) => {
  const { network, line, refused } = await setUp(t, { settings: { maxMessageBytes: 1000 } })
  await network.start()
  const heard: object[] = []
  network.onMessage((message) => heard.push(message))
  const say = (text: string) =>
    command(line, 'PUBLISH', `hydra:service:mc:hydra-router:${network.routerId}`, text)
  for (const text of ['', 'null', '7', '{', '{"to":{}}', '{"to":["a"],"frm":"b","bdy":{}}', '['.repeat(900)])
    await say(text)
  await say(JSON.stringify({ to: 'a:/', frm: 'b:/', bdy: 'x'.repeat(2000) }))
  await say(JSON.stringify({ to: 'a:/', from: 'b:/', body: { long: 1 } }))
  await eventually(() => assert.equal(heard.length, 1))
  assert.equal(refused.get('message'), 7)
  assert.equal(refused.get('message-too-large'), 1)
})

/** A message as it is kept. */
const mail = (n: number, fill = ''): string =>
  JSON.stringify({ to: 'c@client:/', frm: 'a:/', mid: `${n}`, ts: 't', ver: 'v', bdy: { n, fill } })

test('mail comes oldest first, and what was given and not taken comes again; the original gave the newest first and lost the rest (B6)', async (t) => {
  const { network, line } = await setUp(t)
  await network.start()
  for (const n of [1, 2, 3]) await network.mail.put('client1', mail(n))
  const key = 'hydra-router:message:queue:client1'
  assert.deepEqual(await command(line, 'LRANGE', `${key}:queued`, '0', '-1'), [mail(1), mail(2), mail(3)])
  const left = (await command(line, 'TTL', `${key}:queued`)) as number
  assert.ok(left > 86_300 && left <= 86_400)
  const taken: string[] = []
  const died = network.mail.give('client1', async (text) => {
    taken.push(text)
    if (taken.length === 2) throw new Error('the node died')
  })
  await assert.rejects(died)
  assert.equal(await network.mail.give('client1', async (text) => void taken.push(text)), 2)
  assert.deepEqual(taken, [mail(1), mail(2), mail(2), mail(3)])
  assert.equal(await command(line, 'EXISTS', `${key}:queued`, `${key}:processing`, `${key}:bytes`), 0)
})

test('what a client did not take as it left waits in its place again, for whoever takes the rest elsewhere', async (t) => {
  const { network, line } = await setUp(t)
  await network.start()
  for (const n of [1, 2, 3]) await network.mail.put('client1', mail(n))
  await assert.rejects(network.mail.give('client1', () => Promise.reject(new Error('the client left'))))
  const key = 'hydra-router:message:queue:client1'
  assert.deepEqual(await command(line, 'LRANGE', `${key}:queued`, '0', '-1'), [mail(1), mail(2), mail(3)])
  assert.equal(await command(line, 'EXISTS', `${key}:processing`), 0)
})

test('mail an original has kept is seen, and comes with short names', async (t) => {
  const { network, line, refused } = await setUp(t)
  await network.start()
  const { has = assert.fail } = network.mail
  assert.equal(await has('1rid5jidr7d'), false)
  const key = 'hydra-router:message:queue:1rid5jidr7d:queued'
  const kept = { to: 'hydra-router:/', from: 'client:/', mid: 'm2', timestamp: 'now', version: 'UMF/1.4.6' }
  await command(
    line,
    'RPUSH',
    key,
    JSON.stringify({ ...kept, forward: '1rid5jidr7d@client:/', body: { n: 2 } }),
  )
  await command(line, 'RPUSH', key, 'no message')
  assert.equal(await has('1rid5jidr7d'), true)
  const taken: Record<string, unknown>[] = []
  assert.equal(await network.mail.give('1rid5jidr7d', async (text) => void taken.push(JSON.parse(text))), 1)
  assert.deepEqual(
    taken.map(({ frm, fwd, bdy }) => [frm, fwd, bdy]),
    [['client:/', '1rid5jidr7d@client:/', { n: 2 }]],
  )
  assert.equal(refused.get('message'), 1)
  assert.equal(await has('1rid5jidr7d'), false)
})

test('mail is bounded: the oldest goes, and is counted', async (t) => {
  const { network, refused } = await setUp(t, { settings: { keepMessages: 3, keepBytes: 400 } })
  await network.start()
  for (const n of [1, 2, 3, 4, 5]) await network.mail.put('c', mail(n))
  const taken: string[] = []
  await network.mail.give('c', async (text) => void taken.push(text))
  assert.deepEqual(taken, [mail(3), mail(4), mail(5)])
  assert.equal(refused.get('mail-dropped'), 2)
  const longer = [200, 80, 150].map((length, n) => mail(n, 'x'.repeat(length)))
  for (const text of longer) await network.mail.put('c', text)
  const later: string[] = []
  await network.mail.give('c', async (text) => void later.push(text))
  assert.deepEqual(later, longer.slice(1))
  await assert.rejects(network.mail.put('c', 'x'.repeat(401)), { fault: 'mail-full' })
  await assert.rejects(network.mail.put('c:d', 'x'), { fault: 'unknown-client' })
  await network.mail.put('c', 'secret')
  await network.mail.remove('c')
  assert.equal(await network.mail.give('c', async () => {}), 0)
})

test('messages are put into queues of services and appended to streams, in short form', async (t) => {
  const { network, line } = await setUp(t, { settings: { maxQueue: 2, maxStreamLength: 2 } })
  await network.start()
  const message = { to: 'jobs:/', from: 'a:/', mid: 'm1', timestamp: 't', version: 'v', body: { n: 1 } }
  await network.queue('jobs', message)
  await network.queue('jobs', { ...message, mid: 'm2' })
  const queued = (await command(line, 'LRANGE', 'hydra:service:jobs:mqrecieved', '0', '-1')) as string[]
  assert.deepEqual(
    queued.map((text) => JSON.parse(text)),
    [
      { to: 'jobs:/', frm: 'a:/', mid: 'm2', ts: 't', ver: 'v', bdy: { n: 1 } },
      { to: 'jobs:/', frm: 'a:/', mid: 'm1', ts: 't', ver: 'v', bdy: { n: 1 } },
    ],
  )
  await assert.rejects(network.queue('jobs', message), { fault: 'mail-full' })
  const id = await network.append('events', message)
  const [[streamId, [field, text]]] = (await command(line, 'XRANGE', 'hydra:stream:events', '-', '+')) as [
    [string, [string, string]],
  ]
  assert.deepEqual([streamId, field, JSON.parse(text).mid], [id, 'message', 'm1'])
  assert.match((await network.append('events', message, { mayMake: false }))!, /-/)
  await assert.rejects(network.append('events', message), { fault: 'mail-full' })
  assert.equal(await command(line, 'XLEN', 'hydra:stream:events'), 2)
  assert.equal(await command(line, 'XTRIM', 'hydra:stream:events', 'MAXLEN', '0'), 2)
  assert.match((await network.append('events', message, { mayMake: false }))!, /-/, 'an empty one is there')
  assert.equal(await network.append('new', message, { mayMake: false }), undefined)
  assert.equal(await command(line, 'EXISTS', 'hydra:stream:new'), 0)
})

test('entries of instances that died stay in nodes until an operator clears them (B23)', async (t) => {
  const { network, line } = await setUp(t)
  const dead = newInstanceId()
  await command(line, 'HSET', 'hydra:service:nodes', dead, entryOf('dead', dead))
  const { id } = await playInstance(t, line, 'alive')
  await network.start()
  const ids = async (): Promise<string[]> =>
    (await network.nodes()).map(({ instanceID }) => instanceID).sort()
  assert.deepEqual(await ids(), [dead, id, network.routerId].sort())
  assert.equal(await network.clear(), 1)
  assert.deepEqual(await ids(), [id, network.routerId].sort())
})

test('a flood of refreshes is read as few times as its names, and nobody waits for it', async (t) => {
  const { network, line, serving, refused } = await setUp(t)
  await network.start()
  await writeRoutes(line, 'calm', '[get]/calm')
  const { id } = await playInstance(t, line, 'calm')
  await Promise.all(Array.from({ length: 3000 }, (_, i) => sayRefresh(line, `flood${i}`)))
  await sayRefresh(line, 'calm')
  await eventually(() => assert.deepEqual(serving('/calm'), [id]), 3000)
  assert.equal(network.routes().size, 2, 'nothing is remembered of names without routes')
  t.diagnostic(`left out: ${refused.get('hints') ?? 0} of 3000`)
})
