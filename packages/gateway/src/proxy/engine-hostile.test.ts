import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ChunkedReader } from '../http1/chunked.ts'
import type { Clock } from '../observe/clock.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { connectFailure } from './failure.ts'
import { listen } from './listener.ts'
import { proxyDefaults } from './settings.ts'
import { httpService, onHead, type RawClient, rawClient, rawServer, until } from './testing/raw.ts'
import { instanceAt, startRig } from './testing/rig.ts'

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Bytes in buffers that are still in use. */
async function buffersInUse(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    gc()
    await delay(20)
  }
  return process.memoryUsage().arrayBuffers
}

/** Collects what the gateway, which runs in this process, let escape; a gateway ends at its first. */
function accidents(t: { after(run: () => void): void }): unknown[] {
  const caught: unknown[] = []
  const listener = (error: unknown) => void caught.push(error)
  process.on('uncaughtException', listener)
  t.after(() => process.off('uncaughtException', listener))
  return caught
}

test('the head of a request sent behind a body is not written over by its own body', async (t) => {
  const caught = accidents(t)
  const service = await rawServer(t, (end) => onHead(end, () => end.send(OK)))
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const visitor = rawClient(t, rig.port, 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n')
  // Answered before its body came, which is small enough to be read away.
  await visitor.sees('ok')
  const second = 'POST /a HTTP/1.1\r\nHost: a\r\nX-Mark: true\r\nContent-Length: 200000\r\n\r\n'
  // One piece of memory is read into first; what is read next must not go to the same.
  visitor.send(Buffer.concat([Buffer.alloc(20_000, 'b'), Buffer.from(second), Buffer.alloc(45_000, 'c')]))
  visitor.send(Buffer.alloc(155_000, 'X'))
  await until('the second request', () => caught.length > 0 || service.ends.length > 1)
  if (caught.length === 0) await until('its bytes', () => service.ends[1]!.text.length > 100)
  assert.deepEqual(caught, [])
  const [head] = service.ends[1]!.text.split('\r\n\r\n', 1)
  assert.match(head!, /^POST \/a HTTP\/1\.1\r\nHost: a\r\nX-Mark: true\r\nContent-Length: 200000\r\n/)
})

test('a request that waits for a connection does not get the body of another visitor into its head', async (t) => {
  const caught = accidents(t)
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => {
      if (!head.startsWith('GET /slow')) end.send(OK)
    }),
  )
  const sink = await rawServer(t, () => {})
  const rig = await startRig(t, {
    settings: { maxConnectionsPerInstance: 1 },
    routes: [
      { path: '/b', instances: [instanceAt(sink.port)] },
      { path: '/**', instances: [instanceAt(service.port)] },
    ],
  })
  const first = rawClient(t, rig.port, 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n')
  await first.sees('ok')
  rawClient(t, rig.port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the only connection to be taken', () => service.ends.at(-1)!.text.includes('/slow'))
  // The rest of the body, and behind it a request that has to wait.
  first.send(
    Buffer.concat([
      Buffer.alloc(20_000, 'b'),
      Buffer.from('GET /waits HTTP/1.1\r\nHost: a\r\nX-Mark: mine\r\n\r\n'),
    ]),
  )
  await delay(100)
  const other = rawClient(t, rig.port, 'POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
  await until('the other request', () => sink.ends.length > 0)
  other.send(Buffer.alloc(60_000, 'S'))
  await until('the body of the other', () => sink.ends[0]!.text.length > 60_000)
  service.ends.at(-1)!.send(OK)
  await until(
    'the request that waited',
    () => caught.length > 0 || service.ends.some(({ text }) => /\r\n\r\nGET /.test(text)),
  )
  assert.deepEqual(caught.map(String), [])
  const [, waited] = /\r\n\r\n(GET [\s\S]*)$/.exec(service.ends.at(-1)!.text)!
  assert.match(waited!, /^GET \/waits HTTP\/1\.1\r\nHost: a\r\nX-Mark: mine\r\n/)
})

test('bodies that break off in the middle of a read leave no memory behind', async (t) => {
  const service = await rawServer(t, () => {})
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const breakOff = async () => {
    const before = service.ends.length
    const visitor = rawClient(
      t,
      rig.port,
      'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
    )
    await until(
      'the head to arrive',
      () => service.ends.length > before && service.ends.at(-1)!.text.endsWith('1\r\na\r\n'),
    )
    visitor.send('1\r\nb\r\nnonsense\r\n')
    await visitor.sees('400')
    visitor.socket.destroy()
  }
  for (let i = 0; i < 10; i++) await breakOff()
  const before = await buffersInUse()
  for (let i = 0; i < 40; i++) await breakOff()
  const kept = (await buffersInUse()) - before
  assert.ok(kept < 300_000, `40 broken bodies left ${kept} bytes behind`)
})

test('chunked bodies that grow too large in the middle of a read leave no memory behind', async (t) => {
  const service = await rawServer(t, () => {})
  const rig = await startRig(t, {
    settings: { maxBodyBytes: 100 },
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
  })
  const overflow = async () => {
    const before = service.ends.length
    const visitor = rawClient(
      t,
      rig.port,
      'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
    )
    await until(
      'the head to arrive',
      () => service.ends.length > before && service.ends.at(-1)!.text.endsWith('1\r\na\r\n'),
    )
    visitor.send(`1\r\nb\r\nc8\r\n${'c'.repeat(200)}\r\n`)
    await visitor.sees('413')
    visitor.socket.destroy()
  }
  for (let i = 0; i < 10; i++) await overflow()
  const before = await buffersInUse()
  for (let i = 0; i < 40; i++) await overflow()
  const kept = (await buffersInUse()) - before
  assert.ok(kept < 300_000, `40 bodies that were too large left ${kept} bytes behind`)
})

/** A service of which the first place has nothing; each connection keeps what it got. */
const MISSING = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'
const UNFINISHED = 'HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n'
const twoPlaces = (end: RawClient) =>
  onHead(end, (head) => end.send(head.startsWith('GET /first') ? MISSING : OK))

test('a connection that still waits for a body is never used again because a route has a second place', async (t) => {
  const service = await rawServer(t, twoPlaces)
  const instance = instanceAt(service.port)
  const rig = await startRig(t, {
    routes: [
      { path: '/a', to: '/first', otherwise: '/second', instances: [instance] },
      { path: '/b', instances: [instance] },
    ],
  })
  // The body it announced never comes, and the first place answers all the same.
  const attacker = rawClient(t, rig.port, 'GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n')
  await until(
    'the second place to be asked or an answer',
    () => service.ends.some(({ text }) => text.includes('/second')) || attacker.text.length > 0,
  )
  const visitor = rawClient(t, rig.port, 'GET /b HTTP/1.1\r\nHost: a\r\n\r\n')
  await visitor.sees('ok')
  // Whatever comes on a connection behind a request that announced 100 bytes is those bytes, to a service.
  for (const { text } of service.ends) {
    const at = text.indexOf('Content-Length: 100')
    if (at < 0) continue
    const behind = text.slice(text.indexOf('\r\n\r\n', at) + 4)
    assert.doesNotMatch(
      behind,
      /HTTP\/1\.1/,
      'another request was sent where the service waits for the body of this one',
    )
  }
})

test('the body of a request that is asked for at a second place is not announced and left out', async (t) => {
  const service = await rawServer(t, twoPlaces)
  const instance = instanceAt(service.port)
  const rig = await startRig(t, {
    routes: [
      { path: '/a', to: '/first', otherwise: '/second', instances: [instance] },
      { path: '/b', instances: [instance] },
    ],
  })
  const attacker = rawClient(t, rig.port, 'GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello')
  await attacker.sees('\r\n\r\n')
  const all = service.ends.map(({ text }) => text).join('\n==\n')
  const again = /GET \/second[\s\S]*?\r\n\r\n([\s\S]{0,5})/.exec(all)
  if (again && /Content-Length: 5/.test(again[0]))
    assert.equal(again[1], 'hello', 'a body was announced and never sent')
})

test('a body that comes while a second place is connected to does not end the gateway', async (t) => {
  const caught = accidents(t)
  // The only connection is busy with the rest of the first answer: the second try has to wait for one.
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => end.send(head.startsWith('GET /first') ? UNFINISHED : OK)),
  )
  const rig = await startRig(t, {
    settings: { maxConnectionsPerInstance: 1 },
    routes: [{ path: '/a', to: '/first', otherwise: '/second', instances: [instanceAt(service.port)] }],
  })
  const attacker = rawClient(t, rig.port, 'GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
  await until('the first place to be asked', () => service.ends[0]?.text.includes('/first') === true)
  await delay(50)
  attacker.send(Buffer.alloc(60_000, 'x'))
  await delay(200)
  assert.deepEqual(caught.map(String), [])
})

test('an empty body in chunks is sent again with its end when an idle connection was dead', async (t) => {
  const service = await rawServer(t, (end, index) =>
    onHead(end, (_head, request) => {
      if (index === 0 && request === 1) end.socket.destroy()
      else end.send(OK)
    }),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const first = rawClient(t, rig.port, GET)
  await first.sees('ok')
  const second = rawClient(
    t,
    rig.port,
    'GET /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  )
  await second.sees('ok')
  await until('the retry', () => service.ends.length === 2)
  const { text } = service.ends[1]!
  assert.ok(
    !/chunked/i.test(text) || text.endsWith('\r\n\r\n0\r\n\r\n'),
    `the body has no end: ${JSON.stringify(text)}`,
  )
})

test('an empty body in chunks goes to another instance as well', async (t) => {
  const broken = await rawServer(t, (end) => onHead(end, () => end.socket.destroy()))
  // Answers, as most do, when the body has ended.
  const service = await rawServer(t, (end) =>
    end.socket.on('data', () => {
      if (/chunked[\s\S]*\r\n\r\n0\r\n\r\n$/.test(end.text)) end.send(OK)
    }),
  )
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 600 },
    routes: [{ path: '/a', instances: [instanceAt(broken.port), instanceAt(service.port)] }],
  })
  const visitor = rawClient(
    t,
    rig.port,
    'PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  )
  await until('an answer', () => visitor.text.length > 0, 2500)
  assert.match(visitor.text, /^HTTP\/1\.1 200 /)
})

test('an error while the cookie of a WebSocket is made does not end the gateway', async (t) => {
  const caught = accidents(t)
  const service = await rawServer(t, (end) =>
    onHead(end, () =>
      end.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
    ),
  )
  const instance = instanceAt(service.port)
  const rig = await startRig(t, {
    routes: [{ path: '/s', kind: 'socket', instances: [instance] }],
    onHead() {
      throw new URIError('URI malformed')
    },
  })
  const visitor = rawClient(
    t,
    rig.port,
    'GET /s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  await until('something', () => caught.length > 0 || visitor.text.length > 0 || visitor.isClosed)
  assert.deepEqual(caught.map(String), [])
  await until('the count to fall', () => rig.vitals.of(instance.id).inFlight === 0, 1500)
})

test('a visitor who never reads an answer of our own is not waited for longer than an idle body may be', async (t) => {
  const large = new Uint8Array(16 * 1024 * 1024)
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 300, keepAliveTimeoutMs: 300, clientHeadTimeoutMs: 300 },
    local: (exchange) => exchange.answer(200, {}, large),
  })
  const socket = connect(rig.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  socket.write('GET /_local/ HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the exchange to end', () => rig.lines.some((line) => line.msg === 'exchange'), 2500)
})

