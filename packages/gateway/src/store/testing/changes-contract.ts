/**
 * What a reader is told since a version it knows, and when it is hinted at. Part of `contract.ts`.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { InstanceStore, ListedInstance, Version } from '../port.ts'
import {
  type Contract,
  createReader,
  eventually,
  ids,
  LONG_MS,
  record,
  since,
  versionOf,
  whole,
} from './instance-records.ts'

export function changesContract(contract: Contract): void {
  contract('every change moves the revision by one, and the hash with it', async (store) => {
    const one = record('orders-1')
    const changes: (() => Promise<unknown>)[] = [
      () => store.put(one, LONG_MS),
      () => store.put({ ...one, claim: 'newer' }, LONG_MS),
      () => store.amend({ ...one, claim: 'newer', state: 'recovering' }),
      () => store.drain('orders-1', { reason: 'by hand', activeSince: 1 }),
      () => store.drain('orders-1', undefined),
      () => store.rerank('orders', 1),
      () => store.release({ id: 'orders-1', claim: 'newer' }, 'closed'),
      () => store.forget('orders'),
    ]
    let before = await versionOf(store)
    for (const change of changes) {
      await change()
      const after = await versionOf(store)
      assert.equal(after.revision, before.revision + 1, String(change))
      assert.notEqual(after.hash, before.hash)
      before = after
    }
  })

  contract('what changes nothing leaves the version as it is', async (store) => {
    await store.put(record('orders-1'), LONG_MS)
    const before = await versionOf(store)
    assert.deepEqual(await store.renew([record('orders-1')], LONG_MS), [])
    assert.equal(await store.amend(record('orders-1', { claim: 'older' })), false)
    await store.release({ id: 'orders-1', claim: 'older' }, 'closed')
    await store.release({ id: 'never', claim: 'older' }, 'closed')
    assert.equal(await store.drain('never', { reason: 'by hand', activeSince: 1 }), false)
    await store.rerank('orders', 99)
    await store.rerank('never', 1)
    assert.equal(await store.look(before), undefined)
    assert.deepEqual(await versionOf(store), before)
  })

  contract('from a version that is known only the changes are told, each instance once', async (store) => {
    await store.put(record('old'), LONG_MS)
    const before = await versionOf(store)
    await store.put(record('new'), LONG_MS)
    await store.amend(record('new', { declared: { port: 2 } }))
    await store.put(record('short'), LONG_MS)
    await store.release(record('short'), 'closed')
    const look = await since(store, before)
    assert.equal(look.isWhole, false)
    assert.deepEqual(look.instances, [{ ...record('new', { declared: { port: 2 } }), rank: 1 }])
    assert.deepEqual(
      look.gone.map(({ id, how }) => [id, how]),
      [['short', 'left']],
    )
    assert.deepEqual(look.remembered, [])
    assert.deepEqual(look.forgotten, [])
    assert.equal(await store.look(look.version), undefined)
  })

  contract('what is gone is told in the order it went', async (store) => {
    for (const id of ['c', 'a', 'b']) await store.put(record(id), LONG_MS)
    const before = await versionOf(store)
    for (const id of ['b', 'c', 'a']) await store.release(record(id), 'closed')
    assert.deepEqual(
      (await since(store, before)).gone.map(({ id }) => id),
      ['b', 'c', 'a'],
    )
  })

  contract('who comes back in between is told as gone and as listed', async (store) => {
    await store.put(record('orders-1', { claim: 'first' }), LONG_MS)
    const before = await versionOf(store)
    await store.release({ id: 'orders-1', claim: 'first' }, 'closed')
    await store.put(record('orders-1', { claim: 'second' }), LONG_MS)
    const look = await since(store, before)
    assert.deepEqual(
      look.gone.map(({ claim }) => claim),
      ['first'],
    )
    assert.deepEqual(
      look.instances.map(({ claim }) => claim),
      ['second'],
    )
  })

  contract('from a version of another store everything is told', async (store) => {
    await store.put(record('orders-1'), LONG_MS)
    await store.put(record('orders-2'), LONG_MS)
    const { revision, hash } = await versionOf(store)
    const foreign: Version[] = [
      { revision, hash: 'another' },
      { revision: revision - 1, hash },
      { revision: revision + 1, hash },
      { revision: 1_000_000, hash },
      { revision: -1, hash },
      { revision: 0, hash: '' },
    ]
    for (const version of foreign) {
      const look = await since(store, version)
      assert.equal(look.isWhole, true, JSON.stringify(version))
      assert.equal(look.instances.length, 2)
      assert.deepEqual(look.version, { revision, hash })
    }
  })

  contract('from a version too far back everything is told', async (store) => {
    await store.put(record('orders-1'), LONG_MS)
    const old = await versionOf(store)
    for (let batch = 0; batch < 25; batch++)
      await Promise.all(
        Array.from({ length: 200 }, (_, i) =>
          store.amend(record('orders-1', { declared: { port: batch * 200 + i } })),
        ),
      )
    const look = await since(store, old)
    assert.equal(look.isWhole, true)
    assert.equal(look.version.revision, old.revision + 5000)
    assert.equal(look.instances.length, 1)
  })

  contract('who reads everything hears of those that went a moment ago', async (store) => {
    await store.put(record('left'), LONG_MS)
    await store.release(record('left'), 'closed')
    await store.put(record('lapsed'), 30)
    const gone = await eventually(async () => {
      const look = await whole(store)
      assert.equal(look.gone.length, 2)
      return look.gone
    })
    assert.deepEqual(
      gone.map(({ id, how, reason }) => [id, how, ...(how === 'left' ? [reason] : [])]),
      [
        ['left', 'left', 'closed'],
        ['lapsed', 'lapsed'],
      ],
    )
  })

  contract(
    'of many who write at once nobody is lost, and all readers end alike',
    async (store, { again }) => {
      const other = await again()
      const [here, there] = [createReader(store), createReader(other)]
      const write = async (writer: InstanceStore, node: string): Promise<void> => {
        await Promise.all(
          Array.from({ length: 100 }, async (_, i) => {
            const mine = record(`${node}-${i}`, { node, service: `s-${i % 7}`, claim: `${node} ${i}` })
            await writer.put(mine, LONG_MS)
            if (i % 3 === 0) await writer.amend({ ...mine, state: 'recovering' })
            if (i % 5 === 0) await writer.release(mine, 'closed')
          }),
        )
      }
      let isWriting = true
      const reading = (async () => {
        while (isWriting) await Promise.all([here.read(), there.read(), delay(1)])
      })()
      await Promise.all([write(store, 'a'), write(other, 'b')])
      isWriting = false
      await reading
      await Promise.all([here.read(), there.read()])
      const byId = (some: Iterable<ListedInstance>): ListedInstance[] =>
        [...some].sort((a, b) => (a.id < b.id ? -1 : 1))
      const truth = byId((await whole(store)).instances)
      assert.equal(truth.length, 160)
      assert.deepEqual(byId(here.listed.values()), truth)
      assert.deepEqual(byId(there.listed.values()), truth)
      assert.deepEqual(here.seen(), there.seen())
    },
  )

  contract('a watcher is hinted at a change until it stops watching', async (store, { again }) => {
    const other = await again()
    let hints = 0
    const stop = store.watch(() => hints++)
    await eventually(async () => {
      await other.put(record('orders-1'), LONG_MS)
      assert.ok(hints > 0)
    })
    await eventually(async () => {
      const before = hints
      await delay(30)
      assert.equal(hints, before, 'what was on its way has arrived')
    })
    const before = hints
    await other.renew([record('orders-1')], LONG_MS)
    await delay(50)
    assert.equal(hints, before, 'a renewal is no change')
    await other.release(record('orders-1'), 'closed')
    await eventually(async () => assert.ok(hints > before))
    stop()
    const last = hints
    await store.put(record('orders-2'), LONG_MS)
    await delay(50)
    assert.deepEqual(await ids(store), ['orders-2'])
    assert.equal(hints, last)
  })
}
