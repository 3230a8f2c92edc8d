/**
 * What a store lists of instances: the latest claim of each, with what was said under it, and its drain. Part of `contract.ts`.
 *
 * @module
 */
import assert from 'node:assert/strict'
import {
  type Contract,
  eventually,
  ids,
  LONG_MS,
  record,
  since,
  versionOf,
  whole,
} from './instance-records.ts'

export function recordsContract(contract: Contract): void {
  contract('what was put is listed, whole', async (store) => {
    const declared = { deep: [1, { a: null }], text: 'ä "quoted"\n€ 𝄞', empty: [], none: {} }
    const put = record('orders-1', { declared, claim: 'any\nword "of" ä' })
    await store.put(put, LONG_MS)
    assert.deepEqual((await whole(store)).instances, [{ ...put, rank: 1 }])
  })

  contract('what was put does not follow what becomes of the object', async (store) => {
    const declared = { port: 1 }
    await store.put(record('orders-1', { declared }), LONG_MS)
    declared.port = 2
    assert.deepEqual((await whole(store)).instances[0]?.declared, { port: 1 })
  })

  contract('a newer claim wins, and an older one can do nothing any more', async (store) => {
    await store.put(record('orders-1', { claim: 'older', node: 'a' }), LONG_MS)
    await store.put(record('orders-1', { claim: 'newer', node: 'b' }), LONG_MS)
    const older = { id: 'orders-1', claim: 'older' }
    assert.deepEqual(await store.renew([older], LONG_MS), ['orders-1'])
    assert.equal(await store.amend(record('orders-1', { claim: 'older', state: 'recovering' })), false)
    await store.release(older, 'closed')
    const [listed] = (await whole(store)).instances
    assert.deepEqual(listed, { ...record('orders-1', { claim: 'newer', node: 'b' }), rank: 1 })
  })

  contract('a claim that begins like another is another', async (store) => {
    await store.put(record('orders-1', { claim: 'claim-10' }), LONG_MS)
    assert.deepEqual(await store.renew([{ id: 'orders-1', claim: 'claim-1' }], LONG_MS), ['orders-1'])
    assert.deepEqual(await store.renew([{ id: 'orders-1', claim: '' }], LONG_MS), ['orders-1'])
    assert.deepEqual(await store.renew([{ id: 'orders-1', claim: 'claim-10' }], LONG_MS), [])
  })

  contract('an amendment changes state and declaration, not the lease', async (store) => {
    await store.put(record('orders-1'), 2000)
    const amended = record('orders-1', { state: 'recovering', declared: { port: 2 } })
    assert.equal(await store.amend(amended), true)
    assert.deepEqual((await whole(store)).instances, [{ ...amended, rank: 1 }])
    await eventually(async () => assert.deepEqual(await ids(store), []))
    assert.equal(await store.amend(amended), false, 'and nothing comes back by one')
    assert.deepEqual(await ids(store), [])
  })

  contract('a record that moves to another service leaves the one it was of', async (store) => {
    await store.put(record('one', { service: 'old', declared: 'was' }), LONG_MS)
    const before = await versionOf(store)
    await store.put(record('one', { service: 'new', claim: 'newer' }), LONG_MS)
    const look = await since(store, before)
    assert.deepEqual(
      look.gone.map(({ id, service, claim, how }) => [id, service, claim, how]),
      [['one', 'old', 'one at a', 'left']],
    )
    assert.deepEqual(
      look.instances.map(({ service, rank }) => [service, rank]),
      [['new', 2]],
    )
    assert.deepEqual(
      (await whole(store)).remembered.map(({ service, declared }) => [service, declared]),
      [['old', 'was']],
    )
    await store.forget('old')
    assert.deepEqual(await ids(store), ['one'])
  })

  contract('an amendment moves nobody to another service', async (store) => {
    await store.put(record('one', { service: 'old' }), LONG_MS)
    assert.equal(await store.amend(record('one', { service: 'new' })), false)
    assert.deepEqual(
      (await whole(store)).instances.map(({ service }) => service),
      ['old'],
    )
  })

  contract(
    'a drain stays when the same process registers again, and ends with the instance',
    async (store) => {
      const drain = { reason: 'by hand: "ä"', activeSince: 17 }
      await store.put(record('orders-1'), LONG_MS)
      const before = await versionOf(store)
      assert.equal(await store.drain('orders-1', drain), true)
      assert.deepEqual((await since(store, before)).instances, [{ ...record('orders-1'), rank: 1, drain }])
      await store.put(record('orders-1', { claim: 'newer' }), LONG_MS)
      await store.amend(record('orders-1', { claim: 'newer', state: 'recovering' }))
      assert.deepEqual((await whole(store)).instances[0]?.drain, drain)
      await store.release({ id: 'orders-1', claim: 'newer' }, 'closed')
      await store.put(record('orders-1', { claim: 'newest' }), LONG_MS)
      assert.equal((await whole(store)).instances[0]?.drain, undefined)
    },
  )

  contract('a drain ends when it is taken back, whoever asks', async (store, { again }) => {
    const other = await again()
    await store.put(record('orders-1'), LONG_MS)
    await store.drain('orders-1', { reason: 'by hand', activeSince: 17 })
    assert.equal(await other.drain('orders-1', undefined), true)
    assert.equal((await whole(store)).instances[0]?.drain, undefined)
  })
}
