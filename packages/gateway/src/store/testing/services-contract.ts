/**
 * What a store knows of services beside their instances: how the last one of it declared it, and who came first. Part of `contract.ts`.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { InstanceStore } from '../port.ts'
import {
  type Contract,
  eventually,
  ids,
  LONG_MS,
  record,
  SHORT_MS,
  since,
  versionOf,
  whole,
} from './instance-records.ts'

export function servicesContract(contract: Contract): void {
  contract('a service without instances is remembered as its last one declared it', async (store) => {
    await store.put(record('orders-1', { declared: 'first' }), LONG_MS)
    await store.put(record('orders-2', { declared: 'second' }), LONG_MS)
    await store.release(record('orders-1'), 'closed')
    assert.deepEqual((await whole(store)).remembered, [])
    await store.release(record('orders-2'), 'closed')
    const [one, ...others] = (await whole(store)).remembered
    assert.deepEqual(others, [])
    assert.deepEqual(
      { ...one, goneForMs: 0 },
      { service: 'orders', rank: 1, declared: 'second', goneForMs: 0 },
    )
    assert.ok(one!.goneForMs >= 0 && one!.goneForMs < 5000, String(one!.goneForMs))
    await eventually(async () => assert.ok((await whole(store)).remembered[0]!.goneForMs >= 50))
    await store.put(record('orders-3'), LONG_MS)
    assert.deepEqual((await whole(store)).remembered, [])
  })

  contract(
    'what was remembered long enough is forgotten by itself, its rank with it',
    async (store) => {
      await store.put(record('orders-1'), LONG_MS)
      await store.put(record('cart-1', { service: 'cart' }), LONG_MS)
      await store.release(record('orders-1'), 'closed')
      await eventually(async () => assert.deepEqual((await whole(store)).remembered, []))
      await store.put(record('orders-1'), LONG_MS)
      const ranks = new Map((await whole(store)).instances.map(({ service, rank }) => [service, rank]))
      assert.ok(ranks.get('orders')! > ranks.get('cart')!)
    },
    { rememberMs: SHORT_MS * 4 },
  )

  contract('a service that is forgotten goes with all its records, and is told', async (store) => {
    await store.put(record('orders-1'), LONG_MS)
    await store.put(record('orders-2'), LONG_MS)
    await store.put(record('or-1', { service: 'or' }), LONG_MS)
    await store.put(record('orders-more-1', { service: 'orders-more' }), LONG_MS)
    const before = await versionOf(store)
    await store.forget('orders')
    const look = await since(store, before)
    assert.deepEqual(look.forgotten, ['orders'])
    assert.deepEqual(look.gone, [])
    assert.deepEqual(look.instances, [])
    assert.deepEqual(await ids(store), ['or-1', 'orders-more-1'])
    assert.deepEqual((await whole(store)).remembered, [])
    assert.deepEqual(await store.renew([record('orders-1')], LONG_MS), ['orders-1'])
    await store.put(record('orders-1'), LONG_MS)
    const ranks = new Map((await whole(store)).instances.map(({ service, rank }) => [service, rank]))
    assert.ok(ranks.get('orders')! > ranks.get('orders-more')!, 'and comes back behind all others')
  })

  contract('a remembered service is forgotten when somebody says so', async (store) => {
    await store.put(record('orders-1'), LONG_MS)
    await store.release(record('orders-1'), 'closed')
    const before = await versionOf(store)
    await store.forget('orders')
    assert.deepEqual((await since(store, before)).forgotten, ['orders'])
    assert.deepEqual((await whole(store)).remembered, [])
  })

  contract('ranks say who came first, to everybody the same', async (store, { again }) => {
    const other = await again()
    await store.put(record('b-1', { service: 'b' }), LONG_MS)
    await other.put(record('a-1', { service: 'a' }), LONG_MS)
    await store.put(record('b-2', { service: 'b' }), LONG_MS)
    await store.release(record('b-1', { service: 'b' }), 'closed')
    await store.release(record('b-2', { service: 'b' }), 'closed')
    await store.put(record('b-3', { service: 'b' }), LONG_MS)
    const ranks = async (one: InstanceStore): Promise<unknown> =>
      (await whole(one)).instances.map(({ id, rank }) => [id, rank]).sort()
    assert.deepEqual(await ranks(store), [
      ['a-1', 2],
      ['b-3', 1],
    ])
    assert.deepEqual(await ranks(other), await ranks(store))
  })

  contract('a service goes behind all others once, however many say so', async (store, { again }) => {
    const other = await again()
    await store.put(record('a-1', { service: 'a' }), LONG_MS)
    await store.put(record('a-2', { service: 'a' }), LONG_MS)
    await store.put(record('b-1', { service: 'b' }), LONG_MS)
    const before = await versionOf(store)
    await Promise.all([store.rerank('a', 1), other.rerank('a', 1), store.rerank('a', 1)])
    const look = await since(store, before)
    assert.deepEqual(look.instances.map(({ id, rank }) => [id, rank]).sort(), [
      ['a-1', 3],
      ['a-2', 3],
    ])
    assert.equal(look.version.revision, before.revision + 2)
  })
}
