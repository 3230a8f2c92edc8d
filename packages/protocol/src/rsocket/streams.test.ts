import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EMPTY, type OutgoingFrame, UNLIMITED } from './frame.ts'
import { createStreams } from './streams.ts'

test('a connection whose stream ids are used up says so, so that another one takes its place', () => {
  const sent: OutgoingFrame[] = []
  const told: string[] = []
  const streams = createStreams({
    firstId: UNLIMITED - 2,
    responder: {
      requestResponse() {},
      requestStream: () => ({ request() {}, cancel() {} }),
      fireAndForget() {},
    },
    transmit: (frame) => void sent.push(frame),
    onExhausted: (error) => void told.push(`exhausted: ${error.message}`),
  })
  const answer = {
    onNext() {},
    onComplete() {},
    onError: (error: Error) => void told.push(error.message),
  }
  for (let i = 0; i < 2; i++) streams.ask('request-stream', EMPTY, 1, answer)
  assert.deepEqual(
    sent.map(({ streamId }) => streamId),
    [UNLIMITED - 2, UNLIMITED],
  )
  assert.deepEqual(told, [])
  streams.ask('request-response', EMPTY, 1, answer)
  assert.deepEqual(told, [
    'the connection has run out of stream ids',
    'exhausted: the connection has run out of stream ids',
  ])
})
