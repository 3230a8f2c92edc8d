/**
 * The rights in Redis that docs/guides/cluster.md gives to the gateway: enough for two nodes, and nothing beside.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { openClusterSite } from '../support/cluster-site.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'

const guide = join(resolve(import.meta.dirname, '../..'), 'docs/guides/cluster.md')

test('the rights in the guide are enough for two nodes, and a stranger’s keys stay closed', async (t) => {
  const text = await readFile(guide, 'utf8')
  const rules = /^ACL SETUSER hydra on >SECRET (.*)$/m.exec(text)?.[1]
  assert.ok(rules, 'the guide has the rules')
  const redis = await startRedis(t, { user: { name: 'hydra', password: 'secret', rules } })
  const users = [{ username: 'mira', password: 'pond-boots-42' }]
  const site = await openClusterSite(t, {
    redisUrl: () => redis.url,
    config: { identity: { users, allowPlainPasswords: true } },
  })

  const shop = await site.startService('shop', { nodes: [0] })
  await site.converged({ shop: [shop.instance()] })
  await site.nodes[1]!.order('POST', 'keys/rotate')
  await eventually(async () => {
    const { nodes } = await site.nodes[0]!.admin('nodes')
    assert.deepEqual(nodes.map(({ name }: { name: string }) => name).sort(), ['a', 'b'])
  })
  await shop.stop()
  await site.converged({ shop: [] })

  assert.deepEqual(await redis.command('ACL', 'LOG'), [], 'nothing was refused')
  const dryRun = (...command: string[]) => redis.command('ACL', 'DRYRUN', 'hydra', ...command)
  for (const command of [
    ['GET', 'other'],
    ['KEYS', '*'],
    ['FLUSHALL'],
    ['CONFIG', 'GET', '*'],
    ['PUBLISH', 'other', 'x'],
  ])
    assert.match(String(await dryRun(...command).catch(String)), /permission/, command.join(' '))
})
