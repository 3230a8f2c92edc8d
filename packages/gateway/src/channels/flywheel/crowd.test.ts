import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import { startRedis } from '../../../../../test/support/redis.ts'
import { setUpNetwork } from './testing/network-rig.ts'
import { command, entryOf, newInstanceId, playInstance, writeRoutes } from './testing/played-redis.ts'

test('a Redis full of strangers’ keys and of dead entries costs a look little; the original went through all of them (B25)', async (t) => {
  const redis = await startRedis(t)
  const { network, line, serving } = await setUpNetwork(t, { url: redis.url })
  for (let i = 0; i < 10; i++)
    await command(line, 'MSET', ...Array.from({ length: 1000 }, (_, j) => [`foreign:${i}:${j}`, 'x']).flat())
  for (let i = 0; i < 2000; i += 500) {
    const dead = Array.from({ length: 500 }, (_, j) => {
      const id = newInstanceId()
      return [id, entryOf(`dead${j % 50}`, id)]
    })
    await command(line, 'HSET', 'hydra:service:nodes', ...dead.flat())
  }
  await writeRoutes(line, 'alive', '[get]/alive')
  await writeRoutes(line, 'asleep', '[get]/asleep')
  const { id } = await playInstance(t, line, 'alive')
  const began = performance.now()
  await network.start()
  t.diagnostic(`started in ${Math.round(performance.now() - began)} ms`)
  assert.deepEqual(serving('/alive'), [id])
  // The only scan there is goes on in peace, and finds services that left nothing but routes.
  await eventually(() => assert.deepEqual(serving('/asleep'), []))
  await command(line, 'CONFIG', 'RESETSTAT')
  const from = performance.now()
  await eventually(async () => assert.ok(((await stats()).get('evalsha')?.calls ?? 0) >= 6), 10_000, 100)
  const now = await stats()
  const seconds = (performance.now() - from) / 1000
  assert.equal(now.get('scan'), undefined)
  assert.equal(now.get('keys'), undefined)
  const { calls, usec } = now.get('evalsha')!
  t.diagnostic(
    `${calls} scripts in ${seconds.toFixed(1)} s: ${Math.round(usec / seconds)} µs of Redis a second`,
  )
  assert.ok(usec / seconds < 20_000, 'less than a fiftieth of a Redis')
  assert.ok(calls / seconds < 15)

  // One more entry, and all are gone through.
  await command(line, 'CONFIG', 'RESETSTAT')
  await writeRoutes(line, 'new', '[get]/new')
  const late = await playInstance(t, line, 'new', { once: true })
  await eventually(() => assert.deepEqual(serving('/new'), [late.id]), 1500)
  const whole = (await stats()).get('evalsha')!
  t.diagnostic(`a look at all 2000 entries: ${whole.usec} µs of Redis, ${whole.calls} scripts`)
  assert.equal((await stats()).get('scan'), undefined)

  async function stats(): Promise<Map<string, { readonly calls: number; readonly usec: number }>> {
    const info = String(await redis.command('INFO', 'commandstats'))
    return new Map(
      [...info.matchAll(/^cmdstat_(\w+):calls=(\d+),usec=(\d+)/gm)].map(([, name, calls, usec]) => [
        name!,
        { calls: Number(calls), usec: Number(usec) },
      ]),
    )
  }
})
