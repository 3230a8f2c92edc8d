import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteEvent } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { createLog } from '../observe/log.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { createJournal } from './journal.ts'

const open = (kept: number) => {
  const lines: string[] = []
  const clock = createManualClock()
  const log = createLog('error', { write: (line: string) => void lines.push(line) })
  return { clock, lines, journal: createJournal({ kept, clock, log }) }
}
const forgotten = (service: string) => ({ kind: 'forgotten', service, reason: 'why not' }) as const

test('events are numbered, timed and told to whoever listens, in the turn they happen', () => {
  const { journal, clock } = open(10)
  const heard: SiteEvent[] = []
  const end = journal.onEvent((event) => heard.push(event))
  journal.say(forgotten('a'))
  clock.advance(50)
  journal.say(forgotten('b'))
  end()
  journal.say(forgotten('c'))
  assert.deepEqual(heard, [
    { id: 1, at: 1_000_000, ...forgotten('a') },
    { id: 2, at: 1_000_050, ...forgotten('b') },
  ])
  assert.equal(journal.latest, 3)
  assert.deepEqual(
    journal.after(1).map(({ id }) => id),
    [2, 3],
  )
  assert.deepEqual(journal.after(3), [])
  assert.deepEqual(
    journal.after(0, 2).map(({ id }) => id),
    [1, 2],
  )
})

test('a listener that throws hurts nobody, and is logged', () => {
  const { journal, lines } = open(10)
  const heard: number[] = []
  journal.onEvent(() => {
    throw new Error('no')
  })
  journal.onEvent(({ id }) => heard.push(id))
  journal.say(forgotten('a'))
  journal.say(forgotten('b'))
  assert.deepEqual(heard, [1, 2])
  assert.equal(lines.length, 2)
})

test('what a listener says, and who comes or goes while events are told, leaves the order to everybody', () => {
  const { journal } = open(10)
  const heard: number[] = []
  const end = journal.onEvent(({ id }) => {
    end()
    if (id === 1) journal.say(forgotten('b'))
  })
  journal.onEvent(({ id }) => heard.push(id))
  journal.say(forgotten('a'))
  assert.deepEqual(heard, [1, 2])
})

test('every reader hears of every event, or of how many it missed', () => {
  const step = fc.oneof(
    fc.record({ say: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ read: fc.integer({ min: 1, max: 8 }) }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 40 }), (kept, steps) => {
      const { journal } = open(kept)
      let place = 0
      let counted = 0
      const read = (most?: number) => {
        for (const event of journal.after(place, most)) {
          assert.ok(event.id > place, 'ids only grow')
          if (event.kind === 'missed') {
            assert.equal(event.id - place, event.count)
            assert.equal(event.id, journal.latest - kept)
            counted += event.count
          } else {
            assert.equal(event.id, place + 1)
            counted++
          }
          place = event.id
        }
      }
      for (const one of steps) {
        if ('say' in one) for (let i = 0; i < one.say; i++) journal.say(forgotten(`${i}`))
        else read(one.read)
      }
      read()
      assert.equal(place, journal.latest)
      assert.equal(counted, journal.latest)
    }),
  )
})

test('a reader goes on behind the event it had, and at the beginning after another start', () => {
  const { journal } = open(10)
  journal.say(forgotten('a'))
  journal.say(forgotten('b'))
  assert.equal(journal.placeOf(1, undefined), 1)
  assert.equal(journal.placeOf(1, journal.epoch), 1)
  assert.equal(journal.placeOf(1, 'another'), 0)
  assert.equal(journal.placeOf(3, undefined), 0, 'of an event that has not happened here')
})
