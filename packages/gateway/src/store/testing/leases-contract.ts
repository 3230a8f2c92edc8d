/**
 * Leases: how long an instance is listed, and how its end is told. Part of `contract.ts`.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Contract,
  createReader,
  eventually,
  ids,
  LONG_MS,
  putAll,
  record,
  SHORT_MS,
  since,
  versionOf,
  whole,
} from './instance-records.ts'

export function leasesContract(contract: Contract): void {
  contract('a lease that nobody renews runs out, and is told as lapsed', async (store) => {
    await store.put(record('kept'), LONG_MS)
    await store.put(record('lost'), SHORT_MS)
    const before = (await versionOf(store)).revision
    const gone = await eventually(async () => {
      const look = await whole(store)
      assert.equal(look.gone.length, 1)
      return look.gone
    })
    assert.deepEqual(
      gone.map(({ reason: _, ...one }) => one),
      [{ id: 'lost', service: 'orders', claim: 'lost at a', how: 'lapsed' }],
    )
    assert.deepEqual(await ids(store), ['kept'])
    assert.ok((await versionOf(store)).revision <= before + 1)
  })

  contract('a lease that is renewed lasts as long as was said last', async (store) => {
    await store.put(record('longer'), 1000)
    await store.put(record('shorter'), LONG_MS)
    assert.deepEqual(await store.renew([record('longer')], LONG_MS), [])
    assert.deepEqual(await store.renew([record('shorter')], SHORT_MS), [])
    await delay(1200)
    assert.deepEqual(await ids(store), ['longer'])
  })

  contract('a lease that ran out cannot be renewed, before or after somebody looked', async (store) => {
    await store.put(record('lost'), 30)
    await delay(80)
    assert.deepEqual(await store.renew([record('lost')], LONG_MS), ['lost'])
    assert.deepEqual(await ids(store), [])
    assert.deepEqual(await store.renew([record('lost')], LONG_MS), ['lost'])
  })

  contract('who registers again after its lease ran out is listed', async (store) => {
    await store.put(record('orders-1'), 30)
    await delay(80)
    await store.put(record('orders-1', { claim: 'again' }), LONG_MS)
    assert.deepEqual(
      (await whole(store)).instances.map(({ claim }) => claim),
      ['again'],
    )
  })

  contract('a release is told as left, with its reason, and happens once', async (store) => {
    await store.put(record('orders-1'), LONG_MS)
    const before = await versionOf(store)
    await store.release(record('orders-1'), 'its channel closed: "bye"')
    await store.release(record('orders-1'), 'again')
    const look = await since(store, before)
    assert.deepEqual(look.gone, [
      {
        id: 'orders-1',
        service: 'orders',
        claim: 'orders-1 at a',
        how: 'left',
        reason: 'its channel closed: "bye"',
      },
    ])
    assert.deepEqual(look.instances, [])
    assert.deepEqual(await store.renew([record('orders-1')], LONG_MS), ['orders-1'])
  })

  contract('many leases are renewed at once, and those that are lost are named', async (store) => {
    const many = Array.from({ length: 2500 }, (_, i) => record(`orders-${i}`))
    await putAll(store, many, LONG_MS)
    const before = await versionOf(store)
    const asked = many.map(({ id, claim }, i) => ({ id, claim: i % 500 === 7 ? 'older' : claim }))
    const lost = await store.renew([...asked, { id: 'never', claim: 'x' }], LONG_MS)
    assert.deepEqual(lost, [...[7, 507, 1007, 1507, 2007].map((i) => `orders-${i}`), 'never'])
    assert.equal(await store.look(before), undefined)
    assert.deepEqual(await store.renew([], LONG_MS), [])
  })

  contract('many leases that run out at once are all told', async (store) => {
    const reader = createReader(store)
    await reader.read()
    const many = Array.from({ length: 1500 }, (_, i) => record(`orders-${i}`))
    await putAll(store, many, 1000)
    const told: string[] = []
    await eventually(async () => {
      const look = await reader.read()
      told.push(...(look?.gone ?? []).map(({ id }) => id))
      assert.equal(reader.listed.size, 0)
    })
    assert.equal(new Set(told).size, 1500)
    assert.equal(told.length, 1500)
  })
}