test('a visitor who never reads an answer that streams is not waited for longer than an idle body may be', async (t) => {
  let wasCancelled = false
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 300, keepAliveTimeoutMs: 300, clientHeadTimeoutMs: 300 },
    local: (exchange) =>
      exchange.respond(
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
            cancel: () => void (wasCancelled = true),
          }),
        ),
      ),
  })
  const socket = connect(rig.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  socket.write('GET /_local/ HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the stream to be cancelled', () => wasCancelled, 2500)
})

test('a visitor who never reads the last bytes of a service answer is not waited for without end', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, () =>
      end.send(
        Buffer.concat([
          Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n'),
          Buffer.alloc(60_000),
        ]),
      ),
    ),
  )
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 300, keepAliveTimeoutMs: 300 },
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
  })
  const socket = connect(rig.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  // Each answer is whole when it comes; at some point the system takes no more of them.
  socket.write(GET.repeat(400))
  let open = true
  socket.on('close', () => (open = false))
  const whole = () => rig.lines.filter((line) => line.msg === 'exchange').length
  let last = -1
  await until('a standstill', () => {
    const now = whole()
    const isStill = now === last && now > 0
    last = now
    return isStill
  })
  await until(
    'the connection to be cut',
    () => rig.lines.some((line) => line.msg === 'exchange' && line.aborted) || !open,
    2500,
  )
})

