import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock } from '../observe/clock.ts'
import { deliverToMany } from './many.ts'
import type { Sent } from './port.ts'

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `c${n}`)
const sent = (when: 'now' | 'later'): Sent => ({ ok: true, when, mid: 'm' })

test('a message for many is begun for each in their order, with no more than some under way', async () => {
  const begun: string[] = []
  const open: (() => void)[] = []
  const events: string[] = []
  const pushing = deliverToMany(ids(1000), {
    deliver(client) {
      begun.push(client)
      const { promise, resolve } = Promise.withResolvers<Sent>()
      open.push(() => resolve(sent(begun.length % 2 ? 'now' : 'later')))
      return promise
    },
    flush: () => void events.push(`flush ${begun.length}`),
    onBegun: () => void events.push(`begun ${begun.length}`),
    clock: systemClock,
  })
  while (events.at(-1) !== 'begun 1000') {
    await nextTurn()
    assert.ok(open.length <= 256)
    for (const settle of open.splice(0, 100)) settle()
  }
  for (const settle of open) settle()
  const { now, later, failed } = await pushing
  assert.deepEqual([now + later, failed, begun], [1000, [], ids(1000)])
  assert.deepEqual(events[0], 'flush 256')
})

test('whom a message did not get to is told, each with its reason', async () => {
  const failure = { ok: false, fault: 'unknown-client', reason: 'gone', mid: 'm' } as const
  const { failed, now } = await deliverToMany(ids(4), {
    deliver: async (client) => (client === 'c2' ? failure : sent('now')),
    flush() {},
    onBegun() {},
    clock: systemClock,
  })
  assert.deepEqual([now, failed], [3, [{ client: 'c2', fault: 'unknown-client', reason: 'gone' }]])
})

test('others have their turn while a message goes to thousands', async () => {
  let turns = 0
  const busy = (ms: number): void => {
    for (const end = performance.now() + ms; performance.now() < end; );
  }
  let isOver = false
  const pushing = deliverToMany(ids(500), {
    async deliver() {
      busy(0.1)
      return sent('now')
    },
    flush() {},
    onBegun() {},
    clock: systemClock,
  }).finally(() => {
    isOver = true
  })
  while (!isOver) {
    await nextTurn()
    turns++
  }
  await pushing
  assert.ok(turns >= 5, `${turns} turns in 50 ms`)
})
