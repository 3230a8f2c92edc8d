import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deadPort, httpService, onHead, rawClient, rawServer, until } from './testing/raw.ts'
import { instanceAt, startRig } from './testing/rig.ts'

test('after a storm of failures nothing is in flight, nothing hangs and the gateway still serves', async (t) => {
  const random = mulberry(7)
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  const good = await httpService(t, (request, response) => {
    request.resume()
    request.on('error', () => {})
    setTimeout(() => response.end('x'.repeat(pick([0, 10, 100_000]))), random() * 10)
  })
  const bad = await rawServer(t, (end) => {
    if (random() < 0.2) end.socket.destroy()
    else
      onHead(end, () => {
        end.send(
          pick([
            'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort',
            'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
            'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
            'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno',
            'garbage\r\n\r\n',
            '',
          ]),
        )
        if (random() < 0.7)
          setTimeout(() => pick([() => end.socket.end(), () => end.socket.destroy()])(), random() * 5)
      })
  })
  const instances = [instanceAt(await deadPort()), instanceAt(bad.port), instanceAt(good.port)]
  const rig = await startRig(t, {
    settings: {
      idleTimeoutMs: 100,
      headTimeoutMs: 100,
      maxConnectionsPerInstance: 8,
      maxQueuedPerInstance: 8,
    },
    routes: [
      { path: '/**', instances, otherwise: '/other' },
      { path: '/ws', kind: 'socket', instances },
    ],
  })
  const reviver = setInterval(() => {
    for (const { id } of instances) rig.vitals.revive(id)
  }, 20)
  t.after(() => clearInterval(reviver))
  const clients = Array.from({ length: 300 }, () => {
    const client = rawClient(t, rig.port, pick(REQUESTS))
    const leave = pick([() => client.socket.destroy(), () => client.socket.end(), () => {}])
    const stayMs = random() * 60
    client.socket.once('connect', () => setTimeout(leave, stayMs))
    return client
  })
  const quiet = () => instances.every(({ id }) => rig.vitals.of(id).inFlight === 0)
  const exchanges = () => rig.lines.filter((line) => line.msg === 'exchange').length
  await until('the storm', () => exchanges() > 200, 10_000)
  await until('everything to settle', quiet, 10_000)
  for (const client of clients) client.socket.destroy()
  await until('the last to leave', quiet)
  clearInterval(reviver)
  for (const { id } of instances) rig.vitals.rest(id)
  rig.vitals.revive(instances[2]!.id)
  const served = rig.lines.filter((line) => line.msg === 'exchange')
  assert.ok(served.some((line) => line.status === 200) && served.some((line) => line.status === 502))
  assert.ok(
    !rig.lines.some((line) => line.level === 'error'),
    JSON.stringify(rig.lines.find((line) => line.level === 'error')),
  )
  assert.equal(instances.filter(({ id }) => rig.vitals.of(id).requests > 0).length, 3)
  assert.equal(await (await fetch(`${rig.url}/a`, { method: 'POST', body: 'after all' })).status, 200)
  const began = performance.now()
  await rig.listener.close(5000)
  assert.ok(performance.now() - began < 2000, 'an exchange never ended')
})

const REQUESTS = [
  'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n',
  'HEAD /a HTTP/1.0\r\nHost: a\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nhello',
  'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n',
  'PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  '\u0000\u0001',
]

/** A small seeded generator: the same storm each time. */
function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
