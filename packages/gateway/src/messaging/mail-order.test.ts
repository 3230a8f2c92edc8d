import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../../../test/support/eventually.ts'
import { openClient, type TestClient } from '../../../../test/support/message-client.ts'
import { systemClock } from '../observe/clock.ts'
import { createClassicSession } from './classic-session.ts'
import type { ClientLine } from './client-session.ts'
import type { ClientMail } from './port.ts'
import { type MessagingRig, push, startMessaging, testCluster, withLateNews } from './testing/rig.ts'

const upTo = (most: number): number[] => Array.from({ length: most }, (_, i) => i + 1)
const bodies = ({ got }: TestClient): unknown[] => got.map(({ bdy }) => bdy)
const reconnect = (client: TestClient, id: string) =>
  client.send({ to: 'hydra-router:/', typ: 'reconnect', bdy: { id } })

/** The id of a client that is away, with mail. */
async function awayWithMail(t: TestContext, rig: MessagingRig, count: number): Promise<string> {
  const before = await openClient(t, rig.socketUrl)
  await before.close()
  await eventually(() => assert.equal(rig.messaging.size, 0))
  for (const n of upTo(count)) assert.equal((await push(rig, before.id, n)).ok, true)
  return before.id
}

for (const when of ['at the same moment', 'while the first of them is given it'])
  test(`two sockets that ask for the mail of one id ${when} share it: each message comes once, in order`, async (t) => {
    const cluster = testCluster()
    const { mailboxes } = cluster
    const far: typeof mailboxes = {
      ...mailboxes,
      read: (...asked) => delay(20).then(() => mailboxes.read(...asked)),
      acknowledge: (...said) => delay(50).then(() => mailboxes.acknowledge(...said)),
    }
    const rig = await startMessaging(t, { cluster: { ...cluster, mailboxes: far } })
    const id = await awayWithMail(t, rig, 250)
    const [first, second] = [await openClient(t, rig.socketUrl), await openClient(t, rig.socketUrl)]
    reconnect(first, id)
    if (when === 'at the same moment') reconnect(second, id)
    else first.webSocket.on('message', () => first.got.length === 20 && reconnect(second, id))
    assert.equal(await Promise.race([first.closed(), second.closed()]), 4409)
    const [gone, stays] = second.webSocket.readyState === 1 ? [first, second] : [second, first]
    assert.equal((await push(rig, id, 251)).ok, true)
    await eventually(() => assert.equal(bodies(stays).at(-1), 251))
    assert.deepEqual([...bodies(gone), ...bodies(stays)], upTo(251))
  })

test('what waits for a client comes before what is sent to it next, though its node has heard of neither yet', async (t) => {
  const cluster = testCluster()
  const { bus, late, arrive } = withLateNews(cluster.bus)
  const one = await startMessaging(t, { cluster })
  const two = await startMessaging(t, { cluster: { ...cluster, bus } })
  const before = await openClient(t, one.socketUrl)
  await before.close()
  await eventually(() => assert.equal(one.messaging.size, 0))
  const again = await openClient(t, two.socketUrl)
  reconnect(again, before.id)
  await eventually(() => assert.equal(again.id, before.id))
  await eventually(() => assert.ok(late.some(([, text]) => text.includes(before.id))))
  assert.deepEqual(await push(one, before.id, 1), { ok: true, when: 'later', mid: 'push-1' })
  await arrive()
  assert.equal(one.messaging.peers.whereIs(before.id), two.routerId)
  assert.deepEqual(await push(one, before.id, 2), { ok: true, when: 'now', mid: 'push-2' })
  await eventually(() => assert.equal(again.got.length, 2))
  assert.deepEqual(bodies(again), [1, 2])
})

for (const isShort of [true, false])
  test(`mail that could not be read when its client came back comes once it can, unasked, ${isShort ? 'before what is sent meanwhile' : 'and nobody waits for a store that stays away'}`, async (t) => {
    const cluster = testCluster()
    let isAway = false
    const { mailboxes } = cluster
    const read: typeof mailboxes.read = (...asked) =>
      isAway ? Promise.reject(new Error('away')) : mailboxes.read(...asked)
    const rig = await startMessaging(t, { cluster: { ...cluster, mailboxes: { ...mailboxes, read } } })
    const id = await awayWithMail(t, rig, 3)
    isAway = true
    const again = await openClient(t, rig.socketUrl)
    reconnect(again, id)
    await eventually(() => assert.equal(again.id, id))
    const sent = push(rig, id, 4)
    if (isShort) await delay(1000)
    else await eventually(() => assert.ok(again.got.length > 0))
    assert.deepEqual(bodies(again), isShort ? [] : [4])
    isAway = false
    await eventually(() => assert.equal(again.got.length, 4))
    assert.deepEqual(bodies(again), isShort ? [1, 2, 3, 4] : [4, 1, 2, 3])
    assert.deepEqual(await sent, { ok: true, when: 'now', mid: 'push-4' })
  })

test('mail that is put while the last of it is given is given, too, at whatever moment it comes', async () => {
  for (let moment = 0; moment < 8; moment++) {
    const box = ['1']
    const got: string[] = []
    const line: ClientLine = {
      ...{ address: '127.0.0.1', isOpen: true, behindBytes: 0, close() {} },
      send(text, onSettled) {
        got.push(text)
        onSettled?.(true)
        return true
      },
    }
    const mail: ClientMail = {
      put: async () => {},
      remove: async () => {},
      async give(_, take) {
        const all = box.splice(0)
        for (const text of all) await take(text)
        return all.length
      },
    }
    const session = createClassicSession('a', line, { caller: undefined, address: '' }, systemClock)
    const given = session.collect(mail)
    for (let turn = 0; turn < moment; turn++) await undefined
    box.push('2')
    await Promise.all([given, session.collect(mail)])
    assert.deepEqual(got, ['1', '2'], `after ${moment} turns`)
  }
})
