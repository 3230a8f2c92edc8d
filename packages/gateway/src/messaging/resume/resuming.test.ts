import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { createManualClock } from '../../observe/manual-clock.ts'
import { createMemoryBus } from '../../store/bus/memory.ts'
import { createMemoryMailboxes } from '../../store/mailboxes/memory.ts'
import { MessageProblem } from '../port.ts'
import { createSessionRate } from '../session-rate.ts'
import { callerNamed, createTestClient, createTestIdentity, messageOf, openNode } from './testing/nodes.ts'

function place() {
  const bus = createMemoryBus()
  const clock = createManualClock()
  return { bus, clock, mailboxes: createMemoryMailboxes({ clock, bus }) }
}
const fault = (fault: string) => (error: unknown) => error instanceof MessageProblem && error.fault === fault

test('who comes back to another node after theirs was killed gets what was missed, in order, then what is new', async (t) => {
  const shared = place()
  const [one, two] = [openNode(shared), openNode(shared)]
  t.after(() => Promise.all([one.resuming.close(), two.resuming.close()]))
  const ada = createTestClient()
  const begun = await ada.connect(one)
  assert.ok('id' in begun && begun.recovered && begun.isNew)
  const { id } = begun
  assert.equal(await one.resuming.deliver(id, messageOf('1')), 'now')
  assert.equal(await two.resuming.deliver(id, messageOf('2')), 'now')
  await eventually(() => assert.deepEqual(ada.handed, ['1', '2']))
  one.kill()
  ada.cut()
  for (const text of ['3', '4']) await two.resuming.deliver(id, messageOf(text))
  const back = await ada.connect(two)
  assert.ok('id' in back && back.recovered && back.id === id && !back.isNew)
  await two.resuming.deliver(id, messageOf('5'))
  await eventually(() => assert.deepEqual(ada.handed, ['1', '2', '3', '4', '5']))
  assert.equal(two.counted.get('recovered'), 1)
})

test('a client that is away has a mailbox: messages wait for it; one that nobody knows has none', async (t) => {
  const node = openNode(place())
  t.after(() => node.resuming.close())
  const ada = createTestClient()
  const begun = await ada.connect(node)
  assert.ok('id' in begun)
  ada.cut()
  assert.equal(await node.resuming.deliver(begun.id, messageOf('1')), 'later')
  await assert.rejects(node.resuming.deliver('r123', messageOf('1')), fault('unknown-client'))
  await ada.connect(node)
  await eventually(() => assert.deepEqual(ada.handed, ['1']))
  // who says that they don't come back leaves nothing
  await ada.say('end')
  assert.equal(ada.closed, 1000)
  await assert.rejects(node.resuming.deliver(begun.id, messageOf('2')), fault('unknown-client'))
})

test('what another node appended goes out before what was appended here later, though no hint came', async (t) => {
  const shared = place()
  const deaf = openNode({ ...shared, bus: { ...shared.bus, listen: () => () => {} } })
  const other = openNode(shared)
  t.after(() => Promise.all([deaf.resuming.close(), other.resuming.close()]))
  const ada = createTestClient()
  const begun = await ada.connect(deaf)
  assert.ok('id' in begun)
  await other.resuming.deliver(begun.id, messageOf('1'))
  await deaf.resuming.deliver(begun.id, messageOf('2'))
  await deaf.resuming.deliver(begun.id, messageOf('3'))
  await eventually(() => assert.deepEqual(ada.handed, ['1', '2', '3']))
  assert.deepEqual(ada.jumps, [])
})

test('a client that leaves while it comes back leaves nothing open, and what waits for it waits on', async (t) => {
  const node = openNode(place())
  t.after(() => node.resuming.close())
  const ada = createTestClient()
  const begun = await ada.connect(node)
  assert.ok('id' in begun)
  for (let i = 0; i < 3; i++) {
    const coming = ada.connect(node)
    ada.cut()
    await coming
  }
  assert.equal(node.resuming.usage().here, 0)
  assert.equal(await node.resuming.deliver(begun.id, messageOf('1')), 'later')
  await ada.connect(node)
  await eventually(() => assert.deepEqual(ada.handed, ['1']))
})

