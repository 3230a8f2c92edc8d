import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { startRedis } from '../../../../../test/support/redis.ts'
import { systemClock } from '../../observe/clock.ts'
import { openRedisStore } from './open.ts'
import { StoreAway } from './port.ts'
import { quiet } from './testing/line.ts'

const SETTINGS = { prefix: 'hydra-gateway:', connectTimeoutMs: 1000, commandTimeoutMs: 1000 }
const LIMITS = { most: 10, mostBytes: 1000, keepMs: 60_000 }

test('two gateways share all there is in one Redis, and who watches hears when it is back', async (t) => {
  const redis = await startRedis(t, { password: 'secret' })
  const open = async () => {
    const store = await openRedisStore({
      settings: { ...SETTINGS, url: redis.url },
      rememberMs: 60_000,
      privateKeys: ['a private key'],
      clock: systemClock,
      log: quiet,
    })
    t.after(() => store.close())
    return store
  }
  const [one, other] = [await open(), await open()]
  assert.equal(one.place, `redis at 127.0.0.1:${redis.port}`)
  assert.equal(one.isShared, true)

  const record = {
    id: 'orders-1',
    service: 'orders',
    node: 'a',
    claim: 'c',
    state: 'available',
    declared: 1,
  } as const
  await one.instances.put(record, 60_000)
  assert.equal((await other.instances.look(undefined))?.instances.length, 1)
  await one.nodes.beat(
    { id: '1', name: 'one', version: '1', startedAt: 1, keyProof: '', isLeaving: false },
    60_000,
  )
  assert.equal((await other.nodes.list())[0]?.name, 'one')
  await one.mailboxes.append('somebody', 'a letter', LIMITS)
  assert.equal((await other.mailboxes.read('somebody', undefined, 10)).mail[0]?.text, 'a letter')
  await one.identity.keyRing.save('sealed', undefined)
  assert.equal((await other.identity.keyRing.load())?.sealed, 'sealed')

  let hints = 0
  other.instances.watch(() => hints++)
  await redis.kill()
  await eventually(() => assert.equal(other.reach.isReachable, false))
  await assert.rejects(one.instances.put(record, 60_000), StoreAway)
  await assert.rejects(other.bus.publish('topic', 'a'), StoreAway)
  await redis.restart()
  await eventually(() => assert.ok(hints > 0), 3000)
  const look = await other.instances.look(undefined)
  assert.deepEqual(look?.instances, [], 'it came back empty')

  await one.close()
  await other.close()
  await eventually(async () => {
    const clients = String(await redis.command('CLIENT', 'LIST'))
      .trim()
      .split('\n')
    assert.equal(clients.length, 1)
  })
})