test('a body behind a 204 is not taken for the answer to the next visitor', async (t) => {
  const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'
  const service = await rawServer(t, (end) =>
    onHead(end, (_head, index) => {
      if (index === 0) end.send(`HTTP/1.1 204 No Content\r\nContent-Length: ${forged.length}\r\n\r\n`)
      else end.send(forged)
    }),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const first = rawClient(t, rig.port, GET)
  await first.sees('204')
  const second = rawClient(t, rig.port, GET)
  await second.sees('\r\n\r\n')
  assert.equal(
    service.ends.length,
    2,
    'the connection whose answer announced a body it may not have was used again',
  )
})

test('an interim answer says nothing about the length of a body', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, () => end.send(`HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: </a>\r\n\r\n${OK}`)),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const visitor = rawClient(t, rig.port, GET)
  await visitor.sees('ok')
  const [interim] = visitor.text.split('\r\n\r\n', 1)
  assert.match(interim!, /^HTTP\/1\.1 103 /)
  assert.doesNotMatch(interim!, /content-length/i)
})

test('trailers that nobody will get are not kept at many times their size', () => {
  const value = Buffer.from(`0\r\nX-A: ${'v'.repeat(15_000)}`)
  const readers: ChunkedReader[] = []
  gc()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 50; i++) {
    const reader = new ChunkedReader()
    readers.push(reader)
    for (let at = 0; at < value.length; ) at = reader.read(value, at, value.length)
  }
  gc()
  const each = Math.round((process.memoryUsage().heapUsed - before) / readers.length)
  assert.ok(each < 40_000, `each unfinished trailer of 15 KB keeps ${each} bytes`)
})