test('above the bound the oldest go, and who comes back is told how many', async (t) => {
  const node = openNode({ ...place(), settings: { keepMessages: 3 } })
  t.after(() => node.resuming.close())
  const ada = createTestClient()
  const begun = await ada.connect(node)
  assert.ok('id' in begun)
  await node.resuming.deliver(begun.id, messageOf('0'))
  await eventually(() => assert.deepEqual(ada.handed, ['0']))
  ada.cut()
  for (let i = 1; i <= 5; i++) await node.resuming.deliver(begun.id, messageOf(`${i}`))
  const back = await ada.connect(node)
  assert.ok('id' in back && !back.recovered && back.lost === 2)
  await eventually(() => assert.deepEqual(ada.handed, ['0', { lost: 2 }, '3', '4', '5']))
  // and from there on everything is whole again
  ada.cut()
  const again = await ada.connect(node)
  assert.ok('id' in again && again.recovered)
})

test('a client that reads slowly is told in its socket what it lost, and cut when it reads nothing', async (t) => {
  const text = (i: number) => `${i} ${'x'.repeat(1000)}`
  const settings = { keepMessages: 3, maxBehindBytes: 4096, stallMs: 300 }
  const node = openNode({ ...place(), settings })
  t.after(() => node.resuming.close())
  const ada = createTestClient()
  const begun = await ada.connect(node)
  assert.ok('id' in begun)
  ada.isStalled = true
  for (let i = 1; i <= 9; i++) await node.resuming.deliver(begun.id, messageOf(text(i)))
  ada.isStalled = false
  await eventually(() => assert.equal(ada.handed.at(-1), text(9)))
  const at = ada.handed.findIndex((one) => typeof one === 'object')
  assert.deepEqual(ada.handed, [
    ...Array.from({ length: at }, (_, i) => text(i + 1)),
    { lost: 6 - at },
    ...[7, 8, 9].map(text),
  ])
  ada.isStalled = true
  await node.resuming.deliver(begun.id, messageOf('10'))
  await eventually(() => assert.equal(ada.closed, 4408))
  assert.equal(node.counted.get('too-slow'), 1)
})

test('a second connection with the same token takes over, wherever it is, and the first is closed with 4409', async (t) => {
  const shared = place()
  const [one, two] = [openNode(shared), openNode(shared)]
  t.after(() => Promise.all([one.resuming.close(), two.resuming.close()]))
  for (const node of [one, two]) {
    const [first, second] = [createTestClient(), createTestClient()]
    const begun = await first.connect(one)
    assert.ok('id' in begun)
    const { token, epoch, at } = begun
    const taken = await second.connect(node, undefined, { token, epoch, at })
    assert.ok('id' in taken && taken.recovered && taken.id === begun.id)
    await eventually(() => assert.equal(first.closed, 4409))
    assert.equal(await one.resuming.deliver(begun.id, messageOf('1')), 'now')
    await eventually(() => assert.deepEqual(second.handed, ['1']))
    assert.deepEqual(first.handed, [])
  }
})

test('a session that went to a connection its own client has given up comes back to it, and to nobody else', async (t) => {
  const shared = place()
  const [one, two] = [openNode(shared), openNode(shared)]
  t.after(() => Promise.all([one.resuming.close(), two.resuming.close()]))
  const self = 'a1b2c3d4e5f6a7b8'
  const [client, late, other] = [createTestClient(), createTestClient(), createTestClient()]
  const begun = await client.connect(one, undefined, { self })
  assert.ok('id' in begun)
  const { token, epoch, at } = begun
  for (const node of [one, two]) {
    await late.connect(node, undefined, { token, epoch, at, self })
    await eventually(() => assert.equal(client.closed, 1013))
    const back = await client.connect(one, undefined, { self })
    assert.ok('id' in back && back.recovered && back.id === begun.id)
  }
  await two.resuming.deliver(begun.id, messageOf('1'))
  await eventually(() => assert.deepEqual([client.handed, late.handed], [['1'], []]))
  await other.connect(two, undefined, { token, epoch, at, self: 'ffffffffffffffff' })
  await eventually(() => assert.equal(client.closed, 4409))
})

