import assert from 'node:assert/strict'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createReadingServer } from './reading-server.ts'
import { hideHandleStep } from './testing/no-handle-step.ts'
import { rawClient, until } from './testing/raw.ts'

/** A server that reads into one buffer where it can, and keeps what came either way. */
async function startReading(t: TestContext) {
  const memory = Buffer.alloc(16)
  const came = { borrowed: '', evented: '' }
  const sockets: Socket[] = []
  const server = createReadingServer((makeSocket) => {
    const socket = makeSocket({
      buffer: () => memory,
      callback: (count, bytes) => {
        assert.equal(bytes.buffer, memory.buffer)
        came.borrowed += memory.toString('latin1', 0, count)
        return true
      },
    })
    socket.on('data', (bytes) => {
      came.evented += bytes.toString('latin1')
    })
    socket.on('end', () => socket.end('goodbye'))
    sockets.push(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, came, sockets, port: (server.address() as AddressInfo).port }
}

const counted = (server: Server) =>
  new Promise<number>((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )

const TEXT = 'longer than the memory it is read into, so that it is used again'

test('connections are read into memory of ours on this Node, one read after the other', async (t) => {
  const { server, came, sockets, port } = await startReading(t)
  const client = rawClient(t, port, TEXT)
  await until('all of it', () => came.borrowed.length === TEXT.length)
  assert.deepEqual(came, { borrowed: TEXT, evented: '' })
  // Taken before the server counts them: whoever stops it has to know them himself.
  assert.equal(await counted(server), 0)
  assert.equal(sockets[0]!.remoteAddress, '127.0.0.1')
  client.socket.end()
  await client.sees('goodbye')
})

test('on a Node without that step connections come the ordinary way', async (t) => {
  const show = hideHandleStep()
  t.after(show)
  const { server, came, port } = await startReading(t)
  const client = rawClient(t, port, TEXT)
  await until('all of it', () => came.evented.length === TEXT.length)
  assert.deepEqual(came, { borrowed: '', evented: TEXT })
  assert.equal(await counted(server), 1)
  client.socket.end()
  await client.sees('goodbye')
})

test('a connection the system could not give is told as the error it is', async (t) => {
  const { server, port } = await startReading(t)
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => server.once('error', resolve))
  const { _handle: handle } = server as Server & { _handle?: any }
  // EMFILE, as the system says it of too many open files.
  handle.onconnection(-24, undefined)
  assert.equal((await failed).code, 'EMFILE')
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
  })
})