test('slow uploads do not take every connection of an instance from visitors who only ask', async (t) => {
  const service = await httpService(t, (request, response) => {
    if (request.method === 'GET') response.end('ok')
    else request.resume().on('end', () => response.end('done'))
  })
  const rig = await startRig(t, {
    settings: { maxConnectionsPerInstance: 8 },
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
  })
  for (let i = 0; i < 12; i++)
    rawClient(t, rig.port, 'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n')
  await delay(200)
  const visitor = rawClient(t, rig.port, GET)
  await until('an answer within two seconds', () => visitor.text.includes('200 OK'), 2000)
})

test('an answer nobody wants, and that does not end, gives its connection back after a while', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, (head) => end.send(head.startsWith('GET /first') ? UNFINISHED : OK)),
  )
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 300, headTimeoutMs: 300 },
    routes: [{ path: '/a', to: '/first', otherwise: '/second', instances: [instanceAt(service.port)] }],
  })
  const visitor = rawClient(t, rig.port, GET)
  await visitor.sees('ok')
  await until('the first connection to be closed', () => service.ends[0]!.isClosed, 2000)
})

test('when this machine has no ports left, the instance is not to blame', () => {
  const failure = connectFailure(Object.assign(new Error('no ports'), { code: 'EADDRNOTAVAIL' }))
  assert.equal(failure.refused, false)
})

test('a visitor who waits for 100 Continue is not slow while the service makes up its mind', async (t) => {
  const service = await rawServer(t, (end) => onHead(end, () => {}))
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 400, headTimeoutMs: 5000 },
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
  })
  const visitor = rawClient(
    t,
    rig.port,
    'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n',
  )
  await delay(1200)
  assert.doesNotMatch(
    visitor.text,
    /408/,
    'the visitor did what the protocol says, and the service had time left',
  )
})

test('whoever was not told to go on with a body is not read on for it after the answer', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, () => end.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')),
  )
  const rig = await startRig(t, { routes: [{ path: '/a', instances: [instanceAt(service.port)] }] })
  const visitor = rawClient(
    t,
    rig.port,
    'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 45\r\nExpect: 100-continue\r\n\r\n',
  )
  await visitor.sees('no')
  // A proxy before us that got its final answer sends no body, but maybe the next request.
  assert.match(visitor.text, /^Connection: close\r$/im)
})

