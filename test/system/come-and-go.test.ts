/**
 * Services as processes of their own start, share, die without a word and come back, behind one gateway.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startLoad } from '../support/load.ts'
import { navigate } from '../support/navigate.ts'
import { startProcess, type TestProcess } from '../support/process.ts'
import { startUpstream } from '../support/upstream.ts'

const SERVICE = new URL('../support/services/plain.ts', import.meta.url).pathname

async function startService(
  t: TestContext,
  gateway: TestGateway,
  env: Record<string, string> = {},
): Promise<TestProcess> {
  const service = startProcess(t, {
    args: [SERVICE],
    env: {
      HYDRA_GATEWAY: gateway.url,
      HYDRA_PUBLIC_KEY: gateway.publicKey,
      HYDRA_PRIVATE_KEY: gateway.privateKey,
      SERVICE: 'orders',
      ROUTES: '/orders /orders/{id}',
      ...env,
    },
  })
  await service.printed(/^port (\d+)/m)
  return service
}

const ask = async (gateway: TestGateway, path = '/orders') => {
  const response = await fetch(gateway.url + path)
  return {
    status: response.status,
    body: response.status === 200 ? ((await response.json()) as any) : undefined,
  }
}

test('the moment a service is there its URLs work, and two instances share the requests', async (t) => {
  const gateway = await startGateway(t)
  assert.equal((await ask(gateway)).status, 404)
  const [a, b] = [await startService(t, gateway), await startService(t, gateway)]
  const seen = new Map<number, number>()
  for (let i = 0; i < 100; i++) {
    const { status, body } = await ask(gateway, '/orders/7')
    assert.equal(status, 200)
    seen.set(body.pid, (seen.get(body.pid) ?? 0) + 1)
  }
  assert.deepEqual([...seen.keys()].sort(), [a.pid, b.pid].sort())
  for (const count of seen.values()) assert.ok(count >= 20, `one of two took ${count} of 100`)
})

test('when one of two is killed under load no request that may be repeated fails', async (t) => {
  const gateway = await startGateway(t)
  const [victim, sibling] = [await startService(t, gateway), await startService(t, gateway)]
  const load = startLoad(t, async () => String((await ask(gateway)).status))
  await load.more('200', 200)
  await victim.kill('SIGKILL')
  await load.more('200', 200)
  await load.stop()
  assert.deepEqual([...load.outcomes.keys()], ['200'], JSON.stringify([...load.outcomes]))
  assert.equal((await ask(gateway)).body.pid, sibling.pid)
})

test('when the last one is killed visitors get its fallback, machines a problem, and it comes back', async (t) => {
  const gateway = await startGateway(t)
  const fallback = '<h1>Orders rests</h1>'
  const only = await startService(t, gateway, { FALLBACK: fallback })
  await only.kill('SIGKILL')
  const killedAt = performance.now()
  await eventually(async () => assert.equal((await ask(gateway)).status, 503))
  assert.ok(performance.now() - killedAt < 1000, 'a closed channel is noticed at once')
  const page = await fetch(`${gateway.url}/orders`, { headers: { accept: 'text/html' } })
  const shown = `${fallback}<script src="/_hydra/live.js" data-wait async></script>`
  assert.deepEqual([page.status, page.headers.get('retry-after'), await page.text()], [503, '5', shown])
  const machine = await fetch(`${gateway.url}/orders`, { method: 'POST' })
  assert.equal(machine.headers.get('content-type'), 'application/problem+json')
  assert.equal(((await machine.json()) as any).code, 'HYDRA_NO_INSTANCE')
  const again = await startService(t, gateway)
  assert.equal((await ask(gateway)).body.pid, again.pid)
})

test('a page that was being answered when the last instance was killed shows the fallback, not a broken answer', async (t) => {
  const gateway = await startGateway(t)
  for (let round = 0; round < 5; round++) {
    const only = await startService(t, gateway)
    const load = startLoad(t, async () => String((await ask(gateway)).status), 16)
    await load.more('200', 50)
    await only.kill('SIGKILL')
    await load.more('503', 20)
    await load.stop()
    assert.deepEqual([...load.outcomes.keys()].sort(), ['200', '503'], JSON.stringify([...load.outcomes]))
  }
})

test('a fallback never leads to a page whose service takes no connections', async (t) => {
  const dead = await startUpstream(t, 'home')
  await dead.close()
  const gateway = await startGateway(t, {
    services: { home: { url: `http://127.0.0.1:${dead.port}`, routes: ['/home'] } },
  })
  const only = await startService(t, gateway, { FALLBACK: '/home' })
  await eventually(async () => {
    const { services } = await gateway.admin('services')
    assert.equal(services.find(({ name }: any) => name === 'home').state, 'down')
  })
  const metrics = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  assert.match(metrics, /^hydra_services\{state="available"\} 1$/m)
  assert.match(metrics, /^hydra_services\{state="down"\} 1$/m)
  assert.match(metrics, /^hydra_instances 2$/m)
  await only.kill('SIGKILL')
  const ask = () => fetch(`${gateway.url}/orders`, { redirect: 'manual', headers: { accept: 'text/html' } })
  await eventually(async () => assert.equal((await ask()).status, 503))
  await startUpstream(t, 'home', undefined, dead.port)
  await eventually(async () => assert.equal((await ask()).headers.get('location'), '/home'))
})

test('a stopped process (SIGSTOP) leaves within 5.5 s and is back soon after it goes on', async (t) => {
  const gateway = await startGateway(t)
  const service = await startService(t, gateway)
  process.kill(service.pid, 'SIGSTOP')
  const stoppedAt = performance.now()
  await eventually(async () => {
    const [{ state }] = (await gateway.admin('services')).services
    assert.notEqual(state, 'available')
  }, 7000)
  assert.ok(performance.now() - stoppedAt < 5600, `${Math.round(performance.now() - stoppedAt)} ms`)
  process.kill(service.pid, 'SIGCONT')
  await eventually(async () => assert.equal((await ask(gateway)).body?.pid, service.pid), 5000)
})

test('a service started before its gateway joins by itself, and joins the next one on the same port', async (t) => {
  const first = await startGateway(t)
  const keys = { publicKey: first.publicKey, privateKey: first.privateKey }
  const { port } = first
  await first.close()
  const service = startProcess(t, {
    args: [SERVICE],
    env: {
      HYDRA_GATEWAY: `http://127.0.0.1:${port}`,
      HYDRA_PUBLIC_KEY: keys.publicKey,
      HYDRA_PRIVATE_KEY: keys.privateKey,
      SERVICE: 'orders',
      ROUTES: '/orders',
    },
  })
  const second = await startGateway(t, { port, keys })
  await service.printed(/^port/m)
  assert.equal((await ask(second)).body.pid, service.pid)
  await second.close()
  const third = await startGateway(t, { port, keys })
  await eventually(async () => assert.equal((await ask(third)).body?.pid, service.pid), 5000)
})

test('a service that stops politely under load fails no request', async (t) => {
  const gateway = await startGateway(t)
  const [leaver] = [await startService(t, gateway), await startService(t, gateway)]
  const load = startLoad(t, async () => {
    const response = await fetch(`${gateway.url}/orders`, { method: 'POST', body: 'x' })
    await response.arrayBuffer()
    return String(response.status)
  })
  await load.more('200', 100)
  assert.equal(await leaver.kill('SIGTERM'), 'SIGTERM', 'it ends by the signal it was sent, once it is done')
  await load.more('200', 100)
  await load.stop()
  assert.deepEqual([...load.outcomes.keys()], ['200'], JSON.stringify([...load.outcomes]))
})

test('10 % and 90 % declared by weight are shares of visitors, drawn once and kept', async (t) => {
  const gateway = await startGateway(t)
  await startService(t, gateway, { VERSION: '1.0.0', WEIGHT: '90' })
  await startService(t, gateway, { VERSION: '2.0.0', WEIGHT: '10' })
  let newer = 0
  for (let visitor = 0; visitor < 400; visitor++) {
    const first = await navigate(`${gateway.url}/orders`)
    const { version } = JSON.parse(first.body)
    if (version === '2.0.0') newer++
    const cookie = first.routeCookie
    assert.ok(cookie)
    if (visitor % 20 !== 0) continue
    for (let i = 0; i < 3; i++) {
      assert.equal(JSON.parse((await navigate(`${gateway.url}/orders`, { cookie })).body).version, version)
    }
  }
  // 400 draws of 10 %: 40 expected, 15 is four standard deviations away
  assert.ok(newer > 15 && newer < 65, `${newer} of 400`)
})

test('a contested route goes to who serves when its incumbent is down for longer than takeoverAfter', async (t) => {
  const gateway = await startGateway(t, { takeoverAfter: '300ms' })
  const incumbent = await startService(t, gateway)
  const newcomer = await startService(t, gateway, { SERVICE: 'orders-next' })
  assert.equal((await ask(gateway)).body.service, 'orders')
  await incumbent.kill('SIGKILL')
  await eventually(async () => assert.equal((await ask(gateway)).body?.pid, newcomer.pid), 8000)
  const back = await startService(t, gateway)
  assert.equal((await ask(gateway)).body.service, 'orders-next', 'a comeback waits in line')
  const { conflicts } = await gateway.admin('routes')
  assert.deepEqual([...new Set(conflicts.map(({ newcomer: who }: any) => who))], ['orders'])
  await back.kill('SIGTERM')
})
