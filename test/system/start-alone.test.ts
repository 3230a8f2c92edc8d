/**
 * A gateway that starts while its Redis is away: it serves what it hears, and does not say of the rest that there is none.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openStore, parseConfig, systemClock } from '@hydra-gateway/gateway'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { startRedis } from '../support/redis.ts'
import { startUpstream } from '../support/upstream.ts'

const QUIET = { info() {}, warn() {}, error() {}, debug() {}, trace() {}, fatal() {} } as never

test('an address that may be another node’s service is 503 until Redis was read once, and 404 from then on', (t) =>
  startsAlone(t, 1))
test('workers say the same of it as a gateway without', (t) => startsAlone(t, 2))

async function startsAlone(t: TestContext, workers: number): Promise<void> {
  const redisPort = await freePort()
  const redis = { url: `redis://127.0.0.1:${redisPort}`, connectTimeout: 200 }
  const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }
  const store = await openStore(parseConfig({ redis, keys }), {
    privateKeys: [keys.privateKey],
    clock: systemClock,
    log: QUIET,
  })
  t.after(() => store.close())
  const { port } = await startUpstream(t, 'orders')
  const gateway = await startGateway(
    t,
    {
      workers,
      redis,
      keys,
      cluster: { startWait: 300 },
      services: { orders: { url: `http://127.0.0.1:${port}`, routes: ['/orders/**'] } },
    },
    { store },
  )
  const status = async (path: string): Promise<number> => (await fetch(`${gateway.url}${path}`)).status
  assert.equal(await status('/orders/7'), 200)
  const unknown = await fetch(`${gateway.url}/somewhere`, { headers: { accept: 'application/json' } })
  assert.equal(unknown.status, 503)
  assert.equal(unknown.headers.get('retry-after'), '5')
  assert.equal(((await unknown.json()) as { code: string }).code, 'HYDRA_STARTING')
  await eventually(async () => assert.equal(await status('/_hydra/ready'), 200))
  assert.equal(await status('/somewhere'), 503, 'being ready is not knowing')

  await startRedis(t, { port: redisPort })
  await eventually(async () => assert.equal(await status('/somewhere'), 404))
  assert.equal(await status('/orders/7'), 200)
}

test('operators who want what is in Redis are told that it is away, and nobody takes it for a fault of the gateway', async (t) => {
  const gateway = await startGatewayProcess(t, {
    redis: { url: `redis://127.0.0.1:${await freePort()}`, connectTimeout: 200 },
    identity: { users: [{ username: 'mira', password: 'a password', roles: ['USER'] }] },
  })
  const authorization = `Basic ${Buffer.from(`${gateway.publicKey}:${gateway.privateKey}`).toString('base64')}`
  for (const [method, path] of [
    ['GET', 'users'],
    ['POST', 'keys/rotate'],
  ] as const) {
    const answer = await fetch(`${gateway.url}/_hydra/api/v1/${path}`, { method, headers: { authorization } })
    assert.equal(answer.status, 503, path)
    assert.equal(answer.headers.get('retry-after'), '5')
    assert.match(((await answer.json()) as { detail: string }).detail, /share can not be reached/)
  }
  assert.deepEqual(gateway.errors, [])
})
