import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import type { IdentityStore } from '../store/identity/port.ts'
import { createIdentitySync } from './identity-sync.ts'

const settled = () => new Promise(setImmediate)

function parts(over: Partial<IdentityStore> = {}) {
  const memory = createMemoryIdentityStore()
  const clock = createManualClock()
  const lines: string[] = []
  const write = (_: object, text: string) => lines.push(text)
  const state = { looks: 0, fails: false, wait: Promise.resolve() as Promise<unknown> }
  const sync = createIdentitySync({
    store: { ...memory, ...over },
    async look() {
      state.looks++
      await state.wait
      if (state.fails) throw new Error('away')
    },
    clock,
    log: { warn: write, info: write } as never,
  })
  const change = () => memory.keyRing.load().then((ring) => memory.keyRing.save('x', ring?.version))
  return { memory, clock, lines, state, sync, change }
}

test('it looks once at the beginning, and again when something changed', async () => {
  const { clock, state, sync, change } = parts()
  await sync.look()
  await sync.look()
  clock.advance(5000)
  await settled()
  assert.equal(state.looks, 1)
  await change()
  await settled()
  assert.equal(state.looks, 2)
  sync.stop()
})

test('a lost hint costs one interval', async () => {
  const { clock, state, sync, change } = parts({ watch: () => () => {} })
  await sync.look()
  await change()
  await settled()
  assert.equal(state.looks, 1)
  clock.advance(500)
  await settled()
  assert.equal(state.looks, 2)
  sync.stop()
})

test('what changes during a look is looked at after it', async () => {
  const { state, sync, change } = parts()
  const { promise, resolve } = Promise.withResolvers<void>()
  state.wait = promise
  void sync.look()
  await settled()
  await change()
  await change()
  assert.equal(state.looks, 1)
  resolve()
  await settled()
  assert.equal(state.looks, 2)
  sync.stop()
})

test('a store that is away is said once, asked again, and its return is said', async () => {
  const { clock, lines, state, sync } = parts()
  state.fails = true
  await sync.look()
  for (let i = 0; i < 5; i++) {
    clock.advance(500)
    await settled()
  }
  assert.equal(state.looks, 6)
  assert.equal(lines.length, 1)
  state.fails = false
  clock.advance(500)
  await settled()
  assert.equal(lines.length, 2)
  clock.advance(500)
  await settled()
  assert.equal(state.looks, 7)
  sync.stop()
})

test('nothing is looked at after it was stopped', async () => {
  const { clock, state, sync, change } = parts()
  await sync.look()
  sync.stop()
  await change()
  clock.advance(5000)
  await sync.look()
  assert.equal(state.looks, 1)
})
