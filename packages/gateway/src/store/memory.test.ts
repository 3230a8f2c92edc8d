import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../observe/clock.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { instanceStoreContract } from './contract.ts'
import { createMemoryStore } from './memory.ts'

instanceStoreContract('memory', async (_, options) => {
  const store = createMemoryStore({ clock: systemClock, ...options })
  return { store, again: async () => store }
})

test('memory: a lease ends when it is over, and not a moment earlier', async () => {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  await store.put({ id: 'a', service: 's', node: 'n', claim: 'c', state: 'available', declared: 1 }, 5000)
  clock.advance(4999)
  assert.equal((await store.look(undefined))?.instances.length, 1)
  clock.advance(1)
  assert.equal((await store.look(undefined))?.instances.length, 0)
})

test('memory: what went a minute ago is told to nobody who reads everything', async () => {
  const clock = createManualClock()
  const store = createMemoryStore({ clock })
  await store.put({ id: 'a', service: 's', node: 'n', claim: 'c', state: 'available', declared: 1 }, 5000)
  await store.release({ id: 'a', claim: 'c' }, 'closed')
  clock.advance(60_000)
  assert.equal((await store.look(undefined))?.gone.length, 1)
  clock.advance(1)
  assert.equal((await store.look(undefined))?.gone.length, 0)
})
