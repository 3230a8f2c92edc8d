import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createJournal } from '../../events/journal.ts'
import { createLog } from '../../observe/log.ts'
import { createManualClock } from '../../observe/manual-clock.ts'
import { createSiteEvents } from './site-events.ts'

function setUp(kept = 100) {
  const journal = createJournal({ kept, clock: createManualClock(), log: createLog('silent') })
  const events = createSiteEvents(journal)
  const say = (times: number) => {
    for (let i = 0; i < times; i++) journal.say({ kind: 'forgotten', service: `s${i}`, reason: 'why not' })
  }
  const open = (data: unknown) => {
    const items: any[] = []
    const source = events.stream(data, { next: (item) => items.push(item), end() {}, fail() {} })
    return { ...source, items, ids: () => items.slice(1).map(({ id }) => id) }
  }
  return { journal, events, say, open }
}

test('a service gets as many events as it asks for, and hears how many it missed', () => {
  const { say, open, journal } = setUp(5)
  const stream = open({})
  say(1)
  assert.deepEqual(stream.items, [])
  stream.request(3)
  assert.deepEqual(stream.items[0], { kind: 'hello', epoch: journal.epoch, latest: 1 })
  say(4)
  assert.deepEqual(stream.ids(), [1, 2])
  say(7)
  stream.request(100)
  assert.deepEqual(stream.ids(), [1, 2, 7, 8, 9, 10, 11, 12])
  assert.deepEqual(
    stream.items.filter(({ kind }) => kind === 'missed').map(({ count }) => count),
    [5],
  )
  stream.cancel()
  say(1)
  assert.equal(stream.ids().length, 8)
})

test('a service goes on where it was, or begins anew with another start of the gateway', () => {
  const { say, open, journal } = setUp()
  say(4)
  const { epoch } = journal
  const ids = (data: unknown) => {
    const stream = open(data)
    stream.request(100)
    stream.cancel()
    return stream.ids()
  }
  assert.deepEqual(ids({}), [])
  assert.deepEqual(ids(null), [])
  assert.deepEqual(ids({ after: 2, epoch }), [3, 4])
  assert.deepEqual(ids({ after: 2, epoch: 'another' }), [1, 2, 3, 4])
  assert.deepEqual(ids({ after: 9, epoch }), [1, 2, 3, 4])
})

test('what is no question is refused, and so is a channel that follows too often', () => {
  const { open, events, say } = setUp()
  for (const data of [{ after: -1 }, { after: '2' }, { after: 1.5 }, 'x', { epoch: 'x'.repeat(65) }])
    assert.throws(() => open(data), { code: 'HYDRA_BAD_REQUEST' })
  const streams = Array.from({ length: 8 }, () => open({}))
  assert.throws(() => open({}), { code: 'HYDRA_OVERLOADED' })
  streams[0]!.cancel()
  const last = open({})
  last.request(10)
  events.end()
  say(1)
  assert.deepEqual(last.ids(), [])
  assert.throws(() => createSiteEvents(undefined).stream({}, { next() {}, end() {}, fail() {} }), {
    code: 'HYDRA_NOT_IMPLEMENTED',
  })
})