test('an event stream whose visitor takes nothing any more is ended', async (t) => {
  const service = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n')
      end.socket.write(Buffer.alloc(16 * 1024 * 1024, 'x'))
    }),
  )
  const instance = instanceAt(service.port)
  const rig = await startRig(t, {
    settings: { idleTimeoutMs: 300 },
    routes: [{ path: '/a', instances: [instance] }],
  })
  const socket = connect(rig.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  socket.write(GET)
  await until('the request to run', () => rig.vitals.of(instance.id).inFlight === 1)
  await until('the service to be free of it', () => rig.vitals.of(instance.id).inFlight === 0, 2500)
})

test('connections of refused WebSockets do not add to those an instance may have', async (t) => {
  let open = 0
  let most = 0
  const service = await rawServer(t, (end) => {
    open++
    end.socket.on('close', () => open--)
    onHead(end, (head) => {
      if (head.includes('Upgrade')) end.send('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
      else most = Math.max(most, open)
    })
  })
  const instance = instanceAt(service.port)
  const rig = await startRig(t, {
    settings: { maxConnectionsPerInstance: 2 },
    routes: [
      { path: '/s', kind: 'socket', instances: [instance] },
      { path: '/a', instances: [instance] },
    ],
  })
  const handshake =
    'GET /s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  const refused = Array.from({ length: 10 }, () => rawClient(t, rig.port, handshake))
  for (const visitor of refused) await visitor.sees('404')
  for (let i = 0; i < 20; i++) rawClient(t, rig.port, GET)
  await until('requests at the service', () => most > 0)
  await delay(100)
  assert.ok(most <= 2, `${most} connections are busy where two are allowed`)
})

test('a body for the gateway itself may not drip in either', async (t) => {
  let at = 1000
  let tick = () => {}
  const clock: Clock = {
    now: () => at,
    monotonic: () => at,
    every(_ms, run) {
      tick = run
      return () => {}
    },
    after: () => () => {},
  }
  let received = 0
  const listener = await listen({
    port: 0,
    host: '127.0.0.1',
    settings: proxyDefaults,
    log: createLog('fatal', { write() {} }),
    metrics: createMetrics(),
    clock,
    async handler(exchange) {
      for await (const bytes of exchange.toRequest().body!) received += bytes.length
      exchange.answer(200, {}, 'whole')
    },
  })
  t.after(() => listener.close(0))
  const visitor = rawClient(t, listener.port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n')
  // A byte each second, for a minute.
  for (let second = 0; second < 60 && visitor.text === ''; second++) {
    const before = received
    visitor.send('x')
    await until('the byte', () => received > before || visitor.text !== '')
    for (let i = 0; i < 4; i++) {
      at += 250
      tick()
    }
  }
  assert.match(visitor.text, /^HTTP\/1\.1 408 /, 'a minute for 60 bytes, and none of it was too slow')
})

test('an upload that is sent again because a kept connection was dead counts once among the uploads', async (t) => {
  // The second request of a connection finds it dead.
  const service = await rawServer(t, (end) =>
    onHead(end, (head, index) => {
      if (index > 0) end.socket.resetAndDestroy()
      else if (head.startsWith('PUT')) end.send(`HTTP/1.1 100 Continue\r\n\r\n${OK}`)
      else end.send(OK)
    }),
  )
  const rig = await startRig(t, {
    settings: { maxConnectionsPerInstance: 2, headTimeoutMs: 1000 },
    routes: [{ path: '/a', instances: [instanceAt(service.port)] }],
  })
  for (let round = 0; round < 3; round++) {
    const before = rawClient(t, rig.port, GET)
    await before.sees('ok')
    const upload = rawClient(t, rig.port, 'PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n')
    await until('the request to be sent again', () => service.ends.length === 2 * round + 2)
    upload.send('\r\n\r\n')
    await upload.sees(/^(HTTP.1.1 100 Continue\r\n\r\n)?HTTP.1.1 200/)
  }
})
