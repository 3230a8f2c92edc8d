import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createFairTurns } from './fair-turns.ts'

function setUp() {
  const clock = createManualClock()
  const turns: (() => void)[] = []
  const fair = createFairTurns<object>(clock, (run) => turns.push(run))
  const done: string[] = []
  /** Takes so many ms. */
  const work = (name: string, ms: number) => (): void => {
    clock.advance(ms)
    done.push(name)
  }
  const nextTurn = async (): Promise<void> => {
    for (const run of turns.splice(0)) run()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { fair, done, work, nextTurn, turns }
}

test('what takes no time is done at once, in every turn of the loop', async () => {
  const { fair, done, work, nextTurn, turns } = setUp()
  const client = {}
  for (let i = 0; i < 3; i++) {
    assert.equal(fair.take(client, work(`a${i}`, 3)), undefined)
    await nextTurn()
  }
  assert.deepEqual(done, ['a0', 'a1', 'a2'])
  await nextTurn()
  assert.equal(turns.length, 0, 'nothing goes on when nothing is asked for')
})

test('a flood is done in pieces, and whoever asks for one thing does not wait for all of it', async () => {
  const { fair, done, work, nextTurn } = setUp()
  const [flood, calm] = [{}, {}]
  const all = Array.from({ length: 20 }, (_, i) => fair.take(flood, work(`f${i}`, 4)))
  assert.deepEqual(done, ['f0', 'f1', 'f2'])
  const one = fair.take(calm, work('calm', 1))
  await nextTurn()
  assert.deepEqual(done.slice(3), ['f3', 'calm', 'f4', 'f5'])
  await one
  let turns = 0
  for (; done.length < 21; turns++) await nextTurn()
  assert.equal(turns, 5, 'ten ms each')
  await Promise.all(all)
  assert.deepEqual(
    done.filter((name) => name !== 'calm'),
    Array.from({ length: 20 }, (_, i) => `f${i}`),
  )
})

test('what goes wrong is told to who asked, and the rest goes on', async () => {
  const { fair, done, work, nextTurn } = setUp()
  const client = {}
  fair.take(client, work('a', 20))
  const broken = fair.take(client, () => Promise.reject(new Error('broken')))
  const thrown = fair.take(client, () => {
    throw new Error('thrown')
  })
  const last = fair.take(client, work('b', 1))
  await Promise.all([
    nextTurn(),
    assert.rejects(Promise.resolve(broken), /broken/),
    assert.rejects(Promise.resolve(thrown), /thrown/),
  ])
  await last
  assert.deepEqual(done, ['a', 'b'])
})
