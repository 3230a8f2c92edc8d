import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../../../../test/support/eventually.ts'
import { startRedisCluster } from '../../../../../test/support/redis.ts'
import { mailboxContract } from '../mailboxes/contract.ts'
import { createRedisBus } from './bus.ts'
import { createRedisMailboxes } from './mailboxes.ts'
import { instanceContractAt, openTestLine, quiet, sharedServers } from './testing/line.ts'

const servers = sharedServers(startRedisCluster)

instanceContractAt('redis cluster', servers)

let boxes = 0
mailboxContract('redis cluster', async (t) => {
  const { url } = await servers()
  const prefix = `hydra-gateway:mail-${boxes++}:`
  const line = () => openTestLine(t, { url, prefix })
  const open = async () => createRedisMailboxes({ line: await line(), privateKeys: ['key'], log: quiet })
  const bus = createRedisBus({ line: await line() })
  t.after(() => bus.close())
  return { mailboxes: await open(), bus, again: open, pass: (ms) => delay(ms) }
})

type Slots = readonly [number, number, readonly [string, number, string]][]

test('when a slot of the Cluster moves to another node, the line follows it', async (t) => {
  const { url, nodes } = await servers()
  for (const node of nodes) await node.command('FLUSHALL')
  const line = await openTestLine(t, { url, prefix: 'hydra-gateway:' })
  const [old, young] = ['hydra-gateway:{reg}:old', 'hydra-gateway:{reg}:new']
  let heard = 0
  line.subscribe('hydra-gateway:{reg}:talk', () => heard++)
  assert.equal(await line.send(old, ['SET', old, '1']), 'OK')

  const slot = Number(await nodes[0]!.command('CLUSTER', 'KEYSLOT', old))
  const ids = await Promise.all(nodes.map(async (node) => String(await node.command('CLUSTER', 'MYID'))))
  const slots = (await nodes[0]!.command('CLUSTER', 'SLOTS')) as Slots
  const owner = ids.indexOf(slots.find(([from, to]) => from <= slot && slot <= to)![2][2])
  const target = (owner + 1) % nodes.length
  const setSlot = (at: number, ...words: string[]): Promise<unknown> =>
    nodes[at]!.command('CLUSTER', 'SETSLOT', String(slot), ...words)
  await setSlot(target, 'IMPORTING', ids[owner]!)
  await setSlot(owner, 'MIGRATING', ids[target]!)
  assert.equal(
    await line.send(young, ['SET', young, '2']),
    'OK',
    'what is not here any more is asked for there',
  )
  assert.equal(await line.send(old, ['GET', old]), '1')
  await nodes[owner]!.command('MIGRATE', '127.0.0.1', String(nodes[target]!.port), old, '0', '1000')
  for (const at of [target, owner, (owner + 2) % nodes.length]) await setSlot(at, 'NODE', ids[target]!)

  for (const [key, value] of [
    [old, '1'],
    [young, '2'],
  ] as const)
    await eventually(async () => assert.equal(await line.send(key, ['GET', key]), value), 2000)
  assert.equal(line.reach.isReachable, true)
  await eventually(async () => {
    await line.publish('hydra-gateway:{reg}:talk', 'a')
    assert.ok(heard > 0)
  })
})

test('a Cluster that lost the node with our keys is away, and the others do not hide it', async (t) => {
  const { url, nodes } = await servers()
  const line = await openTestLine(t, { url, prefix: 'hydra-gateway:', commandTimeoutMs: 500 })
  const key = 'hydra-gateway:{reg}:a'
  const slot = Number(await nodes[0]!.command('CLUSTER', 'KEYSLOT', key))
  const slots = (await nodes[0]!.command('CLUSTER', 'SLOTS')) as Slots
  const port = slots.find(([from, to]) => from <= slot && slot <= to)![2][1]
  const home = nodes.find((node) => node.port === port)!
  await line.send(key, ['SET', key, '1'])
  home.pause()
  await eventually(() => assert.equal(line.reach.isReachable, false), 5000)
  await assert.rejects(line.send(key, ['GET', key]), { name: 'StoreAway' })
  home.resume()
  await eventually(async () => assert.equal(await line.send(key, ['GET', key]), '1'), 10_000)
})
