import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { systemClock } from '../../observe/clock.ts'
import { busContract } from '../bus/contract.ts'
import { busChannel, createRedisBus } from './bus.ts'
import type { ReplaySettings } from './replays.ts'
import { createSealedBus, type SealedBusDeps } from './sealed-bus.ts'
import { createRecordSealer } from './sealed-record.ts'
import { createSharedTime } from './shared-time.ts'
import { openTestLine, quiet, sharedRedis } from './testing/line.ts'

const redis = sharedRedis()
const KEYS = ['the private key of this test']

/** A node at a Redis. */
async function openNode(
  t: Pick<TestContext, 'after'>,
  place: Awaited<ReturnType<typeof redis.place>>,
  more: Partial<SealedBusDeps> & { readonly replays?: ReplaySettings } = {},
) {
  const line = await openTestLine(t, place)
  const time = createSharedTime({ line, clock: systemClock, log: quiet })
  t.after(() => time.close())
  const bus = createRedisBus({ line })
  await time.ready()
  return createSealedBus({ bus, privateKeys: KEYS, time, clock: systemClock, log: quiet, ...more })
}

busContract('redis, sealed', async (t) => {
  const place = await redis.place()
  const open = () => openNode(t, place)
  return { bus: await open(), again: open }
})

test('redis: whoever may write there says nothing in the name of a node, and reads nothing of it', async (t) => {
  const place = await redis.place()
  const plain = createRedisBus({ line: await openTestLine(t, place) })
  const seen: string[] = []
  let ofA = ''
  plain.listen('services:a', (text) => {
    ofA ||= text
    seen.push(text)
  })
  plain.listen('services:b', (text) => seen.push(text))
  const warnings: unknown[] = []
  let ignored = 0
  const open = (privateKeys: readonly string[]) =>
    openNode(t, place, {
      privateKeys,
      onIgnored: () => void ignored++,
      log: { warn: (...words: unknown[]) => void warnings.push(words), error() {} },
    })
  const [bus, renewed, stranger] = [
    await open(KEYS),
    await open(['a newer key', ...KEYS]),
    await open(['a key of others']),
  ]
  const heard: string[] = []
  bus.listen('services:a', (text) => heard.push(text))
  renewed.listen('services:b', (text) => heard.push(text))
  await eventually(async () => {
    await bus.publish('services:a', 'a secret')
    await bus.publish('services:b', 'for who knows the older key as well')
    assert.equal(new Set(heard).size, 2)
  })
  assert.equal(ignored, 0)
  assert.doesNotMatch(seen.join(), /secret|older/)
  const forged = JSON.stringify({ kind: 'message', sender: { kind: 'service', service: 'admin' } })
  await place.command('PUBLISH', busChannel(place.prefix, 'services:a'), forged)
  await stranger.publish('services:a', forged)
  // What was said to one is nothing for another.
  await place.command('PUBLISH', busChannel(place.prefix, 'services:b'), ofA)
  await eventually(() => assert.equal(ignored, 3))
  assert.equal(new Set(heard).size, 2)
  assert.equal(warnings.length, 2, 'each node says it once')
})

test('redis: what a node said once is not heard again, however often somebody repeats it', async (t) => {
  const place = await redis.place()
  const tape: string[] = []
  createRedisBus({ line: await openTestLine(t, place) }).listen('topic', (text) => tape.push(text))
  const warnings: unknown[] = []
  let replayed = 0
  const hears = {
    onReplayed: () => void replayed++,
    log: { warn: (...words: unknown[]) => void warnings.push(words), error() {} },
  }
  const sender = await openNode(t, place)
  const receiver = await openNode(t, place, hears)
  const heard: string[] = []
  receiver.listen('topic', (text) => heard.push(`1 ${text}`))
  receiver.listen('topic', () => {
    throw new Error('not understood')
  })
  receiver.listen('topic', (text) => heard.push(`2 ${text}`))
  await eventually(async () => {
    await sender.publish('topic', 'ready')
    assert.ok(heard.includes('2 ready') && tape.length > 0)
  })
  await sender.publish('topic', 'grant it')
  await sender.publish('topic', 'and this')
  const sealer = createRecordSealer(KEYS, 'bus')
  const recorded = () => tape.filter((text) => /(grant it|and this)$/.test(sealer.open('topic', text)!.text))
  await eventually(() => assert.equal(recorded().length, 2))
  for (const text of [...recorded(), ...recorded()].reverse())
    await place.command('PUBLISH', busChannel(place.prefix, 'topic'), text)
  await eventually(() => assert.equal(replayed, 4))
  // A sender that starts again, with the same keys, is another one.
  await (await openNode(t, place)).publish('topic', 'after a restart')
  await eventually(() => assert.ok(heard.includes('2 after a restart')))
  assert.deepEqual(
    heard.filter((text) => !text.endsWith('ready')),
    [
      ...['1 grant it', '2 grant it', '1 and this', '2 and this'],
      ...['1 after a restart', '2 after a restart'],
    ],
  )
  assert.equal(warnings.length, 1, 'it is said once')
})

test('redis: a recording is nothing to nodes that start later, and to none once it is old', async (t) => {
  const place = await redis.place()
  const tape: string[] = []
  createRedisBus({ line: await openTestLine(t, place) }).listen('topic', (text) => tape.push(text))
  const sender = await openNode(t, place)
  await eventually(async () => {
    await sender.publish('topic', 'grant it')
    assert.ok(tape.length > 0)
  })
  const old = tape[0]!
  let replayed = 0
  const heard: string[] = []
  const onReplayed = (): void => void replayed++
  // Their clocks agree at once here: nothing has to be allowed for.
  const replays = { slackMs: -1 }
  const restarted = await openNode(t, place, { onReplayed, replays })
  restarted.listen('topic', (text) => heard.push(text))
  await eventually(async () => {
    await place.command('PUBLISH', busChannel(place.prefix, 'topic'), old)
    assert.ok(replayed > 0)
  })
  await sender.publish('topic', 'something new')
  await eventually(() => assert.deepEqual(heard, ['something new']))
})
