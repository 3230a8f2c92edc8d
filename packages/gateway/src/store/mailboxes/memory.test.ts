import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../../observe/manual-clock.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { mailboxContract } from './contract.ts'
import { createMemoryMailboxes, type MemoryMailboxesDeps } from './memory.ts'

mailboxContract('memory', async () => {
  const clock = createManualClock()
  const bus = createMemoryBus()
  const mailboxes = createMemoryMailboxes({ clock, bus })
  return { mailboxes, bus, again: async () => mailboxes, pass: async (ms) => clock.advance(ms) }
})

const LIMITS = { most: 10, mostBytes: 1000, keepMs: 1000 }

function boxes(more: Partial<MemoryMailboxesDeps> = {}) {
  const clock = createManualClock()
  const lines: string[] = []
  const log = { warn: (_: object, text: string) => lines.push(text) } as never
  const mailboxes = createMemoryMailboxes({ clock, log, ...more })
  const isThere = async (box: string) => (await mailboxes.read(box, undefined, 1)).epoch !== ''
  return { clock, lines, mailboxes, isThere }
}

test('of too many mailboxes those that were used the longest ago go, which is said once', async () => {
  const { mailboxes, isThere, lines } = boxes({ mostBoxes: 3 })
  for (const box of ['a', 'b', 'c']) await mailboxes.append(box, 'x', LIMITS)
  await mailboxes.open('a', 1000)
  await mailboxes.append('d', 'x', LIMITS)
  await mailboxes.append('e', 'x', LIMITS)
  assert.deepEqual(await Promise.all(['a', 'b', 'c', 'd', 'e'].map(isThere)), [
    true,
    false,
    false,
    true,
    true,
  ])
  assert.equal(lines.length, 1)
})

test('all mailboxes together hold no more bytes than they may', async () => {
  const { mailboxes, isThere } = boxes({ mostBytes: 1500 })
  const text = 'x'.repeat(600)
  for (const box of ['a', 'b', 'c']) await mailboxes.append(box, text, LIMITS)
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(isThere)), [false, true, true])
  await mailboxes.remove('b')
  await mailboxes.append('d', text, LIMITS)
  assert.deepEqual(await Promise.all(['c', 'd'].map(isThere)), [true, true])
})

test('mailboxes nobody comes back to don’t stay', async () => {
  const { clock, mailboxes } = boxes({ mostBytes: 5000 })
  for (let i = 0; i < 8; i++) {
    await mailboxes.append(`box-${i}`, 'x'.repeat(600), LIMITS)
    clock.advance(500)
  }
  const { epoch } = await mailboxes.read('box-7', undefined, 1)
  assert.notEqual(epoch, '')
})

test('how many mailboxes there are, and what they hold, is known', async () => {
  const { mailboxes } = boxes()
  await mailboxes.open('a', 1000)
  for (const text of ['one', 'two']) await mailboxes.append('b', text, { ...LIMITS, most: 2 })
  await mailboxes.append('b', 'four', { ...LIMITS, most: 2 })
  assert.deepEqual(mailboxes.usage?.(), { boxes: 2, messages: 2, bytes: 7 })
  await mailboxes.remove('b')
  assert.deepEqual(mailboxes.usage?.(), { boxes: 1, messages: 0, bytes: 0 })
})

test('memory: whoever makes many mailboxes and leaves them takes none away from those who are connected', async () => {
  const clock = createManualClock()
  const mailboxes = createMemoryMailboxes({ clock, mostBoxes: 10 })
  const limits = { most: 10, mostBytes: 1000, keepMs: 60_000 }
  const { epoch } = await mailboxes.open('ada', 60_000, { reader: 'node 1' })
  await mailboxes.append('ada', '"1"', limits)
  for (let i = 0; i < 100; i++) {
    await mailboxes.open(`stranger ${i}`, 60_000, { reader: `node ${i + 2}` })
    await mailboxes.leave(`stranger ${i}`, `node ${i + 2}`)
  }
  const read = await mailboxes.read('ada', undefined, 10)
  assert.equal(read.epoch, epoch)
  assert.equal(read.mail.length, 1)
  assert.equal(mailboxes.usage!().boxes, 10)
  // where all are read the oldest goes all the same
  for (let i = 0; i < 20; i++) await mailboxes.open(`reader ${i}`, 60_000, { reader: `node r${i}` })
  assert.equal(mailboxes.usage!().boxes, 10)
})
