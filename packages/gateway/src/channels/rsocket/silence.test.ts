import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ROUTES } from '@hydra-gateway/protocol/rsocket'
import { eventually, until } from '../../../../../test/support/eventually.ts'
import { bean, idOf, openGateway, openService } from './test-support.ts'

/** A service in a process of its own, connected when this resolves. */
async function spawnService(t: TestContext, address: string, n: number): Promise<ChildProcess> {
  const support = new URL('./test-support.ts', import.meta.url).href
  const script = `
    const { bean, openService } = await import(${JSON.stringify(support)})
    const { peer } = await openService(${JSON.stringify(address)}, bean(${n}))
    await peer.request('hydra.ping', {}, 5000)
    console.log('connected')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--conditions=hydra-source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout!, 'data')
  return child
}

/** Passes bytes on until told to swallow them; it never closes anything by itself. */
async function openBlackHole(t: TestContext, port: number) {
  let swallowing = false
  const sockets: Socket[] = []
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.push(near, far)
    near.on('data', (chunk) => swallowing || far.write(chunk)).on('error', () => {})
    far.on('data', (chunk) => swallowing || near.write(chunk)).on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swallow: () => {
      swallowing = true
    },
  }
}

test('an instance that is killed is out of rotation within 100 ms, over TCP and WebSocket', async (t) => {
  const gateway = await openGateway(t)
  for (const [n, address] of [
    [1, gateway.tcp],
    [2, gateway.url],
  ] as const) {
    const child = await spawnService(t, address, n)
    assert.equal(gateway.states.get(idOf(n)), 'up')
    const killedAt = performance.now()
    child.kill('SIGKILL')
    await until(() => gateway.states.get(idOf(n)) === 'out', 'the instance left')
    const tookMs = performance.now() - killedAt
    assert.ok(tookMs < 100, `it took ${tookMs} ms`)
  }
})

test('silence of any kind is noticed at both ends within 5.5 s', async (t) => {
  const gateway = await openGateway(t)
  const hole = await openBlackHole(t, gateway.port)
  const cutOff = await openService(hole.address, bean(1))
  await cutOff.peer.request(ROUTES.ping, {}, 1000)
  const stopped = await spawnService(t, gateway.url, 2)
  const healthy = await openService(gateway.tcp, bean(3))
  const mute = connect(gateway.port, '127.0.0.1')
  t.after(() => mute.destroy())
  await once(mute, 'connect')

  const since = performance.now()
  hole.swallow()
  stopped.kill('SIGSTOP')
  let noticed = 0
  const atService = cutOff.ended.then(({ by }) => {
    assert.equal(by, 'silence')
    noticed = performance.now() - since
  })
  mute.resume()
  await Promise.all([
    eventually(() => assert.equal(gateway.states.get(idOf(1)), 'out', 'the one that is cut off'), 5500),
    eventually(() => assert.equal(gateway.states.get(idOf(2)), 'out', 'the one that is stopped'), 5500),
    once(mute, 'close'),
    atService,
  ])
  assert.ok(noticed < 5500, `the service noticed after ${noticed} ms`)
  assert.ok(performance.now() - since > 2000, 'nothing is declared dead early')
  assert.deepEqual(gateway.refused, ['channel no-setup'])
  assert.equal(await healthy.peer.request(ROUTES.ping, {}, 1000), true)
  assert.equal(gateway.states.get(idOf(3)), 'up')
})
