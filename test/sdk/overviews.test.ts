import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect, openConnection } from '@hydra-gateway/sdk'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'

const keys = { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' }
const SERVICES = 40
const KILL = 'SIGKILL'

/** A way to a port that counts what comes back, and can be closed. */
async function openWay(t: TestContext, to: number) {
  let bytes = 0
  let isOpen = true
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    if (!isOpen) return near.destroy()
    const far = connectTo(to, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    far.on('data', (chunk) => {
      bytes += chunk.length
    })
    near.pipe(far).pipe(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  t.after(() => {
    server.close()
    cut()
  })
  return {
    port: (server.address() as AddressInfo).port,
    /** Bytes since it was asked last. */
    bytes() {
      const until = bytes
      bytes = 0
      return until
    },
    close() {
      isOpen = false
      cut()
    },
    open() {
      isOpen = true
    },
  }
}

/** The site's other services, as lines without an application; `title` of the first. */
async function openOthers(gateway: string, title: string, count = SERVICES) {
  const lines = await Promise.all(
    Array.from({ length: count }, (_, i) => {
      const name = `other-${i}`
      return openConnection({
        ...{ gateway, ...keys, timeoutMs: 10_000, onOverview() {}, onLost() {} },
        registration: {
          ...{ protocol: 1, name, host: '127.0.0.1', port: 9, activeSince: 1 },
          instanceId: i.toString(16).padStart(32, '0'),
          title: i === 0 ? title : name,
          routes: Array.from({ length: 15 }, (_, n) => ({ path: `/${name}/page-${n}` })),
        },
      })
    }),
  )
  return { close: () => lines.forEach((line) => void line.close()), lines }
}

test('a service is sent a change of one of many as little, and after a restart of the gateway what differs', async (t) => {
  const port = await freePort()
  const first = await startGatewayProcess(t, { port }, keys)
  const others = await openOthers(first.url, 'As it was')
  const way = await openWay(t, port)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const watcher = await connect({
    ...keys,
    name: 'watcher',
    gateway: `http://127.0.0.1:${way.port}`,
    port: (server.address() as AddressInfo).port,
    routes: ['/watcher'],
    ...{ log: false, signals: false },
  })
  t.after(() => watcher.close())
  const titleOf = (name: string) =>
    watcher.overview!.services.find(({ serviceName }) => serviceName === name)?.title
  await eventually(() => assert.equal(watcher.overview!.services.length, SERVICES + 1))
  const whole = JSON.stringify(watcher.overview).length
  assert.ok(whole > 40_000, `${whole}`)
  assert.ok(way.bytes() > whole / 2)

  const [line] = others.lines
  const before = watcher.overview!
  await line!.register({
    ...{ protocol: 1, name: 'other-0', host: '127.0.0.1', port: 9, activeSince: 1, title: 'Another' },
    routes: [{ path: '/other-0/page-0' }],
  })
  await eventually(() => assert.equal(titleOf('other-0'), 'Another'))
  const change = way.bytes()
  assert.ok(change < 3000, `${change} of ${whole} bytes`)
  assert.equal(watcher.overview!.services.at(-2), before.services.at(-2), 'what stayed is the same object')

  way.close()
  process.kill(first.pid, KILL)
  others.close()
  await eventually(() => assert.notEqual(watcher.state, 'connected'))
  const second = await startGatewayProcess(t, { port }, keys)
  const back = await openOthers(second.url, 'After the restart')
  t.after(back.close)
  way.bytes()
  way.open()
  await eventually(() => assert.equal(titleOf('other-0'), 'After the restart'), 10_000)
  await eventually(() => assert.equal(watcher.overview!.services.length, SERVICES + 1))
  const restart = way.bytes()
  assert.ok(restart < whole / 8, `${restart} of ${whole} bytes`)
  t.diagnostic(`${whole} bytes in all, ${change} for a change, ${restart} after the restart`)
})
