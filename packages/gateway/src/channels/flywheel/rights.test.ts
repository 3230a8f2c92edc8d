import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { startRedis } from '../../../../../test/support/redis.ts'
import { setUpNetwork } from './testing/network-rig.ts'

const message = { to: 'orders:/', from: 'a:/', mid: 'm', timestamp: 't', version: 'v', body: {} }

test('the rights the guide for users of hydra-router names are enough', async (t) => {
  const guide = (name: string): string =>
    readFileSync(new URL(`../../../../../docs/guides/${name}`, import.meta.url), 'utf8')
  const usual = /^ACL SETUSER hydra on >SECRET (.+)$/m.exec(guide('cluster.md'))
  const more = /^ACL SETUSER hydra (~hydra:service.+)$/m.exec(guide('from-hydra-router.md'))
  assert.ok(usual && more, 'both lines are found')
  const user = { name: 'hydra', password: 'secret', rules: `${usual[1]} ${more[1]}` }
  const redis = await startRedis(t, { user })
  const { network, registry, serving, refused } = await setUpNetwork(t, { url: redis.url })
  const id = 'e'.repeat(32)
  const entry = { serviceName: 'orders', instanceID: id, ip: '127.0.0.1', port: 9, updatedOn: '' }
  await redis.command('SADD', 'hydra:service:orders:service:routes', '[get]/v1/orders')
  await redis.command(
    'HSET',
    'hydra:service:nodes',
    id,
    JSON.stringify(entry),
    'dead',
    JSON.stringify({ ...entry, serviceName: 'dead' }),
  )
  await redis.command('SET', `hydra:service:orders:${id}:presence`, id, 'EX', '60')
  await redis.command('SET', `hydra:service:orders:${id}:health`, '{"a":1}')
  await redis.command('LPUSH', `hydra:service:orders:${id}:health:log`, '{"b":1}')
  await network.start()
  await eventually(() => assert.deepEqual(serving('/v1/orders'), [id]))
  await network.refresh()
  const [report] = await network.instances()
  assert.deepEqual([report?.health, report?.log], [{ a: 1 }, [{ b: 1 }]])
  assert.equal((await network.nodes()).length, 2)
  assert.equal(await network.clear(), 1)
  await network.queue('orders', message)
  assert.match((await network.append('events', message))!, /^\d+-\d+$/)
  const letters = ['one', 'two'].map((mid) =>
    JSON.stringify({ to: 'client1@client:/', frm: 'a:/', mid, ts: 't', ver: 'v', bdy: { a: 1 } }),
  )
  for (const text of letters) await network.mail.put('client1', text)
  const taken: string[] = []
  await network.mail.give('client1', async (text) => void taken.push(text))
  assert.deepEqual(taken, letters)
  await network.mail.remove('client1')
  await assert.rejects(
    network.carrier.deliver({ id, service: 'orders', channel: 'flywheel' } as never, message),
    {
      fault: 'no-instance',
    },
  )
  const heard: object[] = []
  network.onMessage((one) => heard.push(one))
  const text = JSON.stringify({ to: 'hydra-router:/', frm: 'a:/', mid: 'm', bdy: { a: 1 } })
  await eventually(async () => {
    await redis.command('PUBLISH', `hydra:service:mc:hydra-router:${network.routerId}`, text)
    assert.ok(heard.length > 0)
  })
  await network.close()
  assert.equal(await redis.command('EXISTS', `hydra:service:hydra-router:${network.routerId}:presence`), 0)
  assert.deepEqual([...refused], [], 'nothing was refused')
  assert.ok([...registry.entries()].length > 0)
})
