/**
 * What every store must do. Each adapter's test calls this with a way to open an empty one.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { InstanceRecord, InstanceStore } from './port.ts'

const record = (id: string, declared: unknown = { port: 1 }): InstanceRecord => ({
  id,
  service: 'orders',
  node: 'a',
  declared,
})

async function eventually(check: () => Promise<void>, withinMs = 3000): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await delay(10)
    }
  }
}

const ids = async (store: InstanceStore): Promise<string[]> =>
  (await store.snapshot()).instances.map(({ id }) => id).sort()

export function instanceStoreContract(name: string, open: () => Promise<InstanceStore>): void {
  const contract = (title: string, run: (store: InstanceStore) => Promise<void>): void => {
    test(`${name}: ${title}`, async (t) => {
      const store = await open()
      t.after(() => store.close())
      await run(store)
    })
  }

  contract('what was put is in the snapshot, whole', async (store) => {
    await store.put(record('orders-1', { deep: [1, { a: null }] }), 5000)
    assert.deepEqual((await store.snapshot()).instances, [record('orders-1', { deep: [1, { a: null }] })])
  })

  contract('putting again replaces, and every put moves the revision', async (store) => {
    const first = await store.put(record('orders-1'), 5000)
    const second = await store.put(record('orders-1', { port: 2 }), 5000)
    assert.ok(second > first)
    assert.deepEqual((await store.snapshot()).instances, [record('orders-1', { port: 2 })])
    assert.equal(await store.revision(), second)
  })

  contract('a lease runs out unless it is renewed, and a lapse moves the revision', async (store) => {
    await store.put(record('kept'), 600)
    const before = await store.put(record('lost'), 600)
    await eventually(async () => {
      assert.equal(await store.renew('kept', 600), 'renewed')
      assert.deepEqual(await ids(store), ['kept'])
    })
    assert.ok((await store.revision()) > before)
    assert.equal(await store.renew('lost', 600), 'unknown')
  })

  contract('renewing changes neither the snapshot nor the revision', async (store) => {
    const revision = await store.put(record('orders-1'), 5000)
    assert.equal(await store.renew('orders-1', 5000), 'renewed')
    assert.equal(await store.revision(), revision)
  })

  contract('there is nothing to renew after a release, and releasing twice is no error', async (store) => {
    await store.put(record('orders-1'), 5000)
    await store.release('orders-1')
    await store.release('orders-1')
    assert.equal(await store.renew('orders-1', 5000), 'unknown')
    assert.deepEqual(await ids(store), [])
  })

  contract('a watcher is hinted at a change until it stops watching', async (store) => {
    let hints = 0
    const stop = store.watch(() => hints++)
    await store.put(record('orders-1'), 5000)
    await eventually(async () => assert.ok(hints > 0))
    stop()
    const before = hints
    await store.put(record('orders-2'), 5000)
    assert.deepEqual(await ids(store), ['orders-1', 'orders-2'])
    assert.equal(hints, before)
  })
}
