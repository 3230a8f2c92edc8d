import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../observe/clock.ts'
import { createDeadlines } from './deadlines.ts'
import type { BytesReceiver, Pipe } from './pipe.ts'
import { createSplices, type Splices } from './splices.ts'
import { type RawClient, rawClient, rawServer, until } from './testing/raw.ts'
import { instanceAt, startRig } from './testing/rig.ts'
import { SocketPipe } from './testing/socket-pipe.ts'
import { HELD, SENT } from './wire.ts'

interface Joint {
  readonly port: number
  readonly splices: Splices
  readonly closedBy: readonly string[]
}

/** Joins whoever connects to the service at a port; heads pass as they are. Sockets are read as the engine does. */
async function joinTo(t: TestContext, servicePort: number, tickMs = 20): Promise<Joint> {
  const deadlines = createDeadlines(systemClock, tickMs)
  const splices = createSplices(deadlines)
  const closedBy: string[] = []
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (visitor) => {
    let asked = Buffer.alloc(0)
    const onVisitor = (bytes: Buffer) => {
      asked = Buffer.concat([asked, bytes])
      const end = asked.indexOf('\r\n\r\n') + 4
      if (end < 4) return
      visitor.pause()
      visitor.off('data', onVisitor)
      const pipe = pipeTo(servicePort, asked.subarray(0, end), (head, rest) => {
        visitor.write(head)
        const about = { exchange: String(closedBy.length), service: 'shop', instance: 'i1' }
        const splice = splices.open({
          visitor: new SocketPipe(visitor),
          service: pipe,
          about,
          onClose: (who) => void closedBy.push(who),
        })
        if (asked.length > end) visitor.unshift(asked.subarray(end))
        splice.begin()
        return rest.length > 0 ? splice.onData(rest) : SENT
      })
    }
    visitor.on('data', onVisitor)
    visitor.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    splices.destroyAll()
    server.close()
    deadlines.close()
  })
  return { port: (server.address() as AddressInfo).port, splices, closedBy }
}

/** A connection with a buffer of its own that is spoilt as soon as nobody uses it. */
function pipeTo(port: number, head: Buffer, onHead: (head: Buffer, rest: Buffer) => 0 | 1): Pipe {
  const memory = Buffer.alloc(64 * 1024)
  let receiver: BytesReceiver | undefined
  let answer = Buffer.alloc(0)
  const socket = connect({
    port,
    host: '127.0.0.1',
    allowHalfOpen: true,
    onread: {
      buffer: memory,
      callback(count) {
        const bytes = memory.subarray(0, count)
        let state: 0 | 1 = 0
        if (receiver) state = receiver.onData(bytes)
        else {
          answer = Buffer.concat([answer, bytes])
          const end = answer.indexOf('\r\n\r\n') + 4
          if (end >= 4) state = onHead(answer.subarray(0, end), answer.subarray(end))
        }
        if (state === HELD) return false
        memory.fill(0xee)
        return true
      },
    },
  })
  socket.on('error', () => {})
  socket.once('end', () => receiver?.onEnd())
  socket.once('close', (hadError) => receiver?.onClose(hadError))
  socket.write(head)
  return {
    socket,
    switchTo(to) {
      receiver = to
    },
    resume() {
      memory.fill(0xee)
      socket.resume()
    },
  }
}

/** A service of real WebSockets. */
async function webSockets(t: TestContext, onSocket: (socket: WebSocket) => void): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 10 } })
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    onSocket(socket)
  })
  return (server.address() as AddressInfo).port
}

/** A visitor with a real WebSocket: what he got, and how it ended. */
async function visitorAt(t: TestContext, port: number, perMessageDeflate = false) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate, maxPayload: 64 * 1024 * 1024 })
  const seen = {
    socket,
    messages: [] as Buffer[],
    code: 0,
    reason: '',
    error: undefined as Error | undefined,
  }
  socket.on('message', (data) => void seen.messages.push(data as Buffer))
  socket.on('close', (code, reason) => {
    seen.code = code
    seen.reason = String(reason)
  })
  socket.on('error', (error) => {
    seen.error = error
  })
  t.after(() => socket.terminate())
  await new Promise((resolve) => socket.once('open', resolve))
  return seen
}

/** Bytes no two neighbours of which are alike, so that a lost or repeated slice shows. */
function pattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >>> 8) * 7 + (i >>> 16)) & 0xff
  return bytes
}

