import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../../../../test/support/eventually.ts'
import { startSentinels } from '../../../../../test/support/redis.ts'
import type { InstanceRecord, Version } from '../port.ts'
import { createRedisInstances } from './instances.ts'
import { StoreAway } from './port.ts'
import { instanceContractAt, openTestLine, quiet, sharedServers } from './testing/line.ts'

const COMMAND_MS = 500

/** One primary is killed, and the next one frozen: the third is left. */
const servers = sharedServers((t) => startSentinels(t, { replicas: 2, password: 'secret' }))

instanceContractAt('redis by sentinel', servers)

const record = (id: string): InstanceRecord => ({
  id,
  service: 'orders',
  node: 'a',
  claim: id,
  state: 'available',
  declared: null,
})

for (const how of ['killed', 'frozen'] as const)
  test(`when the primary is ${how}, Sentinel names another, and the store goes on there`, async (t) => {
    const group = await servers()
    const place = { url: group.url, prefix: `hydra-gateway:${how}:`, commandTimeoutMs: COMMAND_MS }
    const line = await openTestLine(t, place)
    const store = createRedisInstances({ line, privateKeys: ['a key'], rememberMs: 60_000, log: quiet })
    const listed = new Set<string>()
    let seen: Version | undefined
    const read = async (): Promise<void> => {
      const look = await store.look(seen)
      if (!look) return
      seen = look.version
      if (look.isWhole) listed.clear()
      for (const { id } of look.instances) listed.add(id)
    }
    let slowestMs = 0
    const put = async (id: string): Promise<boolean> => {
      const begunAt = performance.now()
      try {
        await store.put(record(id), 60_000)
        return true
      } catch (error) {
        assert.ok(error instanceof StoreAway, String(error))
        return false
      } finally {
        slowestMs = Math.max(slowestMs, performance.now() - begunAt)
      }
    }
    await eventually(() => assert.equal(line.reach.isReachable, true))
    for (let i = 0; i < 50; i++) assert.ok(await put(`before-${i}`))
    await read()
    const primary = await group.primary()
    await primary.command('WAIT', '1', '2000')

    if (how === 'killed') await primary.kill()
    else primary.pause()
    const lostAt = performance.now()
    let refused = 0
    while (!(await put(`during-${refused}`))) {
      refused++
      assert.ok(performance.now() - lostAt < 15_000, 'another primary within seconds')
      assert.ok(line.inFlight() <= 2)
      await delay(5)
    }
    t.diagnostic(`writes were possible again after ${Math.round(performance.now() - lostAt)} ms`)
    assert.ok(slowestMs < COMMAND_MS + 500, `a call took ${slowestMs} ms`)
    for (let i = 0; i < 50; i++) assert.ok(await put(`after-${i}`))
    await read()
    const truth = (await store.look(undefined))!.instances.map(({ id }) => id).sort()
    assert.deepEqual([...listed].sort(), truth)
    assert.equal(truth.filter((id) => id.startsWith('before')).length, 50)
    assert.equal(truth.filter((id) => id.startsWith('after')).length, 50)

    if (how === 'killed') return
    // The old one wakes up and still believes that it is primary: nobody asks it any more.
    const newest = await group.primary()
    assert.notEqual(newest.port, primary.port)
    primary.resume()
    for (let i = 0; i < 20; i++) {
      assert.ok(await put(`awake-${i}`))
      assert.equal(await newest.command('HEXISTS', `${place.prefix}{reg}:records`, `awake-${i}`), 1)
    }
  })
