import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UmfMessage } from '@hydra-gateway/protocol/umf'
import { MessageError } from './message-error.ts'
import type { MessageLine } from './outbox.ts'
import { pushMany } from './push-many.ts'

const message: UmfMessage = {
  ...{ to: 'client:/', from: 'room:/', mid: 'm', timestamp: '2026-01-01T00:00:00.000Z' },
  ...{ version: 'UMF/1.4.6', body: { n: 1 } },
}

const never = async () => assert.fail('one by one')

/** A line on which requests are answered like this. */
function lineThat(answer: (clients: string[]) => unknown) {
  const weights: number[] = []
  const asked: string[][] = []
  const line: MessageLine = {
    message: never,
    find: never,
    async push(data: Uint8Array) {
      const { clients } = JSON.parse(String(data)) as { clients: string[] }
      asked.push(clients)
      return answer(clients)
    },
  }
  const outbox = {
    ask(how: (line: MessageLine, ms: number) => Promise<unknown>, ms: number, weight = 1) {
      weights.push(weight)
      return how(line, ms)
    },
  }
  return { outbox, asked, weights, mostBytes: 1000, now: () => 0 }
}

test('a gateway that knows no push to many gets a message for each client, in their order', async () => {
  const unknown = () => {
    throw new MessageError('not-supported', 'older')
  }
  const sent: string[] = []
  const one = async (client: string) => {
    sent.push(client)
    await null
    if (client === 'gone') throw new MessageError('unknown-client', 'no such client')
    return client.startsWith('away') ? ('later' as const) : ('now' as const)
  }
  const clients = [...Array.from({ length: 300 }, (_, n) => `c${n}`), 'away1', 'gone']
  const pushed = await pushMany(message, clients, 1000, { ...lineThat(unknown), one })
  assert.deepEqual(pushed, {
    ...{ now: 300, later: 1 },
    failed: [{ client: 'gone', fault: 'unknown-client', reason: 'no such client' }],
  })
  assert.deepEqual(sent, clients)
  const none = pushMany(message, clients, 1000, { ...lineThat(unknown), one: async () => unknown() })
  await assert.rejects(none, { fault: 'not-supported' })
})

test('of a push in several requests those that failed are told by their clients, and it fails when all did', async () => {
  const ids = Array.from({ length: 20_001 }, (_, n) => `c${n}`)
  const answer = (clients: string[]) =>
    clients.length > 1
      ? { ok: true, now: clients.length, later: 0, failed: [] }
      : { ok: false, fault: 'throttled', reason: 'too many' }
  const line = lineThat(answer)
  const { now, failed } = await pushMany(message, [...ids, 'c1'], 1000, { ...line, one: never })
  assert.deepEqual([now, failed], [20_000, [{ client: 'c20000', fault: 'throttled', reason: 'too many' }]])
  assert.deepEqual(line.asked.flat(), ids)
  assert.deepEqual(line.weights, [40, 40, 1])
  await assert.rejects(pushMany(message, ['c1'], 1000, { ...line, one: never }), { fault: 'throttled' })
  const large = { ...message, body: 'x'.repeat(1000) }
  await assert.rejects(pushMany(large, ids, 1000, { ...line, one: never }), { fault: 'too-large' })
})
