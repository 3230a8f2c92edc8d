import assert from 'node:assert/strict'
import type { Writable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import * as ws from 'ws'
import { closeFrame, FrameFollower } from './frame-follower.ts'

/** What a real endpoint writes and reads frames with; its types leave both out. */
const { Receiver, Sender } = ws as unknown as {
  Receiver: new (options: { isServer: boolean }) => Writable
  Sender: new (
    socket: object,
  ) => {
    send(data: Buffer, options: { binary: boolean; fin: boolean; mask: boolean; compress: boolean }): void
    close(code: number, reason: Buffer, mask: boolean): void
  }
}

/** A frame as RFC 6455, 5.2 draws it. */
function frame(opcode: number, size: number, masked: boolean, wide = 0): Buffer {
  const code = wide === 8 || size > 0xffff ? 127 : wide === 2 || size > 125 ? 126 : size
  const length = Buffer.alloc(code === 127 ? 8 : code === 126 ? 2 : 0)
  if (code === 127) length.writeBigUInt64BE(BigInt(size))
  else if (code === 126) length.writeUInt16BE(size)
  const head = Buffer.from([0x80 | opcode, (masked ? 0x80 : 0) | code])
  // Payloads that look like heads of frames.
  return Buffer.concat([head, length, Buffer.alloc(masked ? 4 : 0, 0x88), Buffer.alloc(size, 0x82)])
}

const anyFrame = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  size: fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000)),
  wide: fc.constantFrom(0, 0, 2, 8),
})

test('frames of all sizes are followed through any cut, and a boundary is where one ended', () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 30 }),
      (frames, masked, cuts) => {
        const parts = frames.map(({ opcode, size, wide }) => frame(opcode, size, masked, wide))
        const bytes = Buffer.concat(parts)
        let total = 0
        const boundaries = new Set([0, ...parts.map((part) => (total += part.length))])
        const positions = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
        positions.push(bytes.length)
        const follower = new FrameFollower(masked)
        let at = 0
        for (const cut of positions) {
          follower.feed(bytes, at, cut)
          at = cut
          assert.equal(follower.isAtBoundary, boundaries.has(cut))
        }
        assert.ok(!follower.isBroken && !follower.hasClosed)
      },
    ),
    { numRuns: 300 },
  )
})

test('every byte may come by itself', () => {
  const parts = [frame(1, 0, true), frame(2, 200, true), frame(2, 66_000, true, 8), frame(8, 2, true)]
  const bytes = Buffer.concat(parts)
  const follower = new FrameFollower(true)
  let boundaries = 0
  for (let at = 0; at < bytes.length; at++) {
    follower.feed(bytes, at, at + 1)
    if (follower.isAtBoundary) boundaries++
  }
  assert.equal(boundaries, parts.length)
  assert.ok(follower.hasClosed)
})

test('the next boundary of a slice is found, and following goes on from there', () => {
  const bytes = Buffer.concat([frame(2, 300, false), frame(1, 10, false), frame(2, 500, false)])
  const follower = new FrameFollower(false)
  assert.equal(follower.nextBoundary(bytes, 0, bytes.length), 0)
  follower.feed(bytes, 0, 100)
  assert.equal(follower.nextBoundary(bytes, 100, 200), -1)
  assert.equal(follower.nextBoundary(bytes, 200, bytes.length), 304)
  assert.ok(follower.isAtBoundary)
  follower.feed(bytes, 304, bytes.length - 1)
  assert.ok(!follower.isAtBoundary)
  assert.equal(follower.nextBoundary(bytes, bytes.length - 1, bytes.length), bytes.length)
})

test('what is no WebSocket is seen as that', () => {
  const broken = (masked: boolean, ...bytes: number[]) => {
    const follower = new FrameFollower(masked)
    follower.feed(Uint8Array.from(bytes), 0, bytes.length)
    assert.equal(follower.nextBoundary(Uint8Array.from(bytes), 0, bytes.length), -1)
    return follower.isBroken && !follower.isAtBoundary
  }
  assert.ok(broken(false, ...Buffer.from('WELCOME')))
  assert.ok(broken(true, 0x82, 0x05), 'a client that does not mask')
  assert.ok(broken(false, 0x82, 0x85), 'a server that masks')
  assert.ok(broken(false, 0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0), 'a length nobody can mean')
  assert.ok(broken(false, 0x83, 0), 'an opcode nobody defined')
})

test('what a real endpoint sends is followed', async () => {
  const sent: Buffer[] = []
  const socket = {
    cork() {},
    uncork() {},
    write(bytes: Buffer | string) {
      sent.push(Buffer.from(bytes))
      return true
    },
  }
  const sender = new Sender(socket)
  for (const size of [0, 1, 125, 126, 65_535, 65_536]) {
    sender.send(Buffer.alloc(size), {
      binary: true,
      fin: size % 2 === 0,
      mask: true,
      compress: false,
    } as never)
  }
  sender.close(4123, Buffer.from('enough'), true)
  const follower = new FrameFollower(true)
  for (const bytes of sent) follower.feed(bytes, 0, bytes.length)
  assert.ok(follower.isAtBoundary && follower.hasClosed && !follower.isBroken)
})

test('a real endpoint understands our Close frames, masked or not', async () => {
  for (const masked of [true, false]) {
    const receiver = new Receiver({ isServer: masked })
    const heard = new Promise((resolve, reject) => {
      receiver.once('conclude', (code: number, reason: Buffer) => resolve(`${code} ${reason}`))
      receiver.once('error', reject)
    })
    receiver.write(closeFrame(1012, 'service restart', masked))
    assert.equal(await heard, '1012 service restart')
  }
})

test('a reason that is too long is cut between two characters', () => {
  for (const reason of ['x'.repeat(200), 'é'.repeat(100), '€'.repeat(60), '𝄞'.repeat(40)]) {
    const bytes = closeFrame(4401, reason, false)
    assert.ok(bytes.length <= 127 && bytes.length > 120)
    assert.equal(bytes[1], bytes.length - 2)
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(4))
    assert.ok(reason.startsWith(text))
  }
})
