import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import type { Revocation, RevocationStore } from '../store/identity/port.ts'
import { createRevocations } from './revocations.ts'

const HOUR = 3_600_000
const START = Date.parse('2026-05-01T08:00:00Z')

function parts({ store = createMemoryIdentityStore().revocations as RevocationStore } = {}) {
  const clock = createManualClock(START)
  const lines: string[] = []
  const write = (_: object, text: string) => lines.push(text)
  const log = { error: write, warn: write, info: write } as never
  const node = () => createRevocations({ store, clock, log, settings: { keepMs: 24 * HOUR } })
  return { clock, store, lines, node }
}

const sidAt = (startedAt: number) => `${startedAt.toString(36)}-AAAAAAAAAAAAAAAAAAAAAA`
const caller = (startedAt: number, ...keys: string[]) => ({
  startedAt,
  revocableAs: [`session:${sidAt(startedAt)}`, ...keys],
})
/** Promises that are settled already had their turn. */
const settled = () => new Promise(setImmediate)

test('a session that was ended is over at once, and others are not', async () => {
  const { clock, node } = parts()
  const revocations = node()
  const ada = caller(START - HOUR, 'user:local:ada', 'user:ada')
  assert.equal(revocations.isRevoked(ada), false)
  const written = revocations.revoke('session', sidAt(START - HOUR), 'signed out')
  assert.equal(revocations.isRevoked(ada), true)
  assert.equal(revocations.isRevoked(caller(START - HOUR - 1, 'user:local:ada')), false)
  const { at, reason } = await written
  assert.deepEqual([at, reason], [clock.now(), 'signed out'])
})

test('who ends a session again and again, or one that is over, has nothing written and nobody told', async () => {
  let written = 0
  const memory = createMemoryIdentityStore().revocations
  const store: RevocationStore = {
    ...memory,
    add(revocation) {
      written++
      return memory.add(revocation)
    },
  }
  const { clock, node } = parts({ store })
  const revocations = node()
  let told = 0
  revocations.onRevoked(() => told++)
  const first = await revocations.revoke('session', sidAt(START - HOUR), 'signed out')
  clock.advance(HOUR)
  for (let i = 0; i < 10; i++)
    assert.equal(await revocations.revoke('session', sidAt(START - HOUR), 'signed out'), first)
  await revocations.revoke('session', sidAt(START - 30 * HOUR), 'signed out')
  assert.deepEqual([written, told, revocations.list().length], [1, 1, 1])
  // Of a person, what began since has to end too.
  await revocations.revoke('user', 'ada', 'disabled')
  clock.advance(1)
  await revocations.revoke('user', 'ada', 'disabled')
  assert.deepEqual([written, told], [3, 3])
})

test('whoever is revoked may sign in again: what begins later lasts', async () => {
  const { clock, node } = parts()
  const revocations = node()
  await revocations.revoke('user', 'local:ada', 'password changed')
  assert.equal(revocations.isRevoked(caller(START, 'user:local:ada', 'user:ada')), true)
  clock.advance(1)
  assert.equal(revocations.isRevoked(caller(clock.now(), 'user:local:ada', 'user:ada')), false)
})

test('an ended session stays ended on a node whose clock is behind', async () => {
  const { node } = parts()
  const revocations = node()
  const ahead = START + 5000
  await revocations.revoke('session', sidAt(ahead), 'signed out')
  assert.equal(revocations.isRevoked(caller(ahead)), true)
})

test('other nodes learn of it, and each listener hears of each end once', async () => {
  const { clock, node } = parts()
  const here = node()
  const there = node()
  const heard: string[] = []
  here.onRevoked((fresh) => heard.push(...fresh.map(({ key }) => `here ${key}`)))
  const stop = there.onRevoked((fresh) => heard.push(...fresh.map(({ key }) => `there ${key}`)))
  await here.revoke('user', 'work:7', 'left')
  await here.look()
  await there.look()
  await there.look()
  assert.deepEqual(heard, ['here work:7', 'there work:7'])
  assert.equal(there.isRevoked(caller(START, 'user:work:7')), true)
  clock.advance(10)
  await here.revoke('user', 'work:7', 'again')
  await there.look()
  assert.deepEqual(heard.slice(2), ['here work:7', 'there work:7'])
  stop()
  await there.revoke('user', 'work:8', 'left')
  assert.equal(heard.length, 4)
})

