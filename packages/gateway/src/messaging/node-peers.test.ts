import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { UmfMessage } from '@hydra-gateway/protocol/umf'
import { eventually } from '../../../../test/support/eventually.ts'
import { systemClock } from '../observe/clock.ts'
import { createMemoryBus } from '../store/bus/memory.ts'
import type { Bus } from '../store/bus/port.ts'
import { createNodePeers } from './node-peers.ts'

const A = 'a'.repeat(32)
const B = 'b'.repeat(32)
const MESSAGE: UmfMessage = {
  to: 'hydra-router:/',
  from: 'orders:/',
  mid: 'm1',
  timestamp: '2026-01-01T00:00:00.000Z',
  version: 'UMF/1.4.6',
  forward: 'c1@client:/',
  body: { n: 1 },
}

function node(t: TestContext, routerId: string, bus: Bus, there: Set<string> = new Set([A, B])) {
  const got: [string, UmfMessage][] = []
  const many: [readonly string[], UmfMessage][] = []
  const faults: string[] = []
  const peers = createNodePeers({
    routerId,
    bus,
    isThere: (router) => there.has(router),
    onMessage: (client, message) => void got.push([client, message]),
    onMany: (clients, message) => void many.push([clients, message]),
    source: { now: Date.now, newId: randomUUID },
    clock: systemClock,
    onFailed: (reason) => void faults.push(reason),
    settings: { compareMs: 100 },
  })
  t.after(() => peers.close())
  return { peers, got, many, faults }
}

test('a node that starts learns of thousands of clients at once', async (t) => {
  const bus = createMemoryBus()
  const one = node(t, A, bus)
  for (let i = 0; i < 5000; i++) one.peers.here(`c${i}`)
  const two = node(t, B, bus)
  await eventually(() => assert.equal(two.peers.directory()[A]?.length, 5000))
  assert.equal(two.peers.whereIs('c4999'), A)
})

test('many that come together are said in few messages', async (t) => {
  const bus = createMemoryBus()
  let said = 0
  const counted: Bus = {
    ...bus,
    publish(topic, text) {
      if (text.includes('"news"')) said++
      return bus.publish(topic, text)
    },
  }
  const two = node(t, B, bus)
  const one = node(t, A, counted)
  for (let i = 0; i < 3000; i++) one.peers.here(`c${i}`)
  await eventually(() => assert.equal(two.peers.directory()[A]?.length, 3000))
  assert.ok(said <= 3, `${said} messages`)
})

test('who left and came back in a moment is here', async (t) => {
  const bus = createMemoryBus()
  const [one, two] = [node(t, A, bus), node(t, B, bus)]
  one.peers.here('c1')
  one.peers.gone('c1')
  one.peers.here('c1')
  one.peers.here('c2')
  one.peers.gone('c2')
  await eventually(() => assert.deepEqual(two.peers.directory()[A], ['c1']))
})

test('a node that stops, or is not listed any more, has no clients', async (t) => {
  const bus = createMemoryBus()
  const there = new Set([A, B])
  const one = node(t, A, bus, there)
  const two = node(t, B, bus, there)
  one.peers.here('c1')
  await eventually(() => assert.equal(two.peers.whereIs('c1'), A))
  there.delete(A)
  await eventually(() => assert.equal(two.peers.whereIs('c1'), undefined))
  there.add(A)
  await eventually(() => assert.equal(two.peers.whereIs('c1'), A))
  one.peers.close()
  await eventually(() => assert.equal(two.peers.whereIs('c1'), undefined))
})

test('a message for a client of another node arrives there, and for a node that is gone it is refused', async (t) => {
  const bus = createMemoryBus()
  const [one, two] = [node(t, A, bus), node(t, B, bus)]
  await one.peers.deliver(B, MESSAGE)
  await eventually(() => assert.deepEqual(two.got, [['c1', MESSAGE]]))
  await assert.rejects(one.peers.deliver('c'.repeat(32), MESSAGE), { fault: 'unknown-client' })
})

test('a client that came to another node is told of where it was', async (t) => {
  const bus = createMemoryBus()
  const [one, two] = [node(t, A, bus), node(t, B, bus)]
  const taken: string[] = []
  one.peers.onTaken((client) => void taken.push(client))
  one.peers.here('c1')
  await eventually(() => assert.equal(two.peers.whereIs('c1'), A))
  two.peers.here('c1')
  await eventually(() => assert.deepEqual(taken, ['c1']))
})

test('what is none of this is counted, and changes nothing', async (t) => {
  const bus = createMemoryBus()
  const one = node(t, A, bus)
  const bad = [
    'no json',
    'null',
    '{}',
    '[]',
    '{"t":"news","n":"x","came":[],"left":[]}',
    `{"t":"news","n":"${B}","came":"c1","left":[]}`,
    `{"t":"news","n":"${B}","came":[{"a":1}],"left":[]}`,
    `{"t":"news","n":"${B}","came":["not-an-id"],"left":[]}`,
    `{"t":"sum","n":"${B}","size":"1","sum":{}}`,
    `{"t":"all","n":"${B}","ids":[1],"part":0,"parts":1}`,
    `{"t":"unknown","n":"${B}"}`,
  ]
  for (const text of bad) await bus.publish('clients', text)
  for (const text of ['no json', '{}', JSON.stringify({ ...MESSAGE, forward: 'orders:/' })])
    await bus.publish(`clients ${A}`, text)
  await eventually(() => assert.equal(one.faults.length, bad.length + 3))
  assert.equal(one.got.length, 0)
  assert.deepEqual(one.peers.directory()[B] ?? [], [])
})

test('one message for many clients goes to their node at once, and what is none of it is dropped', async (t) => {
  const bus = createMemoryBus()
  const [one, two] = [node(t, A, bus), node(t, B, bus)]
  await one.peers.manyAt(B)!(['c1', 'c2'], { ...MESSAGE, body: { text: 'two\nlines' } })
  await eventually(() => assert.equal(two.many.length, 1))
  const [clients, got] = two.many[0]!
  assert.deepEqual([clients, got.body], [['c1', 'c2'], { text: 'two\nlines' }])
  for (const text of ['', 'c1', 'c1 C2\n{}', 'c1\n{}', '\n{}', 'c1 c2\nno json'])
    await bus.publish(`clients ${B}`, text)
  await eventually(() => assert.equal(two.faults.length, 6))
  assert.deepEqual([two.many.length, two.got], [1, []])
  await assert.rejects(one.peers.manyAt('f'.repeat(32))!(['c1'], MESSAGE), { fault: 'unknown-client' })
})
