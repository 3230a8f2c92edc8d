import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createLog } from '../observe/log.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryNodes } from '../store/nodes/memory.ts'
import type { NodeDirectory } from '../store/nodes/port.ts'
import { ALWAYS_REACHABLE } from '../store/reach.ts'
import { keyProofOf, sharesKey } from './key-proof.ts'
import { createMembership, type MembershipDeps } from './membership.ts'

function setUp() {
  const clock = createManualClock()
  const directory = createMemoryNodes({ clock })
  const lines: { node?: string; msg: string }[] = []
  const log = createLog('info', { write: (line) => void lines.push(JSON.parse(line)) })
  const join = (name: string, more: Partial<MembershipDeps> = {}, keys = ['secret']) => {
    const facts = { id: `id of ${name}`, name, version: '1.0.0', startedAt: 0, keyProof: keyProofOf(keys) }
    return createMembership({ directory, reach: ALWAYS_REACHABLE, facts, clock, log, ...more })
  }
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1000) {
      clock.advance(Math.min(left, 1000))
      await turn()
    }
  }
  const said = (text: string) => lines.filter(({ msg }) => msg.startsWith(text)).map(({ node }) => node)
  return { clock, directory, lines, join, pass, said }
}

const names = (membership: ReturnType<typeof createMembership>): string[] =>
  membership.nodes().map(({ name, isLeaving }) => (isLeaving ? `${name} leaves` : name))

test('nodes of one store find each other within a second, and see who leaves politely', async () => {
  const { join, pass, said } = setUp()
  const a = join('a')
  await turn()
  const b = join('b')
  await pass(1000)
  assert.deepEqual(names(a), ['a', 'b'])
  assert.deepEqual(names(b), ['a', 'b'])
  await b.announceLeaving()
  await pass(1000)
  assert.deepEqual(names(a), ['a', 'b leaves'])
  await b.stop()
  await pass(5000)
  assert.deepEqual(names(a), ['a'])
  assert.deepEqual(said('node left'), ['b'])
  assert.deepEqual(said('node fell silent'), [])
  await a.stop()
})

test('a node that is killed is missed when its lease is over, with a warning', async () => {
  const { clock, directory, join, pass, said } = setUp()
  const a = join('a')
  await directory.beat(
    { id: 'x', name: 'x', version: '1', startedAt: 0, keyProof: keyProofOf(['secret']), isLeaving: false },
    5000,
  )
  await pass(1000)
  assert.deepEqual(names(a), ['a', 'x'])
  await pass(5000)
  assert.deepEqual(names(a), ['a'])
  assert.deepEqual(said('node fell silent'), ['x'])
  assert.ok(clock.monotonic() > 0)
  await a.stop()
})

test('a node that leaves between two looks of the others is no node that fell silent', async () => {
  const { directory, join, pass, said } = setUp()
  const a = join('a')
  const b = join('b')
  await pass(2000)
  // A takeover: it says that it leaves, and has left, before anybody looks.
  await b.announceLeaving()
  await b.stop()
  await pass(1000)
  assert.deepEqual(names(a), ['a'])
  assert.deepEqual([said('node left'), said('node fell silent')], [['b'], []])
  const facts = { version: '1', startedAt: 0, keyProof: keyProofOf(['secret']), isLeaving: false, beats: 1 }
  await directory.beat({ ...facts, id: 'x', name: 'x' }, 5000)
  await pass(7000)
  assert.deepEqual(said('node fell silent'), ['x'], 'who beats no more is missed')
  await a.stop()
})

test('while the store is away everybody stays in mind, and nobody is missed before they could come back', async () => {
  const { directory, join, pass, said } = setUp()
  let isAway = false
  const flaky: NodeDirectory = {
    beat: async (facts, leaseMs) =>
      isAway ? Promise.reject(new Error('away')) : directory.beat(facts, leaseMs),
    leave: (id) => directory.leave(id),
    list: async () => (isAway ? Promise.reject(new Error('away')) : directory.list()),
  }
  const a = join('a', { directory: flaky })
  const b = join('b', { directory: flaky })
  await pass(2000)
  isAway = true
  await pass(60_000)
  assert.deepEqual(names(a), ['a', 'b'])
  isAway = false
  await pass(8000)
  assert.deepEqual(names(a), ['a', 'b'])
  assert.deepEqual(names(b), ['a', 'b'])
  assert.deepEqual(said('node fell silent'), [])
  await a.stop()
  await b.stop()
})

test('a node with another private key is warned of once, one that is being given a new key is not', async () => {
  const { join, pass, lines } = setUp()
  const all = [join('a'), join('b', {}, ['newer', 'secret']), join('c', {}, ['stranger'])]
  await pass(10_000)
  const warnings = lines.filter(({ msg }) => msg.includes('another private key')).map(({ node }) => node)
  assert.deepEqual(warnings.sort(), ['a', 'b', 'c', 'c'], 'a and b of c, c of both, nobody of a and b')
  assert.equal(sharesKey(keyProofOf(['newer', 'secret']), keyProofOf(['secret'])), true)
  assert.doesNotMatch(keyProofOf(['secret']), /secret/)
  for (const one of all) await one.stop()
})