test('a listener that fails keeps no other from hearing', async () => {
  const { node, lines } = parts()
  const revocations = node()
  const heard: number[] = []
  revocations.onRevoked(() => {
    throw new Error('broken')
  })
  revocations.onRevoked((fresh) => heard.push(fresh.length))
  await revocations.revoke('user', 'ada', 'left')
  assert.deepEqual(heard, [1])
  assert.equal(lines.length, 1)
})

test('an end that can’t be written holds here, is said once, and is written as soon as it can be', async () => {
  const whole = createMemoryIdentityStore().revocations
  let isAway = true
  let tries = 0
  const store: RevocationStore = {
    ...whole,
    async add(revocation: Revocation) {
      tries++
      if (isAway) throw new Error('disk full')
      await whole.add(revocation)
    },
  }
  const { clock, lines, node } = parts({ store })
  const revocations = node()
  await revocations.revoke('user', 'ada', 'left')
  await revocations.revoke('user', 'bob', 'left')
  assert.equal(revocations.isRevoked(caller(START, 'user:bob')), true)
  for (let i = 0; i < 3; i++) {
    clock.advance(1000)
    await settled()
  }
  assert.ok(tries >= 4)
  assert.equal(lines.length, 1)
  isAway = false
  clock.advance(1000)
  await settled()
  assert.deepEqual(
    (await whole.since(undefined, 0)).fresh.map(({ key }) => key),
    ['ada', 'bob'],
  )
  assert.equal(lines.length, 2)
  const before = tries
  clock.advance(10_000)
  await settled()
  assert.equal(tries, before)
})

test('ends of sessions the store lost are written again by who knows them', async () => {
  let memory = createMemoryIdentityStore().revocations
  const store: RevocationStore = {
    add: (...all) => memory.add(...all),
    since: (...all) => memory.since(...all),
  }
  const { clock, lines, node } = parts({ store })
  const [here, there] = [node(), node()]
  await here.look()
  await here.revoke('user', 'ada', 'left')
  await here.revoke('user', 'bob', 'left')
  await here.look()
  assert.equal(lines.length, 0, 'nothing was lost by being new')
  // Redis was emptied, and somebody else writes there
  memory = createMemoryIdentityStore().revocations
  await there.revoke('user', 'eve', 'left')
  await here.look()
  clock.advance(1000)
  await settled()
  await settled()
  assert.deepEqual((await memory.since(undefined, 0)).fresh.map(({ key }) => key).sort(), [
    'ada',
    'bob',
    'eve',
  ])
  await there.look()
  assert.equal(there.isRevoked(caller(START, 'user:bob')), true)
  await here.look()
  clock.advance(5000)
  assert.equal((lines as string[]).filter((line) => line.includes('lost')).length, 1)
})

test('what can end nothing any more is forgotten', async () => {
  const { clock, node } = parts()
  const revocations = node()
  await revocations.revoke('session', sidAt(START - 20 * HOUR), 'signed out')
  await revocations.revoke('user', 'ada', 'left')
  assert.equal(revocations.list().length, 2)
  clock.advance(4 * HOUR + 60_001)
  assert.deepEqual(
    revocations.list().map(({ key }) => key),
    ['ada'],
  )
  clock.advance(20 * HOUR)
  await revocations.look()
  assert.deepEqual(revocations.list(), [])
  assert.equal(revocations.isRevoked(caller(START - 1, 'user:ada')), false)
})

test('asking costs little beside a hundred thousand ends', async () => {
  const { store, node } = parts()
  for (let i = 0; i < 100_000; i++) {
    await store.add({ kind: 'session', key: `s${i}`, at: START, until: START + HOUR, reason: '' })
  }
  const revocations = node()
  await revocations.look()
  assert.equal(revocations.list().length, 100_000)
  const who = caller(START - 1, 'user:local:ada', 'user:ada', 'provider-session:abc')
  const began = performance.now()
  for (let i = 0; i < 100_000; i++) revocations.isRevoked(who)
  const perCallUs = (performance.now() - began) / 100
  assert.ok(perCallUs < 20, `${perCallUs} µs`)
})