test('an id opens nothing, nor does a token that was changed, is of other keys, or too long', async (t) => {
  const shared = place()
  const node = openNode(shared)
  const stranger = openNode({ ...shared, privateKeys: ['another key'] })
  const turned = openNode({ ...shared, privateKeys: ['a newer key', 'a private key'] })
  t.after(() => Promise.all([node, stranger, turned].map(({ resuming }) => resuming.close())))
  const ada = createTestClient()
  const begun = await ada.connect(node)
  assert.ok('id' in begun)
  const { token, epoch, at, id } = begun
  const changed = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`
  for (const bad of [id, changed, 'x'.repeat(100_000), '', {}, 7, null, '..', 'a.b.c.d.e']) {
    const opened = await createTestClient().connect(node, undefined, { token: bad, epoch, at })
    assert.ok('id' in opened && opened.id !== id && opened.recovered === false && opened.isNew)
  }
  const elsewhere = await createTestClient().connect(stranger, undefined, { token, epoch, at })
  assert.ok('id' in elsewhere && elsewhere.id !== id)
  const rotated = await createTestClient().connect(turned, undefined, { token, epoch, at })
  assert.ok('id' in rotated && rotated.id === id && rotated.recovered)
  // places that are none are no place
  for (const where of ['', 'x', '1', '-1.a', `${'9'.repeat(30)}.a`, 5, {}]) {
    const opened = await createTestClient().connect(node, undefined, { token, epoch, at: where })
    assert.ok('id' in opened && opened.id === id && opened.recovered === false)
  }
})

test('what somebody who is signed in began goes on for the same sign-in only, and waits while they sign in', async (t) => {
  const node = openNode(place())
  t.after(() => node.resuming.close())
  const ada = createTestClient()
  const begun = await ada.connect(node, callerNamed('ada'))
  assert.ok('id' in begun && begun.endsAt !== undefined)
  ada.cut()
  await node.resuming.deliver(begun.id, messageOf('private'))
  const { token, epoch, at } = begun
  const thief = createTestClient()
  const stolen = await thief.connect(node, callerNamed('eve'), { token, epoch, at })
  assert.ok('id' in stolen && stolen.id !== begun.id && !stolen.recovered)
  const nobody = createTestClient()
  assert.deepEqual(await nobody.connect(node, undefined, { token, epoch, at }), { error: 'login' })
  assert.equal(nobody.closed, 4401)
  assert.deepEqual([thief.handed, nobody.handed], [[], []])
  const back = await ada.connect(node, callerNamed('ada'))
  assert.ok('id' in back && back.recovered)
  await eventually(() => assert.deepEqual(ada.handed, ['private']))
})

test('who signs in goes on with what they began before; without them it can not be gone on with any more', async (t) => {
  const { identity, logins } = createTestIdentity()
  const node = openNode({ ...place(), identity })
  t.after(() => node.resuming.close())
  logins.set('a jwt', callerNamed('ada'))
  logins.set('another jwt', callerNamed('eve'))
  const ada = createTestClient()
  const begun = await ada.connect(node)
  assert.ok('id' in begun)
  await ada.say('renew', { login: 'nonsense' })
  await ada.say('renew', { login: 'a jwt' })
  await ada.say('renew', { login: 'another jwt' })
  await ada.say('renew')
  await eventually(() => {
    const answers = ada.frames.filter(({ typ }) => typ === 'renewed').map(({ bdy }) => bdy.error ?? 'until')
    assert.deepEqual(answers, ['login', 'until', 'login', 'until'])
  })
  assert.equal(ada.session?.caller?.sid, 'ada')
  ada.cut()
  const { token, epoch, at } = begun
  assert.deepEqual(await createTestClient().connect(node, undefined, { token, epoch, at }), {
    error: 'login',
  })
  // without cookies: the login stands beside the token
  const back = await ada.connect(node, undefined, { login: 'a jwt' })
  assert.ok('id' in back && back.recovered)
})

test('a logout ends the socket and what waits: at the node that had it, at the one that appends, and at the one it comes to', async (t) => {
  const shared = place()
  const ends = createTestIdentity()
  const [one, two] = [openNode({ ...shared, identity: ends.identity }), openNode(shared)]
  const third = openNode({ ...shared, identity: ends.identity })
  t.after(() => Promise.all([one, two, third].map(({ resuming }) => resuming.close())))
  const isThere = async (id: string) =>
    (await shared.mailboxes.read(`client ${id}`, undefined, 1)).epoch !== ''
  const begin = async (sid: string, node = one) => {
    const client = createTestClient()
    const begun = await client.connect(node, callerNamed(sid))
    assert.ok('id' in begun)
    return { client, id: begun.id }
  }
  const [open, left, appended, comes] = [
    await begin('open'),
    await begin('left'),
    await begin('appended', two),
    await begin('comes', two),
  ]
  left.client.cut()
  appended.client.cut()
  comes.client.cut()
  for (const { id } of [left, appended, comes]) await two.resuming.deliver(id, messageOf('1'))
  ends.revoke('session:open')
  assert.equal(open.client.closed, 4401)
  ends.revoke('session:left')
  await eventually(async () =>
    assert.deepEqual([await isThere(open.id), await isThere(left.id)], [false, false]),
  )
  ends.revoke('session:appended', { tell: false })
  await assert.rejects(third.resuming.deliver(appended.id, messageOf('2')), fault('unknown-client'))
  await eventually(async () => assert.equal(await isThere(appended.id), false))
  ends.revoke('session:comes', { tell: false })
  assert.deepEqual(await comes.client.connect(third, callerNamed('comes')), { error: 'ended' })
  await eventually(async () => assert.equal(await isThere(comes.id), false))
})

test('what was confirmed is dropped, and what is not is kept', async (t) => {
  const shared = place()
  const node = openNode(shared)
  t.after(() => node.resuming.close())
  const ada = createTestClient()
  const begun = await ada.connect(node)
  assert.ok('id' in begun)
  for (const text of ['1', '2', '3']) await node.resuming.deliver(begun.id, messageOf(text))
  await eventually(() => assert.equal(ada.handed.length, 3))
  assert.deepEqual(node.resuming.usage(), {
    ...{ here: 1, unconfirmed: 3, mostUnconfirmed: 3 },
    mailboxes: shared.mailboxes.usage?.(),
  })
  for (const at of ['9.x', 'x', '', undefined, { a: 1 }]) await ada.say('ack', { at })
  assert.equal(shared.mailboxes.usage?.().messages, 3)
  ada.ack()
  await eventually(() => assert.equal(shared.mailboxes.usage?.().messages, 0))
  assert.equal(node.resuming.usage().unconfirmed, 0)
})

test('a mailbox that had to go for want of room is made anew for who is connected, and they are told', async (t) => {
  const clock = createManualClock()
  const bus = createMemoryBus()
  const mailboxes = createMemoryMailboxes({ clock, bus, mostBoxes: 2 })
  const node = openNode({ mailboxes, bus })
  t.after(() => node.resuming.close())
  const clients = [createTestClient(), createTestClient(), createTestClient()]
  const ids: string[] = []
  for (const client of clients) {
    const begun = await client.connect(node)
    assert.ok('id' in begun)
    ids.push(begun.id)
  }
  assert.equal(await node.resuming.deliver(ids[0]!, messageOf('1')), 'now')
  await eventually(() => assert.deepEqual(clients[0]!.handed, [{ lost: undefined }, '1']))
})

test('a node that had a client before leaves it its mailbox when its sign-in was renewed elsewhere', async (t) => {
  const shared = place()
  const [atOne, atTwo] = [createTestIdentity(), createTestIdentity()]
  const one = openNode({ ...shared, identity: atOne.identity })
  const two = openNode({ ...shared, identity: atTwo.identity })
  t.after(() => Promise.all([one.resuming.close(), two.resuming.close()]))
  const endsAt = Date.now() + 300
  const ada = createTestClient()
  const begun = await ada.connect(one, callerNamed('ada', { sessionEndsAt: endsAt }))
  assert.ok('id' in begun)
  ada.cut()
  const back = await ada.connect(two, callerNamed('ada'))
  assert.ok('id' in back && back.recovered)
  await eventually(() => assert.ok(Date.now() > endsAt))
  const lookThrough = () => atOne.revoke('session:somebody else')
  lookThrough()
  await two.resuming.deliver(begun.id, messageOf('1'))
  ada.cut()
  lookThrough()
  await two.resuming.deliver(begun.id, messageOf('2'))
  const again = await ada.connect(one, callerNamed('ada'))
  assert.ok('id' in again && again.recovered)
  await eventually(() => assert.deepEqual(ada.handed, ['1', '2']))
  // but what has ended is gone, whoever had it
  ada.cut()
  atOne.revoke('session:ada')
  await assert.rejects(two.resuming.deliver(begun.id, messageOf('3')), fault('unknown-client'))
})

test('a network that begins too many sessions is told when to come; who comes back to one is let in', async (t) => {
  const clock = createManualClock()
  const settings = { sessionsPerMinute: 2, maxClientsPerAddress: 3 }
  const node = openNode({
    ...place(),
    mayBegin: createSessionRate({ settings, networkOf: () => 'one', clock }),
  })
  t.after(() => node.resuming.close())
  const first = createTestClient()
  assert.ok('id' in (await first.connect(node)))
  for (let i = 0; i < 2; i++) assert.ok('id' in (await createTestClient().connect(node)))
  const late = createTestClient()
  assert.deepEqual(await late.connect(node), { error: 'busy', retryMs: 30_000 })
  assert.equal(late.closed, 4429)
  assert.equal(node.counted.get('busy'), 1)
  first.cut()
  const back = await first.connect(node)
  assert.ok('id' in back && back.recovered && !back.isNew)
  assert.ok('error' in (await createTestClient().connect(node, undefined, { token: 'forged' })))
  clock.advance(30_000)
  assert.ok('id' in (await createTestClient().connect(node)))
})

test('a session nobody knows of is kept for less than one that said or got something, or came back', async (t) => {
  const { mailboxes, ...shared } = place()
  const kept = new Map<string, number>()
  const node = openNode({
    ...shared,
    mailboxes: {
      ...mailboxes,
      open(box, keepMs, options) {
        kept.set(box, keepMs)
        return mailboxes.open(box, keepMs, options)
      },
      append(box, text, limits, options) {
        kept.set(box, limits.keepMs)
        return mailboxes.append(box, text, limits, options)
      },
    },
    settings: { keepMs: 60_000, keepUnusedMs: 1000 },
  })
  t.after(() => node.resuming.close())
  const keptOf = async (
    use: (client: ReturnType<typeof createTestClient>, id: string) => unknown,
  ): Promise<number> => {
    const client = createTestClient()
    const begun = await client.connect(node)
    assert.ok('id' in begun)
    await use(client, begun.id)
    return kept.get(`client ${begun.id}`)!
  }
  assert.equal(await keptOf(() => {}), 1000)
  assert.equal(await keptOf((client) => client.cut()), 1000)
  assert.equal(await keptOf((client) => client.session!.spoke!()), 60_000)
  assert.equal(await keptOf((_, id) => node.resuming.deliver(id, messageOf('1'))), 60_000)
  assert.equal(
    await keptOf(async (client) => {
      client.cut()
      await client.connect(node)
    }),
    60_000,
  )
})
