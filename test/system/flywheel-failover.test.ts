import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, openStore, parseConfig, systemClock } from '@hydra-gateway/gateway'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { startHydraService } from '../support/hydra-express.ts'
import { startRedis } from '../support/redis.ts'

const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }

test('an instance that dies without a word costs no request: those it refuses go to another one at once', async (t) => {
  const redis = await startRedis(t)
  const redisUrl = `${redis.url}/15`
  const config = { flywheel: { enabled: true }, redis: { url: redisUrl }, keys }
  const store = await openStore(parseConfig(config), {
    privateKeys: [keys.privateKey],
    clock: systemClock,
    log: createLog('silent'),
  })
  const gateway = await startGateway(t, config, { store })
  t.after(() => store.close())
  const start = () => startHydraService(t, { redisUrl, name: 'orders', routes: ['[get]/v1/orders/:id'] })
  const [doomed, other] = await Promise.all([start(), start()])

  const ask = async (): Promise<{
    readonly status: number
    readonly instance: string
    readonly tookMs: number
  }> => {
    const began = performance.now()
    const response = await fetch(`${gateway.url}/v1/orders/7`)
    const { result } = (await response.json()) as { result: { instance: string } }
    return { status: response.status, instance: result.instance, tookMs: performance.now() - began }
  }
  await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, ask))
    const instances = new Set(answers.map(({ instance }) => instance))
    assert.deepEqual([...instances].sort(), [doomed.instanceId, other.instanceId].sort())
  })

  const answers: Awaited<ReturnType<typeof ask>>[] = []
  await doomed.kill('SIGKILL')
  while (answers.length < 200) answers.push(...(await Promise.all(Array.from({ length: 10 }, ask))))
  assert.deepEqual(
    answers.filter(({ status, instance }) => status !== 200 || instance !== other.instanceId),
    [],
  )
  const slowest = Math.max(...answers.map(({ tookMs }) => tookMs))
  t.diagnostic(`slowest of 200 after the kill: ${Math.round(slowest)} ms`)
  assert.ok(slowest < 2000)

  // All gone: the service is known, and says so in the words of the original.
  await other.kill('SIGKILL')
  const down = await fetch(`${gateway.url}/v1/orders/7`, { headers: { accept: 'application/json' } })
  assert.equal(down.status, 503)
  const body = (await down.json()) as { statusCode: number; result: { reason: string } }
  assert.equal(body.statusCode, 503)
  assert.match(body.result.reason, /orders/)
  await eventually(async () => {
    const response = await fetch(`${gateway.url}/v1/orders/7`, { headers: { accept: 'application/json' } })
    const { result } = (await response.json()) as { result: { reason: string } }
    assert.equal(result.reason, 'Unavailable orders instances')
  }, 5000)
})