/** Waits until bytes have passed and no more do; returns how many passed. */
async function standstill({ splices }: Pick<Joint, 'splices'>): Promise<number> {
  let before = 0
  let still = 0
  await until('a standstill', () => {
    const now = splices.traffic.bytesIn + splices.traffic.bytesOut
    still = now > 1000 && now === before ? still + 1 : 0
    before = now
    return still === 10
  })
  return before
}

const HELLO = 'GET / HTTP/1.1\r\n\r\n'
const AGREED = 'HTTP/1.1 101 Switching Protocols\r\n\r\n'

/** A service that agrees and then does as it is told. */
async function rawJoint(t: TestContext, more = '') {
  const service = await rawServer(t, (end) => end.send(AGREED + more))
  const joint = await joinTo(t, service.port)
  const open = async (first = ''): Promise<[RawClient, RawClient]> => {
    const client = rawClient(t, joint.port, HELLO + first)
    await client.sees(AGREED + more)
    return [client, service.ends.at(-1)!]
  }
  return { ...joint, open }
}

test('messages of all sizes pass both ways, in pieces, compressed and not, however slow the reader', async (t) => {
  const port = await webSockets(t, (socket) => {
    socket.on('message', (data: Buffer) => {
      const half = data.length >> 1
      socket.send(data.subarray(0, half), { fin: false, binary: true })
      socket.send(data.subarray(half), { fin: true })
    })
  })
  const joint = await joinTo(t, port)
  for (const isCompressed of [false, true]) {
    const visitor = await visitorAt(t, joint.port, isCompressed)
    const sizes = [0, 1, 125, 126, 65_536, 20_000_000]
    for (const size of sizes) visitor.socket.send(pattern(size))
    visitor.socket.pause()
    await standstill(joint)
    visitor.socket.resume()
    await until('all messages', () => visitor.messages.length === sizes.length)
    for (const [i, size] of sizes.entries())
      assert.ok(visitor.messages[i]!.equals(pattern(size)), String(size))
    visitor.socket.close(4123)
    await until('the close', () => visitor.code === 4123)
  }
  await until('the count to fall', () => joint.splices.size === 0)
  assert.equal(joint.splices.opened, 2)
  assert.ok(joint.splices.traffic.bytesIn > 20_000_000 && joint.splices.traffic.bytesOut > 20_000_000)
  assert.equal(joint.splices.closedBy.gateway, 0)
})

test('a goodbye in silence: both sides hear it, each what its role allows, and all is closed', async (t) => {
  const heard: number[] = []
  const port = await webSockets(t, (socket) => socket.on('close', (code) => void heard.push(code)))
  const joint = await joinTo(t, port)
  const visitors = [await visitorAt(t, joint.port), await visitorAt(t, joint.port, true)]
  await joint.splices.closeAll(1012, 'service restart')
  await until('the visitors', () => visitors.every(({ code }) => code === 1012))
  assert.equal(visitors[0]!.reason, 'service restart')
  await until('the service', () => heard.length === 2)
  assert.deepEqual(heard, [1001, 1001])
  assert.deepEqual(joint.closedBy, ['gateway', 'gateway'])
  assert.equal(joint.splices.size, 0)
})

test('a code of our own is told to both', async (t) => {
  let heard = 0
  const port = await webSockets(t, (socket) =>
    socket.on('close', (code) => {
      heard = code
    }),
  )
  const joint = await joinTo(t, port)
  const visitor = await visitorAt(t, joint.port)
  assert.equal(
    joint.splices.closeWhere(({ service }) => service === 'other', 4401, 'session ended'),
    0,
  )
  assert.equal(
    joint.splices.closeWhere(({ service }) => service === 'shop', 4401, 'session ended'),
    1,
  )
  await until('both', () => visitor.code === 4401 && heard === 4401)
})

