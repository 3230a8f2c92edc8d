import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createManualClock } from '../observe/manual-clock.ts'
import { createStoreInMemory } from '../store/store.ts'
import { createStoreWriter } from './store-writer.ts'

test('what comes and goes while the store is away leaves nothing to be written when it is back', async () => {
  const clock = createManualClock()
  const { instances } = createStoreInMemory({ clock })
  const calls: string[] = []
  const store = {
    ...instances,
    put: async (...args: Parameters<typeof instances.put>) => {
      calls.push(`put ${args[0].id}`)
      await instances.put(...args)
    },
    release: async (...args: Parameters<typeof instances.release>) => {
      calls.push(`release ${args[0].id}`)
      await instances.release(...args)
    },
  }
  const writer = createStoreWriter({
    store,
    node: 'a',
    leaseMs: 5000,
    reach: { isReachable: true, since: 0, onChange: () => () => {} },
    wantLook: () => true,
    clock,
    random: () => 0,
    log: { warn() {}, info() {} },
  })
  const put = (id: string) =>
    writer.put({ id, service: 'orders', state: 'available', declared: {}, leaseMs: 6000 })
  assert.equal(await put('before'), true)
  writer.close('away')
  for (let i = 0; i < 100; i++) {
    assert.equal(await put(`passing ${i}`), false)
    writer.end(`passing ${i}`, { reason: 'it deregistered' })
  }
  assert.equal(await put('stays'), false)
  writer.end('before', { reason: 'it deregistered' })
  calls.length = 0
  writer.begin()
  writer.open()
  writer.putAgain('stays')
  clock.advance(1000)
  await turn()
  assert.deepEqual(calls.sort(), ['put stays', 'release before'])
  writer.stop()
})
