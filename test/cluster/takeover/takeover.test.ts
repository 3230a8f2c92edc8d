import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { runHydra } from '../../support/hydra.ts'
import { startRedis } from '../../support/redis.ts'
import { arrivals } from './arrivals.ts'
import { PATHS, startLookedAfter } from './takeovers.ts'

/** Of a service nobody hears; services of the SDK say a word every three seconds. */
const lease = { ttl: '4s' }
const LEASE_MS = 4000
const env = { HYDRA_PUBLIC_KEY: 'public-key-of-this-test', HYDRA_PRIVATE_KEY: 'private-key-of-this-test' }

test('a gateway with workers that is looked after', async (t) => {
  const gateway = await startLookedAfter(t, { logLevel: 'warn', lease, workers: 2 })

  await t.test('others take over twice, and no visitor who arrives meanwhile notices', async (t) => {
    assert.equal((await stat(join(gateway.directory, '.hydra/takeover.sock'))).mode & 0o777, 0o600)
    const load = arrivals({ port: gateway.port, perSecond: 200, paths: PATHS })
    t.after(() => load.stop())
    const pids = new Set([await gateway.current()])
    for (let at = 0; at < 2; at++) {
      const { status, out, err } = await gateway.takeOver()
      assert.equal(status, 0, out + err + gateway.told())
      const [, now] = /serves as process (\d+)/.exec(err) ?? []
      assert.equal(Number(now), await gateway.current())
      pids.add(Number(now))
    }
    // Longer than a lease: what only beats is heard by the last one.
    await delay(LEASE_MS + 500)
    const { asked, served, ...lost } = await load.stop()
    assert.equal(served, asked, JSON.stringify(lost))
    assert.equal(pids.size, 3)
  })

  await t.test(
    'a takeover that can’t be is refused with reasons, and the gateway that runs goes on untouched',
    async (t) => {
      const before = await gateway.current()
      await gateway.configure({ http: { stopGrace: 'soon' } } as never)
      const bad = await gateway.takeOver()
      assert.equal(bad.status, 1)
      assert.match(bad.err, /http\.stopGrace[\s\S]*soon/)
      const taken = await freePort()
      const { createServer } = await import('node:net')
      const other = createServer().listen(taken, '127.0.0.1')
      t.after(() => other.close())
      await gateway.configure({ controlPort: taken })
      const refused = await gateway.takeOver()
      assert.equal(refused.status, 1)
      assert.match(
        refused.err,
        new RegExp(`EADDRINUSE.*${taken}[\\s\\S]*Process ${before} serves on as before`),
      )
      // It starts, and then can't go on.
      await gateway.configure({ identity: { database: '/proc/here-nobody-writes.db' } })
      const failed = await gateway.takeOver()
      assert.equal(failed.status, 1, failed.err)
      assert.match(failed.err, /Nothing was taken over: .*here-nobody-writes/)
      assert.equal(await gateway.current(), before)
      assert.equal(await (await fetch(`${gateway.url}/told`)).text(), 'told')
      await gateway.configure({})
    },
  )

  await t.test('hydra reload and SIGHUP take a configuration or say why not', async () => {
    const reload = () => runHydra(['reload'], { cwd: gateway.directory, env })
    await gateway.configure({ http: { serverTiming: false } })
    assert.deepEqual(await reload(), { status: 0, out: 'Taken: http.serverTiming.\n', err: '' })
    assert.ok(!(await fetch(`${gateway.url}/plain`)).headers.has('server-timing'))
    await gateway.configure({ http: { serverTiming: false }, siteTitle: 'Lerna' })
    const refused = await reload()
    assert.equal(refused.status, 1)
    assert.match(refused.err, /siteTitle needs a restart; hydra start --takeover/)
    await gateway.configure({ http: { serverTiming: true } })
    process.kill(gateway.pid, 'SIGHUP')
    await eventually(async () =>
      assert.ok((await fetch(`${gateway.url}/plain`)).headers.has('server-timing')),
    )
  })

  await t.test('a gateway that crashes is started again, and who arrives meanwhile waits', async () => {
    const before = await gateway.current()
    process.kill(before, 'SIGKILL')
    await eventually(() =>
      assert.match(gateway.told(), new RegExp(`process ${before}\\) ended with SIGKILL`)),
    )
    assert.equal(await (await fetch(`${gateway.url}/plain`)).text(), 'plain')
    const now = await gateway.current()
    assert.notEqual(now, before)
    await eventually(
      async () => assert.equal(await (await fetch(`${gateway.url}/told`)).text(), 'told'),
      15_000,
    )
  })

  await t.test('a supervisor that was killed leaves nothing that keeps the next one out', async () => {
    const child = await gateway.current()
    process.kill(gateway.pid, 'SIGKILL')
    // Nobody could stop it any more.
    await eventually(() => assert.throws(() => process.kill(child, 0)), 15_000)
    const { status, err } = await runHydra(['start', '--takeover', '--port', 'many'], {
      cwd: gateway.directory,
      env,
    })
    assert.equal(status, 1)
    assert.match(err, /--port/)
  })
})

test('a gateway that shares a Redis is replaced like any other', async (t) => {
  const redis = await startRedis(t)
  const gateway = await startLookedAfter(t, { logLevel: 'warn', lease }, { HYDRA_REDIS_URL: redis.url })
  const load = arrivals({ port: gateway.port, perSecond: 200, paths: PATHS })
  t.after(() => load.stop())
  const { status, out, err } = await gateway.takeOver()
  assert.equal(status, 0, out + err + gateway.told())
  await delay(1000)
  const { asked, served, ...lost } = await load.stop()
  assert.equal(served, asked, JSON.stringify(lost))
  assert.equal(await gateway.stop(), 0)
  await assert.rejects(stat(join(gateway.directory, '.hydra/takeover.sock')))
})
