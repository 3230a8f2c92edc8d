import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { UmfMessage } from './message.ts'
import { readUmf } from './read.ts'
import { checkCall, replyTo, type UmfReply } from './reply.ts'
import { message, original, source } from './testing/original.ts'

const asked: UmfMessage = {
  to: 'orders:/',
  from: 'client:/',
  mid: 'question',
  timestamp: '2026-01-01T00:00:00.000Z',
  version: 'UMF/1.4.6',
  type: 'order.find',
  body: { id: 7 },
}

test('an answer goes back to the sender and names the question', () => {
  assert.deepEqual(replyTo(asked, { body: { found: true } }, source), {
    to: 'client:/',
    from: 'orders:/',
    mid: 'new-id',
    rmid: 'question',
    timestamp: '2026-01-02T00:00:00.000Z',
    version: 'UMF/1.4.6',
    type: 'order.find',
    body: { found: true },
  })
})

test('an answer goes by via where there is one, whatever its author says of its address, and forward is kept', () => {
  const via = 'a1-2945p8eigxz@hydra-router:/'
  const forward = 'x@client:/'
  const reply = replyTo({ ...asked, via, forward }, { to: 'no:/', body: {} }, source)
  assert.equal(reply.to, via)
  assert.equal(reply.via, via)
  assert.equal(reply.forward, forward)
})

test('what an author leaves undefined is as if it was not said', () => {
  const said = { body: {}, to: undefined, type: undefined, mid: undefined } as unknown as UmfReply
  assert.deepEqual(replyTo(asked, said, source), replyTo(asked, { body: {} }, source))
})

test('an answer says what its author says', () => {
  const said = { to: 'audit:/', from: 'a1@orders:/', type: 'order.found', headers: { a: 'b' }, body: [1] }
  const { mid: _, timestamp: _t, version: _v, rmid, ...rest } = replyTo(asked, said, source)
  assert.deepEqual(rest, said)
  assert.equal(rmid, 'question')
})

test('an answer does not repeat what only the one who asked can say', () => {
  const secrets = { signature: 'ab', authorization: 'Bearer x', headers: { cookie: 'y' }, timeout: 5 }
  const reply = replyTo({ ...asked, ...secrets }, { body: {} }, source)
  for (const name of Object.keys(secrets)) assert.ok(!(name in reply), name)
})

/** `sendReplyMessage` of hydra 1.9.3, up to where it sends. */
function originalReply(question: object, answer: object): Record<string, unknown> {
  const long = original.createMessage(question).toJSON()
  const reply = Object.assign(
    long,
    { rmid: long.mid, to: long.from, from: long.to },
    original.createMessage(answer).toJSON(),
  )
  if (long.via) reply.to = long.via
  if (long.forward) reply.forward = long.forward
  return reply
}

test('answers go where those of hydra go, and say the same', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 })
  const answer = fc.record(
    { body: fc.object(), to: text, from: text, type: text, via: text, forward: text, rmid: text },
    { requiredKeys: ['body'] },
  )
  fc.assert(
    fc.property(message, answer, (question, said) => {
      const theirs = originalReply({ ...question }, said)
      const ours: Record<string, unknown> = { ...replyTo(question, said as UmfReply, source) }
      for (const name of ['to', 'from', 'rmid', 'type', 'body', 'via', 'forward'])
        assert.deepEqual(ours[name], theirs[name], name)
    }),
  )
})

test('an answer is a message that can be read', () => {
  fc.assert(
    fc.property(message, (question) => {
      const reply = JSON.parse(JSON.stringify(replyTo(question, { body: { ok: true } }, source)))
      assert.deepEqual(readUmf(reply, source), reply)
    }),
  )
})

test('a call needs a method and a path, and says what is missing', () => {
  assert.deepEqual(checkCall({ to: 'a1@orders:[get]/v1/orders?x=1', mid: 'm' }), {
    service: 'orders',
    instance: 'a1',
    method: 'get',
    path: '/v1/orders?x=1',
  })
  for (const [to, message] of [
    ['orders:/v1', 'HTTP method not specified in `to` field'],
    ['orders:[get]', 'message `to` field does not specify a valid route'],
    ['orders:[get]v1', 'message `to` field does not specify a valid route'],
    ['orders', 'route field has invalid number of routable segments'],
    ['orders:[get', 'route field has ill-formed HTTP method verb in segment'],
  ] as const)
    assert.throws(() => checkCall({ to, mid: 'm' }), { name: 'UmfError', message, rmid: 'm' })
})
