/**
 * Many who are slow or stuck at once: everybody else is served meanwhile, and memory stays where it was.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createRawServer } from 'node:net'
import { suite, test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { medusaBean } from '../../support/medusa-client.ts'
import { startSlow, startSlowReader } from '../../support/slow.ts'
import { assertUnmoved, inFlight, MiB, mib, serve, start, startOthers, warm } from './others.ts'

const HOST = 'Host: shop.example\r\n'

// Each has a gateway of its own, and most of the time all of them wait.
suite('slow and stuck visitors', { concurrency: true }, () => {
  test('200 visitors who never finish their heads are sent away, and nobody waits for them', async (t) => {
    const gateway = await start(t, { clientHeadTimeout: '3s' })
    const before = await warm(gateway)
    const first = `GET /others HTTP/1.1\r\n${HOST}X: `
    const slow = startSlow(t, { port: gateway.port, count: 200, first, drop: 'a', everyMs: 100 })
    const others = startOthers(t, gateway)
    await eventually(() => assert.equal(slow.closed, 200), 40_000)
    assert.deepEqual(
      [...slow.statuses.keys()].filter((status) => status !== 408 && status !== 0),
      [],
    )
    await assertUnmoved(t, gateway, others, before)
  })

  test('200 visitors who never finish their bodies are sent away, and nobody waits for them', async (t) => {
    const gateway = await start(t)
    let read = 0
    await serve(t, gateway, 'sink', (request) => {
      request
        .on('error', () => {})
        .on('data', (chunk) => {
          read += chunk.length
        })
    })
    const before = await warm(gateway)
    const first = `POST /sink HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n`
    const slow = startSlow(t, { port: gateway.port, count: 200, first, drop: 'a', everyMs: 250 })
    const others = startOthers(t, gateway)
    await eventually(() => assert.ok(read >= 200, 'the bodies are not passed on as they come'))
    await eventually(() => assert.equal(slow.closed, 200), 40_000)
    assert.deepEqual([...slow.statuses.keys()], [408])
    await assertUnmoved(t, gateway, others, before)
    await eventually(async () => assert.equal(await inFlight(gateway), 0))
  })

  test('300 requests stuck at a service that never answers hold up nobody else', async (t) => {
    const gateway = await start(t, { headTimeout: '3s' })
    const held = new Set<unknown>()
    const dead = createRawServer((socket) => {
      held.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => held.delete(socket))
        .resume()
      t.after(() => socket.destroy())
    })
    await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve))
    t.after(() => dead.close())
    const { port } = dead.address() as AddressInfo
    await gateway.register(medusaBean('dead', port, { endpoints: ['/dead'] }))
    const before = await warm(gateway)
    const first = `GET /dead HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`
    const stuck = startSlow(t, { port: gateway.port, count: 300, first, drop: '', everyMs: 1000 })
    const others = startOthers(t, gateway)
    await eventually(() => assert.ok(held.size >= 100, `${held.size} reached the service`))
    await eventually(() => assert.equal(stuck.closed, 300), 40_000)
    // Those that had to wait for a connection may be told that the service is busy.
    assert.deepEqual(
      [...stuck.statuses.keys()].filter((status) => status !== 504 && status !== 503),
      [],
    )
    assert.ok((stuck.statuses.get(504) ?? 0) >= 100)
    await assertUnmoved(t, gateway, others, before)
    await eventually(async () => assert.equal(await inFlight(gateway), 0))
  })

  test('64 MB for a slow reader stay with the service, and he gets every byte of them', async (t) => {
    const gateway = await start(t)
    const size = 64 * MiB
    const block = Buffer.alloc(MiB, 'a quick brown fox jumps over the lazy dog; ')
    let written = 0
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': size, connection: 'close' })
      const pump = () => {
        while (written < size) {
          written += block.length
          if (!response.write(block)) return
        }
        response.end()
      }
      response.on('drain', pump)
      pump()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    await gateway.register(medusaBean('big', port, { endpoints: ['/big'] }))
    const before = await warm(gateway)

    const hash = createHash('sha256')
    let head = ''
    const reader = startSlowReader(t, {
      port: gateway.port,
      request: `GET /big HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
      everyMs: 50,
      onData(chunk) {
        if (head.endsWith('\r\n\r\n')) {
          hash.update(chunk)
          return
        }
        const end = chunk.indexOf('\r\n\r\n') + 4
        head += chunk.toString('latin1', 0, end)
        hash.update(chunk.subarray(end))
      },
    })
    const others = startOthers(t, gateway)
    await eventually(() => assert.ok(reader.bytes > 0))
    // Somebody waits for somebody: the service is not asked for more while nobody reads.
    let last = -1
    await eventually(
      () => {
        const isStill = last === written
        last = written
        assert.ok(isStill)
      },
      10_000,
      300,
    )
    const rss = await gateway.rss()
    t.diagnostic(
      `${mib(written)} left the service, ${mib(reader.bytes)} were read; memory ${mib(rss - before)}`,
    )
    // What the kernel keeps for three sockets, and a little for us.
    assert.ok(written < size / 2, `${mib(written)} left the service`)
    assert.ok(rss - before < 32 * MiB, `memory grew by ${mib(rss - before)}`)
    reader.hurry()
    await eventually(() => assert.ok(reader.isClosed), 40_000)
    const expected = createHash('sha256')
    for (let i = 0; i < size / MiB; i++) expected.update(block)
    assert.equal(reader.bytes - head.length, size)
    assert.equal(hash.digest('hex'), expected.digest('hex'))
    await assertUnmoved(t, gateway, others, before)
  })
})