test('a goodbye in the middle of large messages never spoils one', async (t) => {
  const size = 10_000_000
  for (const [isCompressed, fragments] of [
    [false, 1],
    [false, 16],
    [true, 4],
  ] as const) {
    const errors: Error[] = []
    const whole: number[] = []
    let heard = 0
    const port = await webSockets(t, (socket) => {
      socket.on('error', (error) => void errors.push(error))
      socket.on('message', (data: Buffer) => void whole.push(data.length))
      socket.on('close', (code) => {
        heard = code
      })
      const part = pattern(size / fragments)
      for (let i = 0; i < fragments; i++) socket.send(part, { binary: true, fin: i === fragments - 1 })
    })
    const joint = await joinTo(t, port)
    const visitor = await visitorAt(t, joint.port, isCompressed)
    for (let i = 0; i < fragments; i++) {
      visitor.socket.send(pattern(size / fragments), { binary: true, fin: i === fragments - 1 })
    }
    await until('bytes both ways', () => {
      const { bytesIn, bytesOut } = joint.splices.traffic
      return bytesIn > 1000 && bytesOut > 1000
    })
    const began = performance.now()
    await joint.splices.closeAll(1012, 'service restart')
    // Only whoever could not take the rest of his message within a second goes without a word.
    const isLate = performance.now() - began >= 1000
    await until('the end', () => visitor.code !== 0 && heard !== 0)
    assert.ok(visitor.code === 1012 || (isLate && visitor.code === 1006), `visitor ${visitor.code}`)
    assert.ok(heard === 1001 || (isLate && heard === 1006), `service ${heard}`)
    assert.equal(visitor.error, undefined)
    assert.deepEqual(errors, [])
    assert.ok(visitor.messages.every((message) => message.length === size))
    assert.ok(whole.every((length) => length === size))
  }
})

test('a visitor in the middle of a message is told at its end, and nothing comes behind the goodbye', async (t) => {
  const { splices, open } = await rawJoint(t)
  const [client, service] = await open()
  service.send('\x82\x04ab')
  await client.sees('ab')
  const closed = splices.closeAll(1012, 'x')
  await service.sees('\x88')
  service.send('cd\x82\x02no')
  await client.sees('\x82\x04abcd\x88\x03\x03\xf4x')
  // Masked with zeros: a Close frame that says 1012 back.
  client.send('\x88\x82\0\0\0\0\x03\xf4')
  await client.closed()
  assert.match(client.text, /abcd\x88\x03\x03\xf4x$/)
  service.send('\x88\x02\x03\xe9')
  await closed
  await service.closed()
})

test('a side where no frame ends within a second is closed without a word', async (t) => {
  const { splices, open, closedBy } = await rawJoint(t)
  const [client, service] = await open()
  service.send('\x82\x04ab')
  client.send('\x82\x84\0\0\0\0cd')
  await client.sees('ab')
  await service.sees('cd')
  const began = performance.now()
  await splices.closeAll(1012, 'x')
  assert.ok(performance.now() - began >= 1000)
  await client.closed()
  await service.closed()
  assert.match(client.text, /ab$/)
  assert.match(service.text, /cd$/)
  assert.deepEqual(closedBy, ['gateway'])
})

test('what is no WebSocket passes, and is closed at once when the gateway stops', async (t) => {
  const { splices, open } = await rawJoint(t, 'WELCOME')
  const [client, service] = await open('FIRST')
  await service.sees('FIRST')
  service.send('more')
  await client.sees('WELCOMEmore')
  const closed = splices.closeAll(1012, 'x')
  await client.closed(900)
  await service.closed(900)
  await closed
  assert.match(client.text, /WELCOMEmore$/)
})

test('a goodbye comes once, and not behind one of their own', async (t) => {
  const { splices, open } = await rawJoint(t)
  const [client, service] = await open()
  service.send('\x88\x02\x03\xe8')
  await client.sees('\x88\x02\x03\xe8')
  const closed = splices.closeAll(1012, 'x')
  void splices.closeAll(1012, 'x')
  client.send('\x88\x82\0\0\0\0\x03\xe8')
  await client.closed()
  assert.match(client.text, /\r\n\r\n\x88\x02\x03\xe8$/)
  await closed
  assert.equal(splices.closedBy.gateway, 1)
})

