/**
 * What came from a visitor: nothing of it changes when its memory is read into again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Received } from './received.ts'

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n\r\n'

/** Puts text where the next read goes. */
function read(received: Received, text: string, missing = 0): { bytes: Buffer; count: number } {
  const bytes = received.memory(missing)
  return { bytes, count: bytes.write(text, 'latin1') }
}

test('a head is copied at once, the body behind it is used from where it was read until the read ends', () => {
  const received = new Received()
  const { bytes, count } = read(received, `${HEAD}body`)
  received.begin(bytes, count)
  assert.equal(String(received.rest), HEAD)
  received.advance(HEAD.length)
  assert.equal(String(received.rest), 'body')
  assert.equal(received.rest!.buffer, bytes.buffer)
  received.advance(1)
  received.settle()
  bytes.fill('x')
  assert.equal(String(received.rest!.subarray(received.at)), 'ody')
})

test('what stands behind a head that is not asked for yet is kept with it', () => {
  const received = new Received()
  const { bytes, count } = read(received, `${HEAD}${HEAD}GET`)
  received.begin(bytes, count)
  received.settle()
  bytes.fill('x')
  assert.equal(String(received.rest), `${HEAD}${HEAD}GET`)
})

test('a large body has memory of its own while it lasts, and what is given away is not read into again', () => {
  const received = new Received()
  const shared = received.memory(0)
  const own = received.memory(1e6)
  assert.notEqual(own, shared)
  assert.ok(received.isOwn(own))
  assert.equal(received.memory(-1), own)
  received.giveAway()
  assert.notEqual(received.memory(1e6), own)
  assert.equal(received.memory(100), shared)
})

test('a part of a body that was lent and not used up is copied when the read ends', () => {
  const received = new Received()
  const { bytes, count } = read(received, '0123456789', 1e6)
  received.lend()
  received.keep(bytes.subarray(0, count))
  received.advance(4)
  received.settle()
  bytes.fill('x')
  assert.equal(String(received.rest), '456789')
  assert.equal(received.at, 0)
})
