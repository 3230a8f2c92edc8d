import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { PipeStream } from './pipe.ts'

/** A stream over one end of a connection, and the other end. */
async function openPair(t: TestContext) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const far = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [socket] = await accepted
  t.after(() => {
    far.destroy()
    socket.destroy()
    server.close()
  })
  return { stream: new PipeStream({ socket, switchTo() {}, resume() {} }), socket, far }
}

async function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

test('pieces written together leave together, and each arrives once and in order', async (t) => {
  const { stream, socket, far } = await openPair(t)
  const writes: number[] = []
  const write = socket.write.bind(socket)
  socket.write = ((bytes: Buffer) => {
    writes.push(bytes.length)
    return write(bytes)
  }) as Socket['write']
  const received = readAll(far)
  const expected: Buffer[] = []
  for (const [head, body] of [
    [2, 100],
    [4, 10_000],
    [10, 3_000_000],
    [2, 5],
  ] as const) {
    const pieces = [Buffer.alloc(head, 'h'), Buffer.alloc(body, 'b')]
    expected.push(...pieces)
    stream.cork()
    for (const piece of pieces) stream.write(piece)
    stream.uncork()
    await new Promise<void>((resolve) => stream.write('', () => resolve()))
  }
  stream.end()
  assert.deepEqual(await received, Buffer.concat(expected))
  assert.deepEqual(
    writes.filter((length) => length > 0),
    [102, 10_004, 10, 3_000_000, 7],
  )
})

test('what is written together to a connection that is over is refused, not lost in silence', async (t) => {
  const { stream, socket } = await openPair(t)
  socket.destroy()
  const failed = once(stream, 'error')
  stream.cork()
  stream.write('one')
  stream.write('two')
  stream.uncork()
  assert.match(String((await failed)[0]), /the connection is closed/)
})