test('a visitor who takes nothing is not waited for', async (t) => {
  const port = await webSockets(t, (socket) => socket.send(pattern(30_000_000)))
  const joint = await joinTo(t, port)
  const visitor = rawClient(
    t,
    joint.port,
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await visitor.sees('101')
  visitor.socket.pause()
  const taken = await standstill(joint)
  assert.ok(taken < 25_000_000, `${taken} bytes were taken for a visitor who reads none`)
  await joint.splices.closeAll(1012, 'x')
  visitor.socket.resume()
  await visitor.closed()
})

test('nothing is gathered for a service that takes nothing', async (t) => {
  const { open, splices } = await rawJoint(t)
  const [client, service] = await open()
  service.socket.pause()
  client.socket.write(
    Buffer.concat([Buffer.from('\x82\xff\0\0\0\0\x02\0\0\0\0\0\0\0', 'latin1'), pattern(2 ** 25)]),
  )
  const taken = await standstill({ splices })
  assert.ok(taken < 25_000_000, `${taken} bytes were taken for a service that reads none`)
  service.socket.resume()
  await until('the rest', () => splices.traffic.bytesIn === 2 ** 25 + 14)
  client.socket.destroy()
  await service.closed()
})

test('an end is passed on as an end, with what came before it', async (t) => {
  const { open, closedBy, splices } = await rawJoint(t)
  const [client, service] = await open()
  service.socket.removeAllListeners('end')
  client.socket.end('bye')
  await service.sees('bye')
  await until('the end to arrive', () => service.socket.readableEnded)
  service.socket.end('bye too')
  assert.match(await client.closed(), /bye too$/)
  assert.ok(client.isEnded && client.error === undefined)
  await until('the count to fall', () => splices.size === 0)
  assert.deepEqual(closedBy, ['visitor'])
})

test('a break is passed on as a break, from either side, and also after an end', async (t) => {
  const { open, closedBy } = await rawJoint(t)
  const [client, service] = await open()
  service.socket.resetAndDestroy()
  await client.closed()
  assert.equal(client.error?.code, 'ECONNRESET')

  const [second, behind] = await open()
  second.socket.resetAndDestroy()
  await behind.closed()
  assert.equal(behind.error?.code, 'ECONNRESET')

  const [third, last] = await open()
  last.socket.removeAllListeners('end')
  third.socket.end()
  await until('the end to arrive', () => last.socket.readableEnded)
  third.socket.resetAndDestroy()
  // The reset shows when something is sent.
  const talk = setInterval(() => last.socket.writable && last.send('x'), 5)
  t.after(() => clearInterval(talk))
  await last.closed()
  await until('all to be closed', () => closedBy.length === 3)
  assert.deepEqual(closedBy, ['service', 'visitor', 'visitor'])
})

test('a service that says goodbye and breaks off is still heard', async (t) => {
  const { open } = await rawJoint(t)
  const [client, service] = await open()
  service.send('\x88\x02\x03\xf0')
  await client.sees('\x88\x02\x03\xf0')
  service.socket.resetAndDestroy()
  await client.closed()
  assert.ok(client.isEnded && client.error === undefined)
})

test('all can be closed at once', async (t) => {
  const { open, splices } = await rawJoint(t)
  const all = [await open(), await open()]
  splices.destroyAll()
  for (const [client, service] of all) {
    await client.closed()
    await service.closed()
  }
  assert.equal(splices.size, 0)
  await splices.closeAll(1012, 'x')
})

test('visitors of a gateway that stops hear that it restarts, in the middle of a large message too', async (t) => {
  const heard: number[] = []
  const port = await webSockets(t, (socket) => {
    socket.on('close', (code) => void heard.push(code))
    socket.on('message', (data: Buffer) => socket.send(data))
  })
  const rig = await startRig(t, { routes: [{ path: '/', kind: 'socket', instances: [instanceAt(port)] }] })
  const visitors = [await visitorAt(t, rig.port), await visitorAt(t, rig.port, true)]
  for (const { socket } of visitors) socket.send(pattern(3_000_000))
  await until('an echo', () => visitors.every(({ messages }) => messages.length === 1))
  for (const { socket } of visitors) socket.send(pattern(3_000_000))
  const began = performance.now()
  await rig.forwarder.endSockets(1012, 'service restart')
  const isLate = performance.now() - began >= 1000
  await until('the end', () => visitors.every(({ code }) => code !== 0) && heard.length === 2)
  for (const { code, error, messages } of visitors) {
    assert.ok(code === 1012 || (isLate && code === 1006), String(code))
    assert.equal(error, undefined)
    assert.ok(messages.every((message) => message.equals(pattern(3_000_000))))
  }
  assert.ok(
    heard.every((code) => code === 1001 || (isLate && code === 1006)),
    String(heard),
  )
})
